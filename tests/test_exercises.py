"""Students' versions and graders' assignments from notebooks of solutions."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring import exercises
from authoring.__main__ import main
from authoring.exercises import EXERCISES, cells_of, read_parts, solutions, stubs, students_version, with_names
from authoring.graders import export, nbgrader_notebook, otter_notebook
from authoring.notebooks import LESSONS

LIST = [pytest.param(path, id=path.stem) for path in solutions()]
ANSWER = "def twice(x):\n    # BEGIN SOLUTION\n    return 2 * x\n    # END SOLUTION"
CHECK = 'check("07.1", twice)'


def cells(answer=ANSWER, check=CHECK, points="points-2"):
    return [
        new_markdown_cell("# Exercises to lesson 07"),
        new_code_cell("def check(exercise, twice):\n    return 2 if twice(3) else 0"),
        new_markdown_cell("## Exercise 7.1: Twice\n\nWrite it."),
        new_code_cell(answer, metadata={"tags": ["solution"]}),
        new_code_cell(check, metadata={"tags": ["check", points]}),
        new_markdown_cell("*Why.* Because.", metadata={"tags": ["why"]}),
        new_markdown_cell("A model answer.", metadata={"tags": ["written", "points-2"]}),
    ]


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.setattr(exercises, "LESSONS", tmp_path)
    (tmp_path / "solutions").mkdir()
    return tmp_path


def write(course, some=None, name="07_more.ipynb"):
    path = course / "solutions" / name
    nbformat.write(new_notebook(cells=some or cells()), path)
    return path


def points_shown(path):
    """The points, and what a student reads, of each check of a recorded notebook."""
    for cell in nbformat.read(path, as_version=4).cells:
        if "check" in cell.metadata.get("tags", []):
            tag = next(tag for tag in cell.metadata.tags if tag.startswith("points-"))
            data = cell.outputs[0].data
            yield data["text/plain"], tag.removeprefix("points-"), data["text/html"]


def test_there_are_solutions_and_nothing_but_their_exercises():
    names = [path.name for path in solutions()]
    assert names
    assert sorted(path.name for path in (LESSONS / EXERCISES).glob("*.ipynb")) == names
    assert all((LESSONS / name).is_file() for name in names)


@pytest.mark.parametrize("path", LIST)
def test_students_versions_are_what_the_solutions_make(path):
    made = students_version(path)
    stored = nbformat.read(LESSONS / EXERCISES / path.name, as_version=4)
    assert cells_of(stored) == cells_of(made), f"python -m authoring exercises {path.relative_to(LESSONS.parent)}"
    assert "SOLUTION" not in "".join(cell.source for cell in stored.cells)


@pytest.mark.parametrize("path", LIST)
def test_solutions_get_all_points_and_untouched_exercises_none(path):
    assert [shown for shown, *_ in points_shown(path)] == [points for _, points, _ in points_shown(path)]
    untouched = list(points_shown(LESSONS / EXERCISES / path.name))
    assert untouched
    for points, of, seen in untouched:
        assert points == "0"
        assert f"○ 0 of {of} points. Not attempted yet." in seen


@pytest.mark.parametrize("path", LIST)
def test_graders_get_every_exercise(path):
    parts = read_parts(path)
    graded = [cell.metadata.nbgrader for cell in nbgrader_notebook(path).cells if "nbgrader" in cell.metadata]
    ids = [one["grade_id"] for one in graded]
    assert len(ids) == len(set(ids))
    assert sum(one.get("points", 0) for one in graded) == sum(part.points for part in parts)
    names = [cell.source.splitlines() for cell in otter_notebook(path).cells if "BEGIN QUESTION" in cell.source]
    assert len(names) == sum(part.kind in ("check", "written") for part in parts)


def test_regions_become_dots_and_names_that_they_bind_are_kept():
    assert stubs(ANSWER) == "def twice(x):\n    ..."
    top = "x = 1\n# BEGIN SOLUTION\na, (b, c) = 1, (2, 3)\nfor i in range(3):\n    d = i\nwith open('f') as f:\n"
    top += "    e: int = 3\ndef g():\n    inner = 1\na = 2\nt.x = 3\n# END SOLUTION\ny = 2"
    assert stubs(top) == "x = 1\na = ...\nb = ...\nc = ...\nd = ...\ne = ...\ng = ...\ny = 2"
    assert stubs("# BEGIN SOLUTION\nprint(3)\n# END SOLUTION") == "..."


def test_a_stub_names_only_what_code_outside_of_the_regions_reads(course):
    helper, asked = "# BEGIN SOLUTION\nhelper = 1\n# END SOLUTION", "helper = 2\n# BEGIN SOLUTION\n"
    asked += "own = helper\ntwice = lambda x: 2 * x\nlater = own\n# END SOLUTION\nprint(later)"
    some = cells()
    some[3:4] = [new_code_cell(source, metadata={"tags": ["solution"]}) for source in (helper, asked)]
    path = write(course, some)
    assert [cell.source for cell in students_version(path).cells[3:5]] == [
        "...",  # what only another region reads
        "helper = 2\ntwice = ...\nlater = ...\nprint(later)",  # in the check, and below the region
    ]
    assert "helper = ..." not in "".join(cell.source for cell in nbgrader_notebook(path).cells)
    assert "twice = ...\nlater = ...\n# BEGIN" in nbgrader_notebook(path).cells[4].source
    with pytest.raises(ValueError, match=r"exercise 1, a code cell is no Python: .*1 \+"):
        students_version(write(course, [*some, new_code_cell("1 +")]))


def test_graders_find_the_names_bound_before_a_region():
    top = "# BEGIN SOLUTION\na = 1\n# END SOLUTION"
    assert with_names(top) == f"a = ...\n{top}"
    assert with_names(ANSWER) == ANSWER


def test_students_version_has_no_answers_and_leads_to_them(course):
    made = students_version(write(course))
    assert [cell.cell_type for cell in made.cells] == ["markdown", "code", "markdown", "code", "code", "markdown"]
    assert "(../solutions/07_more.ipynb)" in made.cells[0].source
    assert made.cells[-1].source == "*Your answer here (about 60 words).*"


def test_made_twice_nothing_changes(course, capsys):
    path = write(course)
    assert main(["exercises", str(path)]) == 0
    made = course / "exercises" / "07_more.ipynb"
    before = made.read_bytes()
    (shown,) = [cell.outputs for cell in nbformat.read(made, as_version=4).cells if cell.source == CHECK]
    assert shown[0].data["text/plain"] == "0"
    assert main(["exercises", str(path)]) == 0
    assert made.read_bytes() == before
    assert "no change" in capsys.readouterr().out
    assert list(made.parent.iterdir()) == [made]


def test_a_students_version_that_fails_does_not_replace_the_one_before(course):
    made = course / "exercises" / "07_more.ipynb"
    made.parent.mkdir()
    made.write_text("before")
    some = cells()
    some[1].source = "1 / 0"
    made.write_bytes(write(course).read_bytes())
    before = made.read_bytes()
    assert main(["exercises", str(write(course, some))]) == 1
    assert made.read_bytes() == before
    assert list(made.parent.iterdir()) == [made]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer": "def twice(x):\n    return 2 * x"}, r"07_more\.ipynb, cell 4: .*has no lines between"),
        ({"answer": "# BEGIN SOLUTION\nx = 2"}, r"07_more\.ipynb, cell 4: .*without `# END SOLUTION`"),
        ({"answer": "x = 2\n# END SOLUTION"}, r"cell 4: `# END SOLUTION` without"),
        ({"answer": "# BEGIN SOLUTION\n# BEGIN SOLUTION\nx = 2\n# END SOLUTION"}, "cell 4: `# BEGIN SOLUTION` without"),
        ({"answer": "# BEGIN SOLUTION\n\n# END SOLUTION"}, "cell 4: nothing stands"),
        ({"answer": "### BEGIN SOLUTION\nx = 2\n### END SOLUTION"}, "cell 4: `### BEGIN SOLUTION` is neither"),
        ({"answer": "if x:\n    # BEGIN SOLUTION\n    x = 2\n# END SOLUTION"}, "cell 4: .*not indented"),
        ({"answer": "# BEGIN SOLUTION\nx = (\n# END SOLUTION"}, "cell 4: .*no Python"),
        ({"check": 'check("07.2", twice)'}, r'cell 5: .*check\("07.1"'),
        ({"check": 'x = check("07.1", twice)'}, "cell 5"),
        ({"points": "points"}, "cell 5: .*points-2"),
    ],
)
def test_what_breaks_the_form_is_refused(course, change, message):
    with pytest.raises(ValueError, match=message):
        read_parts(write(course, cells(**change)))


def test_more_that_breaks_the_form(course):
    first, *others = cells()
    with pytest.raises(ValueError, match="cell 3"):  # an exercise is missing
        read_parts(write(course, [first, others[0], new_markdown_cell("## Exercise 7.2: Twice")]))
    with pytest.raises(ValueError, match=r"cell 2: .*such tag"):
        read_parts(write(course, [first, new_code_cell(ANSWER)]))
    with pytest.raises(ValueError, match="cell 6: exercise 1 has a check already"):
        read_parts(write(course, [first, *others[:-2], cells()[4]]))
    with pytest.raises(ValueError, match="has no heading"):
        read_parts(write(course, [first]))


def test_nbgrader_cells_have_its_own_keys(course, tmp_path):
    made = export(write(course), "nbgrader", tmp_path / "for_nbgrader")
    assert made == tmp_path / "for_nbgrader/source/07_more/07_more.ipynb"
    assert (tmp_path / "for_nbgrader/nbgrader_config.py").is_file()
    common = {"schema_version": 3, "task": False}
    found = [cell.metadata.get("nbgrader") for cell in nbformat.read(made, as_version=4).cells]
    assert found == [
        None,
        None,
        None,
        common | {"grade": False, "solution": True, "locked": False, "grade_id": "l07-q1"},
        common | {"grade": True, "solution": False, "locked": True, "grade_id": "l07-q1-check", "points": 2},
        common | {"grade": True, "solution": True, "locked": False, "grade_id": "l07-q1-text", "points": 2},
    ]


def test_otter_blocks_are_closed(course, tmp_path, capsys):
    assert main(["export", "--to", "otter", str(tmp_path / "for_otter"), str(write(course))]) == 0
    made = tmp_path / "for_otter/07_more/07_more.ipynb"
    raw = [cell.source for cell in nbformat.read(made, as_version=4).cells if cell.cell_type == "raw"]
    blocks = [source.splitlines()[0].removeprefix("# ") for source in raw[1:]]
    question = ["BEGIN SOLUTION", "END SOLUTION", "BEGIN TESTS", "END TESTS", "END QUESTION"]
    text = ["BEGIN PROMPT", "END PROMPT", "BEGIN SOLUTION", "END SOLUTION", "END QUESTION"]
    assert blocks == ["BEGIN QUESTION", *question, "BEGIN QUESTION", *text]


def test_export_needs_a_grader(capsys):
    with pytest.raises(SystemExit):
        main(["export", "--to", "gradescope", "folder"])
    assert "nbgrader|otter" in capsys.readouterr().err
