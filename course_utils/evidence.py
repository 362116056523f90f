"""Claims that are measured: the same experiment over several seeds, and one line that says in how many it held."""

from __future__ import annotations

import course_utils.quiet  # first: TensorFlow's log lines stay out of the page
import inspect
import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from course_utils.data import Dataset
from course_utils.experiment import Run, Settings, best_epoch, run_seeds
from course_utils.validation import HIGHEST_SEED, check_integer

__all__ = ["Held", "by_seed", "claim", "curves", "own_rate", "repeat", "seeds", "tabulate"]


def seeds(n: int) -> list[int]:
    """`n` consecutive seeds, the first of which is the environment variable COURSE_SEED (0 if it is not set).

    Raises
    ------
    ValueError
        If `n` is not at least 1, or COURSE_SEED is not a whole number from 0 to 2**32 - `n`.
    """
    n = check_integer("n", n, at_least=1)
    text, highest = os.environ.get("COURSE_SEED", "0"), HIGHEST_SEED - n + 1
    if not text.strip().isdecimal() or int(text) > highest:
        raise ValueError(
            f"The environment variable COURSE_SEED={text!r} is not a whole number from 0 to {highest:,}. "
            "Set it to one, or remove it."
        )
    return list(range(int(text), int(text) + n))


def repeat(
    run: Settings | Callable, *, seeds: Sequence[int], data: Dataset | None = None, **grid: object
) -> pd.DataFrame:
    """Repeat an experiment for every seed and every combination of the values in `grid`.

    Parameters
    ----------
    run : Settings or callable
        `Settings`: `data` is needed, and `grid` may change any of their fields; all seeds are trained together.
        A function with a parameter `seed` is called once per seed and combination, and returns the result. One with a
        parameter `seeds` is called once per combination, and returns a list with one result per seed. Both get the
        combination as keyword arguments, and `data` if there is one. A result is a `Run`, a Keras `History`, a mapping
        of names to numbers, or a number.
    seeds : sequence of int
        As from `seeds(5)`.
    data : Dataset, optional
        What to train on.
    **grid : list or single value
        Values to try, by name: `width=[4, 64], dropout=[0, 0.5], epochs=30` makes four combinations.

    Returns
    -------
    pandas.DataFrame
        One row per combination and seed: the combination, `seed`, and what came out. A `Run` or `History` gives
        `best_epoch`, `best_val_loss`, the last value of every metric (`loss`, `val_loss`, …) and `history`, from which
        `curves` makes a table by epoch; a number gives `value`.

    Raises
    ------
    ValueError
        If there are no seeds or no values, a name is unknown, or the results do not fit the seeds.
    """
    seeds = [check_integer("seeds", seed, at_least=0) for seed in seeds]
    if not seeds:
        raise ValueError("seeds is empty: pass at least one, for instance seeds(5).")
    values = {name: _values(name, some) for name, some in grid.items()}
    call = _runner(run, data, list(values))
    tables = []
    for combination in itertools.product(*values.values()):
        setting = dict(zip(values, combination, strict=True))
        tables.append(tabulate(call(seeds, setting), seeds=seeds, **setting))
    return pd.concat(tables, ignore_index=True)


def tabulate(results: Sequence[object], *, seeds: Sequence[int], **setting: object) -> pd.DataFrame:
    """Results that you have already, one per seed, as `repeat` would put them into its table.

    Raises
    ------
    ValueError
        If there is not one result for each seed.
    """
    if len(results) != len(seeds):
        raise ValueError(f"{len(results)} results for {len(seeds)} seeds: the experiment must return one for each.")
    rows = []
    for seed, result in zip(seeds, results, strict=True):
        given = {**setting, "seed": seed}  # a schedule's last learning rate does not replace the one that was set
        rows.append({**given, **{name: value for name, value in _columns(result).items() if name not in given}})
    return pd.DataFrame(rows)


