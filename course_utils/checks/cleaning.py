"""Exercise 10.1: a table with six planted faults."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from course_utils.checks.cars_10 import TARGET, UNKNOWN, plant_faults
from course_utils.checks.hidden import hidden_rng
from course_utils.checks.verdict import NotYet, Wrong, graded

__all__ = ["cleaned"]

FAULTY = ("Number", "Wheels", "Litres_per_100km")
FAULTS = 6


@graded(of=2, praise="All six faults are gone, and nothing that was innocent.")
def cleaned(clean: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Exercise 10.1: rows and columns that must not reach a network; each fault that is gone earns its share."""
    if not callable(clean):
        raise Wrong(f"clean is {clean!r}, not a function.", "Write it as: def clean(frame):")
    rng = hidden_rng("10.1")
    for _ in range(3):
        frame = plant_faults(rng)
        given = frame.copy()
        found = clean(given)
        if found is None or found is ...:
            raise NotYet
        if not isinstance(found, pd.DataFrame) or TARGET not in found.columns:
            raise Wrong(f"clean returns no table with the column {TARGET}.", "At its end: return frame")
        _check_innocent(frame, found)
        left = _faults(frame, found)
        if left:
            hint, more = left[0]
            points = 2 * (FAULTS - len(left)) / FAULTS
            raise Wrong(f"{FAULTS - len(left)} of {FAULTS} faults are gone. {hint}", more, points=round(points, 2))


def _check_innocent(frame: pd.DataFrame, found: pd.DataFrame) -> None:
    missing = [name for name in frame.columns if name not in found.columns and name not in FAULTY]
    if missing:
        raise Wrong(
            f"The column {missing[0]} is gone. What is wrong with it?",
            "Leave out only what numbers the rows, never changes, or is known only after the target.",
        )
    wanted = _key(_right_rows(frame))
    if wanted - _key(found):
        raise Wrong(
            f"{len(wanted - _key(found))} good cars are gone, or their numbers changed. Which rows must go?",
            "Rows without a target, and second copies. A car without horsepower stays: later it gets the median of "
            "the training rows.",
        )


def _faults(frame: pd.DataFrame, found: pd.DataFrame) -> list[tuple[str, str]]:
    left = []
    if found[TARGET].isna().any():
        left.append(("Some rows have no target. Can they be scored?", f"frame.dropna(subset={TARGET!r})"))
    names = [name for name in found.columns if name != "Number"]
    if found.duplicated(names).any():
        left.append(
            (
                "Some cars stand in it twice. Why does duplicated() miss them?",
                "The number of the row differs: leave that column out before you look for copies.",
            )
        )
    if (found["Horsepower"] == UNKNOWN).any():
        left.append(
            (
                "Look at the lowest values of each column. Can a car have them?",
                "Horsepower -1 means unknown: replace it by np.nan. Do not fill it yet.",
            )
        )
    elif found["Horsepower"].isna().sum() < (_right_rows(frame)["Horsepower"].isna()).sum():
        left.append(
            (
                "Unknown horsepower was filled. From which rows, and is the table split already?",
                "Leave np.nan: the filler is fitted on training rows, after the split.",
            )
        )
    if "Number" in found.columns:
        left.append(("One column only numbers the rows.", "It tells nothing about the next car: drop it."))
    if "Wheels" in found.columns:
        left.append(("One column is the same in all rows.", "frame.nunique() shows it: drop it."))
    if "Litres_per_100km" in found.columns:
        left.append(
            (
                "One column is known only together with the target. Which one goes with it nearly perfectly?",
                "Litres per 100 km are miles per gallon the other way round: drop it.",
            )
        )
    return left


def _right_rows(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame.dropna(subset=TARGET).drop(columns=list(FAULTY)).drop_duplicates()
    return kept.assign(Horsepower=kept["Horsepower"].replace(UNKNOWN, np.nan))


def _key(frame: pd.DataFrame) -> set[tuple]:
    """The cars of a table by what no cleaning may change."""
    columns = ["Name", TARGET, "Weight_in_lbs", "Acceleration", "Displacement", "Year"]
    return set(frame[columns].itertuples(index=False, name=None))
