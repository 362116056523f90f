"""Gradients before training, in NumPy: twenty networks in the time that Keras needs for one."""

from __future__ import annotations

import functools
from itertools import pairwise

import numpy as np

from course_utils.data import load_mnist

__all__ = ["ACTIVATIONS", "gradient_ratio"]

ACTIVATIONS = {  # the function, and its slope as a function of its value
    "sigmoid": (lambda sums: 1 / (1 + np.exp(-sums)), lambda values: values * (1 - values)),
    "tanh": (np.tanh, lambda values: 1 - values**2),
    "relu": (lambda sums: np.maximum(sums, 0), lambda values: values > 0),
}
UNITS, ROWS = 64, 256


def gradient_ratio(activation: str, depth: int, rng: np.random.Generator) -> float:
    """Spread of the loss's slopes in the first layer's weights, by that in the last layer's, before training.

    Parameters
    ----------
    activation : str
        One of `ACTIVATIONS`.
    depth : int
        Hidden layers of 64 units, started as Glorot & Bengio (2010) say.
    rng : numpy.random.Generator
        Of the starting weights.
    """
    x, y = _digits()
    function, slope = ACTIVATIONS[activation]
    sizes = [x.shape[1], *[UNITS] * depth, 10]
    limits = [np.sqrt(6 / (n + m)) for n, m in pairwise(sizes)]
    weights = [rng.uniform(-limit, limit, shape) for limit, shape in zip(limits, pairwise(sizes), strict=True)]
    values = [x]
    for weight in weights[:-1]:
        values.append(function(values[-1] @ weight))
    logits = values[-1] @ weights[-1]
    beliefs = np.exp(logits - logits.max(axis=1, keepdims=True))
    signal = beliefs / beliefs.sum(axis=1, keepdims=True)
    signal[np.arange(len(y)), y] -= 1
    last = (values[-1].T @ signal).std()
    for weight, value in zip(weights[:0:-1], values[:0:-1], strict=True):
        signal = signal @ weight.T * slope(value)
    return float((x.T @ signal).std() / last)


@functools.lru_cache(maxsize=1)
def _digits() -> tuple[np.ndarray, np.ndarray]:
    data = load_mnist(n_train=ROWS, n_valid=1000, n_test=0)
    return data.x_train.astype(float), data.y_train
