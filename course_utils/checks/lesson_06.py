"""Checks of the exercises of lesson 06, tuning."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from course_utils.checks.functions import Mistake, compare
from course_utils.checks.hidden import hidden_rng
from course_utils.checks.out_of_fold import pipelines
from course_utils.checks.promise_06 import promised_error
from course_utils.checks.replays_06 import curse, replayed
from course_utils.checks.verdict import graded

__all__ = ["CHECKS"]


@graded(
    of=2, praise="A grid multiplies, halving does not; and an honest score of a whole search costs the search again."
)
def fits(grid: Callable, halving: Callable, nested: Callable) -> None:
    """Exercise 06.1: how many trainings a grid, halving and nested cross-validation cost."""
    rng = hidden_rng("06.1")
    cases = [([4, 20], 3, False), ([4, 20], 3, True), ([5], 2, True), ([2, 3, 4], 5, True), ([2, 3, 4], 5, False)]
    for _ in range(40):
        lists = [int(size) for size in rng.integers(1, 12, size=int(rng.integers(1, 5)))]
        cases.append((lists, int(rng.integers(2, 11)), bool(rng.integers(2))))
    compare(
        grid,
        _grid,
        [(list(sizes), folds, refit) for sizes, folds, refit in cases],
        name="grid",
        mistakes=[
            Mistake(
                lambda sizes, folds, refit: sum(sizes) * folds + refit,
                "How many pairs can be made of 4 layers and 20 rates?",
                "A grid tries all combinations: multiply, with math.prod.",
            ),
            Mistake(
                lambda sizes, folds, refit: math.prod(sizes) * folds,
                "What happens to the winner, when refit is True?",
                "It is trained once more, on all rows.",
            ),
            Mistake(
                lambda sizes, folds, refit: (math.prod(sizes) + refit) * folds,
                "Is the winner trained again in each fold?",
                "Refitting is one training, on all rows.",
            ),
            Mistake(
                lambda sizes, folds, refit: math.prod(sizes) * folds + refit * folds,
                "Is the winner trained again in each fold?",
                "Refitting is one training, on all rows.",
            ),
            Mistake(
                lambda sizes, folds, refit: math.prod(sizes) + refit,
                "In how many folds is a candidate scored?",
                "Each candidate is trained once for each fold.",
            ),
            Mistake(
                lambda sizes, folds, refit: math.prod(sizes) * (folds - 1) + refit,
                "Which fold is never the judge?",
                "None: each of them is left out once, so a candidate is trained once for each fold.",
            ),
        ],
        hint="By hand: 4 layers and 20 rates are 80 candidates; each is trained once for each fold.",
        more="math.prod(sizes) * folds, and one more for the winner.",
    )
    compare(
        halving,
        _halving,
        [(9, 3, 3), (10, 1, 3), (1, 3, 2), (27, 5, 2)]
        + [tuple(int(n) for n in rng.integers([1, 2, 1], [200, 8, 6])) for _ in range(40)],
        name="halving",
        mistakes=[
            Mistake(
                lambda candidates, folds, rounds: _halving(candidates, folds, rounds, math.floor),
                "A third of ten: is one candidate lost?",
                "Round up, with math.ceil.",
            ),
            Mistake(
                lambda candidates, folds, rounds: _halving(candidates, 1, rounds),
                "In how many folds is a candidate scored?",
                "Once for each fold, in each round.",
            ),
            Mistake(
                lambda candidates, folds, rounds: candidates * folds * rounds,
                "Do all candidates reach the second round?",
                "Only the best third: candidates = math.ceil(candidates / 3) after each round.",
            ),
            Mistake(
                lambda candidates, folds, rounds: (
                    _halving(candidates, folds, rounds + 1) - _halving(candidates, folds, 1)
                ),
                "Who is trained in the first round?",
                "All candidates: add them before you divide.",
            ),
            Mistake(
                lambda candidates, folds, rounds: _halving(candidates, folds, rounds, keep=2),
                "Is the better half kept?",
                "The best third.",
            ),
        ],
        hint="By hand: 9 candidates in three rounds are 9 + 3 + 1, each in 3 folds.",
        more="A loop over the rounds: add candidates * folds, then candidates = math.ceil(candidates / 3).",
        points=0.5,
    )
    compare(
        nested,
        lambda candidates, inner, outer: outer * (candidates * inner + 1),
        [(10, 3, 5), (1, 2, 2)] + [tuple(int(n) for n in rng.integers([1, 2, 2], [200, 8, 8])) for _ in range(40)],
        name="nested",
        mistakes=[
            Mistake(
                lambda candidates, inner, outer: outer * candidates * inner,
                "Who is scored on the outer fold? Was it trained on all rows that it may see?",
                "The winner of each inner search is trained once more, before the outer fold scores it.",
            ),
            Mistake(
                lambda candidates, inner, outer: outer * candidates * inner + 1,
                "Is there one winner, or one for each outer fold?",
                "Each outer fold has a search of its own, and so a winner of its own.",
            ),
            Mistake(
                lambda candidates, inner, outer: candidates * inner + outer,
                "Can one search serve all outer folds?",
                "No: it would have seen the rows that judge it. Each outer fold has its own search.",
            ),
            Mistake(
                lambda candidates, inner, outer: (candidates + 1) * inner * outer,
                "Is the winner trained again in each inner fold?",
                "Once, on all rows outside of the outer fold.",
            ),
            Mistake(
                lambda candidates, inner, outer: (outer + 1) * (candidates * inner + 1),
                "That trains a final model, too. Does the score need it?",
                "Count the score alone: one search for each outer fold.",
            ),
        ],
        hint="What does one outer fold cost? A whole search, with its winner trained again.",
        more="outer times (candidates · inner + 1).",
        points=1,
    )


def _grid(sizes: Sequence[int], folds: int, refit: bool) -> int:
    return math.prod(sizes) * folds + bool(refit)


def _halving(candidates: int, folds: int, rounds: int, rounded: Callable = math.ceil, keep: int = 3) -> int:
    total = 0
    for _ in range(rounds):
        total += candidates * folds
        candidates = rounded(candidates / keep)
    return total


CHECKS = (fits, pipelines, replayed, curse, promised_error)
