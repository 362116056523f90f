"""The cells tagged `plain` of the lesson on a table of one's own are a script that needs nothing of the course."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
LESSON = ROOT / "lessons" / "10_your_own_data.ipynb"


def plain_cells() -> list[str]:
    cells = nbformat.read(LESSON, as_version=4).cells
    return [cell.source for cell in cells if "plain" in cell.metadata.get("tags", [])]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder beside the data, far from the repository, in which the course cannot be imported."""
    (tmp_path / "data").mkdir()
    shutil.copy(ROOT / "data" / "cars.csv", tmp_path / "data")
    project = tmp_path / "project"
    project.mkdir()
    (project / "course_utils.py").write_text("raise ImportError('the plain path uses the course')\n", encoding="utf8")
    return project


def run(script: str, folder: Path) -> subprocess.CompletedProcess:
    (folder / "plain.py").write_text(script, encoding="utf8")
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "plain.py"], cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False
    )


def test_the_reader_sees_which_cells_are_plain() -> None:
    cells = nbformat.read(LESSON, as_version=4).cells
    marked = [cell.source for cell in cells if cell.cell_type == "code" and "# plain" in cell.source.splitlines()[0]]
    assert marked == plain_cells()
    assert len(marked) > 5


def test_plain_cells_run_as_a_script_from_the_file_to_the_loaded_model(folder: Path) -> None:
    done = run("\n\n".join(plain_cells()), folder)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "loaded, same answers: True" in done.stdout


def test_a_script_that_uses_the_course_fails(folder: Path) -> None:
    done = run("import course_utils", folder)
    assert done.returncode != 0
    assert "the plain path uses the course" in done.stderr
