"""Seeds that a check draws by itself: no student has seen them, and each exercise has its own.

`COURSE_SEED` moves them, as it moves those of the lessons: an instructor who grades with `COURSE_SEED=…` uses seeds
that nobody can have tried. A student's number gives each student a task of their own.
"""

from __future__ import annotations

import os
import zlib

import numpy as np

from course_utils.validation import check_integer

__all__ = ["fresh_seeds", "hidden_rng", "my_rng"]


def fresh_seeds(n: int, *, exercise: str) -> list[int]:
    """`n` different seeds for the trainings of a check.

    Raises
    ------
    ValueError
        If `n` is not at least 1.
    """
    n = check_integer("n", n, at_least=1)
    return [int(seed) for seed in hidden_rng(exercise).choice(2**31 - 1, size=n, replace=False)]


def hidden_rng(exercise: str) -> np.random.Generator:
    """A generator for the hidden cases of an exercise."""
    return np.random.default_rng([zlib.crc32(exercise.encode()), *os.environ.get("COURSE_SEED", "0").encode()])


def my_rng(student: int, *, exercise: str) -> np.random.Generator:
    """A generator that gives the student with this number a task of their own, the same on every computer.

    Raises
    ------
    ValueError
        If `student` is not a whole number, at least 0.
    """
    return np.random.default_rng([zlib.crc32(exercise.encode()), check_integer("student", student, at_least=0)])
