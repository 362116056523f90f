"""From a notebook of solutions, the single source of a lesson's exercises, to the students' version.

In a notebook of `lessons/solutions/`, tags say what a cell is: `solution` holds an answer, between `# BEGIN SOLUTION`
and `# END SOLUTION`; `check` calls `check("01.1", …)` and has `points-2` beside it; `written` is a model answer in
words, with points, too; `why` is a reason or a rubric, which students do not get. `read_parts` reads that form and
refuses what breaks it; `students_version` leaves the answers out. `graders` makes assignments from the same parts.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from authoring.notebooks import LESSONS, check, record

__all__ = [
    "ANSWER_HERE",
    "BEGIN",
    "END",
    "EXERCISES",
    "SOLUTIONS",
    "Part",
    "cells_of",
    "make_exercises",
    "read_outside",
    "read_parts",
    "solutions",
    "stubs",
    "students_version",
    "with_names",
]

SOLUTIONS, EXERCISES = "solutions", "exercises"  # folders below lessons/
BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
KINDS = {"solution": "code", "check": "code", "written": "markdown", "why": "markdown"}  # tags; in which cells
ANSWER_HERE = "*Your answer here (about 60 words).*"
HEADING = re.compile(r"^## Exercise (\d+)\.(\d+): \S")


@dataclass(frozen=True)
class Part:
    """A cell of a notebook of solutions.

    Attributes
    ----------
    cell : nbformat.NotebookNode
    kind : str
        One of the tags in `KINDS`; "text" or "code" for any other cell.
    number : int
        Of the exercise within its lesson; 0 before the first one.
    points : float
        Of a check or a written answer; 0 for the others.
    """

    cell: NotebookNode
    kind: str
    number: int
    points: float = 0


def solutions() -> list[Path]:
    """All notebooks with solutions, in order."""
    return sorted((LESSONS / SOLUTIONS).glob("*.ipynb"))


def read_parts(path: Path) -> list[Part]:
    """The cells of a notebook of solutions, with what each of them is.

    Raises
    ------
    FileNotFoundError
        If there is no such notebook.
    ValueError
        If it breaks the form; names the notebook and the cell, counted from 1.
    """
    path = Path(path)
    lesson = path.name.partition("_")[0]
    if not lesson.isdecimal():
        raise ValueError(f"{path.name} does not begin with the number of a lesson.")
    number, found = 0, []
    for place, cell in enumerate(nbformat.read(path, as_version=4).cells, start=1):
        where = f"{path.name}, cell {place}"
        heading = HEADING.match(cell.source) if cell.cell_type == "markdown" else None
        if heading:
            number += 1
            if (int(heading[1]), int(heading[2])) != (int(lesson), number):
                raise ValueError(f"{where}: the heading is not `## Exercise {int(lesson)}.{number}: …`.")
        part = _read_part(cell, number, where)
        if part.kind == "check":
            _read_call(cell.source, f"{lesson}.{number}", where)
        if part.points and any((part.kind, number) == (one.kind, one.number) for one in found):
            raise ValueError(f"{where}: exercise {number} has a {part.kind} already; one of a kind has the points.")
        found.append(part)
    if not number:
        raise ValueError(f"{path.name} has no heading `## Exercise {int(lesson)}.1: …`.")
    return found


def students_version(path: Path) -> NotebookNode:
    """The notebook that a student gets: without answers, reasons and outputs; with a link to the solutions.

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_parts`.
    """
    path, cells, parts = Path(path), [], read_parts(path)
    needed = read_outside(parts)
    for part in parts:
        if part.kind == "why":
            continue
        source = part.cell.source
        if part.kind == "solution":
            source = stubs(source, needed)
        elif part.kind == "written":
            source = ANSWER_HERE
        if not cells:
            source += f"\n\nStuck? [Solutions](../{SOLUTIONS}/{path.name}), after you have tried."
        make = nbformat.v4.new_code_cell if part.cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        cells.append(make(source, metadata=part.cell.metadata, id=f"cell-{len(cells) + 1:02d}"))
    return nbformat.v4.new_notebook(cells=cells)


def make_exercises(path: Path) -> tuple[Path, bool]:
    """Write and record the students' version of a notebook of solutions, unless it is there already.

    Returns
    -------
    tuple of pathlib.Path and bool
        The students' version, and whether it was written now.

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_parts`.
    RuntimeError
        If a cell of the students' version fails; what was there stays.
    """
    made, target = students_version(path), LESSONS / EXERCISES / Path(path).name
    if target.is_file() and cells_of(nbformat.read(target, as_version=4)) == cells_of(made) and not check(target):
        return target, False
    target.parent.mkdir(exist_ok=True)
    new = target.with_name(f"{target.name}.new")
    try:
        nbformat.write(made, new)
        record(new)
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)
    return target, True


def cells_of(notebook: NotebookNode) -> list[tuple[str, str, list[str]]]:
    """What has to agree between a students' version and its solutions: kind, source and tags of each cell."""
    return [(cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in notebook.cells]


def read_outside(parts: Iterable[Part]) -> set[str]:
    """The names that code outside of the regions reads: of what a region binds, a student has to know these alone.

    Raises
    ------
    ValueError
        If a code cell is no Python.
    """
    names = set()
    for part in parts:
        if part.cell.cell_type != "code":
            continue
        try:
            tree = ast.parse(stubs(part.cell.source))
        except SyntaxError as error:
            raise ValueError(f"exercise {part.number}, a code cell is no Python: {error.msg}: {error.text}") from error
        names |= {one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    return names


def stubs(source: str, needed: Container[str] | None = None) -> str:
    """A cell with `...` in place of each region, or with `name = ...` for each name that a region at the top binds.

    Parameters
    ----------
    source : str
        Of the cell.
    needed : container of str, optional
        Of the names, only these; without it, all.
    """
    lines = []
    for is_solution, some in _regions(source, "cell"):
        indent = _indent(some[0])
        names = _names(some) if is_solution and not indent else []
        names = [name for name in names if needed is None or name in needed]
        lines += ([f"{name} = ..." for name in names] or [f"{indent}..."]) if is_solution else some
    return "\n".join(lines)


def with_names(source: str, needed: Container[str] | None = None) -> str:
    """A cell for graders, which put `...` for a region: before one at the top, its names are bound to `...`.

    So a check cell runs where nothing was answered, instead of ending in a `NameError`. Of the names, only those in
    `needed` are bound, if it is given.
    """
    lines = []
    for is_solution, some in _regions(source, "cell"):
        if is_solution and not _indent(some[0]):
            lines += [f"{name} = ..." for name in _names(some) if needed is None or name in needed]
        lines += some
    return "\n".join(lines)


def _read_part(cell: NotebookNode, number: int, where: str) -> Part:
    """Say what a cell is, if its tags, kind and content agree."""
    tags = cell.metadata.get("tags", [])
    kinds = [tag for tag in tags if tag in KINDS]
    points = [tag.removeprefix("points-") for tag in tags if tag.startswith("points-")]
    if len(kinds) > 1 or len(points) > 1:
        raise ValueError(f"{where}: the tags {', '.join(tags)} are not of one kind.")
    kind = kinds[0] if kinds else {"markdown": "text"}.get(cell.cell_type, "code")
    if kinds and (cell.cell_type != KINDS[kind] or not number):
        raise ValueError(f"{where}: `{kind}` is a tag of {KINDS[kind]} cells below the heading of an exercise.")
    if (kind in ("check", "written")) != bool(points) or not all(re.fullmatch(r"[1-9]\d*", one) for one in points):
        raise ValueError(f"{where}: a check or a written answer has a tag such as points-2, and no other cell has one.")
    has_region = any(is_solution for is_solution, _ in _regions(cell.source, where))
    if has_region != (kind == "solution"):
        need = f"has no lines between `{BEGIN}` and `{END}`" if kind == "solution" else "has a region, but no such tag"
        raise ValueError(f"{where}: a cell with the tag `solution` has such a region; this one {need}.")
    return Part(cell, kind, number, float(points[0]) if points else 0)


def _regions(source: str, where: str) -> Iterator[tuple[bool, list[str]]]:
    """The lines of a cell in turns: outside of a region, and in one, with its first and last line."""
    some, inside = [], False
    for line in source.splitlines():
        text = line.strip()
        if ("BEGIN SOLUTION" in text or "END SOLUTION" in text) and text not in (BEGIN, END):
            raise ValueError(f"{where}: `{text}` is neither `{BEGIN}` nor `{END}` on a line of its own.")
        if text == (BEGIN if inside else END):
            raise ValueError(f"{where}: `{text}` without {f'`{END}` before it' if inside else f'`{BEGIN}`'}.")
        if text == BEGIN:
            if some:
                yield False, some
            some, inside = [line], True
        elif text == END:
            some.append(line)
            if not any(one.strip() for one in some[1:-1]):
                raise ValueError(f"{where}: nothing stands between `{BEGIN}` and `{END}`.")
            if _indent(line) != _indent(some[0]):
                raise ValueError(f"{where}: `{END}` is not indented as its `{BEGIN}`.")
            if not _indent(line):
                _names(some, where)
            yield True, some
            some, inside = [], False
        else:
            some.append(line)
    if inside:
        raise ValueError(f"{where}: `{BEGIN}` without `{END}`.")
    if some:
        yield False, some


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _names(region: list[str], where: str = "cell") -> list[str]:
    """The names that a region binds at the top: by assignment, or as a function or class."""
    try:
        tree = ast.parse(textwrap.dedent("\n".join(region)))
    except SyntaxError as error:
        raise ValueError(f"{where}: what stands in a region is no Python by itself: {error.msg}.") from error
    names: dict[str, None] = {}

    def visit(statements: list[ast.stmt]) -> None:
        for statement in statements:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                names[statement.name] = None
                continue  # what is bound inside is its own
            targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
            if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                for node in (node for target in targets for node in ast.walk(target)):
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                        names[node.id] = None
            for field in ("body", "orelse", "handlers", "finalbody"):
                visit(getattr(statement, field, []))

    visit(tree.body)
    return list(names)


def _read_call(source: str, exercise: str, where: str) -> None:
    """Refuse a check cell that is anything but one call `check("01.1", …)` for its own exercise."""
    try:
        call = ast.parse(source, mode="eval").body
        is_right = call.func.id == "check" and call.args[0].value == exercise
    except (SyntaxError, AttributeError, IndexError):
        is_right = False
    if not is_right:
        raise ValueError(f'{where}: a check cell is one line, `check("{exercise}", …)`.')
