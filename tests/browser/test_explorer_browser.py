"""The explorer in a real JupyterLab, driven by keys and mouse in a real browser."""

import importlib.util
import io
import time

import pytest
from PIL import Image

if importlib.util.find_spec("playwright") is None:
    pytest.skip("no Playwright: `pip install playwright`, and `apt-get install chromium`", allow_module_level=True)

from jupyter import HOW_TO_GET_ONE, Explorer, Notebook, browser, find_browser, jupyterlab

if find_browser() is None:
    pytest.skip(HOW_TO_GET_ONE, allow_module_level=True)

pytestmark = pytest.mark.slow
IMPORTS = "from course_utils.data import load_red_wine\nfrom course_utils.explorer import Explorer"
SHOW = "explorer = Explorer(load_red_wine(), epochs=100, batch_size=256)\nexplorer"
ASK = "print(explorer.status, explorer.settings.width, [run.settings.width for run in explorer.runs])"
SLOW = "explorer.set(epochs=3000, width=64);"
RATES = """controls = ("learning_rate", "schedule", "optimizer", "batch_size")
Explorer(load_red_wine(), controls=controls, epochs=30, batch_size=256)"""
MENUS = """Explorer(load_red_wine(), controls=("width", "activation", "batch_norm"), epochs=20, batch_size=256)"""
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


@pytest.fixture(
    scope="module",
    params=[pytest.param("perCommTarget", id="subshells"), pytest.param("disabled", id="no subshells")],
)
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
    notebook.page.bring_to_front()  # other tests open pages of their own
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
    line, source = explorer.root.locator(".explorer-code pre").first, explorer.root.locator(".explorer-code pre").last
    source.wait_for()
    assert line.inner_text().startswith("Explorer(load_red_wine()")
    assert "keras.Sequential([" in source.inner_text()
    explorer.button("Hide code").click()
    source.wait_for(state="hidden")


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


@pytest.mark.parametrize("width", [1920, 1366, 1024, 900])
def test_nothing_jumps_while_five_seeds_are_trained(explorer, width):
    explorer.page.set_viewport_size({"width": width, "height": 1000})
    time.sleep(0.5)
    watch = """() => {
        const sentence = document.querySelector('.explorer-sentence');
        window.places = new Set();
        const note = () => {
            const root = document.querySelector('.explorer').getBoundingClientRect();
            window.places.add(Math.round(sentence.getBoundingClientRect().top - root.top));
            if (window.watching) requestAnimationFrame(note);
        };
        window.watching = true;
        note();
    }"""
    dropout = f"0.{width % 90 + 10}"  # that no test before has trained
    explorer.field("dropout").fill(dropout)
    explorer.field("dropout").press("Enter")
    explorer.wait_finished(f"dropout {float(dropout):g} ")
    explorer.page.evaluate(watch)
    explorer.button("5 seeds").click()
    explorer.wait_for("status.includes('of 5 ')")
    explorer.wait_finished("5 seeds", timeout=120)
    places = explorer.page.evaluate("() => { window.watching = false; return [...window.places]; }")
    explorer.page.set_viewport_size({"width": 1300, "height": 1000})
    assert len(places) == 1


@pytest.mark.parametrize("width", [1920, 1300, 900])
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
            # JupyterLab lays a cell out again some frames after the window has another size.
            explorer.page.evaluate("new Promise(done => setTimeout(() => requestAnimationFrame(done), 500))")
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


