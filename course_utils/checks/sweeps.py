"""Checks of exercises 05.4 and 05.5: rates that were swept, and promises about what they bring."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd

from course_utils.checks.disguise import Disguised
from course_utils.checks.hidden import fresh_seeds
from course_utils.checks.pictures import small_pictures
from course_utils.checks.promises import TRIALS, points_of, promised, valid_losses
from course_utils.checks.verdict import Wrong, graded
from course_utils.experiment import Settings

__all__ = ["batch_sizes", "disguised"]

BUDGET = 8
# Simulated on a table of 15 rates (four in each power of ten) and 100 seeds: 2,000 students, each with a factor, three
# seeds to train on and five hidden ones of their own, try powers of ten, then three times more and three times less
# than the best, and take the lowest loss. Their regret had the median 0.02 and was never above 0.38. A rate five times
# too low or too high has a median regret of 0.8.
MOST_REGRET = 0.4
NEAR_BEST = 10 ** np.linspace(-1.75, -0.75, 5)  # undisguised; best of the 15 in 1,000 of 1,000 draws of five seeds


@graded(of=2, praise="Close to the best rate, with few trainings: an optimizer is judged at its own rate.")
def disguised(optimizer: Disguised, best: float) -> str:
    """Exercise 05.4: find the best rate of an optimizer that multiplies rates by a secret factor."""
    if not isinstance(optimizer, Disguised):
        raise Wrong("The first argument is no disguised optimizer.", "Pass the object that you trained with.")
    tried = sorted(optimizer.tried)
    if not tried:
        raise Wrong("Nothing was trained yet.", "Begin with optimizer.train(0.01), then go up or down tenfold.")
    best = float(best)
    if not math.isfinite(best) or best <= 0:
        raise Wrong(f"best={best!r} is no rate.", "Write down the rate itself, such as 0.03.")
    if best <= tried[0] or best >= tried[-1]:
        side = "lower" if best <= tried[0] else "higher"
        raise Wrong(
            f"Was the rate {best:g} not the edge of what you tried? Nothing {side} was trained.",
            f"Train at a rate that is {side}, until the loss rises on both sides of the best one.",
        )
    seeds = fresh_seeds(5, exercise="05.4")
    found = float(np.mean(optimizer.losses(best, seeds)))
    lowest = min(float(np.mean(optimizer.losses(rate, seeds, is_disguised=False))) for rate in NEAR_BEST)
    regret = found / lowest - 1
    if not regret <= MOST_REGRET:
        raise Wrong(
            f"On new seeds the loss at {best:g} is {found:.2f} nats. Another rate ends far lower.",
            "Look at optimizer.tried: which is the lowest loss? Then refine there, in steps of three.",
        )
    if len(tried) > BUDGET:
        raise Wrong(
            f"The rate is good, but took {len(tried)} trainings of {BUDGET}. Which of them told you nothing?",
            "Restart the kernel. First powers of ten, and stop when the loss has risen; then refine near the lowest.",
            points=1,
        )
    return f"On new seeds {found:.2f} nats, {max(regret, 0):.0%} above the best of five rates; {len(tried)} trainings."


# In 100 of 100 calibration seeds 32 ended lower after 4 epochs each (by at least 0.49 nats), and 512 after 32 updates
# each (by at least 0.09), at the rates 0.1 and 0.3.
DESIGNS = ("equal epochs", "equal updates")
SIZES = (32, 512)
MOST_EPOCHS = 32  # twenty networks are trained on one core
FREE = {"batch_size", "learning_rate", "epochs", "seed"}


@graded(of=2, praise="A fair design, each size at its own rate, and a promise that was kept.")
def batch_sizes(design: str, small: Settings, large: Settings, tried: pd.DataFrame, winner: int, promise: int) -> str:
    """Exercise 05.5: batches of 32 against 512, at equal epochs or at equal updates."""
    if design not in DESIGNS:
        raise Wrong(f"design={design!r}: choose one of {' or '.join(map(repr, DESIGNS))}.")
    if not (isinstance(small, Settings) and isinstance(large, Settings)):
        raise Wrong("small and large are Settings.", "replace(BASE, batch_size=32, learning_rate=…, epochs=…)")
    if winner not in SIZES:
        raise Wrong(f"winner={winner!r}: choose 32 or 512.")
    promise, data = promised(promise), small_pictures(n_train=1024)
    _check_design(design, small, large, len(data.x_train))
    for one in (small, large):
        _check_own_rate(tried, one)
    seeds = fresh_seeds(TRIALS, exercise="05.5")
    first, second = (valid_losses(one, data, seeds=seeds) for one in (small, large))
    held = int(np.sum(first < second if winner == 32 else second < first))
    return points_of(promise, held, of=2)


def _check_design(design: str, small: Settings, large: Settings, rows: int) -> None:
    if (small.batch_size, large.batch_size) != SIZES:
        raise Wrong(
            f"The batches are {small.batch_size} and {large.batch_size}.", "small has 32 rows in a batch, large 512."
        )
    if max(small.epochs, large.epochs) > MOST_EPOCHS:
        raise Wrong(
            f"At most {MOST_EPOCHS} epochs, please.", "How many epochs of 32 rows make as many updates as 16 of 512?"
        )
    changed = [
        field.name
        for field in dataclasses.fields(Settings)
        if field.name not in FREE and getattr(small, field.name) != getattr(large, field.name)
    ]
    if changed:
        raise Wrong(
            f"The two differ in {', '.join(changed)}, too. Which of the differences decided?",
            "Only batch_size, learning_rate and epochs may differ.",
        )
    epochs = [one.epochs for one in (small, large)]
    updates = [one.epochs * math.ceil(rows / one.batch_size) for one in (small, large)]
    if design == "equal epochs" and epochs[0] != epochs[1]:
        raise Wrong(f"Equal epochs? They are {epochs[0]} and {epochs[1]}.", "Give both the same number of epochs.")
    if design == "equal updates" and updates[0] != updates[1]:
        raise Wrong(
            f"Equal updates? They are {updates[0]} and {updates[1]}.",
            f"An epoch of {rows} rows has 32 updates with batches of 32, and 2 with batches of 512.",
        )


def _check_own_rate(tried: pd.DataFrame, settings: Settings) -> None:
    """Whether the rate of `settings` is the best of at least three, and not at their edge, in the student's table."""
    needed = {"batch_size", "learning_rate", "val_loss"}
    if not isinstance(tried, pd.DataFrame) or not needed <= set(tried.columns):
        raise Wrong("tried is no table of repeat.", "It needs the columns batch_size, learning_rate and val_loss.")
    size = settings.batch_size
    rows = tried[tried["batch_size"] == size]
    if "epochs" in rows.columns:
        rows = rows[rows["epochs"] == settings.epochs]
    medians = rows.groupby("learning_rate")["val_loss"].median()
    if len(medians) < 3:
        raise Wrong(
            f"Batch {size} was tried at {len(medians)} rates. Is that its own best?",
            "At least three, in steps of three.",
        )
    best = medians.fillna(np.inf).idxmin()
    if best in (medians.index.min(), medians.index.max()):
        raise Wrong(
            f"Batch {size}: the best rate in your table, {best:g}, is at the edge of the list.",
            "Add a rate beyond it, and repeat, until the loss rises on both sides.",
        )
    if not math.isclose(best, settings.learning_rate):
        raise Wrong(
            f"Batch {size} has the rate {settings.learning_rate:g}. Is it the best of your table?",
            "Each size at its own rate: the one with the lowest median of val_loss.",
        )
