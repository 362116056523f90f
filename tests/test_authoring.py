"""`record` and `check` on small notebooks."""

import base64
import functools
import io
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from authoring import notebooks as authoring
from authoring.__main__ import main


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
    kept = {"tags": ["nbval-ignore-output"], "alt": "A line"}
    cell = new_code_cell("1", metadata={**kept, "execution": {"started": "now"}})
    path = write(tmp_path, cell, widgets={"state": {}})
    authoring.record(path)
    stored = nbformat.read(path, as_version=4)
    assert stored.cells[0].metadata == kept
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
        (executed("claim()", "✘ wider is better — held in fewer than 4 of 5 seeds"), "did not hold"),
        (executed("print()", "saved in /home/someone/file"), "one machine"),
        (executed("open('/home/someone/file')"), "absolute path"),
        (executed("!pip install something"), "shell command"),
        (executed("files = !ls"), "shell command"),
        (executed("claim('not lower', ~(a < b))"), "NaN"),
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
    assert main(["check", str(good)]) == 0
    assert main(["check", str(bad)]) == 1
    assert "nowhere.ipynb: needs mending" in capsys.readouterr().out


NO_SOURCE = '{"cells": [{"cell_type": "code", "metadata": {}}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@pytest.mark.parametrize("content", ["<<<<<<< HEAD", "{}", '{"cells": [}', NO_SOURCE])
def test_a_broken_notebook_is_named_and_the_next_one_is_looked_at(tmp_path, capsys, content):
    good, bad = write(tmp_path, executed("1")), tmp_path / "broken.ipynb"
    bad.write_text(content)
    assert main(["check", str(bad), str(good)]) == 1
    printed = capsys.readouterr().out
    assert "broken.ipynb: needs mending" in printed
    assert "small.ipynb: ok" in printed


def test_a_cell_that_takes_too_long_is_named_and_the_next_notebook_is_recorded(tmp_path, monkeypatch, capsys):
    slow, good = tmp_path / "slow.ipynb", write(tmp_path, new_code_cell("1"))
    nbformat.write(new_notebook(cells=[new_code_cell("import time; time.sleep(30)")]), slow)
    monkeypatch.setattr("authoring.__main__.record", functools.partial(authoring.record, timeout=2))
    assert main(["record", str(slow), str(good)]) == 1
    printed = capsys.readouterr().out
    assert "slow.ipynb was not recorded" in printed
    assert "small.ipynb: ok" in printed


def picture_of(pixels: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", compress_level=0)
    return base64.b64encode(file.getvalue()).decode()


def test_pictures_are_stored_small_and_look_the_same():
    pixels = np.full((300, 400, 3), 255, "uint8")
    pixels[100:200, 50:350] = np.random.default_rng(0).normal((60, 120, 200), 8, (100, 300, 3)).clip(0, 255)
    pixels[150, :] = 213, 94, 0  # the thin line of a rare colour
    small = authoring.smaller(picture_of(pixels))
    seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(small))).convert("RGB"), int)
    assert len(small) < len(picture_of(pixels)) / 5
    assert (seen[pixels.min(axis=2) == 255] == 255).all()
    assert np.abs(seen - pixels).max() <= 20


def test_pictures_with_transparent_parts_are_left_as_they_are():
    picture = picture_of(np.random.default_rng(0).integers(0, 255, (40, 40, 4), "uint8"))
    assert authoring.smaller(picture) == picture


def test_record_stores_small_pictures(tmp_path):
    draw = "from IPython.display import Image; Image(data=open('noise.png', 'rb').read())"
    noise = picture_of(np.random.default_rng(0).integers(0, 255, (60, 60, 3), "uint8"))
    (tmp_path / "noise.png").write_bytes(base64.b64decode(noise))
    path = write(tmp_path, new_code_cell(draw))
    authoring.record(path)
    (output,) = nbformat.read(path, as_version=4).cells[0].outputs
    assert len(output.data["image/png"]) < len(noise) / 2