def test_letters_and_arrows_stay_in_the_explorer(chromium, tmp_path):
    """JupyterLab takes a letter for a command to the cell: `m` would make it text, and the explorer would go."""
    with jupyterlab(tmp_path) as server:
        notebook = Notebook(chromium, server, tmp_path, [IMPORTS, MENUS], name="keys.ipynb")
        notebook.run(0)
        notebook.run(1)
        explorer = Explorer(notebook)
        explorer.wait_finished()
        menu = explorer.root.locator("select").first
        menu.focus()
        explorer.page.keyboard.press("s")  # sigmoid
        explorer.wait_finished("sigmoid")
        explorer.page.keyboard.press("ArrowDown")
        explorer.wait_finished("tanh")
        for letter in "mrbad":
            explorer.slider("width").press(letter)
        explorer.slider("width").press("ArrowRight")
        explorer.wait_finished("width 128 ")
        assert notebook.page.locator(".jp-CodeCell").count() == 2
        explorer.page.keyboard.press("Control+s")  # JupyterLab's own keys with Ctrl still work
        for _ in range(100):
            if "128" in (tmp_path / "keys.ipynb").read_text():
                break
            time.sleep(0.1)
        assert "explorer-asleep" in (tmp_path / "keys.ipynb").read_text()
        assert notebook.complaints == []
        notebook.close()


def test_every_control_picture_and_button_has_a_name_and_a_value(explorer):
    slider = explorer.slider("width")
    assert slider.get_attribute("aria-label") == "width"
    assert slider.get_attribute("aria-valuetext") == "64"
    slider.press("ArrowRight")
    explorer.wait_finished("width 128 ")
    assert slider.get_attribute("aria-valuetext") == "128"
    tree = explorer.root.aria_snapshot()
    for words in ('region "Explorer"', 'slider "width"', 'textbox "width, typed"', 'img "Learning curves', "table"):
        assert words in tree
    assert 'slider ""' not in tree
    live = explorer.root.locator(".explorer-said")
    assert "width 128 " in live.inner_text()
    explorer.root.locator(".explorer-sentence [role=status]").wait_for(state="detached")


def test_a_run_of_the_table_is_shown_again_by_keyboard_and_pinned(explorer):
    explorer.slider("width").press("ArrowRight")
    explorer.wait_finished("width 128 ")
    rows = explorer.root.locator(".explorer-log tbody tr")
    earlier = rows.filter(has_text="width 64 · depth 2 · dropout 0").last
    earlier.locator("button").focus()
    explorer.page.keyboard.press("Enter")
    explorer.wait_finished("width 64 ")
    rows.filter(has_text="width 128 ").first.locator(".explorer-log-best").click()  # any place in the row will do
    explorer.wait_finished("width 128 ")
    earlier.locator("td").last.click()
    explorer.wait_finished("width 64 ")
    pin = rows.filter(has_text="width 128 ").first.locator("input")
    pin.focus()
    explorer.page.keyboard.press("Space")
    explorer.wait_for("sentence.includes('against pinned')")
    assert explorer.page.evaluate("document.activeElement.type") == "checkbox"  # the focus stays where it was
    explorer.page.keyboard.press("Space")
    explorer.wait_for("!sentence.includes('against pinned')")


def test_what_is_copied_shows_the_experiment_again(explorer, notebook):
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    explorer.button("Show code").click()
    for name, words in (("Explorer line", "Explorer(load_red_wine()"), ("Keras code", "keras.Sequential([")):
        explorer.button(f"Copy the {name}").click()
        explorer.page.wait_for_function(
            "words => navigator.clipboard.readText().then(text => text.includes(words))", arg=words, timeout=10_000
        )
        explorer.button(f"Copy the {name} ✓").wait_for()
    explorer.button("Hide code").click()


def test_by_keyboard_alone_from_the_first_control_to_a_copied_experiment(explorer, notebook):
    page = notebook.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    def tab_to(words):
        """Press Tab until what has the focus is called so."""
        name = "(e => e.getAttribute('aria-label') || e.innerText.trim())(document.activeElement)"
        for _ in range(150):  # the table may be long
            page.keyboard.press("Tab")
            if words in page.evaluate(name):
                return
        raise AssertionError(f"Tab does not reach {words!r}")

    explorer.slider("width").focus()
    page.keyboard.press("ArrowRight")
    explorer.wait_finished("width 128 ")
    tab_to("Show code")
    page.keyboard.press("Enter")
    explorer.button("Copy the Explorer line").wait_for()
    tab_to("Copy the Explorer line")
    page.keyboard.press("Enter")
    page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('width=128'))", timeout=10_000)
    tab_to("Go back to 1: ")  # the oldest run is the last of the table
    page.keyboard.press("Enter")
    explorer.wait_finished("width 64 ")
    explorer.button("Hide code").click()


