"""Checks of the exercises of lesson 08, ensembles."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from course_utils.checks.averaging_08 import check_averaging
from course_utils.checks.bets import FRESH, check_bet, check_promise, surprise
from course_utils.checks.folds_08 import check_out_of_fold
from course_utils.checks.functions import Mistake, compare
from course_utils.checks.hidden import fresh_seeds, hidden_rng
from course_utils.checks.members_08 import gain_of, member_answers
from course_utils.checks.verdict import Wrong, graded

__all__ = ["CHECKS", "OUTCOMES", "WIDEST"]

# High by low end of a claimed gain. 5,000 ensembles of five, drawn from 100 networks, gained 1.63 to 3.33 %. In each of
# 1,000 gradings (20 networks, drawn from the 100), 1.6 to 3.2 held in 19 or 20 ensembles; 1.7 to 3.4 in 17 or more,
# and in 18 or more of 999.
WIDEST = 2
BOLD = 18  # a promise that pays fully
OUTCOMES = ("average of five lower", "one large lower", "within 2 %")


def _vote(answers: np.ndarray) -> np.ndarray:
    return np.eye(answers.shape[-1])[answers.argmax(axis=-1)].mean(axis=0)


def _random_answers(rng: np.random.Generator, members: int, rows: int, classes: int) -> np.ndarray:
    return rng.dirichlet(np.ones(classes), size=(members, rows))


@graded(of=2, praise="One stacked array, three ways to combine it; only the vote forgets how sure the members are.")
def combine(average: Callable, vote: Callable, weighted: Callable) -> None:
    """Exercise 08.1: average, vote and weighted average of members' probabilities."""
    rng = hidden_rng("08.1")
    small = np.array([[[0.6, 0.4]], [[0.6, 0.4]], [[0.1, 0.9]]])
    cases = [small] + [_random_answers(rng, *(int(n) for n in rng.integers(2, 8, size=3))) for _ in range(30)]
    by_row = Mistake(
        lambda answers: answers.mean(axis=1),
        "That is a mean over the rows. Which axis holds the members?",
        "The shape is (members, rows, classes): use axis=0.",
    )
    compare(
        lambda answers: average(answers.copy()),
        lambda answers: answers.mean(axis=0),
        [(one,) for one in cases],
        name="average",
        mistakes=[
            by_row,
            Mistake(
                lambda answers: answers.sum(axis=0), "Do these add up to 1 in each row?", "Divide by the members: mean."
            ),
            Mistake(lambda answers: answers.mean(axis=0).argmax(axis=-1), "That is a class.", "Return probabilities."),
        ],
        hint="For the three members of the example it is [[0.433, 0.567]].",
        more="answers.mean(axis=0), of shape (rows, classes).",
    )
    compare(
        lambda answers: vote(answers.copy()),
        _vote,
        [(one,) for one in cases],
        name="vote",
        mistakes=[
            Mistake(
                lambda answers: _vote(answers) * len(answers),
                "These are numbers of ballots. Are they shares?",
                "Divide by the number of members.",
            ),
            Mistake(
                lambda answers: _vote(answers).argmax(axis=-1),
                "That is the class that wins. How many members named each class?",
                "Return shares of shape (rows, classes), which add up to 1 in each row.",
            ),
            Mistake(
                lambda answers: answers.mean(axis=0),
                "That is the average. Does a ballot know how sure its member is?",
                "Give 1 to each member's first choice, 0 to the others, then take the mean over members.",
            ),
            Mistake(
                lambda answers: (answers > 0.5).mean(axis=0),
                "A first choice can have less than 0.5 where there are many classes.",
                "Find it with argmax over the last axis.",
            ),
        ],
        hint="In the example two of three members name class 0: [[0.667, 0.333]].",
        more="np.eye(classes)[answers.argmax(axis=-1)] holds the ballots, shape (members, rows, classes).",
        points=0.5,
    )
    compare(
        lambda answers, weights: weighted(answers.copy(), weights.copy()),
        lambda answers, weights: np.average(answers, axis=0, weights=weights),
        [(one, rng.uniform(0.1, 5, size=len(one))) for one in cases],
        name="weighted",
        mistakes=[
            Mistake(
                lambda answers, weights: np.tensordot(weights, answers, axes=1),
                "Do the probabilities of a row add up to 1, whatever the weights add up to?",
                "Divide by the sum of the weights.",
            ),
            Mistake(
                lambda answers, weights: np.tensordot(weights, answers, axes=1) / len(weights),
                "Divided by the number of members; what if the weights add up to something else?",
                "Divide by the sum of the weights.",
            ),
            Mistake(lambda answers, weights: answers.mean(axis=0), "Are the weights used?", "See np.average."),
        ],
        hint="Weights of 1, 1 and 2 give the example's last member half of the say.",
        more="The sum of weight times answer over members, divided by the sum of the weights.",
        points=1,
    )


