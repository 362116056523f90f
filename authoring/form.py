"""The form of a lesson: what the course's style asks of a notebook, as far as a program can see it.

A lesson that has a notebook of the same name in `further/` is a *core* of one hour: its limits are tighter than those
of a lesson that still holds everything. What stands in `further/` keeps to nearly the same.
"""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import nbformat

__all__ = ["code_cells", "count_lines", "minutes", "problems_of_form", "unsupported_numbers"]

READING, PREDICT = "*Reading.*", "**Predict"
LINK_TO_EXERCISE = re.compile(r"\[[^\]]*\]\(exercises/[^)]*\)")  # [exercise 3.2](exercises/…)
CLAIM, PREDICTION = "claim", "predict"  # tags of cells; of predictions, the form and what came out
VOTED = 4  # predictions that a class votes on


@dataclass(frozen=True)
class Limits:
    """From how many to how many."""

    cells: tuple[int, int]
    words: tuple[int, int]
    headings: tuple[int, int]
    lines: int  # of code, but for imports, and for claims, which a student's copy may hide
    predictions: int
    figures: int
    median: int  # lines of a cell
    short: float = 0.6  # share of the cells with at most ten lines
    introduced: float = 0.8  # share of the cells with prose before them


WHOLE = Limits((15, 35), (700, 1800), (4, 7), lines=1000, predictions=99, figures=99, median=5, short=0.85)
CORE = Limits((15, 22), (700, 1200), (4, 7), lines=150, predictions=10, figures=10, median=10)
FURTHER = Limits((5, 22), (200, 1200), (2, 8), lines=150, predictions=10, figures=10, median=10, introduced=0.6)


def problems_of_form(notebook: nbformat.NotebookNode, limits: Limits) -> Iterator[str]:
    """Say what breaks the rules of form."""
    code = [cell for cell in code_cells(notebook) if not _is_tagged(cell, PREDICTION)]
    plain = [cell for cell in code[1:] if not _is_tagged(cell, CLAIM)]
    lengths = list(map(count_lines, plain))
    kinds = [cell.cell_type for cell in notebook.cells if cell.source.strip() and not _is_tagged(cell, PREDICTION)]
    introduced = sum(before == "markdown" for before, kind in itertools.pairwise(kinds) if kind == "code")
    if kinds[:1] != ["markdown"] or not _texts(notebook)[0].startswith("# "):
        yield "the first cell is no title"
    yield from _outside("code cells", len(code), limits.cells)
    yield from _outside("second-level headings", _headings(notebook), limits.headings)
    yield from _outside("words of prose", _words(notebook), limits.words)
    yield from _outside("lines of code", sum(lengths), (0, limits.lines))
    yield from _outside("predictions", _predictions(notebook), (0, limits.predictions))
    yield from _outside("figures", sum(map(_figures, code)), (0, limits.figures))
    if statistics.median(lengths or [0]) > limits.median:
        yield f"half of the cells have over {statistics.median(lengths)} lines"
    if sum(length <= 10 for length in lengths) < limits.short * len(lengths):
        yield f"fewer than {limits.short:.0%} of the cells have at most 10 lines"
    if introduced < limits.introduced * len(code):
        yield f"prose before {introduced} of {len(code)} code cells, not before {limits.introduced:.0%}"
    if max(map(_figures, code), default=0) > 1:
        yield "a cell shows more than one figure"
    if limits is not WHOLE:
        yield from _problems_of_parts(notebook)


def minutes(notebook: nbformat.NotebookNode, *, waiting: float) -> float:
    """How long a class needs for a notebook, in minutes, if `waiting` is how many seconds its cells run.

    Words at 130 a minute; a third of the code lines at 8 a minute; 1 for each figure; 3.5 for each of four predictions
    that are voted on and 1 for each other one; 10 for sliders; 3 for the summary.
    """
    code, predictions = code_cells(notebook), _predictions(notebook)
    voted = min(VOTED, predictions)
    sliders = any(re.search(r"^Explorer\(", cell.source, re.MULTILINE) for cell in code)
    reading = _words(notebook) / 130 + sum(map(count_lines, code)) / 3 / 8 + sum(map(_figures, code))
    return reading + 3.5 * voted + (predictions - voted) + 10 * sliders + 3 + waiting / 60