def test_the_code_comes_into_sight(explorer):
    page = explorer.page
    page.set_viewport_size({"width": 1366, "height": 650})
    explorer.button("Show code").click()
    explorer.root.locator(".explorer-code pre").last.wait_for()
    seen = """() => {
        const place = name => document.querySelector(name).getBoundingClientRect();
        const isSeen = place('.explorer-copy').top > 0 && place('.explorer-code').top < innerHeight - 150;
        return isSeen && place('.explorer-curves').bottom > 100;  // with a part of the picture
    }"""
    page.wait_for_function(seen, timeout=5000)
    explorer.button("Hide code").click()
    page.set_viewport_size({"width": 1300, "height": 1000})


def test_in_high_contrast_the_picture_has_a_ground_of_its_own(explorer):
    """Its ink is dark, and forced colours may make the page black."""
    explorer.page.emulate_media(forced_colors="active", color_scheme="dark")
    style = "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).filter]"
    assert explorer.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(0, 0, 0)"
    for picture in ("curves", "network"):
        assert explorer.root.locator(f".explorer-{picture}").evaluate(style) == ["rgb(255, 255, 255)", "none"]
        corner = Image.open(io.BytesIO(explorer.root.locator(f".explorer-{picture}").screenshot())).convert("RGB")
        assert corner.getpixel((2, 2)) == (255, 255, 255)  # whatever the style says
    explorer.page.emulate_media(forced_colors="none", color_scheme="light")
    assert explorer.root.locator(".explorer-curves").evaluate(style)[0] == "rgba(0, 0, 0, 0)"


def test_a_saved_notebook_shows_the_last_picture_when_its_kernel_is_gone(chromium, tmp_path):
    with jupyterlab(tmp_path) as server:
        notebook = Notebook(chromium, server, tmp_path, [IMPORTS, MENUS], name="saved.ipynb")
        notebook.run(0)
        notebook.run(1)
        explorer = Explorer(notebook)
        explorer.wait_finished()
        explorer.slider("width").press("ArrowRight")
        explorer.wait_finished("width 128 ")
        asleep = notebook.page.locator(".explorer-asleep")
        assert not asleep.is_visible()
        for _ in range(50):
            notebook.page.keyboard.press("Control+s")
            if "width 128 " in (tmp_path / "saved.ipynb").read_text():
                break
            time.sleep(0.2)
        notebook.close()
        server.end_sessions()
        page = chromium.new_page()
        page.goto(server.url("doc/tree/saved.ipynb?reset"))
        page.locator(".explorer-asleep img").wait_for(timeout=30_000)
        assert "run this cell" in page.locator(".explorer-asleep").inner_text()
        assert "width 128 " in page.locator(".explorer-asleep").inner_text()
        page.get_by_text("Error displaying widget").wait_for(state="hidden")
        page.close()


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (1366, 650), (1920, 1080)])
def test_text_in_the_picture_can_be_read_and_the_screen_holds_the_explorer(explorer, width, height):
    explorer.page.set_viewport_size({"width": width, "height": height})
    time.sleep(0.5)
    picture = explorer.root.locator(".explorer-curves").bounding_box()
    assert picture["width"] / 936 * 130 * 10 / 72 >= 10  # text of 10 points, at 130 dots an inch on 936 dots
    if width > 1100:
        sentence = explorer.root.locator(".explorer-sentence").bounding_box()
        assert sentence["y"] + 50 - explorer.root.bounding_box()["y"] < height - 90  # JupyterLab's own bars
    explorer.page.set_viewport_size({"width": 1300, "height": 1000})
