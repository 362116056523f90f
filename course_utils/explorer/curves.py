"""`Curves`: what the explorer's picture depends on; and the look that its panels share. No pyplot, no widget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from course_utils.explorer.controls import Setup
from course_utils.explorer.progress import Group
from course_utils.palette import FAINT, INK

__all__ = ["LARGE", "SMALL", "Curves", "highest_loss", "median", "style_axes"]

# The top of the axis, as multiples of the loss of guessing: that of most runs, and that of runs which do not learn.
TOPS = {"regression": (1.5, 4.0), "classification": (0.55, 1.2)}
LARGE, SMALL = 11, 10  # points, for axis labels and for all other text: to be read on a projector


@dataclass(frozen=True)
class Curves:
    """Everything that the picture of the curves depends on.

    Attributes
    ----------
    task : str
        As in `Dataset`.
    runs : Group
        The current ones.
    is_finished : bool
        Mark best epoch and gap; draw several seeds as median and band.
    earlier : tuple of Group
        Drawn faintly.
    pinned : tuple of (Group, str)
        Drawn in colours of their own, with what the legend says.
    epochs : int
        Where the x axis ends.
    top : float
        Where the y axis ends.
    guess : float
        Loss of the best constant answer; drawn as a line.
    setup : Setup or None
        What was asked for: its learning rates are drawn before they are trained.
    """

    task: str
    runs: Group = ()
    is_finished: bool = False
    earlier: tuple[Group, ...] = ()
    pinned: tuple[tuple[Group, str], ...] = ()
    epochs: int = 1
    top: float = 1.0
    guess: float = float("nan")
    setup: Setup | None = None

    @property
    def axes(self) -> tuple:
        """What axes and legend depend on."""
        return self.task, self.epochs, self.top, self.guess

    @property
    def ground(self) -> tuple:
        """What everything behind the current runs depends on."""
        groups = [*self.earlier, *(group for group, _ in self.pinned)]
        return (*self.axes, tuple(map(id, groups)), tuple(words for _, words in self.pinned))


def highest_loss(task: str, guess: float, *, wide: bool = False) -> float:
    """Where the y axis ends, so that it need not change from run to run; `wide` for runs that do not learn."""
    return (guess if np.isfinite(guess) else 1.0) * TOPS[task][wide]


def median(values: Sequence[Sequence[float]]) -> np.ndarray:
    """The median over several runs, epoch by epoch, as far as the shortest of them goes."""
    values = [some for some in values if len(some)]
    shortest = min(map(len, values), default=0)
    return np.median([some[:shortest] for some in values], axis=0) if shortest else np.array([])


def style_axes(ax: Axes, *, epochs: int, ylabel: str) -> None:
    """Clear a panel and give it its x axis, its label and a quiet grid."""
    ax.clear()
    ax.set(xlim=(1, max(2, epochs)), facecolor="none")
    ax.set_ylabel(ylabel, fontsize=LARGE, color=INK)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, steps=[1, 2, 5, 10]))
    ax.tick_params(labelsize=SMALL, labelcolor=INK, length=3, width=0.8, color=FAINT)
    ax.grid(visible=True, color="#e3e3e3", linewidth=0.8)
    ax.set_axisbelow(True)
    for side, spine in ax.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=FAINT, linewidth=0.8)
