"""Four augmentations without names for exercise 07.4, in an order of each student's own; two of them lie."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.checks.hidden import my_rng
from course_utils.checks.pictures import SIDE

__all__ = ["LETTERS", "kinds_of", "mysteries"]

LETTERS = "ABCD"
SLIPPING = 0.5  # share of copies that get any label

Augment = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


def mysteries(student: int) -> dict[str, Augment]:
    """Four augmentations of pictures with 14 × 14 pixels.

    Parameters
    ----------
    student : int
        Student number.

    Returns
    -------
    dict of str to callable
        "A" to "D". Each gets `x` (rows, 196), `y` (rows,) and a generator, and returns a changed copy of both.

    Raises
    ------
    ValueError
        If `student` is not a whole number, at least 0.
    """
    return {letter: _WAYS[kind] for letter, kind in kinds_of(student).items()}


def kinds_of(student: int) -> dict[str, str]:
    """What each of this student's augmentations does: "shift" and "slant" keep the label, "flip" and "slip" do not."""
    order = my_rng(student, exercise="07.4").permutation(list(_WAYS))
    return dict(zip(LETTERS, map(str, order), strict=True))


def _shift(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Move each picture by up to a pixel in both directions."""
    padded = np.pad(x.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)))
    down, right = rng.integers(0, 3, size=(2, len(x)))
    pixels = np.arange(SIDE)
    rows, columns = down[:, None, None] + pixels[:, None], right[:, None, None] + pixels
    return padded[np.arange(len(x))[:, None, None], rows, columns].reshape(x.shape), y.copy()


def _slant(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Lean each picture to the left or right: its upper rows go one way, its lower rows the other."""
    padded = np.pad(x.reshape(-1, SIDE, SIDE), ((0, 0), (0, 0), (2, 2)))
    lean = rng.uniform(-1.5, 1.5, size=len(x))
    pixels = np.arange(SIDE)
    moved = np.rint(lean[:, None] * np.linspace(-1, 1, SIDE)).astype(int)  # (rows, rows of pixels)
    columns = 2 + moved[:, :, None] + pixels
    return padded[np.arange(len(x))[:, None, None], pixels[:, None], columns].reshape(x.shape), y.copy()


def _flip(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Put half of the pictures upside down."""
    turned = x.reshape(-1, SIDE, SIDE)[:, ::-1].reshape(x.shape)
    return np.where(rng.random((len(x), 1)) < 0.5, turned, x), y.copy()


def _slip(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Move each picture as `_shift` does, but let many labels slip to those of other digits."""
    moved, labels = _shift(x, y, rng)
    slips = rng.random(len(y)) < SLIPPING
    labels[slips] = rng.integers(0, 10, size=slips.sum())
    return moved, labels


_WAYS: dict[str, Augment] = {"shift": _shift, "slant": _slant, "flip": _flip, "slip": _slip}
