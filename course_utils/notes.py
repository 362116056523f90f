"""What was done to a table, in sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from course_utils.columns import MISSING, is_number, numbers_the_rows, shortened
from course_utils.steps import Arrays, Plan

__all__ = ["MOST_CLASSES", "class_name", "notes_on", "scale_advice"]

MOST_CLASSES = 100  # there can be
USUAL_DEVIATION = (0.03, 30.0)  # of a target: outputs start near 0, and Adam at 0.001 moves a weight by 0.001 a step


def notes_on(
    frame: pd.DataFrame, cleaned: pd.DataFrame, plan: Plan, made: Arrays, *, drop: tuple[str, ...], is_given: bool
) -> tuple[str, ...]:
    """What was done, a sentence each.

    Parameters
    ----------
    frame, cleaned : pandas.DataFrame
        Before and after `steps.clean`.
    plan, made
        What was to be done, and what came of it.
    drop : tuple of str
        Columns that were left out because somebody asked for it.
    is_given : bool
        Whether somebody chose the task.
    """
    target, numbers = plan.target, plan.numbers
    notes = [f"The table has {len(frame):,} rows and {frame.shape[1] - 1:,} columns besides the target {target!r}."]
    constant = plan.dropped[len(drop) :]
    if drop:
        notes.append(f"Left out as you asked: {shortened(drop)}.")
    if constant:
        notes.append(f"Left out, because every row has the same value: {shortened(constant)}.")
    if copies := len(frame) - len(cleaned):
        notes.append(
            f"Exact copies of other rows, dropped before the split: {copies:,}; {len(cleaned):,} rows are left. "
            "keep_copies=True keeps them, if they are different examples."
        )
    for name in numbers:
        if numbers_the_rows(frame[name]):
            notes.append(f"Is {name!r} the number of a row? Such a column teaches nothing: drop=[{name!r}].")
    notes += _of_task(frame[target], plan, made, is_given=is_given)
    if numbers:
        notes.append(f"Numbers standardized by the training rows: {len(numbers):,} columns.")
    gaps = {name: int(frame.loc[cleaned.index, name].isna().sum()) for name in (*numbers, *plan.categories)}
    if filled := [f"{name} ({gaps[name]:,})" for name in numbers if gaps[name]]:
        notes.append(
            f"Missing numbers became the median of the training rows, and a column '… {MISSING}' says where: "
            f"{shortened(filled)}."
        )
    if plan.categories:
        sizes = [f"{name} ({cleaned[name].nunique()})" for name in plan.categories]
        notes.append(f"One column for each text that the training rows have: {shortened(sizes)}.")
    if named := [f"{name} ({gaps[name]:,})" for name in plan.categories if gaps[name]]:
        notes.append(f"Missing texts became the text {MISSING!r}: {shortened(named)}.")
    return tuple(notes)


def scale_advice(column: pd.Series) -> str:
    """What to do about a target of regression whose numbers are too large or too small to be learned; or nothing."""
    deviation = float(column.astype("float64").std())
    if USUAL_DEVIATION[0] <= deviation <= USUAL_DEVIATION[1]:
        return ""
    name, power = column.name, int(np.round(np.log10(deviation)))
    return (
        f"Networks start with outputs near 0 and reach such numbers late. Change the unit: "
        f"frame[{name!r}] = frame[{name!r}] / 1e{power}."
    )


def class_name(value: object) -> str:
    """How a class is called: whole numbers without a decimal point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _of_task(column: pd.Series, plan: Plan, made: Arrays, *, is_given: bool) -> list[str]:
    """What was made of the target, and the split."""
    if plan.task == "regression":
        notes = [f"Regression: the mean of the training rows, {made.target_mean:.4g}, was subtracted from the target."]
        if advice := scale_advice(column):
            notes.append(f"The deviation of the target is {column.astype('float64').std():.3g}. {advice}")
    else:
        names = [class_name(value) for value in made.classes]
        is_same = names == [str(i) for i in range(len(names))]
        listed = shortened(names if is_same else [f"{i} = {name}" for i, name in enumerate(names)], 10)
        notes = [f"Classification with {len(names)} classes: {listed}."]
    if not is_given and is_number(column) and column.nunique() <= MOST_CLASSES:
        other = "classification" if plan.task == "regression" else "regression"
        notes.append(f'The task was chosen by the values of the target; task="{other}" chooses the other one.')
    rows = [len(made.sets[f"y_{part}"]) for part in ("train", "valid", "test")]
    same = ", with equal shares of the classes" if plan.task == "classification" else ""
    sizes = "{:,} training, {:,} validation, {:,} test rows".format(*rows)
    return [*notes, f"Split by chance (seed {plan.seed}){same}: {sizes}."]
