"""`Saved`: what an explorer has trained, as a small file of JSON, and back again. Knows no thread and no widget."""

from __future__ import annotations

import ast
import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from course_utils import data as loaders
from course_utils.data import Dataset
from course_utils.explorer.anatomy import Anatomy
from course_utils.explorer.controls import Setup
from course_utils.explorer.progress import ExplorerRun, Group

__all__ = ["Saved", "Stored", "data_of", "fingerprint", "free_path", "read", "write"]

FORMAT, VERSION = "course_utils explorer", 1
DIGITS = 9  # that tell any two numbers of single precision apart
NOT_FINITE = ("nan", "inf", "-inf")  # which JSON has no words for


@dataclass(frozen=True)
class Saved:
    """What is kept of an explorer.

    Attributes
    ----------
    data_name, source, fingerprint : str
        Of the data set that it was given.
    network : str
        Of which `build_model` the runs are, by its name and source; empty for the explorer's own networks.
    controls : tuple of str
    shuffle : bool
    start : mapping of str to object
        Where its controls stood at first.
    groups : tuple of (Group, tuple of float)
        The rows of its table, oldest first, each with the losses of the average of its networks.
    pinned, earlier : tuple of int
        Rows, from 0.
    front : int
        The row that is shown.
    """

    data_name: str
    source: str
    fingerprint: str
    network: str
    controls: tuple[str, ...]
    shuffle: bool
    start: Mapping[str, object]
    groups: tuple[tuple[Group, tuple[float, ...]], ...]
    pinned: tuple[int, ...]
    earlier: tuple[int, ...]
    front: int


@dataclass(frozen=True)
class Stored:
    """A file as it was read: everything but the runs, which need a type of settings.

    Attributes
    ----------
    path : Path
    content : mapping
    """

    path: Path
    content: Mapping[str, object]

    def saved(self, start: Setup) -> Saved:
        """What is in it, for networks with settings of the type that `start` has.

        Raises
        ------
        ValueError
            If something in it is missing, or is not what `write` writes.
        """
        content = self.content
        try:
            runs = [_run(one, start) for one in content["runs"]]
            groups = tuple((tuple(runs[i] for i in rows), _floats(average)) for rows, average in content["groups"])
            places = {name: tuple(content[name]) for name in ("pinned", "earlier")}
            if not all(0 <= place < len(groups) for place in (*sum(places.values(), ()), content["front"])):
                raise IndexError(f"a row beyond {len(groups)}")
            names = ("data_name", "source", "fingerprint", "network", "shuffle", "start", "front")
            return Saved(
                **{name: content[name] for name in names}, controls=tuple(content["controls"]), groups=groups, **places
            )
        except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
            raise ValueError(
                f"{self.path.name} is damaged, or was written by another version of the course "
                f"({type(error).__name__}: {error}). Save the runs again, or train them."
            ) from error


def write(path: Path, saved: Saved) -> None:
    """Write the file; where one of this name is there already, readers find the old one until the new one is whole.

    Raises
    ------
    ValueError
        If its folder does not exist.
    """
    if not path.parent.is_dir():
        raise ValueError(f"There is no folder {path.parent}. Make it first, or choose another path.")
    runs = list({id(run): run for group, _ in saved.groups for run in group}.values())
    places = {id(run): place for place, run in enumerate(runs)}
    content = {
        "format": FORMAT,
        "version": VERSION,
        **{name: value for name, value in vars(saved).items() if name != "groups"},
        "runs": [_told(run) for run in runs],
        "groups": [[[places[id(run)] for run in group], _numbers(average)] for group, average in saved.groups],
    }
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_text(json.dumps(content, allow_nan=False, separators=(",", ":")), encoding="utf-8")
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def read(path: Path) -> Stored:
    """Read the file.

    Raises
    ------
    ValueError
        If there is no such file, or it was not written by `write`.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"There is no file {path}. explorer.save(path) writes one.") from error
    except (json.JSONDecodeError, UnicodeDecodeError, IsADirectoryError) as error:
        raise ValueError(f"{path} is no file of saved runs. explorer.save(path) writes one.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{path} is no file of saved runs. explorer.save(path) writes one.")
    if content.get("version") != VERSION:
        raise ValueError(
            f"{path} has version {content.get('version')!r}, and this course reads {VERSION}. Save it anew."
        )
    return Stored(path, content)


def fingerprint(data: Dataset) -> str:
    """The same for data sets with the same training and validation rows, and for no others."""
    digest = hashlib.sha256(f"{data.task} {data.n_outputs}".encode())
    for array in data.arrays[:4]:
        digest.update(f"{array.shape} {array.dtype.str}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def data_of(source: str) -> Dataset | None:
    """The data set that a call of one of the course's loaders makes; None for any other text."""
    try:
        call = ast.parse(source, mode="eval").body
        arguments = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    except (SyntaxError, ValueError, AttributeError):
        return None
    name = getattr(getattr(call, "func", None), "id", "")
    if name not in ("load_red_wine", "load_mnist") or call.args:
        return None
    return getattr(loaders, name)(**arguments)


def free_path(name: str) -> Path:
    """A file of this name in the folder of the notebook, or with a number if there is one already."""
    plain = "-".join("".join(letter if letter.isalnum() else " " for letter in name).split()) or "runs"
    paths = (Path(f"explorer-{plain}{f'-{n}' if n > 1 else ''}.json") for n in range(1, 10_000))
    return next(path for path in paths if not path.exists())


def _told(run: ExplorerRun) -> dict[str, object]:
    return {
        "settings": asdict(run.settings),
        "data": dict(run.data),
        "history": {name: _numbers(values) for name, values in run.history.items()},
        "train_loss": _numbers([run.train_loss])[0],
        "guess": _numbers([run.guess])[0],
        "anatomy": None if run.anatomy is None else _told_of(run.anatomy),
    }


def _told_of(anatomy: Anatomy) -> dict[str, object]:
    guess, plane = _numbers([anatomy.guess, anatomy.plane])
    return {**asdict(anatomy), "guess": guess, "plane": plane}


def _anatomy(told: Mapping[str, object] | None) -> Anatomy | None:
    if told is None:
        return None
    guess, plane = _floats([told["guess"], told["plane"]])
    layers = tuple((str(kind), str(shape), int(parameters)) for kind, shape, parameters in told["layers"])
    return Anatomy(**{**told, "guess": guess, "plane": plane, "layers": layers})


def _run(told: Mapping[str, object], start: Setup) -> ExplorerRun:
    history = {str(name): list(_floats(values)) for name, values in told["history"].items()}
    if "loss" not in history or len({len(values) for values in history.values()}) != 1:
        raise ValueError("a history without losses, or with curves of different lengths")
    setup = Setup(type(start.settings)(**told["settings"]), tuple(sorted(told["data"].items())))
    (train_loss,), (guess,) = _floats([told["train_loss"]]), _floats([told["guess"]])
    return ExplorerRun.of(setup, history, train_loss=train_loss, guess=guess, anatomy=_anatomy(told["anatomy"]))


def _numbers(values: Sequence[float]) -> list[float | str]:
    return [float(f"{value:.{DIGITS}g}") if math.isfinite(value) else str(float(value)) for value in values]


def _floats(values: Sequence[float | str]) -> tuple[float, ...]:
    for value in values:
        if value not in NOT_FINITE and not isinstance(value, (int, float)):
            raise TypeError(f"{value!r} is no number")
    return tuple(map(float, values))
