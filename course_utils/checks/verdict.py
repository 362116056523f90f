"""What a check of an exercise says: points and a hint. Pure: nothing is printed, kept or trained here.

`text/plain` of a verdict is its points, because nbgrader takes a number there as the score of a cell; `text/html`,
which a student sees, is the hint.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import html
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["NotYet", "Verdict", "Wrong", "graded"]

NOT_YET = "Not attempted yet."


@dataclass(frozen=True)
class Verdict:
    """How an answer fared.

    Attributes
    ----------
    points, of : float
        What the answer earned, and what could be earned.
    hint : str
        For exactly this mistake, in a sentence or two; what is right about it where nothing is wrong.
    more : str
        A stronger hint, for whoever is wrong a second time.
    is_attempted : bool
    """

    points: float
    of: float
    hint: str
    more: str = ""
    is_attempted: bool = True

    @property
    def is_right(self) -> bool:
        """Whether it earned all points."""
        return self.points >= self.of

    def __repr__(self) -> str:
        return f"{self.points:g}"

    def _repr_html_(self) -> str:
        mark = "✔" if self.is_right else "✘" if self.is_attempted else "○"
        hint = html.escape(self.hint).replace("\n", "<br>")
        return f'<p role="status">{mark} {self.points:g} of {self.of:g} points. {hint}</p>'


class Wrong(Exception):  # noqa: N818 - an answer, not an error of the program
    """Raised inside a check: the answer is wrong in this way.

    Parameters
    ----------
    hint, more : str
        As of a `Verdict`.
    points : float
        What it earns all the same.
    """

    def __init__(self, hint: str, more: str = "", *, points: float = 0) -> None:
        super().__init__(hint)
        self.hint, self.more, self.points = hint, more, points


class NotYet(Exception):  # noqa: N818
    """Raised inside a check: there is no answer yet."""


def graded(*, of: float, praise: str) -> Callable[[Callable[..., str | None]], Callable[..., Verdict]]:
    """Make a check of a function that returns where an answer is right, and raises `Wrong` where it is not.

    What a check returns, such as how often a claim held, follows the praise.

    Whatever the student's own code raises becomes a hint, too: a check never raises. `...`, `None` and
    `NotImplementedError` are no answer.

    Parameters
    ----------
    of : float
        Points of a right answer.
    praise : str
        What is right about it, and why it matters; a sentence.
    """

    def decorate(check: Callable[..., str | None]) -> Callable[..., Verdict]:
        @functools.wraps(check)
        def checked(*answers: object, **named: object) -> Verdict:
            not_yet = Verdict(0, of, NOT_YET, is_attempted=False)
            if any(answer is ... or answer is None for answer in (*answers, *named.values())):
                return not_yet
            try:
                with _no_warnings_of_tensorflow():
                    told = check(*answers, **named)
            except (NotYet, NotImplementedError):
                return not_yet
            except Wrong as wrong:
                return Verdict(wrong.points, of, wrong.hint, wrong.more or wrong.hint)
            except Exception as error:
                hint = f"Your answer could not be used: {type(error).__name__}: {error}"
                return Verdict(0, of, hint, f"{hint}\nTry it in a cell of your own, with an example by hand.")
            return Verdict(of, of, f"{praise} {told}" if told else praise)

        return checked

    return decorate


@contextlib.contextmanager
def _no_warnings_of_tensorflow() -> Iterator[None]:
    """Let nothing stand between a student and the hint: TensorFlow warns where small networks are made one by one."""
    logger = logging.getLogger("tensorflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def stronger(verdict: Verdict) -> Verdict:
    """The same verdict with its stronger hint."""
    return dataclasses.replace(verdict, hint=verdict.more or verdict.hint)
