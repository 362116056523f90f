"""What a check needs to hold a promise against new seeds: trainings, and the points of a promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from course_utils.checks.verdict import Wrong
from course_utils.data import Dataset
from course_utils.experiment import Settings, run_seeds, training_loss
from course_utils.validation import check_integer

__all__ = ["TRIALS", "points_of", "promised", "valid_losses", "without_validation"]

TRIALS = 20
TOGETHER = 5  # a graph of five networks is kept for the next five; one of twenty is large, and traced each time


def valid_losses(settings: Settings, data: Dataset, *, seeds: Sequence[int]) -> np.ndarray:
    """Validation loss after the last epoch, one for each seed; infinite where training broke."""
    # Validated once, at the end; only "on plateau" looks at it before.
    trained_on = data if settings.schedule == "on plateau" else without_validation(data)
    valid = replace(data, x_train=data.x_valid, y_train=data.y_valid)
    groups = [list(seeds)[start : start + TOGETHER] for start in range(0, len(seeds), TOGETHER)]
    runs = [run for group in groups for run in run_seeds(settings, trained_on, seeds=group)]
    losses = np.array([training_loss(run.model, valid) for run in runs])
    return np.where(np.isfinite(losses), losses, np.inf)


def without_validation(data: Dataset) -> Dataset:
    """The same rows to train on, none to validate on, which saves time."""
    return replace(data, x_valid=data.x_valid[:0], y_valid=data.y_valid[:0])


def promised(promise: object) -> int:
    """In how many of `TRIALS` seeds a claim shall hold.

    Raises
    ------
    Wrong
        If that is no whole number from 1 to `TRIALS`.
    """
    try:
        return check_integer("promise", promise, at_least=1, at_most=TRIALS)
    except ValueError:
        raise Wrong(f"promise={promise!r}: a whole number from 1 to {TRIALS}, please.") from None


def points_of(promise: int, held: int, *, of: float) -> str:
    """Say how often a claim held, where the promise earns all points.

    Raises
    ------
    Wrong
        If it was not kept, which earns nothing, or was modest, which earns its share.
    """
    if held < promise:
        raise Wrong(
            f"You promised {promise} of {TRIALS} new seeds; it held in {held}.",
            "Measure on more seeds of your own before you promise; or claim something that is true more often.",
        )
    if promise < TRIALS:
        raise Wrong(
            f"Kept: you promised {promise} of {TRIALS} new seeds, and it held in {held}. A bolder promise pays more.",
            f"A kept promise earns its share of the points: {promise} of {TRIALS}. What do more seeds of your own say?",
            points=of * promise / TRIALS,
        )
    return f"It held in {held} of {TRIALS} new seeds."
