"""`check`: the face of the checks in a notebook. Counts attempts, so that a second mistake gets a stronger hint."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable

from course_utils import checks
from course_utils.checks.verdict import Verdict, stronger

__all__ = ["check", "find_check", "lessons"]

_wrong: Counter[str] = Counter()  # attempts of this kernel, by exercise


def check(exercise: str, *answer: object, **named: object) -> Verdict:
    """Say how good an answer is, with a hint where it is not right; as the last line of a cell.

    Parameters
    ----------
    exercise : str
        Such as `"01.1"`: the lesson, and the number of the exercise.
    *answer, **named
        What the exercise asks for.

    Raises
    ------
    ValueError
        If there is no such exercise.
    """
    verdict = find_check(exercise)(*answer, **named)
    if not verdict.is_attempted or verdict.is_right:
        return verdict
    _wrong[exercise] += 1
    return verdict if _wrong[exercise] == 1 else stronger(verdict)


def find_check(exercise: str) -> Callable[..., Verdict]:
    """The pure function that checks an exercise.

    Raises
    ------
    ValueError
        If there is no such exercise; names those that there are.
    """
    lesson, _, number = str(exercise).partition(".")
    if lesson not in lessons():
        raise ValueError(f"exercise={exercise!r} is of no lesson with exercises. Choose from {', '.join(lessons())}.")
    found = importlib.import_module(f"course_utils.checks.lesson_{lesson}").CHECKS
    if not number.isdecimal() or not 1 <= int(number) <= len(found):
        raise ValueError(f"exercise={exercise!r}: lesson {lesson} has {lesson}.1 to {lesson}.{len(found)}.")
    return found[int(number) - 1]


def lessons() -> list[str]:
    """The lessons that have exercises, such as `"01"`."""
    names = (module.name for module in pkgutil.iter_modules(checks.__path__))
    return sorted(name.removeprefix("lesson_") for name in names if name.startswith("lesson_"))
