"""A wine table with three planted leaks for exercise 01.5, for each student other ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from course_utils.checks.hidden import my_rng
from course_utils.data import red_wine_frame

__all__ = ["TARGET", "Planted", "leaky_wines", "plant"]

TARGET = "quality"
EXACT, ROUNDED = (15, 30), (15, 30)  # from how many to below how many copies
N_TRAIN, N_VALID = 800, 250


@dataclass(frozen=True, eq=False)
class Planted:
    """The two sets, and what was planted in them.

    Attributes
    ----------
    train, valid : pandas.DataFrame
        The grade, `quality`, and twelve measurements, `m1` to `m12`; each row has a number of its own as its label.
    exact, rounded : frozenset of int
        Labels of the validation wines that are copies of training wines.
    column : str
        The measurement that is the grade in disguise.
    """

    train: pd.DataFrame
    valid: pd.DataFrame
    exact: frozenset[int]
    rounded: frozenset[int]
    column: str


def leaky_wines(student: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and validation wines of a student, with the leaks that exercise 1.5 asks for.

    Parameters
    ----------
    student : int
        Student number.

    Returns
    -------
    tuple of pandas.DataFrame
        `train` and `valid`; see `Planted`.

    Raises
    ------
    ValueError
        If `student` is not a whole number, at least 0.
    """
    planted = plant(my_rng(student, exercise="01.5"))
    return planted.train, planted.valid


def plant(rng: np.random.Generator) -> Planted:
    """Split the wines, add the grade in disguise, and copy training wines into the validation set."""
    wines = red_wine_frame().drop_duplicates().sample(frac=1, random_state=int(rng.integers(2**31)))
    measured = wines.drop(columns=TARGET)
    disguise = rng.choice([-1, 1]) * wines[TARGET] + rng.normal(0, 0.15, len(wines))
    order = rng.permutation(12)
    table = measured.assign(disguise=disguise).iloc[:, order]
    table = (table - table.mean()) / table.std()  # so that one decimal means the same in each column
    column = f"m{int(np.argmax(order == 11)) + 1}"
    table.columns = [f"m{number}" for number in range(1, 13)]
    table.insert(0, TARGET, wines[TARGET])
    table.index = rng.choice(np.arange(1000, 9999), len(table), replace=False)

    train, valid = table.iloc[:N_TRAIN], table.iloc[N_TRAIN:]
    # No wine that happens to look like a copy stays.
    valid = valid[~_rounded(valid).isin(_rounded(train))]
    n_exact, n_rounded = int(rng.integers(*EXACT)), int(rng.integers(*ROUNDED))
    copies = train.iloc[rng.choice(N_TRAIN, n_exact + n_rounded, replace=False)].copy()
    copies.iloc[n_exact:, 1:] = copies.iloc[n_exact:, 1:].round(1)
    valid = valid.iloc[: N_VALID - len(copies)]
    labels = rng.choice(np.setdiff1d(np.arange(1000, 9999), table.index), len(copies), replace=False)
    copies.index = labels
    valid = pd.concat([valid, copies]).sample(frac=1, random_state=int(rng.integers(2**31)))
    exact, rounded = (frozenset(int(one) for one in part) for part in (labels[:n_exact], labels[n_exact:]))
    return Planted(train, valid, exact, rounded, column)


def _rounded(wines: pd.DataFrame) -> pd.MultiIndex:
    """What two wines share if one is a copy of the other, rounded or not."""
    return pd.MultiIndex.from_frame(wines.drop(columns=TARGET).round(1) + 0.0)  # -0.0 becomes 0.0
