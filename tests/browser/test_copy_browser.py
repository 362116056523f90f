"""A student's copy in a real JupyterLab: what is folded and hidden there, and what a link leads to."""

import importlib.util
import json
import shutil
import time

import pytest

if importlib.util.find_spec("playwright") is None:
    pytest.skip("no Playwright: `pip install playwright`, and `apt-get install chromium`", allow_module_level=True)

from jupyter import HOW_TO_GET_ONE, ROOT, browser, find_browser, jupyterlab

from course_utils.student_copy import update

if find_browser() is None:
    pytest.skip(HOW_TO_GET_ONE, allow_module_level=True)

pytestmark = pytest.mark.slow
NAME = "03_dropout.ipynb"


@pytest.fixture
def page(tmp_path):
    """Lesson 03 as a student opens it, in a window of an ordinary laptop."""
    shutil.copytree(ROOT / "lessons", tmp_path / "lessons", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    update(tmp_path / "lessons", tmp_path / "my_course")
    options = {"windowingMode": "none"}  # all cells are in the page, so that they can be counted
    settings = tmp_path / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text(json.dumps(options))
    with browser() as chromium, jupyterlab(tmp_path) as server:
        page = chromium.new_page(viewport={"width": 1300, "height": 900})
        page.goto(server.url(f"doc/tree/my_course/{NAME}?reset"))
        page.locator(".jp-Notebook details").last.wait_for(timeout=60_000)
        yield page


def test_readings_unfold_claims_are_hidden_and_no_result_is_seen(page):
    cells = json.loads((ROOT / "lessons" / NAME).read_text(encoding="utf8"))["cells"]
    readings = page.locator(".jp-Notebook details")
    assert readings.count() == sum("".join(cell["source"]).startswith("*Reading") for cell in cells)
    assert page.locator(".jp-Notebook .jp-OutputArea-output").count() == 0
    claims = sum("claim" in cell["metadata"].get("tags", []) for cell in cells)
    assert page.locator(".jp-CodeCell .jp-InputPlaceholder, .jp-CodeCell .jp-Placeholder").count() == claims
    sources = page.locator(".jp-CodeCell .cm-content").all_inner_texts()
    assert sources
    assert not [source for source in sources if source.startswith("claim(")]
    first = readings.first
    assert not first.locator("em").first.is_visible()
    first.locator("summary").click()
    assert first.locator("em").first.inner_text() == "Reading."
    assert first.locator("em").first.is_visible()
    first.locator("mjx-container").first.wait_for(timeout=20_000)  # formulas, too


def test_a_notebook_that_was_only_opened_and_saved_gets_the_new_edition(page, tmp_path):
    mine, lesson = tmp_path / "my_course" / NAME, tmp_path / "lessons" / NAME
    before = mine.read_bytes()
    page.get_by_text("| Idle").wait_for(timeout=60_000)
    page.locator(".jp-Notebook .jp-MarkdownCell").first.click()
    page.keyboard.press("Control+s")
    end = time.monotonic() + 30
    while mine.read_bytes() == before and time.monotonic() < end:
        page.wait_for_timeout(200)
    assert mine.read_bytes() != before  # JupyterLab wrote its kernel's version
    lesson.write_text(lesson.read_text(encoding="utf8").replace("switch units off", "let units rest"), encoding="utf8")
    assert update(tmp_path / "lessons", tmp_path / "my_course") == []
    assert "let units rest" in mine.read_text(encoding="utf8")
