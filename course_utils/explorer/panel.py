"""What the panels of the picture share: their look, and how several runs become a line with a band. No pyplot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from course_utils.palette import FAINT, INK

__all__ = ["LARGE", "PAPER", "SMALL", "draw_series", "median", "style_axes", "style_panel"]

LARGE, SMALL = 11, 10  # points, for axis labels and for all other text: to be read on a projector
PAPER = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none"}  # behind words that lie on curves


def style_axes(ax: Axes, *, epochs: int, ylabel: str) -> None:
    """Clear a panel and give it an axis of epochs, its label and a quiet grid."""
    style_panel(ax, ylabel=ylabel)
    ax.set_xlim(1, max(2, epochs))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, steps=[1, 2, 5, 10]))


def style_panel(ax: Axes, *, ylabel: str) -> None:
    """Clear a panel and give it its label and a quiet grid."""
    ax.clear()
    ax.set(facecolor="none")
    ax.set_ylabel(ylabel, fontsize=LARGE, color=INK)
    ax.tick_params(labelsize=SMALL, labelcolor=INK, length=3, width=0.8, color=FAINT)
    ax.grid(visible=True, color="#e3e3e3", linewidth=0.8)
    ax.set_axisbelow(True)
    for side, spine in ax.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=FAINT, linewidth=0.8)


def median(series: Sequence[Sequence[float]]) -> np.ndarray:
    """The median over several runs, epoch by epoch, as far as the shortest of them goes; runs without values aside."""
    series = [values for values in series if len(values)]
    shortest = min(map(len, series), default=0)
    return np.median([values[:shortest] for values in series], axis=0) if shortest else np.array([])


def draw_series(
    ax: Axes, series: Sequence[Sequence[float]], *, color: str, band: bool = False, steps: bool = False, **line: object
) -> list[Artist]:
    """Draw the median over several runs, epoch by epoch; returns the artists.

    Parameters
    ----------
    series : sequence of sequences of float
        For every run, one value per epoch.
    band : bool
        Fill the range from the lowest to the highest run, where there are several.
    steps : bool
        Each value holds for a whole epoch: the line rises and falls between two of them.
    **line
        Of `Line2D`.
    """
    values, artists = median(series), []
    if not len(values):
        return artists
    epochs = np.arange(1, len(values) + 1)
    if band and len(series) > 1:
        each = np.array([one[: len(values)] for one in series if len(one)])  # (runs, epochs)
        step = "mid" if steps else None
        artists.append(ax.fill_between(epochs, each.min(0), each.max(0), step=step, color=color, alpha=0.18, lw=0))
    shape = {"drawstyle": "steps-mid"} if steps else {}
    marker = "o" if len(values) == 1 else None  # one value makes no line
    return [*artists, *ax.plot(epochs, values, color=color, marker=marker, markersize=3, **shape, **line)]
