"""The notebooks and the README that leads to them."""

import json
import re
from pathlib import Path

import pytest

from authoring import notebooks as authoring

ROOT = Path(__file__).resolve().parent.parent
LESSONS = [
    "01_generalization.ipynb",
    "02_model_size.ipynb",
    "03_dropout.ipynb",
    "04_batch_norm.ipynb",
    "05_lr_decay.ipynb",
    "06_tuning.ipynb",
]
TOPICS = {
    "01": ["T01", "T02", "T03", "T04", "T05", "T06", "T16", "T35", "T46"],
    "02": ["T07", "T15", "T17", "T25", "T26", "T28", "T29", "T34", "T39", "T40"],
    "03": ["T08", "T36", "T43", "T47", "T48"],
    "04": ["T09", "T10", "T37", "T38", "T49", "T50"],
    "05": ["T11", "T12", "T13", "T20", "T30", "T31", "T32", "T33", "T41", "T42", "T44"],
    "06": ["T14", "T21", "T22", "T23", "T24", "T45", "T51", "T52"],
}
INDEX_ROW = re.compile(r"^\| (T\d+) \| [^|]+ \| \[(\d\d), [^\]]+\]\((lessons/[^#)]+)#([^)]+)\) \|$", re.MULTILINE)


def headings(notebook: Path) -> set[str]:
    cells = json.loads(notebook.read_text(encoding="utf8"))["cells"]
    lines = [line for cell in cells if cell["cell_type"] == "markdown" for line in "".join(cell["source"]).splitlines()]
    return {line.lstrip("# ").replace(" ", "-") for line in lines if line.startswith("#")}


def test_all_lessons_are_there() -> None:
    assert [path.name for path in authoring.find_notebooks() if path.parent == authoring.LESSONS] == LESSONS


@pytest.mark.parametrize("path", authoring.find_notebooks(), ids=lambda path: path.stem)
def test_notebook_keeps_the_rules(path: Path) -> None:
    assert authoring.check(path) == []


def test_pytest_collects_the_notebooks_with_strict_nbval(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.getoption("nbval")
    assert not pytestconfig.getoption("nbval_lax")
    assert "lessons" in pytestconfig.getini("testpaths")


def test_topic_index_names_every_topic_of_the_lessons() -> None:
    rows = INDEX_ROW.findall((ROOT / "README.md").read_text(encoding="utf8"))
    found = {lesson: sorted(row[0] for row in rows if row[1] == lesson) for lesson in TOPICS}
    assert found == {lesson: sorted(topics) for lesson, topics in TOPICS.items()}


@pytest.mark.parametrize(
    "row", INDEX_ROW.findall((ROOT / "README.md").read_text(encoding="utf8")), ids=lambda row: row[0]
)
def test_topic_index_leads_to_a_heading(row: tuple[str, str, str, str]) -> None:
    _, lesson, path, anchor = row
    assert Path(path).name.startswith(lesson)
    assert anchor in headings(ROOT / path)


def test_links_of_the_readme_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)", (ROOT / "README.md").read_text(encoding="utf8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
