"""What an average can gain, for exercise 08.2: how alike errors are, and what that leaves of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from course_utils.checks.functions import Mistake, compare
from course_utils.checks.hidden import hidden_rng

__all__ = ["check_averaging"]


def check_averaging(alike: Callable, error: Callable, members_for: Callable) -> None:
    """Return if the three functions are right.

    Raises
    ------
    NotYet, Wrong
        If one of them is not.
    """
    rng = hidden_rng("08.2")
    several = [np.array([[1.0, 2.0], [2.0, -1.0]]), np.array([[1.0, 1.0], [1.0, 3.0]])]
    for _ in range(30):
        members, numbers = int(rng.integers(2, 7)), int(rng.integers(5, 60))
        common = rng.normal(1, 1, size=numbers)  # errors whose mean is not 0
        several.append(rng.uniform(0, 2) * common + rng.normal(size=(members, numbers)))
    compare(
        lambda errors: alike(errors.copy()),
        _alike,
        [(one,) for one in several],
        name="alike",
        mistakes=[
            Mistake(
                _correlation,
                "That is a correlation: it subtracts each member's mean. Is the mean of an error no error?",
                "Use the products as they are: errors @ errors.T.",
            ),
            Mistake(
                lambda errors: (errors @ errors.T).mean() / np.mean(np.sum(errors**2, axis=1)),
                "Is a member alike to itself? Its own squares are in your mean.",
                "Leave out the diagonal: only products of two different members.",
            ),
            Mistake(
                lambda errors: (
                    (errors @ errors.T - np.diag(np.sum(errors**2, axis=1))).sum()
                    / len(errors)
                    / (len(errors) - 1)
                    / errors.shape[1]
                ),
                "Is it 1 for two members with the same errors?",
                "Divide by the mean square of one member's error.",
            ),
        ],
        hint="For the errors [1, 1] and [1, 3]: the mean product is 2, the mean square 3, so 2/3.",
        more="products = errors @ errors.T; take the mean off the diagonal, divided by the mean on it.",
    )
    _check_formula(error, rng)
    _check_fewest(members_for, rng)


def _check_formula(error: Callable, rng: np.random.Generator) -> None:
    cases = [(8.0, 0.5, 2), (3.0, 0.9, 1), (1.0, 0.0, 4), (2.0, 1.0, 7)]
    cases += [(rng.uniform(0.1, 5), rng.uniform(-0.05, 1), int(rng.integers(1, 20))) for _ in range(30)]
    compare(
        error,
        lambda e, rho, members: e * (rho + (1 - rho) / members),
        cases,
        name="error",
        mistakes=[
            Mistake(
                lambda e, rho, members: e / members,
                "That holds if errors have nothing in common. Where is rho?",
                "e · (rho + (1 − rho) / members): the common part stays.",
            ),
            Mistake(lambda e, rho, members: e * rho, "That is with any number of members.", "Add (1 − rho) / members."),
            Mistake(
                lambda e, rho, members: e * (1 - rho + rho / members),
                "Which part stays: what is common, or what differs?",
                "rho is the common part, and it stays; 1 − rho is divided by the members.",
            ),
        ],
        hint="e = 8, rho = 0.5 and 2 members: 8 · (0.5 + 0.25) = 6.",
        more="e · (rho + (1 − rho) / members).",
        points=0.5,
    )


def _check_fewest(members_for: Callable, rng: np.random.Generator) -> None:
    shares = [0.5, 0.75, 0.6, 0.875, 0.3] + [float(one) for one in rng.uniform(0.05, 0.97, size=40)]
    compare(
        members_for,
        _fewest,
        [(share,) for share in shares],
        name="members_for",
        mistakes=[
            Mistake(
                lambda share: math.floor(1 / (1 - share)),
                "Is the share reached, or nearly?",
                "Round up: the fewest members with at least this share.",
            ),
            Mistake(lambda share: round(1 / (1 - share)), "Is the share always reached?", "Round up."),
            Mistake(lambda share: 1 / (1 - share), "Can you train a part of a network?", "Round up."),
            Mistake(lambda share: math.ceil(1 / share), "More members for a smaller share?", "Solve 1 − 1/M = share."),
        ],
        hint="With M members the part 1 − 1/M of what averaging can remove is removed: 2 members have half of it.",
        more="The smallest M with 1 − 1/M ≥ share.",
        points=1,
    )


def _alike(errors: np.ndarray) -> float:
    products = errors @ errors.T
    own, n = np.trace(products), len(errors)
    return (products.sum() - own) / (n - 1) / own


def _correlation(errors: np.ndarray) -> float:
    with np.errstate(all="ignore"):  # the example by hand has a member whose error is always the same
        return (np.corrcoef(errors).sum() - len(errors)) / len(errors) / (len(errors) - 1)


def _fewest(share: float) -> int:
    members = 1
    while 1 - 1 / members < share - 1e-12:
        members += 1
    return members
