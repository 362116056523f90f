"""What is to be seen in the explorer, as plain values: made by its state, drawn by figure and painter."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from course_utils.explorer.anatomy import Anatomy
from course_utils.explorer.controls import Setup
from course_utils.explorer.progress import Group
from course_utils.explorer.sweep import Sweep

__all__ = ["Curves", "Scene", "highest_loss", "rate_powers", "shows_rate"]

DECADES = 3  # how far below the rate where a run starts the axis of rates reaches
# Tops of the axis, as multiples of the loss of guessing: from that of most runs to that of runs which do not learn.
TOPS = {"regression": (1.5, 2.5, 4.0), "classification": (0.55, 0.85, 1.2)}


@dataclass(frozen=True)
class Curves:
    """Everything that the picture of the curves depends on.

    Attributes
    ----------
    task, loss_label : str
        As in `Dataset`.
    runs : Group
        The current ones.
    is_finished : bool
        Mark best epoch and gap; draw several seeds as median and band.
    earlier : tuple of Group
        Drawn faintly.
    pinned : tuple of (Group, str)
        Drawn in colours of their own, with what the legend says where there is one.
    numbers : tuple of int
        Of the earlier and then of the pinned groups, as in the table of runs, 0 for none; on their curves.
    epochs : int
        Where the x axis ends.
    top : float
        Where the y axis ends.
    rates : tuple of int
        Powers of ten at the ends of the axis of learning rates.
    guess : float
        Loss of the best constant answer; drawn as a line.
    plane : float
        Loss of a linear model; drawn as a line, where there is one.
    setup : Setup or None
        What was asked for: its learning rates are drawn before they are trained.
    average : tuple of float
        Validation loss of the average of the current networks, epoch by epoch; drawn as one more line.
    """

    task: str
    runs: Group = ()
    is_finished: bool = False
    earlier: tuple[Group, ...] = ()
    pinned: tuple[tuple[Group, str], ...] = ()
    numbers: tuple[int, ...] = ()
    epochs: int = 1
    top: float = 1.0
    rates: tuple[int, int] = (-6, -2)
    guess: float = float("nan")
    plane: float = float("nan")
    setup: Setup | None = None
    loss_label: str = ""
    average: tuple[float, ...] = ()

    @property
    def averaged(self) -> int:
        """Of how many networks the average is drawn; 0 if it is not."""
        return len(self.runs) if self.average else 0

    @property
    def axes(self) -> tuple:
        """What axes and legend depend on."""
        lines = str(self.guess), str(self.plane)  # NaN differs from itself
        return self.task, self.epochs, self.top, self.rates, *lines, self.averaged

    @property
    def ground(self) -> tuple:
        """What everything behind the current runs depends on."""
        return (*self.axes, self.earlier, self.pinned, self.numbers)


@dataclass(frozen=True)
class Scene:
    """What is to be seen.

    Attributes
    ----------
    number : int
        Of the request that it belongs to.
    setup : Setup
        For the drawing of the network.
    curves : Curves
    status, status_words : str
    done, of : int
        For the progress bar, which is hidden where `of` is 0.
    sentence : str
    is_final : bool
        Whether the last part of the sentence is a verdict.
    why : str
        The rule behind that verdict, with numbers.
    error : str
        What went wrong, if something did.
    rows : tuple of mappings
        The table of runs (`browser.BrowserSide.runs`).
    code : str or None
        What Show code shows, if it does.
    line : str
        The call that shows the explorer again as it stands; for Show code.
    can_pin, is_pinned : bool
    sweep : Sweep or None
        Drawn in the place of the curves, where there is one.
    anatomy : Anatomy or None
        Of the reader's network: drawn as a list of layers.
    sweeps : str
        Label of the slider that the button Sweep would take; empty if there is none.
    note : str
        What was done on request, if that has to be said.
    """

    number: int
    setup: Setup
    curves: Curves
    status: str
    status_words: str
    done: int
    of: int
    sentence: str
    is_final: bool
    why: str
    error: str
    rows: tuple[Mapping[str, object], ...]
    code: str | None
    line: str
    can_pin: bool
    is_pinned: bool
    sweep: Sweep | None = None
    anatomy: Anatomy | None = None
    sweeps: str = ""
    note: str = ""

    @property
    def has_picture(self) -> bool:
        """Whether there is something new to draw, or nothing more will come."""
        return self.sweep is not None or bool(self.curves.runs) or self.curves.is_finished


def highest_loss(task: str, guess: float, *, ends: Iterable[float] = ()) -> float:
    """Where the y axis ends: as low as holds the ends of all curves, in few steps, so that it seldom changes."""
    unit = guess if np.isfinite(guess) else 1.0
    heights = [unit * top for top in TOPS[task]]
    ends = list(ends)
    return next((height for height in heights if all(end < height for end in ends)), heights[-1])


def rate_powers(learning_rates: Iterable[float]) -> tuple[int, int]:
    """Powers of ten at the ends of the axis of learning rates: below and above those where runs start.

    A schedule may lead below; the axis does not follow it, or a constant rate would lie in an empty panel.
    """
    powers = [math.log10(rate) + 1e-9 for rate in learning_rates]
    return math.floor(min(powers)) - DECADES, math.floor(max(powers)) + 1


def shows_rate(controls: Sequence[str], start: Setup) -> bool:
    """Whether an explorer has the panel: its schedule can be moved, or is not "constant" at the start.

    This is decided once, so that the picture keeps its shape whatever is set later.
    """
    return start.network is None and ("schedule" in controls or start.settings.schedule != "constant")
