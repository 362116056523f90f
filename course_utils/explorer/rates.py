"""The explorer's second panel: the learning rate of every epoch, under the loss. No pyplot, no widget."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from course_utils.explorer.controls import CONTROLS
from course_utils.explorer.panel import PAPER, SMALL, draw_series, median, style_axes
from course_utils.explorer.progress import ExplorerRun, Group
from course_utils.explorer.scene import Curves
from course_utils.palette import INK, PIN_COLORS
from course_utils.schedules import learning_rates

__all__ = ["RatePanel", "rates"]

MOST_TICKS = 4  # labels on the axis


def rates(run: ExplorerRun) -> np.ndarray:
    """The learning rate in every epoch that was trained; the history has it wherever it could change."""
    constant = [run.settings.learning_rate] * run.epochs
    return np.array(run.history.get("learning_rate", constant), float)


class RatePanel:
    """Draws the learning rates of `Curves`: the plan as a thin dotted line, what was trained as a thick one."""

    def __init__(self, ax: Axes) -> None:
        self.ax = ax

    def draw_axes(self, curves: Curves) -> None:
        """The empty panel."""
        low, high = curves.rates
        style_axes(self.ax, epochs=curves.epochs, ylabel="learning rate")
        self.ax.set_yscale("log")
        powers = range(high, low - 1, -math.ceil((high - low + 1) / MOST_TICKS))
        self.ax.yaxis.set_major_locator(FixedLocator([10.0**power for power in powers]))
        self.ax.yaxis.set_minor_locator(NullLocator())
        self.ax.yaxis.set_major_formatter(lambda rate, _: CONTROLS["learning_rate"].format(rate))
        self.ax.set_ylim(10.0**low, 10.0**high)

    def draw_earlier(self, curves: Curves) -> list[Artist]:
        """Earlier and pinned runs; returns the artists."""
        artists = [line for group in curves.earlier for line in self._plot(group, color=INK, linewidth=1, alpha=0.3)]
        for i, (group, _) in enumerate(curves.pinned):
            artists += self._plot(group, color=PIN_COLORS[i % len(PIN_COLORS)], linewidth=1.5, alpha=0.9)
        return artists

    def draw_runs(self, curves: Curves) -> list[Artist]:
        """The plan, and the current runs as far as they have come; returns the artists."""
        artists, plan, last = [], None, float("nan")
        if curves.setup is not None:
            own = curves.setup.settings
            plan = learning_rates(own.schedule, learning_rate=own.learning_rate, epochs=own.epochs)
        if plan is not None:
            dotted = {"linewidth": 1, "linestyle": (0, (1, 2))}
            artists, last = draw_series(self.ax, [plan], color=INK, steps=True, **dotted), plan[-1]
        runs = tuple(run for run in curves.runs if run.epochs)
        if len(runs) > 1 and not curves.is_finished:  # they need not change their rates at the same epoch
            artists += [line for run in runs for line in self._plot((run,), color=INK, linewidth=1.2, alpha=0.6)]
        elif runs:
            artists += self._plot(runs, color=INK, linewidth=2.2, band=True)
            if curves.is_finished:
                last = median([rates(run) for run in runs])[-1]
        if last < self.ax.get_ylim()[0]:
            place, words = self.ax.transAxes, f"▼ {last:.0e} at the end"
            box = {**PAPER, "pad": 1}
            artists.append(
                self.ax.text(0.99, 0.07, words, transform=place, ha="right", fontsize=SMALL, color=INK, bbox=box)
            )
        return artists

    def _plot(self, group: Group, *, color: str, band: bool = False, **line: object) -> list[Artist]:
        each = [rates(run) for run in group if run.epochs]
        return draw_series(self.ax, each, color=color, band=band, steps=True, **line)
