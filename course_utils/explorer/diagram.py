"""The explorer's small drawing of the network: layers as columns of dots. No pyplot, no widget."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import imsave

from course_utils.data import Dataset
from course_utils.explorer.controls import Setup
from course_utils.palette import INK, PARTS

__all__ = ["draw_network", "network_png"]

GREY = "#555555"
ALL_DOTS = 12  # layers of more units are shown shortened


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


def draw_network(setup: Setup, data: Dataset, *, ax: Axes) -> Axes:
    """Draw the layers as columns of dots, more of them for wider layers; units that dropout leaves out are hollow.

    Up to twelve units are all drawn; of more, the first and last few, with an ellipsis between them. A bar in front of
    a column stands for batch normalization. The numbers are the true widths.
    """
    settings = setup.settings
    sizes = [int(np.prod(data.input_shape)), *[settings.width] * settings.depth, data.n_outputs]
    rng = np.random.default_rng(0)
    columns, present, ellipses = [], [], []
    for i, size in enumerate(sizes):
        heights = _heights(size)
        dots = len(heights)
        columns.append(np.column_stack([np.full(dots, i), heights]))
        if dots < size:
            ellipses.append(i)
        is_hidden = 0 < i < len(sizes) - 1
        here = np.ones(dots, bool)
        if is_hidden:
            here[rng.permutation(dots)[: round(settings.dropout * dots)]] = False
        present.append(here)
    edges = [
        (a, b) for i in range(len(sizes) - 1) for a in columns[i][present[i]] for b in columns[i + 1][present[i + 1]]
    ]
    ax.add_collection(
        LineCollection(edges, colors="#9a9a9a", linewidths=0.4, alpha=0.35 if len(edges) > 150 else 0.6, zorder=1)
    )
    colors = [GREY, *[PARTS["validation"]["color"]] * settings.depth, PARTS["training"]["color"]]
    is_deep = len(sizes) > 8
    for i, (dots, here, color) in enumerate(zip(columns, present, colors, strict=True)):
        size = 12 if i in ellipses else 16 if is_deep else 26
        ax.scatter(*dots[here].T, s=size, color=color, linewidths=0, zorder=3)
        ax.scatter(*dots[~here].T, s=size * 0.8, facecolors="white", edgecolors=color, linewidths=0.8, zorder=3)
        if i in ellipses:
            ax.plot([i] * 3, [-0.11, 0, 0.11], color=color, linestyle="", marker="o", markersize=1.4, zorder=3)
    last, text = len(sizes) - 1, {"ha": "center", "va": "center", "fontsize": 10.5, "color": INK}
    for i, size in enumerate(sizes):
        if i in (0, last) or not is_deep:
            ax.text(i, -1.36, f"{size:,}", **text)
        if settings.batch_norm and 0 < i < last:
            reach = columns[i][-1, 1] + 0.12
            ax.plot([i - 0.22] * 2, [-reach, reach], color="#009E73", linewidth=2.2, solid_capstyle="round", zorder=2)
    if is_deep:  # too many columns for a number under each
        ax.text(last / 2, -1.36, f"{settings.depth} layers of {settings.width:,}", **text)
        ax.plot([1, last - 1], [-1.16] * 2, color=GREY, linewidth=0.8)
    ax.text(0, 1.36, "input", **text)
    ax.text(last, 1.36, "output", **text)
    margin = 0.5 * max(1, last / 4)  # columns, for the words at the sides
    ax.set(xlim=(-margin, max(last + margin, 2.45 if last < 2 else 0)), ylim=(-1.6, 1.6), facecolor="none")
    ax.axis("off")
    return ax


def _heights(size: int) -> np.ndarray:
    """Where the dots of a layer stand, from -1 to 1; with a gap in the middle where they are fewer than its units."""
    if size <= ALL_DOTS:
        return np.linspace(-1, 1, size) * (size - 1) / (ALL_DOTS - 1)
    dots = round(np.log2(size / ALL_DOTS)) + ALL_DOTS
    places = np.linspace(-1, 1, dots + 4)  # four of which the ellipsis takes
    half = dots // 2
    return np.concatenate([places[: dots - half], places[-half:]])
