"""Checks of the arrays of a data set: numbers that are finite, one row per example, labels that are whole."""

from __future__ import annotations

import contextlib

import numpy as np

__all__ = ["check_inputs", "check_targets"]


def check_inputs(name: str, x: object) -> np.ndarray:
    """`x` as finite float32, shape (rows, …)."""
    array = _numbers(name, x)
    if array.ndim < 2:
        raise ValueError(
            f"{name} has shape {array.shape}, and needs one row per example: (rows, columns). One column alone: "
            f"{name}.reshape(-1, 1)."
        )
    return _finite(name, array)


def check_targets(name: str, y: object, task: str) -> np.ndarray:
    """`y` as finite float32 or as int32 labels, shape (rows,)."""
    array = _numbers(name, y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        one = "Choose one target" if task == "regression" else f"Give labels, not a column per class: {name}.argmax(1)"
        raise ValueError(f"{name} has shape {array.shape}, and needs one number per example: (rows,). {one}.")
    if task == "regression":
        return _finite(name, array)
    labels = array if array.dtype.kind in "biu" else _finite(name, array)
    wrong = np.flatnonzero(labels != np.rint(labels)) if labels.dtype.kind == "f" else ()
    if len(wrong):
        raise ValueError(
            f"{name}[{wrong[0]}]={labels[wrong[0]]:g} is no label: classes are 0, 1, 2, …. "
            'For amounts, choose task="regression".'
        )
    return labels.astype("int32", copy=False)


def _numbers(name: str, values: object) -> np.ndarray:
    """`values` as an array of numbers or truth values."""
    array = np.asarray(values)
    if array.dtype.kind == "O":  # as of a table with columns of several kinds
        with contextlib.suppress(TypeError, ValueError):
            array = array.astype("float64")
    if array.dtype.kind not in "biuf":
        first = f"for instance {array.ravel()[0]!r}" if array.size else f"of type {array.dtype}"
        raise ValueError(
            f"{name} holds no numbers, but {first}. Dataset.from_frame and Dataset.from_arrays turn texts into numbers."
        )
    return array


def _finite(name: str, values: np.ndarray) -> np.ndarray:
    """`values` as float32, without NaN and infinity."""
    with np.errstate(over="ignore"):
        array = values.astype("float32", copy=False)
    if array.size and not (np.isfinite(array.min()) and np.isfinite(array.max())):  # takes no memory
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(
            f"{name}[{', '.join(map(str, place))}]={values[place]!s} is not a number that can be trained on. "
            "Leave such rows out, or fill them: Dataset.from_frame fills missing values."
        )
    return array
