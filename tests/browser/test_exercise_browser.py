"""An exercise in a real JupyterLab: a student types, reads the hint, types again, and has the points."""

import importlib.util

import nbformat
import pytest

if importlib.util.find_spec("playwright") is None:
    pytest.skip("no Playwright: `pip install playwright`, and `apt-get install chromium`", allow_module_level=True)

from jupyter import HOW_TO_GET_ONE, ROOT, Notebook, browser, find_browser, jupyterlab

if find_browser() is None:
    pytest.skip(HOW_TO_GET_ONE, allow_module_level=True)

pytestmark = pytest.mark.slow
ANSWER = 1  # number of the cell that the student fills in; the check is the next one
ROUNDS_DOWN = [
    "def updates(rows, batch, epochs):",
    "return rows // batch * epochs",
    "",
    "def last_batch(rows, batch):",
    "return rows % batch",
]
NO_ROWS = [*ROUNDS_DOWN[:1], "return math.ceil(rows / batch) * epochs", *ROUNDS_DOWN[2:]]
RIGHT = [*NO_ROWS[:-1], "return rows % batch or batch"]


@pytest.fixture
def notebook(tmp_path):
    """Exercise 1.1 as it stands in the students' notebook: its imports, the cell to fill in, and the check."""
    stored = nbformat.read(ROOT / "lessons" / "exercises" / "01_generalization.ipynb", as_version=4)
    cells = [cell.source for cell in stored.cells if cell.cell_type == "code"]
    check = next(number for number, source in enumerate(cells) if source.startswith('check("01.1"'))
    with browser() as chromium, jupyterlab(tmp_path) as server:
        notebook = Notebook(
            chromium, server, tmp_path, [cells[0], *cells[check - 1 : check + 1]], name="exercise.ipynb"
        )
        notebook.run(0)
        yield notebook
        assert "Traceback" not in (tmp_path / "jupyter.log").read_text()
        notebook.close()


def type_answer(notebook, lines):
    """Replace the stub by typing; JupyterLab indents after a colon and keeps that for the next line."""
    notebook.page.locator(".jp-CodeCell").nth(ANSWER).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+a")
    for number, line in enumerate(lines):
        if number:
            notebook.page.keyboard.press("Enter")
        if line.startswith("def") and number:
            notebook.page.keyboard.press("Shift+Tab")  # back to the margin
        notebook.page.keyboard.type(line)
    notebook.run(ANSWER)


def test_an_exercise_goes_from_untouched_over_two_hints_to_all_points_by_typing(notebook):
    notebook.run(ANSWER)
    assert "0 of 2 points. Not attempted yet." in notebook.run(ANSWER + 1)
    type_answer(notebook, ROUNDS_DOWN)
    said = notebook.run(ANSWER + 1)
    assert "0 of 2 points" in said
    assert "left over" in said
    type_answer(notebook, NO_ROWS)
    said = notebook.run(ANSWER + 1)
    assert "1 of 2 points" in said
    assert "fit exactly" in said  # the second wrong answer: the stronger hint
    type_answer(notebook, RIGHT)
    said = notebook.run(ANSWER + 1)
    assert "2 of 2 points" in said
    assert "ceil(rows / batch)" in said
    assert not notebook.complaints
