"""The explorer in front ends other than JupyterLab: Jupyter Notebook 7, and Voilà, which shows a page without code."""

import contextlib
import importlib.util
from types import SimpleNamespace

import nbformat
import pytest

if importlib.util.find_spec("playwright") is None:
    pytest.skip("no Playwright: `pip install playwright`, and `apt-get install chromium`", allow_module_level=True)

from jupyter import HOW_TO_GET_ONE, Explorer, Notebook, browser, find_browser, jupyterlab, notebook7, voila

if find_browser() is None:
    pytest.skip(HOW_TO_GET_ONE, allow_module_level=True)

pytestmark = pytest.mark.slow
CELL = """from course_utils.data import load_red_wine
from course_utils.explorer import Explorer
Explorer(load_red_wine(), epochs=50, batch_size=256)"""


@contextlib.contextmanager
def in_notebook7(folder, page):
    with notebook7(folder) as server:
        page.goto(server.url("notebooks/explorer.ipynb"))
        page.locator(".jp-CodeCell .cm-content").click(timeout=60_000)
        prompt = page.locator(".jp-CodeCell .jp-InputPrompt").first
        for _ in range(20):  # while the kernel is not there yet, a key is lost
            page.keyboard.press("Control+Enter")
            page.wait_for_timeout(3000)
            if prompt.inner_text() != "[ ]:":
                break
        yield


@contextlib.contextmanager
def in_voila(folder, page):
    with voila(folder / "explorer.ipynb") as server:
        page.goto(server.url(""), timeout=120_000, wait_until="commit")
        yield


@pytest.mark.parametrize(("package", "shown"), [("notebook", in_notebook7), ("voila", in_voila)])
def test_a_slider_retrains(package, shown, tmp_path):
    pytest.importorskip(package)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "explorer.ipynb")
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1300, "height": 1000})
        with shown(tmp_path, page):
            explorer = Explorer(SimpleNamespace(page=page))
            explorer.wait_finished("width 64", timeout=120)
            before = explorer.picture()
            explorer.slider("width").focus()
            explorer.slider("width").press("ArrowRight")
            explorer.wait_finished("width 128")
            explorer.wait_for("picture !== words[0]", before)
            explorer.button("Show code").click()
            explorer.root.get_by_text("keras.Sequential").first.wait_for()


# Like VS Code or Colab in the worst case: what is not an answer to a message of theirs is lost.
DROP = """import threading
session = get_ipython().kernel.session
send = session.send
def answers_only(*arguments, **options):
    if not threading.current_thread().name.startswith("explorer "):
        return send(*arguments, **options)
session.send = answers_only"""


def test_pictures_arrive_where_messages_from_threads_are_lost(tmp_path):
    with browser() as chromium, jupyterlab(tmp_path) as server:
        notebook = Notebook(chromium, server, tmp_path, [DROP, CELL], name="drops.ipynb")
        notebook.run(0)
        notebook.run(1)
        explorer = Explorer(notebook)
        explorer.wait_finished("width 64")
        for width in (128, 256):
            before = explorer.picture()
            explorer.slider("width").focus()
            explorer.slider("width").press("ArrowRight")
            explorer.wait_finished(f"width {width}", timeout=40)
            explorer.wait_for("picture !== words[0]", before)
        notebook.close()
