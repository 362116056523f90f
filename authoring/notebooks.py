"""Recording and checking notebooks.

`record` executes notebooks and stores their outputs in the form that strict nbval compares on every later run.
`check` applies the rules of the course's style that a program can see. Without a path, both take all notebooks under
`lessons/`; one that cannot be read or recorded is named, and the next one is looked at.
"""

from __future__ import annotations

import base64
import io
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from PIL import Image

from authoring import form
from authoring.form import code_cells, count_lines

__all__ = ["check", "execute", "find_notebooks", "record", "smaller"]

LESSONS = Path(__file__).resolve().parent.parent / "lessons"
FURTHER = "further"
MAX_BYTES = 1_000_000
CELL_TIMEOUT = 240  # seconds, as in the tests
FAILED_CLAIM = "✘"
KEPT = ("tags", "alt")  # of a cell's metadata
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

# What a notebook inherits from pytest when nbval runs it, and TensorFlow's log lines, which nbval does not see.
RECORD_ENVIRONMENT = {"PYTEST_CURRENT_TEST": "recording", "TF_CPP_MIN_LOG_LEVEL": "3"}

# A path that exists on one machine only.
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/])/(?:home|Users|root|tmp|work|usr|opt|var)/\w|\b[A-Z]:\\\\?\w|ipykernel_\d+")
SHELL_COMMAND = re.compile(r"^\s*(?:[\w, ]+=\s*)?(?:!|%%?(?:bash|sh|cmd|system|sx|pip|conda)\b|%%script)", re.MULTILINE)

# A run that diverged has NaN, whose every comparison is False: `~` would turn it into a claim that held.
NEGATED_COMPARISON = re.compile(r"~\s*\([^)\n]*[<>]")


def find_notebooks(folder: Path = LESSONS) -> list[Path]:
    """All notebooks below `folder`, in order, without Jupyter's checkpoints."""
    return sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def record(path: Path, *, timeout: int = CELL_TIMEOUT) -> float:
    """Execute a notebook from its own folder and store it with its outputs.

    The file is replaced only after every cell has run. Widget state, timings and the kernel's version are not stored.

    Parameters
    ----------
    path : pathlib.Path
    timeout : int
        Seconds that a single cell may take.

    Returns
    -------
    float
        Seconds from the start of the kernel to the end of the last cell.

    Raises
    ------
    FileNotFoundError
        If there is no such notebook.
    RuntimeError
        If a cell fails, or takes too long; names the cell and its error. The file stays as it was.
    ValueError
        If the file is no notebook.
    """
    path = Path(path)
    notebook = _read(path)
    started = time.perf_counter()
    try:
        execute(notebook, path.parent, timeout=timeout)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise RuntimeError(f"{path.name} was not recorded, because a cell fails:\n{error}") from error
    seconds = time.perf_counter() - started
    _tidy(notebook)
    temporary = path.with_suffix(".ipynb.tmp")
    nbformat.write(notebook, temporary)
    temporary.replace(path)
    return seconds


def execute(notebook: nbformat.NotebookNode, folder: Path, *, timeout: int = CELL_TIMEOUT, **environment: str) -> None:
    """Run all cells of a notebook in a kernel of its own, from this folder, and keep their outputs in it.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    folder : pathlib.Path
    timeout : int
        Seconds that a single cell may take.
    **environment
        Variables for the kernel, on top of those of this process.

    Raises
    ------
    CellExecutionError, CellTimeoutError, DeadKernelError
        From `nbclient`.
    """
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        coalesce_streams=True,
    )
    client.execute(env={**RECORD_ENVIRONMENT, **os.environ, **environment})


