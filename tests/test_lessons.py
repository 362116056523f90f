"""The notebooks and the README that leads to them."""

import json
import re
from pathlib import Path

import pytest

from authoring import notebooks as authoring

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf8")
INDEX = (ROOT / "lessons" / "INDEX.md").read_text(encoding="utf8")
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "data/README.md",
    *(f"lessons/{name}.md" for name in ("INDEX", "TEACHING", "GLOSSARY")),
]
LESSON_ROW = re.compile(r"^\| \[(\d\d) [^\]]+\]\((lessons/[^)/]+\.ipynb)\) .*\|", re.MULTILINE)
TOPICS = {f"T{number:02d}" for number in (*range(1, 69), 70, 71, 72, 80, 81)}
QUESTIONS = {f"Q{number:02d}" for number in range(1, 25)}
INDEX_ROW = re.compile(
    r"^\| ([TQ]\d+) \| [^|]+ \| \[(\d\d)(?: further)?, [^\]]+\]\(([^#)]+)#([^)]+)\) \|$", re.MULTILINE
)


def headings(notebook: Path) -> set[str]:
    cells = json.loads(notebook.read_text(encoding="utf8"))["cells"]
    lines = [line for cell in cells if cell["cell_type"] == "markdown" for line in "".join(cell["source"]).splitlines()]
    return {line.lstrip("# ").replace(" ", "-") for line in lines if line.startswith("#")}


def test_all_lessons_are_there() -> None:
    found = [path.name for path in authoring.find_notebooks() if path.parent == authoring.LESSONS]
    assert found == [Path(path).name for _, path in LESSON_ROW.findall(README)]
    assert found


@pytest.mark.parametrize("path", authoring.find_notebooks(), ids=lambda path: path.stem)
def test_notebook_keeps_the_rules(path: Path) -> None:
    assert authoring.check(path) == []


@pytest.mark.parametrize("path", authoring.find_notebooks(), ids=lambda path: path.stem)
def test_the_first_line_of_code_keeps_log_lines_away(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    first = next("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert first.startswith("import course_utils.quiet ")


def test_pytest_collects_the_notebooks_with_strict_nbval(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.getoption("nbval")
    assert not pytestconfig.getoption("nbval_lax")
    assert "lessons" in pytestconfig.getini("testpaths")


def test_topic_index_names_every_topic_once() -> None:
    topics = [topic for topic, *_ in INDEX_ROW.findall(INDEX)]
    assert len(topics) == len(set(topics))
    assert set(topics) == TOPICS | QUESTIONS


@pytest.mark.parametrize("row", INDEX_ROW.findall(INDEX), ids=lambda row: row[0])
def test_topic_index_leads_to_a_heading(row: tuple[str, str, str, str]) -> None:
    _, lesson, path, anchor = row
    assert Path(path).name.startswith(lesson)
    assert anchor in headings(ROOT / "lessons" / path)


@pytest.mark.parametrize("page", PAGES)
def test_links_of_the_pages_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("https://")]
    assert links or page in ("CONTRIBUTING.md", "data/README.md", "lessons/TEACHING.md", "lessons/GLOSSARY.md")
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


def test_links_between_notebooks_exist() -> None:
    for path in authoring.find_notebooks():
        cells = json.loads(path.read_text(encoding="utf8"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        for link, anchor in re.findall(r"\]\(([^)#:]+\.(?:ipynb|md))(?:#([^)]+))?\)", "\n".join(texts)):
            target = path.parent / link
            assert target.exists(), f"{path.name}: {link}"
            assert not anchor or anchor in headings(target), f"{path.name}: {link}#{anchor}"
