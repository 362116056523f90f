"""Learning-rate schedules by name, counted in epochs: as objects of Keras, as rates and as callbacks."""

from __future__ import annotations

import course_utils.quiet  # first: TensorFlow's log lines stay out of the page

import keras
import numpy as np

from course_utils.validation import check_choice, check_integer, check_number

__all__ = ["SCHEDULES", "epoch_schedule", "learning_rates", "schedule_callbacks"]

SCHEDULES = (
    "constant",
    "halve every 5",
    "divide by 10 every 20",
    "exponential",
    "cosine",
    "on plateau",
    "warmup then cosine",
)


def epoch_schedule(
    name: str, *, learning_rate: float, epochs: int
) -> keras.optimizers.schedules.LearningRateSchedule | None:
    """The schedule as an object of Keras that maps an epoch (from 0) to a learning rate.

    Parameters
    ----------
    name : str
        One of `SCHEDULES`. "exponential" falls smoothly to 1 % of the rate, "cosine" to 0; "warmup then cosine" rises
        for the first tenth of the epochs and then does the same.
    learning_rate : float
        The highest rate of the schedule.
    epochs : int
        Length of the training.

    Returns
    -------
    keras.optimizers.schedules.LearningRateSchedule or None
        None for "constant" and for "on plateau", which depends on the training itself.

    Raises
    ------
    ValueError
        If the name is not one of `SCHEDULES`, or a number is out of range.
    """
    learning_rate, epochs = _checked(name, learning_rate, epochs)
    decay, cosine = keras.optimizers.schedules.ExponentialDecay, keras.optimizers.schedules.CosineDecay
    warmup = _warmup_epochs(epochs)
    if name == "halve every 5":
        return decay(learning_rate, decay_steps=5, decay_rate=0.5, staircase=True)
    if name == "divide by 10 every 20":
        return decay(learning_rate, decay_steps=20, decay_rate=0.1, staircase=True)
    if name == "exponential":
        return decay(learning_rate, decay_steps=epochs, decay_rate=0.01)
    if name == "cosine":
        return cosine(learning_rate, decay_steps=epochs)
    if name == "warmup then cosine":
        return cosine(
            learning_rate / 10, decay_steps=max(1, epochs - warmup), warmup_target=learning_rate, warmup_steps=warmup
        )
    return None


def learning_rates(name: str, *, learning_rate: float, epochs: int) -> np.ndarray | None:
    """The rate of every epoch: what `epoch_schedule` gives, to the precision of float32, without a call of Keras.

    Parameters
    ----------
    name, learning_rate, epochs
        As in `epoch_schedule`.

    Returns
    -------
    numpy.ndarray or None
        float32, shape (epochs,), epoch 0 first; None for "on plateau", whose rates are not known beforehand.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    learning_rate, epochs = _checked(name, learning_rate, epochs)
    if name == "on plateau":
        return None
    return _rates(name, np.arange(epochs), learning_rate, epochs).astype("float32")


def schedule_callbacks(name: str, *, learning_rate: float, epochs: int) -> list[keras.callbacks.Callback]:
    """The callbacks that make `fit` or `model.fit` follow the schedule."""
    learning_rate, epochs = _checked(name, learning_rate, epochs)
    if name == "on plateau":
        return [keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=5)]
    if name == "constant":
        return []
    return [keras.callbacks.LearningRateScheduler(lambda epoch: float(_rates(name, epoch, learning_rate, epochs)))]


def _checked(name: str, learning_rate: float, epochs: int) -> tuple[float, int]:
    check_choice("schedule", name, SCHEDULES)
    return check_number("learning_rate", learning_rate, above=0), check_integer("epochs", epochs, at_least=1)


def _rates(name: str, epoch: np.ndarray | int, peak: float, epochs: int) -> np.ndarray | float:
    """The rates of these epochs, which may lie behind the last one that was planned."""
    warmup = _warmup_epochs(epochs)
    if name == "halve every 5":
        return peak * 0.5 ** (epoch // 5)
    if name == "divide by 10 every 20":
        return peak * 0.1 ** (epoch // 20)
    if name == "exponential":
        return peak * 0.01 ** (epoch / epochs)
    if name == "cosine":
        return _cosine(epoch, peak, epochs)
    if name == "warmup then cosine":
        rising = peak / 10 + (peak - peak / 10) * epoch / warmup
        return np.where(epoch < warmup, rising, _cosine(epoch - warmup, peak, max(1, epochs - warmup)))
    return np.full(np.shape(epoch), peak)


def _cosine(epoch: np.ndarray | int, peak: float, epochs: int) -> np.ndarray | float:
    """Half a cosine from `peak` to 0 (Loshchilov & Hutter 2017, section 3, without restarts)."""
    return peak * (1 + np.cos(np.pi * np.minimum(epoch, epochs) / epochs)) / 2


def _warmup_epochs(epochs: int) -> int:
    return max(1, epochs // 10)
