"""Searches over the hyperparameters of a Keras network: estimators of scikit-learn, and a progress bar."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_utils.search.estimators import KerasMLPClassifier, KerasMLPRegressor
    from course_utils.search.progress_bar import progress

__all__ = ["KerasMLPClassifier", "KerasMLPRegressor", "progress"]


def __getattr__(name: str) -> object:
    """Import each name when it is first asked for.

    A Dask worker comes through here on its way to `workers`, which imports TensorFlow quietly; imported here, it would
    write its log under a cell of the notebook.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "progress_bar" if name == "progress" else "estimators"
    return getattr(import_module(f"{__name__}.{module}"), name)
