"""The picture of a sweep: last and lowest validation loss against the value of a slider. No pyplot, no widget."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imsave
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from course_utils.explorer.figure import draw_baselines, new_figure, place_of
from course_utils.explorer.panel import LARGE, PAPER, SMALL, style_panel
from course_utils.explorer.sweep import Sweep
from course_utils.palette import CROSS_ENTROPY, HUES, INK, MAE, PARTS

__all__ = ["SweepPicture", "draw_sweep"]

LAST = {"color": PARTS["validation"]["color"], "linestyle": "-", "marker": "o", "markersize": 4}
BEST = {"color": HUES[0], "linestyle": (0, (4, 1.5)), "marker": "o", "markersize": 7, "markerfacecolor": "white"}
BEST |= {"markeredgewidth": 1.8}
TOPS = {
    "regression": (0.6, 0.8, 1.1, 1.5, 2.5, 4.0),
    "classification": (0.15, 0.25, 0.4, 0.55, 0.85, 1.2),
}  # of guessing
STEP = 0.05  # of guessing: between two possible beginnings of the axis of losses
WIDER = 0.012  # of the figure: the margin for numbers with two decimals
MARGIN = 0.04  # of the axis of values, at both ends
MOST_TICKS = 8  # with room for their labels


class SweepPicture:
    """Draws a `Sweep`, again and again.

    Parameters
    ----------
    with_rate : bool
        Take the size of a picture with a panel of learning rates, so that nothing jumps.
    is_large : bool
        Draw text and lines larger, for a hall.
    """

    def __init__(self, *, with_rate: bool = False, is_large: bool = False) -> None:
        self._figure, scale = new_figure(with_rate=with_rate, is_large=is_large)
        self._figure.patch.set_alpha(0)
        self._canvas = FigureCanvasAgg(self._figure)
        left, bottom, width, height = place_of(with_rate, scale)
        left, width = left + WIDER * scale, width - WIDER * scale
        self._ax = self._figure.add_axes((left, bottom, width, height))

    def png(self, sweep: Sweep) -> bytes:
        """The picture as a PNG file."""
        draw_sweep(sweep, ax=self._ax)
        self._canvas.draw()
        file = io.BytesIO()
        imsave(file, np.asarray(self._canvas.buffer_rgba()), format="png", pil_kwargs={"compress_level": 1})
        return file.getvalue()


def draw_sweep(sweep: Sweep, *, ax: Axes) -> Axes:
    """Draw both losses, as medians with bands, the lines to beat, the legend, and the value that was chosen."""
    style_panel(ax, ylabel=sweep.loss_label or (MAE if sweep.task == "regression" else CROSS_ENTROPY))
    _style_values(sweep, ax)
    low, top = _ends(sweep)
    ax.set_ylim(low, top)
    draw_baselines(ax, guess=sweep.guess, plane=sweep.plane, top=top, low=low)
    order = np.argsort(np.array(sweep.trained, float)) if sweep.groups else []
    x = np.array(sweep.trained, float)[order] if sweep.groups else np.array([])
    for losses, style in ((sweep.last, LAST), (sweep.best, BEST)):
        if len(x):
            each = np.array(losses, float)[order]  # (values, seeds)
            each[~np.isfinite(each)] = np.nan if sweep.seeds == 1 else 1e30
            ax.fill_between(x, each.min(1), each.max(1), color=style["color"], alpha=0.16, lw=0)
            ax.plot(x, np.median(each, axis=1), linewidth=2.2, **style)
    _draw_above(sweep, ax, top)
    _draw_chosen(sweep, ax, low)
    _draw_legend(sweep, ax)
    return ax


def _style_values(sweep: Sweep, ax: Axes) -> None:
    """The axis of values: on the slider's own scale, with the values themselves as its ticks."""
    values, scale = np.array(sweep.values, float), sweep.control.scale
    if scale == "symlog":
        ax.set_xscale("symlog", linthresh=min(value for value in values if value > 0), linscale=0.5)
    else:
        ax.set_xscale(scale)
    ticks = values[:: -(-len(values) // MOST_TICKS)] if scale != "linear" or len(values) > MOST_TICKS + 3 else values
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xticks(ticks, [sweep.control.format(sweep.values[list(values).index(tick)]) for tick in ticks])
    to_axis, back = ax.transScale.transform, ax.transScale.inverted().transform
    first, last = (float(to_axis((value, 0))[0]) for value in (values[0], values[-1]))
    margin = MARGIN * (last - first) or 0.5
    ends = [float(back((place, 0))[0]) for place in (first - margin, last + margin)]
    ax.set_xlim(*ends)
    ax.set_xlabel(sweep.control.label, fontsize=LARGE, color=INK)


def _ends(sweep: Sweep) -> tuple[float, float]:
    """Where the axis of losses begins and ends: in steps, so that it seldom changes while the sweep grows."""
    unit = sweep.guess if np.isfinite(sweep.guess) else 1.0
    medians = [float(np.median(losses)) for losses in sweep.last]
    heights = [unit * top for top in TOPS[sweep.task]]
    top = next((top for top in heights if all(median < top for median in medians if np.isfinite(median))), heights[-1])
    lowest = min((min(losses) for losses in sweep.best), default=np.inf)
    if not np.isfinite(lowest):
        return 0.0, top
    low = STEP * unit * max(0, np.floor(0.97 * lowest / (STEP * unit)))
    return (float(low), top) if low < 0.9 * top else (0.0, top)


def _draw_above(sweep: Sweep, ax: Axes, top: float) -> None:
    """Words for the values whose losses lie above the picture."""
    above = [
        sweep.control.format(value)
        for value, losses in zip(sweep.trained, sweep.last, strict=True)
        if not np.median(losses) < top
    ]
    if above:
        words = f"▲ {sweep.control.label} {', '.join(above)}: at the end above this picture"
        style = {"fontsize": SMALL, "color": LAST["color"], "va": "top", "bbox": {**PAPER, "pad": 2}}
        ax.text(0.02, 0.99, words, transform=ax.transAxes, **style)


def _draw_chosen(sweep: Sweep, ax: Axes, low: float) -> None:
    """A dotted line down from the best point, with its value."""
    if sweep.chosen is None or len(sweep.groups) < 2:
        return
    value, loss = sweep.trained[sweep.chosen], float(np.median(sweep.best[sweep.chosen]))
    ax.plot([value, value], [low, loss], color=BEST["color"], linewidth=1.2, linestyle=":")
    place = ax.transAxes.inverted().transform(ax.transData.transform((value, loss)))
    to_the_left = place[0] > 0.6
    words = f"{sweep.control.label} {sweep.control.format(value)}: chosen on validation"
    ax.annotate(
        words,
        (value, low),
        xytext=(-5 if to_the_left else 5, 5),
        textcoords="offset points",
        ha="right" if to_the_left else "left",
        fontsize=SMALL,
        color=INK,
        bbox={**PAPER, "pad": 1},
    )


def _draw_legend(sweep: Sweep, ax: Axes) -> None:
    """What the lines stand for, above the axis."""
    seeds = f"median and range of {sweep.seeds} seeds" if sweep.seeds > 1 else "one seed"
    handles = [
        Line2D([], [], label=f"validation loss at the end ({seeds})", linewidth=2.2, **LAST),
        Line2D([], [], label="lowest validation loss of each run: chosen on validation", linewidth=2.2, **BEST),
    ]
    _legend(ax, handles)


def _legend(ax: Axes, handles: Sequence[Line2D]) -> None:
    place, figure = ax.get_position(), ax.figure
    for old in figure.legends[:]:
        old.remove()
    figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(place.x0 - 0.01, place.y1 + 0.005),
        borderpad=0.2,
        borderaxespad=0.2,
        labelspacing=0.25,
        fontsize=SMALL,
        frameon=False,
        labelcolor=INK,
        handlelength=2.6,
    )
