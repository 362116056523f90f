"""`own_code`: a run of a `build_model` of the reader's as plain Keras source."""

from __future__ import annotations

import inspect
import types

from course_utils.data import Dataset
from course_utils.explorer.own import OwnSettings
from course_utils.source import script

__all__ = ["own_code"]


def own_code(settings: OwnSettings, data: Dataset, *, shuffle: bool = True) -> str:
    """Source with the function itself, where somebody has it, and the call that makes this model.

    What else the function uses is imported, where it is a module; other names are listed in a comment.

    Raises
    ------
    ValueError
        As in `source.code`.
    """
    network = settings.network
    imports, missing = _needs(network.build_model)
    source = network.source
    if not source or "lambda" in network.name:
        source, missing = f"# Put your own {network.name} here: its source is not at hand.", []
    if missing:
        source = f"# {network.name} needs {', '.join(missing)} of your notebook, too.\n{source}"
    return script(
        [f"model = {network.call_line(settings, data)}"],
        data,
        settings,
        shuffle=shuffle,
        imports=imports,
        before=["", *source.splitlines(), "", ""],
        label="loss",
    )


def _needs(function: object) -> tuple[list[str], list[str]]:
    """Imports of the modules that a function uses, and the names of everything else that it takes from outside."""
    try:
        used = inspect.getclosurevars(function)
    except (TypeError, ValueError):
        return [], []
    imports, missing = [], []
    for name, value in {**used.globals, **used.nonlocals}.items():
        if not isinstance(value, types.ModuleType):
            missing.append(name)
        elif (name, value.__name__) != ("keras", "keras"):
            own = value.__name__.replace("keras.api.", "keras.")
            imports.append(f"import {own}" if own == name else f"import {own} as {name}")
    return sorted(imports), sorted(missing)
