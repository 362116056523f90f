"""Which call of pandas reads a table from its file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from course_utils.columns import as_number, as_text, is_number
from course_utils.steps import quoted

__all__ = ["reading_call"]

FORMATS = ({}, {"sep": ";"}, {"sep": ";", "decimal": ","}, {"sep": "\t"})  # of text files, the usual one first


def reading_call(path: str, frame: pd.DataFrame, *, unused: Sequence[str] = ()) -> str:
    """The call that reads `frame` from this file: `pd.read_csv("flats.csv", sep=";")`.

    The values of `unused` columns are not compared.

    Raises
    ------
    ValueError
        If there is no such file, or it holds another table; the message says what differs.
    """
    if not Path(path).is_file():
        raise ValueError(
            f"source={str(path)!r} is no file in {Path.cwd()}. Give the path of the CSV file that holds this table, or "
            "leave source out."
        )
    differences = []
    for options in FORMATS:
        try:
            found = pd.read_csv(path, **options).rename(columns=str)
        except (ValueError, pd.errors.ParserError) as error:
            differences.append(str(error))
            continue
        difference = next(_differences(found, frame, unused), None)
        if difference is None:
            words = "".join(f", {name}={quoted(value)}" for name, value in options.items())
            return f"pd.read_csv({quoted(str(path))}{words})"
        differences.append(difference)
    # A file that is read in the wrong format has one column only; the best attempt tells more.
    raise ValueError(
        f"source={str(path)!r} does not hold this table: {max(differences, key=_closeness)} Save it with "
        f"frame.to_csv({str(path)!r}, index=False) and use what pd.read_csv reads from there, or leave source out."
    )


def _differences(found: pd.DataFrame, frame: pd.DataFrame, unused: Sequence[str]) -> Iterator[str]:
    """What the table in the file has that the frame has not, or the other way round."""
    if list(found.columns) != list(frame.columns):
        more = [name for name in found.columns if name not in set(frame.columns)]
        less = [name for name in frame.columns if name not in set(found.columns)]
        which = (
            f"it has the column {more[0]!r}" if more else f"it has no column {less[0]!r}" if less else "another order"
        )
        yield f"the columns differ ({which})."
    elif len(found) != len(frame):
        yield f"the rows differ: {len(found):,} in the file, {len(frame):,} in the table."
    else:
        for name in frame.columns:
            if name not in unused and not _is_same(found[name], frame[name]):
                yield f"the values differ in the column {name!r}."


def _is_same(one: pd.Series, other: pd.Series) -> bool:
    if is_number(one) and is_number(other):
        return np.allclose(as_number(one), as_number(other), equal_nan=True)
    return not is_number(one) and not is_number(other) and as_text(one).tolist() == as_text(other).tolist()


def _closeness(difference: str) -> int:
    """How far a comparison came before it failed."""
    return ("columns" not in difference) + ("values" in difference)
