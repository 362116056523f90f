"""`fit`: the numbers of `model.fit` without its waiting time, for data that fits into memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import keras

from course_utils.data import Dataset
from course_utils.training.alike import graph_key
from course_utils.training.cache import GRAPHS, bytes_of
from course_utils.training.epochs import (
    CompiledEpoch,
    TensorSets,
    batch_orders,
    check_compiled,
    create_variables,
    train_epochs,
)
from course_utils.validation import check_integer

__all__ = ["check_callbacks", "fit", "fit_tensors"]

BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
BATCH_HOOKS += ("on_test_batch_begin", "on_test_batch_end")


def fit(
    model: keras.Model,
    data: Dataset,
    *,
    epochs: int,
    batch_size: int = 32,
    callbacks: Iterable[keras.callbacks.Callback] | None = (),
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
    callbacks : iterable of keras.callbacks.Callback, optional
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
    return fit_tensors(
        model,
        TensorSets.of(data),
        epochs=epochs,
        batch_size=batch_size,
        callbacks=callbacks,
        shuffle=shuffle,
        seed=seed,
    )


def fit_tensors(
    model: keras.Model,
    sets: TensorSets,
    *,
    epochs: int,
    batch_size: int = 32,
    callbacks: Iterable[keras.callbacks.Callback] | None = (),
    shuffle: bool = True,
    seed: int = 0,
) -> keras.callbacks.History:
    """`fit` for those who hold tensors instead of a `Dataset`.

    Parameters
    ----------
    sets : TensorSets
        Training and validation rows; without validation rows, no validation takes place.
    model, epochs, batch_size, callbacks, shuffle, seed
        As in `fit`.
    """
    epochs = check_integer("epochs", epochs, at_least=1)
    batch_size = check_integer("batch_size", batch_size, at_least=1)
    callbacks = check_callbacks(callbacks)
    orders = batch_orders(len(sets.train[0]), shuffle=shuffle, seed=seed)
    check_compiled(model)
    create_variables(model, sets)
    key = graph_key(model, sets)
    size = bytes_of(sum(math.prod(variable.shape) for variable in model.variables), len(model.layers))
    with GRAPHS.borrow(key, dict, size=size) as graphs:
        epoch = CompiledEpoch(model, sets, graphs=graphs, is_mean=key is not None)
        return train_epochs(epoch, orders, epochs=epochs, batch_size=batch_size, callbacks=callbacks)


def check_callbacks(
    callbacks: Iterable[keras.callbacks.Callback] | keras.callbacks.Callback | None,
) -> list[keras.callbacks.Callback]:
    """Return the callbacks as a list, or raise `ValueError` if one of them wants to be called for every batch."""
    if isinstance(callbacks, keras.callbacks.Callback):
        callbacks = [callbacks]
    callbacks = list(callbacks or ())
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
    return callbacks


def _is_overridden(callback: keras.callbacks.Callback, name: str) -> bool:
    method: Callable = getattr(callback, name)
    return getattr(method, "__func__", method) is not getattr(keras.callbacks.Callback, name)
