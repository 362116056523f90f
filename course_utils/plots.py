"""Figures of the course: one palette, one line style for each set, units on the axes.

All functions draw into `ax` (a new axes by default) and return it; none shows the figure. Training is orange and
dashed, validation blue and solid, in every figure: they stay apart for colour-blind readers and in black and white.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from course_utils.baselines import guessing_loss, linear_loss
from course_utils.data import Dataset
from course_utils.evidence import curves
from course_utils.experiment import best_epoch
from course_utils.palette import ACCURACY, CROSS_ENTROPY, HUES, MAE, PARTS

__all__ = [
    "ACCURACY",
    "CROSS_ENTROPY",
    "MAE",
    "PARTS",
    "against_rate",
    "digits",
    "learning_curves",
    "loss_against",
    "mark_best",
    "reference_lines",
    "seed_dots",
    "set_style",
]

COLUMNS = {"training": "{}", "validation": "val_{}"}


def set_style() -> None:
    """Set seaborn's theme and figure defaults for all figures that follow."""
    sns.set_theme(style="whitegrid", palette="colorblind", font_scale=0.95)
    plt.rcParams.update(
        {
            "figure.figsize": (6.4, 3.6),
            "figure.dpi": 90,
            "figure.constrained_layout.use": True,
            "axes.titlesize": "medium",
            "axes.titleweight": "bold",
            "legend.frameon": True,
            "lines.linewidth": 1.8,
        }
    )


