"""Digits of 14 × 14 pixels for the exercises: small enough that a training takes a second."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from course_utils import plots
from course_utils.data import Dataset, load_mnist

__all__ = ["SIDE", "draw", "small_pictures"]

SIDE = 14  # pixels


def small_pictures(
    n_train: int = 500, n_valid: int = 500, n_test: int = 500, *, label_noise: float = 0.0, seed: int = 0
) -> Dataset:
    """Digits whose pixels are the means of 2 × 2 of MNIST's.

    Parameters
    ----------
    n_train, n_valid, n_test, label_noise, seed
        As in `data.load_mnist`.

    Returns
    -------
    Dataset
        Inputs of shape (rows, 196).
    """
    return _shrunk(n_train, n_valid, n_test, label_noise, seed)


@functools.lru_cache(maxsize=16)
def _shrunk(n_train: int, n_valid: int, n_test: int, label_noise: float, seed: int) -> Dataset:
    data = load_mnist(n_train=n_train, n_valid=n_valid, n_test=n_test, label_noise=label_noise, seed=seed)
    parts = {name: getattr(data, name).reshape(-1, SIDE, 2, SIDE, 2) for name in ("x_train", "x_valid", "x_test")}
    return replace(data, **{name: x.mean(axis=(2, 4)).reshape(-1, SIDE * SIDE) for name, x in parts.items()})


def draw(x: np.ndarray, *, columns: int) -> np.ndarray:
    """Show pictures of 14 × 14 pixels, flat or not, `columns` in a row; return the axes, shape (rows, columns)."""
    pictures = np.asarray(x).reshape(-1, SIDE, SIDE)
    return plots.digits(pictures.repeat(2, axis=1).repeat(2, axis=2), columns=columns)
