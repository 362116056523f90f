"""Predictions in a real JupyterLab: locked by keyboard alone, still there after the kernel was restarted."""

import importlib.util
import json

import pytest

if importlib.util.find_spec("playwright") is None:
    pytest.skip("no Playwright: `pip install playwright`, and `apt-get install chromium`", allow_module_level=True)

from jupyter import HOW_TO_GET_ONE, Notebook, browser, find_browser, jupyterlab

if find_browser() is None:
    pytest.skip(HOW_TO_GET_ONE, allow_module_level=True)

pytestmark = pytest.mark.slow
CELLS = [
    "from course_utils.quiz import predict, score",
    'widths = predict("Which width ends lowest?", name="02-widths", choices=[2, 16, 64])\nwidths',
    'order = predict("In which order?", name="02-order", choices=["near", "far", "away"], order=True)\norder',
    'times = predict("How many times as many epochs?", name="02-times")\ntimes',
    "widths.reveal([64] * 5)",
    'order.reveal(["far", "near", "away"])',
    'score("02")',
]


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def notebook(chromium, folder):
    with jupyterlab(folder) as server:
        notebook = Notebook(chromium, server, folder, CELLS, name="quiz.ipynb")
        for number in range(4):
            notebook.run(number)
        yield notebook
        assert "Traceback" not in (folder / "jupyter.log").read_text()
        notebook.close()


def press(notebook, *keys):
    for key in keys:
        notebook.page.keyboard.press(key)


def answered(notebook, times):
    notebook.page.get_by_text("Now run on.").nth(times - 1).wait_for(timeout=20_000)


def test_predictions_are_made_by_keyboard_kept_and_held_against_the_result(notebook, folder):
    forms = notebook.page.locator(".quiz")
    forms.nth(0).locator("input[type=radio]").first.focus()
    press(notebook, "Tab", "Space", "Tab", "Tab", "ArrowUp", "Tab", "Enter")  # the second answer, 65 %
    answered(notebook, 1)
    forms.nth(1).locator("select").first.focus()
    press(notebook, "f", "Tab", "n", "Tab", "a", "Tab", "ArrowDown", "Tab", "Enter")
    answered(notebook, 2)
    kept = json.loads((folder / "my_predictions.json").read_text())
    assert (kept["02-widths"]["answer"], kept["02-widths"]["sure"]) == ("16", 0.65)
    assert kept["02-order"]["answer"] == ["far", "near", "away"]
    assert "choose" not in forms.nth(2).inner_text().lower()

    notebook.page.evaluate("() => document.activeElement.blur()")
    notebook.page.get_by_role("menuitem", name="Kernel", exact=True).click()
    notebook.page.locator(".lm-Menu-itemLabel").get_by_text("Restart Kernel…", exact=True).click()
    notebook.page.locator(".jp-Dialog button.jp-mod-accept").click()
    notebook.page.get_by_text("| Idle").wait_for(timeout=60_000)
    for number in range(4):
        notebook.run(number)
    answered(notebook, 2)
    assert notebook.page.locator(".quiz input[type=radio]:checked").count() == 1
    assert notebook.page.locator(".quiz button:disabled").count() == 2
    assert "You said 16, 65% sure; it was 64 in 5 of 5 seeds" in notebook.run(4)
    assert "You said far < near < away, 55% sure; it was far < near < away" in notebook.run(5)
    assert "Right in 1 of 2" in notebook.run(6)


@pytest.mark.parametrize("width", [1300, 900])
def test_nothing_is_cut_off(notebook, width):
    notebook.page.set_viewport_size({"width": width, "height": 1000})
    for form in notebook.page.locator(".quiz").all():
        assert form.evaluate("form => form.scrollWidth <= form.clientWidth + 1")
        for text in form.locator(".widget-label, button").all():
            assert text.evaluate("text => text.scrollWidth <= text.clientWidth + 1"), text.inner_text()
