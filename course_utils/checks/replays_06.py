"""Exercises 06.3 and 06.4: searches replayed on a table of 400 trainings, and what their winners are worth."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from course_utils.checks.functions import Mistake, compare
from course_utils.checks.hidden import hidden_rng
from course_utils.checks.verdict import NotYet, Wrong, graded
from course_utils.data import tuning_errors

__all__ = ["OUTCOMES", "TRAININGS", "coarse_to_fine", "curse", "replayed"]

OUTCOMES = ("coarse to fine", "tie", "random")
TRAININGS, TIE = 12, 0.002
REPEATS = 4000
FAR = 6  # standard errors: a right answer is further off once in 500 million gradings


def coarse_to_fine(maes: np.ndarray) -> float:
    """The lowest error that a search from coarse to fine finds with 12 trainings.

    First the third and the eighth of ten rates for each network; then four times the rate beside the best one so far.

    Parameters
    ----------
    maes : numpy.ndarray
        Of one seed, shape (4 networks, 10 rates).
    """
    seen = {(network, rate) for network in range(len(maes)) for rate in (2, 7)}
    best = min(seen, key=lambda place: maes[place])
    while len(seen) < TRAININGS:
        network, rate = best
        beside = [(network, rate + step) for step in (-1, 1, -2, 2) if 0 <= rate + step < maes.shape[1]]
        new = [place for place in beside if place not in seen]
        if not new:
            break
        seen.add(new[0])
        best = min(seen, key=lambda place: maes[place])
    return float(maes[best])


@graded(of=2, praise="The exact mean, a replay that agrees with it, and a bet.")
def replayed(expected_best: Callable, replay: Callable, bet: dict) -> str:
    """Exercise 06.3: the lowest error of n random settings, exactly and by replay; and a bet on coarse to fine.

    The bet earns its points by being one, not by being right.
    """
    maes = tuning_errors()[1].mean(axis=2)  # (40 settings, 10 seeds)
    rng = hidden_rng("06.3")
    cases = [(np.array([0.4, 0.5, 0.6]), n) for n in (1, 2, 3)]
    cases += [(rng.permutation(maes[:, int(rng.integers(10))]), n) for n in (1, 2, 12, 39, 40)]
    cases += [(rng.uniform(size=size), int(rng.integers(1, size + 1))) for size in (1, 7, 25)]
    _check_exact(expected_best, cases)
    for maes_of, n in [case for case in cases if len(case[0]) > 1]:
        _check_replay(replay, maes_of, n, np.random.default_rng(rng.integers(2**31)))
    return _told(_check_bet(bet), maes)


def _check_exact(expected_best: Callable, cases: list[tuple]) -> None:
    compare(
        expected_best,
        _expected_best,
        cases,
        name="expected_best",
        mistakes=[
            Mistake(
                _with_replacement,
                "Can the same setting be drawn twice?",
                "Random search draws n *different* settings: count sets with math.comb.",
            ),
            Mistake(
                lambda maes, n: float(np.sort(maes)[0]),
                "That is the best of all. Do n draws always find it?",
                "For each setting: how probable is it that this one is the lowest of the n?",
            ),
            Mistake(
                lambda maes, n: float(maes[:n].min()),
                "That is one search, the first n. What is the mean over all sets of n?",
                "Sort first. The i-th lowest wins if it is drawn, and the other n - 1 come from those above it.",
            ),
            Mistake(
                lambda maes, n: float(np.mean(maes)),
                "That is the mean of one draw.",
                "Only the lowest of the n counts.",
            ),
            Mistake(
                lambda maes, n: float(np.sort(maes)[::-1] @ _shares(len(maes), n)),
                "Is that the mean of the highest?",
                "The lowest error wins: sort upwards.",
            ),
        ],
        hint="By hand: of 0.4, 0.5, 0.6 there are three pairs. What is the mean of their lowest?",
        more="The i-th lowest of k (i from 0) wins in comb(k - i - 1, n - 1) of comb(k, n) sets.",
    )


def _check_replay(replay: Callable, maes: np.ndarray, n: int, rng: np.random.Generator) -> None:
    found = replay(maes.copy(), n, rng)
    if found is None or found is ...:
        raise NotYet
    found = np.asarray(found, float)
    if found.ndim != 1 or len(found) < 200:
        raise Wrong(
            f"replay returns an array of shape {found.shape}. One lowest error for each of 1,000 searches?",
            "Return an array of shape (1000,): do not take the mean.",
            points=0.75,
        )
    exact = _expected_best(maes, n)
    # The true deviation, not that of the answer: with n near all settings a few searches may all find the best one.
    share = _shares(len(maes), n)
    deviation = math.sqrt(share @ (np.sort(maes) - exact) ** 2)
    off = found.mean() - exact
    if abs(off) <= FAR * deviation / math.sqrt(len(found)) + 1e-9:
        return
    why = "Can the same setting be drawn twice?" if off > 0 else "Are more than n settings drawn?"
    raise Wrong(
        f"With n={n} of {len(maes)} the mean of your replay is {found.mean():.4f}; exactly it is {exact:.4f}. {why}",
        "rng.choice(maes, n, replace=False).min() is one search.",
        points=0.75,
    )


def _check_bet(bet: object) -> dict[str, float]:
    if not isinstance(bet, dict) or set(bet) != set(OUTCOMES):
        raise Wrong(f"bet has not one probability for each of {', '.join(OUTCOMES)}.", "{'tie': 0.5, …}", points=1.5)
    if any(value is ... or value is None for value in bet.values()):
        raise NotYet
    chances = {name: float(value) for name, value in bet.items()}
    if not all(0 <= value <= 1 for value in chances.values()) or not math.isclose(
        sum(chances.values()), 1, abs_tol=1e-3
    ):
        raise Wrong(
            f"The bet adds up to {sum(chances.values()):.3g}. What do probabilities add up to?",
            "Each is from 0 to 1, and they add up to 1.",
            points=1.5,
        )
    return chances


def _told(bet: dict[str, float], maes: np.ndarray) -> str:
    fine = np.mean([coarse_to_fine(one.reshape(4, 10)) for one in maes.T])
    drawn = np.mean([_expected_best(one, TRAININGS) for one in maes.T])
    happened = "tie" if abs(fine - drawn) <= TIE else "coarse to fine" if fine < drawn else "random"
    cost = -math.log(max(bet[happened], 1e-3))
    return (
        f"Coarse to fine ends at {fine:.4f}, random at {drawn:.4f}: {happened}. Your bet cost {cost:.2f} nats "
        f"(no opinion: ln 3 = {math.log(3):.2f})."
    )


def _shares(k: int, n: int) -> np.ndarray:
    """How probable it is that the i-th lowest of k is the lowest of n."""
    return np.array([math.comb(k - i - 1, n - 1) / math.comb(k, n) for i in range(k)])


def _expected_best(maes: np.ndarray, n: int) -> float:
    return float(np.sort(maes) @ _shares(len(maes), n))


def _with_replacement(maes: np.ndarray, n: int) -> float:
    k = len(maes)
    return float(sum(mae * (((k - i) / k) ** n - ((k - i - 1) / k) ** n) for i, mae in enumerate(np.sort(maes))))


# Measured on the table, 10,000 divisions each: on the wines that are left, the chosen setting has an error of 0.4680 if
# 136 wines choose among 40 settings, 0.4689 among 10, 0.4711 among 5; if 68 wines choose among 40, 0.4714. The score's
# standard error is 0.036 with 136 wines left, 0.050 with 68. From grading to grading the error moves by 0.0003 (one
# deviation). In 100 of 100 sets of divisions (40, 136) and (20, 136) met both limits, with at most 0.4686, and (5, 136)
# and (40, 60) did not.
MOST_LEFT, MOST_ERROR = 0.470, 0.04
CHANGES = ("better", "the same", "worse")
DIVISIONS = 200  # for each of the ten seeds


@graded(of=2, praise="The score flatters more with each setting; the choice itself does not get worse.")
def curse(winner: Callable, chosen: str, plan: tuple[int, int]) -> str:
    """Exercise 06.4: the winner's flattery, what more settings do to the choice, and a division of the wines."""
    errors = tuning_errors()[1]
    _check_winner(winner, errors)
    if not isinstance(chosen, str) or chosen not in CHANGES:
        raise Wrong(f"chosen={chosen!r}: choose one of {', '.join(CHANGES)}.", points=1)
    if chosen != "better":
        raise Wrong(
            f"{chosen!r}? Look at the second number of winner, the error on other wines, for n = 2 and n = 40.",
            "Its mean over 1,000 draws: does it rise or fall as n grows? The flattery is another question.",
            points=1,
        )
    n, rows = (int(number) for number in plan)
    if not 1 <= n <= 40 or not 2 <= rows <= 270:
        raise Wrong(f"plan={plan!r}: n is from 1 to 40, and 2 to 270 wines choose.", points=1)
    left, error = _consequences(n, rows)
    said = f"Error on the wines that are left {left:.4f}, standard error of the score {error:.3f}."
    if left > MOST_LEFT:
        which = "Do enough wines choose?" if n >= 15 else "Try more settings, or let more wines choose?"
        raise Wrong(
            f"{said} The error is above {MOST_LEFT}. {which}", "Many settings, and half of the wines.", points=1
        )
    if error > MOST_ERROR:
        raise Wrong(
            f"{said} The score is less certain than {MOST_ERROR}. How many wines are left for it?",
            "The standard error is s/√wines, with s about 0.4: how many wines does 0.04 need?",
            points=1,
        )
    return said


