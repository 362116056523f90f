"""The way from a table to arrays, twice: `perform` goes it, `write` prints it as plain pandas and scikit-learn.

What one does, the other says; `tests/test_tables.py` runs the code and compares the arrays.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from course_utils.columns import MISSING, as_number, as_text

__all__ = ["Arrays", "Plan", "clean", "name_list", "perform", "quoted", "write"]

LONG = 88  # of a printed line
FEW = 8  # columns that are named one by one


@dataclass(frozen=True)
class Plan:
    """What is to be done to a table.

    Attributes
    ----------
    target, task, seed, keep_copies
        As in `Dataset.from_frame`.
    dropped : tuple of str
        Columns that are left out.
    numbers, categories : tuple of str
        The inputs.
    to_floats, to_texts : tuple of str
        Columns that scikit-learn would not take as they are.
    has_gaps : bool
        Whether a value is missing among the numbers.
    """

    target: str
    task: str
    seed: int
    keep_copies: bool
    dropped: tuple[str, ...]
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    to_floats: tuple[str, ...]
    to_texts: tuple[str, ...]
    has_gaps: bool


@dataclass(frozen=True)
class Arrays:
    """What comes of a table.

    Attributes
    ----------
    sets : dict of str to numpy.ndarray
        `x_train`, `y_train`, …, as `Dataset` takes them.
    feature_names : tuple of str
        Numbers first, then where they were missing, then one per category.
    classes : tuple
        What the labels stand for; empty for regression.
    target_mean : float
        That was subtracted.
    """

    sets: dict[str, np.ndarray]
    feature_names: tuple[str, ...]
    classes: tuple[object, ...]
    target_mean: float


def clean(frame: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The table without the columns to be dropped, in types that scikit-learn takes, and without copies of rows."""
    frame = frame.drop(columns=list(plan.dropped))
    for name in plan.to_floats:
        frame[name] = as_number(frame[name])
    for name in plan.to_texts:
        frame[name] = as_text(frame[name])
    return frame if plan.keep_copies else frame.drop_duplicates()


def perform(frame: pd.DataFrame, plan: Plan) -> Arrays:
    """Split a cleaned table, and make arrays of it; everything is fitted on the training rows."""
    target, classes, labels = plan.target, (), None
    if plan.task == "classification":
        codes, found = pd.factorize(frame[target], sort=True)
        frame, classes, labels = frame.assign(**{target: codes}), tuple(found), codes
    rest, test = train_test_split(frame, test_size=0.2, random_state=plan.seed, stratify=labels)
    labels = None if labels is None else rest[target]
    train, valid = train_test_split(rest, test_size=0.25, random_state=plan.seed, stratify=labels)
    for name in plan.numbers:
        if train[name].isna().all():
            raise ValueError(
                f"The column {name!r} has no value in any of the {len(train):,} training rows. "
                f"Leave it out: drop=[{name!r}]."
            )
    inputs = [*plan.numbers, *plan.categories]
    numbers = StandardScaler()
    if plan.has_gaps:
        numbers = make_pipeline(numbers, SimpleImputer(strategy="median", add_indicator=True))
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    prepare = make_column_transformer((numbers, list(plan.numbers)), (categories, list(plan.categories)))
    sets = {"x_train": prepare.fit_transform(train[inputs]).astype("float32")}
    mean = 0.0 if plan.task == "classification" else float(train[target].mean())
    for part, rows in (("train", train), ("valid", valid), ("test", test)):
        if part != "train":
            sets[f"x_{part}"] = prepare.transform(rows[inputs]).astype("float32")
        y = rows[target]
        sets[f"y_{part}"] = y.to_numpy("int32") if classes else (y - mean).to_numpy("float32")
    return Arrays(sets, _feature_names(prepare, plan), classes, mean)


def _feature_names(prepare: TransformerMixin, plan: Plan) -> tuple[str, ...]:
    """Of the columns that the fitted transformer makes."""
    names, fitted = list(plan.numbers), prepare.named_transformers_
    if plan.has_gaps:
        gaps = fitted["pipeline"].named_steps["simpleimputer"].indicator_.features_
        names += [f"{plan.numbers[i]} {MISSING}" for i in gaps]
    if plan.categories:
        values = zip(plan.categories, fitted["onehotencoder"].categories_, strict=True)
        names += [f"{name}={value}" for name, each in values for value in each]
    return tuple(names)


