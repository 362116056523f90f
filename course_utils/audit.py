"""`audit`: what is wrong with a table, before anything is trained on it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors
from sklearn.tree import DecisionTreeClassifier

from course_utils.columns import as_number, as_text, is_number, kind_of, numbers_the_rows
from course_utils.notes import class_name, scale_advice
from course_utils.tables import check_columns, task_of

__all__ = ["audit"]

COLUMNS = ("column", "found", "what to do")
WHOLE = "(rows)"  # stands for the column where a finding concerns whole rows
MOST_ROWS = 5_000  # that near copies are looked for among
ENOUGH_ROWS = 2_000  # to see whether a column predicts the target
NEAR, NEAR_IN_FEW = 0.01, 0.001  # standard deviations by which every number of a near copy may differ
FEW_COLUMNS = 3  # in which rows come close by chance
LEAK = {"regression": 0.1, "classification": 0.05}  # share of the error of guessing that is left with one column
FEW_OF_A_CLASS, SKEWED, ONE_CLASS = 10, 1.0, 0.9

Finding = tuple[str, str, str]


def audit(frame: pd.DataFrame, *, target: str, task: str | None = None) -> pd.DataFrame:
    """What a table should be asked before a network is trained on it; nothing is changed.

    Looked for are copies of rows, near copies (every number within 0.01 standard
    deviations, all texts equal), equal
    inputs with different targets, columns that are constant, that number the rows, that have missing values or cannot
    be used, a column that alone predicts the target, classes with fewer than ten rows, and a target that is skewed. In
    a large table, near copies are looked for among 5,000 rows, and predicting columns by means of 2,000.

    Parameters
    ----------
    frame : pandas.DataFrame
        One example per row.
    target : str
        The column to predict.
    task : {"regression", "classification"} or None
        None decides as `Dataset.from_frame`.

    Returns
    -------
    pandas.DataFrame
        One finding per row: the column, what was found, and what to do. Empty if nothing was found.

    Raises
    ------
    ValueError
        If `target` is no column of the table.

    Examples
    --------
    >>> audit(pd.read_csv("flats.csv"), target="rent")  # doctest: +SKIP
    """
    frame, target, _ = check_columns(frame, target)
    if not len(frame):
        return pd.DataFrame([(WHOLE, "the table has no rows", "Look at the file it came from.")], columns=list(COLUMNS))
    usable = _usable(frame, target)
    findings = [
        *_of_rows(frame, usable, target),
        *_of_columns(frame, target),
        *_of_target(frame, target, task),
        *_leaks(frame, usable, target, task),
    ]
    return pd.DataFrame(findings, columns=list(COLUMNS))


def _usable(frame: pd.DataFrame, target: str) -> pd.DataFrame:
    """The inputs as numbers: texts numbered, gaps filled, standardized; without those that number the rows."""
    numbers = {}
    for name in frame.columns.drop(target):
        column = frame[name]
        if is_number(column) and not numbers_the_rows(column):
            values = as_number(column).replace([np.inf, -np.inf], np.nan)
            values = (values - values.mean()) / (values.std(ddof=0) or 1.0)
            numbers[name] = values.fillna(-100.0)  # far from everything, but not from another gap
        elif not is_number(column) and not numbers_the_rows(column):
            numbers[name] = pd.Series(pd.factorize(as_text(column), sort=True)[0], dtype="float64")
    return pd.DataFrame(numbers, index=frame.index)


def _comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with texts in the place of whatever is no number."""
    return pd.DataFrame({name: frame[name] if is_number(frame[name]) else as_text(frame[name]) for name in frame})


def _of_rows(frame: pd.DataFrame, usable: pd.DataFrame, target: str) -> Iterator[Finding]:
    """Copies, near copies, and equal inputs with different targets."""
    texts = _comparable(frame)
    copies = texts.duplicated()
    drop_them = "from_frame drops them; keep_copies=True, if they are different examples."
    if copies.any():
        yield WHOLE, f"exact copies of other rows: {copies.sum():,}", drop_them
    names = [name for name in frame.columns if name in usable or name == target]
    hidden = texts[names].duplicated() & ~copies
    if len(names) < len(frame.columns) and hidden.any():
        ids = ", ".join(repr(name) for name in frame.columns if name not in names)
        yield WHOLE, f"copies of other rows, but for {ids}: {hidden.sum():,}", f"Drop the column, too: drop=[{ids}]."
    if usable.empty:
        return
    once = ~texts[names].duplicated()
    inputs = usable[once]
    torn = inputs.duplicated(keep=False)
    if torn.any():
        advice = "A network cannot tell them apart: look for a column that is missing, or for errors."
        yield WHOLE, f"rows with the inputs of another row, but another target: {torn.sum():,}", advice
    inputs = inputs.drop_duplicates()
    near = _near_copies(inputs.sample(min(len(inputs), MOST_ROWS), random_state=0).to_numpy())
    if near:
        among = f" among {MOST_ROWS:,}" if len(inputs) > MOST_ROWS else ""
        advice = "If they are the same thing measured twice, keep one of each, or all in one set (GroupShuffleSplit)."
        yield WHOLE, f"rows{among} that are almost copies of another one: {near:,}", advice


