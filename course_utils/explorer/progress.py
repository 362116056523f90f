"""What the explorer knows of its runs, finished or under way. Knows no thread, no widget and no figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from course_utils.experiment import Run
from course_utils.explorer.anatomy import Anatomy
from course_utils.explorer.controls import Setup

__all__ = ["ExplorerRun", "Group", "Progress"]


@dataclass(frozen=True, eq=False, repr=False)
class ExplorerRun(Run):
    """A run of the explorer: its network trains the next one, so that `model` is None.

    Attributes
    ----------
    data : tuple of (str, object)
        As in `Setup`.
    guess : float
        Validation loss of the best constant answer (`baselines.guessing_loss`).
    anatomy : Anatomy or None
        Of a network of the reader's.
    """

    data: tuple[tuple[str, object], ...] = ()
    guess: float = float("nan")
    anatomy: Anatomy | None = None

    @classmethod
    def of(cls, setup: Setup, history: Mapping[str, list[float]], **measured: object) -> ExplorerRun:
        """The run of `setup` with this history."""
        return cls(setup.settings, history, data=setup.data, **measured)

    @property
    def setup(self) -> Setup:
        """Everything that the run depended on."""
        return Setup(self.settings, self.data)


Group = tuple[ExplorerRun, ...]  # runs that are shown together: one, or one per seed


@dataclass(frozen=True)
class Progress:
    """What the worker has come to.

    Attributes
    ----------
    number : int
        Of the request, counted from 1.
    status : {"preparing", "training", "finished", "stopped", "failed"}
    runs : Group
        One per seed: those that are finished, and last those under way.
    under_way : int
        How many of them, the last ones, are trained at the same time.
    average : tuple of float
        Validation loss, epoch by epoch, of the average of the networks of `runs`, where they are several seeds.
    error : Exception or None
        What made it fail.
    """

    number: int
    status: str
    runs: Group = ()
    under_way: int = 1
    average: tuple[float, ...] = ()
    error: Exception | None = None

    @property
    def is_finished(self) -> bool:
        """Whether every epoch of every run was trained."""
        return self.status == "finished"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come: it is finished, stopped or has failed."""
        return self.status in ("finished", "stopped", "failed")

    @property
    def epochs(self) -> int:
        """How many epochs the last of the runs has been trained."""
        return self.runs[-1].epochs if self.runs else 0

    @property
    def runs_with_curve(self) -> Group:
        """The runs, once there is more to draw of them than one point, or nothing more will come; until then none."""
        has_curve = bool(self.runs) and self.runs[0].epochs >= min(2, self.runs[0].settings.epochs)
        return self.runs if has_curve or self.has_ended else ()
