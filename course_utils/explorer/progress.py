"""What the explorer knows of a run, finished or under way. Knows no thread, no widget and no figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from course_utils.data import Dataset
from course_utils.experiment import Settings, best_epoch
from course_utils.explorer.controls import Setup

__all__ = ["Group", "Progress", "Trained", "guessing_loss"]


@dataclass(frozen=True, eq=False)
class Trained:
    """A run of the explorer, finished or under way.

    Attributes
    ----------
    setup : Setup
    history : dict of str to list of float
        One value per epoch for every metric, as in `keras.callbacks.History.history`.
    train_loss : float
        Loss on the training set at the end, in inference mode; NaN while the run is under way.
    parameters : int
        Of the network.
    guess : float
        Validation loss of the best constant answer (`guessing_loss`).
    seconds : float
        Time for training; the building and tracing of the network is not counted.
    """

    setup: Setup
    history: Mapping[str, list[float]]
    train_loss: float = float("nan")
    parameters: int = 0
    guess: float = float("nan")
    seconds: float = 0.0

    @property
    def settings(self) -> Settings:
        """Those of the network and its training."""
        return self.setup.settings

    @property
    def epochs(self) -> int:
        """How many epochs were trained."""
        return len(self.history.get("loss", ()))

    @property
    def best_epoch(self) -> int | None:
        """Epoch (from 1) with the lowest validation loss."""
        return best_epoch(self.history)

    @property
    def gap(self) -> float:
        """Validation minus training loss at the end, both in inference mode; NaN without validation."""
        return self.history.get("val_loss", [float("nan")])[-1] - self.train_loss

    def __repr__(self) -> str:
        return f"<{self.setup.settings}: {self.epochs} epochs, best epoch {self.best_epoch}>"


Group = tuple[Trained, ...]  # runs that are shown together: one, or one per seed


@dataclass(frozen=True)
class Progress:
    """What the worker has come to.

    Attributes
    ----------
    number : int
        Of the request, counted from 1.
    status : {"preparing", "training", "finished", "stopped", "failed"}
    runs : Group
        One per seed: those that are finished, and last the one under way.
    error : Exception or None
        What made it fail.
    """

    number: int
    status: str
    runs: Group = ()
    error: Exception | None = None

    @property
    def is_finished(self) -> bool:
        """Whether every epoch of every run was trained."""
        return self.status == "finished"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.status in ("finished", "stopped", "failed")

    @property
    def epochs(self) -> int:
        """How many epochs the last of the runs has been trained."""
        return self.runs[-1].epochs if self.runs else 0

    @property
    def runs_with_curve(self) -> Group:
        """The runs, once there is more to draw of them than one point, or nothing more will come; until then none."""
        enough = min(2, self.runs[-1].settings.epochs) if self.runs else 0
        return self.runs if self.is_over or len(self.runs) > 1 or self.epochs >= enough else ()


def guessing_loss(data: Dataset) -> float:
    """Validation loss of the best constant answer, learned from the training set.

    Regression: always the median of the training targets. Classification: the shares of the classes in the training
    set as probabilities. NaN without validation rows.
    """
    if not len(data.y_valid):
        return float("nan")
    if data.task == "regression":
        return float(np.mean(np.abs(data.y_valid - np.median(data.y_train))))
    counts = np.bincount(data.y_train, minlength=data.n_outputs) + 1.0  # a class that is missing is not impossible
    return float(-np.mean(np.log(counts[data.y_valid] / counts.sum())))
