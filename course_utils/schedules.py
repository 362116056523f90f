"""Learning-rate schedules by name: Keras' own schedules, counted in epochs."""

from __future__ import annotations

import keras

from course_utils.validation import check_choice

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
        If the name is not one of `SCHEDULES`.
    """
    check_choice("schedule", name, SCHEDULES)
    decay, cosine = keras.optimizers.schedules.ExponentialDecay, keras.optimizers.schedules.CosineDecay
    warmup = max(1, epochs // 10)
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


def learning_rates(name: str, *, learning_rate: float, epochs: int) -> list[float] | None:
    """The rate of every epoch, or None for "on plateau", whose rates are not known beforehand."""
    schedule = epoch_schedule(name, learning_rate=learning_rate, epochs=epochs)
    if name == "on plateau":
        return None
    return [learning_rate if schedule is None else float(schedule(epoch)) for epoch in range(epochs)]


def schedule_callbacks(name: str, *, learning_rate: float, epochs: int) -> list[keras.callbacks.Callback]:
    """The callbacks that make `fit` or `model.fit` follow the schedule."""
    if name == "on plateau":
        return [keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=5)]
    schedule = epoch_schedule(name, learning_rate=learning_rate, epochs=epochs)
    if schedule is None:
        return []
    return [keras.callbacks.LearningRateScheduler(lambda epoch: float(schedule(epoch)))]
