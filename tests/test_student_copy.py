"""The student's copy of the lessons: made, brought up to date, and nothing of the student's is lost."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from authoring import notebooks
from course_utils import student_copy
from course_utils.student_copy import MANIFEST, update

ROOT = Path(__file__).resolve().parent.parent
UP = "[up](../03_dropout.ipynb), [data](../../d%20s.md)"
NEWER = "03_dropout (new edition).ipynb"


def cell(source, kind="code", **metadata):
    made = {"cell_type": kind, "id": "a", "metadata": metadata, "source": source.splitlines(keepends=True)}
    if kind == "code":
        made |= {"execution_count": 3, "outputs": [{"name": "stdout", "output_type": "stream", "text": ["42\n"]}]}
    return made


def store(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf8")


def sources(path):
    return ["".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf8"))["cells"]]


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(params=["course", "Kurs ü 수업 (1)"])
def course(tmp_path, request):
    """A small course: `lessons` and `my_course` in a folder."""
    lessons = tmp_path / request.param / "lessons"
    links = "[words](GLOSSARY.md#dropout) [more](further/03_dropout.ipynb) [odds](LEDGER.md) [out](https://x.org/a)"
    links += " [spaced](a%20b.md)"
    store(
        lessons / "03_dropout.ipynb",
        cell("print(6 * 7)"),
        cell(f"*Reading.* It is $42$.\n\n{links}", "markdown"),
        cell("claim('42', [42])", tags=["claim", "plain"]),
        cell("## Reading the curves", "markdown"),
    )
    store(
        lessons / "further" / "03_dropout.ipynb", cell("[up](../03_dropout.ipynb), [data](../../d%20s.md)", "markdown")
    )
    store(lessons / "exercises" / "03.ipynb", cell('[solved](../solutions/03.ipynb) <img src="a.png">', "markdown"))
    store(lessons / "solutions" / "03.ipynb", cell("42"))
    store(lessons / ".ipynb_checkpoints" / "03-checkpoint.ipynb", cell("42"))
    for name in (
        "GLOSSARY.md",
        "INDEX.md",
        "LEDGER.md",
        "a b.md",
        "TEACHING.md",
        "exercises/a.png",
        "my_predictions.json",
    ):
        (lessons / name).write_text(name, encoding="utf8")
    (lessons.parent / "d s.md").touch()
    return lessons, lessons.parent / "my_course"


def change(path, words="my own words"):
    path.write_bytes(path.read_bytes().replace(b"print(6", b"print('%s', 6" % words.encode()))


def publish(lessons, words):
    store(lessons / "03_dropout.ipynb", cell(f"print({words!r})"))


def test_a_student_gets_all_notebooks_but_the_solutions(course):
    lessons, copy = course
    assert update(lessons, copy) == []
    notebooks = {"03_dropout.ipynb", "further/03_dropout.ipynb", "exercises/03.ipynb"}
    assert contents(copy).keys() == notebooks | {"GLOSSARY.md", "INDEX.md", MANIFEST}


def test_nothing_is_run_readings_are_folded_and_claims_hidden(course):
    lessons, copy = course
    update(lessons, copy)
    code, reading, claim, heading = json.loads((copy / "03_dropout.ipynb").read_text(encoding="utf8"))["cells"]
    assert (code["outputs"], code["execution_count"], code["metadata"]) == ([], None, {})
    assert claim["metadata"] == {"tags": ["claim", "plain"], "jupyter": {"source_hidden": True}}
    folded = "".join(reading["source"])
    assert folded.startswith("<details><summary>Reading (open it after the run)</summary>\n\n*Reading.* It is $42$.")
    assert folded.endswith("\n\n</details>")
    assert "".join(heading["source"]) == "## Reading the curves"


def test_links_lead_on_from_where_the_copy_lies(course):
    lessons, copy = course
    update(lessons, copy)
    lesson = sources(copy / "03_dropout.ipynb")[1]
    assert "(GLOSSARY.md#dropout) [more](further/03_dropout.ipynb)" in lesson
    assert "(../lessons/LEDGER.md) [out](https://x.org/a) [spaced](../lessons/a%20b.md)" in lesson
    assert sources(copy / "further" / "03_dropout.ipynb") == [UP]
    solved, picture = "../../lessons/solutions/03.ipynb", "../../lessons/exercises/a.png"
    assert sources(copy / "exercises" / "03.ipynb") == [f'[solved]({solved}) <img src="{picture}">']


def test_a_second_start_writes_nothing(course):
    lessons, copy = course
    update(lessons, copy)
    times = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    assert update(lessons, copy) == []
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == times


def test_a_notebook_that_was_left_alone_is_replaced_by_the_new_edition(course):
    lessons, copy = course
    update(lessons, copy)
    publish(lessons, "second")
    assert update(lessons, copy) == []
    assert sources(copy / "03_dropout.ipynb") == ["print('second')"]
    assert not (copy / NEWER).exists()


def test_a_notebook_that_was_only_opened_was_left_alone(course):
    lessons, copy = course
    update(lessons, copy)
    opened = json.loads((copy / "03_dropout.ipynb").read_text(encoding="utf8"))
    opened["metadata"] = {"language_info": {"version": "3.12.1"}}
    opened["cells"][1]["source"] = "".join(opened["cells"][1]["source"])
    (copy / "03_dropout.ipynb").write_text(json.dumps(opened), encoding="utf8")
    publish(lessons, "second")
    assert update(lessons, copy) == []
    assert sources(copy / "03_dropout.ipynb") == ["print('second')"]
    store(copy / "03_dropout.ipynb", cell("print('second')"))  # with an output: it was run
    publish(lessons, "third")
    assert len(update(lessons, copy)) == 1
    assert sources(copy / "03_dropout.ipynb") == ["print('second')"]


def test_a_notebook_that_was_changed_stays_and_the_new_edition_lies_beside_it(course):
    lessons, copy = course
    update(lessons, copy)
    change(copy / "03_dropout.ipynb")
    (copy / "my_predictions.json").write_text("mine")
    (copy / "Untitled.ipynb").write_text("mine, too")
    before = contents(copy)
    assert update(lessons, copy) == []  # the course has nothing newer
    assert contents(copy) == before

    publish(lessons, "second")
    (said,) = update(lessons, copy)
    assert "03_dropout.ipynb" in said
    assert NEWER in said
    assert sources(copy / NEWER) == ["print('second')"]
    assert update(lessons, copy) == []  # said once
    publish(lessons, "third")
    update(lessons, copy)
    assert sources(copy / NEWER) == ["print('third')"]
    change(copy / "03_dropout.ipynb", "still mine")
    (copy / NEWER).write_text("work in the new edition")
    publish(lessons, "fourth")
    (said,) = update(lessons, copy)
    assert "(new edition 2)" in said
    after = contents(copy)
    assert after.pop(NEWER) == b"work in the new edition"
    assert {name: after[name] for name in before.keys() - {MANIFEST}} == {
        name: content for name, content in before.items() if name != MANIFEST
    } | {"03_dropout.ipynb": (copy / "03_dropout.ipynb").read_bytes()}
    assert b"my own words" in after["03_dropout.ipynb"]


def test_a_notebook_that_was_deleted_is_given_anew(course):
    lessons, copy = course
    update(lessons, copy)
    (copy / "03_dropout.ipynb").unlink()
    update(lessons, copy)
    assert sources(copy / "03_dropout.ipynb")[0] == "print(6 * 7)"


def test_a_lesson_that_was_removed_goes_unless_the_student_changed_it(course):
    lessons, copy = course
    update(lessons, copy)
    change(copy / "03_dropout.ipynb")
    (lessons / "03_dropout.ipynb").unlink()
    shutil.rmtree(lessons / "exercises")
    (said,) = update(lessons, copy)
    assert "03_dropout.ipynb is not part of the course any more" in said
    assert not (copy / "exercises" / "03.ipynb").exists()
    assert b"my own words" in (copy / "03_dropout.ipynb").read_bytes()
    assert update(lessons, copy) == []


@pytest.mark.parametrize("content", ["{", "[]", '{"given": 3}', '{"given": {"../other": "1"}, "beside": {}}'])
def test_with_a_damaged_manifest_nothing_is_lost(course, content):
    lessons, copy = course
    update(lessons, copy)
    change(copy / "03_dropout.ipynb")
    changed = (copy / "03_dropout.ipynb").read_bytes()
    (copy / MANIFEST).write_text(content)
    damaged, beside = update(lessons, copy)
    assert "is damaged" in damaged
    assert NEWER in beside
    assert (copy / "03_dropout.ipynb").read_bytes() == changed
    assert update(lessons, copy) == []


@pytest.mark.parametrize("content", ["<<<<<<< HEAD", "[]", '{"cells": [{}]}', '{"cells": 3}'])
def test_a_damaged_lesson_is_named_and_the_copy_of_it_stays(course, content):
    lessons, copy = course
    update(lessons, copy)
    before = contents(copy)
    (lessons / "03_dropout.ipynb").write_text(content)
    (said,) = update(lessons, copy)
    assert "lessons/03_dropout.ipynb is damaged" in said
    assert contents(copy) == before


def test_what_is_in_the_way_is_said(tmp_path, course):
    lessons, copy = course
    with pytest.raises(ValueError, match="holds no notebooks"):
        update(tmp_path / "nowhere", copy)
    copy.touch()
    with pytest.raises(ValueError, match="Rename it"):
        update(lessons, copy)


def test_the_command_says_what_is_in_the_way(monkeypatch, capsys):
    def refuse(*_):
        raise PermissionError("read-only")

    monkeypatch.setattr(student_copy, "update", refuse)
    assert student_copy.main() == 2
    assert "Is the folder read-only" in capsys.readouterr().out


def test_it_needs_the_standard_library_only():
    code = "import sys; from course_utils import student_copy; raise SystemExit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_real_course_gives_nothing_away(tmp_path):
    copy = tmp_path / "my_course"
    assert update(copy=copy) == []
    found = notebooks.find_notebooks(copy)
    assert [path.relative_to(copy) for path in found] == [
        path.relative_to(notebooks.LESSONS)
        for path in notebooks.find_notebooks()
        if "solutions" not in path.relative_to(notebooks.LESSONS).parts
    ]
    for path in found:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert not any(cell.get("outputs") for cell in notebook.cells)
        # Not the *Reading · 15 minutes* of an exercise, which is a kind of task.
        readings = [cell.source for cell in notebook.cells if re.search(r"\*Reading(\.\*|\* \()", cell.source)]
        assert all(source.startswith("<details>") for source in readings)
        assert readings or path.parent.name == "exercises"
        # What is folded holds nothing that the student needs before the run.
        assert not [source for source in readings if re.search(r"^#|\*\*Predict", source, re.M)]


@pytest.mark.slow
def test_a_copied_notebook_runs_to_its_end(tmp_path):
    """One that takes seconds: copying changes no code, and the lessons themselves run in tests of their own."""
    update(copy=tmp_path)
    path = tmp_path / "exercises" / "09_transfer.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebooks.execute(notebook, path.parent)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
