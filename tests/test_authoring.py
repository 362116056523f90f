"""`record` and `check` on small notebooks."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from authoring import notebooks as authoring


def write(folder: Path, *cells: nbformat.NotebookNode, **metadata: object) -> Path:
    path = folder / "small.ipynb"
    nbformat.write(new_notebook(cells=list(cells), metadata=metadata), path)
    return path


def executed(source: str, text: str = "", number: int = 1, **kwargs: object) -> nbformat.NotebookNode:
    outputs = [new_output("stream", name=kwargs.pop("name", "stdout"), text=text)] if text else []
    return new_code_cell(source, execution_count=number, outputs=outputs, **kwargs)


def test_record_stores_outputs_that_pass_the_check(tmp_path: Path) -> None:
    path = write(tmp_path, new_markdown_cell("# Small"), new_code_cell("print(6 * 7)"))
    assert authoring.record(path) > 0
    stored = nbformat.read(path, as_version=4)
    assert stored.cells[1].outputs[0].text == "42\n"
    assert stored.cells[1].execution_count == 1
    assert set(stored.metadata) == {"kernelspec", "language_info"}
    assert authoring.check(path) == []


def test_record_keeps_tags_and_drops_other_metadata(tmp_path: Path) -> None:
    cell = new_code_cell("1", metadata={"tags": ["nbval-ignore-output"], "execution": {"started": "now"}})
    path = write(tmp_path, cell, widgets={"state": {}})
    authoring.record(path)
    stored = nbformat.read(path, as_version=4)
    assert stored.cells[0].metadata == {"tags": ["nbval-ignore-output"]}
    assert "widgets" not in stored.metadata


def test_record_runs_in_the_folder_of_the_notebook(tmp_path: Path) -> None:
    (tmp_path / "beside.txt").write_text("here")
    path = write(tmp_path, new_code_cell("from pathlib import Path; print(Path('beside.txt').read_text())"))
    authoring.record(path)
    assert nbformat.read(path, as_version=4).cells[0].outputs[0].text == "here\n"


def test_record_leaves_the_file_alone_if_a_cell_fails(tmp_path: Path) -> None:
    path = write(tmp_path, new_code_cell("1 / 0"))
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        authoring.record(path)
    assert path.read_bytes() == before


def test_missing_notebook_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.ipynb"):
        authoring.check(tmp_path / "nowhere.ipynb")


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        (executed("1", number=2), "not executed once each"),
        (executed("print()", "careful", name="stderr"), "stderr"),
        (executed("claim()", "✘ wider is better — did not hold in 4 of 5 seeds"), "did not hold"),
        (executed("print()", "saved in /home/someone/file"), "one machine"),
        (executed("open('/home/someone/file')"), "absolute path"),
        (executed("!pip install something"), "shell command"),
        (executed("\n".join(["x = 1"] * 26)), "26 lines"),
        (new_code_cell("1 / 0", execution_count=1, outputs=[new_output("error", ename="E", evalue="v")]), "an error"),
    ],
)
def test_check_finds(cell: nbformat.NotebookNode, problem: str, tmp_path: Path) -> None:
    (found,) = authoring.check(write(tmp_path, cell))
    assert problem in found


def test_check_finds_widget_state_and_size(tmp_path: Path) -> None:
    path = write(tmp_path, executed("print()", "x" * 1_100_000), widgets={"state": {}})
    found = authoring.check(path)
    assert any("widget state" in problem for problem in found)
    assert any("bytes" in problem for problem in found)


def test_lessons_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authoring, "LESSONS", tmp_path)
    found = authoring.check(write(tmp_path, executed("1")))
    for rule in ("title", "1 code cells", "headings", "words", "prose before"):
        assert any(rule in problem for problem in found), rule


def test_command_line_reports_problems_by_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    good, bad = write(tmp_path, executed("1")), tmp_path / "nowhere.ipynb"
    assert authoring.main(["check", str(good)]) == 0
    assert authoring.main(["check", str(bad)]) == 1
    assert "nowhere.ipynb: needs mending" in capsys.readouterr().out
