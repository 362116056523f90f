"""Bets and promises: what can be said about an answer that is a probability, or a count over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from course_utils.checks.verdict import NotYet, Wrong
from course_utils.validation import check_integer

__all__ = ["FRESH", "check_bet", "check_promise", "surprise"]

FRESH = 20  # seeds on which a claim is tried


def check_bet(bet: object, outcomes: Sequence[str], *, name: str) -> dict[str, float]:
    """The probabilities of a bet, as Python's own numbers.

    Raises
    ------
    NotYet
        If there is no bet.
    Wrong
        If it is no distribution over the outcomes.
    """
    if bet is None or bet is ...:
        raise NotYet
    if not isinstance(bet, Mapping):
        raise Wrong(f"{name} is no dict.", f"Give each outcome its probability: {{{outcomes[0]!r}: 0.5, …}}.")
    if set(bet) != set(outcomes):
        raise Wrong(f"{name} needs one probability for each of: {', '.join(outcomes)}.", "Are all names spelt so?")
    try:
        found = {outcome: float(bet[outcome]) for outcome in outcomes}
    except (TypeError, ValueError):
        raise Wrong(f"{name} holds something that is no number.", "Give each outcome a number from 0 to 1.") from None
    if not all(0 <= value <= 1 for value in found.values()):
        raise Wrong(f"{name} holds a number that is no probability.", "Each is from 0 to 1; 0.25 stands for 25 %.")
    total = sum(found.values())
    if not math.isclose(total, 1, abs_tol=1e-3):
        raise Wrong(f"{name} adds up to {total:g}. What do probabilities add up to?", "To 1: one of them must happen.")
    return found


def surprise(bet: Mapping[str, float], outcome: str) -> float:
    """Cross-entropy of a bet, in nats: 0 for a certain hit, the logarithm of the number of outcomes for no opinion."""
    return -math.log(bet[outcome]) if bet[outcome] > 0 else math.inf


def check_promise(promise: object) -> int:
    """The number of seeds, out of `FRESH`, in which a claim shall hold.

    Raises
    ------
    Wrong
        If it is no such number.
    """
    try:
        return check_integer("promise", promise, at_least=1, at_most=FRESH)
    except (TypeError, ValueError):
        raise Wrong(f"The promise is a whole number from 1 to {FRESH}: in how many of {FRESH} seeds?") from None
