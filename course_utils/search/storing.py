"""A trained network as bytes: its weights and its optimizer's values, for the network that `build_model` makes again.

Keras can write a whole network, too, but reads none that has a loss, a layer or a function of one's own.
"""

from __future__ import annotations

import course_utils.quiet  # first: TensorFlow's log lines stay out of the page
import tempfile
from pathlib import Path
from typing import NamedTuple

import keras

__all__ = ["StoredNetwork", "restore", "store"]


class StoredNetwork(NamedTuple):
    """What `restore` needs."""

    weights: bytes  # a file of Keras, optimizer included
    shapes: list[tuple[int, ...]]  # of weights and optimizer values, in their order


def store(model: keras.Model) -> StoredNetwork:
    """What `model` has learned."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.weights.h5"
        model.save_weights(path)
        return StoredNetwork(path.read_bytes(), _shapes(model))


def restore(model: keras.Model, stored: StoredNetwork) -> None:
    """Give a newly built network what the stored one had learned.

    Raises
    ------
    ValueError
        If its weights, or its optimizer's values, have other shapes.
    """
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    if _shapes(model) != stored.shapes:
        raise ValueError(
            f"build_model makes another network than the one that was trained: its weights and its optimizer's values "
            f"have the shapes {_shapes(model)}, and had {stored.shapes}. Define build_model as it was, and read the "
            "estimator again."
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.weights.h5"
        path.write_bytes(stored.weights)
        model.load_weights(path)


def _shapes(model: keras.Model) -> list[tuple[int, ...]]:
    return [tuple(variable.shape) for variable in (*model.weights, *model.optimizer.variables)]
