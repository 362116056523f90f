"""The explorer's small drawing of the network: layers as columns of dots. No pyplot, no widget.

A column stands at its layer's number (0 is the input), its dots between −1 and 1; words stand above and below them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import imsave

from course_utils.data import Dataset
from course_utils.explorer.anatomy import Anatomy
from course_utils.explorer.controls import Setup
from course_utils.palette import HUES, INK, PARTS

__all__ = ["draw_layers", "draw_network", "layers_png", "network_png"]

INPUT, HIDDEN, OUTPUT, NORM = "#555555", PARTS["validation"]["color"], PARTS["training"]["color"], HUES[0]
EDGE = "#9a9a9a"
ALL_DOTS = 12  # layers of more units are shown shortened
ELLIPSIS = (-0.11, 0, 0.11)
MANY_LAYERS, MANY_EDGES = 8, 150  # more of them are drawn smaller, and fainter
BIG, MIDDLE, SMALL = 26, 16, 12  # area of a dot in points²: of few layers, of many, and of a shortened one
MOST_ROWS, FEWEST_ROWS, LONGEST = 8, 7, 16  # of a list of layers, and letters of a name in it
ABOVE, BELOW, UNDERLINE = 1.36, -1.36, -1.16  # heights of the words and of the line that joins many layers


@dataclass(frozen=True)
class Column:
    """One layer as it is drawn.

    Attributes
    ----------
    units : int
        As many as the layer has; there may be fewer dots.
    color : str
    dots : numpy.ndarray
        Where they stand, shape (dots, 2).
    is_present : numpy.ndarray
        Which of them dropout leaves in, shape (dots,).
    """

    units: int
    color: str
    dots: np.ndarray
    is_present: np.ndarray

    @property
    def is_shortened(self) -> bool:
        """Whether there are more units than dots."""
        return len(self.dots) < self.units


def network_png(setup: Setup, data: Dataset) -> bytes:
    """The drawing of the network as a PNG file."""
    figure = Figure(figsize=(3.4, 1.55), dpi=150, layout="none")
    figure.patch.set_alpha(0)
    canvas = FigureCanvasAgg(figure)
    draw_network(setup, data, ax=figure.add_axes((0, 0, 1, 1)))
    canvas.draw()
    file = io.BytesIO()
    imsave(file, np.asarray(canvas.buffer_rgba()), format="png", pil_kwargs={"compress_level": 1})
    return file.getvalue()


def layers_png(anatomy: Anatomy) -> bytes:
    """The layers of a model of the reader's, as a PNG file of the same size."""
    figure = Figure(figsize=(3.4, 1.55), dpi=150, layout="none")
    figure.patch.set_alpha(0)
    canvas = FigureCanvasAgg(figure)
    draw_layers(anatomy, ax=figure.add_axes((0, 0, 1, 1)))
    canvas.draw()
    file = io.BytesIO()
    imsave(file, np.asarray(canvas.buffer_rgba()), format="png", pil_kwargs={"compress_level": 1})
    return file.getvalue()


