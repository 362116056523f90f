"""nbgrader gives the points of the checks."""

import subprocess
import sys

import nbformat
import pytest

from authoring.graders import export
from tests.graders.submissions import NAME, SOLUTIONS, STUDENTS, hand_in

pytest.importorskip("nbgrader", reason="`.ci/graders` installs it")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A folder of nbgrader with an assignment that was handed in by three students and graded."""
    folder = tmp_path_factory.mktemp("course")
    export(SOLUTIONS, "nbgrader", folder)
    nbgrader(folder, "generate_assignment", NAME)
    released = folder / "release" / NAME / f"{NAME}.ipynb"
    for student in STUDENTS:
        hand_in(released, student, folder / f"submitted/{student}/{NAME}/{NAME}.ipynb")
    nbgrader(folder, "autograde", NAME)
    return folder


def nbgrader(folder, *command):
    command = [sys.executable, "-m", "nbgrader", *command]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_students_get_no_solution(course):
    released = nbformat.read(course / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in released.cells)
    assert "SOLUTION" not in text
    assert "math.ceil" not in text
    assert "*Why.*" not in text


@pytest.mark.parametrize("student", STUDENTS)
def test_points_are_those_of_the_checks(course, student):
    from nbgrader.api import Gradebook  # noqa: PLC0415

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        grades = gradebook.find_submission_notebook(NAME, NAME, student).grades
        points = {grade.name: grade.auto_score for grade in grades if grade.cell.cell_type == "code"}
    wanted = dict.fromkeys(points, 0)
    wanted["l01-q1-check"] = STUDENTS[student][1]
    assert points == wanted


def test_nothing_is_written_to_stderr_which_would_cost_all_points(course):
    for student in STUDENTS:
        graded = nbformat.read(course / f"autograded/{student}/{NAME}/{NAME}.ipynb", as_version=4)
        outputs = [output for cell in graded.cells for output in cell.get("outputs", [])]
        assert [output for output in outputs if output.get("name") == "stderr"] == []
        assert [output for output in outputs if output.output_type == "error"] == []
