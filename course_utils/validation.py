"""Checks of arguments that say what was wrong, what is allowed and what to do."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable

import numpy as np

__all__ = ["HIGHEST_SEED", "check_choice", "check_integer", "check_number"]

HIGHEST_SEED = 2**32 - 1  # that NumPy and Keras take


def check_integer(name: str, value: object, *, at_least: int, at_most: int | None = None, hint: str = "") -> int:
    """Return `value` as an int, or raise `ValueError` if it is not a whole number in the range."""
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_whole or value < at_least or (at_most is not None and value > at_most):
        allowed = f"a whole number >= {at_least:,}" + (f" and <= {at_most:,}" if at_most is not None else "")
        raise ValueError(_sentence(f"{name}={value!r} is not valid: choose {allowed}", hint))
    return int(value)


def check_number(
    name: str,
    value: object,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    hint: str = "",
) -> float:
    """Return `value` as a float, or raise `ValueError` if it is not a number in the range."""
    is_real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if (
        not is_real
        or not math.isfinite(value)
        or (at_least is not None and value < at_least)
        or (above is not None and value <= above)
        or (at_most is not None and value > at_most)
        or (below is not None and value >= below)
    ):
        limits = [
            f"{word} {limit:g}"
            for word, limit in ((">=", at_least), (">", above), ("<=", at_most), ("<", below))
            if limit is not None
        ]
        raise ValueError(_sentence(f"{name}={value!r} is not valid: choose a number {' and '.join(limits)}", hint))
    return float(value)


def check_choice(name: str, value: object, choices: Iterable[object], *, hint: str = "") -> object:
    """Return the one of `choices` that `value` is, or raise `ValueError`; NumPy's texts and truth values are taken."""
    choices, plain = list(choices), value.item() if isinstance(value, np.generic) else value
    for choice in choices:
        if type(plain) is type(choice) and plain == choice:  # 1 is not taken for True
            return choice
    listed = ", ".join(repr(choice) for choice in choices)
    raise ValueError(_sentence(f"{name}={value!r} is not one of {listed}", hint))


def _sentence(problem: str, hint: str) -> str:
    return f"{problem}. {hint}" if hint else f"{problem}."
