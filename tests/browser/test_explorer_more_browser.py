"""Sweeps, files and networks of one's own, in a real JupyterLab, driven by keys and mouse in a real browser."""

import importlib.util
import json
import time

import pytest

if importlib.util.find_spec("playwright") is None:
    pytest.skip("no Playwright: `pip install playwright`, and `apt-get install chromium`", allow_module_level=True)

from jupyter import HOW_TO_GET_ONE, Explorer, Notebook, browser, find_browser, jupyterlab

if find_browser() is None:
    pytest.skip(HOW_TO_GET_ONE, allow_module_level=True)

pytestmark = pytest.mark.slow
IMPORTS = """from typing import Literal
import keras
from course_utils.data import load_mnist, load_red_wine
from course_utils.explorer import Explorer"""
WINE = "Explorer(load_red_wine(), epochs=100, batch_size=256)"
LOADED = 'Explorer.load("explorer-red-wine.json")'
NETWORK = """def small_conv(filters: int = 8, dropout: float = 0.2, activation: Literal["relu", "tanh"] = "relu"):
    if filters > 16:
        raise MemoryError("too many filters")
    model = keras.Sequential([
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(filters, 3, strides=2, activation=activation),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dropout(dropout),
        keras.layers.Dense(10),
    ])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss=loss, metrics=["accuracy"])
    return model"""
OWN = """digits = load_mnist(n_train=1000, n_valid=1000, n_test=0, flatten=False)
Explorer(digits, build_model=small_conv, controls=("filters", "dropout"), epochs=10, batch_size=64)"""
# Notes every picture, and every place of the sentence, from now on.
WATCH = """() => {
    const root = document.querySelector('.explorer'), image = root.querySelector('img.explorer-curves');
    window.seen = {pictures: 0, blanks: 0, tops: new Set()};
    image.addEventListener('load', () => {
        window.seen.pictures += 1;
        if (image.naturalWidth < 100) window.seen.blanks += 1;
    });
    const note = () => {
        const place = root.querySelector('.explorer-sentence').getBoundingClientRect().top;
        window.seen.tops.add(Math.round(place - root.getBoundingClientRect().top));
        requestAnimationFrame(note);
    };
    note();
}"""
SEEN = "() => ({...window.seen, tops: [...window.seen.tops]})"


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    with jupyterlab(folder) as server:
        yield server, folder


@pytest.fixture
def show(chromium, lab):
    """A function that runs cells in a notebook of their own and gives the explorer of the last one."""
    opened, log = [], lab[1] / "jupyter.log"
    before = len(log.read_text())

    def show(*cells):
        notebook = Notebook(chromium, *lab, [IMPORTS, *cells], name=f"more-{time.monotonic_ns()}.ipynb")
        opened.append(notebook)
        for number in range(len(cells) + 1):
            notebook.run(number)
        explorer = Explorer(notebook)
        explorer.wait_finished()
        return explorer

    yield show
    # An exception in a widget's callback shows in no cell: the kernel writes it to the server's log.
    assert "Traceback" not in log.read_text()[before:]
    for notebook in opened:
        assert notebook.complaints == []
        assert notebook.page.get_by_text("Traceback (most recent call last)").count() == 0
        notebook.close()
    lab[0].end_sessions()


def test_a_sweep_of_eight_widths_is_drawn_while_it_grows_and_nothing_jumps(show):
    explorer = show(WINE)
    explorer.slider("dropout").press("ArrowRight")
    explorer.wait_finished("dropout 0.05 ")
    explorer.button("Sweep dropout").wait_for()
    explorer.slider("width").press("ArrowRight")
    explorer.wait_finished("width 128 ")
    explorer.button("Sweep width").wait_for()
    explorer.page.evaluate(WATCH)
    explorer.button("Sweep width").click()
    explorer.wait_for("status.includes('value 3 of 8')", timeout=120)
    growing = explorer.page.evaluate(SEEN)["pictures"]
    assert growing >= 2
    explorer.wait_finished("sweep of width", "8 values × 5 seeds", "chosen on validation", timeout=300)
    seen = explorer.page.evaluate(SEEN)
    assert seen["pictures"] >= growing + 5
    assert seen["blanks"] == 0
    assert len(seen["tops"]) == 1
    assert explorer.field("width").input_value() == "128"
    rows = explorer.root.locator(".explorer-log tbody tr")
    assert rows.count() == 3 + 8
    rows.filter(has_text="width 64 ").first.locator("button").click()  # one of its values, with all its seeds
    explorer.wait_finished("width 64 ", "average of the 5 networks")


def test_a_sweep_ends_with_the_next_move_and_with_stop(show):
    explorer = show(WINE)
    explorer.button("Sweep width").click()
    explorer.wait_for("status.includes('value 2 of 8')", timeout=120)
    explorer.button("Stop").click()
    explorer.wait_for("status.includes('stopped at width') && sentence.includes(' finished · ')")
    explorer.button("Sweep width").click()
    explorer.wait_for("status.includes('of 8')")
    explorer.slider("depth").press("ArrowLeft")
    explorer.wait_finished("depth 1 ")
    assert "sweep" not in explorer.sentence()


def test_runs_are_saved_beside_the_notebook_and_shown_again(show, lab):
    explorer = show(WINE)
    explorer.slider("width").press("ArrowRight")
    explorer.wait_finished("width 128 ")
    explorer.button("Pin").click()
    explorer.button("Unpin").wait_for()
    explorer.slider("width").press("ArrowRight")
    explorer.wait_finished("width 256 ", "against pinned")
    sentence = explorer.sentence()
    explorer.button("Save").click()
    explorer.wait_for("sentence.includes('3 runs saved in explorer-red-wine.json')")
    content = json.loads((lab[1] / "explorer-red-wine.json").read_text())
    assert len(content["runs"]) == 3
    loaded = show(LOADED)
    loaded.wait_for("sentence === words[0]", sentence)
    assert loaded.field("width").input_value() == "256"
    assert loaded.root.locator(".explorer-log tbody tr").count() == 3
    assert loaded.root.locator(".explorer-log input:checked").count() == 1
    loaded.slider("depth").press("ArrowLeft")  # and it trains as usual
    loaded.wait_finished("width 256 · depth 1 ")


def test_a_convolutional_network_of_ones_own_has_sliders_from_its_signature(show):
    explorer = show(NETWORK, OWN)
    assert explorer.root.locator(".explorer-row").count() == 2
    assert explorer.field("dropout").input_value() == "0.2"
    assert "validation accuracy" in explorer.sentence()
    picture = explorer.picture()
    explorer.slider("filters").press("ArrowRight")
    explorer.wait_finished("filters 16 ")
    explorer.wait_for("picture !== words[0]", picture)
    explorer.slider("dropout").press("ArrowRight")
    explorer.wait_finished("dropout 0.25 ")
    explorer.slider("filters").press("ArrowRight")
    explorer.wait_for("status.includes('failed') && sentence.includes('MemoryError: too many filters')")
    explorer.slider("filters").press("Home")
    explorer.wait_finished("filters 1 ", "without dropout")
    explorer.button("Show code").click()
    assert "def small_conv(" in explorer.root.locator(".explorer-code pre").last.inner_text()