def curves(results: pd.DataFrame) -> pd.DataFrame:
    """One row per epoch (from 1) of every run in a table made by `repeat`, with all metrics of that epoch."""
    if "history" not in results or not all(isinstance(one, _History) for one in results["history"]):
        raise ValueError(
            "The table has no history for each row: the experiment of `repeat` must return a Run or a History."
        )
    if "epoch" in results:
        raise ValueError("The table has a column 'epoch', which is the epoch's own name here: rename that setting.")
    settings = results.columns[: results.columns.get_loc("seed") + 1]
    frames = []
    for _, row in results.iterrows():
        frame = pd.DataFrame(row["history"].metrics)
        frame.insert(0, "epoch", np.arange(1, len(frame) + 1))
        frame = frame.drop(columns=[name for name in settings if name in frame])
        for name in reversed(settings):
            frame.insert(0, name, row[name])
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def by_seed(results: pd.DataFrame, setting: str, column: str = "val_loss") -> pd.DataFrame:
    """One row per seed and one column per value of `setting`, so that two values can be compared seed by seed.

    Parameters
    ----------
    results : pandas.DataFrame
        Made by `repeat`, one row per seed and value of `setting`.
    setting, column : str
        Columns of what was varied and of what was measured.

    Raises
    ------
    ValueError
        If there is no such column, or several rows for one seed and value: select one of the other settings first.

    Examples
    --------
    >>> losses = by_seed(results, "dropout", "best_val_loss")  # doctest: +SKIP
    >>> claim("dropout 0.5 lowers the loss", losses[0.5] < losses[0.0])  # doctest: +SKIP
    """
    _check_columns(results, "seed", setting, column)
    if results.duplicated(["seed", setting]).any():
        raise ValueError(
            f"The table has several rows for one seed and {setting}. Select one value of each other setting first, "
            "for instance results[results.epochs == 30]."
        )
    return results.pivot(index="seed", columns=setting, values=column)


def own_rate(results: pd.DataFrame, setting: str, column: str = "best_val_loss", *, rate: str = "rate") -> pd.DataFrame:
    """The rows of each value of `setting` at its own learning rate: the one whose median of `column` is lowest.

    Parameters
    ----------
    results : pandas.DataFrame
        Made by `repeat`, with one row per seed, rate and value of `setting`.
    setting, column, rate : str
        Columns of what was varied, of the loss by which the rate is chosen (NaN, of a run that diverged, is the highest
        of all), and of the learning rates.

    Raises
    ------
    ValueError
        If there is no such column, or a value of `setting` has no loss that is a number.
    """
    _check_columns(results, setting, column, rate)
    losses = results[[setting, rate, column]].fillna({column: np.inf})
    medians = losses.groupby([rate, setting])[column].median().unstack()
    lost = medians.columns[~np.isfinite(medians).any()]
    if len(lost):
        raise ValueError(f"{setting}={lost[0]} has no rate at which {column!r} is a number: try lower rates.")
    return results[results[rate] == results[setting].map(medians.idxmin())]


@dataclass(frozen=True)
class Held:
    """In how many seeds a claim held; returned by `claim`, and not printed a second time by a notebook.

    Attributes
    ----------
    statement : str
    per_seed : tuple of bool
    at_least : int
        In how many it had to hold.
    effect : tuple of float or None
        The difference that the claim is about, for each seed, where it was given.
    """

    statement: str
    per_seed: tuple[bool, ...]
    at_least: int
    effect: tuple[float, ...] | None = None

    @property
    def held(self) -> int:
        """The number of seeds in which it held."""
        return sum(self.per_seed)

    @property
    def of(self) -> int:
        """The number of seeds."""
        return len(self.per_seed)

    def __bool__(self) -> bool:
        return self.held >= self.at_least

    def _ipython_display_(self) -> None:
        """Nothing: the line is printed already, and the numbers in here vary from machine to machine."""


