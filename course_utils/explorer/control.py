"""`Control`: one thing that can be set in the explorer, with its values. Knows no widget."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from course_utils.validation import check_choice, check_integer, check_number

__all__ = ["Control", "powers_of_two", "twentieths"]


@dataclass(frozen=True)
class Control:
    """One thing that can be set.

    Attributes
    ----------
    name : str
        Of the field of `Settings` (or of the data set) that it sets.
    label : str
        What stands in front of it.
    help : str
        One sentence on what it does.
    values : tuple
        The positions of a slider, in rising order; the entries of a menu; or (False, True) for a switch.
    kind : {"whole", "number", "menu", "switch"}
        The first two are sliders, whose text field takes other values within the range too.
    """

    name: str
    label: str
    help: str
    values: tuple
    kind: str = "menu"

    @property
    def is_slider(self) -> bool:
        """Whether it is shown as a slider with a text field."""
        return self.kind in ("whole", "number")

    def check(self, value: object) -> object:
        """Return `value` in its proper type, or raise `ValueError` if this control cannot take it."""
        if self.kind == "whole":
            return check_integer(self.name, value, at_least=self.values[0], at_most=self.values[-1])
        if self.kind == "number":
            return check_number(self.name, value, at_least=self.values[0], at_most=self.values[-1])
        check_choice(self.name, value, self.values)
        return value

    def parse(self, text: str) -> object:
        """The value that was typed in, or `ValueError`.

        A comma is a decimal point ("0,01"), but parts the thousands of a whole number ("1,024").
        """
        plain = text.replace(",", ".") if self.kind == "number" else re.sub(r",(?=\d{3}(\D|$))", "", text)
        try:
            value = float(plain)
        except ValueError:
            return self.check(text)
        return self.check(int(value) if self.kind == "whole" and value.is_integer() else value)

    def format(self, value: object) -> str:
        """The value as text for its field, short enough to be read and long enough to be exact."""
        return str(value) if self.kind != "number" else f"{value:.10g}"

    def nearest(self, value: float) -> int:
        """Index of the slider's position that comes closest to `value`."""
        scale = np.log if self.values[0] > 0 else np.asarray
        return int(np.argmin(np.abs(scale(np.array(self.values, float)) - scale(float(value)))))

    @property
    def scale(self) -> str:
        """Of an axis of its values: "linear" if they are evenly spaced, else "log", or "symlog" if the first is 0."""
        steps = np.diff(np.array(self.values, float))
        if np.allclose(steps, steps[:1]):
            return "linear"
        return "log" if self.values[0] > 0 else "symlog"

    def spread(self, most: int) -> tuple:
        """At most so many of a slider's values, evenly spread, with the first and, if possible, the last of them."""
        last = len(self.values) - 1
        steps = [step for step in range(1, last + 2) if last // step < most]
        step = next((step for step in steps[:3] if last % step == 0), steps[0])
        return self.values[::step]


def powers_of_two(low: int, high: int) -> tuple[int, ...]:
    """The powers of two from 2**low to 2**high."""
    return tuple(2**power for power in range(low, high + 1))


def twentieths(high: float) -> tuple[float, ...]:
    """From 0 to `high` in steps of 0.05."""
    return tuple(round(step / 20, 2) for step in range(round(high * 20) + 1))
