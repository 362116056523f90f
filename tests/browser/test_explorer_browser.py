"""The explorer in a real JupyterLab, driven by keys and mouse in a real browser."""

import importlib.util
import time

import pytest

if importlib.util.find_spec("playwright") is None:
    pytest.skip("no Playwright: `pip install playwright`, and `apt-get install chromium`", allow_module_level=True)

from jupyter import HOW_TO_GET_ONE, Explorer, Notebook, browser, find_browser, jupyterlab

if find_browser() is None:
    pytest.skip(HOW_TO_GET_ONE, allow_module_level=True)

IMPORTS = "from course_utils.data import load_red_wine\nfrom course_utils.explorer import Explorer"
SHOW = "explorer = Explorer(load_red_wine(), epochs=100, batch_size=256)\nexplorer"
ASK = "print(explorer.status, explorer.settings.width, [run.settings.width for run in explorer.runs])"
SLOW = "explorer.set(epochs=3000, width=64);"
RATES = """controls = ("learning_rate", "schedule", "optimizer", "batch_size")
Explorer(load_red_wine(), controls=controls, epochs=30, batch_size=256)"""
# The size and the contrast of every text that is not switched off, against the ground that lies behind it.
TEXTS = """() => {
    const rgba = color => { const [r, g, b, a = 1] = color.match(/[0-9.]+/g).map(Number); return [r, g, b, a]; };
    const light = rgb => {
        const [r, g, b] = rgb.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const over = (front, back) => [0, 1, 2].map(i => front[3] * front[i] + (1 - front[3]) * back[i]);
    const ground = element => {
        if (!element) return [255, 255, 255];
        const own = rgba(getComputedStyle(element).backgroundColor);
        return own[3] === 1 ? own.slice(0, 3) : over(own, ground(element.parentElement));
    };
    const places = '.widget-label, .widget-label-basic, input[type=text], select, button:not([disabled]), ' +
        '.explorer-status span:not([style]), .explorer-status .widget-html-content, .explorer-sentence div';
    return [...document.querySelectorAll('.explorer ' + places.split(', ').join(', .explorer '))]
        .filter(element => element.getClientRects().length && (element.innerText || element.value))
        .map(element => {
            const style = getComputedStyle(element), back = ground(element);
            const lights = [light(over(rgba(style.color), back)), light(back)].sort((a, b) => b - a);
            return {
                words: element.innerText || element.value,
                size: parseFloat(style.fontSize),
                contrast: (lights[0] + 0.05) / (lights[1] + 0.05),
                isCut: element.matches('.widget-label') && element.scrollWidth > element.clientWidth,
            };
        });
}"""


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture(scope="module", params=["perCommTarget", "disabled"], ids=["subshells", "no subshells"])
def lab(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    with jupyterlab(folder, subshells=request.param) as server:
        yield server, folder


@pytest.fixture(scope="module")
def notebook(chromium, lab):
    server, folder = lab
    notebook = Notebook(chromium, server, folder, [IMPORTS, SHOW, ASK, SLOW], name="explorer.ipynb")
    notebook.run(0)
    notebook.run(1)
    yield notebook
    notebook.close()


@pytest.fixture
def explorer(notebook, lab):
    """The explorer at its start; at the end, the browser and the kernel must have nothing to complain about."""
    explorer = Explorer(notebook)
    explorer.button("Reset").click()
    explorer.wait_finished("width 64 ")
    yield explorer
    assert notebook.complaints == []
    assert notebook.page.get_by_text("Traceback (most recent call last)").count() == 0
    # An exception in a widget's callback shows in no cell: the kernel writes it to the server's log.
    assert "Traceback" not in (lab[1] / "jupyter.log").read_text()


def test_a_key_moves_the_slider_and_picture_and_sentence_follow(explorer):
    before, picture = explorer.sentence(), explorer.picture()
    explorer.slider("width").press("ArrowRight")
    explorer.wait_finished("width 128 ", "validation MAE")
    explorer.wait_for("picture !== words[0]", picture)
    assert explorer.sentence() != before
    assert explorer.field("width").input_value() == "128"


def test_the_mouse_moves_the_slider(explorer):
    picture, handle = explorer.picture(), explorer.slider("depth")
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    explorer.page.mouse.move(x, y)
    explorer.page.mouse.down()
    explorer.page.mouse.move(x + 60, y, steps=12)
    explorer.page.mouse.up()
    explorer.wait_for("status.includes('finished') && !sentence.includes('depth 2 ')")
    explorer.wait_for("picture !== words[0]", picture)


def test_a_value_can_be_typed_and_nonsense_is_explained(explorer):
    explorer.field("dropout").fill("0.33")
    explorer.field("dropout").press("Enter")
    explorer.wait_finished("dropout 0.33 ")
    explorer.field("width").fill("9999")
    explorer.field("width").press("Enter")
    explorer.wait_for("sentence.includes('width=9999 is not valid')")
    assert explorer.field("width").input_value() == "64"


def test_every_control_is_reached_with_the_tab_key(explorer):
    explorer.slider("width").focus()
    reached = []
    for _ in range(10):
        reached.append(explorer.page.evaluate("document.activeElement.className + ' ' + document.activeElement.title"))
        explorer.page.keyboard.press("Tab")
    assert sum("noUi-handle" in one for one in reached) == 3
    assert sum("type a value" in one for one in reached) == 3
    assert sum("jupyter-button" in one for one in reached) >= 4  # Stop is off while nothing runs


def test_a_change_while_training_cancels(explorer, notebook):
    notebook.run(3)
    explorer.wait_for("status.includes('of 3000')")
    explorer.slider("width").press("ArrowLeft")
    explorer.wait_for("sentence.includes('width 32 ') && status.includes('of 3000')")
    explorer.button("Reset").click()
    explorer.wait_finished("width 64 ")
    time.sleep(0.5)
    assert "width 64 " in explorer.sentence()
    status, width, runs = notebook.run(2).split(" ", 2)
    assert (status, width) == ("finished", "64")
    assert " 32" not in runs


def test_stop(explorer, notebook):
    notebook.run(3)
    explorer.wait_for("status.includes('of 3000')")
    explorer.button("Stop").click()
    explorer.wait_for("status.includes('stopped')")


def test_pin(explorer):
    picture = explorer.picture()
    explorer.button("Pin").click()
    explorer.wait_for("picture !== words[0]", picture)
    explorer.button("Unpin").click()
    explorer.button("Unpin").wait_for(state="hidden")


def test_five_seeds(explorer):
    explorer.button("5 seeds").click()
    explorer.root.locator(".explorer-bar .progress-bar").wait_for()
    explorer.wait_finished("5 seeds", timeout=120)


def test_show_code(explorer):
    explorer.button("Show code").click()
    explorer.root.locator(".explorer-code pre").wait_for()
    assert "keras.Sequential([" in explorer.root.locator(".explorer-code pre").inner_text()
    explorer.button("Hide code").click()
    explorer.root.locator(".explorer-code pre").wait_for(state="hidden")


def test_reset(explorer):
    explorer.slider("width").press("Home")
    explorer.wait_finished("width 4 ")
    explorer.button("Reset").click()
    explorer.wait_finished("width 64 ")
    assert explorer.field("width").input_value() == "64"


def test_the_picture_grows_and_never_goes_blank(explorer, notebook):
    """While training runs there are at least 5 pictures a second, and none of them is empty."""
    notebook.run(3)
    explorer.wait_for("status.includes('of 3000')")
    count = explorer.page.evaluate(
        """() => new Promise(resolve => {
            const image = document.querySelector('.explorer img.explorer-curves');
            let loads = 0, blanks = 0;
            image.addEventListener('load', () => { loads += 1; if (image.naturalWidth < 100) blanks += 1; });
            image.addEventListener('error', () => { blanks += 1; });
            const height = image.getBoundingClientRect().height;
            setTimeout(() => resolve([loads, blanks, height - image.getBoundingClientRect().height]), 3000);
        })"""
    )
    explorer.button("Stop").click()
    explorer.wait_for("status.includes('stopped')")
    loads, blanks, jump = count
    assert loads >= 15
    assert blanks == 0
    assert jump == 0


@pytest.mark.parametrize("width", [1300, 900])
def test_nothing_is_cut_off(explorer, width):
    explorer.page.set_viewport_size({"width": width, "height": 1000})
    time.sleep(0.5)
    root = explorer.root.bounding_box()
    for part in (".explorer-curves", ".explorer-network", ".explorer-sentence", "button >> nth=4"):
        box = explorer.root.locator(part).bounding_box()
        assert box["x"] >= root["x"] - 1
        assert box["x"] + box["width"] <= root["x"] + root["width"] + 1
    picture = explorer.root.locator(".explorer-curves").bounding_box()
    assert picture["width"] / picture["height"] == pytest.approx(72 / 41, rel=0.02)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_the_panel_of_the_rates(chromium, tmp_path, theme):
    with jupyterlab(tmp_path, theme=theme) as server:
        notebook = Notebook(chromium, server, tmp_path, [IMPORTS, RATES], name="rates.ipynb")
        notebook.run(0)
        notebook.run(1)
        explorer = Explorer(notebook)
        for width in (1300, 900):
            explorer.page.set_viewport_size({"width": width, "height": 1000})
            explorer.wait_finished()
            before, picture = explorer.root.bounding_box(), explorer.picture()
            explorer.root.locator("select").first.select_option("cosine" if width == 1300 else "on plateau")
            explorer.wait_for("picture !== words[0]", picture)
            running = explorer.root.bounding_box()
            explorer.wait_finished("cosine rate" if width == 1300 else "on plateau rate")
            assert before == running == explorer.root.bounding_box()  # nothing jumps
            curves = explorer.root.locator(".explorer-curves").bounding_box()
            assert curves["width"] / curves["height"] == pytest.approx(72 / 50, rel=0.02)
            assert curves["x"] + curves["width"] <= before["x"] + before["width"] + 1
            texts = explorer.page.evaluate(TEXTS)
            assert {"learning rate", "schedule", "× 5 seeds"} <= {text["words"].strip() for text in texts}
            for text in texts:
                assert text["size"] >= 14, text
                assert text["contrast"] >= 4.5, text
                assert not text["isCut"], text
        assert notebook.complaints == []
        notebook.close()