def claim(
    statement: str,
    per_seed: Iterable[bool] | Iterable[float],
    *,
    above: float | None = None,
    below: float | None = None,
    at_least: int = 4,
    effect: Iterable[float] | None = None,
) -> Held:
    """Print one line that says whether `statement` held in at least so many seeds.

    The line holds no number that varies from machine to machine, so that nbval can compare it on every run.

    Parameters
    ----------
    statement : str
        A full sentence without its full stop.
    per_seed : iterable of bool, or of float with `above` or `below`
        For each seed, whether the statement held; or the number that it is about. Where a run diverged, its loss is NaN
        and every comparison False: the statement did not hold. But `~(a < b)` is True then, so write `a >= b`
        (`python -m authoring check` looks).
    above, below : float, optional
        The statement held where the number is above, or below, this.
    at_least : int
        Number of seeds in which it must hold; chosen well inside of what a calibration on more seeds showed.
    effect : iterable of float, optional
        For each seed, how large the difference is that the claim is about, for the ledger; the numbers themselves where
        there are `above` or `below`.

    Returns
    -------
    Held
        What was found.

    Raises
    ------
    ValueError
        If `per_seed` holds something other than True and False (or numbers, with one of `above` and `below`), or fewer
        values than `at_least`; or `effect` another number of values.

    Examples
    --------
    >>> found = claim("dropout lowers the loss", [0.1, 0.2, 0.1, 0.3, -0.1], above=0)
    ✔ dropout lowers the loss — held in at least 4 of 5 seeds
    >>> found.held, found.of
    (4, 5)
    """
    if above is not None or below is not None:
        per_seed, effect = _compared(per_seed, above, below, effect)
    if isinstance(per_seed, (bool, np.bool_)):
        raise ValueError(f"per_seed={per_seed!r} is one value: pass True or False for each seed.")
    held = list(per_seed)
    if not all(isinstance(value, (bool, np.bool_)) for value in held):
        raise ValueError(f"per_seed={held!r} is not valid: pass True or False for each seed, for instance a[1] < b[1].")
    if not held:
        raise ValueError("per_seed is empty: pass True or False for each seed.")
    at_least = check_integer("at_least", at_least, at_least=1, at_most=len(held), hint=f"There are {len(held)} seeds.")
    sizes = None if effect is None else tuple(map(float, effect))
    if sizes is not None and len(sizes) != len(held):
        raise ValueError(f"effect has {len(sizes)} values for {len(held)} seeds: pass one for each, or leave it out.")
    found = Held(statement, tuple(map(bool, held)), at_least, sizes)
    if found:
        print(f"✔ {statement} — held in at least {at_least} of {found.of} seeds")
    else:
        print(f"✘ {statement} — held in fewer than {at_least} of {found.of} seeds")
    return found


def _compared(
    numbers: Iterable[float], above: float | None, below: float | None, effect: object
) -> tuple[list[bool], list[float]]:
    """Whether each number is on the side that was claimed; and the numbers."""
    if (above is None) == (below is None) or effect is not None:
        raise ValueError(f"above={above!r}, below={below!r}: pass one of them, and no effect, which is the numbers.")
    values = list(numbers) if isinstance(numbers, Iterable) else [numbers]
    if not all(isinstance(value, (int, float, np.number)) and not isinstance(value, bool) for value in values):
        raise ValueError(f"per_seed={values!r} is not valid with above or below: pass one number for each seed.")
    return [bool(value > above if below is None else value < below) for value in values], [float(v) for v in values]


@dataclass(frozen=True)
class _History:
    """Metrics by epoch, short when it stands in a table."""

    metrics: Mapping[str, list[float]]

    def __repr__(self) -> str:
        return f"<{len(next(iter(self.metrics.values()), ()))} epochs>"


def _check_columns(results: pd.DataFrame, *names: str) -> None:
    for name in names:
        if name not in results:
            raise ValueError(f"{name!r} is not a column of the table. Choose from {', '.join(map(repr, results))}.")


def _values(name: str, some: object) -> list[object]:
    """The values to try: those of a list, or a single one."""
    if isinstance(some, str) or not isinstance(some, Iterable):
        return [some]
    values = list(some)
    if not values:
        raise ValueError(f"{name} has no values to try: pass a list with at least one.")
    return values


def _runner(run: Settings | Callable, data: Dataset | None, names: list[str]) -> Callable[[list[int], dict], list]:
    """A function of (seeds, setting) that returns one result per seed."""
    if isinstance(run, Settings):
        if data is None:
            raise ValueError("Settings need data to train on: pass data=load_red_wine() or another Dataset.")
        known = [name for name in Settings.__dataclass_fields__ if name != "seed"]
        for name in names:
            if name not in known:
                raise ValueError(f"{name!r} is not a field of Settings. Choose from {', '.join(known)}.")
        fields = {name: getattr(run, name) for name in known}
        return lambda seeds, setting: run_seeds(Settings(**{**fields, **setting}), data, seeds=seeds)
    parameters, given = inspect.signature(run).parameters, {} if data is None else {"data": data}
    if "seeds" in parameters:
        return lambda seeds, setting: list(run(seeds=seeds, **given, **setting))
    if "seed" in parameters:
        return lambda seeds, setting: [run(seed=seed, **given, **setting) for seed in seeds]
    raise ValueError(f"{run!r} takes neither `seed` nor `seeds`: give it one of these parameters.")


def _columns(result: object) -> dict[str, object]:
    if isinstance(result, (Run, keras.callbacks.History)):
        history = result.history
        columns: dict[str, object] = {name: values[-1] for name, values in history.items()}
        best = best_epoch(history)
        if best is not None:
            columns = {"best_epoch": best, "best_val_loss": history["val_loss"][best - 1], **columns}
        return {**columns, "history": _History(history)}
    if isinstance(result, Mapping):
        return dict(result)
    return {"value": result}
