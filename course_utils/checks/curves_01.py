"""Eight pairs of stored curves for exercise 01.2, in an order of each student's own, and what is true of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from course_utils.checks.hidden import my_rng

__all__ = ["FILE", "LETTERS", "OUTCOMES", "PAIRS", "curve_pairs", "outcome_of"]

FILE = Path(__file__).with_name("curves_01.csv")  # by authoring/stored_curves.py
LETTERS = "ABCDEFGH"
OUTCOMES = ("underfits", "still improves", "overfits", "leaks", "cannot tell")

# What each pair is. Where training stays above validation, the two are not measured alike, or on labels that are not
# alike: the curves alone cannot tell how well the network fits.
PAIRS = {
    "decay 10": "underfits",
    "decay 30": "underfits",
    "rate too small": "still improves",
    "64 units": "overfits",
    "64 units, wrong labels": "overfits",
    "validation copied": "leaks",
    "dropout": "cannot tell",
    "decay 10, wrong labels": "cannot tell",
}


def curve_pairs(student: int) -> dict[str, pd.DataFrame]:
    """Eight trainings on digits, in this student's order.

    Parameters
    ----------
    student : int
        Student number.

    Returns
    -------
    dict of str to pandas.DataFrame
        "A" to "H": the columns `loss` (training) and `val_loss`, by epoch.

    Raises
    ------
    ValueError
        If `student` is not a whole number, at least 0.
    """
    stored = pd.read_csv(FILE).set_index("epoch")
    chosen = {}
    for letter, (pair, seed) in _order(student).items():
        rows = stored[(stored["pair"] == pair) & (stored["seed"] == seed)]
        chosen[letter] = rows[["loss", "val_loss"]]
    return chosen


def outcome_of(student: int) -> dict[str, str]:
    """What is true of each of this student's pairs."""
    return {letter: PAIRS[pair] for letter, (pair, _) in _order(student).items()}


def _order(student: int) -> dict[str, tuple[str, int]]:
    """The pair and the seed behind each letter."""
    rng = my_rng(student, exercise="01.2")
    pairs = rng.permutation(list(PAIRS))
    return {letter: (str(pair), int(rng.integers(3))) for letter, pair in zip(LETTERS, pairs, strict=True)}
