"""What the explorer draws: the learning curves as they grow. No pyplot, no widget.

Figures are drawn for a light page, on a transparent ground; a dark page inverts their lightness (`explorer.widgets`).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.lines import Line2D

from course_utils.data import Dataset
from course_utils.explorer.anatomy import Anatomy
from course_utils.explorer.controls import Setup
from course_utils.explorer.diagram import draw_layers, draw_network
from course_utils.explorer.marks import (
    average_mark,
    best_mark,
    draw_above,
    draw_average,
    draw_best,
    draw_gap,
    draw_number,
    draw_numbers_above,
    end_mark,
)
from course_utils.explorer.panel import LARGE, SMALL, draw_series, median, style_axes
from course_utils.explorer.progress import Group
from course_utils.explorer.rates import RatePanel
from course_utils.explorer.scene import Curves
from course_utils.palette import CROSS_ENTROPY, FAINT, INK, MAE, PARTS, PIN_COLORS

__all__ = ["CurvePicture", "draw_baselines", "new_figure", "place_of", "still_png"]

# Inches: the whole picture without and with the panel of the rates, and that panel with the space above it.
WIDTH, HEIGHT, HEIGHT_WITH_RATE, RATE, SPACE = 7.2, 4.1, 5.0, 0.95, 0.2
# Numbers of runs, on their curves, as shares of the epochs: pinned ones from the right, then those of earlier runs; the
# distance of two, and how many of those have places of their own.
PINNED_NUMBER, EARLIER_NUMBER, NUMBER_STEP, NUMBERS = 0.95, 0.59, 0.06, 6
TRAINING_FAINTER = 0.4  # of a pinned run: what is compared is validation
FITS = 0.9  # of what a shorter text would need: the marks in a legend do not shrink with it
HALL = 1.3  # times as large for a hall
LOSSES = {"training": "loss", "validation": "val_loss"}  # their names in the history


class CurvePicture:
    """Draws `Curves`, again and again: in layers, of which only those are drawn anew that have changed.

    Parameters
    ----------
    with_rate : bool
        Draw a panel of the learning rates under that of the losses.
    is_large : bool
        Draw text and lines larger, to be read from the last row of a hall.
    figure : matplotlib.figure.Figure or None
        Drawn into, in the place of a figure of its own.
    place : tuple of float or None
        Left, bottom, width and height of all panels together, as parts of the figure.
    """

    def __init__(
        self,
        *,
        with_rate: bool = False,
        is_large: bool = False,
        figure: Figure | None = None,
        place: tuple[float, float, float, float] | None = None,
    ) -> None:
        self._label_place = -0.155 if is_large else -0.11  # share of an axis, for the labels of two panels
        own, scale = new_figure(with_rate=with_rate, is_large=is_large)
        self.figure = figure or own
        self.figure.patch.set_alpha(0 if figure is None else 1)
        self._canvas = FigureCanvasAgg(self.figure)
        left, bottom, width, height = place or place_of(with_rate, scale)
        self.rates = None
        if with_rate:
            inch = 1 / self.figure.get_figheight()
            self.rates = RatePanel(self.figure.add_axes((left, bottom, width, RATE * inch)))
            bottom, height = bottom + (RATE + SPACE) * inch, height - (RATE + SPACE) * inch
        self.ax = self.figure.add_axes((left, bottom, width, height))
        self._axes, self._axes_pixels = None, None
        self._ground, self._ground_pixels = None, None

    def png(self, curves: Curves) -> bytes:
        """The picture as a PNG file."""
        axes, ground = curves.axes, (curves.ground, curves.is_finished)
        if self._axes != axes:
            self.draw_axes(curves)
            self._canvas.draw()
            self._axes, self._axes_pixels = axes, self._canvas.copy_from_bbox(self.figure.bbox)
        if self._ground != ground:
            self._canvas.restore_region(self._axes_pixels)
            self._draw_and_remove(self.draw_earlier(curves))
            self._ground, self._ground_pixels = ground, self._canvas.copy_from_bbox(self.figure.bbox)
        self._canvas.restore_region(self._ground_pixels)
        self._draw_and_remove(self.draw_runs(curves))
        file = io.BytesIO()
        pixels = np.asarray(self._canvas.buffer_rgba())
        imsave(file, pixels, format="png", pil_kwargs={"compress_level": 1})  # a tenth of the time of level 6
        return file.getvalue()

    def _draw_and_remove(self, artists: Sequence[Artist]) -> None:
        for artist in artists:
            self.figure.draw_artist(artist)
            artist.remove()

    def draw_axes(self, curves: Curves) -> None:
        """Axes, grid, the loss of guessing, and the legend."""
        ax, ylabel = self.ax, curves.loss_label or (MAE if curves.task == "regression" else CROSS_ENTROPY)
        style_axes(ax, epochs=curves.epochs, ylabel=ylabel)
        ax.set_ylim(0, curves.top)
        lowest = ax
        if self.rates:
            self.rates.draw_axes(curves)
            lowest = self.rates.ax
            ax.tick_params(labelbottom=False)
            for panel in (ax, lowest):  # one under the other, whatever the numbers on the axes
                panel.yaxis.set_label_coords(self._label_place, 0.5)
        lowest.set_xlabel("epoch", fontsize=LARGE, color=INK)
        draw_baselines(ax, guess=curves.guess, plane=curves.plane, top=curves.top)
        self._draw_legend(curves.averaged)

    def _draw_legend(self, averaged: int) -> None:
        """What lines and marks stand for, above the axis; in the place of any legend before."""
        place = self.ax.get_position()
        handles = [Line2D([], [], label=part, linewidth=2.2, **PARTS[part]) for part in ("validation", "training")]
        handles.append(best_mark([], [], label="lowest validation loss"))
        handles.append(end_mark([], [], label="training, measured like validation"))
        if averaged:
            handles.append(average_mark(averaged))
        for old in self.figure.legends[:]:
            old.remove()
        legend = self.figure.legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(place.x0 - 0.01, place.y1 + 0.005),
            ncols=3 if averaged else 2,
            borderpad=0.2,
            borderaxespad=0.2,
            labelspacing=0.25,
            fontsize=SMALL,
            frameon=False,
            labelcolor=INK,
            columnspacing=1.4,
            handlelength=2.2,
        )
        box, edge = legend.get_window_extent(), self.figure.bbox.x1
        if box.x1 > edge:  # for a hall, with many lines
            for text in legend.get_texts():
                text.set_fontsize(SMALL * (edge - box.x0) / box.width * FITS)

    def draw_earlier(self, curves: Curves) -> list[Artist]:
        """Earlier and pinned runs; returns the artists."""
        artists, faint = [], {part: style["color"] for part, style in PARTS.items()}
        for group in curves.earlier:
            artists += _plot(self.ax, group, faint, linewidth=1, alpha=0.4)
        for i, (group, _) in enumerate(curves.pinned):
            colors = dict.fromkeys(PARTS, PIN_COLORS[i % len(PIN_COLORS)])
            artists += _plot(self.ax, group, colors, linewidth=1.5, alpha=0.9, training=TRAINING_FAINTER, band=True)
        if not curves.is_finished:  # then they stand in front of everything
            artists += self._numbers(curves)
        return artists + (self.rates.draw_earlier(curves) if self.rates else [])

    def _numbers(self, curves: Curves) -> list[Artist]:
        """The numbers of earlier and pinned runs, each at a place of its own along its curve; those above, in words."""
        artists, above = [], []
        earlier = [
            (group, EARLIER_NUMBER - NUMBER_STEP * (k % NUMBERS), FAINT)
            for group, k in zip(curves.earlier, curves.numbers, strict=False)
        ]
        pinned = [
            (group, PINNED_NUMBER - NUMBER_STEP * i, PIN_COLORS[i % len(PIN_COLORS)])
            for i, (group, _) in enumerate(curves.pinned)
        ]
        for number, (group, place, color) in zip(curves.numbers, [*earlier, *pinned], strict=False):
            losses = _median(group, "val_loss")[: curves.epochs]
            if number and len(losses) and losses[-1] > curves.top:
                above.append(number)
            elif number:
                artists += draw_number(self.ax, number, losses, at=place, color=color)
        return artists + draw_numbers_above(self.ax, above)

    def draw_pins(self, curves: Curves) -> list[Artist]:
        """The legend of the pinned runs, in front of everything."""
        handles = [
            Line2D([], [], color=PIN_COLORS[i % len(PIN_COLORS)], linewidth=1.5, label=words)
            for i, (_, words) in enumerate(curves.pinned)
        ]
        if not handles:
            return []
        legend = self.ax.legend(handles=handles, loc="upper right", fontsize=SMALL, framealpha=0.9, title="pinned")
        legend.get_title().set(fontsize=SMALL, color=INK)
        legend.get_frame().set(facecolor="white", edgecolor="#cccccc")
        return [legend]

    def draw_runs(self, curves: Curves) -> list[Artist]:
        """The current runs; returns the artists."""
        ax, colors = self.ax, {part: style["color"] for part, style in PARTS.items()}
        runs = tuple(run for run in curves.runs if run.epochs)
        below = self.rates.draw_runs(curves) if self.rates else []
        if not runs:
            return below
        if len(curves.runs) == 1 or (curves.is_finished and len(runs) > 1):
            artists = _plot(ax, runs, colors, linewidth=2.2, alpha=1, band=True)
        else:
            artists = [line for run in runs for line in _plot(ax, (run,), colors, linewidth=1.2, alpha=0.6)]
        artists += draw_average(ax, curves.average)
        if curves.is_finished:
            artists += [*self._marks(runs, curves), *self._numbers(curves)]
        ends = {part: losses[-1] for part, name in LOSSES.items() if len(losses := _median(runs, name))}
        return artists + draw_above(ax, ends) + below

    def _marks(self, runs: Group, curves: Curves) -> list[Artist]:
        """What is marked once the runs are over: the best epoch, and the gap at the end."""
        validation = _median(runs, "val_loss")
        if not len(validation):
            return []
        training, end = float(np.median([run.train_loss for run in runs])), float(validation[-1])
        gap = draw_gap(self.ax, epoch=len(validation), training=training, validation=end, guess=curves.guess)
        return [*draw_best(self.ax, validation), *gap]


def still_png(
    curves: Curves,
    setup: Setup,
    data: Dataset,
    words: str,
    *,
    with_rate: bool = False,
    anatomy: Anatomy | None = None,
) -> bytes:
    """Curves, network and sentence in one picture, for pages without widgets."""
    height = 5.8 if with_rate else 4.9  # inches
    figure = Figure(figsize=(9.6, height), dpi=90, layout="none", facecolor="white")
    bottom = 0.215 * 4.9 / height
    place = (0.335, bottom, 0.565, 1 - bottom - 0.1 * 4.9 / height)
    picture = CurvePicture(with_rate=with_rate, figure=figure, place=place)
    for draw in (picture.draw_axes, picture.draw_earlier, picture.draw_runs, picture.draw_pins):
        draw(curves)
    ax = figure.add_axes((0.015, 0.34, 0.25 if anatomy else 0.22, 0.42 * 4.9 / height))
    if anatomy is None:
        draw_network(setup, data, ax=ax)
    else:
        draw_layers(anatomy, ax=ax, text=7.5)
    for line, y in zip(_in_two(words), (0.07, 0.025), strict=False):
        figure.text(0.5, y * 4.9 / height, line, ha="center", va="center", fontsize=LARGE, color=INK)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def new_figure(*, with_rate: bool, is_large: bool) -> tuple[Figure, float]:
    """An empty figure, and how much larger than usual its text is."""
    height, scale = HEIGHT_WITH_RATE if with_rate else HEIGHT, HALL if is_large else 1.0
    # The same pixels on fewer inches: all that is measured in points grows.
    figure = Figure(figsize=(WIDTH / scale, height / scale), dpi=130 * scale, layout="none")
    return figure, scale


def draw_baselines(ax: Axes, *, guess: float, plane: float, top: float, low: float = 0.0) -> None:
    """The losses of guessing and of a plane, which a network must beat, with names where no curve is likely."""
    small = {"fontsize": SMALL, "color": INK, "textcoords": "offset points"}
    beside = {"xytext": (14, 0), "va": "center"}  # of the mark at a curve's end
    above = {"xytext": (4, 1), "va": "bottom"}
    for name, loss, x, place in (("guessing", guess, 1, beside), ("plane", plane, 0, above)):
        if not np.isfinite(loss) or loss < low:
            continue
        if loss <= top:
            ax.axhline(loss, color=FAINT, linewidth=1, linestyle=(0, (1, 2)))
            ax.annotate(name, (x, loss), xycoords=ax.get_yaxis_transform(), **small, **place)
        else:
            words, corner = f"▲ {name}\n    {loss:.2f}", {"xytext": (8, 0), "va": "top"}
            ax.annotate(words, (1, 1), xycoords="axes fraction", **small, **corner)


def place_of(with_rate: bool, scale: float) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of the panels: margins grow with the text that stands in them."""
    left, bottom, right, top = (0.115, 0.105, 0.13, 0.095) if with_rate else (0.085, 0.125, 0.13, 0.11)
    return left * scale, bottom * scale, 1 - (left + right) * scale, 1 - (bottom + top) * scale


def _median(runs: Group, name: str) -> np.ndarray:
    return median([run.history.get(name, ()) for run in runs])


def _plot(
    ax: Axes,
    runs: Group,
    colors: Mapping[str, str],
    *,
    alpha: float,
    training: float = 1.0,
    band: bool = False,
    **line: object,
) -> list[Artist]:
    """Draw both curves of a group, in these colours; that of training so many times as faint."""
    artists = []
    for part, name in LOSSES.items():
        series, style = [run.history.get(name, ()) for run in runs], PARTS[part]["linestyle"]
        own = alpha * training if part == "training" else alpha
        bands = band and (part == "validation" or training == 1.0)
        artists += draw_series(ax, series, color=colors[part], band=bands, linestyle=style, alpha=own, **line)
    return artists


def _in_two(words: str) -> tuple[str, ...]:
    """Break a sentence at the " · " nearest to its middle."""
    parts = words.split(" · ")
    cut = min(range(1, len(parts) + 1), key=lambda i: abs(len(" · ".join(parts[:i])) - len(words) / 2))
    return tuple(filter(None, (" · ".join(parts[:cut]), " · ".join(parts[cut:]))))
