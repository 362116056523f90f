"""What the explorer says about a run: the verdict and its rule, the sentence under the picture, status and legend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from course_utils.data import Dataset
from course_utils.experiment import Settings
from course_utils.explorer.controls import Setup
from course_utils.explorer.progress import ExplorerRun, Group, Progress
from course_utils.models import count_parameters

__all__ = [
    "comparison",
    "legend_text",
    "settings_text",
    "spread",
    "status_text",
    "summary",
    "verdict",
    "verdict_text",
    "why",
]

RISE, DROP, LITTLE = 1.05, 0.99, 0.9
FEWEST_SEEDS = 3  # for a spread that says anything
ALWAYS_NAMED, FEW = ("width", "depth"), 4
COMPARED = (
    "The difference to the pinned run is that of the medians of the lowest validation losses. It is called clear if it "
    "is larger than twice its standard error, ±, which comes from the spread over the seeds."
)
MEASURES = {"regression": "MAE", "classification": "cross-entropy"}


def verdict(run: ExplorerRun) -> str:
    """What the two curves show, by a rule.

    The *end* of a curve is the median of its last tenth (at least one epoch), so that one lucky or unlucky epoch does
    not decide. In this order:

    1. "diverges": a loss at the end is not a finite number, or both losses end above that of guessing
       (`baselines.guessing_loss`), and that of validation above twice as high and above where it began.
    2. "still improving": the validation curve has its lowest value in its last tenth, which lies more than 1 % below
       the tenth before it.
    3. "overfits after epoch N": validation ends more than 5 % above its lowest value, at epoch N, while the training
       loss has gone on falling since, lies below that of validation, and not above nine tenths of what guessing gives.
    4. "unstable": validation ends more than 5 % above its lowest value, but the training loss has not fallen since,
       lies above that of validation, or has hardly left that of guessing: no overfitting, but steps that are too large.
    5. "underfits": both losses end above nine tenths of what guessing gives, so that hardly anything was learned.
    6. "levelled off, gap G": everything else. Whether such a network underfits shows only when another one does better.

    Returns
    -------
    str
        Without validation rows, "no validation set".
    """
    return _judge(run)[0]


def why(runs: Sequence[ExplorerRun], *, compared: Group = ()) -> str:
    """The rule behind the verdict, with the numbers of this run, and behind the comparison with pinned runs.

    Of several runs, all verdicts, and the rule of one that has the most frequent verdict.
    """
    shown = next(run for run in runs if _kind(run) == _verdicts(runs)[0][0])
    reason = _judge(shown)[1]
    if len(runs) > 1:
        reason = f"{_all_verdicts(runs)}. Seed {shown.settings.seed}: {reason}"
    return f"{reason} {COMPARED}" if compared and "seeds ±" in comparison(runs, compared, name="") else reason


def _judge(run: ExplorerRun) -> tuple[str, str]:  # noqa: PLR0911 (a return for each rule)
    """The verdict, and why."""
    validation = np.asarray(run.history.get("val_loss", ()), float)
    training = np.asarray(run.history["loss"], float)
    if not len(validation):
        return "no validation set", "There are no validation rows, so nobody knows how it does on new ones."
    tenth = max(1, len(validation) // 10)
    end, end_of_training = float(np.median(validation[-tenth:])), float(np.median(training[-tenth:]))
    if not np.isfinite([validation[-tenth:], training[-tenth:]]).all():
        return "diverges", "A loss at the end is not a finite number."
    guess = f"guessing ({_number(run.guess)})"
    if end > 2 * run.guess and end > validation[0] and end_of_training >= run.guess:
        return "diverges", (
            f"Validation ends at {_number(end)}, more than twice as high as {guess} and higher than it began; "
            f"training ends above guessing, too."
        )
    best, lowest, before = run.best_epoch, float(np.nanmin(validation)), validation[-2 * tenth : -tenth]
    falls = len(before) and end < DROP * float(np.median(before))
    if best > len(validation) - tenth and falls:
        drop = 1 - end / float(np.median(before))
        return "still improving", (
            f"Validation has its lowest value in the last tenth of the epochs, {drop:.1%} below the tenth before: "
            "more epochs, or a higher learning rate, may bring more."
        )
    rise = end / lowest - 1
    if end > RISE * lowest:
        rose = f"The last tenth of validation lies {rise:.0%} above its lowest value, of epoch {best}"
        rose += f" (more than {RISE - 1:.0%})"
        if end_of_training < training[best - 1] and run.train_loss < end and run.train_loss <= LITTLE * run.guess:
            return f"overfits after epoch {best}", f"{rose}, while training went on falling and lies below."
        not_learned = f"has not fallen since, lies above, or has hardly left {guess}"
        return "unstable", f"{rose}, but training {not_learned}: steps that are too large."
    if end > LITTLE * run.guess and run.train_loss > LITTLE * run.guess:
        return "underfits", f"Both losses end above nine tenths of {guess}: hardly anything was learned."
    gap = validation[-1] - run.train_loss
    below = " Below 0, the gap says that the validation rows are easier, as where only training labels are wrong."
    return f"levelled off, gap {_signed(gap)}", (
        f"Validation hardly moves at the end, {rise:.0%} above its lowest value (not more than {RISE - 1:.0%}). "
        f"Whether it underfits shows only when another network does better.{below if gap < 0 else ''}"
    )


def comparison(front: Group, pinned: Group, *, name: str) -> str:
    """How the runs in front compare with pinned ones, at their lowest validation loss, and whether that is luck.

    The difference of medians is held against twice its standard error, by the spread over the seeds of both, or of the
    one side that has at least three.

    Returns
    -------
    str
        "0.02 better than pinned run 4 (seeds ± 0.03): not clear"; empty where there is nothing to compare.
    """
    own, other = _lowest(front), _lowest(pinned)
    if not len(own) or not len(other):
        return ""
    difference = float(np.median(own) - np.median(other))
    words = f"{_number(abs(difference))} {'better' if difference < 0 else 'worse'} than pinned {name}"
    spreads = [float(np.var(losses, ddof=1)) for losses in (own, other) if len(losses) >= FEWEST_SEEDS]
    if not spreads:
        return f"{words}, one seed each: × 5 seeds shows whether that is luck"
    error = 2 * float(np.sqrt(np.mean(spreads) * (1 / len(own) + 1 / len(other))))
    return f"{words} (seeds ± {_number(error)}): {'clear' if abs(difference) > error else 'not clear'}"


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


def summary(runs: Sequence[ExplorerRun], data: Dataset, *, with_verdict: bool = True) -> str:
    """What came of one run, or of one per seed, in numbers and with the verdict.

    One run: "validation MAE 0.52 at epoch 61, 0.55 at the end · train 0.41 · overfits after epoch 61". Several: their
    medians, with the range in brackets, and in how many of them the most frequent verdict was given.
    """
    measure = MEASURES[data.task]
    losses = _losses_of_one(*runs, measure) if len(runs) == 1 else _losses_of_seeds(runs, measure)
    accuracies = [run.history["val_accuracy"][-1] for run in runs if "val_accuracy" in run.history]
    accuracy = [f"validation accuracy {spread(accuracies)}"] if accuracies else []
    return " · ".join([*losses, *accuracy, *([verdict_text(runs)] if with_verdict else [])])


def _losses_of_one(run: ExplorerRun, measure: str) -> list[str]:
    train, validation = f"{_number(run.train_loss)}{_still(run)}", run.history.get("val_loss")
    if not validation:
        return [f"train {measure} {train}"]
    found = _number(validation[-1])
    if run.best_epoch is not None:
        found = f"{_number(validation[run.best_epoch - 1])} at epoch {run.best_epoch}, {found} at the end"
    return [f"validation {measure} {found}", f"train {train}"]


def _losses_of_seeds(runs: Sequence[ExplorerRun], measure: str) -> list[str]:
    train = f"{spread([run.train_loss for run in runs])}{_still(runs[0])}"
    validations = [run.history["val_loss"] for run in runs if run.history.get("val_loss")]
    if not validations:
        return [f"{len(runs)} seeds", f"train {measure} {train}"]
    best = [min(_finite(losses), default=float("nan")) for losses in validations]
    end = [losses[-1] for losses in validations]
    found = f"validation {measure} {spread(best)} at best, {spread(end)} at the end"
    return [f"{len(runs)} seeds", found, f"train {train}"]


def verdict_text(runs: Sequence[ExplorerRun]) -> str:
    """The verdict; of several runs the most frequent one, and in how many of them it was given."""
    return verdict(runs[0]) if len(runs) == 1 else _all_verdicts(runs).split(",")[0]


def _all_verdicts(runs: Sequence[ExplorerRun]) -> str:
    """All verdicts of several runs, the most frequent first: "overfits in 3 of 5, levelled off in 2"."""
    (first, n), *others = _verdicts(runs)
    return ", ".join([f"{first} in {n} of {len(runs)}", *(f"{words} in {count}" for words, count in others)])


def _kind(run: ExplorerRun) -> str:
    """The verdict without its numbers."""
    return verdict(run).split(" after")[0].split(",")[0]


def _verdicts(runs: Sequence[ExplorerRun]) -> list[tuple[str, int]]:
    """The verdicts without their numbers and how often each was given, the most frequent first."""
    return Counter(map(_kind, runs)).most_common()


def _lowest(group: Group) -> np.ndarray:
    """The lowest validation loss of each run that has one."""
    each = (_finite(run.history.get("val_loss", ())) for run in group)
    return np.array([min(losses) for losses in each if losses])


def _signed(value: float) -> str:
    return _number(value).replace("-", "−")


def _still(run: ExplorerRun) -> str:
    """What has to be said of the training loss at the end, which the training curve shows with dropout."""
    return " without dropout" if run.settings.dropout and run.settings.depth else ""


def _telling(setup: Setup, start: Setup, controls: Sequence[str]) -> list[str]:
    """The controls worth naming: all if they are few, otherwise those that do not stand where they started."""
    return [name for name in controls if len(controls) <= FEW or setup.value(name) != start.value(name)]


def _finite(values: Sequence[float]) -> list[float]:
    return [value for value in values if np.isfinite(value)]


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "not a number" if np.isnan(value) else "infinite"
    return f"{value:.2f}" if abs(value) < 1000 else f"{value:.1e}"


def spread(values: Sequence[float]) -> str:
    """The median, and where there are several values their range."""
    if len(values) == 1:
        return _number(values[0])
    return f"{_number(float(np.median(values)))} ({_number(min(values))}–{_number(max(values))})"
