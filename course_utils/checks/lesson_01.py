"""Checks of the exercises of lesson 01, generalization."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from course_utils.checks.by_heart_01 import check_floor, check_held, trained
from course_utils.checks.curves_01 import LETTERS, OUTCOMES, outcome_of
from course_utils.checks.functions import Mistake, compare
from course_utils.checks.hidden import fresh_seeds, hidden_rng
from course_utils.checks.leaks_01 import Planted, plant
from course_utils.checks.verdict import NotYet, Wrong, graded
from course_utils.data import load_mnist
from course_utils.experiment import Settings, run_seeds
from course_utils.models import count_parameters

__all__ = ["CHECKS"]

PROMISED_OF = 20
TARGET, TRIES, NEEDED = 0.7, 5, 4
PLANE = 7850  # parameters
LARGEST = {"width": 64, "depth": 3, "epochs": 60}  # so that a check takes seconds


@graded(of=2, praise="An epoch takes ceil(rows / batch) updates; only its last batch may be smaller.")
def batches(updates: Callable[[int, int, int], int], last_batch: Callable[[int, int], int]) -> None:
    """Exercise 01.1: how many updates a training makes, and how many rows the last batch of an epoch has."""
    rng = hidden_rng("01.1")
    small = [(10, 4, 1), (10, 4, 3), (1000, 250, 3), (10, 64, 2), (7, 7, 1)]
    cases = small + [
        (int(rng.integers(1, 5000)), int(rng.integers(1, 600)), int(rng.integers(1, 50))) for _ in range(200)
    ]
    compare(
        updates,
        lambda rows, batch, epochs: math.ceil(rows / batch) * epochs,
        cases,
        name="updates",
        mistakes=[
            Mistake(
                lambda rows, batch, epochs: rows // batch * epochs,
                "Are there rows left over after the full batches?",
                "They make one more, smaller batch: round up, with math.ceil.",
            ),
            Mistake(
                lambda rows, batch, epochs: (rows // batch + 1) * epochs,
                "Is there one more batch where they fit exactly?",
                "Only left-over rows make one more batch: use math.ceil.",
            ),
            Mistake(
                lambda rows, batch, epochs: math.ceil(rows / batch), "That is one epoch.", "Multiply by the epochs."
            ),
            Mistake(
                lambda rows, batch, epochs: math.ceil(rows * epochs / batch),
                "Does a batch go on from one epoch into the next?",
                "No: round up first, then multiply by the epochs.",
            ),
        ],
        hint="Count by hand: 10 rows in batches of 4 make 4 + 4 + 2.",
        more="An epoch has ceil(rows / batch) batches; each is one update.",
    )
    compare(
        last_batch,
        lambda rows, batch: rows % batch or batch,
        [case[:2] for case in cases],
        name="last_batch",
        mistakes=[
            Mistake(
                lambda rows, batch: rows % batch,
                "A batch of no rows?",
                "Where the batches fit exactly, the last one is full: rows % batch or batch.",
            )
        ],
        hint="What is left after the full batches?",
        more="rows % batch; or a full batch, where that is 0.",
        points=1,
    )


@graded(of=2, praise="Eight bets are in.")
def curves(bets: Mapping[str, object], student: int) -> str:
    """Exercise 01.2: probabilities of five outcomes, for eight pairs of curves. Betting earns the points."""
    if not isinstance(bets, Mapping) or set(bets) != set(LETTERS):
        raise Wrong(
            f"bets has no entry for each of {', '.join(LETTERS)}.",
            f"It is a dict: bets = {{'A': [0.2, 0.2, 0.2, 0.2, 0.2], …}}, up to {LETTERS[-1]!r}.",
        )
    costs, truth = {}, outcome_of(student)
    for letter in LETTERS:
        if bets[letter] is ... or bets[letter] is None:
            raise NotYet
        bet = np.asarray(bets[letter], float)
        if bet.shape != (len(OUTCOMES),):
            raise Wrong(
                f"The bet on {letter} has not five numbers.", f"One for each of: {', '.join(OUTCOMES)}, in this order."
            )
        if not ((bet >= 0) & (bet <= 1)).all():
            raise Wrong(
                f"The bet on {letter} has a number that is no probability.", "Each is from 0 to 1: 30 % are 0.3."
            )
        if not math.isclose(bet.sum(), 1, abs_tol=1e-3):
            raise Wrong(
                f"The bet on {letter} adds up to {bet.sum():.3g}. What do probabilities add up to?",
                "One of the five must be true: their probabilities add up to 1.",
            )
        costs[letter] = -math.log(max(float(bet[OUTCOMES.index(truth[letter])]), 1e-3))
    mean, dearest = np.mean(list(costs.values())), max(costs, key=costs.get)
    said = f"They cost {mean:.2f} nats on average (guessing: ln 5 = {math.log(5):.2f})."
    if costs[dearest] <= math.log(5) + 1e-9:
        return said
    return f"{said} The dearest was {dearest}, with {costs[dearest]:.2f} (0 counts as 0.001): look at it again."


@graded(of=2, praise="In your claim, statement, code and promise agree.")
def learned_by_heart(
    floor: Callable[[float], float], held: Callable[[np.ndarray, np.ndarray, float], bool], promise: int
) -> str:
    """Exercise 01.3: the noise floor, a claim about a pair of curves, and in how many of 20 seeds it will hold.

    Thresholds: in 100 of 100 calibration seeds training ended at 0.11 nats or lower (the floor is 1.27), and validation
    at 1.23 times its lowest or more (1.35 on average, deviation 0.05; the claim asks for 1.1).
    """
    check_floor(floor)
    check_held(held)
    if isinstance(promise, bool) or not isinstance(promise, (int, np.integer)) or not 1 <= promise <= PROMISED_OF:
        raise Wrong(f"promise is {promise!r}, not a whole number from 1 to {PROMISED_OF}.", points=1)
    pairs = trained(tuple(fresh_seeds(PROMISED_OF, exercise="01.3")))
    found = sum(bool(held(loss.copy(), val_loss.copy(), 0.3)) for loss, val_loss in pairs)
    said = f"It held in {found} of {PROMISED_OF} networks that nobody had seen."
    if found < promise:
        raise Wrong(f"{said} You promised {promise}.", "Count once more, on more seeds of your own.", points=1)
    if promise < PROMISED_OF:
        raise Wrong(
            f"{said} You promised {promise}, and a promise earns what it says. Were you too careful?",
            "Look at the smallest margin in your own five seeds: how close was it?",
            points=1 + promise / PROMISED_OF,
        )
    return said


@graded(of=2, praise="Smaller than a plane, and far better than guessing.")
def smallest(answer: Settings) -> str:
    """Exercise 01.4: settings with fewer parameters than a plane whose validation loss ends below 0.7.

    Threshold: 20 epochs of 9 units at 0.003 ended below 0.7 in 100 of 100 calibration seeds (at 0.60 or
    lower), of 8 units in 99; four of five are asked for.
    """
    if not isinstance(answer, Settings):
        raise Wrong(
            f"answer is of type {type(answer).__name__}, not Settings(width=…, …).",
            "Settings comes from course_utils.experiment; its names are those of the sliders.",
        )
    for name, most in LARGEST.items():
        if getattr(answer, name) > most:
            raise Wrong(
                f"{name}={getattr(answer, name)} is more than {most}: this check takes seconds, and so few "
                "parameters do not need more.",
                f"Stay within width {LARGEST['width']}, depth {LARGEST['depth']}, {LARGEST['epochs']} epochs.",
            )
    digits = load_mnist(n_train=1000, n_valid=1000, n_test=0)
    parameters = count_parameters(digits, width=answer.width, depth=answer.depth, batch_norm=answer.batch_norm)
    histories = [run.history for run in run_seeds(answer, digits, seeds=fresh_seeds(TRIES, exercise="01.4"))]
    ends = np.array([history["val_loss"][-1] for history in histories])
    met, typical = int((ends < TARGET).sum()), float(np.median(ends))
    said = f"{parameters:,} parameters; below {TARGET} in {met} of {TRIES} trainings (median {typical:.2f})."
    if met < NEEDED:
        best = np.median([min(history["val_loss"]) for history in histories])
        falls = np.median([history["val_loss"][-1] / history["val_loss"][-6:][0] for history in histories])
        if best < TARGET * 0.95:
            why = "On its way it was good enough: which epoch was the best?"
        elif falls < 0.95:  # in five epochs
            why = "The loss still falls at the end."
        else:
            why = "The curves are flat, and high: which of the two ways to fail is this?"
        raise Wrong(
            f"{said} {why}",
            "Still falling: more epochs, or a larger rate. Flat and high: more units. Overfitting: fewer epochs.",
        )
    if parameters >= PLANE:
        raise Wrong(
            f"{said} Good; and a plane, with {PLANE:,}, can do that, too. Can fewer?",
            "Each unit of the first layer has 785 parameters, and 10 more behind it.",
            points=1,
        )
    return said


@graded(of=2, praise="All copies found, no wine blamed that is not one, and the column, too.")
def leaks(find: Callable[..., tuple]) -> None:
    """Exercise 01.5: find copies, rounded copies and a disguised grade in tables that nobody has seen."""
    if not callable(find):
        raise Wrong(f"find is {find!r}, not a function.", "Write it as: def find(train, valid):")
    rng = hidden_rng("01.5")
    for planted in (plant(rng) for _ in range(3)):
        found = find(planted.train.copy(), planted.valid.copy())
        if found is None or found is ...:
            raise NotYet
        _check_found(found, planted)


def _check_found(found: object, planted: Planted) -> None:
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise Wrong("find does not return two things.", "At its end: return rows, column")
    rows, column = found
    if np.iterable(column) and not isinstance(column, str):
        raise Wrong("column is not one name.", "Return the name alone, such as 'm3'.")
    labels, copies = {int(row) for row in rows}, planted.exact | planted.rounded
    column_is_right = column == planted.column
    points = 0.5 * column_is_right
    if labels and labels.isdisjoint(planted.valid.index):
        place = "positions" if max(labels) < len(planted.valid) else "labels of training wines, or of none"
        raise Wrong(
            f"rows holds {place}, not labels of validation wines.", "The labels are in valid.index.", points=points
        )
    innocent, missed = labels - copies, copies - labels
    if labels == planted.exact:
        raise Wrong(
            "You found the exact copies. Some others were rounded to one decimal before they were copied.",
            "Round both tables to one decimal, then compare.",
            points=0.5 + points,
        )
    if innocent:
        raise Wrong(
            f"{len(innocent)} of your {len(labels)} wines are no copies. Do all twelve measurements agree?",
            "Compare whole rows: twelve measurements, rounded to one decimal, all equal.",
            points=points,
        )
    if missed:
        raise Wrong(
            f"{len(missed)} of {len(copies)} copies are missing.",
            "Round *both* tables to one decimal; a copy agrees with a training wine in all twelve measurements.",
            points=points,
        )
    if not column_is_right:
        hint = "quality is the grade itself" if column == "quality" else f"{column} is not the grade in disguise"
        raise Wrong(
            f"All copies found. But {hint}. Which measurement goes with the grade nearly perfectly, up or down?",
            "The one with the largest absolute correlation with quality, among m1 to m12.",
            points=1,
        )


CHECKS = (batches, curves, learned_by_heart, smallest, leaks)
