"""What the explorer draws: the learning curves as they grow. No pyplot, no widget.

Figures are drawn for a light page, on a transparent ground; a dark page inverts their lightness (`explorer.widgets`).
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.lines import Line2D

from course_utils.data import Dataset
from course_utils.experiment import best_epoch
from course_utils.explorer.controls import Setup
from course_utils.explorer.curves import LARGE, SMALL, Curves, median, style_axes
from course_utils.explorer.diagram import draw_network
from course_utils.explorer.progress import Group, Trained
from course_utils.explorer.rates import RatePanel
from course_utils.palette import CROSS_ENTROPY, FAINT, INK, MAE, PARTS, PIN_COLORS

__all__ = ["CurvePicture", "still_png"]

# Inches: the whole picture without and with the panel of the rates, and that panel with the space above it.
WIDTH, HEIGHT, HEIGHT_WITH_RATE, RATE, SPACE = 7.2, 4.1, 5.0, 0.95, 0.2
LINE = 0.065  # height of a line of small text, as a share of the axis


class CurvePicture:
    """Draws `Curves`, again and again: in layers, of which only those are drawn anew that have changed.

    Parameters
    ----------
    with_rate : bool
        Draw a panel of the learning rates under that of the losses.
    figure : matplotlib.figure.Figure or None
        Drawn into, in the place of a figure of its own.
    place : tuple of float or None
        Left, bottom, width and height of all panels together, as parts of the figure.
    """

    def __init__(
        self,
        *,
        with_rate: bool = False,
        figure: Figure | None = None,
        place: tuple[float, float, float, float] | None = None,
    ) -> None:
        height = HEIGHT_WITH_RATE if with_rate else HEIGHT
        self.figure = figure or Figure(figsize=(WIDTH, height), dpi=130, layout="none")
        self.figure.patch.set_alpha(0 if figure is None else 1)
        self._canvas = FigureCanvasAgg(self.figure)
        default = (0.115, 0.105, 0.755, 0.82) if with_rate else (0.085, 0.125, 0.785, 0.785)
        left, bottom, width, height = place or default
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
        axes = (curves.axes, self.rates and self.rates.limits(curves))
        if self._axes != axes:
            self.draw_axes(curves)
            self._canvas.draw()
            self._axes, self._axes_pixels = axes, self._canvas.copy_from_bbox(self.figure.bbox)
        if self._ground != (axes, curves.ground):
            self._canvas.restore_region(self._axes_pixels)
            self._draw_and_remove(self.draw_earlier(curves))
            self._ground, self._ground_pixels = (axes, curves.ground), self._canvas.copy_from_bbox(self.figure.bbox)
        self._canvas.restore_region(self._ground_pixels)
        self._draw_and_remove([*self.draw_runs(curves), *self.draw_pins(curves)])
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
        ax, ylabel = self.ax, MAE if curves.task == "regression" else CROSS_ENTROPY
        style_axes(ax, epochs=curves.epochs, ylabel=ylabel)
        ax.set_ylim(0, curves.top)
        lowest = ax
        if self.rates:
            self.rates.draw_axes(curves)
            lowest = self.rates.ax
            ax.tick_params(labelbottom=False)
            for panel in (ax, lowest):  # one under the other, whatever the numbers on the axes
                panel.yaxis.set_label_coords(-0.11, 0.5)
        lowest.set_xlabel("epoch", fontsize=LARGE, color=INK)
        if np.isfinite(curves.guess) and curves.guess <= curves.top:
            place = ax.get_yaxis_transform()
            ax.axhline(curves.guess, color=FAINT, linewidth=1, linestyle=(0, (1, 2)))
            beside = {"xytext": (14, 0), "textcoords": "offset points", "va": "center"}  # of the mark at a curve's end
            ax.annotate("guessing", (1, curves.guess), xycoords=place, fontsize=SMALL, color=INK, **beside)
        handles = [Line2D([], [], label=part, linewidth=2.2, **PARTS[part]) for part in ("validation", "training")]
        handles.append(_best_mark([], [], label="lowest validation loss"))
        handles.append(Line2D([], [], color=PARTS["validation"]["color"], alpha=0.4, linewidth=1, label="earlier"))
        for old in self.figure.legends[:]:
            old.remove()
        self.figure.legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(ax.get_position().x0 - 0.01, ax.get_position().y1 + 0.005),
            ncols=4,
            fontsize=SMALL,
            frameon=False,
            labelcolor=INK,
            columnspacing=1.4,
            handlelength=2.2,
        )

    def draw_earlier(self, curves: Curves) -> list[Artist]:
        """Earlier and pinned runs; returns the artists."""
        artists, faint = [], {part: style["color"] for part, style in PARTS.items()}
        for group in curves.earlier:
            artists += _plot(self.ax, group, faint, linewidth=1, alpha=0.4)
        for i, (group, _) in enumerate(curves.pinned):
            colors = dict.fromkeys(PARTS, PIN_COLORS[i % len(PIN_COLORS)])
            artists += _plot(self.ax, group, colors, linewidth=1.5, alpha=0.9)
        return artists + (self.rates.draw_earlier(curves) if self.rates else [])

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
        runs = [run for run in curves.runs if run.epochs]
        below = self.rates.draw_runs(curves) if self.rates else []
        if not runs:
            return below
        if len(curves.runs) == 1 or (curves.is_finished and len(runs) > 1):
            artists = _plot(ax, tuple(runs), colors, linewidth=2.2, alpha=1, band=True)
        else:
            artists = [line for run in runs for line in _plot(ax, (run,), colors, linewidth=1.2, alpha=0.6)]
        if curves.is_finished:
            artists += self._marks(runs, curves.guess)
        return artists + self._out_of_sight(runs, curves) + below

    def _marks(self, runs: Sequence[Trained], guess: float) -> list[Artist]:
        """Best epoch, and the gap at the end."""
        ax, artists = self.ax, []
        validation, last = _median(runs, "val_loss"), max(run.epochs for run in runs)
        best = best_epoch({"val_loss": validation})
        if best is None:
            return []
        artists += ax.plot(
            [best, best], [0, validation[best - 1]], color=PARTS["validation"]["color"], linewidth=1, linestyle=":"
        )
        is_seen = validation[best - 1] <= ax.get_ylim()[1]
        artists.append(ax.add_line(_best_mark([best], [validation[best - 1]], clip_on=not is_seen)))
        train_end, valid_end = float(np.median([run.train_loss for run in runs])), float(validation[-1])
        top = ax.get_ylim()[1]
        if np.isfinite([train_end, valid_end]).all() and max(train_end, valid_end) < top:
            # The loss at the end without dropout, which the mean over the last epoch need not be.
            artists += ax.plot(
                [last], [train_end], marker="s", color=PARTS["training"]["color"], markersize=5, zorder=5, clip_on=False
            )
            x = ax.transData.transform((last, 0))[0] + 11  # pixels: beside the ends of the curves
            x = ax.transAxes.inverted().transform((x, 0))[0]
            place = ax.get_yaxis_transform()
            bracket = {"color": INK, "linewidth": 1, "transform": place, "clip_on": False}
            artists += ax.plot([x] * 2, [train_end, valid_end], marker="_", markersize=5, **bracket)
            middle = float(np.clip((train_end + valid_end) / 2, 0.02 * top, 0.98 * top))
            words = f"gap {valid_end - train_end:.2f}".replace("-", "−")
            inside = x < 0.85
            if not inside and abs(middle - guess) < LINE * top:  # or it would lie on the word “guessing”
                middle = guess + (LINE if middle >= guess else -LINE) * top
            artists.append(
                ax.text(
                    x + 0.012,
                    middle,
                    words,
                    transform=place,
                    fontsize=SMALL,
                    color=INK,
                    va="center",
                    clip_on=False,
                    bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1} if inside else None,
                )
            )
        return artists

    def _out_of_sight(self, runs: Sequence[Trained], curves: Curves) -> list[Artist]:
        """A line of text where the validation curve lies above the picture."""
        value = _median(runs, "val_loss")[-1:]
        if not len(value) or value[0] <= curves.top:
            return []
        words = f"validation {value[0]:.3g}" if np.isfinite(value[0]) else "validation: no finite number"
        place = self.ax.transAxes
        return [
            self.ax.text(
                0.5,
                0.955,
                f"▲ {words}, above this picture",
                transform=place,
                ha="center",
                fontsize=SMALL,
                color=PARTS["validation"]["color"],
                bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 2},
            )
        ]


def still_png(curves: Curves, setup: Setup, data: Dataset, words: str, *, with_rate: bool = False) -> bytes:
    """Curves, network and sentence in one picture, for pages without widgets."""
    height = 5.8 if with_rate else 4.9  # inches
    figure = Figure(figsize=(9.6, height), dpi=90, layout="none", facecolor="white")
    bottom = 0.215 * 4.9 / height
    place = (0.335, bottom, 0.565, 1 - bottom - 0.085 * 4.9 / height)
    picture = CurvePicture(with_rate=with_rate, figure=figure, place=place)
    for draw in (picture.draw_axes, picture.draw_earlier, picture.draw_runs, picture.draw_pins):
        draw(curves)
    draw_network(setup, data, ax=figure.add_axes((0.015, 0.34, 0.22, 0.42 * 4.9 / height)))
    for line, y in zip(_in_two(words), (0.07, 0.025), strict=False):
        figure.text(0.5, y * 4.9 / height, line, ha="center", va="center", fontsize=LARGE, color=INK)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _median(runs: Sequence[Trained], name: str) -> np.ndarray:
    return median([run.history.get(name, ()) for run in runs])


def _plot(
    ax: Axes, runs: Group, colors: dict[str, str], *, linewidth: float, alpha: float, band: bool = False
) -> list[Artist]:
    artists = []
    for part, name in (("training", "loss"), ("validation", "val_loss")):
        values = _median(runs, name)
        if not len(values):
            continue
        epochs, color = np.arange(1, len(values) + 1), colors[part]
        if band and len(runs) > 1:
            every = np.array([run.history[name][: len(values)] for run in runs])
            artists.append(ax.fill_between(epochs, every.min(0), every.max(0), color=color, alpha=0.18, linewidth=0))
        marker = "o" if len(values) == 1 else None
        (line,) = ax.plot(
            epochs,
            values,
            color=color,
            linestyle=PARTS[part]["linestyle"],
            linewidth=linewidth,
            alpha=alpha,
            marker=marker,
            markersize=3,
        )
        artists.append(line)
    return artists


def _best_mark(x: list[float], y: list[float], **options: object) -> Line2D:
    color = PARTS["validation"]["color"]
    return Line2D(
        x,
        y,
        linestyle="",
        marker="o",
        markersize=7,
        markerfacecolor="white",
        markeredgecolor=color,
        markeredgewidth=1.8,
        zorder=5,
        **options,
    )


def _in_two(words: str) -> tuple[str, ...]:
    """Break a sentence at the " · " nearest to its middle."""
    parts = words.split(" · ")
    cut = min(range(1, len(parts) + 1), key=lambda i: abs(len(" · ".join(parts[:i])) - len(words) / 2))
    return tuple(filter(None, (" · ".join(parts[:cut]), " · ".join(parts[cut:]))))
