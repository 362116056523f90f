"""Checks of the exercises of lesson 10, your own data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from course_utils.checks.cleaning import cleaned
from course_utils.checks.functions import Mistake, compare
from course_utils.checks.hidden import hidden_rng
from course_utils.checks.keeping import kept
from course_utils.checks.verdict import NotYet, Wrong, graded

__all__ = ["CHECKS"]


@graded(of=2, praise="All that is measured is measured on the training rows.")
def prepared(prepare: Callable) -> None:
    """Exercise 10.2: fill and standardize two tables by what was measured on the first."""
    rng = hidden_rng("10.2")
    small = (pd.DataFrame({"a": [1.0, 3.0, np.nan, 8.0]}), pd.DataFrame({"a": [np.nan, 3.0]}))
    cases = [small] + [_tables(rng) for _ in range(20)]

    def both(train: pd.DataFrame, other: pd.DataFrame) -> object:
        found = prepare(train.copy(), other.copy())
        if found is None or found is ...:
            return None
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise Wrong("prepare does not return two tables.", "At its end: return x, z")
        arrays = [np.asarray(one, float) for one in found]
        wanted = [len(train.columns) + int(train.isna().any().sum())] * 2
        if [one.shape[-1] for one in arrays] != wanted:
            raise Wrong(
                f"Columns: {[one.shape[-1] for one in arrays]}, not {wanted}. Which columns say where a number is "
                "missing?",
                "One more column, of 0 and 1, for each column in which *training* rows have a gap; at the end.",
            )
        return np.concatenate(arrays)

    def mistake(hint: str, more: str, **changed: object) -> Mistake:
        return Mistake(lambda train, other: np.concatenate(_prepare(train, other, **changed)), hint, more)

    compare(
        both,
        lambda train, other: np.concatenate(_prepare(train, other)),
        cases,
        name="prepare",
        mistakes=[
            mistake(
                "Which rows did the median see?", "Measure it on `train` alone: train.median().", filler_of_both=True
            ),
            mistake(
                "Which rows did mean and deviation see?",
                "Measure both on the filled `train` alone.",
                scale_of_both=True,
            ),
            mistake(
                "Which rows did the median, the mean and the deviation see?",
                "Measure all of them on `train` alone.",
                filler_of_both=True,
                scale_of_both=True,
            ),
            mistake(
                "By whose mean and deviation is `other` standardized?",
                "By those of `train`: the network knows no other scale.",
                own_scale=True,
            ),
            mistake("With what are the gaps filled?", "With the median, not the mean.", filler="mean"),
            mistake("Is 0 a usual value?", "Fill with the median of the training rows.", filler="zero"),
            mistake(
                "Some values are no number. What is the deviation of a column that never changes?",
                "It is 0: .replace(0, 1) before you divide.",
                keep_zero=True,
            ),
            mistake(
                "The columns that say where are not standardized.",
                "Add them before you measure mean and deviation.",
                raw_flags=True,
            ),
            mistake("Which deviation?", "std(ddof=0), as StandardScaler does.", ddof=1),
        ],
        hint="By hand: of 1, 3, gap, 8 the median is 3. What are mean and deviation of 1, 3, 3, 8?",
        more="Fill both by train.median(); add the columns that say where; standardize both by the filled train.",
    )


def _tables(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    columns = [f"c{n}" for n in range(int(rng.integers(2, 6)))]
    values = rng.gamma(2.0, 3.0, size=(40, len(columns))) + rng.uniform(-5, 5, len(columns))
    values[rng.random(values.shape) < 0.2] = np.nan
    values[:, 1] = np.where(np.arange(40) < 25, 7.0, values[:, 1])  # never changes among the training rows
    frame = pd.DataFrame(values, columns=columns)
    frame.iloc[:, 0] = frame.iloc[:, 0].where(np.arange(40) >= 25, rng.normal(size=40))  # gaps in other rows only
    return frame.iloc[:25], frame.iloc[25:]


def _prepare(
    train: pd.DataFrame,
    other: pd.DataFrame,
    *,
    filler: str = "median",
    filler_of_both: bool = False,
    scale_of_both: bool = False,
    own_scale: bool = False,
    keep_zero: bool = False,
    raw_flags: bool = False,
    ddof: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """The right way, or one of the known wrong ones."""
    gaps = [name for name in train.columns if train[name].isna().any()]
    seen = pd.concat([train, other]) if filler_of_both else train
    fill = {"median": seen.median(), "mean": seen.mean(), "zero": seen.median() * 0}[filler]
    x, z = (
        pd.concat([part.fillna(fill), part[gaps].isna().astype(float).add_suffix(" missing")], axis=1)
        for part in (train, other)
    )

    def scaled(part: pd.DataFrame, by: pd.DataFrame) -> np.ndarray:
        mean, deviation = by.mean(), by.std(ddof=ddof)
        if raw_flags:
            mean[-len(gaps) or len(mean) :], deviation[-len(gaps) or len(mean) :] = 0, 1
        with np.errstate(all="ignore"):
            return ((part - mean) / (deviation if keep_zero else deviation.replace(0, 1))).to_numpy()

    seen = pd.concat([x, z]) if scale_of_both else x
    return scaled(x, seen), scaled(z, z if own_scale else seen)


@graded(of=2, praise="Names stay together, count as one draw, and the root says how many cars are needed.")
def few_rows(errors_by_name: Callable, standard_error: Callable, rows_needed: Callable) -> None:
    """Exercise 10.3: cross-validation by name, a standard error by name, and the rows that a gain needs."""
    rng = hidden_rng("10.3")
    _check_folds(errors_by_name, rng)
    cases = [(np.array([0.0, 2.0]), np.array(["a", "b"])), (np.array([0.0, 2.0, 4.0, 2.0]), np.array(list("abba")))]
    for _ in range(20):
        size = int(rng.integers(10, 60))
        cases.append((rng.normal(size=size) + 0.3, rng.choice([f"car {n}" for n in range(size // 2)], size)))
    compare(
        standard_error,
        _standard_error,
        cases,
        name="standard_error",
        mistakes=[
            Mistake(
                lambda gain, names: gain.std() / len(gain) ** 0.5,
                "Do two rows of one name count as two draws?",
                "Add the deviations from the mean within each name first.",
            ),
            Mistake(
                lambda gain, names: gain.std(ddof=1) / len(gain) ** 0.5,
                "Do two rows of one name count as two draws?",
                "Add the deviations from the mean within each name first.",
            ),
            Mistake(
                lambda gain, names: _sums(gain, names).std(ddof=0) / len(set(names)) ** 0.5,
                "Is that the standard error of the mean gain of a row?",
                "Sum the squares of the names' sums, take the root, divide by the number of rows.",
            ),
            Mistake(
                lambda gain, names: float((_sums(gain, names) ** 2).sum() ** 0.5 / len(gain)),
                "What was subtracted before the squares?",
                "Each row's deviation from the mean gain is added up, not the gain itself.",
            ),
            Mistake(
                lambda gain, names: float((_sums(gain - gain.mean(), names) ** 2).sum() ** 0.5 / len(set(names))),
                "The mean of what? Of rows, or of names?",
                "Divide by the number of rows.",
            ),
        ],
        hint="By hand: gains 0 and 2 of two names deviate by -1 and 1; the root of 1 + 1, divided by 2 rows, is 0.71.",
        more="off = pd.Series(gain - gain.mean()).groupby(names).sum(); the root of (off**2).sum(), by len(gain).",
        points=1,
    )
    compare(
        rows_needed,
        lambda gain, deviation: math.ceil((2 * deviation / gain) ** 2 - 1e-9),
        [(1.0, 1.0), (0.5, 2.0), (0.1, 1.9), (0.06, 1.1)]
        + [(float(rng.uniform(0.05, 1)), float(rng.uniform(0.5, 4))) for _ in range(30)],
        name="rows_needed",
        mistakes=[
            Mistake(
                lambda gain, deviation: math.ceil((deviation / gain) ** 2),
                "That is one standard error.",
                "Two of them must fit into the gain.",
            ),
            Mistake(
                lambda gain, deviation: math.ceil(2 * deviation / gain),
                "Twice the rows: is the standard error half of it?",
                "It falls with the *root* of the rows.",
            ),
            Mistake(
                lambda gain, deviation: int((2 * deviation / gain) ** 2),
                "Is one row missing, or no whole number returned?",
                "Round up.",
            ),
            Mistake(
                lambda gain, deviation: (2 * deviation / gain) ** 2,
                "A fraction of a car?",
                "Round up.",
            ),
        ],
        hint="Solve: gain = 2 · deviation / √rows.",
        more="rows = (2 · deviation / gain)², rounded up.",
        points=1.5,
    )


def _check_folds(errors_by_name: Callable, rng: np.random.Generator) -> None:
    names = rng.permutation(np.repeat([f"car {n}" for n in range(20)], 3))
    x = rng.normal(size=(60, 3))
    y = x @ [1.0, 2.0, 3.0] + 0.3 * rng.normal(size=60)

    def errors(target: np.ndarray) -> np.ndarray | None:
        found = errors_by_name(LinearRegression(), x.copy(), target.copy(), names.copy(), 4)
        return None if found is None or found is ... else np.asarray(found, float)

    before = errors(y)
    if before is None:
        raise NotYet
    if before.shape != (60,):
        raise Wrong(
            f"errors_by_name returns an array of shape {before.shape}, not one error for each of 60 rows.",
            "Make an array of zeros, and fill it fold by fold: error[fold] = …",
        )
    if (before < 0).any():
        raise Wrong("Some errors are negative.", "Absolute errors: abs(…)")
    if not 0.1 < before.mean() < 0.5:
        raise Wrong(
            f"The mean error is {before.mean():.2f} where the noise alone has 0.24. Was each row predicted once?",
            "model.fit on the other folds, then abs(model.predict(x[fold]) - y[fold]).",
        )
    # Poison: far-off targets of one name. The predictions of its rows must not move: their errors grow by the poison.
    for name in rng.choice(names, 4, replace=False):
        own = np.flatnonzero(names == name)
        poisoned = y.copy()
        poisoned[own[0]] += 1e5
        moved = np.delete(abs(errors(poisoned) - before)[own], 0)
        if (moved > 1e-3).any():
            raise Wrong(
                f"I changed the target of one row of {name!r}, and errors of its other rows changed. Did the name "
                "stand in two folds?",
                "GroupKFold(n).split(x, groups=names) keeps a name in one fold; predict with a model of the others.",
            )
    elsewhere = abs(errors(poisoned) - before)[names != name] > 1e-3
    if not elsewhere.any():
        raise Wrong("No other row noticed a poisoned target: is anything trained?", "model.fit(x[train], y[train])")


def _sums(gain: np.ndarray, names: np.ndarray) -> pd.Series:
    return pd.Series(gain).groupby(np.asarray(names)).sum()


def _standard_error(gain: np.ndarray, names: np.ndarray) -> float:
    return float((_sums(gain - gain.mean(), names) ** 2).sum() ** 0.5 / len(gain))


VERDICTS = ("network better", "not decided", "plane better")
ENTRIES = ("rows", "plane", "network", "gain", "error", "verdict")


@graded(of=2, praise="Every number of the report stands on the errors of the single cars.")
def report(errors: pd.DataFrame, summary: Mapping) -> str:
    """Exercise 10.5: six entries that follow from the errors of each car; which model wins plays no part."""
    if not isinstance(errors, pd.DataFrame) or not {"name", "plane", "network"} <= set(errors.columns):
        raise Wrong("errors is no table with the columns name, plane and network.", "Run the cell above once more.")
    if not isinstance(summary, Mapping) or set(summary) != set(ENTRIES):
        raise Wrong(f"summary needs these entries: {', '.join(ENTRIES)}.", 'summary = {"rows": …, "plane": …, …}')
    if any(value is ... or value is None for value in summary.values()):
        raise NotYet
    gain = (errors["plane"] - errors["network"]).to_numpy()
    error = _standard_error(gain, errors["name"].to_numpy())
    right = {
        "rows": len(errors),
        "plane": errors["plane"].mean(),
        "network": errors["network"].mean(),
        "gain": gain.mean(),
        "error": error,
    }
    hints = {
        "rows": "How many cars were judged?",
        "plane": "The mean of the plane's errors.",
        "network": "The mean of the network's errors.",
        "gain": "The plane's error minus the network's, so that a gain is positive.",
        "error": "Pair first: the gain of each car, then standard_error of exercise 10.3, by name.",
    }
    for name, value in right.items():
        if not math.isclose(float(summary[name]), value, rel_tol=0.02, abs_tol=0.006):  # two digits are enough
            raise Wrong(
                f"{name} is {float(summary[name]):.3g}. {hints[name]}", f"It follows from errors: {hints[name]}"
            )
    wanted = "not decided" if abs(gain.mean()) <= 2 * error else VERDICTS[0] if gain.mean() > 0 else VERDICTS[2]
    if summary["verdict"] not in VERDICTS:
        raise Wrong(f"verdict: choose one of {', '.join(VERDICTS)}.", points=1)
    if summary["verdict"] != wanted:
        raise Wrong(
            f"verdict: {summary['verdict']!r}, with a gain of {gain.mean():.2f} ± {error:.2f}. What do two standard "
            "errors say?",
            "Beyond two standard errors it is decided, by the sign of the gain; otherwise it is not.",
            points=1,
        )
    return f"Gain {gain.mean():.2f} ± {error:.2f} mpg on {len(errors)} cars: {wanted}."


CHECKS = (cleaned, prepared, few_rows, kept, report)