def write(plan: Plan, begin: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Imports and lines of the code; `begin` are the lines that make `frame`, with columns that are texts."""
    target, is_classes = quoted(plan.target), plan.task == "classification"
    imports = ["import pandas as pd"]
    if plan.numbers and plan.categories:
        imports.append("from sklearn.compose import make_column_transformer")
    if plan.has_gaps:
        imports.append("from sklearn.impute import SimpleImputer")
    imports.append("from sklearn.model_selection import train_test_split")
    if plan.has_gaps:
        imports.append("from sklearn.pipeline import make_pipeline")
    kinds = [name for name, columns in _kinds(plan) if columns]
    imports.append(f"from sklearn.preprocessing import {', '.join(sorted(kinds))}")
    stratify, again = (f", stratify={frame}[{target}]" if is_classes else "" for frame in ("frame", "rest"))
    seed = plan.seed
    return tuple(imports), (
        *begin,
        *_cleaning(plan, is_own=begin[0].startswith("#")),
        *([f"frame[{target}], classes = pd.factorize(frame[{target}], sort=True)"] if is_classes else []),
        *([] if plan.keep_copies else ["frame = frame.drop_duplicates()  # before the split"]),
        f"rest, test = train_test_split(frame, test_size=0.2, random_state={seed}{stratify})",
        f"train, valid = train_test_split(rest, test_size=0.25, random_state={seed}{again})",
        "",
        *_transformer(plan),
        'x_train = prepare.fit_transform(train[inputs]).astype("float32")  # fitted on these rows alone',
        'x_valid, x_test = (prepare.transform(part[inputs]).astype("float32") for part in (valid, test))',
        *_targets(target, is_classes=is_classes),
    )


def quoted(text: str) -> str:
    """A text as Python source, in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def _kinds(plan: Plan) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("OneHotEncoder", plan.categories), ("StandardScaler", plan.numbers)


def _cleaning(plan: Plan, *, is_own: bool) -> list[str]:
    """The lines of `clean`, without the last step; a table of the reader's own is not to be changed."""
    lines = name_list("frame = frame.drop(columns=[", plan.dropped, "])") if plan.dropped else []
    if not lines and is_own and (plan.to_floats or plan.to_texts or plan.task == "classification"):
        lines = ["frame = frame.copy()"]
    if plan.to_floats:
        lines += name_list("floats = [", plan.to_floats, "]")
        lines.append('frame[floats] = frame[floats].astype("float64")')
    if plan.to_texts:
        lines += name_list("texts = [", plan.to_texts, "]")
        lines += [
            "frame[texts] = frame[texts].astype(object).map(",
            f"    lambda value: {quoted(MISSING)} if pd.isna(value) else str(value)",
            ")",
        ]
    return lines


def _transformer(plan: Plan) -> list[str]:
    """Lines that make `prepare` and `inputs`."""
    numbers, categories = "StandardScaler()", 'OneHotEncoder(handle_unknown="ignore", sparse_output=False)'
    if plan.has_gaps:
        numbers = f'make_pipeline({numbers}, SimpleImputer(strategy="median", add_indicator=True))'
    if not plan.numbers or not plan.categories:
        one = numbers if plan.numbers else categories
        return [f"inputs = list(frame.columns.drop({quoted(plan.target)}))", f"prepare = {one}"]
    named = name_list("categories = [", plan.categories, "]")
    if len(plan.numbers) <= FEW:
        named += name_list("numbers = [", plan.numbers, "]")
    else:
        named.append(f"numbers = list(frame.columns.drop([{quoted(plan.target)}, *categories]))")
    return [
        *named,
        "inputs = [*numbers, *categories]",
        "prepare = make_column_transformer(",
        f"    ({numbers}, numbers),",
        f"    ({categories}, categories),",
        ")",
    ]


def _targets(target: str, *, is_classes: bool) -> list[str]:
    three, lines = "for part in (train, valid, test)", []
    one = f'part[{target}].to_numpy("int32")'
    if not is_classes:
        one = f'(part[{target}] - mean).to_numpy("float32")'
        lines.append(f"mean = train[{target}].mean()  # add it to a prediction")
    return [*lines, "y_train, y_valid, y_test = (", f"    {one} {three}", ")"]


def name_list(opening: str, names: Sequence[str], closing: str) -> list[str]:
    """A list of texts between two pieces of code, on as many lines as it takes."""
    lines, line = [], ""
    for name in names:
        if line and len(line) + len(quoted(name)) > LONG - 8:
            lines.append(line.rstrip())
            line = ""
        line += f"{quoted(name)}, "
    if not lines and len(opening) + len(line) + len(closing) <= LONG:
        return [f"{opening}{line[:-2]}{closing}"]
    return [opening, *(f"    {one}" for one in [*lines, line.rstrip()]), closing]
