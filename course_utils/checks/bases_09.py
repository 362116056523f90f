"""Bases for the exercises of lesson 09: networks with random weights, for what is checked does not depend on training.

Every layer starts at zero and gets its numbers from a generator, so that making one draws nothing from Keras' seeds.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable

import keras
import numpy as np

from course_utils.checks.verdict import Wrong

__all__ = [
    "SIX",
    "TOLERANCE",
    "below",
    "bump",
    "check_new_head",
    "is_norm",
    "numbers_of",
    "plain",
    "six_wide",
    "with_norm",
]

SIX = 6  # units of every layer of `six_wide`: a layer more or less does not show in the shape
TOLERANCE = 1e-4  # of float32


def _dense(units: int, activation: str | None = "tanh") -> keras.layers.Dense:
    return keras.layers.Dense(units, activation=activation, kernel_initializer="zeros")


def bump(model: keras.Model, rng: np.random.Generator) -> keras.Model:
    """Give a network random numbers everywhere, those of batch norm that are not trained too."""
    numbers = [rng.normal(size=tuple(w.shape)).astype("float32") for w in model.weights]
    # A variance is above 0.
    model.set_weights(
        [np.abs(n) + 0.5 if "variance" in w.path else n for n, w in zip(numbers, model.weights, strict=True)]
    )
    return model


def plain(rng: np.random.Generator, outputs: int = 3) -> keras.Model:
    """Three dense layers, of 5 inputs; 7 features."""
    return bump(keras.Sequential([keras.Input((5,)), _dense(6), _dense(7), _dense(outputs, None)]), rng)


def with_norm(rng: np.random.Generator, outputs: int = 4) -> keras.Model:
    """Two dense layers with batch norm, a third, and the head, of 5 inputs; 7 features."""
    layers = [keras.Input((5,))]
    for units in (6, 8):
        layers += [_dense(units, None), keras.layers.BatchNormalization(), keras.layers.Activation("tanh")]
    layers += [_dense(7), keras.layers.Dropout(0.5, seed=0), _dense(outputs, None)]
    return bump(keras.Sequential(layers), rng)


def six_wide(rng: np.random.Generator, dropout: float) -> keras.Model:
    """Every layer is six wide: Dense, batch norm, Dense, dropout, Dense, Dense."""
    layers = [_dense(SIX), keras.layers.BatchNormalization(), _dense(SIX)]
    layers += [keras.layers.Dropout(dropout, seed=0), _dense(SIX), _dense(SIX, None)]
    return bump(keras.Sequential([keras.Input((SIX,)), *layers]), rng)


def is_norm(layer: keras.layers.Layer) -> bool:
    """Whether a layer is batch normalization."""
    return isinstance(layer, keras.layers.BatchNormalization)


def below(base: keras.Model, x: np.ndarray, kept: int, *, training: bool = False) -> np.ndarray:
    """What the first `kept` layers give; in training mode they forget it, for batch norm's averages are put back."""
    before = base.get_weights()
    for layer in base.layers[:kept]:
        # `call`'s own argument: dense layers have none.
        modes = isinstance(layer, (keras.layers.BatchNormalization, keras.layers.Dropout))
        x = layer(x, training=training) if modes else layer(x)
    base.set_weights(before)
    return np.asarray(x)


def numbers_of(model: keras.Model) -> np.ndarray:
    """All weights in one row."""
    return np.concatenate([np.ravel(w) for w in model.get_weights()])


def quietly(check: Callable[..., str | None]) -> Callable[..., str | None]:
    """Run a check without warnings: Keras warns where `keras.Model(base.inputs, …)` is called, which is no mistake."""

    @functools.wraps(check)
    def checked(*answers: object) -> str | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return check(*answers)

    return checked


def check_new_head(
    model: object, name: str, features: np.ndarray, old: list, x: np.ndarray, classes: int, rng: np.random.Generator
) -> None:
    """Return if `model` is a frozen base under a new head of logits.

    Parameters
    ----------
    model : object
        What the student's function `name` returned.
    features : numpy.ndarray
        What the base gives below its head for `x`.
    old : list of numpy.ndarray
        Kernel and bias of the base's head.
    x : numpy.ndarray
    classes : int
        Of the new head.
    rng : numpy.random.Generator
        Of the weights that the new head gets here: if it started at zero, it would hide the features.

    Raises
    ------
    Wrong
        If it is not.
    """
    if not isinstance(model, keras.Model):
        raise Wrong(f"{name} returns {type(model).__name__}, not a network.", "Return the new keras.Sequential.")
    shape = np.asarray(model(x, training=False)).shape
    if shape != (len(x), classes):
        raise Wrong(
            f"With classes={classes} and {len(x)} rows the network gives the shape {shape}.",
            f"One number for each row and each new class: {(len(x), classes)}.",
        )
    width, weights = features.shape[1], model.trainable_weights
    shapes = [tuple(w.shape) for w in weights]
    count = sum(int(np.prod(shape)) for shape in shapes)
    if not weights:
        raise Wrong(
            "Nothing can learn. Which layer must stay trainable?", "Freeze the base's layers, not the new head."
        )
    if shapes[-2:] == [(len(old[1]), classes), (classes,)]:
        raise Wrong(
            "The new head stands on the base's old head. What does that know?",
            "Leave the last layer of the base out: base.layers[:-1].",
        )
    if sorted(shapes) != sorted([(width, classes), (classes,)]):
        more = "Set trainable = False for each layer of the base, and add Dense(classes)."
        raise Wrong(
            f"{count} numbers can learn; a dense head of {classes} units on {width} features has "
            f"{(width + 1) * classes}. What else learns, or is missing?",
            more,
        )
    kernel, bias = sorted(weights, key=lambda w: -len(w.shape))
    if tuple(kernel.shape) == old[0].shape and np.allclose(kernel, old[0]):
        raise Wrong("This head has the weights of the old one. Is it new?", "Add a new keras.layers.Dense(classes).")
    for weight in (kernel, bias):
        weight.assign(rng.normal(size=tuple(weight.shape)))
    found = np.asarray(model(x, training=False))
    logits = features @ np.asarray(kernel) + np.asarray(bias)
    if np.allclose(found, logits, atol=TOLERANCE):
        return
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    if np.allclose(found, powers / powers.sum(axis=1, keepdims=True), atol=TOLERANCE):
        raise Wrong(
            "The head gives probabilities. What does a loss with from_logits=True do to them?",
            "It takes the softmax once more. Give the head no activation.",
        )
    if np.allclose(found, np.maximum(logits, 0), atol=TOLERANCE):
        raise Wrong("The head cannot give numbers below 0. Are these logits?", "Give the head no activation.")
    raise Wrong(
        "Below its head the network does not give what the base gives there. Has it all layers, with learned weights?",
        "keras.models.clone_model starts new weights; use the base's layers themselves.",
    )
