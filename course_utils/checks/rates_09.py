"""Check of exercise 09.4: each start at its own rate, compared seed by seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from course_utils.checks.functions import Mistake, compare, on_copies
from course_utils.checks.hidden import hidden_rng

__all__ = ["check_rates", "sweep_table"]

RATES = np.array([0.0003, 0.001, 0.003, 0.01, 0.03, 0.1])
STARTS = ("from scratch", "frozen base")


def sweep_table(rng: np.random.Generator, *, n_seeds: int = 5) -> pd.DataFrame:
    """A made-up sweep: a valley in the rate for each start, luck of a seed that both share, and noise of its own."""
    seeds = rng.choice(1000, size=n_seeds, replace=False)
    luck, rows = dict(zip(seeds, rng.normal(0, 0.1, n_seeds), strict=True)), []
    for start, low in zip(STARTS, rng.uniform(0.3, 0.6, 2), strict=True):
        first = int(rng.integers(0, 3))
        best = rng.uniform(-0.5, 3.5)
        for i, rate in enumerate(RATES[first : first + 4]):
            for seed in seeds:
                loss = low + 0.05 * (i - best) ** 2 + luck[seed]
                val, test = loss + rng.normal(0, 0.05, 2) + (0, 0.02)
                rows.append({"start": start, "rate": rate, "seed": seed, "val_loss": val, "test_loss": test})
    table = pd.DataFrame(rows)
    return table.iloc[rng.permutation(len(table))].reset_index(drop=True)


def _by_hand() -> pd.DataFrame:
    runs = [
        ("from scratch", 0.001, (0.5, 0.7), (0.6, 0.8)),
        ("from scratch", 0.003, (0.4, 0.6), (0.5, 0.8)),
        ("from scratch", 0.01, (0.6, 0.9), (0.4, 0.7)),
        ("frozen base", 0.01, (0.3, 0.6), (0.4, 0.6)),
        ("frozen base", 0.03, (0.4, 0.7), (0.3, 0.6)),
    ]
    columns = ["start", "rate", "seed", "val_loss", "test_loss"]
    rows = [(start, rate, s, v[s], t[s]) for start, rate, v, t in runs for s in (0, 1)]
    return pd.DataFrame(rows, columns=columns)


def _medians(table: pd.DataFrame, start: str, column: str = "val_loss") -> pd.Series:
    return table[table["start"] == start].groupby("rate")[column].median()


def _inside(medians: pd.Series, rate: float) -> bool:
    return bool(medians.index.min() < rate < medians.index.max())


def _own(table: pd.DataFrame, start: str, column: str = "val_loss") -> tuple:
    medians = _medians(table, start, column)
    return medians.idxmin(), _inside(medians, medians.idxmin())


def _own_by_luck(table: pd.DataFrame, start: str) -> tuple:
    rows = table[table["start"] == start]
    rate = rows.loc[rows["val_loss"].idxmin(), "rate"]
    return rate, _inside(_medians(table, start), rate)


def _own_by_mean(table: pd.DataFrame, start: str) -> tuple:
    rate = table[table["start"] == start].groupby("rate")["val_loss"].mean().idxmin()
    return rate, _inside(_medians(table, start), rate)


def _own_inside_all(table: pd.DataFrame, start: str) -> tuple:
    rate = _own(table, start)[0]
    return rate, bool(table["rate"].min() < rate < table["rate"].max())


def _column(table: pd.DataFrame, start: str, column: str = "test_loss", by: str = "val_loss") -> pd.Series:
    rows = table[(table["start"] == start) & (table["rate"] == _own(table, start, by)[0])]
    return rows.set_index("seed")[column]


def _gain(table: pd.DataFrame, column: str = "test_loss", by: str = "val_loss") -> tuple:
    scratch, frozen = (_column(table, start, column, by) for start in STARTS)
    less = (scratch - frozen).to_numpy()
    return less.mean(), less.std(ddof=1) / np.sqrt(len(less))


def _unpaired(table: pd.DataFrame) -> tuple:
    parts = [_column(table, start) for start in STARTS]
    return _gain(table)[0], np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts))


def _by_place(table: pd.DataFrame) -> tuple:
    scratch, frozen = (_column(table, start).to_numpy() for start in STARTS)
    return (scratch - frozen).mean(), (scratch - frozen).std(ddof=1) / np.sqrt(len(scratch))


def _errors_times(table: pd.DataFrame, factor: Callable[[int], float]) -> tuple:
    mean, error = _gain(table)
    return mean, error * factor(table["seed"].nunique())


def check_rates(own: Callable, gain: Callable) -> None:
    """Return if `own` chooses each start's rate by validation, and `gain` compares them in pairs on test rows.

    Raises
    ------
    Wrong
        If not.
    """
    rng = hidden_rng("09.4")
    tables = [_by_hand(), *(sweep_table(rng, n_seeds=int(n)) for n in rng.integers(3, 8, size=25))]
    compare(
        on_copies(own),
        _own,
        [(table, start) for table in tables for start in STARTS],
        name="own",
        mistakes=[
            Mistake(
                lambda table, start: _own(table, start, "test_loss"),
                "That rate is the best on test rows. Which rows may choose?",
                "Choose by the column val_loss.",
            ),
            Mistake(
                _own_by_luck,
                "That is the rate of the best single run. Is one lucky seed enough?",
                "Take the median over the seeds at each rate, then the lowest.",
            ),
            Mistake(
                _own_by_mean,
                "That rate has the lowest mean. Is it the lowest median, too?",
                "Take the median: one run that went wrong moves a mean.",
            ),
            Mistake(
                lambda table, start: (table.groupby("rate")["val_loss"].median().idxmin(), _own(table, start)[1]),
                "Are only the rows of this start used?",
                'Keep table[table["start"] == start] first.',
            ),
            Mistake(
                _own_inside_all,
                "Inside of which list? Each start has tried its own rates.",
                "Compare with the lowest and highest rate of this start.",
            ),
            Mistake(
                lambda table, start: (_own(table, start)[0], not _own(table, start)[1]),
                "The second result is upside down: True if a lower and a higher rate were tried.",
                "lowest rate < best rate < highest rate",
            ),
            Mistake(
                lambda table, start: (_own(table, start)[0], True),
                "A rate at the end of its list is not inside.",
                "lowest rate < best rate < highest rate",
            ),
        ],
        hint="In the example it is (0.003, True) from scratch and (0.01, False) with the frozen base.",
        more="groupby rate, median of val_loss, idxmin. Inside: lowest rate < best rate < highest rate of this start.",
    )
    compare(
        on_copies(gain),
        _gain,
        [(table,) for table in tables],
        name="gain",
        mistakes=[
            Mistake(
                lambda table: (-_gain(table)[0], _gain(table)[1]),
                "Look at the sign: if the frozen base has the lower loss, that is a gain.",
                "Scratch minus frozen base.",
            ),
            Mistake(
                lambda table: _gain(table, by="test_loss"),
                "The rates were chosen on the test rows that then judge.",
                "Choose with own(table, start), which looks at val_loss.",
            ),
            Mistake(
                lambda table: _gain(table, "val_loss"),
                "These losses chose the rates. Which rows have chosen nothing?",
                "Take the differences of test_loss.",
            ),
            Mistake(
                _unpaired,
                "The mean is right. A hard seed is hard for both; is that luck in your standard error?",
                "Take the difference of each seed first, then the deviation of the differences.",
            ),
            Mistake(
                _by_place,
                "Are these differences of the same seed? The rows stand in any order.",
                'set_index("seed") before you subtract.',
            ),
            Mistake(
                lambda table: _errors_times(table, lambda n: np.sqrt((n - 1) / n)),
                "Nearly. NumPy's std divides by n; by what does the deviation of a sample divide?",
                "ddof=1",
            ),
            Mistake(
                lambda table: _errors_times(table, np.sqrt),
                "That is the deviation of one difference. And that of their mean?",
                "Divide by the root of the number of seeds.",
            ),
        ],
        hint="In the example the differences are 0.1 and 0.2: the mean is 0.15, the standard error 0.05.",
        more="For each seed: test_loss from scratch minus that of the frozen base, each at its own rate.",
        points=1,
    )
