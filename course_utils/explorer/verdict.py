"""The explorer's verdict on a run: what its two curves show, by a rule, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from course_utils.explorer.progress import ExplorerRun

__all__ = ["most_frequent", "number", "signed", "verdict", "verdict_text", "why"]

RISE, DROP, LITTLE, HALF = 1.05, 0.99, 0.9, 0.5
APART = 1.05  # times as high as training lies validation, where rows were learned by heart
RESTLESS = 0.05  # of the loss: how far epochs lie from their neighbours where steps are too large
SMALL_STEPS = "A lower learning rate takes smaller steps."


def verdict(run: ExplorerRun) -> str:
    """What the two curves show, by a rule.

    One lucky or unlucky epoch does not decide: the *end* of a curve is the median of its last tenth (at least one
    epoch), the *lowest part* of the validation curve is the lowest median of as many epochs in a row (at least three),
    and its *noise* is the median distance of an epoch from the mean of its two neighbours, in the second half. Nor
    does a rise or a fall count that the last epoch does not show. In this order:

    1. "diverges": a loss at the end is not a finite number; or both losses end above that of guessing
       (`baselines.guessing_loss`), that of validation above twice as high and above where it began, and no more than
       half of the validation answers are right, where they are classes.
    2. "still improving": the validation curve has its lowest value in its last tenth, which lies below the tenth before
       it by more than 1 % and by more than the noise.
    3. "overfits after epoch N", N that of the lowest value: validation ends above its lowest part by more than 5 % and
       by more than twice the noise, while the training loss has gone on falling since and lies more than 5 % below;
       and neither that loss nor the lowest part of validation is above nine tenths of what guessing gives.
    4. "unstable": validation has risen as far, but not all of that is so; or its noise is above 5 % of its loss; or it
       never came below nine tenths of guessing, though training did: no overfitting, but steps that are too large.
    5. "underfits": both losses end above nine tenths of what guessing gives, so that hardly anything was learned.
    6. "levelled off, gap G": everything else. Whether such a network underfits shows only when another one does better.

    Returns
    -------
    str
        Without validation rows, "no validation set".
    """
    return _judge(run)[0]


def why(runs: Sequence[ExplorerRun]) -> str:
    """The rule behind the verdict, with the numbers of this run.

    Of several runs, all verdicts, and the rule of one that has the most frequent verdict.
    """
    (first, _), *_ = most_frequent(runs)
    shown = next(run for run in runs if _kind(run) == first)
    reason = _judge(shown)[1]
    if len(runs) == 1:
        return reason
    every = [f"{words} in {n}" for words, n in most_frequent(runs)]
    every[0] += f" of {len(runs)}"
    return f"{', '.join(every)}. Seed {shown.settings.seed}: {reason}"


def verdict_text(runs: Sequence[ExplorerRun]) -> str:
    """The verdict; of several runs the most frequent one, or those that are level, and in how many it was given."""
    if len(runs) == 1:
        return verdict(runs[0])
    counted = most_frequent(runs)
    level = [words for words, n in counted if n == counted[0][1]]
    each = " each" if len(level) > 1 else ""
    return f"{' and '.join(level)} in {counted[0][1]} of {len(runs)}{each}"


def most_frequent(runs: Sequence[ExplorerRun]) -> list[tuple[str, int]]:
    """The verdicts without their numbers and how often each was given, the most frequent first."""
    return Counter(map(_kind, runs)).most_common()


def number(value: float) -> str:
    """A loss with two decimals, or in words."""
    if not np.isfinite(value):
        return "not a number" if np.isnan(value) else "infinite"
    return f"{value:.2f}" if abs(value) < 1000 else f"{value:.1e}"


def signed(value: float) -> str:
    """The same, with a minus that is as wide as a digit."""
    return number(value).replace("-", "−")


def _kind(run: ExplorerRun) -> str:
    """The verdict without its numbers."""
    return verdict(run).split(" after")[0].split(",")[0]


def _judge(run: ExplorerRun) -> tuple[str, str]:  # noqa: PLR0911 (a return for each rule)
    """The verdict, and why."""
    validation = np.asarray(run.history.get("val_loss", ()), float)
    training = np.asarray(run.history["loss"], float)
    if not len(validation):
        return "no validation set", "There are no validation rows, so nobody knows how it does on new ones."
    tenth = max(1, len(validation) // 10)
    end, end_of_training = float(np.median(validation[-tenth:])), float(np.median(training[-tenth:]))
    if not np.isfinite([validation[-tenth:], training[-tenth:]]).all():
        return "diverges", f"A loss at the end is not a finite number: steps that are far too large. {SMALL_STEPS}"
    guess, little = f"guessing ({number(run.guess)})", LITTLE * run.guess
    right = run.history.get("val_accuracy", [0.0])[-1]
    if end > 2 * run.guess and end > validation[0] and end_of_training >= run.guess and right <= HALF:
        return "diverges", (
            f"Validation ends at {number(end)}, more than twice as high as {guess} and higher than it began; "
            f"training ends above guessing, too: steps that are far too large. {SMALL_STEPS}"
        )
    best, before = run.best_epoch, float(np.median(validation[-2 * tenth :][:tenth]))
    noise, lowest = _noise(validation), _lowest_part(validation, max(3, tenth))
    # Neither a rise nor a fall is told that the last epoch, whose loss stands beside the verdict, does not show.
    low_end, high_end = min(end, validation[-1]), max(end, validation[-1])
    drop = before - high_end
    if best > len(validation) - tenth and drop > max((1 - DROP) * before, noise):
        fall = f"{drop / before:.1%}"
        return "still improving", (
            f"Validation has its lowest value in the last tenth of the epochs, {fall} below the tenth before: more "
            "epochs, or a higher learning rate, may bring more."
        )
    rise, restless = low_end / lowest - 1, f"Epochs lie {noise / end:.0%} from their neighbours"
    if rise > RISE - 1 and low_end - lowest > 2 * noise:
        rose = f"The end of validation lies {rise:.0%} above its lowest part, around epoch {best}"
        fell = end_of_training < training[best - 1] and run.train_loss * APART < end
        if fell and max(run.train_loss, lowest) <= little:
            return f"overfits after epoch {best}", f"{rose}, while training went on falling and lies below."
        not_learned = f"has not fallen since, does not lie below, or one of the two never left {guess}"
        return "unstable", f"{rose}, but training {not_learned}: steps that are too large. {SMALL_STEPS}"
    if noise > RESTLESS * end:
        return "unstable", f"{restless} in the second half: steps that are too large. {SMALL_STEPS}"
    if end > little and run.train_loss > little:
        return "underfits", (
            f"Both losses end above nine tenths of {guess}: hardly anything was learned. A rate that is too low or too "
            "high does that as well as a network that is too small: try other rates first."
        )
    if lowest > little:
        return "unstable", (
            f"Training has left {guess} behind, but validation never has, from the first epochs on: "
            f"what it learns holds for the training rows alone, or steps are too large. {SMALL_STEPS}"
        )
    return _levelled_off(run, validation, rise)


def _levelled_off(run: ExplorerRun, validation: np.ndarray, rise: float) -> tuple[str, str]:
    gap = validation[-1] - run.train_loss
    if gap < 0:
        reading = "Below 0, the gap says that the validation rows are easier, as where only training labels are wrong."
    elif run.train_loss * APART < validation[-1]:
        reading = (
            "The gap is what it knows of the training rows alone; while validation does not rise, that does no harm."
        )
    else:
        reading = "Whether it underfits shows only when another network does better."
    moves = f"{max(rise, 0):.0%} above its lowest part (not more than {RISE - 1:.0%}, or than its noise)"
    return f"levelled off, gap {signed(gap)}", f"Validation hardly moves at the end, {moves}. {reading}"


def _noise(losses: np.ndarray) -> float:
    """How far an epoch typically lies from the mean of its two neighbours, in the second half; 0 for short curves."""
    half = losses[len(losses) // 2 :]
    between = (half[:-2] + half[2:]) / 2
    return float(np.median(np.abs(half[1:-1] - between))) if len(between) else 0.0


def _lowest_part(losses: np.ndarray, epochs: int) -> float:
    """The lowest median of so many epochs in a row; numbers that are not finite count as high."""
    high = np.where(np.isfinite(losses), losses, np.inf)
    if len(high) < epochs:
        return float(high.min())
    return float(np.median(np.lib.stride_tricks.sliding_window_view(high, epochs), axis=1).min())