def _winner(errors: np.ndarray, n: int, rng: np.random.Generator) -> tuple[float, float]:
    drawn = errors[rng.choice(len(errors), n, replace=False)]
    wines = rng.permutation(errors.shape[1])
    here, there = np.array_split(wines, 2)
    scores = drawn[:, here].mean(axis=1)
    best = scores.argmin()
    return float(scores[best]), float(drawn[best, there].mean())


def _draws(way: Callable, errors: np.ndarray, n: int, rng: np.random.Generator, repeats: int) -> np.ndarray:
    return np.array([way(errors.copy(), n, rng) for _ in range(repeats)], float)


def _check_winner(winner: Callable, errors: np.ndarray) -> None:
    if not callable(winner):
        raise Wrong(f"winner is {winner!r}, not a function.", "Write it as: def winner(errors, n, rng):")
    rng = hidden_rng("06.4")
    first = winner(errors[:, 0].copy(), 3, np.random.default_rng(1))
    if first is None or first is ...:
        raise NotYet
    if np.shape(first) != (2,):
        raise Wrong("winner does not return two numbers.", "return score where it was chosen, error on the other half")
    for seed, n in ((0, 40), (3, 10), (6, 2), (8, 1)):
        table = errors[:, seed]
        own, right = (
            _draws(way, table, n, np.random.default_rng(rng.integers(2**31)), REPEATS // 4) for way in (winner, _winner)
        )
        spread = np.sqrt((own.var(axis=0) + right.var(axis=0)) / len(own)) + 1e-9
        off = (own.mean(axis=0) - right.mean(axis=0)) / spread
        if (abs(off) < FAR).all() and own[:, 0].std() > 0.5 * right[:, 0].std():
            continue
        raise Wrong(
            f"n={n}: chosen at {own[:, 0].mean():.3f}, {own[:, 1].mean():.3f} on other wines, on average. {_why(own)}",
            "Draw n settings; permute the wines; argmin over the means of one half; the *same* setting on the other.",
        )


def _why(own: np.ndarray) -> str:
    if np.allclose(own.std(axis=0), 0):
        return "Every draw is the same: are the wines permuted by rng?"
    gap = own[:, 1] - own[:, 0]
    if np.allclose(own[:, 0].std(), 0):
        return "The first number never changes: do all wines choose?"
    if gap.mean() < -0.01:
        return "Is the first number the one where it was chosen?"
    if abs(gap.mean()) < 5e-3:
        return "Is the best chosen anew on the other half? Keep the setting that the first half chose."
    return "Are n different settings drawn, and the wines cut into two halves?"


@functools.lru_cache(maxsize=64)
def _consequences(n: int, rows: int) -> tuple[float, float]:
    """Mean error of the chosen setting on wines that did not choose, and standard error of that score."""
    errors, rng = tuning_errors()[1], hidden_rng("06.4 plan")
    usual, gains, spreads = errors.mean(), [], []
    for seed in range(errors.shape[1]):
        table = errors[:, seed]
        for _ in range(DIVISIONS):
            drawn = rng.choice(len(table), n, replace=False)
            wines = rng.permutation(table.shape[1])
            best = drawn[table[np.ix_(drawn, wines[:rows])].mean(axis=1).argmin()]
            left = table[:, wines[rows:]]
            # Against the mean of all settings on the same wines: how hard these wines are is not the plan's doing.
            gains.append(left[best].mean() - left.mean())
            spreads.append(left[best].std(ddof=1) / math.sqrt(len(left[best])))
    return float(usual + np.mean(gains)), float(np.mean(spreads))
