"""What a column of a table is, a number or a category, and why some cannot be trained on."""

from __future__ import annotations

import numbers
from collections.abc import Iterable

import numpy as np
import pandas as pd

__all__ = [
    "KINDS",
    "MISSING",
    "MOST_CATEGORIES",
    "as_number",
    "as_text",
    "check_finite",
    "holds_dates",
    "is_number",
    "is_plain",
    "kind_of",
    "numbers_the_rows",
    "shortened",
]

KINDS = ("number", "category")
MOST_CATEGORIES = 50  # of one column: each becomes an input
MISSING = "missing"  # the category of a value that is not there
DATE = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?"  # 2026-11-28, 28.11.2026, 11/28/26, with or without a time
NUMBER = r"\s*[-+]?\d[\d\s.,']*\s*%?\s*"
MOSTLY = 0.8


def kind_of(column: pd.Series) -> str:
    """One of `KINDS`.

    Raises
    ------
    ValueError
        If it is neither: dates, free text, infinite or complex numbers, lists. The message names the column, what was
        found, and what to do.
    """
    if holds_dates(column):
        raise ValueError(_of_dates(column))
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    if inferred in ("complex", "interval", "bytes"):
        raise ValueError(f"{_begin(column)} holds values of the kind {inferred!r}. {_leave_out(column)}")
    if is_number(column):
        check_finite(column)
        return "number"
    present = column.dropna()
    odd = next((value for value in present if not isinstance(value, str | bool | np.bool_ | numbers.Real)), None)
    if odd is not None:
        raise ValueError(
            f"{_begin(column)} holds values of the type {type(odd).__name__}. A column needs numbers or texts. "
            f"{_leave_out(column)}"
        )
    _check_texts(column, as_text(present))
    return "category"


def is_number(column: pd.Series) -> bool:
    """Whether the column holds numbers or truth values, missing ones aside."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return False
    if column.dtype != object:
        return pd.api.types.is_numeric_dtype(column.dtype)
    if pd.api.types.infer_dtype(column, skipna=True) not in ("integer", "floating", "mixed-integer-float", "decimal"):
        return False
    try:
        as_number(column)
    except (TypeError, ValueError):  # pd.NA among Python's numbers
        return False
    return True


def holds_dates(column: pd.Series) -> bool:
    """Whether the column holds dates, times, or texts that are written like dates."""
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    if inferred in ("datetime64", "datetime", "date", "timedelta64", "timedelta", "time", "period"):
        return True
    present = column.dropna()
    return inferred == "string" and len(present) > 0 and bool(as_text(present).str.fullmatch(DATE).all())


def numbers_the_rows(column: pd.Series) -> bool:
    """Whether it looks like a number or a name of the row: whole and without a repetition, or a text of its own."""
    if column.isna().any() or len(column) < 2 or (column if is_number(column) else as_text(column)).duplicated().any():
        return False
    if not is_number(column):
        return True
    values = as_number(column)
    return bool((values % 1 == 0).all() and values.max() - values.min() < 2 * len(values))


def check_finite(column: pd.Series) -> None:
    """Raise `ValueError` if a column of numbers holds infinite ones."""
    infinite, name = int(np.isinf(as_number(column)).sum()), column.name
    if infinite:
        raise ValueError(
            f"{_begin(column)} has {infinite:,} infinite values. Call them missing: "
            f"frame[{name!r}] = frame[{name!r}].replace([np.inf, -np.inf], np.nan)."
        )


def as_number(column: pd.Series) -> pd.Series:
    """The column as float64, NaN where a value is missing."""
    return column.astype("float64")


def as_text(column: pd.Series) -> pd.Series:
    """The column as texts, `MISSING` where a value is missing."""
    return column.astype(object).map(str).where(column.notna(), MISSING)


def is_plain(column: pd.Series, kind: str) -> bool:
    """Whether scikit-learn takes the column as it is: numbers of NumPy's, or texts without gaps."""
    if kind == "number":
        return isinstance(column.dtype, np.dtype) and column.dtype in ("float64", "int64", "bool")
    is_text = column.dtype == object or isinstance(column.dtype, pd.StringDtype)
    return is_text and not column.isna().any() and pd.api.types.infer_dtype(column) == "string"


def shortened(names: Iterable[object], most: int = 5) -> str:
    """A list in words: the first few, and how many more there are."""
    names = [str(name) for name in names]
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _check_texts(column: pd.Series, texts: pd.Series) -> None:
    """Raise `ValueError` if these are numbers kept as texts, or more different texts than categories may be."""
    different = texts.nunique()
    if different <= min(MOST_CATEGORIES, max(len(texts) // 2, 2)):
        return
    name = column.name
    if texts.str.fullmatch(NUMBER).mean() >= MOSTLY:
        raise ValueError(
            f"{_begin(column)} holds numbers kept as texts, for instance {texts.iloc[0]!r}. Make them numbers: "
            f'frame[{name!r}] = pd.to_numeric(frame[{name!r}], errors="coerce"), or read_csv(..., decimal=",").'
        )
    raise ValueError(
        f"{_begin(column)} holds {different:,} different texts in {len(texts):,} rows, for instance "
        f"{texts.iloc[0][:40]!r}: free text, or too many categories (at most {MOST_CATEGORIES}, and each in two rows "
        f"on average). {_leave_out(column)} Or join the rare ones under one name."
    )


def _begin(column: pd.Series) -> str:
    return f"The column {column.name!r}"


def _leave_out(column: pd.Series) -> str:
    return f"Leave it out: drop=[{column.name!r}]."


def _of_dates(column: pd.Series) -> str:
    name = column.name
    return (
        f"{_begin(column)} holds dates or times, which are no numbers yet. Make numbers of them, such as "
        f'frame["month"] = pd.to_datetime(frame[{name!r}]).dt.month. {_leave_out(column)}'
    )
