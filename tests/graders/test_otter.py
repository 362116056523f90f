"""Otter gives the points of the checks, rounded to whole ones."""

import subprocess
import sys

import pytest

from authoring.graders import export
from tests.graders.submissions import NAME, SOLUTIONS, STUDENTS, hand_in

pytest.importorskip("otter", reason="`.ci/graders` installs it")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A folder with an assignment of Otter, for students and for its autograder."""
    folder = tmp_path_factory.mktemp("course")
    master = export(SOLUTIONS, "otter", folder)
    command = [sys.executable, "-m", "otter", "assign", str(master), str(folder / "dist")]  # runs the tests, too
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "dist"


def test_students_get_no_solution(course):
    text = (course / "student" / f"{NAME}.ipynb").read_text(encoding="utf8")
    assert "SOLUTION" not in text
    assert "math.ceil" not in text
    assert "*Why.*" not in text


@pytest.mark.parametrize("student", STUDENTS)
def test_points_are_those_of_the_checks(course, student, tmp_path, monkeypatch):
    from otter.run import main  # noqa: PLC0415

    handed_in = hand_in(course / "student" / f"{NAME}.ipynb", student, tmp_path / f"{NAME}.ipynb")
    (autograder,) = (course / "autograder").glob("*.zip")
    monkeypatch.chdir(tmp_path)
    results = main(str(handed_in), autograder=str(autograder), output_dir=str(tmp_path), no_logo=True)
    points = {name: result.score for name, result in results.results.items() if not name.endswith("_text")}
    wanted = dict.fromkeys(points, 0)
    wanted["q1"] = STUDENTS[student][1]
    assert points == wanted