def draw_layers(anatomy: Anatomy, *, ax: Axes, text: float | None = None) -> Axes:
    """List the layers with the shapes of their outputs and their parameters, those in the middle left out if many."""
    rows = [
        (kind if len(kind) <= LONGEST else f"{kind[: LONGEST - 1]}…", shape, f"{parameters:,}" if parameters else "")
        for kind, shape, parameters in anatomy.layers
    ]
    if len(rows) > MOST_ROWS:
        left_out = len(rows) - MOST_ROWS + 1
        rows[MOST_ROWS // 2 : MOST_ROWS // 2 + left_out] = [(f"… {left_out} more", "", "")]
    rows = [("layer", "output", "parameters"), *rows, ("all", "", f"{anatomy.parameters:,}")]
    step = 1 / (max(len(rows), FEWEST_ROWS) + 0.4)
    text = text or min(10.0, 88 * step)  # points; a row has 112 of them, times its step
    for i, row in enumerate(rows):
        is_layer = 0 < i < len(rows) - 1
        look = {"va": "center", "fontsize": text, "color": INK if is_layer else INPUT}
        for words, (x, align) in zip(row, ((0.02, "left"), (0.64, "right"), (0.98, "right")), strict=True):
            ax.text(x, 1 - (i + 0.7) * step, words, ha=align, **look)
    for i in (1, len(rows) - 1):
        ax.axhline(1 - (i + 0.2) * step, color=EDGE, linewidth=0.6)
    ax.set(xlim=(0, 1), ylim=(0, 1), facecolor="none")
    ax.axis("off")
    return ax


def draw_network(setup: Setup, data: Dataset, *, ax: Axes) -> Axes:
    """Draw the layers as columns of dots, more of them for wider layers; units that dropout leaves out are hollow.

    Up to twelve units are all drawn; of more, the first and last few, with an ellipsis between them. A bar in front of
    a column stands for batch normalization. The numbers are the true widths.
    """
    columns = _columns(setup, data)
    hidden, last = columns[1:-1], len(columns) - 1
    is_deep = len(columns) > MANY_LAYERS
    _draw_edges(ax, columns)
    for i, column in enumerate(columns):
        _draw_dots(ax, i, column, size=SMALL if column.is_shortened else MIDDLE if is_deep else BIG)
    if setup.settings.batch_norm:
        for i, column in enumerate(hidden, start=1):
            reach = column.dots[-1, 1] + 0.12
            ax.plot([i - 0.22] * 2, [-reach, reach], color=NORM, linewidth=2.2, solid_capstyle="round", zorder=2)
    words = {(0, ABOVE): "input", (last, ABOVE): "output"}
    if is_deep:  # too many columns for a number under each
        words |= {(i, BELOW): f"{columns[i].units:,}" for i in (0, last)}
        words[last / 2, BELOW] = f"{len(hidden)} layers of {hidden[0].units:,}"
        ax.plot([1, last - 1], [UNDERLINE] * 2, color=INPUT, linewidth=0.8)
    else:
        words |= {(i, BELOW): f"{column.units:,}" for i, column in enumerate(columns)}
    for place, text in words.items():
        ax.text(*place, text, ha="center", va="center", fontsize=10.5, color=INK)
    margin = 0.5 * max(1, last / 4)  # columns, for the words at the sides
    right = max(last + margin, 2.45) if last == 1 else last + margin  # two columns do not stand at both ends
    ax.set(xlim=(-margin, right), ylim=(-1.6, 1.6), facecolor="none")
    ax.axis("off")
    return ax


def _columns(setup: Setup, data: Dataset) -> list[Column]:
    """Input, hidden layers and output."""
    settings, rng = setup.settings, np.random.default_rng(0)
    layers = [
        (int(np.prod(data.input_shape)), INPUT, 0.0),
        *[(settings.width, HIDDEN, settings.dropout)] * settings.depth,
        (data.n_outputs, OUTPUT, 0.0),
    ]
    columns = []
    for i, (units, color, dropout) in enumerate(layers):
        heights = _heights(units)
        is_present = np.ones(len(heights), bool)
        if dropout:
            is_present[rng.permutation(len(heights))[: round(dropout * len(heights))]] = False
        columns.append(Column(units, color, np.column_stack([np.full(len(heights), i), heights]), is_present))
    return columns


def _heights(units: int) -> np.ndarray:
    """Where the dots of a layer stand, from -1 to 1; with a gap in the middle where they are fewer than its units."""
    if units <= ALL_DOTS:
        return np.linspace(-1, 1, units) * (units - 1) / (ALL_DOTS - 1)
    dots = round(np.log2(units / ALL_DOTS)) + ALL_DOTS
    places = np.linspace(-1, 1, dots + 4)  # four of which the ellipsis takes
    half = dots // 2
    return np.concatenate([places[: dots - half], places[-half:]])


def _draw_edges(ax: Axes, columns: Sequence[Column]) -> None:
    """A line between every two units of neighbouring layers that are both present."""
    edges = [
        (start, end)
        for left, right in pairwise(columns)
        for start in left.dots[left.is_present]
        for end in right.dots[right.is_present]
    ]
    alpha = 0.35 if len(edges) > MANY_EDGES else 0.6
    ax.add_collection(LineCollection(edges, colors=EDGE, linewidths=0.4, alpha=alpha, zorder=1))


def _draw_dots(ax: Axes, x: int, column: Column, *, size: float) -> None:
    color, present, dropped = column.color, column.dots[column.is_present], column.dots[~column.is_present]
    ax.scatter(*present.T, s=size, color=color, linewidths=0, zorder=3)
    ax.scatter(*dropped.T, s=0.8 * size, facecolors="white", edgecolors=color, linewidths=0.8, zorder=3)
    if column.is_shortened:
        ax.plot([x] * 3, ELLIPSIS, color=color, linestyle="", marker="o", markersize=1.4, zorder=3)
