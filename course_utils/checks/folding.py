"""Linear networks folded into one layer, and inputs that show where a network is not linear."""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
import numpy as np

from course_utils.checks.verdict import Wrong

__all__ = ["check_folded", "check_witness", "random_network"]


def random_network(rng: np.random.Generator, sizes: list[int], activation: str = "linear") -> keras.Sequential:
    """A dense network of these sizes whose biases are not 0."""
    layers = [keras.layers.Dense(units, activation=activation) for units in sizes[1:-1]]
    model = keras.Sequential([keras.Input((sizes[0],)), *layers, keras.layers.Dense(sizes[-1])])
    # Biases start at 0, where forgetting them would not show.
    model.set_weights([rng.normal(size=weights.shape) / math.sqrt(len(weights)) for weights in model.get_weights()])
    return model


def _folded(layers: list[tuple], bias_of: str = "all") -> tuple[np.ndarray, np.ndarray]:
    weights, bias = np.eye(len(layers[0][0])), np.zeros(len(layers[0][0]))
    for kernel, own in layers:
        weights = weights @ kernel
        bias = {"all": lambda: bias @ kernel + own, "last": lambda: own, "none": lambda: 0 * own}[bias_of]()  # noqa: B023
    return weights, bias


def check_folded(found: list[tuple]) -> None:
    """Return if every (W, b, layers) belongs together: W and b are those of all layers, one after the other.

    Raises
    ------
    Wrong
        If not, with a hint for what explains all of them.
    """

    def agree(right: Callable, part: int) -> bool:
        pairs = [(one[part], right(one[2])) for one in found]
        return all(a.shape == b.shape and np.allclose(a, b, atol=1e-4) for a, b in pairs)

    if agree(lambda layers: _folded(layers)[0].T, 0) and not agree(lambda layers: _folded(layers)[0], 0):
        raise Wrong("W lies on its side. Which shape has x @ W?", "W has a row for each input: (inputs, outputs).")
    if not agree(lambda layers: _folded(layers)[0], 0):
        raise Wrong(
            "W is not that of the whole network. In which order does an input meet the layers?",
            "x meets the first kernel first: W is W1 @ W2 @ …, in the order of model.layers.",
        )
    if agree(lambda layers: _folded(layers)[1], 1):
        return
    if agree(lambda layers: _folded(layers, "last")[1], 1):
        raise Wrong("b is that of the last layer. Where do the earlier biases go?", "The next kernel multiplies them.")
    if agree(lambda layers: _folded(layers, "none")[1], 1):
        raise Wrong("b is 0. What does the network answer to an input of zeros?", "Biases pass the later layers too.")
    raise Wrong(
        "W is right, b is not. What happens to the first bias in the second layer?",
        "b1 becomes b1 @ W2, then b2 is added: b = b1 @ W2 + b2, and so on.",
    )


def check_witness(model: keras.Model, a: np.ndarray, b: np.ndarray) -> None:
    """Return if the network is no straight line between two inputs, each of shape (1, inputs).

    Raises
    ------
    Wrong
        If it is one, or they do not fit.
    """
    if np.allclose(a, b):
        raise Wrong("fold is right. two_inputs returns the same input twice.", "Take two that differ.", points=1)
    if a.shape != b.shape or a.shape[1] != model.input_shape[1]:
        shape = f"({model.input_shape[1]},)"
        raise Wrong(f"fold is right. two_inputs returns inputs that do not fit: each has shape {shape}.", points=1)
    ends, middle = (np.asarray(model(x)) for x in (np.concatenate([a, b]), (a + b) / 2))
    gap = np.abs(middle - ends.mean(axis=0)).max()
    # Rounding alone gives 1e-6 of the size of the outputs; of 10,000 random pairs, none came below 2e-3.
    if not np.isfinite(gap) or gap <= 1e-4 * (np.abs(ends).max() + 1e-6):
        raise Wrong(
            "fold is right. Between your two inputs this network is one straight line. Does any ReLU switch there?",
            "Look for p and q between which sums change their sign: far from each other, in opposite directions.",
            points=1,
        )