def _near_copies(x: np.ndarray) -> int:
    """How many rows have another one that is near in every column."""
    if len(x) < 2:
        return 0
    _, neighbours = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(x).kneighbors(x)
    others = np.where(neighbours[:, 0] == np.arange(len(x)), neighbours[:, 1], neighbours[:, 0])
    nearness = NEAR if x.shape[1] > FEW_COLUMNS else NEAR_IN_FEW
    return int((np.abs(x - x[others]).max(axis=1) <= nearness).sum())


def _of_columns(frame: pd.DataFrame, target: str) -> Iterator[Finding]:
    """Constant and empty columns, numbers of rows, missing values, and what `Dataset.from_frame` refuses."""
    for name in frame.columns.drop(target):
        column, missing = frame[name], int(frame[name].isna().sum())
        if missing == len(column):
            yield name, "has no value at all", "from_frame leaves it out."
            continue
        if (column if is_number(column) else as_text(column)).nunique(dropna=False) == 1:
            yield name, f"is constant: {column.iloc[0]!s}", "from_frame leaves it out."
            continue
        if missing:
            share, advice = missing / len(column), "from_frame fills it and adds a column that says where."
            if share > 0.5:
                advice += " More gaps than values: try without it, too."
            yield name, f"{missing:,} values are missing ({share:.0%})", advice
        if numbers_the_rows(column):
            yield name, "has another value in every row, like a number or a name of the row", f"drop=[{name!r}]"
            continue
        try:
            kind = kind_of(column)
        except ValueError as error:
            found, _, advice = str(error).partition(". ")
            yield name, found.removeprefix(f"The column {name!r} "), advice
            continue
        if kind == "category":
            texts = as_text(column)
            different, alike = texts.nunique(), texts.str.strip().str.casefold().nunique()
            if alike < different:
                advice = f"frame[{name!r}] = frame[{name!r}].str.strip().str.lower()"
                yield name, f"{different - alike} texts differ from another by spaces or capitals only", advice


def _of_target(frame: pd.DataFrame, target: str, task: str | None) -> Iterator[Finding]:
    """Missing targets, rare classes, and skew."""
    column, missing = frame[target], int(frame[target].isna().sum())
    if missing:
        yield target, f"the target is missing in {missing:,} rows", f"frame.dropna(subset=[{target!r}])"
    present = column.dropna()
    values = present if is_number(present) else as_text(present)
    if values.nunique() < 2:
        yield target, "the target is the same in every row", "There is nothing to predict: choose another column."
    elif (task or task_of(column)) == "classification":
        counts = values.value_counts()
        for value, count in counts[counts < FEW_OF_A_CLASS].items():
            advice = "Join it with another class, or find more rows; what is said of it is luck."
            yield target, f"the class {class_name(value)!r} has {count} rows", advice
        if counts.iloc[0] > ONE_CLASS * len(values):
            found = f"{counts.iloc[0] / len(values):.0%} of the rows are {class_name(counts.index[0])!r}"
            yield target, found, "Guessing is right as often: judge by the rows of the other classes."
    elif is_number(present):
        skew = float(as_number(present).skew())
        if abs(skew) > SKEWED:
            can_log = skew > 0 and as_number(present).min() > 0
            advice = "Few values far out decide: look at them" + (", or predict np.log of it." if can_log else ".")
            yield target, f"the target is skewed ({skew:+.1f})", advice
        if advice := scale_advice(present):
            yield target, f"the deviation of the target is {as_number(present).std():.3g}", advice


def _leaks(frame: pd.DataFrame, usable: pd.DataFrame, target: str, task: str | None) -> Iterator[Finding]:
    """Columns that alone predict the target of rows that were not looked at."""
    rows = frame[frame[target].notna() & ~_comparable(frame).duplicated()]
    rows = rows.sample(min(len(rows), ENOUGH_ROWS), random_state=0)  # shuffled, whatever order they came in
    y = rows[target] if is_number(rows[target]) else as_text(rows[target])
    if len(rows) < 5 or y.nunique() < 2 or (task == "regression" and not is_number(y)):
        return
    task = task or task_of(frame[target])
    is_classes = task == "classification"
    y = pd.factorize(y)[0] if is_classes else as_number(y).to_numpy()
    error_of = _error_of_classes if is_classes else _error_of_numbers
    guess = np.mean(y != np.bincount(y).argmax()) if is_classes else np.mean(np.abs(y - np.median(y)))
    for name in usable.columns:
        if error_of(usable.loc[rows.index, name].to_numpy(), y) <= LEAK[task] * guess:
            advice = f"Is it known before the target is? If it is made from the target, drop=[{name!r}]."
            yield name, f"predicts {target!r} on its own: a leak?", advice


def _error_of_classes(x: np.ndarray, y: np.ndarray) -> float:
    """Share of the rows that a tree on this column alone takes for another class, in cross-validation."""
    tree, folds = DecisionTreeClassifier(max_depth=10, min_samples_leaf=2), KFold(3)
    return float(np.mean(cross_val_predict(tree, x[:, None], y, cv=folds) != y))


def _error_of_numbers(x: np.ndarray, y: np.ndarray) -> float:
    """Mean absolute error where each target is read off the line between its neighbours in this column."""
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    before, width = x[1:-1] - x[:-2], x[2:] - x[:-2]
    share = np.divide(before, width, out=np.full(len(width), 0.5), where=width > 0)
    return float(np.mean(np.abs(y[:-2] * (1 - share) + y[2:] * share - y[1:-1])))
