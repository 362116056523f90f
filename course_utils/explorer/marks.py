"""What is marked on the curves: the best epoch, the gap at the end, and what lies above the picture. No pyplot.

Three kinds of coordinates meet here. *Data*: epoch and loss. *Pixels*: for a distance from the end of a curve that is
the same on every axis. And *beside the axis* (`Axes.get_yaxis_transform`): x as a share of the axis, y a loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from course_utils.experiment import best_epoch
from course_utils.explorer.panel import PAPER, SMALL
from course_utils.palette import INK, PARTS

__all__ = [
    "average_mark",
    "best_mark",
    "draw_above",
    "draw_average",
    "draw_best",
    "draw_gap",
    "draw_number",
    "draw_numbers_above",
    "end_mark",
]

TRAINING, VALIDATION = PARTS["training"]["color"], PARTS["validation"]["color"]
AVERAGE = {"color": "#004466", "linestyle": (0, (6, 1.5, 1.2, 1.5)), "linewidth": 1.8, "zorder": 4}
WORDS = {"training": "#B85100", "validation": VALIDATION}  # the orange of a line is too light for small text
TO_BRACKET = 11  # pixels from the end of the curves
TO_WORDS = 0.012  # share of the axis, from the bracket
IN_THE_MARGIN = 0.85  # share of the axis from where the words of the gap stand beside it, where "guessing" stands too
LINE = 0.065  # height of a line of small text, as a share of the axis


def best_mark(x: list[float], y: list[float], **options: object) -> Line2D:
    """The ring that stands for the lowest validation loss, in the picture and in its legend."""
    ring = {"markerfacecolor": "white", "markeredgecolor": VALIDATION, "markeredgewidth": 1.8}
    return Line2D(x, y, linestyle="", marker="o", markersize=7, zorder=5, **ring, **options)


def end_mark(x: list[float], y: list[float], **options: object) -> Line2D:
    """The square that stands for the training loss at the end, measured like that of validation."""
    return Line2D(x, y, linestyle="", marker="s", markersize=5, color=TRAINING, zorder=5, **options)


def draw_best(ax: Axes, validation: np.ndarray) -> list[Artist]:
    """A ring at the lowest point of the validation curve, and a dotted line down to its epoch."""
    best = best_epoch({"val_loss": validation})
    if best is None:
        return []
    lowest = validation[best - 1]
    is_seen = lowest <= ax.get_ylim()[1]  # then it is drawn whole, on the edge of the axis too
    (down,) = ax.plot([best, best], [0, lowest], color=VALIDATION, linewidth=1, linestyle=":")
    return [down, ax.add_line(best_mark([best], [lowest], clip_on=not is_seen))]


def draw_gap(ax: Axes, *, epoch: int, training: float, validation: float, guess: float) -> list[Artist]:
    """A square at the training loss, a bracket up to that of validation, and the gap; only what is in sight.

    Parameters
    ----------
    epoch : int
        Where the curves end.
    training, validation : float
        Both in inference mode. The end of the training curve is a mean over its last epoch, with dropout, and may lie
        elsewhere; so a square shows the loss that the gap is measured from.
    guess : float
        Beside which the word "guessing" stands.
    """
    top = ax.get_ylim()[1]
    if not np.isfinite(training) or training >= top:
        return []
    square = ax.add_line(end_mark([epoch], [training], clip_on=False))
    if not np.isfinite(validation) or validation >= top:
        return [square]
    pixel = ax.transData.transform((epoch, 0))[0] + TO_BRACKET
    x = ax.transAxes.inverted().transform((pixel, 0))[0]
    beside = {"transform": ax.get_yaxis_transform(), "color": INK, "clip_on": False}
    (bracket,) = ax.plot([x, x], [training, validation], linewidth=1, marker="_", markersize=5, **beside)
    y = float(np.clip((training + validation) / 2, 0.02 * top, 0.98 * top))
    in_the_margin = x >= IN_THE_MARGIN
    if in_the_margin and abs(y - guess) < LINE * top:  # or it would lie on the word "guessing"
        y = guess + (LINE if y >= guess else -LINE) * top
    gap = round(validation - training, 2) + 0.0  # never −0.0
    words = f"gap {gap:.2f}".replace("-", "−")
    paper = None if in_the_margin else {**PAPER, "pad": 1}
    return [square, bracket, ax.text(x + TO_WORDS, y, words, fontsize=SMALL, va="center", bbox=paper, **beside)]


def draw_average(ax: Axes, losses: Sequence[float]) -> list[Artist]:
    """The validation loss of the average of several networks, epoch by epoch."""
    return ax.plot(range(1, len(losses) + 1), losses, **AVERAGE) if len(losses) > 1 else []


def average_mark(networks: int) -> Line2D:
    """What stands for that line in the legend."""
    return Line2D([], [], label=f"average of the {networks}", **AVERAGE)


def draw_number(ax: Axes, number: int, validation: np.ndarray, *, at: float, color: str) -> list[Artist]:
    """The number of a run in the table of runs, on its validation curve.

    Parameters
    ----------
    at : float
        Where, as a share of the epochs; each run has a place of its own, or the numbers of close curves would overlap.
    color : str
        Of the frame around it.
    """
    epoch = max(1, round(at * len(validation)))
    if not len(validation) or not validation[epoch - 1] < ax.get_ylim()[1]:
        return []
    frame = {**PAPER, "pad": 1, "edgecolor": color, "linewidth": 0.8}
    words = {"ha": "center", "va": "center", "fontsize": SMALL - 1, "color": INK, "bbox": frame, "zorder": 6}
    return [ax.text(epoch, validation[epoch - 1], str(number), clip_on=True, **words)]


def draw_numbers_above(ax: Axes, numbers: Sequence[int]) -> list[Artist]:
    """A line of words for the runs in the table that end above the picture."""
    if not numbers:
        return []
    words = f"▲ run{'s' if len(numbers) > 1 else ''} {', '.join(map(str, sorted(set(numbers))))}, above this picture"
    style = {"fontsize": SMALL, "color": INK, "va": "top", "ha": "right", "bbox": {**PAPER, "pad": 2}}
    return [ax.text(0.99, 1 - 0.2 * LINE, words, transform=ax.transAxes, **style)]


def draw_above(ax: Axes, ends: Mapping[str, float]) -> list[Artist]:
    """A line of words for every curve that ends above the picture, or in no number.

    Parameters
    ----------
    ends : mapping of str to float
        The last loss of "validation" and of "training", as far as there are any.
    """
    artists, paper = [], {**PAPER, "pad": 2}
    for part, end in ends.items():
        if end <= ax.get_ylim()[1]:
            continue
        value = f"{part} {end:.3g}" if np.isfinite(end) else f"{part}: no finite number"
        style = {"fontsize": SMALL, "color": WORDS[part], "va": "top", "bbox": paper}
        y = 1 - LINE * (len(artists) + 0.2)
        artists.append(ax.text(0.02, y, f"▲ {value}, above this picture", transform=ax.transAxes, **style))
    return artists
