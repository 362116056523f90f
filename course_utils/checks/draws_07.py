"""Stored learning curves over rows for exercise 07.2: 120 draws of digits, one network for each number of rows.

Each row of the table is a draw: other digits of 14 × 14 pixels in training and validation (2,000), other starting
weights. 64 units, ReLU, Adam at 0.003, batches of 32; 60, 50, 40, 30 and 25 epochs for 125 to 2,000 rows. Stored is the
lowest validation loss.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from course_utils.checks.hidden import my_rng

__all__ = ["ROWS", "TARGET", "draws", "other_draws"]

FILE = Path(__file__).with_name("draws_07.csv")
ROWS = [125, 250, 500, 1000]
TARGET = 2000
OPEN = 40  # the first ones; a student gets half of them, the check has the others


def draws(student: int) -> pd.DataFrame:
    """Twenty draws for this student.

    Parameters
    ----------
    student : int
        Student number.

    Returns
    -------
    pandas.DataFrame
        A row for each draw, a column for each number of rows: 125, 250, 500, 1000 and 2000.

    Raises
    ------
    ValueError
        If `student` is not a whole number, at least 0.
    """
    chosen = my_rng(student, exercise="07.2").choice(OPEN, size=20, replace=False)
    return _stored().iloc[sorted(chosen)].reset_index(drop=True)


def other_draws() -> pd.DataFrame:
    """The 80 draws that no student gets."""
    return _stored().iloc[OPEN:]


def _stored() -> pd.DataFrame:
    return pd.read_csv(FILE, index_col="draw").rename(columns=int)