@graded(of=2, praise="What the members' errors have in common stays; how many members you need does not depend on it.")
def error_of_mean(alike: Callable, error: Callable, members_for: Callable) -> None:
    """Exercise 08.2: how alike errors are, the squared error of an average, and how many members are enough."""
    check_averaging(alike, error, members_for)


@graded(of=2, praise="Each answer comes from a member that never saw its row: a stack may learn from these.")
def no_leak(out_of_fold: Callable) -> None:
    """Exercise 08.3: members' answers on training rows, for a stack without a leak."""
    check_out_of_fold(out_of_fold)


def _losses(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    return -np.log(p[:, np.arange(len(y)), y]).mean(axis=1)


def _mean_loss(p: np.ndarray, y: np.ndarray) -> float:
    return float(_losses(p, y).mean())


# With 50 values of COURSE_SEED, all right answers of the tests passed, their promises among them.
@graded(of=2, praise="An average cannot lose to the mean member; by how much it wins is what you can promise.")
def percent(gain: Callable, low: float, high: float, promise: int) -> str:
    """Exercise 08.4: by how many percent an average lowers the cross-entropy, promised for 20 fresh ensembles."""
    rng = hidden_rng("08.4")
    cases = [(_random_answers(rng, 5, 20, 10) + 1e-3, rng.integers(0, 10, size=20)) for _ in range(20)]
    cases = [(p / p.sum(axis=-1, keepdims=True), y) for p, y in cases]
    compare(
        lambda p, y: gain(p.copy(), y.copy()),
        gain_of,
        cases,
        name="gain",
        mistakes=[
            Mistake(lambda p, y: gain_of(p, y) / 100, "That is a share. In percent?", "Multiply by 100."),
            Mistake(lambda p, y: -gain_of(p, y), "Look at the sign.", "A lower loss is a gain above 0."),
            Mistake(
                lambda p, y: 100 * (1 / (1 - gain_of(p, y) / 100) - 1),
                "In percent of which loss?",
                "Divide by the mean member's loss, not by the average's.",
            ),
            Mistake(
                lambda p, y: 100 * (1 - (1 - gain_of(p, y) / 100) * _mean_loss(p, y) / _losses(p, y).min()),
                "Below the best member's loss, or the mean member's?",
                "Divide by the mean of the members' losses.",
            ),
            Mistake(
                lambda p, y: _mean_loss(p, y) * gain_of(p, y) / 100,
                "That is a difference in nats. In percent?",
                "Divide by the mean member's loss, and multiply by 100.",
            ),
        ],
        hint="100 · (1 − loss of the average / mean of the members' losses).",
        more="A member's loss is the mean of −ln of the probability that it gave to the true digit.",
        tolerance=1e-4,
    )
    promise, low, high = check_promise(promise), float(low), float(high)
    if not 0 < low < high < math.inf:
        raise Wrong(f"{low:g} to {high:g} % is no interval.", "0 < low < high, both in percent.", points=0.5)
    if high > WIDEST * low * (1 + 1e-9):
        raise Wrong(
            f"{low:g} to {high:g} %: high may be {WIDEST} times low at most.",
            "An interval that holds always says nothing. Measure on more ensembles of your own.",
            points=0.5,
        )
    answers, y = member_answers(fresh_seeds(FRESH, exercise="08.4"))
    gains = [gain_of(answers[rng.choice(FRESH, size=5, replace=False)], y) for _ in range(FRESH)]
    held = sum(low < one < high for one in gains)
    told = f"It held in {held} of {FRESH} fresh ensembles"
    if held < promise:
        middle = float(np.median(gains))
        where = "above" if middle > high else "below" if middle < low else "inside of"
        raise Wrong(
            f"{told}, and you promised {promise}. The middle one lies {where} your interval.",
            "Measure the gain on several ensembles of your own, and leave room on both sides.",
            points=0.5,
        )
    if promise < BOLD:
        raise Wrong(
            f"Kept. {told}, and you promised {promise}: {BOLD} pays fully.",
            "What do more ensembles of your own say?",
            points=0.5 + 1.5 * promise / FRESH,
        )
    return f"{told}."


@graded(of=2, praise="At one price, the larger network is the rival; that is the comparison to make before you pay.")
def price(same_price: Callable, bet: Mapping[str, float], table: pd.DataFrame) -> str:
    """Exercise 08.5: one network for the price of several, a bet, and a table of both."""
    rng = hidden_rng("08.5")
    cases = [(1, 1, 4, 3), (11, 64, 1, 5), (196, 64, 10, 5)]
    cases += [tuple(int(n) for n in rng.integers(1, (40, 90, 40, 12))) for _ in range(100)]

    def count(inputs: int, width: int, outputs: int) -> int:
        return (inputs + 1) * width + (width + 1) * outputs

    def widest(budget: int, inputs: int, outputs: int) -> int:
        return (budget - outputs) // (inputs + 1 + outputs)

    compare(
        same_price,
        lambda inputs, width, outputs, members: widest(members * count(inputs, width, outputs), inputs, outputs),
        cases,
        name="same_price",
        mistakes=[
            Mistake(
                lambda inputs, width, outputs, members: members * width,
                "Nearly. The one network has its output's biases once, not several times. Does one unit more fit?",
                "Count the parameters of both; the width plus one must exceed the budget.",
            ),
            Mistake(
                lambda inputs, width, outputs, members: members * count(inputs, width, outputs),
                "That is the budget. Which width has so many parameters?",
                "A width w has (inputs + 1) · w + (w + 1) · outputs.",
            ),
            Mistake(
                lambda inputs, width, outputs, members: (
                    widest(members * count(inputs, width, outputs), inputs, outputs) + 1
                ),
                "One unit too many: that exceeds the budget.",
                "The largest width that stays within it.",
            ),
        ],
        hint="By hand: 1 input, 1 unit, 4 outputs make 10 parameters; three such networks pay for 4 units (28).",
        more="Raise the width from 1, as long as the next one stays within members · parameters.",
    )
    bet = check_bet(bet, list(OUTCOMES), name="bet")
    ratio = _ratio(table)
    found = OUTCOMES[0] if ratio > 1.02 else OUTCOMES[1] if ratio < 0.98 else OUTCOMES[2]
    return f"In your table: {found}. Your bet: {surprise(bet, found):.2f} nats; no opinion costs {math.log(3):.2f}."


def _ratio(table: object) -> float:
    """Loss of the large network by that of the average, medians over seeds, if the table is as it should be."""
    if not isinstance(table, pd.DataFrame) or not {"way", "seed", "loss"} <= set(table):
        raise Wrong("table needs the columns way, seed and loss.", "Make it with pd.DataFrame(rows).", points=1)
    found = table.pivot_table(index="seed", columns="way", values="loss")
    ways = ["mean member", "average of five", "one large"]
    missing = [way for way in ways if way not in found]
    if missing:
        raise Wrong(f"table has no way {missing[0]!r}.", f"The ways: {', '.join(ways)}.", points=1)
    found = found[ways]
    if len(found.dropna()) < 3:
        raise Wrong("Fewer than three seeds with all three ways.", "Repeat it with three seeds or more.", points=1)
    if (found["average of five"] > found["mean member"] * (1 + 1e-6)).any():
        raise Wrong(
            "The average's cross-entropy is above the mean member's. Can that be?",
            "It cannot: −ln is convex. Average the probabilities of the same five networks, then take the loss.",
            points=1,
        )
    return float((found["one large"] / found["average of five"]).median())


CHECKS = (combine, error_of_mean, no_leak, percent, price)
