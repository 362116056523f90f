"""Assignments for two graders, nbgrader and Otter, from the notebooks of solutions.

Both take a notebook with the solutions in it and make the students' one themselves; neither is needed here. In both,
each student's points are those of the check in the notebook.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell

from authoring.exercises import ANSWER_HERE, BEGIN, END, Part, read_outside, read_parts, with_names
from authoring.notebooks import KERNELSPEC

__all__ = ["GRADERS", "export", "nbgrader_notebook", "otter_notebook"]

IMPORT = "from course_utils.checks import check  # not one of a student's own"
NBGRADER_CONFIG = f'''"""For nbgrader 0.9: run its commands in this folder, where gradebook.db keeps the points."""

c = get_config()  # noqa: F821 - nbgrader brings it
c.ClearSolutions.begin_solution_delimeter = "{BEGIN}"
c.ClearSolutions.end_solution_delimeter = "{END}"
c.ClearSolutions.code_stub = {{"python": "..."}}
c.ClearSolutions.text_stub = "{ANSWER_HERE}"
c.Execute.timeout = 120  # seconds for a cell, on a computer that grades several at once
'''


def export(path: Path, grader: str, folder: Path) -> Path:
    """Write the assignment that a grader takes.

    Parameters
    ----------
    path : pathlib.Path
        A notebook of solutions.
    grader : {"nbgrader", "otter"}
    folder : pathlib.Path
        Of the course in the grader; made if it is not there.

    Returns
    -------
    pathlib.Path
        The notebook: for nbgrader `source/01_name/01_name.ipynb` below `folder`, beside `nbgrader_config.py`, which is
        written where there is none; for Otter `01_name/01_name.ipynb`.

    Raises
    ------
    FileNotFoundError, ValueError
        As `exercises.read_parts`.
    """
    path, folder = Path(path), Path(folder)
    notebook = GRADERS[grader](path)
    place = folder / "source" / path.stem if grader == "nbgrader" else folder / path.stem
    place.mkdir(parents=True, exist_ok=True)
    config = folder / "nbgrader_config.py"
    if grader == "nbgrader" and not config.exists():
        config.write_text(NBGRADER_CONFIG, encoding="utf8")
    nbformat.write(notebook, place / path.name)
    return place / path.name


def nbgrader_notebook(path: Path) -> NotebookNode:
    """The source notebook of an assignment of nbgrader, whose cells say in their metadata what they are."""
    lesson, cells, used = path.name.partition("_")[0], [], {}
    for part in _parts(path):
        cell = _plain(part)
        if part.kind in ("solution", "check", "written"):
            name = f"l{lesson}-q{part.number}" + {"solution": "", "check": "-check", "written": "-text"}[part.kind]
            used[name] = used.get(name, 0) + 1
            cell.metadata["nbgrader"] = {
                "schema_version": 3,
                "grade": part.kind != "solution",
                "solution": part.kind != "check",
                "locked": part.kind == "check",
                "task": False,
                "grade_id": name if used[name] == 1 else f"{name}-{used[name]}",
                **({"points": part.points} if part.points else {}),
            }
        if part.kind == "check":
            cell.source = f"{IMPORT}\n\n{cell.source}"
        cells.append(cell)
    return _notebook(cells)


def otter_notebook(path: Path) -> NotebookNode:
    """The master notebook of an assignment of Otter, with its blocks in raw cells.

    A check becomes one test for each of its points: a test passes or fails, so points are rounded to whole ones.
    """
    cells = [
        new_raw_cell(
            f"# ASSIGNMENT CONFIG\nname: {path.stem}\ninit_cell: true\nexport_cell: false\ncheck_all_cell: false\n"
            "generate: true\ntests:\n  files: true\n  ok_format: true"
        )
    ]
    parts = _parts(path)
    for number in sorted({part.number for part in parts}):
        some = [part for part in parts if part.number == number]
        cells += _otter_question(some) if number else [_plain(part) for part in some]
    return _notebook(cells)


def _otter_question(parts: list[Part]) -> Iterator[NotebookNode]:
    """The cells of one exercise: a question for what a program checks, another one for what a person reads."""
    number = parts[0].number
    checks, written = ([part for part in parts if part.kind == kind] for kind in ("check", "written"))
    open_question = "# BEGIN QUESTION\nname: {name}\npoints: {points:g}\nmanual: {manual}"
    coded = [part for part in parts if part.kind != "written"]
    if checks:
        yield new_raw_cell(open_question.format(name=f"q{number}", points=checks[0].points, manual="false"))
    for part in coded:
        if part.kind == "solution":
            yield from _block("SOLUTION", [_plain(part)])
        elif part.kind != "check":
            yield _plain(part)
    if checks:
        yield from _block("TESTS", _otter_tests(checks[0]))
        yield new_raw_cell("# END QUESTION")
        yield _plain(checks[0])  # in which a student reads the hint
    if written:
        yield new_raw_cell(open_question.format(name=f"q{number}_text", points=written[0].points, manual="true"))
        yield from _block("PROMPT", [new_markdown_cell(ANSWER_HERE)])
        yield from _block("SOLUTION", [_plain(written[0])])
        yield new_raw_cell("# END QUESTION")


def _otter_tests(part: Part) -> Iterator[NotebookNode]:
    """A test for each point of a check: `find_check` is the check without the counting of attempts."""
    call = ast.parse(part.cell.source, mode="eval").body
    exercise, *arguments = [ast.unparse(one) for one in (*call.args, *call.keywords)]
    for point in range(1, int(part.points) + 1):
        source = (
            "from course_utils.checks import find_check\n"
            f"bool(find_check({exercise})({', '.join(arguments)}).points >= {point - 0.5})"
        )
        yield new_code_cell(source, outputs=[new_output("execute_result", {"text/plain": "True"}, execution_count=1)])


def _block(name: str, cells: list[NotebookNode]) -> Iterator[NotebookNode]:
    yield new_raw_cell(f"# BEGIN {name}")
    yield from cells
    yield new_raw_cell(f"# END {name}")


def _parts(path: Path) -> list[Part]:
    """What students get; names that their cells read hold `...` until they are answered."""
    parts = read_parts(path)
    needed = read_outside(parts)
    for part in parts:
        if part.kind == "solution":
            part.cell.source = with_names(part.cell.source, needed)
    return [part for part in parts if part.kind != "why"]


def _plain(part: Part) -> NotebookNode:
    """The cell without outputs and tags."""
    make = new_markdown_cell if part.cell.cell_type == "markdown" else new_code_cell
    return make(part.cell.source)


def _notebook(cells: list[NotebookNode]) -> NotebookNode:
    """With ids that are the same each time."""
    for number, cell in enumerate(cells, start=1):
        cell.id = f"cell-{number:02d}"
    return nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    )


GRADERS = {"nbgrader": nbgrader_notebook, "otter": otter_notebook}
