"""`Dataset`: training, validation and test set of one task, checked and converted when it is made.

It can be made of one's own arrays, of a table (`Dataset.from_frame`) or by the loaders of `course_utils.data`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from course_utils.arrays import check_inputs, check_targets
from course_utils.palette import CROSS_ENTROPY
from course_utils.validation import check_choice, check_integer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dataset", "Recipe"]

TASKS = ("regression", "classification")
PARTS = ("train", "valid", "test")


@dataclass(frozen=True, eq=False)
class Recipe:
    """Plain code that makes the arrays of a data set, and the arrays that it was written for.

    Attributes
    ----------
    imports, lines : tuple of str
        Of the code. It leaves `x_train`, `y_train`, `x_valid`, `y_valid`, `x_test` and `y_test` behind.
    arrays : tuple of numpy.ndarray
        In that order.
    """

    imports: tuple[str, ...]
    lines: tuple[str, ...]
    arrays: tuple[np.ndarray, ...]

    def makes(self, data: Dataset) -> bool:
        """Whether the arrays of `data` are still those of this code; `dataclasses.replace` may have changed them."""
        return all(one is other for one, other in zip(self.arrays, data.arrays, strict=True))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training, validation and test set of one task.

    What it is given is converted, without a copy where nothing has to change, and checked. `dataclasses.replace` makes
    another one with other inputs, also of another shape; then `x_test` may keep the old one, as nothing is trained on
    it, and names of columns that are no longer there are dropped. Inputs and targets that change their number of rows
    are replaced in one call.

    Attributes
    ----------
    name : str
        "red wine" or "MNIST".
    task : str
        "regression" (`y` is float32) or "classification" (`y` is int32, classes 0, 1, …).
    x_train, x_valid, x_test : numpy.ndarray
        Inputs, float32, shape (rows, …). A set that does not exist has 0 rows.
    y_train, y_valid, y_test : numpy.ndarray
        Targets, shape (rows,).
    feature_names : tuple of str
        One name per input column; empty for images.
    source : str
        The call that makes this data set.
    n_classes : int or None
        For classification; None counts those of the labels: the highest one, and one more.
    target_mean : float
        What was subtracted from every target: add it to a prediction to have the target's own scale. 0.0 if nothing.
    unit : str
        Of the target, for axes: "quality points".
    class_names : tuple of str
        What the labels 0, 1, … stand for; may be empty.
    notes : tuple of str
        What was done to a table to make these sets, a sentence each.
    recipe : Recipe or None
        Plain code that makes the arrays, where no loader of the course does.

    Raises
    ------
    ValueError
        If an array cannot be trained on; the message names it, the value, and what to do.
    """

    name: str
    task: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_valid: np.ndarray
    y_valid: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    feature_names: tuple[str, ...] = ()
    source: str = ""
    n_classes: int | None = None
    target_mean: float = 0.0
    unit: str = ""
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    recipe: Recipe | None = None

    def __post_init__(self) -> None:
        check_choice("task", self.task, TASKS)
        changed = {}
        for part in PARTS:
            x, y = f"x_{part}", f"y_{part}"
            changed[x] = check_inputs(x, getattr(self, x))
            changed[y] = check_targets(y, getattr(self, y), self.task)
            _check_rows(part, len(changed[x]), len(changed[y]))
        if not len(changed["x_train"]):
            raise ValueError("x_train has no rows: there is nothing to train on.")
        shape = changed["x_train"].shape[1:]
        for part in ("valid", "test"):
            if not len(changed[f"x_{part}"]):
                changed[f"x_{part}"] = changed[f"x_{part}"].reshape(0, *shape)
        if changed["x_valid"].shape[1:] != shape:
            raise ValueError(
                f"x_valid holds examples of shape {changed['x_valid'].shape[1:]}, and x_train of shape {shape}. Give "
                "both the same columns; after a change of x_train, replace x_valid in the same call."
            )
        if len(shape) == 1 and len(self.feature_names) != shape[0]:
            changed["feature_names"] = ()
        for name, value in changed.items():
            object.__setattr__(self, name, value)
        if self.task == "classification":
            self._check_labels()

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        target: str,
        task: str | None = None,
        seed: int = 0,
        drop: Sequence[str] = (),
        keep_copies: bool = False,
        name: str = "",
        unit: str = "",
        source: str = "",
    ) -> Dataset:
        """A data set of a table: cleaned, split, standardized. `notes` tells what was done.

        Exact copies of rows go first. A fifth of the rows is for validation and a fifth for the test, the classes in
        equal shares. Numbers are standardized; their missing values become the median, and a column of its own says
        where they were. Texts become one column of zeros and ones per value, "missing" being one of them. All of that
        is fitted on the training rows. The target of regression is centred on their mean (`target_mean`).

        Parameters
        ----------
        frame : pandas.DataFrame
            One example per row.
        target : str
            The column to predict.
        task : {"regression", "classification"} or None
            None decides: texts, truth values, and whole numbers with at most ten different values are classes.
        seed : int
            Which rows go into which set.
        drop : sequence of str
            Columns to leave out.
        keep_copies : bool
            For tables where equal rows are different examples.
        name : str
            For titles; if empty, that of the file, or "your table".
        unit : str
            Of the target, for axes; if empty, the target's name.
        source : str
            The CSV file that holds this very table, so that the code of a run can load it again.

        Raises
        ------
        ValueError
            If the table cannot be trained on: too few rows, a target that is constant or has gaps, a date, free text,
            infinite numbers, a size beyond memory. The message names the column, and what to do.

        Examples
        --------
        >>> data = Dataset.from_frame(pd.read_csv("flats.csv"), target="rent", source="flats.csv")  # doctest: +SKIP
        """
        from course_utils.tables import data_from_frame  # noqa: PLC0415 (which needs `Dataset`)

        return data_from_frame(
            frame,
            target=target,
            task=task,
            seed=seed,
            drop=drop,
            keep_copies=keep_copies,
            name=name,
            unit=unit,
            source=source,
        )

    @classmethod
    def from_arrays(
        cls,
        x: np.ndarray,
        y: np.ndarray,
        *,
        feature_names: Sequence[str] = (),
        task: str | None = None,
        seed: int = 0,
        keep_copies: bool = False,
        name: str = "",
        unit: str = "",
    ) -> Dataset:
        """A data set of inputs, of shape (rows, columns), and targets, of shape (rows,): as `from_frame`.

        Raises
        ------
        ValueError
            If the shapes are others, or as in `from_frame`.

        Examples
        --------
        >>> data = Dataset.from_arrays(x, y, feature_names=["age", "height"])  # doctest: +SKIP
        """
        from course_utils.tables import data_from_arrays  # noqa: PLC0415 (which needs `Dataset`)

        return data_from_arrays(
            x,
            y,
            feature_names=feature_names,
            task=task,
            seed=seed,
            keep_copies=keep_copies,
            name=name,
            unit=unit,
        )

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """Inputs and targets of training, validation and test, in this order."""
        return tuple(getattr(self, f"{axis}_{part}") for part in PARTS for axis in "xy")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example: (11,) for red wine, (784,) or (28, 28, 1) for MNIST."""
        return self.x_train.shape[1:]

    @property
    def n_outputs(self) -> int:
        """Units of the output layer that the task asks for: 1 number, or one logit per class."""
        if self.task == "regression":
            return 1
        return self.n_classes or 1 + int(self._labels().max())

    @property
    def loss_label(self) -> str:
        """What the axis of the losses is called, with its unit: "MAE (quality points)"."""
        if self.task == "classification":
            return CROSS_ENTROPY
        return f"MAE ({self.unit})" if self.unit else "MAE"

    def __repr__(self) -> str:
        sizes = f"{len(self.x_train):,} training, {len(self.x_valid):,} validation, {len(self.x_test):,} test examples"
        return f"<Dataset {self.name}, {self.task}: {sizes} of shape {self.input_shape}>"

    def _labels(self) -> np.ndarray:
        """Every label that occurs, in rising order."""
        return np.unique(np.concatenate([np.unique(y) for y in (self.y_train, self.y_valid, self.y_test)]))

    def _check_labels(self) -> None:
        """Labels are 0, 1, … , and as many as `n_classes` says."""
        labels, way_out = self._labels(), "Number the classes 0, 1, 2, …: labels, names = pd.factorize(y, sort=True)."
        if labels[0] < 0 or (self.n_classes is None and labels[0] > 0):
            raise ValueError(f"The lowest label in y_train, y_valid and y_test is {labels[0]}, not 0. {way_out}")
        if self.n_classes is not None:
            check_integer("n_classes", self.n_classes, at_least=1)
            if labels[-1] >= self.n_classes:
                raise ValueError(
                    f"A label is {labels[-1]}, and n_classes={self.n_classes} allows 0 to {self.n_classes - 1}. "
                    f"{way_out} Or give another n_classes."
                )
        elif len(labels) * 2 < labels[-1] + 1:
            raise ValueError(
                f"Labels reach up to {labels[-1]}, but only {len(labels)} different ones occur. {way_out} "
                f"If there are more classes than these rows show, say so: n_classes={labels[-1] + 1}."
            )


def _check_rows(part: str, inputs: int, targets: int) -> None:
    if inputs != targets:
        raise ValueError(
            f"x_{part} has {inputs:,} rows, and y_{part} has {targets:,}. Give one target per example; replace both in "
            f"one call: replace(data, x_{part}=…, y_{part}=…)."
        )
