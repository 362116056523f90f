"""Whether answers are out of fold, for exercise 08.3: a member that notes which rows it saw tells every leak."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.checks.hidden import hidden_rng
from course_utils.checks.verdict import NotYet, Wrong

__all__ = ["check_out_of_fold"]


class _Member:
    """Stands in for a model: notes its training rows, and answers with its number and the number of each row."""

    def __init__(self, number: int, x: np.ndarray) -> None:
        self.number, self.rows = number, [int(row) for row in x[:, 0]]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x[:, 0] + self.number / 1024


def check_out_of_fold(out_of_fold: Callable[..., np.ndarray]) -> None:
    """Return if each row's answer comes from a member that did not see the row, and no row is wasted.

    Raises
    ------
    NotYet, Wrong
        If there is no answer yet, or it does something else.
    """
    if not callable(out_of_fold):
        raise Wrong(
            f"out_of_fold is {out_of_fold!r}, not a function.", "Write it as: def out_of_fold(fit, x, y, folds):"
        )
    rng = hidden_rng("08.3")
    for rows, folds in ((12, 3), (40, 5), (23, 4), (9, 9)):
        _check_case(out_of_fold, rows, folds, rng)


def _check_case(out_of_fold: Callable[..., np.ndarray], rows: int, folds: int, rng: np.random.Generator) -> None:
    x = np.stack([rng.permutation(rows), rng.normal(size=rows)], axis=1)
    y = 3 * x[:, 0] + 1
    members: list[_Member] = []

    def fit(some_x: np.ndarray, some_y: np.ndarray) -> _Member:
        some_x, some_y = np.asarray(some_x), np.ravel(some_y)
        if len(some_x) != len(some_y) or not np.allclose(some_y, 3 * some_x[:, 0] + 1):
            raise Wrong("A member got rows with the targets of other rows.", "Cut x and y by the same row numbers.")
        members.append(_Member(len(members), some_x))
        return members[-1]

    found = out_of_fold(fit, x.copy(), y.copy(), folds)
    if found is None or found is ...:
        raise NotYet
    found = np.asarray(found, dtype=float)
    if found.shape != (rows,):
        raise Wrong(
            f"{rows} rows, but answers of shape {found.shape}.", "Return one answer for each row: shape (rows,)."
        )
    asked = np.floor(found + 1e-6)
    if not np.array_equal(asked, x[:, 0]):
        if np.array_equal(np.sort(asked), np.arange(rows)):
            raise Wrong(
                "Each row has an answer, but they do not stand in the order of the rows.",
                "Write each fold's answers to the places of its rows: answers[rows_out] = ….",
            )
        raise Wrong("Some rows have no answer of their own.", "The folds together hold each row exactly once.")
    numbers = np.rint((found - asked) * 1024).astype(int)
    if any(not 0 <= number < len(members) for number in numbers):
        raise Wrong("Some answers are not what a member returned.", "Write member(x[rows_out]) as it is.")
    leaks = sum(int(row) in members[number].rows for row, number in zip(x[:, 0], numbers, strict=True))
    if leaks:
        raise Wrong(
            f"{leaks} of {rows} rows are answered by a member that was trained on them.",
            "For each fold: fit on all rows outside of it, then ask for the rows in it.",
        )
    _check_sizes([members[number] for number in sorted(set(numbers))], len(members), rows, folds)


def _check_sizes(used: list[_Member], fitted: int, rows: int, folds: int) -> None:
    """Whether there are as many members as folds, each trained on all rows but its own fold."""
    if len(used) != folds or fitted != folds:
        raise Wrong(
            f"{folds} folds, but {fitted} members were fitted and {len(used)} of them used.",
            "Fit one member for each fold.",
        )
    sizes = [len(member.rows) for member in used]
    if any(len(set(member.rows)) < len(member.rows) for member in used):
        raise Wrong("A member got the same row twice.", "Train on each row outside of the fold once.")
    if sum(sizes) < rows * (folds - 1):
        raise Wrong(
            f"A member was trained on {min(sizes)} of {rows} rows. Are these all rows outside of its fold?",
            "np.setdiff1d(np.arange(len(x)), rows_out) gives all other rows.",
        )
    if max(sizes) - min(sizes) > 1:
        raise Wrong(
            f"The members got {min(sizes)} to {max(sizes)} rows. Are the folds equally large?",
            "np.array_split(np.arange(len(x)), folds) differs by one row at most.",
        )
