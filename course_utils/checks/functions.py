"""Compare a student's function with the right one on many cases; name the mistake that explains all it returns."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from course_utils.checks.verdict import NotYet, Wrong

__all__ = ["Mistake", "compare", "on_copies"]


@dataclass(frozen=True)
class Mistake:
    """A known wrong way: what a function returns that goes it, and the hints for it."""

    way: Callable[..., object]
    hint: str
    more: str


def compare(
    function: Callable[..., object],
    right: Callable[..., object],
    cases: Sequence[tuple],
    *,
    name: str,
    mistakes: Iterable[Mistake] = (),
    hint: str,
    more: str,
    tolerance: float = 1e-6,
    points: float = 0,
) -> None:
    """Return if `function` agrees with `right` on all cases.

    Parameters
    ----------
    function, right : callable
        Of the arguments in a case; numbers or arrays are returned.
    cases : sequence of tuple
        The first that disagrees is shown, so begin with small ones that can be checked by hand.
    name : str
        Of the function, for the hint.
    mistakes : iterable of Mistake
        The first that explains all that was returned gives the hints.
    hint, more : str
        For any other mistake.
    tolerance : float
        Relative and absolute.
    points : float
        What a wrong function earns all the same.

    Raises
    ------
    NotYet
        If `function` returns `...` or None for all cases: its body is not written yet.
    Wrong
        If it disagrees.
    """
    if not callable(function):
        raise Wrong(f"{name} is {function!r}, not a function.", f"Write it as: def {name}(…):", points=points)
    found = [function(*case) for case in cases]
    if all(one is None or one is ... for one in found):
        raise NotYet
    wanted = [right(*case) for case in cases]
    failed = [i for i, pair in enumerate(zip(found, wanted, strict=True)) if not _agree(*pair, tolerance)]
    if not failed:
        return
    arguments = ", ".join(map(_short, cases[failed[0]]))
    case = f"{name}({arguments}) returns {_short(found[failed[0]])}."
    for mistake in mistakes:
        ways = (mistake.way(*case) for case in cases)
        if all(_agree(one, way, tolerance) for one, way in zip(found, ways, strict=True)):
            raise Wrong(f"{case} {mistake.hint}", mistake.more, points=points)
    raise Wrong(f"{case} {hint}", more, points=points)


def on_copies(function: Callable[..., object]) -> Callable[..., object]:
    """The same function, but of copies: an answer may change its arguments in place, and `compare` needs them again."""
    return (lambda *case: function(*copy.deepcopy(case))) if callable(function) else function


def _agree(found: object, wanted: object, tolerance: float) -> bool:
    try:
        a, b = np.asarray(found, float), np.asarray(wanted, float)
    except (TypeError, ValueError):
        return False
    return a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)


def _short(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
