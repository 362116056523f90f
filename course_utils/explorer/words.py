"""What the explorer says about runs: the sentence under the picture, the comparison, status and legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from course_utils.data import Dataset
from course_utils.experiment import Settings
from course_utils.explorer.controls import Setup
from course_utils.explorer.progress import ExplorerRun, Group, Progress
from course_utils.explorer.verdict import number, verdict_text
from course_utils.models import count_parameters

__all__ = [
    "COMPARED",
    "MEASURES",
    "comparison",
    "is_held_against_seeds",
    "last_accuracies",
    "legend_text",
    "settings_text",
    "spread",
    "status_text",
    "summary",
]

FEWEST_SEEDS = 3  # for a spread that says anything
ALWAYS_NAMED, FEW = ("width", "depth"), 4
UNEVEN = 0.1  # by which the share of the most frequent class exceeds an even one
COMPARED = (
    "Compared with the run that was pinned last are the medians of the lowest validation losses, and of those at the "
    "end. ± is twice the standard error of the difference, from the spread over the seeds of both; a difference is "
    "called clear if it is larger than that. The seeds share their rows: other rows may decide otherwise."
)
MEASURES = {"regression": "MAE", "classification": "cross-entropy"}


def comparison(front: Group, pinned: Group, *, name: str) -> str:
    """How the runs in front compare with pinned ones, at their lowest validation loss and at the end.

    The difference of medians is held against twice its standard error, from the spread over the seeds, where both sides
    have at least three.

    Returns
    -------
    str
        "against pinned run 4: 0.021 better at best (± 0.013: clear), 0.002 worse at the end (± 0.015: not clear)";
        empty where there is nothing to compare.
    """
    own, other = _validations(front), _validations(pinned)
    if not own or not other:
        return ""
    known = is_held_against_seeds(front, pinned)
    lowest = _difference([min(one) for one in own], [min(one) for one in other], is_known=known)
    end = _difference(_ends(front), _ends(pinned), is_known=known)
    words = f"against pinned {name}: {lowest} at best, {end} at the end"
    if known:
        return words
    sides = "one seed each" if len(own) == len(other) == 1 else "too few seeds on one side"
    return f"{words} ({sides}: × 5 seeds of both show whether that is luck)"


def is_held_against_seeds(front: Group, pinned: Group) -> bool:
    """Whether both have so many seeds that their spread says something."""
    return min(len(_validations(front)), len(_validations(pinned))) >= FEWEST_SEEDS


def _difference(own: Sequence[float], other: Sequence[float], *, is_known: bool) -> str:
    """The difference of the medians, with as many decimals as it takes to hold it against its error."""
    if not np.isfinite([*own, *other]).all():
        return "no finite number"
    difference = float(np.median(own) - np.median(other))
    error = 2 * float(np.sqrt(np.var(own, ddof=1) / len(own) + np.var(other, ddof=1) / len(other))) if is_known else 0.0
    size = f"{abs(difference):.3f}"
    words = f"{size} {'better' if difference < 0 else 'worse'}" if float(size) else "level"
    return f"{words} (± {error:.3f}: {'clear' if abs(difference) > error else 'not clear'})" if is_known else words


def _ends(group: Group) -> list[float]:
    """The last validation loss of each run that has one, whatever it is."""
    return [losses[-1] for run in group if (losses := run.history.get("val_loss"))]


def _validations(group: Group) -> list[list[float]]:
    """The finite validation losses of each run that has any, in the order of its epochs."""
    return [losses for run in group if (losses := _finite(run.history.get("val_loss", ())))]


def settings_text(setup: Setup, data: Dataset, *, start: Setup, controls: Sequence[str], without: str = "") -> str:
    """The settings in words, and the number of parameters.

    Width and depth are always named, and dropout and weight decay where there are any; of the controls all if they are
    few, otherwise those that do not stand where they started; but of what is swept, nothing.
    """
    if setup.network is not None:
        return setup.describe(name for name in controls if name != without)
    in_use = [name for name in ("dropout", "weight_decay") if getattr(setup.settings, name)]
    named = [*ALWAYS_NAMED, *in_use, *_telling(setup, start, controls)]
    has = setup.settings
    if without:
        return setup.describe(name for name in dict.fromkeys(named) if name != without)
    parameters = count_parameters(data, width=has.width, depth=has.depth, batch_norm=has.batch_norm)
    return f"{setup.describe(dict.fromkeys(named))} · {parameters:,} parameters"


def legend_text(group: Group, *, start: Setup, controls: Sequence[str]) -> str:
    """What the legend calls a pinned run: by its controls, chosen as in `settings_text`, and its number of seeds."""
    setup = group[0].setup
    words = setup.describe(_telling(setup, start, controls)) or "first settings"
    return words + (f" · {len(group)} seeds" if len(group) > 1 else "")


def status_text(progress: Progress, settings: Settings, *, seeds: int) -> str:
    """How far the training of `settings` has come, beside the buttons: "seeds 1–5 of 5 · epoch 7 of 30"."""
    last, seed = len(progress.runs), ""
    if seeds > 1:
        first = last - progress.under_way + 1
        place = f"seeds {first}–{last}" if first < last else f"seed {last}"
        seed = f"{place} of {seeds} · " if last else f"{seeds} seeds · "
    place = f"{seed}epoch {progress.epochs} of {settings.epochs}"
    words = {
        "preparing": f"{seed}preparing …",
        "training": place,
        "stopped": f"stopped at {place}" if progress.epochs else "stopped before the first epoch",
    }
    return words.get(progress.status, progress.status)


def summary(
    runs: Sequence[ExplorerRun], data: Dataset, *, with_verdict: bool = True, average: Sequence[float] = ()
) -> str:
    """What came of one run, or of one per seed, in numbers and with the verdict.

    One run: "validation MAE 0.52 at epoch 61, 0.55 at the end · train 0.41 · overfits after epoch 61". Several: their
    medians, with the range in brackets, and in how many of them the most frequent verdict was given; and the losses of
    their `average`, epoch by epoch.
    """
    anatomy = runs[0].anatomy
    measure = MEASURES[data.task] if anatomy is None else anatomy.measure
    losses = _losses_of_one(*runs, measure) if len(runs) == 1 else _losses_of_seeds(runs, measure)
    accuracies = last_accuracies(runs)
    accuracy = [f"validation accuracy {spread(accuracies)}{_most_frequent(data)}"] if accuracies else []
    if anatomy is not None:
        losses.insert(0, f"{anatomy.parameters:,} parameters")
    if len(runs) > 1 and _finite(average):
        best, end = number(min(_finite(average))), number(average[-1])
        losses.append(f"average of the {len(runs)} networks {best} at best, {end} at the end")
    return " · ".join([*losses, *accuracy, *([verdict_text(runs)] if with_verdict else [])])


def last_accuracies(runs: Sequence[ExplorerRun]) -> list[float]:
    """The last validation accuracy of each run that has one, whatever kind of accuracy was compiled."""
    found = []
    for run in runs:
        names = [name for name in run.history if name.startswith("val_") and name.endswith(("accuracy", "_acc"))]
        found += [run.history[name][-1] for name in names[:1] if run.history[name]]
    return found


def _most_frequent(data: Dataset) -> str:
    """What accuracy the most frequent class alone gives, where the classes differ in size so much that it matters."""
    if data.task != "classification":
        return ""
    shares = np.bincount(data.y_train, minlength=data.n_outputs) / len(data.y_train)
    if shares.max() < UNEVEN + 1 / data.n_outputs or not len(data.y_valid):
        return ""
    return f" (always the most frequent class: {np.mean(data.y_valid == shares.argmax()):.2f})"


def _losses_of_one(run: ExplorerRun, measure: str) -> list[str]:
    train, validation = f"{number(run.train_loss)}{_still(run)}", run.history.get("val_loss")
    if not validation:
        return [f"train {measure} {train}"]
    found = number(validation[-1])
    if run.best_epoch is not None:
        found = f"{number(validation[run.best_epoch - 1])} at epoch {run.best_epoch}, {found} at the end"
    return [f"validation {measure} {found}", f"train {train}"]


def _losses_of_seeds(runs: Sequence[ExplorerRun], measure: str) -> list[str]:
    train = f"{spread([run.train_loss for run in runs])}{_still(runs[0])}"
    validations = [run.history["val_loss"] for run in runs if run.history.get("val_loss")]
    if not validations:
        return [f"{len(runs)} seeds", f"train {measure} {train}"]
    best = [min(_finite(losses), default=float("nan")) for losses in validations]
    end = [losses[-1] for losses in validations]
    found = f"validation {measure} {spread(best)} each at its best, {spread(end)} at the end"
    return [f"{len(runs)} seeds", found, f"train {train}"]


def _still(run: ExplorerRun) -> str:
    """What has to be said of the training loss at the end, which the training curve shows with dropout."""
    drops = run.settings.dropout and run.settings.depth if run.anatomy is None else run.anatomy.drops
    return " without dropout" if drops else ""


def _telling(setup: Setup, start: Setup, controls: Sequence[str]) -> list[str]:
    """The controls worth naming: all if they are few, otherwise those that do not stand where they started."""
    return [name for name in controls if len(controls) <= FEW or setup.value(name) != start.value(name)]


def _finite(values: Sequence[float]) -> list[float]:
    return [value for value in values if np.isfinite(value)]


def spread(values: Sequence[float]) -> str:
    """The median, and where there are several values their range."""
    if len(values) == 1:
        return number(values[0])
    return f"{number(float(np.median(values)))} ({number(min(values))}–{number(max(values))})"
