"""What the explorer says about a run: the verdict and its rule, the sentence under the picture, status and legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from course_utils.data import Dataset
from course_utils.experiment import Settings
from course_utils.explorer.controls import Setup
from course_utils.explorer.progress import Group, Progress, Trained
from course_utils.models import count_parameters

__all__ = ["legend_text", "settings_text", "status_text", "summary", "verdict"]

RISE, DROP, LITTLE = 1.05, 0.99, 0.9
ALWAYS_NAMED, FEW = ("width", "depth"), 4
MEASURES = {"regression": "MAE", "classification": "cross-entropy"}


def verdict(run: Trained) -> str:
    """What the two curves show, by a rule.

    The *end* of a curve is the median of its last tenth (at least one epoch), so that one lucky or unlucky epoch does
    not decide. In this order:

    1. "diverges": a loss at the end is not a finite number, or both losses end above that of guessing
       (`guessing_loss`), and that of validation above twice as high and above where it began.
    2. "still improving": the validation curve has its lowest value in its last tenth, which lies more than 1 % below
       the tenth before it.
    3. "overfits after epoch N": validation ends more than 5 % above its lowest value, at epoch N, while the training
       loss has gone on falling since and lies below that of validation.
    4. "unstable": validation ends more than 5 % above its lowest value, and the training loss has not fallen since or
       lies above that of validation: no overfitting, but steps that are too large.
    5. "underfits": both losses end above nine tenths of what guessing gives, so that hardly anything was learned.
    6. "no overfitting": everything else. Whether such a network underfits shows only when another one does better.

    Returns
    -------
    str
        Without validation rows, "no validation set".
    """
    validation = np.asarray(run.history.get("val_loss", ()), float)
    training = np.asarray(run.history["loss"], float)
    if not len(validation):
        return "no validation set"
    tenth = max(1, len(validation) // 10)
    end = float(np.median(validation[-tenth:]))
    is_finite = np.isfinite([validation[-tenth:], training[-tenth:]]).all()
    learned = float(np.median(training[-tenth:])) < run.guess
    if not is_finite or (end > 2 * run.guess and end > validation[0] and not learned):
        return "diverges"
    best, before = run.best_epoch, validation[-2 * tenth : -tenth]
    if best > len(validation) - tenth and len(before) and end < DROP * float(np.median(before)):
        return "still improving"
    if end > RISE * float(np.nanmin(validation)):
        fell = float(np.median(training[-tenth:])) < training[best - 1]
        return f"overfits after epoch {best}" if fell and run.train_loss < end else "unstable"
    if end > LITTLE * run.guess and run.train_loss > LITTLE * run.guess:
        return "underfits"
    return "no overfitting"


def settings_text(setup: Setup, data: Dataset, *, start: Setup, controls: Sequence[str]) -> str:
    """The settings in words, and the number of parameters.

    Width and depth are always named, and dropout where there is any; of the controls all if they are few, otherwise
    those that do not stand where they started.
    """
    named = [*ALWAYS_NAMED, *(["dropout"] if setup.settings.dropout else []), *_telling(setup, start, controls)]
    has = setup.settings
    parameters = count_parameters(data, width=has.width, depth=has.depth, batch_norm=has.batch_norm)
    return f"{setup.describe(dict.fromkeys(named))} · {parameters:,} parameters"


def legend_text(group: Group, *, start: Setup, controls: Sequence[str]) -> str:
    """What the legend calls a pinned run: by its controls, chosen as in `settings_text`, and its number of seeds."""
    setup = group[0].setup
    words = setup.describe(_telling(setup, start, controls)) or "first settings"
    return words + (f" · {len(group)} seeds" if len(group) > 1 else "")


def status_text(progress: Progress, settings: Settings, *, seeds: int) -> str:
    """How far the training of `settings` has come, beside the buttons: "seed 2 of 5 · epoch 7 of 30"."""
    seed = f"seed {max(1, len(progress.runs))} of {seeds} · " if seeds > 1 else ""
    place = f"{seed}epoch {progress.epochs} of {settings.epochs}"
    words = {
        "preparing": f"{seed}preparing …",
        "training": place,
        "stopped": f"stopped at {place}" if progress.epochs else "stopped before the first epoch",
    }
    return words.get(progress.status, progress.status)


def summary(runs: Sequence[Trained], data: Dataset) -> str:
    """What came of one run, or of one per seed, in numbers and with the verdict.

    One run: "validation MAE 0.52 at epoch 61, 0.55 at the end · train 0.41 · overfits after epoch 61". Several: their
    medians, with the range in brackets, and in how many of them the most frequent verdict was given.
    """
    measure = MEASURES[data.task]
    best = [min(_finite(run.history.get("val_loss", ())), default=float("nan")) for run in runs]
    last = [run.history["val_loss"][-1] if "val_loss" in run.history else float("nan") for run in runs]
    train = [run.train_loss for run in runs]
    accuracy = [run.history["val_accuracy"][-1] for run in runs if "val_accuracy" in run.history]
    if len(runs) == 1:
        still = " without dropout" if runs[0].settings.dropout and runs[0].settings.depth else ""
        parts = [f"train {measure} {_number(train[0])}{still}", verdict(runs[0])]
        if runs[0].best_epoch is not None:
            found = f"{_number(best[0])} at epoch {runs[0].best_epoch}, {_number(last[0])} at the end"
            parts[:1] = [f"validation {measure} {found}", f"train {_number(train[0])}{still}"]
        elif "val_loss" in runs[0].history:
            parts[:1] = [f"validation {measure} {_number(last[0])}", f"train {_number(train[0])}{still}"]
    else:
        verdicts = [verdict(run).split(" after")[0] for run in runs]
        common = max(dict.fromkeys(verdicts), key=verdicts.count)
        parts = [
            f"{len(runs)} seeds",
            f"validation {measure} {_spread(best)} at best, {_spread(last)} at the end",
            f"train {_spread(train)}",
            f"{common} in {verdicts.count(common)} of {len(runs)}",
        ]
    if accuracy:
        parts.insert(-1, f"validation accuracy {_spread(accuracy) if len(runs) > 1 else _number(accuracy[0])}")
    return " · ".join(parts)


def _telling(setup: Setup, start: Setup, controls: Sequence[str]) -> list[str]:
    """The controls worth naming: all if they are few, otherwise those that do not stand where they started."""
    return [name for name in controls if len(controls) <= FEW or setup.value(name) != start.value(name)]


def _finite(values: Sequence[float]) -> list[float]:
    return [value for value in values if np.isfinite(value)]


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "not a number" if np.isnan(value) else "infinite"
    return f"{value:.2f}" if abs(value) < 1000 else f"{value:.1e}"


def _spread(values: Sequence[float]) -> str:
    return f"{_number(float(np.median(values)))} ({_number(min(values))}–{_number(max(values))})"
