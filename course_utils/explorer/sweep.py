"""`Sweep`: the values of one slider, each trained from several seeds, and what came of them. Knows no widget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from course_utils.explorer.control import Control
from course_utils.explorer.controls import Setup, seeds_of
from course_utils.explorer.progress import Group, Progress
from course_utils.explorer.verdict import number
from course_utils.explorer.words import spread

__all__ = ["SWEPT", "Sweep", "finished_groups", "setups_of", "sweep_status", "sweep_summary"]

MOST_VALUES = 11
SWEPT = (
    "Each point is the median over the seeds, and the band reaches from the lowest to the highest. The epoch of each "
    "run and the value itself were chosen on the validation rows, so the best point looks better than it would on new "
    "rows: measure the network that you choose once on the test set. A value is called not clearly worse if its median "
    "lies above that of the best one by less than twice the standard error of the difference, from the spread over "
    "the seeds."
)


@dataclass(frozen=True)
class Sweep:
    """What the picture of a sweep depends on.

    Attributes
    ----------
    control : Control
        What is swept.
    values : tuple
        All that were asked for, in rising order.
    groups : tuple of Group
        For each value that is finished, its runs, one per seed.
    seeds : int
        How many runs each value has.
    task, loss_label : str
        As in `Dataset`.
    guess, plane : float
        Losses of the best constant answer and of a linear model; NaN where there is none.
    """

    control: Control
    values: tuple
    groups: tuple[Group, ...] = ()
    seeds: int = 1
    task: str = "regression"
    loss_label: str = ""
    guess: float = float("nan")
    plane: float = float("nan")

    @property
    def trained(self) -> list[object]:
        """The values of the finished groups."""
        return [group[0].setup.value(self.control.name) for group in self.groups]

    @cached_property
    def best(self) -> list[list[float]]:
        """For each finished value, the lowest validation loss of each run; infinite where there is no number."""
        return [
            [min(_numbers(run.history.get("val_loss", ())), default=np.inf) for run in group] for group in self.groups
        ]

    @cached_property
    def last(self) -> list[list[float]]:
        """For each finished value, the validation loss of each run at the end; infinite where that is no number."""
        return [
            [(_numbers(run.history.get("val_loss", ())[-1:]) or [np.inf])[0] for run in group] for group in self.groups
        ]

    @property
    def table(self) -> pd.DataFrame:
        """A row for each finished run: its value, its seed, and its lowest and its last validation loss."""
        rows = [
            (value, run.settings.seed, best, last)
            for value, group, lowest, ends in zip(self.trained, self.groups, self.best, self.last, strict=True)
            for run, best, last in zip(group, lowest, ends, strict=True)
        ]
        return pd.DataFrame(rows, columns=[self.control.name, "seed", "best", "last"])

    @property
    def chosen(self) -> int | None:
        """Place, among the finished ones, of the value with the lowest median of `best`."""
        medians = [np.median(losses) for losses in self.best]
        return int(np.argmin(medians)) if np.isfinite(medians).any() else None


def setups_of(setup: Setup, control: Control, n: int) -> tuple[Setup, ...]:
    """What a sweep trains: `n` seeds of each value, beginning at the lowest.

    Raises
    ------
    ValueError
        If the control is no slider.
    """
    if not control.is_slider:
        raise ValueError(f"{control.name!r} is no slider, and only the range of a slider can be swept.")
    values = control.spread(MOST_VALUES)
    return tuple(one for value in values for one in seeds_of(setup.changed(**{control.name: value}), n))


def finished_groups(progress: Progress, seeds: int) -> tuple[Group, ...]:
    """The runs of each setting, where all its seeds were trained to their end."""
    chunks = (progress.runs[first : first + seeds] for first in range(0, len(progress.runs), seeds))
    return tuple(
        group for group in chunks if len(group) == seeds and all(run.epochs == run.settings.epochs for run in group)
    )


def sweep_status(sweep: Sweep, progress: Progress) -> str:
    """How far it has come, beside the buttons: "width 64 · value 5 of 8 · epoch 7 of 30"."""
    total = len(sweep.values)
    if progress.status == "finished" or not progress.runs:
        return progress.status if progress.has_ended else f"{total} values · preparing …"
    last = progress.runs[-1]
    value = f"{sweep.control.label} {sweep.control.format(last.setup.value(sweep.control.name))}"
    place, epochs = min(len(sweep.groups) + 1, total), last.settings.epochs
    words = f"{value} · value {place} of {total} · epoch {last.epochs} of {epochs}"
    return {"stopped": f"stopped at {words}", "failed": "failed"}.get(progress.status, words)


def sweep_summary(sweep: Sweep, measure: str, settings: str) -> str:
    """What came of it, in words; `settings` are those of everything else."""
    control, at = sweep.control, sweep.chosen
    asked = (
        f"sweep of {control.label} from {control.format(sweep.values[0])} to {control.format(sweep.values[-1])}: "
        f"{len(sweep.values)} values × {sweep.seeds} seed{'s' if sweep.seeds > 1 else ''}"
    )
    if at is None:
        return " · ".join(filter(None, (asked, settings, "no finite validation loss" if sweep.groups else "")))
    words = [control.format(value) for value in sweep.trained]
    last = int(np.argmin([np.median(losses) for losses in sweep.last]))
    parts = [
        asked if len(sweep.groups) == len(sweep.values) else f"{asked}, {len(sweep.groups)} finished",
        settings,
        f"lowest validation {measure} {spread(sweep.best[at])} at {control.label} {words[at]}, chosen on validation",
        f"lowest at the end {number(float(np.median(sweep.last[last])))} at {control.label} {words[last]}",
    ]
    if sweep.seeds > 2:
        best = sweep.best[at]
        close = [words[i] for i, losses in enumerate(sweep.best) if i != at and not _is_worse(losses, best)]
        parts.append(f"not clearly worse: {', '.join(close) or 'none'}")
    return " · ".join(filter(None, parts))


def _is_worse(losses: Sequence[float], best: Sequence[float]) -> bool:
    if not np.isfinite(losses).all():
        return True
    error = 2 * float(np.sqrt(np.var(losses, ddof=1) / len(losses) + np.var(best, ddof=1) / len(best)))
    return float(np.median(losses) - np.median(best)) > error


def _numbers(values: Sequence[float]) -> list[float]:
    return [float(value) for value in values if np.isfinite(value)]
