"""Small networks, and comparisons of what training made of them."""

from types import SimpleNamespace

import keras
import numpy as np
from keras import layers


def network(*hidden, optimizer=None, loss="mae", metrics=None, seed=5, **options):
    """A compiled network with one output; the hidden layers come as functions, to be called after seeding."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((11,)), *(layer() for layer in hidden), layers.Dense(1)])
    model.compile(optimizer=optimizer or keras.optimizers.Adam(0.01), loss=loss, metrics=metrics, **options)
    return model


def dense():
    return layers.Dense(8, activation="relu")


def unchecked(data, **arrays):
    """Other arrays in the place of some of `data`, which a `Dataset` would convert or refuse."""
    return SimpleNamespace(**vars(data) | arrays)


def keras_fit(model, data, **options):
    validation = (data.x_valid, data.y_valid) if len(data.x_valid) else None
    return model.fit(data.x_train, data.y_train, validation_data=validation, shuffle=False, verbose=0, **options)


def assert_same_training(history, model, other_history, other_model):
    assert list(history.history) == list(other_history.history)
    for name, values in history.history.items():
        np.testing.assert_allclose(values, other_history.history[name], rtol=1e-5, atol=1e-5, err_msg=name)
    for ours, theirs in zip(model.get_weights(), other_model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