def learning_curves(
    runs: object,
    *,
    metric: str = "loss",
    ylabel: str = CROSS_ENTROPY,
    title: str = "",
    best: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Training and validation curve by epoch: of one run, or of several seeds as median and band.

    Parameters
    ----------
    runs : keras.callbacks.History, Run, mapping or pandas.DataFrame
        One history; or a table made by `evidence.repeat`, whose rows are drawn as the median over the seeds with a
        band from the lowest to the highest.
    metric : str
        "loss", or the name of a metric.
    ylabel : str
        What is drawn, with its unit: `CROSS_ENTROPY`, `MAE`, `ACCURACY`.
    best : bool
        Mark the epoch with the lowest validation loss (of the median, where there are several seeds).
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the metric was not recorded.
    """
    by_epoch = curves(runs) if isinstance(runs, pd.DataFrame) else _frame(runs)
    if isinstance(runs, pd.DataFrame):
        settings = by_epoch.columns[: by_epoch.columns.get_loc("seed")]
        mixed = [name for name in settings if by_epoch[name].nunique() > 1]
        if mixed:
            raise ValueError(f"The table holds several values of {', '.join(mixed)}. Select one: a median mixes them.")
    if metric not in by_epoch or metric.startswith("val_"):
        recorded = [name for name in by_epoch.columns if name not in ("epoch", "seed") and not name.startswith("val_")]
        raise ValueError(f"metric={metric!r} was not recorded. Choose from {', '.join(map(repr, recorded))}.")
    ax = _axes(ax)
    grouped = by_epoch.groupby("epoch")
    for part, style in PARTS.items():
        name = COLUMNS[part].format(metric)
        if name not in by_epoch:
            continue
        ax.plot(grouped[name].median(), label=part, **style)
        if by_epoch["epoch"].duplicated().any():
            _band(ax, grouped[name], style["color"])
    if best and "val_loss" in by_epoch:
        mark_best(best_epoch({"val_loss": grouped["val_loss"].median().tolist()}), ax=ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set(xlabel="epoch", ylabel=ylabel, title=title, xlim=(1, max(2, by_epoch["epoch"].max())))
    ax.legend(loc="best")
    return ax


def mark_best(epoch: int | None, *, label: str = "lowest validation loss", ax: Axes) -> Axes:
    """Mark an epoch by a dotted line and name it in the legend."""
    if epoch is not None:
        ax.axvline(epoch, color="0.35", linestyle=":", linewidth=1.5, label=f"{label}: epoch {epoch}")
        ax.legend(loc="best")
    return ax


def reference_lines(data: Dataset, *, ax: Axes, vertical: bool = False) -> Axes:
    """Draw what a network on `data` must beat: the loss of guessing, and, for regression, that of a plane.

    Parameters
    ----------
    data : Dataset
    ax : matplotlib.axes.Axes
        Its y axis (with `vertical`, its x axis) is the validation loss of this data set.
    vertical : bool
        For figures that have the loss on the x axis, such as `seed_dots`.
    """
    draw = ax.axvline if vertical else ax.axhline
    for label, loss, style in (("guessing", guessing_loss(data), ":"), ("plane", linear_loss(data), "-.")):
        if np.isfinite(loss):
            draw(loss, color="0.35", linestyle=style, linewidth=1.3, label=f"{label}: {loss:.2f}", zorder=1)
    ax.legend(loc="best")
    return ax


def loss_against(
    results: pd.DataFrame,
    x: str,
    *,
    columns: Mapping[str, str] | None = None,
    xlabel: str = "",
    ylabel: str = CROSS_ENTROPY,
    title: str = "",
    log: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Training and validation loss against one setting: a dot per seed, the median as a line, the range as a band.

    Parameters
    ----------
    results : pandas.DataFrame
        Made by `evidence.repeat`, one row per seed and value of `x`.
    x : str
        Column of the setting.
    columns : mapping of str to str, optional
        Which column stands for "training" and which for "validation"; the last `loss` and `val_loss` by default.
    log : bool
        Logarithmic axis with a tick at every value tried.
    """
    if x not in results:
        raise ValueError(f"x={x!r} is not a column of the table. Choose from {', '.join(map(repr, results.columns))}.")
    ax = _axes(ax)
    for part, column in (columns or {"training": "loss", "validation": "val_loss"}).items():
        grouped, style = results.groupby(x)[column], PARTS[part]
        ax.plot(grouped.median(), marker="o", markersize=4, label=f"{part} (median)", **style)
        _band(ax, grouped, style["color"])
        ax.plot(results[x], results[column], ".", color=style["color"], alpha=0.5, markersize=4)
    if log:
        ax.set_xscale("log", base=2)
        ticks = sorted(results[x].unique())
        ax.set_xticks(ticks, labels=[f"{tick:,}" for tick in ticks])
        ax.minorticks_off()
    else:
        ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.set(xlabel=xlabel or x, ylabel=ylabel, title=title)
    ax.legend(loc="best")
    return ax


def against_rate(
    results: pd.DataFrame,
    by: str,
    column: str = "val_loss",
    *,
    rate: str = "rate",
    ylabel: str = f"validation {CROSS_ENTROPY}",
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """One measure against the learning rate, with a line for each value of `by`: median of the seeds, range as a band.

    Parameters
    ----------
    results : pandas.DataFrame
        One row per seed, rate and value of `by`.
    by, column, rate : str
        Columns of what is compared, of the measured value, and of the learning rate.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    for name in (by, column, rate):
        if name not in results:
            raise ValueError(f"{name!r} is not a column of the table. Choose from {', '.join(map(repr, results))}.")
    ax = _axes(ax)
    names = results.assign(**{by: [f"{value:,}" if isinstance(value, int) else str(value) for value in results[by]]})
    look = {"hue": by, "style": by, "markers": True, "markersize": 6, "palette": HUES[: names[by].nunique()]}
    sns.lineplot(names, x=rate, y=column, estimator="median", errorbar=("pi", 100), ax=ax, **look)
    ax.set_xscale("log")
    ticks = sorted(results[rate].unique())
    ax.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set(xlabel="learning rate", ylabel=ylabel, title=title)
    return ax


def seed_dots(
    results: pd.DataFrame,
    by: str,
    x: str = "val_loss",
    *,
    hue: str | None = None,
    xlabel: str = f"validation {CROSS_ENTROPY}",
    ylabel: str = "",
    title: str = "",
    sort: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """One dot per seed and one line of dots per value of `by`, with a bar at the median.

    Parameters
    ----------
    results : pandas.DataFrame
        One row per seed and value of `by`; drawn in the order in which the values appear, or by their medians.
    by, x : str
        Columns of the groups and of the measured value.
    hue : str, optional
        Column that splits each group in two or more, side by side.
    sort : bool
        Order the groups by their medians, the lowest first.
    """
    for name in filter(None, (by, x, hue)):
        if name not in results:
            raise ValueError(f"{name!r} is not a column of the table. Choose from {', '.join(map(repr, results))}.")
    if ax is None:
        ax = plt.subplots(figsize=(6.4, 1.1 + (0.8 if hue else 0.42) * results[by].nunique()))[1]
    if hue:
        results = results.assign(**{hue: results[hue].astype(str)})  # or seaborn takes numbers for a colour scale
    order = results.groupby(by)[x].median().sort_values().index if sort else results[by].unique()
    already_there = len(ax.collections)
    sns.stripplot(
        results,
        x=x,
        y=by,
        hue=hue,
        order=list(order),
        palette=HUES[: results[hue].nunique()] if hue else None,
        color=None if hue else PARTS["validation"]["color"],
        orient="h",
        dodge=True,
        jitter=False,
        size=6,
        alpha=0.8,
        ax=ax,
    )
    for dots in ax.collections[already_there:]:  # one for each group and colour
        values, heights = np.asarray(dots.get_offsets()).T
        if len(values):
            color = dots.get_facecolor()[0, :3] if hue else "0.25"
            bar = {"marker": "|", "markersize": 16, "markeredgewidth": 2.5, "color": color}
            ax.plot(np.median(values), heights[0], scaley=False, **bar)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.margins(x=0.06)
    if hue:
        sns.move_legend(ax, "center left", bbox_to_anchor=(1, 0.5), title=None)
    return ax


def digits(images: np.ndarray, titles: Sequence[object] = (), *, columns: int = 10) -> np.ndarray:
    """Draw MNIST images in a grid and return its axes, shape (rows, columns).

    Parameters
    ----------
    images : numpy.ndarray
        Shape (count, 784) or (count, 28, 28, 1), values 0 to 1.
    titles : sequence, optional
        One per image.
    """
    rows = -(-len(images) // columns)
    _, axes = plt.subplots(rows, columns, figsize=(0.8 * columns, 0.8 * rows + 0.3 * bool(len(titles))), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for i, image in enumerate(images):
        axes.flat[i].imshow(np.reshape(image, (28, 28)), cmap="gray_r", vmin=0, vmax=1)
        if i < len(titles):
            axes.flat[i].set_title(str(titles[i]), fontsize="small", fontweight="normal")
    return axes


def _axes(ax: Axes | None) -> Axes:
    return plt.subplots()[1] if ax is None else ax


def _band(ax: Axes, grouped: pd.core.groupby.SeriesGroupBy, color: str) -> None:
    """Fill the range from the lowest to the highest seed."""
    low, high = grouped.min(), grouped.max()
    ax.fill_between(low.index, low, high, color=color, alpha=0.18, linewidth=0)


def _frame(run: object) -> pd.DataFrame:
    history = run if isinstance(run, Mapping) else getattr(run, "history", None)
    if not isinstance(history, Mapping):
        raise ValueError(f"{run!r} is no training run. Pass a History, a Run, or a table made by repeat.")
    frame = pd.DataFrame(dict(history))
    return frame.assign(epoch=np.arange(1, len(frame) + 1))
