"""`fit`: the numbers of `model.fit` without its waiting time, for data that fits into memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras

from course_utils.data import Dataset
from course_utils.training.epochs import CompiledEpoch, batch_orders, train_epochs
from course_utils.validation import check_integer

__all__ = ["check_callbacks", "fit"]

BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
BATCH_HOOKS += ("on_test_batch_begin", "on_test_batch_end")


def fit(
    model: keras.Model,
    data: Dataset,
    *,
    epochs: int,
    batch_size: int = 32,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    shuffle: bool = True,
    seed: int = 0,
) -> keras.callbacks.History:
    """Train a compiled model on `data.x_train`, validating on `data.x_valid` after every epoch.

    Gives the numbers of `model.fit(..., shuffle=False)` up to rounding, a smaller last batch included. With
    `shuffle=True` the order of the batches comes from a generator of its own (`batch_orders`), where `model.fit` uses
    another; both are equally random.

    Parameters
    ----------
    model : keras.Model
        Compiled, with one input and one output.
    data : Dataset
        Without validation rows, no validation takes place.
    epochs, batch_size : int
        At least 1.
    callbacks : sequence of keras.callbacks.Callback
        Called at the beginning and end of training, epochs and validations: `EarlyStopping`, `ReduceLROnPlateau`,
        `LearningRateScheduler`, `ModelCheckpoint`, your own, …
    shuffle : bool
        Draw a new order of the training rows for every epoch.
    seed : int
        Of that order; the starting weights and dropout have their own (`keras.utils.set_random_seed`).

    Returns
    -------
    keras.callbacks.History
        `history.history[name]` is a list with one float per epoch.

    Raises
    ------
    ValueError
        If the model is not compiled, an argument is out of range, or a callback works batch by batch.
    """
    epochs = check_integer("epochs", epochs, at_least=1)
    batch_size = check_integer("batch_size", batch_size, at_least=1)
    callbacks = check_callbacks(callbacks)
    graphs = CompiledEpoch(model, data)
    orders = batch_orders(len(data.x_train), shuffle=shuffle, seed=seed)
    return train_epochs(graphs, orders, epochs=epochs, batch_size=batch_size, callbacks=callbacks)


def check_callbacks(callbacks: Sequence[keras.callbacks.Callback]) -> list[keras.callbacks.Callback]:
    """Return the callbacks as a list, or raise `ValueError` if one of them wants to be called for every batch."""
    if isinstance(callbacks, keras.callbacks.Callback):
        callbacks = [callbacks]
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise ValueError(
                f"callbacks holds {callback!r}, which is no keras.callbacks.Callback. Pass a list of callback objects."
            )
        # ModelCheckpoint has a batch hook, which does nothing when it saves by the epoch.
        if getattr(callback, "save_freq", None) == "epoch":
            continue
        hooks = [name for name in BATCH_HOOKS if _is_overridden(callback, name)]
        if hooks:
            raise ValueError(
                f"{type(callback).__name__} works batch by batch ({', '.join(hooks)}), but course_utils.training.fit "
                "runs a whole epoch as one graph and can only call back between epochs. "
                "Use a callback that works by the epoch, or train with model.fit."
            )
    return list(callbacks)


def _is_overridden(callback: keras.callbacks.Callback, name: str) -> bool:
    method: Callable = getattr(callback, name)
    return getattr(method, "__func__", method) is not getattr(keras.callbacks.Callback, name)
