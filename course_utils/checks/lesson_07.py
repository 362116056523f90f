"""Checks of the exercises of lesson 07, more data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from course_utils.checks.bets import FRESH, check_bet, check_promise, surprise
from course_utils.checks.draws_07 import ROWS, TARGET, other_draws
from course_utils.checks.functions import Mistake, compare
from course_utils.checks.hidden import hidden_rng
from course_utils.checks.mysteries_07 import LETTERS, kinds_of
from course_utils.checks.shifting_07 import check_shifted
from course_utils.checks.verdict import NotYet, Wrong, graded

__all__ = ["CHECKS", "WIDEST"]

WIDEST = 1.25  # high by low end of an interval
BOLD = 15  # a promise that pays fully

# The interval is held against all 80 draws that no student gets, so a grade does not hang on which ones are drawn. The
# forecast times the median miss of 20 own draws, in the middle of the widest interval, held in 62 to 72 of the 80 for
# each of 10,000 students; 60 keep a promise of 15. Around the forecast itself, ±10 % held in 56.


def _line(rows: np.ndarray, losses: np.ndarray) -> tuple[float, float]:
    slope, start = np.polyfit(np.log(rows), np.log(losses), 1)
    return float(np.exp(start)), float(-slope)


def _rows_for(a: float, b: float, goal: float) -> int:
    return math.ceil((a / goal) ** (1 / b) - 1e-9)


@graded(of=2, praise="A power law is a straight line in logarithms; turned round, it says what a goal would cost.")
def forecast(power_law: Callable, rows_needed: Callable) -> None:
    """Exercise 07.1: fit a power law, and say how many rows a goal needs."""
    rng = hidden_rng("07.1")
    cases = [(np.array([100, 400]), np.array([1.0, 0.5]))]
    for _ in range(50):
        rows = np.sort(rng.choice(np.arange(20, 5000), size=int(rng.integers(3, 7)), replace=False))
        law = rng.uniform(1, 9) * rows ** -rng.uniform(0.1, 0.6)
        cases.append((rows, law * np.exp(rng.normal(0, 0.05, size=len(rows)))))

    def other(change: Callable[[float, float], tuple]) -> Callable[..., tuple]:
        return lambda rows, losses: change(*_line(rows, losses))

    compare(
        lambda rows, losses: power_law(rows.copy(), losses.copy()),
        _line,
        cases,
        name="power_law",
        mistakes=[
            Mistake(other(lambda a, b: (a, -b)), "Look at the sign of b.", "The slope is −b: return minus the slope."),
            Mistake(
                other(lambda a, b: (np.log(a), b)),
                "The line starts at ln a. Is that a?",
                "Take np.exp of the line's constant.",
            ),
            Mistake(other(lambda a, b: (b, a)), "In which order?", "Return a first, then b."),
            Mistake(
                other(lambda a, b: (np.log(a), -b)),
                "These are the constant and the slope of the line. Are they a and b?",
                "ln loss = ln a − b ln n: take np.exp of the constant, and minus the slope.",
            ),
            Mistake(
                lambda rows, losses: (np.exp(np.polyfit(rows, losses, 1)[1]), -np.polyfit(rows, losses, 1)[0]),
                "Is the line straight in n, or in ln n?",
                "Fit np.log(losses) against np.log(rows).",
            ),
            Mistake(
                lambda rows, losses: (
                    np.exp(np.polyfit(rows, np.log(losses), 1)[1]),
                    -np.polyfit(rows, np.log(losses), 1)[0],
                ),
                "One logarithm, or two?",
                "A power law needs both: fit np.log(losses) against np.log(rows).",
            ),
            Mistake(
                lambda rows, losses: (
                    np.exp(np.polyfit(np.log10(rows), np.log10(losses), 1)[1]),
                    -np.polyfit(np.log10(rows), np.log10(losses), 1)[0],
                ),
                "Which logarithm does np.exp undo?",
                "np.log10 is undone by 10 ** …; np.exp belongs to np.log.",
            ),
        ],
        hint="Try 100 rows with loss 1 and 400 rows with loss 0.5: b is 0.5, and a is 10.",
        more="np.polyfit(np.log(rows), np.log(losses), 1) gives the slope −b, and ln a.",
    )
    goals = [(10.0, 0.5, 0.5), (10.0, 0.5, 0.3)]
    goals += [(rng.uniform(2, 9), rng.uniform(0.2, 0.6), rng.uniform(0.2, 1)) for _ in range(100)]
    compare(
        rows_needed,
        _rows_for,
        goals,
        name="rows_needed",
        mistakes=[
            Mistake(
                lambda a, b, goal: math.floor((a / goal) ** (1 / b) + 1e-9),
                "Is the goal reached with that many rows, or only nearly?",
                "Round up: math.ceil.",
            ),
            Mistake(lambda a, b, goal: (a / goal) ** (1 / b), "Can you buy a part of a row?", "Round up: math.ceil."),
            Mistake(
                lambda a, b, goal: round((a / goal) ** (1 / b)),
                "Rounded to the nearest, the goal is sometimes missed.",
                "Round up: math.ceil.",
            ),
            Mistake(
                lambda a, b, goal: math.ceil(a * goal**-b),
                "That is the loss at n = goal. Which n has the loss goal?",
                "Solve goal = a · n^(−b) for n: n = (a / goal)^(1 / b).",
            ),
            Mistake(
                lambda a, b, goal: math.ceil((a / goal) ** b),
                "Put your n back into a · n^(−b). Do you get the goal?",
                "To undo a power b, take the power 1 / b.",
            ),
        ],
        hint="With a = 10 and b = 0.5, a loss of 0.5 needs 400 rows.",
        more="Solve goal = a · n^(−b) for n, and round up.",
        points=1,
    )


@graded(of=2, praise="A promise with an interval can be kept or broken; a single number is always a bit off.")
def promised_interval(interval: Callable, promise: int) -> str:
    """Exercise 07.2: an interval for the loss with 2,000 rows, and in how many of 20 other draws it will hold."""
    promise, others = check_promise(promise), other_draws()
    if not callable(interval):
        raise Wrong(f"interval is {interval!r}, not a function.", "Write it as: def interval(rows, losses):")
    held, above = 0, 0
    for _, draw in others.iterrows():
        low, high = _ends(interval(np.array(ROWS), draw[ROWS].to_numpy(dtype=float)))
        held += low <= draw[TARGET] <= high
        above += draw[TARGET] > high
    told = f"It held in {held} of {len(others)} other draws"
    if held < promise / FRESH * len(others):
        raise Wrong(
            f"{told}, and you promised {promise} of {FRESH}. In {above} the loss was above the interval.",
            "Try it on your own 20 draws. Is the forecast too low, or too high? Move the interval as far.",
        )
    if promise < BOLD:
        raise Wrong(
            f"Kept. {told}, and you promised {promise} of {FRESH}: {BOLD} pays fully.",
            "Does a bolder promise hold in your own draws, or with an interval that is moved?",
            points=2 * promise / FRESH,
        )
    return f"{told}."


def _ends(found: object) -> tuple[float, float]:
    if found is None or found is ...:
        raise NotYet
    low, high = map(float, found)
    if not 0 < low < high < math.inf:
        raise Wrong(f"{low:.3g} to {high:.3g} is no interval.", "Return (low, high), with 0 < low < high.")
    if high / low > WIDEST + 1e-9:
        raise Wrong(
            f"{low:.3g} to {high:.3g}: high is {high / low:.2f} times low; {WIDEST} is allowed.",
            "A wide interval holds always and says nothing. In which direction do the forecasts miss?",
        )
    return low, high


@graded(of=2, praise="Each picture goes its own way, zeros come in, and the originals stay: ready for every epoch.")
def shifts(shifted: Callable[[np.ndarray, int, np.random.Generator], np.ndarray]) -> None:
    """Exercise 07.3: shift each picture by whole pixels, in NumPy."""
    check_shifted(shifted)


@graded(of=2, praise="The loss on true digits found what the eye cannot see: labels that are no longer true.")
def lies(student: int, bet: Mapping[str, float], losses: Mapping[str, float], lying: object) -> str:
    """Exercise 07.4: which of four unknown augmentations do not keep the label."""
    kinds = kinds_of(student)
    bet = check_bet(bet, list(LETTERS), name="bet")
    names = ["plain", *LETTERS]
    if not isinstance(losses, Mapping) or set(losses) != set(names):
        raise Wrong(f"losses needs one loss for each of: {', '.join(names)}.", "A dict such as {'plain': 0.5, …}.")
    numbers = {name: float(losses[name]) for name in names}
    if not all(0 < loss < math.inf for loss in numbers.values()):
        raise Wrong("A loss is not a number above 0.", "Return the lowest validation loss as one float.")
    if isinstance(lying, str) or not set(lying) <= set(LETTERS):
        raise Wrong("lying is a set of letters, such as {'A', 'D'}.", "Name the two in braces, each in quotes.")
    if len(set(lying)) != 2:
        raise Wrong(
            f"You name {len(set(lying))}; two of the four lie.", "Hold each loss against that of 'plain'.", points=1
        )
    cost = surprise(bet, max(LETTERS, key=numbers.get))
    told = f"Your bet: {cost:.2f} nats; no opinion costs {math.log(len(LETTERS)):.2f}."
    missed = sorted(letter for letter, kind in kinds.items() if kind in ("flip", "slip") and letter not in lying)
    if not missed:
        return told
    accused = sorted(set(lying) - {letter for letter, kind in kinds.items() if kind in ("flip", "slip")})
    raise Wrong(
        f"{accused[0]} is accused. Is its loss above that of plain, with other seeds too? {told}",
        "Look at the changed pictures and at their labels. Validation digits are true: a lie raises their loss.",
        points=1,
    )


@graded(of=2, praise="The plain rows now have as many updates: what is left of the gain is not longer training.")
def equal_updates(fair_epochs: Callable, table: pd.DataFrame) -> None:
    """Exercise 07.5: the epochs that give plain rows as many updates as augmented ones, and a table of three arms."""
    rng = hidden_rng("07.5")
    cases = [(10, 3, 4, 2), (500, 6, 50, 5), (100, 2, 30, 3)]
    cases += [tuple(int(rng.integers(1, most)) for most in (3000, 12, 200, 20)) for _ in range(200)]

    def per_epoch(rows: int, batch: int) -> int:
        return math.ceil(rows / batch)

    compare(
        fair_epochs,
        lambda rows, copies, batch, epochs: math.ceil(
            epochs * per_epoch(rows * copies, batch) / per_epoch(rows, batch)
        ),
        cases,
        name="fair_epochs",
        mistakes=[
            Mistake(
                lambda rows, copies, batch, epochs: epochs,
                "Equal epochs. Does an epoch of copies make more updates?",
                "Count the updates of both, with ceil(rows / batch).",
            ),
            Mistake(
                lambda rows, copies, batch, epochs: epochs * copies,
                "Right where batches fit exactly. 10 rows, 3 copies, batches of 4: 8 updates in an epoch, or 9?",
                "Left-over rows make a batch in each epoch: count updates with ceil, then divide.",
            ),
            Mistake(
                lambda rows, copies, batch, epochs: epochs * per_epoch(rows * copies, batch) // per_epoch(rows, batch),
                "Are there at least as many updates?",
                "Round up: the plain rows must not have fewer.",
            ),
            Mistake(
                lambda rows, copies, batch, epochs: epochs * per_epoch(rows * copies, batch),
                "That is a number of updates. How many does a plain epoch make?",
                "Divide by ceil(rows / batch), and round up.",
            ),
        ],
        hint="By hand: 10 rows, 3 copies, batches of 4, 2 epochs make 16 updates; plain rows make 3 an epoch.",
        more="ceil(epochs · ceil(rows · copies / batch) / ceil(rows / batch)).",
    )
    _check_arms(table)


def _check_arms(table: object) -> None:
    """Whether the three arms of exercise 07.5 stand in the table, with updates that fit."""
    if not isinstance(table, pd.DataFrame) or not {"arm", "updates", "val_loss"} <= set(table):
        raise Wrong("table needs the columns arm, updates and val_loss.", "Make it with pd.DataFrame(rows).", points=1)
    arms = ("plain, equal epochs", "plain, equal updates", "augmented")
    found = table.groupby("arm")[["updates", "val_loss"]].median()
    missing = [arm for arm in arms if arm not in found.index]
    if missing:
        raise Wrong(f"table has no arm {missing[0]!r}.", f"The arms: {'; '.join(arms)}.", points=1)
    if table.groupby("arm").size()[list(arms)].min() < 3:
        raise Wrong("Fewer than three seeds for an arm.", "Train each arm with three seeds or more.", points=1)
    few, fair, many = (found.loc[arm, "updates"] for arm in arms)
    if fair < many or fair == few:
        raise Wrong(
            f"Augmented: {many:g} updates; plain, equal updates: {fair:g}. Equal?",
            "Its epochs are fair_epochs(rows, copies, batch, epochs); updates are model.optimizer.iterations.",
            points=1,
        )
    if not np.isfinite(found["val_loss"]).all():
        raise Wrong("A loss is not a number.", "Write down each run's lowest validation loss.", points=1)


CHECKS = (forecast, promised_interval, shifts, lies, equal_updates)
