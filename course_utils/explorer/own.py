"""`OwnNetwork`: a `build_model` function of the reader's, with controls made from its signature. Trains nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import math
import textwrap
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import keras

from course_utils.building import hyperparameters_of
from course_utils.data import Dataset
from course_utils.explorer.control import Control, powers_of_two, twentieths
from course_utils.validation import HIGHEST_SEED, check_choice, check_integer

__all__ = ["OwnNetwork", "OwnSettings", "control_of"]

HANDED_OVER = ("n_inputs", "n_outputs", "input_shape")  # which the data decide, where the function asks for them
TRAINING = {"epochs": 30, "batch_size": 32, "seed": 0}  # the explorer's own settings, and where they start
FEW, SMALL = 8, 0.1  # an int from which on sizes double; a float below which a factor counts, not a difference
MOST_POSITIONS = 21
SEED = Control(
    "seed", "seed", "Another start of the weights, and another order of the rows.", tuple(range(10)), "whole"
)


class OwnSettings:
    """What the settings of all `OwnNetwork`s have in common; each has a type of its own with the fields of its own.

    Attributes
    ----------
    epochs, batch_size, seed : int
        Of the explorer.
    network : OwnNetwork
    """

    network: ClassVar[OwnNetwork]


class OwnNetwork:
    """A function that returns a compiled model, its arguments as controls, and a type for their values.

    Parameters
    ----------
    build_model : callable
        Its parameters have defaults, or a value in `start`.
    ranges : mapping of str to sequence
        For parameters: a list of values, or a tuple (lowest, highest).
    start : mapping of str to object
        Where parameters start, in the place of their defaults.
    shared : mapping of str to Control
        The explorer's controls of training and data, by name.

    Attributes
    ----------
    name : str
        Of the function.
    parameters : tuple of str
        Those of the function that are settings.
    controls : dict of str to Control
        Its own, and the shared ones.
    defaults : dict of str to object
        What each of them is if nobody says anything (`inspect.Parameter.empty`: nothing), and the explorer's own.
    settings : type
        A frozen dataclass, derived from `OwnSettings`.

    Raises
    ------
    ValueError
        If it is no function, a parameter has nowhere to start, or a range does not fit; the message says which.
    """

    def __init__(
        self,
        build_model: Callable[..., keras.Model],
        *,
        ranges: Mapping[str, Sequence[object]] | None = None,
        start: Mapping[str, object] | None = None,
        shared: Mapping[str, Control],
    ) -> None:
        if not callable(build_model) or isinstance(build_model, (keras.Model, type)):
            raise ValueError(
                f"build_model={build_model!r} is not a function. Pass the function itself, which returns a compiled "
                "model: build_model=my_network, without brackets."
            )
        self.build_model, self.ranges = build_model, dict(ranges or {})
        self.name = getattr(build_model, "__name__", type(build_model).__name__)
        start, hints = dict(start or {}), _annotations(build_model)
        own = hyperparameters_of(build_model, (*HANDED_OVER, *TRAINING))
        for name in self.ranges:
            check_choice("ranges", name, list(own), hint=f"These are the parameters of {self.name}.")
        fields, self.controls = [], {}
        for name, default in own.items():
            if name not in start and default is inspect.Parameter.empty:
                raise ValueError(
                    f"{self.name} has no default for {name!r}, so that its control has nowhere to start. Write one, "
                    f"def {self.name}({name}=…), or pass {name}=… to Explorer."
                )
            first = start.get(name, default)
            control = control_of(name, first, hints.get(name), self.ranges.get(name), function=self.name)
            if control is not None:
                self.controls[name] = control
                fields.append((name, object, control.check(first)))
        self.parameters = tuple(self.controls)
        self.defaults = {**{name: own[name] for name in self.parameters}, **TRAINING}
        self.controls |= {**shared, "seed": SEED}
        self.settings = dataclasses.make_dataclass(
            f"{self.name}_settings",
            [*fields, *((name, int, default) for name, default in TRAINING.items())],
            bases=(OwnSettings,),
            frozen=True,
            namespace={"__post_init__": _check, "network": self},
        )

    def arguments(self, settings: OwnSettings, data: Dataset) -> dict[str, object]:
        """All that the function may ask for, by name."""
        own = {name: getattr(settings, name) for name in (*self.parameters, *TRAINING)}
        shape = data.input_shape
        return {**own, "n_inputs": math.prod(shape), "n_outputs": data.n_outputs, "input_shape": shape}

    def call_line(self, settings: OwnSettings, data: Dataset) -> str:
        """The call that makes the model: "my_network(filters=8)"."""
        asked = inspect.signature(self.build_model).parameters
        given = [f"{name}={value!r}" for name, value in self.arguments(settings, data).items() if name in asked]
        return f"{self.name}({', '.join(given)})"

    @property
    def source(self) -> str:
        """Its own source, or "" where nobody has it."""
        try:
            return textwrap.dedent(inspect.getsource(self.build_model)).rstrip()
        except (OSError, TypeError):
            return ""

    @property
    def fingerprint(self) -> str:
        """The same for a function of the same name and source."""
        code = getattr(getattr(self.build_model, "__code__", None), "co_code", b"").hex()
        return f"{self.name} {hashlib.sha256((self.source or code).encode()).hexdigest()}"


def control_of(
    name: str, first: object, hint: object = None, given: Sequence[object] | None = None, *, function: str = "it"
) -> Control | None:
    """The control of a parameter, by its annotation, or by the value where it starts; None if it has to stay there.

    Parameters
    ----------
    name : str
    first : object
    hint : type or None
        Its annotation.
    given : sequence or None
        A list of values, or a tuple (lowest, highest).
    function : str
        Whose parameter it is, for messages.
    """
    words = {"label": name.replace("_", " "), "help": f"The parameter {name} of {function}."}
    if given is not None:
        values = _given(name, given, first)
        kind = _kind(values)
    elif typing.get_origin(hint) is typing.Literal:
        values, kind = typing.get_args(hint), "menu"
    elif hint is bool or isinstance(first, bool):
        values, kind = (False, True), "switch"
    elif isinstance(first, (int, float)) and math.isfinite(first):
        is_whole = isinstance(first, int) and hint is not float
        values = _around_int(first) if is_whole else _around_float(name, float(first))
        kind = "whole" if is_whole else "number"
    else:
        return None
    if kind in ("whole", "number"):
        values = tuple(sorted(set(values)))
    return Control(name, values=tuple(values), kind=kind, **words)


def _annotations(function: Callable) -> dict[str, object]:
    """Annotations by name; texts are looked up where the function was written, if that is possible."""
    try:
        return typing.get_type_hints(function)
    except Exception:  # a name that exists nowhere, for one: then defaults decide
        return {}


def _kind(values: Sequence[object]) -> str:
    if all(isinstance(value, bool) for value in values):
        return "switch"
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return "whole"
    is_number = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return "number" if is_number else "menu"


def _given(name: str, given: Sequence[object], first: object) -> tuple:
    """The values of a range that was given."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Sequence) or not len(given):
        raise ValueError(
            f"ranges[{name!r}]={given!r} is no range. Write a list of values, [4, 8, 16], or (lowest, highest)."
        )
    kind = _kind(given)
    if isinstance(given, tuple) and kind in ("whole", "number"):
        if len(given) != 2 or not given[0] < given[1] or not all(map(math.isfinite, given)):
            raise ValueError(
                f"ranges[{name!r}]={given!r} is no range: as a tuple, it is (lowest, highest). Write single values as "
                "a list, [4, 8, 16]."
            )
        low, high = given
        is_whole = kind == "whole" and not isinstance(first, float)
        values = _whole_steps(low, high) if is_whole else _steps(float(low), float(high))
        values = tuple(values)
    else:
        values = tuple(given) if kind != "number" else tuple(map(float, given))
    is_number = isinstance(first, (int, float)) and not isinstance(first, bool)
    fits = is_number and min(values) <= first <= max(values) if kind in ("whole", "number") else first in values
    if not fits:
        raise ValueError(
            f"{name} starts at {first!r}, which is not in ranges[{name!r}]={given!r}. Give a range that holds it, or "
            f"start elsewhere: Explorer(…, {name}=…)."
        )
    return values