def check(path: Path) -> list[str]:
    """Say what in a recorded notebook breaks the rules; an empty list if nothing does.

    All notebooks: executed in order; no error, stderr, failed claim, absolute path, widget state, shell command or
    negated comparison; below 1 MB; cells of at most 25 lines. Lessons and what is further to them also keep to the
    rules of `authoring.form`.

    Raises
    ------
    FileNotFoundError
        If there is no such notebook.
    ValueError
        If the file is no notebook.
    """
    path = Path(path)
    notebook = _read(path)
    problems = [*_problems_of_outputs(notebook), *_problems_of_sources(notebook)]
    if path.stat().st_size > MAX_BYTES:
        problems.append(
            f"the file has {path.stat().st_size:,} bytes, more than {MAX_BYTES:,}: lower the dpi of figures"
        )
    limits = _limits(path.resolve())
    return problems if limits is None else [*problems, *form.problems_of_form(notebook, limits)]


def _limits(path: Path) -> form.Limits | None:
    """The limits for a lesson, or for what is further to it; None for a notebook that is neither."""
    if path.parent == LESSONS / FURTHER:
        return form.FURTHER
    if path.parent == LESSONS:
        return form.CORE if (LESSONS / FURTHER / path.name).is_file() else form.WHOLE
    return None


def _read(path: Path) -> nbformat.NotebookNode:
    if not path.is_file():
        raise FileNotFoundError(f"There is no notebook {path}. Notebooks here: {[p.name for p in find_notebooks()]}")
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # of whatever kind: a merge conflict, half a file, another format
        raise ValueError(f"{path.name} is no notebook: {error}. Mend it, or take its last version.") from error
    return notebook


def _tidy(notebook: nbformat.NotebookNode) -> None:
    """Keep what the course needs, so that recording twice changes nothing but results; pictures in 256 colours."""
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": {"name": "python"}})
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02d}"
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in KEPT if cell.metadata.get(key)})
        for output in cell.get("outputs", []):
            picture = output.get("data", {}).get("image/png")
            if picture:
                output.data["image/png"] = smaller(picture)


def smaller(picture: str) -> str:
    """A PNG file in base64 with 256 colours, if that is smaller: figures have few colours, but for their soft edges.

    White stays white, and a picture with transparent parts is left as it is.
    """
    with Image.open(io.BytesIO(base64.b64decode(picture))) as full:
        if full.convert("RGBA").getchannel("A").getextrema() != (255, 255):
            return picture
        # The default, median cut, loses the thin line of a rare colour.
        reduced = full.convert("RGB").quantize(
            256, method=Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE
        )
    file = io.BytesIO()
    reduced.save(file, "png", optimize=True)
    found = base64.b64encode(file.getvalue()).decode()
    return found if len(found) < len(picture) else picture


def _problems_of_outputs(notebook: nbformat.NotebookNode) -> Iterator[str]:
    if "widgets" in notebook.metadata:
        yield "widget state is stored, which breaks the view on GitHub: record it again"
    cells = code_cells(notebook)
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        yield "the cells were not executed once each, from top to bottom: record it again"
    for number, cell in enumerate(cells, start=1):
        for output in cell.outputs:
            text = str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                yield f"code cell {number} ends in an error: {output.ename}: {output.evalue}"
            if output.get("name") == "stderr":
                yield f"code cell {number} writes to stderr: {output.text.strip()[:80]!r}"
            if FAILED_CLAIM in text:
                yield f"code cell {number} makes a claim that did not hold: {text.strip()[:120]!r}"
            if ABSOLUTE_PATH.search(text + str(output.get("data", {}).get("text/html", ""))):
                yield f"code cell {number} prints a path or name of one machine: {text.strip()[:120]!r}"


def _problems_of_sources(notebook: nbformat.NotebookNode) -> Iterator[str]:
    for number, cell in enumerate(code_cells(notebook), start=1):
        if count_lines(cell) > 25:
            yield f"code cell {number} has {count_lines(cell)} lines, more than 25: import what is not taught here"
        if SHELL_COMMAND.search(cell.source):
            yield f"code cell {number} runs a shell command: use Python"
        if NEGATED_COMPARISON.search(cell.source):
            yield f"code cell {number} negates a comparison, which makes NaN true: write `a >= b` for `~(a < b)`"
    for cell in notebook.cells:
        if ABSOLUTE_PATH.search(cell.source):
            yield f"a cell names an absolute path: {ABSOLUTE_PATH.search(cell.source).group(0)!r}"
