"""What exercise 01.3 checks: the noise floor, a claim about curves, and networks on which it has to hold."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from course_utils.checks.functions import Mistake, compare
from course_utils.checks.hidden import hidden_rng
from course_utils.data import load_mnist
from course_utils.experiment import Settings, run_seeds

__all__ = ["check_floor", "check_held", "trained"]

RISE = 1.1  # "at least 10 % above its lowest"
BY_HEART = Settings(width=32, depth=1, learning_rate=0.003, batch_size=50, epochs=40)  # on 300 digits, 30 % wrong


def check_floor(floor: Callable[[float], float]) -> None:
    """Return if `floor` is the noise floor for a share of wrong labels."""
    shares = [(0.4,), (0.3,), *((float(share),) for share in hidden_rng("01.3").uniform(0.05, 0.85, 8).round(3))]
    compare(
        floor,
        lambda share: -(1 - share) * math.log(1 - share) - share * math.log(share / 9),
        shares,
        name="floor",
        mistakes=[
            Mistake(
                lambda share: -(1 - share) * math.log(1 - share) - share * math.log(share),
                "Does a wrong label always name the same digit?",
                "Each of the nine other digits gets share / 9.",
            ),
            Mistake(
                lambda share: -(1 - share) * math.log(1 - share) - share * math.log(share / 10),
                "How many digits can a wrong label name?",
                "Nine: all but the true one.",
            ),
            Mistake(
                lambda share: -math.log(1 - share),
                "That is the cost of the labels that are true. What do the wrong ones cost?",
                "Two terms: true labels, (1 - share) of them; wrong ones, share of them.",
            ),
            Mistake(
                lambda share: (1 - share) * math.log(1 - share) + share * math.log(share / 9),
                "Can a cross-entropy be negative?",
                "A minus before each logarithm.",
            ),
        ],
        hint="At a share of 0.4 the lesson has 1.55 nats.",
        more="-(1 - share) · ln(1 - share) - share · ln(share / 9), as in section 3 of the lesson.",
    )


def check_held(held: Callable[[np.ndarray, np.ndarray, float], bool]) -> None:
    """Return if `held` says of curves what the claim says."""
    rng = hidden_rng("01.3 held")
    # By hand: learned by heart and rising; not below the floor; not rising; neither.
    by_hand = [([2.0, 0.5], [1.0, 1.3]), ([2.0, 1.5], [1.0, 1.3]), ([2.0, 0.5], [1.5, 1.0]), ([2.0, 1.9], [1.9, 1.8])]
    cases = [(np.array(loss), np.array(val_loss), 0.3) for loss, val_loss in by_hand]
    for _ in range(200):
        share, epochs = float(rng.uniform(0.1, 0.5)), int(rng.integers(3, 12))
        floor = -(1 - share) * math.log(1 - share) - share * math.log(share / 9)
        cases.append((floor * rng.uniform(0.4, 1.6, epochs), rng.uniform(1, 1.4, epochs), share))

    def right(loss: np.ndarray, val_loss: np.ndarray, share: float) -> bool:
        return _below(loss[-1], share) and bool(val_loss[-1] >= RISE * val_loss.min())

    def asked(*case: object) -> bool | None:
        found = held(*case)
        return None if found is None or found is ... else bool(found)

    compare(
        asked if callable(held) else held,
        right,
        cases,
        name="held",
        mistakes=[
            Mistake(
                lambda loss, val_loss, share: _below(loss[-1], share) or bool(val_loss[-1] >= RISE * val_loss.min()),
                "Is one of the two enough?",
                "Both must be true: and, not or.",
            ),
            Mistake(
                lambda loss, val_loss, share: bool(val_loss[-1] >= RISE * val_loss.min()),
                "You look at validation. And at training?",
                "Compare loss[-1] with floor(share), too.",
            ),
            Mistake(
                lambda loss, val_loss, share: _below(loss[-1], share),
                "You look at training. And at validation?",
                "Compare val_loss[-1] with its lowest value, too.",
            ),
            Mistake(
                lambda loss, val_loss, share: _below(loss.min(), share) and bool(val_loss[-1] >= RISE * val_loss.min()),
                "Where does training *end*?",
                "The last value, loss[-1], not the lowest one.",
            ),
            Mistake(
                lambda loss, val_loss, share: _below(loss[-1], share) and bool(val_loss[-1] > val_loss.min()),
                "Is any rise enough?",
                "At least 10 % above: 1.1 times the lowest.",
            ),
            Mistake(
                lambda loss, val_loss, share: _below(loss[-1], share) and bool(val_loss[-1] >= RISE * val_loss[0]),
                "What is the end compared with?",
                "With the lowest validation loss, not with the first one.",
            ),
            Mistake(
                lambda loss, val_loss, share: _below(loss[-1], 0.3) and bool(val_loss[-1] >= RISE * val_loss.min()),
                "Does the floor follow the share?",
                "Use floor(share), not a number of one share.",
            ),
        ],
        hint="Read the claim again: what is compared with what?",
        more="loss[-1] < floor(share), and val_loss[-1] >= 1.1 * min(val_loss).",
        points=0.5,
    )


def _below(loss: float, share: float) -> bool:
    return bool(loss < -(1 - share) * math.log(1 - share) - share * math.log(share / 9))


@functools.lru_cache(maxsize=2)
def trained(seeds: tuple[int, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Both losses of a network for each seed; five at a time, whose graph serves for the next five."""
    digits = load_mnist(n_train=300, n_valid=500, n_test=0, label_noise=0.3)
    groups = [seeds[start : start + 5] for start in range(0, len(seeds), 5)]
    runs = [run for group in groups for run in run_seeds(BY_HEART, digits, seeds=group)]
    return [(np.array(run.history["loss"]), np.array(run.history["val_loss"])) for run in runs]