def _around_int(first: int) -> tuple[int, ...]:
    """All numbers up to twice a small one; powers of two from an eighth to the eightfold of others, and itself."""
    if first < FEW:
        return tuple(range(min(first, 0 if first == 0 else 1), max(2 * FEW // 2, 2 * first) + 1))
    powers = range(math.ceil(math.log2(first / 8)), math.floor(math.log2(first * 8)) + 1)
    return (*(2**power for power in powers), first)


def _around_float(name: str, first: float) -> tuple[float, ...]:
    """0 to 0.9 for dropout; a factor of 100 in both directions around a small number, and otherwise even steps."""
    if "dropout" in name and 0 <= first <= 0.9:
        return (*twentieths(0.9), first)
    if first == 0:
        return (0.0, *_decades(1e-5, 1.0))
    if 0 < first < SMALL:
        return (*_decades(first / 100, min(first * 100, 10.0)), first)
    if SMALL <= first <= 1:
        return (*twentieths(1.0)[:-1], 0.99, first) if first < 1 else (*twentieths(2.0)[::2], first)
    return (*_steps(min(0.0, 2 * first), max(2 * abs(first), first)), first)


def _whole_steps(low: int, high: int) -> Sequence[int]:
    if low > 0 and high >= 16 * low:
        powers = powers_of_two(math.ceil(math.log2(low)), math.floor(math.log2(high)))
        return (low, *powers, high)
    if high - low < MOST_POSITIONS:
        return range(low, high + 1)
    return [round(low + (high - low) * step / (MOST_POSITIONS - 1)) for step in range(MOST_POSITIONS)]


def _steps(low: float, high: float) -> Sequence[float]:
    if low > 0 and high >= 50 * low:
        return (low, *_decades(low, high), high)
    return [float(f"{low + (high - low) * step / (MOST_POSITIONS - 1):.4g}") for step in range(MOST_POSITIONS)]


def _decades(low: float, high: float) -> tuple[float, ...]:
    """1, 2, 3 and 5 times the powers of ten between two numbers."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = (float(f"{digit}e{power}") for power in powers for digit in (1, 2, 3, 5))
    return tuple(value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9))


def _check(settings: OwnSettings) -> None:
    """Keep Python's own numbers within the ranges; the type's `__post_init__`."""
    network = settings.network
    for name in network.parameters:
        object.__setattr__(settings, name, network.controls[name].check(getattr(settings, name)))
    for name in ("epochs", "batch_size"):
        object.__setattr__(settings, name, check_integer(name, getattr(settings, name), at_least=1))
    seed = check_integer("seed", settings.seed, at_least=0, at_most=HIGHEST_SEED)
    object.__setattr__(settings, "seed", seed)
