"""Checks of the exercises of lesson 01, generalization."""

from __future__ import annotations

import math
from collections.abc import Callable

from course_utils.checks.functions import Mistake, compare
from course_utils.checks.hidden import hidden_rng
from course_utils.checks.verdict import graded

__all__ = ["CHECKS"]


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


CHECKS = (batches,)
