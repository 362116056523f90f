"""Exercise 06.2: predictions of rows outside of training, and the poison that shows whether something leaked."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from course_utils.checks.hidden import hidden_rng
from course_utils.checks.verdict import NotYet, Wrong, graded

__all__ = ["category_table", "pipelines", "wide_table"]

# Of the R² of the reference. Other folds make other predictions: in 100 of 100 calibration draws shuffled folds had at
# least 0.98 of it, as had a TargetEncoder; a plane of all 300 columns had at most 0.50.
ENOUGH = 0.8
N_POISONED = 8
POISON = 1e4


def wide_table(rng: np.random.Generator, *, rows: int = 60, columns: int = 300, signal: float = 0.0) -> tuple:
    """A table with many columns, three of which may matter.

    Parameters
    ----------
    rng : numpy.random.Generator
    rows, columns : int
    signal : float
        How much the first three columns matter; 0 for pure noise.

    Returns
    -------
    tuple of numpy.ndarray
        `x` of shape (rows, columns), `y` of shape (rows,).
    """
    x = rng.normal(size=(rows, columns))
    return x, signal * x[:, :3].sum(axis=1) + rng.normal(size=rows)


def category_table(rng: np.random.Generator, *, rows: int = 200, cities: int = 40, signal: float = 0.0) -> tuple:
    """A table with one column of text, a city, that may matter; the last cities have a single row each.

    Parameters
    ----------
    rng : numpy.random.Generator
    rows, cities : int
    signal : float
        How much the city matters; 0 for pure noise.

    Returns
    -------
    tuple of numpy.ndarray
        `city` (texts) and `y`, both of shape (rows,).
    """
    alone = cities // 10
    codes = np.concatenate([rng.integers(cities - alone, size=rows - alone), np.arange(cities - alone, cities)])
    codes = rng.permutation(codes)
    y = signal * rng.normal(size=cities)[codes] + rng.normal(size=rows)
    return np.array([f"city {code}" for code in codes]), y


@graded(of=2, praise="Nothing leaks: whatever is fitted, scaler, choice of columns or means, is fitted in each fold.")
def pipelines(scaled: Callable, selected: Callable, encoded: Callable) -> None:
    """Exercise 06.2: three predictions outside of training, of which no row may have seen its own answer.

    Poison decides, not luck: a row gets an absurd target or absurd inputs. A prediction of this row must not change
    with its target, and the rows of its own fold, at least, must not notice its inputs.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a grader gives no points for a cell that writes to stderr
        _check(scaled, selected, encoded, hidden_rng("06.2"))


def _check(scaled: Callable, selected: Callable, encoded: Callable, rng: np.random.Generator) -> None:
    x, y = wide_table(rng, rows=100, columns=4, signal=1.5)
    x = x * [1e-3, 1, 1e3, 1] + [0, 5, 0, -20]
    wide, cities = wide_table(rng, rows=120, signal=2), category_table(rng, rows=300, signal=3)
    tasks = [
        ("scaled", scaled, x, y, _scaled, "Is every column standardized before Ridge?"),
        ("selected", selected, *wide, _selected, "Are the 5 best columns chosen, and given to LinearRegression?"),
        ("encoded", encoded, *cities, _encoded, "A row's prediction is the mean target of its city's training rows."),
    ]
    found = [function(inputs.copy(), target.copy()) for _, function, inputs, target, *_ in tasks]
    if all(one is None or one is ... for one in found):
        raise NotYet
    for n, (name, function, inputs, target, reference, hint) in enumerate(tasks):
        points = n * 0.5
        _check_shape(name, found[n], len(target), points)
        _check_poison(name, function, inputs, target, rng, points)
        score, best = (r2_score(target, one) for one in (found[n], reference(inputs, target)))
        if not score >= ENOUGH * best:
            raise Wrong(
                f"{name} does not leak, but R² is {score:.2f} where {best:.2f} is possible. {hint}",
                "Build a pipeline that does the same steps as the leaky function, inside of each fold.",
                points=points,
            )


def _check_shape(name: str, found: object, rows: int, points: float) -> None:
    try:
        array = np.asarray(found, float)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape != (rows,):
        raise Wrong(
            f"{name} returns an array of shape {array.shape}, not one prediction for each of {rows} rows.",
            "cross_val_predict returns one prediction for each row.",
            points=points,
        )
    if not np.isfinite(array).all():
        raise Wrong(
            f"{name} has {np.sum(~np.isfinite(array))} predictions that are no number. Which rows are they?",
            "A city may be missing among the training rows: there, predict the mean of all training rows.",
            points=points,
        )


def _check_poison(name: str, function: Callable, x: np.ndarray, y: np.ndarray, rng: np.random.Generator, points: float):
    def predict(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray(function(x.copy(), y.copy()), float)

    before = predict(x, y)
    if not np.allclose(before, predict(x, y)):
        raise Wrong(
            f"{name} returns other predictions when it is called again.",
            "Fix what is random: KFold(5), or a random_state.",
            points=points,
        )
    rows = rng.choice(len(y), N_POISONED, replace=False)
    if x.dtype.kind == "U":  # a city with one row: its target must not come back as the mean of all rows, either
        values, counts = np.unique(x, return_counts=True)
        rows[0] = np.flatnonzero(x == values[counts.argmin()])[0]
    for row in rows:
        poisoned = y.copy()
        poisoned[row] += POISON
        if not np.isclose(predict(x, poisoned)[row], before[row], rtol=1e-6, atol=1e-8):
            raise Wrong(
                f"{name} leaks: I changed the target of row {row}, and the prediction of this row changed. "
                "What was fitted before the rows were divided?",
                "The choice of columns, or the means, used the targets of all rows: fit them on training rows only.",
                points=points,
            )
        if x.dtype.kind == "U":
            continue
        poisoned = x.copy()
        poisoned[row] = POISON * 1e3
        same = np.isclose(predict(poisoned, y), before, rtol=1e-6, atol=1e-8)
        same[row] = False
        if not same.any():
            raise Wrong(
                f"{name} leaks: I changed the inputs of row {row}, and the predictions of all other rows changed, "
                "those of its own fold, too. What was fitted before the rows were divided?",
                "The scaler measured all rows: put it into a pipeline, so that each fold fits it anew.",
                points=points,
            )


def _scaled(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return cross_val_predict(make_pipeline(StandardScaler(), Ridge()), x, y, cv=KFold(5))


def _selected(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return cross_val_predict(make_pipeline(SelectKBest(f_regression, k=5), LinearRegression()), x, y, cv=KFold(5))


def _encoded(city: np.ndarray, y: np.ndarray) -> np.ndarray:
    predictions = np.empty(len(y))
    for train, valid in KFold(5).split(y):
        means = pd.Series(y[train]).groupby(city[train]).mean()
        predictions[valid] = pd.Series(city[valid]).map(means).fillna(y[train].mean())
    return predictions
