"""From a table of one's own to a `Dataset`: what is asked of a table, what is decided, and what is told of it."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from course_utils.columns import as_text, check_finite, holds_dates, is_number, is_plain, kind_of, shortened
from course_utils.dataset import TASKS, Dataset, Recipe
from course_utils.notes import MOST_CLASSES, class_name, notes_on
from course_utils.reading import reading_call
from course_utils.steps import Plan, clean, name_list, perform, write
from course_utils.validation import HIGHEST_SEED, check_choice, check_integer

__all__ = ["check_columns", "data_from_arrays", "data_from_frame", "task_of"]

FEWEST_ROWS, FEWEST_OF_A_CLASS = 20, 5
FEW_VALUES = 10  # of whole numbers that are taken for classes
MOST_NUMBERS = 20_000_000  # 80 MB of inputs, and ten times as much while they are made
PUT_HERE = "put your own here; all the rest is complete"


def data_from_frame(
    frame: pd.DataFrame, *, target: str, drop: Sequence[str] = (), source: str = "", name: str = "", **options: object
) -> Dataset:
    """`Dataset.from_frame`, where all arguments are explained."""
    named, target, drop = check_columns(frame, target, drop)
    if source:
        call = reading_call(source, named, unused=drop)
        begin = [f"frame = {call}"]
    else:
        call, begin = "frame", [f"# frame = pd.read_csv(…)  # {PUT_HERE}"]
    if list(named.columns) != list(frame.columns):
        begin.append("frame = frame.rename(columns=str)")
    words = {"target": target, "drop": list(drop), "source": str(source)}
    name = name or Path(source).stem or "your table"
    call = _call(f"Dataset.from_frame({call}", {**words, **options})
    return _data(named, target, drop, begin=begin, source=call, name=name, **options)


def data_from_arrays(
    x: np.ndarray, y: np.ndarray, *, feature_names: Sequence[str] = (), name: str = "", **options: object
) -> Dataset:
    """`Dataset.from_arrays`, where all arguments are explained."""
    if isinstance(x, pd.DataFrame) and not len(feature_names):
        feature_names = tuple(x.columns)
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise ValueError(
            f"x has shape {x.shape} and y has shape {y.shape}; they need (rows, columns) and (rows,). Images become "
            "rows by x.reshape(len(x), -1); of several targets choose one."
        )
    feature_names = [str(each) for each in feature_names]
    names = feature_names or [f"x{i + 1}" for i in range(x.shape[1])]
    if len(names) != x.shape[1]:
        raise ValueError(f"feature_names has {len(names)} names, and x has {x.shape[1]} columns. Name each of them.")
    target = next(each for each in ("y", "target", "the target") if each not in names)
    columns = name_list("frame = pd.DataFrame(x, columns=[", names, "])")
    if not feature_names:
        columns = [f'frame = pd.DataFrame(x, columns=[f"x{{i + 1}}" for i in range({x.shape[1]})])']
    begin = [f"# x, y = …  # {PUT_HERE}", *columns, f'frame["{target}"] = y']
    frame, _, _ = check_columns(pd.DataFrame(x, columns=names).assign(**{target: y}), target, ())
    call = _call("Dataset.from_arrays(x, y", {"feature_names": feature_names, **options})
    return _data(frame, target, (), begin=begin, source=call, name=name or "your arrays", **options)


def check_columns(
    frame: pd.DataFrame, target: str, drop: Sequence[str] = ()
) -> tuple[pd.DataFrame, str, tuple[str, ...]]:
    """The table with texts as names of its columns, the target, and what is to be dropped; or `ValueError`."""
    if not isinstance(frame, pd.DataFrame):
        raise ValueError(f"frame is a {type(frame).__name__}, not a DataFrame. Read your file with pd.read_csv first.")
    frame = frame.rename(columns=str).reset_index(drop=True)
    if isinstance(drop, str):
        raise ValueError(f"drop={drop!r} is one name. Write drop=[{drop!r}].")
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise ValueError(f"The table has two columns {twice[0]!r}. Rename or drop one of them.")
    target, drop = str(target), tuple(str(name) for name in drop)
    for what, name in (("target", target), *(("drop", each) for each in drop)):
        if name not in frame.columns:
            near = difflib.get_close_matches(name, frame.columns, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are {shortened(map(repr, frame.columns), 8)}."
            raise ValueError(f"{what}={name!r} is no column of the table. {hint}")
    if target in drop:
        raise ValueError(f"drop={list(drop)!r} names the target, too. Take {target!r} out of drop.")
    return frame, target, drop


def task_of(column: pd.Series) -> str:
    """The task that a target asks for: texts, truth values and few whole numbers are classes."""
    present = column.dropna()
    if not is_number(column) or pd.api.types.is_bool_dtype(column.dtype):
        return "classification"
    is_whole = bool((present.astype("float64") % 1 == 0).all())
    return "classification" if is_whole and present.nunique() <= FEW_VALUES else "regression"


def _data(
    frame: pd.DataFrame,
    target: str,
    drop: tuple[str, ...],
    *,
    begin: Sequence[str],
    source: str,
    name: str,
    task: str | None = None,
    seed: int = 0,
    keep_copies: bool = False,
    unit: str = "",
) -> Dataset:
    check_choice("task", task, (*TASKS, None))
    check_choice("keep_copies", keep_copies, (True, False))
    seed = check_integer("seed", seed, at_least=0, at_most=HIGHEST_SEED)
    _check_target(frame[target], task)
    plan = _plan(frame, target, drop, task=task or task_of(frame[target]), seed=seed, keep_copies=keep_copies)
    cleaned = clean(frame, plan)
    _check_rows(cleaned, plan, copies=len(frame) - len(cleaned))
    made = perform(cleaned, plan)
    classes = tuple(class_name(value) for value in made.classes)
    imports, lines = write(plan, begin)
    data = Dataset(
        name=name,
        task=plan.task,
        **made.sets,
        feature_names=made.feature_names,
        source=source,
        n_classes=len(classes) or None,
        target_mean=made.target_mean,
        unit=(unit or target) if plan.task == "regression" else "",
        class_names=classes,
        notes=notes_on(frame, cleaned, plan, made, drop=drop, is_given=task is not None),
    )
    return dataclasses.replace(data, recipe=Recipe(imports, lines, data.arrays))


def _call(opening: str, arguments: Mapping[str, object]) -> str:
    """The source of a call, without the arguments that are empty, 0 or False, their defaults."""
    return ", ".join([opening, *(f"{name}={value!r}" for name, value in arguments.items() if value)]) + ")"


def _check_target(column: pd.Series, task: str | None) -> None:
    """Raise `ValueError` if nothing can learn to predict this column."""
    begin, name = f"The target {column.name!r}", column.name
    missing = int(column.isna().sum())
    if missing:
        raise ValueError(
            f"{begin} is missing in {missing:,} of {len(column):,} rows. Leave these rows out: "
            f"frame.dropna(subset=[{name!r}])."
        )
    if holds_dates(column):
        raise ValueError(
            f"{begin} holds dates or times. Predict a number: days = pd.to_datetime(frame[{name!r}]); "
            "(days - days.min()).dt.days."
        )
    if is_number(column):
        check_finite(column)
    elif task == "regression":
        raise ValueError(
            f"{begin} holds no numbers, but for instance {str(column.iloc[0])[:40]!r}. Make numbers of them by "
            'pd.to_numeric, or choose task="classification".'
        )
    different = int(column.nunique()) if is_number(column) else int(as_text(column).nunique())
    if different < 2:
        raise ValueError(
            f"{begin} is the same in every row: {column.iloc[0]!s}. There is nothing to predict; choose another column."
            if len(column)
            else "The table has no rows."
        )
    if (task or task_of(column)) == "classification" and different > MOST_CLASSES:
        raise ValueError(
            f"{begin} has {different:,} different values in {len(column):,} rows; there can be {MOST_CLASSES} classes "
            'at most. Join some of them. If the values are amounts, make numbers of them and choose task="regression".'
        )


def _plan(frame: pd.DataFrame, target: str, drop: tuple[str, ...], *, task: str, seed: int, keep_copies: bool) -> Plan:
    """What is to be done to this table; `ValueError` for a column that cannot be used."""
    inputs = frame.drop(columns=[target, *drop])
    constant = [name for name in inputs.columns if inputs[name].isna().all() or _is_constant(inputs[name])]
    kinds = {name: kind_of(inputs[name]) for name in inputs.columns if name not in constant}
    if not kinds:
        raise ValueError(f"No column is left to predict {target!r} from: the others are dropped, empty or constant.")
    numbers = tuple(name for name, kind in kinds.items() if kind == "number")
    categories = tuple(name for name, kind in kinds.items() if kind == "category")
    if task == "regression" or is_number(frame[target]):
        kinds[target] = "number"
    else:
        kinds[target] = "category"
    odd = [name for name, kind in kinds.items() if not is_plain(frame[name], kind)]
    _check_size(frame, numbers, categories)
    return Plan(
        target=target,
        task=task,
        seed=seed,
        keep_copies=keep_copies,
        dropped=(*drop, *constant),
        numbers=numbers,
        categories=categories,
        to_floats=tuple(name for name in odd if kinds[name] == "number"),
        to_texts=tuple(name for name in odd if kinds[name] == "category"),
        has_gaps=bool(frame[list(numbers)].isna().any(axis=None)) if numbers else False,
    )


def _is_constant(column: pd.Series) -> bool:
    """Whether every row has the same value; a value here and there none is not the same."""
    values = column if is_number(column) else as_text(column)
    return values.nunique(dropna=False) < 2


def _check_size(frame: pd.DataFrame, numbers: Sequence[str], categories: Sequence[str]) -> None:
    gaps = int(frame[list(numbers)].isna().any().sum()) if numbers else 0
    columns = len(numbers) + gaps + sum(frame[name].nunique(dropna=False) for name in categories)
    if len(frame) * columns > MOST_NUMBERS:
        rows = MOST_NUMBERS // columns // 1000 * 1000 or MOST_NUMBERS // columns
        raise ValueError(
            f"The table makes {len(frame):,} rows × {columns:,} inputs, {len(frame) * columns:,} numbers; the explorer "
            f"keeps {MOST_NUMBERS:,} in memory. Take a sample, frame.sample({rows}, random_state=0), or drop columns."
        )


def _check_rows(cleaned: pd.DataFrame, plan: Plan, *, copies: int) -> None:
    """Raise `ValueError` if too few rows are left, altogether or of a class."""
    left = f" after {copies:,} copies were dropped (keep_copies=True keeps them)" if copies else ""
    if len(cleaned) < FEWEST_ROWS:
        raise ValueError(
            f"The table has {len(cleaned)} rows{left}, and {FEWEST_ROWS} are the fewest that can be split in three. "
            "Find more rows."
        )
    if plan.task == "classification":
        counts = cleaned[plan.target].value_counts()
        if counts.min() < FEWEST_OF_A_CLASS:
            rare, name = counts.idxmin(), plan.target
            raise ValueError(
                f"The class {class_name(rare)!r} of the target {name!r} has {counts.min()} rows{left}, and "
                f"{FEWEST_OF_A_CLASS} are the fewest that can be split in three. Join it with another class, or leave "
                f"its rows out: frame[frame[{name!r}] != {class_name(rare)!r}]; if its values are amounts, choose "
                'task="regression".'
            )
