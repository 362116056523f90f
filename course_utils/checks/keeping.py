"""Exercise 10.4: a network that is saved with all that it needs, and loaded by somebody who has only the folder."""

from __future__ import annotations

import tempfile
from collections.abc import Callable

import keras
import numpy as np
import pandas as pd

from course_utils.checks.functions import Mistake, compare
from course_utils.checks.hidden import hidden_rng
from course_utils.checks.verdict import Wrong, graded

__all__ = ["kept", "small_network"]

COLUMNS = ["Horsepower", "Weight_in_lbs", "Year"]


def small_network(seed: int) -> keras.Model:
    """A network of three inputs that was not trained: saving does not depend on that."""
    start = keras.initializers.RandomNormal(stddev=1.0, seed=seed)
    hidden = keras.layers.Dense(8, activation="tanh", kernel_initializer=start)
    return keras.Sequential([keras.Input((3,)), hidden, keras.layers.Dense(1, kernel_initializer=start)])


@graded(of=2, praise="The folder alone answers: network, medians, scale and target's mean travel together.")
def kept(save: Callable, answer: Callable) -> None:
    """Exercise 10.4: `save(folder, network, numbers)` and `answer(folder, rows)`, on networks and rows not seen before.

    Two folders are written before any of them is read, so what is remembered elsewhere shows.
    """
    if not callable(save) or not callable(answer):
        raise Wrong("save and answer are two functions.", "Write them as: def save(folder, network, numbers):")
    rng = hidden_rng("10.4")
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        folders, packs = (first, second), []
        for folder in folders:
            network = small_network(int(rng.integers(2**31)))
            numbers = _numbers(rng)
            save(folder, network, {name: _copy(value) for name, value in numbers.items()})
            packs.append((network, numbers))
        cases = [(n, _rows(rng, packs[n][1], size)) for size in (6, 1, 40) for n in (0, 1)]
        compare(
            lambda n, rows: _flat(answer(folders[n], rows.copy())),
            lambda n, rows: _answer(*packs[n], rows),
            cases,
            mistakes=[
                Mistake(
                    lambda n, rows: _answer(*packs[1], rows),
                    "It answers from the network that was saved last. What does answer read?",
                    "Read everything from `folder`; no variable of the notebook may be used.",
                ),
                Mistake(
                    lambda n, rows: _answer(*packs[n], rows) - packs[n][1]["target_mean"],
                    "Are these miles per gallon, or how far above the mean?",
                    "The target was centred: add target_mean to what the network says.",
                ),
                Mistake(
                    lambda n, rows: _answer(*packs[n], rows, medians=rows[COLUMNS].median()),
                    "A single car without horsepower: of which rows is its median?",
                    "Fill by the saved medians, those of the training rows.",
                ),
                Mistake(
                    lambda n, rows: _answer(
                        packs[n][0], {**packs[n][1], "mean": rows.mean(), "deviation": rows.std(ddof=0)}, rows
                    ),
                    "By which mean and deviation are new cars standardized?",
                    "By the saved ones, those of the training rows.",
                ),
                Mistake(
                    lambda n, rows: _answer(*packs[n], rows, medians=pd.Series(0.0, COLUMNS)),
                    "A car of 0 horsepower?",
                    "Fill missing numbers by the saved medians.",
                ),
                Mistake(
                    lambda n, rows: _answer(packs[n][0], {**packs[n][1], "mean": 0.0, "deviation": 1.0}, rows),
                    "In which units were the inputs of the network?",
                    "Standardize by the saved mean and deviation.",
                ),
                Mistake(
                    lambda n, rows: _answer(*packs[n], rows, medians=packs[n][1]["medians"] * np.nan),
                    "Some answers are no number. Which inputs are missing?",
                    "Fill missing numbers by the saved medians, before you standardize.",
                ),
            ],
            name="answer",
            hint="Are all steps the same as before saving: fill, standardize, predict, add the mean of the target?",
            more="Save medians, mean, deviation and target_mean, for instance as JSON, beside the network.",
            tolerance=1e-4,  # the last digits of float32
        )


def _copy(value: object) -> object:
    return value.copy() if isinstance(value, pd.Series) else value


def _flat(found: object) -> np.ndarray | None:
    if found is None or found is ...:
        return None
    array = np.asarray(found, float)
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _numbers(rng: np.random.Generator) -> dict:
    mean = pd.Series(rng.uniform([80, 2500, 1974], [120, 3500, 1978]), COLUMNS)
    deviation = pd.Series(rng.uniform([30, 700, 3], [50, 900, 5]), COLUMNS)
    return {
        "medians": mean + deviation * rng.uniform(-0.5, 0.5, 3),
        "mean": mean,
        "deviation": deviation,
        "target_mean": float(rng.uniform(20, 26)),
    }


def _rows(rng: np.random.Generator, numbers: dict, size: int) -> pd.DataFrame:
    z = rng.normal(size=(size, 3))
    rows = pd.DataFrame(z, columns=COLUMNS) * numbers["deviation"] + numbers["mean"]
    rows.loc[rng.random(size) < 0.3, "Horsepower"] = np.nan
    rows.loc[0, "Horsepower"] = np.nan
    return rows


def _answer(network: keras.Model, numbers: dict, rows: pd.DataFrame, *, medians: pd.Series | None = None) -> np.ndarray:
    z = (rows.fillna(numbers["medians"] if medians is None else medians) - numbers["mean"]) / numbers["deviation"]
    return np.asarray(network(z.to_numpy("float32")))[:, 0].astype(float) + numbers["target_mean"]
