"""`Beginning`: what an explorer starts with, checked: from its arguments, or from a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from course_utils.data import Dataset
from course_utils.explorer.controls import Setup, check_names, own_network, start_setup
from course_utils.explorer.own import OwnNetwork
from course_utils.explorer.saved import Saved, Stored, data_of, fingerprint, read
from course_utils.validation import check_choice

__all__ = ["Beginning", "begin", "begin_again"]


class Beginning(NamedTuple):
    """Data, names of the controls, where they start, whether rows are shuffled, and what was trained before."""

    data: Dataset
    controls: tuple[str, ...]
    start: Setup
    shuffle: bool
    saved: Saved | None = None


def begin(
    data: Dataset,
    controls: Sequence[str] | None,
    *,
    build_model: Callable | None,
    ranges: Mapping[str, Sequence[object]] | None,
    shuffle: bool,
    fixed: Mapping[str, object],
) -> Beginning:
    """What the arguments of `Explorer` amount to; `ValueError` where it says so."""
    if not isinstance(data, Dataset):
        raise ValueError(
            f"data={data!r} is not a Dataset. Pass load_red_wine(), load_mnist() or Dataset.from_frame(…)."
        )
    check_choice("shuffle", shuffle, (True, False))
    network = _network_of(build_model, data, ranges, fixed)
    names = check_names(_default_controls(network) if controls is None else controls, data, network)
    return _checked(Beginning(data, names, start_setup(data, fixed, network), shuffle))


def begin_again(
    path: Path,
    data: Dataset | None,
    *,
    build_model: Callable | None,
    ranges: Mapping[str, Sequence[object]] | None,
) -> Beginning:
    """What the file of an explorer amounts to; `ValueError` where `Explorer.load` says so."""
    stored = read(path)
    name, source, start = (stored.content.get(key) for key in ("data_name", "source", "start"))
    if data is None:
        data = data_of(str(source))
    if not isinstance(data, Dataset):
        raise ValueError(f"The runs in {path} are of {name!r}: pass that data set, Explorer.load(path, data).")
    if fingerprint(data) != stored.content.get("fingerprint"):
        raise ValueError(
            f"The runs in {path} are of {name!r} with other rows than {data.name!r} has here: its curves would say "
            "nothing about these. Pass the data set that was explored, Explorer.load(path, data)."
        )
    _check_network(stored, build_model)
    network = _network_of(build_model, data, ranges, start if isinstance(start, dict) else {})
    if network is not None and network.fingerprint != stored.content["network"]:
        raise ValueError(
            f"{network.name} was changed since the runs in {path} were saved: they are not those of this function. "
            "Load them with the old one, or train anew: Explorer(data, build_model=…)."
        )
    saved = stored.saved(start_setup(data, {}, network))
    names = check_names(saved.controls, data, network)
    shuffle = check_choice("shuffle", saved.shuffle, (True, False))
    return _checked(Beginning(data, names, start_setup(data, saved.start, network), shuffle, saved))


def _checked(beginning: Beginning) -> Beginning:
    """The same, if every control can stand where it starts."""
    for name in beginning.controls:
        beginning.start.controls[name].check(beginning.start.value(name))
    return beginning


def _network_of(
    build_model: Callable | None, data: Dataset, ranges: Mapping | None, start: Mapping[str, object]
) -> OwnNetwork | None:
    """What is known of the reader's network, where there is one."""
    if build_model is not None:
        return own_network(build_model, data, ranges=ranges, start=start)
    if ranges is not None:
        raise ValueError("ranges are those of the parameters of your own network: pass build_model=…, too.")
    return None


def _default_controls(network: OwnNetwork | None) -> tuple[str, ...]:
    return ("width", "depth", "dropout") if network is None else (*network.parameters, "epochs", "batch_size", "seed")


def _check_network(stored: Stored, build_model: Callable | None) -> None:
    """That a file of runs of a network of the reader's is loaded with one, and others without."""
    saved = str(stored.content.get("network") or "").split(" ")[0]
    if saved and build_model is None:
        raise ValueError(
            f"The runs in {stored.path} are of a network of your own: Explorer.load(path, build_model={saved})."
        )
    if build_model is not None and not saved:
        raise ValueError(f"The runs in {stored.path} are not of a network of your own. Load them without build_model.")