def unsupported_numbers(notebook: nbformat.NotebookNode) -> list[str]:
    """Numbers with a decimal point in a *Reading* or the summary that stand in no code and no output as text.

    One that is read off a figure is among them, so this is a list to look at, not one of errors. An output supports a
    number if it rounds to it.
    """
    code = code_cells(notebook)
    texts = [cell.source for cell in code]
    texts += [str(output.get("text", "") or output.get("data", {})) for cell in code for output in cell.outputs]
    shown = {float(number) for text in texts for number in re.findall(r"\d+\.\d+(?:e-?\d+)?|\b\d+e-?\d+", text)}
    found = []
    for text in _texts(notebook):
        if not text.startswith((READING, "## Summary")):
            continue
        for number in re.findall(r"(?<![\w/])\d+\.\d+", LINK_TO_EXERCISE.sub("", text)):
            digits = len(number.split(".")[1])
            if not any(f"{value:.{digits}f}" == number or value == float(number) for value in shown):
                found.append(number)
    return found


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The cells with code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def count_lines(cell: nbformat.NotebookNode) -> int:
    """Lines that are not empty; the first one of every lesson, which nobody has to read, does not count."""
    lines = (line.strip() for line in cell.source.splitlines())
    return sum(bool(line) and not line.startswith("import course_utils.quiet") for line in lines)


def _problems_of_parts(notebook: nbformat.NotebookNode) -> Iterator[str]:
    """Claim, Reading, prediction and prompt each stand in a cell of their own; a figure says what it shows."""
    for number, cell in enumerate(code_cells(notebook), start=1):
        claims, tagged = "claim(" in cell.source, _is_tagged(cell, CLAIM)
        if claims != tagged:
            yield f"code cell {number} {'makes' if claims else 'is tagged as'} a claim: one cell, and the tag `claim`"
        asks = re.search(r"(?<![\w.])(?:predict\(|score\(.\d\d)|\.reveal\(", cell.source) is not None
        if asks != _is_tagged(cell, PREDICTION):
            what = "asks for or reveals" if asks else "is tagged as"
            yield f"code cell {number} {what} a prediction: one cell, and the tag `{PREDICTION}`"
        if claims and _figures(cell):
            yield f"code cell {number} makes a claim and draws: two cells"
        if _figures(cell) and not cell.metadata.get("alt"):
            yield f"code cell {number} has a figure without alternative text: metadata `alt`"
    for text in _texts(notebook):
        if READING in text and not text.startswith(READING):
            yield f"a Reading does not begin its cell: {text[:60]!r}"
        if READING in text and PREDICT in text:
            yield f"a Reading and the next prompt stand in one cell: {text[:60]!r}"


def _is_tagged(cell: nbformat.NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def _outside(what: str, n: int, limits: tuple[int, int]) -> Iterator[str]:
    if not limits[0] <= n <= limits[1]:
        yield f"{n:,} {what}, not {limits[0]:,} to {limits[1]:,}"


def _texts(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown" and cell.source.strip()]


def _headings(notebook: nbformat.NotebookNode) -> int:
    return sum(line.startswith("## ") for text in _texts(notebook) for line in text.splitlines())


def _words(notebook: nbformat.NotebookNode) -> int:
    """All that stands between blanks and holds a letter or a digit: tables, formulas and numbers too."""
    return sum(bool(re.search(r"\w", word)) for text in _texts(notebook) for word in text.split())


def _predictions(notebook: nbformat.NotebookNode) -> int:
    forms = sum(_is_tagged(cell, PREDICTION) and "predict(" in cell.source for cell in code_cells(notebook))
    return forms + sum(PREDICT in text for text in _texts(notebook))


def _figures(cell: nbformat.NotebookNode) -> int:
    return sum("image/png" in output.get("data", {}) for output in cell.outputs)
