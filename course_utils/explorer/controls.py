"""What can be set in the explorer: every control with its values, and `Setup`, what they amount to. Knows no widget."""

from __future__ import annotations

import ast
import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from course_utils.data import Dataset, load_mnist
from course_utils.experiment import OPTIMIZERS, Settings
from course_utils.explorer.control import Control, powers_of_two, twentieths
from course_utils.explorer.own import OwnNetwork, OwnSettings
from course_utils.models import ACTIVATIONS
from course_utils.schedules import SCHEDULES
from course_utils.validation import check_choice

__all__ = [
    "CONTROLS",
    "Datasets",
    "Setup",
    "available",
    "by_seed",
    "check_names",
    "neighbours",
    "own_network",
    "seeds_of",
    "start_setup",
]

KEPT_DATASETS = 2  # besides the given one; each of 10,000 digits takes 31 MB
FEW_EPOCHS = (1, 2, 3)  # for networks of the reader's, which may take long
RATES = (*(float(f"{digit}e{power}") for power in range(-5, 1) for digit in (1, 2, 3, 5)), 10.0)


CONTROLS: Mapping[str, Control] = {
    control.name: control
    for control in (
        Control("width", "width", "How many units each hidden layer has.", powers_of_two(2, 9), "whole"),
        Control("depth", "depth", "How many hidden layers there are; 0 is a linear model.", tuple(range(11)), "whole"),
        Control(
            "dropout",
            "dropout",
            "Share of each hidden layer's units that are left out, at random, in every training step.",
            twentieths(0.9),
            "number",
        ),
        Control(
            "batch_norm",
            "batch norm",
            "Normalizes the values of each hidden layer over the batch, before the activation.",
            (False, True),
            "switch",
        ),
        Control(
            "activation",
            "activation",
            "The function that each hidden unit applies to its sum; linear is none at all.",
            ACTIVATIONS,
        ),
        Control("optimizer", "optimizer", "The rule that turns gradients into changes of the weights.", OPTIMIZERS),
        Control(
            "learning_rate",
            "learning rate",
            "How far each step moves the weights; with a schedule, the highest rate.",
            RATES,
            "number",
        ),
        Control(
            "weight_decay",
            "weight decay",
            "How far each step pulls all weights towards 0, as a multiple of the learning rate.",
            (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
            "number",
        ),
        Control("schedule", "schedule", "How the learning rate changes from epoch to epoch.", SCHEDULES),
        Control(
            "batch_size",
            "batch size",
            "How many examples the network sees before each change of its weights.",
            powers_of_two(3, 10),
            "whole",
        ),
        Control(
            "epochs",
            "epochs",
            "How many times training goes through all training examples.",
            (5, 10, 20, 30, 50, 75, 100, 150, 200, 300),
            "whole",
        ),
        Control(
            "n_train",
            "training size",
            "How many examples there are to learn from.",
            (50, 100, 200, 500, 1000, 2000, 5000, 10000),
            "whole",
        ),
        Control(
            "label_noise",
            "label noise",
            "Share of the training labels that are replaced by wrong ones.",
            twentieths(0.5),
            "number",
        ),
    )
}
DATA_CONTROLS = ("n_train", "label_noise")
# A graph serves every value of these. Another value of any other setting, also of one that is yet to be invented, needs
# a graph of its own (`explorer.networks.graph_key`).
NEEDS_NO_GRAPH = ("learning_rate", "schedule", "batch_size", "epochs", "seed")
NEEDS_GRAPH = tuple(name for name in Settings.__dataclass_fields__ if name not in NEEDS_NO_GRAPH)


@dataclass(frozen=True)
class Setup:
    """Everything that a run of the explorer depends on: the `Settings`, and those of the data.

    Attributes
    ----------
    settings : Settings or OwnSettings
    data : tuple of (str, object)
        Data settings that differ from the data set the explorer was given: `(("n_train", 500),)`.
    """

    settings: Settings | OwnSettings
    data: tuple[tuple[str, object], ...] = ()

    def changed(self, **changes: object) -> Setup:
        """The same with some values changed; `ValueError` where `Settings` says so."""
        data = {**dict(self.data), **{name: changes.pop(name) for name in DATA_CONTROLS if name in changes}}
        return Setup(dataclasses.replace(self.settings, **changes), tuple(sorted(data.items())))

    def value(self, name: str) -> object:
        """The value that the control `name` stands at."""
        return dict(self.data)[name] if name in DATA_CONTROLS else getattr(self.settings, name)

    @property
    def network(self) -> OwnNetwork | None:
        """The network of the reader's, if it is one."""
        return self.settings.network if isinstance(self.settings, OwnSettings) else None

    @property
    def controls(self) -> Mapping[str, Control]:
        """All controls that there are for such settings, by name."""
        return CONTROLS if self.network is None else self.network.controls

    @property
    def values(self) -> dict[str, object]:
        """All values by name, as `start_setup` takes them."""
        return {**dataclasses.asdict(self.settings), **dict(self.data)}

    def describe(self, names: Iterable[str]) -> str:
        """The named values in words: "width 64 · depth 2 · batch norm"."""
        words = []
        for name in names:
            control, value = self.controls[name], self.value(name)
            if control.kind == "switch":
                words.append(control.label if value else f"no {control.label}")
            elif control.kind == "menu":
                words.append(f"{control.label} {value}" if self.network else _menu_words(name, value))
            else:
                words.append(f"{control.label} {value:,}" if control.kind == "whole" else f"{control.label} {value:g}")
        return " · ".join(words)


def _menu_words(name: str, value: object) -> str:
    return str(value) if name != "schedule" else f"{value} rate"


def own_network(
    build_model: Callable, data: Dataset, *, ranges: Mapping[str, Sequence] | None, start: Mapping[str, object]
) -> OwnNetwork:
    """What `build_model` says of itself, with the explorer's controls of training and data beside its own."""
    names = ("epochs", "batch_size", *(name for name in DATA_CONTROLS if name in available(data)))
    shared = {name: CONTROLS[name] for name in names}
    shared["epochs"] = dataclasses.replace(shared["epochs"], values=(*FEW_EPOCHS, *shared["epochs"].values))
    return OwnNetwork(build_model, ranges=ranges, start=start, shared=shared)


def available(data: Dataset, network: OwnNetwork | None = None) -> tuple[str, ...]:
    """Names of the controls that this data set, and this network of the reader's, can have."""
    controls = CONTROLS if network is None else network.controls
    return tuple(name for name in controls if name not in DATA_CONTROLS or _loader_arguments(data) is not None)


def check_names(names: Iterable[str], data: Dataset, network: OwnNetwork | None = None) -> tuple[str, ...]:
    """Return the names of controls as a tuple, or raise `ValueError` if one is unknown or given twice."""
    if isinstance(names, str):
        raise ValueError(f"controls={names!r} is one name. Write controls=({names!r},) with a comma.")
    names = tuple(names)
    if not names:
        raise ValueError(f"controls is empty: choose at least one of {', '.join(available(data, network))}.")
    for name in names:
        if name in DATA_CONTROLS and name not in available(data, network):
            raise ValueError(f"{name!r} needs data from load_mnist, and this is {data.name}. Leave it out.")
        check_choice("controls", name, available(data, network))
    if len(set(names)) < len(names):
        raise ValueError(f"controls={names!r} names a control twice. Name each once.")
    return names


def start_setup(data: Dataset, values: Mapping[str, object], network: OwnNetwork | None = None) -> Setup:
    """The `Setup` of the given values, and of defaults for all others.

    Raises
    ------
    ValueError
        If a name is unknown or a value is not allowed.
    """
    kind = Settings if network is None else network.settings
    known = [*kind.__dataclass_fields__, *(name for name in DATA_CONTROLS if name in available(data))]
    for name in values:
        if name not in known:
            raise ValueError(f"{name!r} is no setting of this explorer. Choose from {', '.join(known)}.")
    own = {name: values[name] for name in values if name not in DATA_CONTROLS}
    arguments = _loader_arguments(data) or {}
    of_data = {name: values.get(name, arguments[name]) for name in DATA_CONTROLS if name in arguments}
    return Setup(kind(**own), tuple(sorted(of_data.items())))


def neighbours(setup: Setup, names: Iterable[str], *, moved: str) -> list[Setup]:
    """What the next move of one of these controls is likely to ask for, where it would need another network.

    First comes the control that was `moved` last, and of each control the nearest values.
    """
    found = []
    if setup.network is not None:
        return found  # a function of the reader's is called where somebody asked for it, and nowhere else
    for name in sorted((name for name in names if name in NEEDS_GRAPH), key=lambda name: name != moved):
        control, value = CONTROLS[name], setup.value(name)
        at = control.nearest(value) if control.is_slider else control.values.index(value)
        steps = (1, -1, 2) if name == moved and name != "dropout" else (1, -1)
        places = [at + step for step in steps if 0 <= at + step < len(control.values)]
        found += [setup.changed(**{name: control.values[place]}) for place in places]
    return found


def seeds_of(setup: Setup, n: int) -> tuple[Setup, ...]:
    """The same setup with `n` seeds, its own first."""
    return tuple(setup.changed(seed=setup.settings.seed + i) for i in range(n))


def by_seed(setups: Iterable[Setup]) -> list[tuple[Setup, ...]]:
    """Setups in their order, those that follow one another and differ in their seeds alone together."""
    return [tuple(group) for _, group in itertools.groupby(setups, key=lambda setup: setup.changed(seed=0))]


class Datasets:
    """The data sets that the settings ask for, made from the one the explorer was given; the last ones are kept."""

    def __init__(self, given: Dataset) -> None:
        self.given = given
        self._arguments = arguments = _loader_arguments(given)

        @functools.lru_cache(maxsize=KEPT_DATASETS)  # which locks where threads meet
        def make(changes: tuple[tuple[str, object], ...]) -> Dataset:
            return load_mnist(**{**arguments, **dict(changes)})

        self._make = make

    def of(self, setup: Setup) -> Dataset:
        """The data set of `setup`; the given one where nothing differs from it."""
        if self._arguments is None or all(self._arguments[name] == value for name, value in setup.data):
            return self.given
        return self._make(setup.data)


def _loader_arguments(data: Dataset) -> dict[str, object] | None:
    """The arguments of the `load_mnist` call that made `data`, or None if something else did."""
    try:
        call = ast.parse(data.source, mode="eval").body
    except SyntaxError:  # words, or nothing
        return None
    if not isinstance(call, ast.Call) or getattr(call.func, "id", "") != "load_mnist":
        return None
    given = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    arguments = {"n_train": 2000, "label_noise": 0.0, **given}
    if len(data.x_train) != arguments["n_train"] or data.input_shape not in ((784,), (28, 28, 1)):
        return None  # other digits were put in the place of those that it loads
    return arguments
