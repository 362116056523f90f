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
from course_utils.explorer_controls import Setup
from course_utils.plots import PARTS

__all__ = ["draw_network", "network_png"]

INK, MOST_DOTS = "#222222", 12


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

    A bar in front of a column stands for batch normalization. The numbers are the true widths.
    """
    settings = setup.settings
    sizes = [int(np.prod(data.input_shape)), *[settings.width] * settings.depth, data.n_outputs]
    rng = np.random.default_rng(0)
    columns, present = [], []
    for i, size in enumerate(sizes):
        dots = _dots(size)
        columns.append(np.column_stack([np.full(dots, i), np.linspace(-1, 1, dots) * (dots - 1) / (MOST_DOTS - 1)]))
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
    colors = ["#666666", *[PARTS["validation"]["color"]] * settings.depth, PARTS["training"]["color"]]
    size = 26 if len(sizes) < 9 else 16
    for dots, here, color in zip(columns, present, colors, strict=True):
        ax.scatter(*dots[here].T, s=size, color=color, linewidths=0, zorder=3)
        ax.scatter(*dots[~here].T, s=size * 0.8, facecolors="white", edgecolors=color, linewidths=0.8, zorder=3)
    for i, size in enumerate(sizes):
        ax.text(i, -1.36, f"{size:,}", ha="center", va="center", fontsize=8 if len(sizes) < 9 else 6.5, color=INK)
        if settings.batch_norm and 0 < i < len(sizes) - 1:
            reach = columns[i][-1, 1] + 0.12
            ax.plot([i - 0.22] * 2, [-reach, reach], color="#009E73", linewidth=2.2, solid_capstyle="round", zorder=2)
    ax.text(0, 1.36, "input", ha="center", va="center", fontsize=7.5, color="#666666")
    ax.text(len(sizes) - 1, 1.36, "output", ha="center", va="center", fontsize=7.5, color="#666666")
    ax.set(xlim=(-0.45, max(len(sizes) - 0.55, 2.45 if len(sizes) < 3 else 0)), ylim=(-1.6, 1.6), facecolor="none")
    ax.axis("off")
    return ax


def _dots(size: int) -> int:
    """How many dots stand for so many units."""
    return size if size <= 5 else min(MOST_DOTS, round(np.log2(size)) + 3)
