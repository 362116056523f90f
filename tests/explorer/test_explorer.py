"""The explorer as a student drives it: through its widgets, and from Python. Nothing here looks at a screen."""

import base64
import dataclasses
import gc
import io
import multiprocessing
import os
import random
import select
import threading
import time
import traceback
import weakref
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import psutil
import pytest
from IPython.core.interactiveshell import InteractiveShell
from ipywidgets import Widget
from matplotlib.image import imread

from course_utils.data import load_red_wine
from course_utils.experiment import Settings, run, run_seeds
from course_utils.explorer import Explorer, networks
from course_utils.explorer import explorer as explorer_module
from course_utils.explorer import worker as worker_module
from course_utils.explorer.controls import CONTROLS, available
from course_utils.explorer.rates import rates
from course_utils.training import GRAPHS

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def make():
    """A function that makes explorers, which are closed at the end of the test."""
    made = []

    def make_explorer(data, **options):
        made.append(Explorer(data, **{"epochs": 3, "width": 8, "depth": 1, **options}))
        return made[-1]

    yield make_explorer
    for explorer in made:
        explorer.close()


def move(explorer, name, value):
    """Set a control through its widget, as a hand does."""
    control, widget = CONTROLS[name], explorer.widgets.inputs[name]
    widget.value = control.values.index(value) if control.is_slider else value


def press(explorer, button):
    explorer.widgets.buttons[button].click()


def words(explorer):
    return explorer.widgets.sentence.value


def test_first_run_starts_by_itself_and_is_that_of_experiment_run(make, wine):
    explorer = make(wine, dropout=0.3, seed=2)
    found, expected = explorer.wait(60), run(Settings(epochs=3, width=8, depth=1, dropout=0.3, seed=2), wine)
    assert list(found.history) == list(expected.history)
    for name, values in expected.history.items():
        np.testing.assert_allclose(found.history[name], values, atol=1e-5)
    assert found.train_loss == pytest.approx(expected.train_loss, abs=1e-5)
    assert bytes(explorer.widgets.curves.value).startswith(PNG)


@pytest.mark.parametrize(
    "changes",
    [{"dropout": 0.7}, {"batch_norm": True}, {"schedule": "cosine"}, {"optimizer": "sgd"}, {"weight_decay": 1.0}],
)
def test_later_runs_are_those_of_experiment_run_too(make, mnist, changes):
    explorer = make(mnist, width=16)
    explorer.set(seed=5).wait(60)  # another run on the same graph, so that leftovers of it would show
    explorer.set(dropout=0.5).wait(60)
    found = explorer.set(seed=1, **changes).wait(60)
    expected = run(explorer.settings, mnist)
    for name, values in expected.history.items():
        np.testing.assert_allclose(found.history[name], values, atol=1e-5)


def test_seeds_are_those_of_run_seeds_and_grow_together(make, wine):
    explorer = make(wine, dropout=0.2, epochs=30)
    explorer.wait(60)
    curves = drawn(explorer)
    press(explorer, "seeds")
    found = explorer.wait(60)
    expected = run_seeds(explorer.settings, wine, seeds=range(5))
    assert [one.settings.seed for one in found] == [0, 1, 2, 3, 4]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.history["val_loss"], other.history["val_loss"], atol=1e-5)
    assert "5 seeds" in words(explorer)
    assert explorer.widgets.bar.layout.visibility == "hidden"  # the progress bar is there while it runs
    growing = [one.runs for one in curves if one.runs and not one.is_finished]
    assert growing
    assert {len({run.epochs for run in runs}) for runs in growing} == {1}
    assert {len(runs) for runs in growing} == {5}


def test_stop_ends_all_seeds_at_the_same_epoch(make, wine):
    explorer = make(wine, epochs=300, batch_size=8)
    explorer.stop()
    explorer.wait(60)
    press(explorer, "seeds")
    while not explorer.shown().runs:
        time.sleep(0.01)
    press(explorer, "stop")
    found = explorer.wait(60)
    (epochs,) = {one.epochs for one in found}
    assert 0 < epochs < 300
    assert f"stopped at seeds 1–5 of 5 · epoch {epochs} of 300" in explorer.widgets.status.value


def test_data_settings_load_the_data_that_they_name(make, mnist):
    explorer = make(mnist, controls=("n_train", "label_noise"))
    explorer.wait(60)
    move(explorer, "n_train", 50)
    move(explorer, "label_noise", 0.5)
    found = explorer.wait(60)
    assert len(explorer.data.x_train) == 50
    assert (explorer.data.y_train != mnist.y_train[:50]).sum() == 25
    np.testing.assert_allclose(found.history["loss"], run(explorer.settings, explorer.data).history["loss"], atol=1e-5)
    assert "n_train=50" in explorer.code()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wine", "mnist"])
def test_every_value_of_every_control_trains(make, request, monkeypatch, name):
    monkeypatch.setattr(worker_module, "REST_BEFORE_FINISHED", 0)  # nobody's hand has to come to rest
    data = request.getfixturevalue(name)
    controls = available(data)
    if name == "mnist":  # those of the wines are tried on the wines
        controls = [control for control in controls if control not in available(request.getfixturevalue("wine"))]
    explorer = make(data, controls=controls, batch_size=64, epochs=5)
    explorer.wait(60)
    for control in (CONTROLS[name] for name in explorer.controls):
        start = explorer.widgets.inputs[control.name].value
        for value in control.values:
            move(explorer, control.name, value)
            explorer.wait(120)
            shown = explorer.settings if hasattr(explorer.settings, control.name) else None
            assert shown is None or getattr(shown, control.name) == value
            assert explorer.status == "finished", (control.name, value)
        explorer.widgets.inputs[control.name].value = start


def test_text_field_takes_values_between_those_of_the_slider(make, wine):
    explorer = make(wine)
    explorer.widgets.fields["width"].value = "100"
    assert explorer.wait(60).settings.width == 100
    assert CONTROLS["width"].values[explorer.widgets.inputs["width"].value] == 128  # the nearest position


@pytest.mark.parametrize("typed", ["9999", "many", "2.5", ""])
def test_nonsense_in_a_text_field_is_explained_and_undone(make, wine, typed):
    explorer = make(wine)
    explorer.wait(60)
    explorer.widgets.fields["width"].value = typed
    assert explorer.wait(60).settings.width == 8
    assert "width=" in words(explorer)
    assert "512" in words(explorer)
    assert explorer.widgets.fields["width"].value == "8"


def test_moving_from_python_moves_the_widgets(make, wine):
    explorer = make(wine)
    explorer.set(width=64, dropout=0.25).wait(60)
    assert explorer.widgets.fields["width"].value == "64"
    assert explorer.widgets.fields["dropout"].value == "0.25"
    assert CONTROLS["width"].values[explorer.widgets.inputs["width"].value] == 64


def test_twenty_changes_end_in_one_run(make, wine, monkeypatch):
    monkeypatch.setattr(worker_module, "REST_BEFORE_FINISHED", 3)  # a busy machine may hold up a hand for a while
    explorer = make(wine, dropout=0.5)  # from here on nothing is traced, and each run takes a moment only
    explorer.wait(60)
    for i in range(20):
        move(explorer, "dropout", (0.1, 0.2)[i % 2] if i < 19 else 0.3)
        time.sleep(0.1)
    explorer.wait(60)
    assert [one.settings.dropout for one in explorer.runs] == [0.5, 0.3]


def test_a_change_stops_the_run_and_nothing_of_it_is_drawn_afterwards(make, wine):
    explorer = make(wine, epochs=300, batch_size=8)
    while not explorer.shown().runs:
        time.sleep(0.01)
    curves, sentences = drawn(explorer), []
    explorer.widgets.sentence.observe(lambda change: sentences.append(change["new"]), "value")
    move(explorer, "width", 16)
    explorer.wait(60)
    assert [one.settings.width for one in explorer.runs] == [16]
    assert sentences
    assert all("width 16 " in sentence for sentence in sentences)
    # One picture may have been begun before the move; it is not shown.
    assert {run.settings.width for one in curves[1:] for run in one.runs} == {16}


def test_trained_settings_come_back_at_once(make, wine):
    explorer = make(wine)
    first = explorer.wait(60)
    explorer.set(width=16).wait(60)
    move(explorer, "width", 8)
    assert explorer.status == "finished"  # without waiting
    assert explorer.wait(60) is first
    assert len(explorer.runs) == 2


def test_pictures_grow_while_training_runs(make, wine):
    explorer = make(wine)
    explorer.wait(60)
    pictures = []
    explorer.widgets.curves.observe(lambda change: pictures.append(bytes(change["new"])), "value")
    curves = drawn(explorer)
    explorer.set(width=64, depth=4, epochs=300, batch_size=8).wait(120)
    assert len(set(pictures)) > 3
    epochs = [one.runs[0].epochs for one in curves if one.runs]
    assert epochs == sorted(epochs)
    assert epochs[0] < 100  # drawn while it trains


def drawn(explorer):
    """A list that fills with the `Curves` of every picture from now on."""
    picture, seen = explorer._session._painter._picture, []
    png = picture.png
    picture.png = lambda curves: seen.append(curves) or png(curves)
    return seen


def told(explorer):
    """A list that fills with the `Curves` of everything that the painter is told from now on."""
    painter, seen = explorer._session._painter, []
    show = painter.show
    painter.show = lambda scene: seen.append(scene.curves) or show(scene)
    return seen


def test_the_run_before_is_faint_at_once(make, wine):
    explorer = make(wine)
    before = explorer.wait(60)
    seen = told(explorer)
    found = explorer.set(width=64, epochs=50, batch_size=8).wait(60)
    assert seen[0].runs == ()  # nothing bold
    assert seen[0].earlier == ((before,),)
    bold = [len(one.runs) for one in seen]
    assert bold == sorted(bold)  # never empty again
    assert seen[-1].runs == (found,)


def test_a_run_that_was_stopped_by_a_move_is_faint_until_the_next_one_has_a_curve(make, wine):
    explorer = make(wine, epochs=300, batch_size=8)
    while not explorer.shown().runs:
        time.sleep(0.01)
    seen = told(explorer)
    explorer.set(width=16, epochs=5).wait(60)
    empty = [one for one in seen if not one.runs]
    assert empty
    for one in empty:
        ((stopped,),) = one.earlier
        assert stopped.settings.width == 8
        assert 2 <= stopped.epochs < 300
    assert seen[-1].earlier == ()
    assert seen[-1].runs[0].settings.width == 16


@pytest.mark.parametrize("schedule", ["constant", "cosine", "on plateau"])
def test_the_rate_that_is_drawn_is_the_one_that_was_trained_with(make, wine, schedule):
    explorer = make(wine, controls=("schedule",), schedule=schedule, epochs=30, learning_rate=0.02)
    found = explorer.wait(60)
    expected = run(explorer.settings, wine).history.get("learning_rate", [0.02] * 30)
    np.testing.assert_allclose(rates(found), expected)
    assert explorer.shown().setup == found.setup
    height, width = imread(io.BytesIO(bytes(explorer.widgets.curves.value))).shape[:2]
    assert (width, height) == (936, 650)
    assert "explorer-with-rate" in explorer.widgets.curves._dom_classes


def test_without_a_schedule_there_is_one_panel(make, wine):
    explorer = make(wine, controls=("learning_rate",))
    explorer.wait(60)
    height, width = imread(io.BytesIO(bytes(explorer.widgets.curves.value))).shape[:2]
    assert (width, height) == (936, 533)
    assert "explorer-with-rate" not in explorer.widgets.curves._dom_classes


def test_stop_keeps_what_there_is(make, wine):
    explorer = make(wine)
    explorer.wait(60)
    explorer.set(epochs=300, width=512, batch_size=8)
    while explorer.status != "training":
        time.sleep(0.01)
    press(explorer, "stop")
    found = explorer.wait(60)
    assert explorer.status == "stopped"
    assert 0 < found.epochs < 300
    assert len(explorer.runs) == 1  # the stopped one is not among the finished
    assert explorer.widgets.buttons["stop"].disabled
    assert explorer.set(epochs=3).wait(60).epochs == 3  # and it goes on from there


def test_stop_before_the_training_has_begun(make, wine):
    explorer = make(wine, epochs=300, batch_size=8)
    for _ in range(20):
        explorer.set(seed=explorer.settings.seed + 1)
        explorer.stop()
        assert explorer.wait(60).epochs < 300
        assert explorer.status == "stopped"


def test_pin_keeps_a_run_and_lets_it_go(make, wine):
    explorer = make(wine)
    first = explorer.wait(60)
    press(explorer, "pin")
    explorer.wait(60)
    assert explorer.widgets.buttons["pin"].description == "Unpin"
    explorer.set(width=16).wait(60)
    assert explorer.widgets.buttons["pin"].description == "Pin"
    assert [group for group, _ in explorer.shown().pinned] == [(first,)]
    explorer.set(width=8).wait(60)
    press(explorer, "pin")
    explorer.wait(60)
    assert explorer.widgets.buttons["pin"].description == "Pin"
    assert explorer.shown().pinned == ()


def test_a_button_that_does_nothing_says_so(make, wine):
    explorer = make(wine)
    explorer.wait(60)
    explorer._pressed("no such button")
    explorer.wait(60)
    assert "no such button" in words(explorer)
    assert explorer.widgets.code.layout.display == "none"


def test_axes_stay_where_they_are(make, wine):
    explorer = make(wine)
    explorer.wait(60)
    axes = []
    for width in (4, 64, 256):
        explorer.set(width=width).wait(60)
        axes.append(explorer.shown().axes)
    assert len(set(axes)) == 1


def test_reset_goes_back_and_clears_the_picture(make, wine):
    explorer = make(wine)
    first = explorer.wait(60)
    press(explorer, "pin")
    explorer.set(width=64, epochs=5).wait(60)
    press(explorer, "reset")
    assert explorer.wait(60) is first
    assert explorer.settings == first.settings
    assert explorer.shown().earlier == ()
    assert explorer.shown().pinned == ()


def test_show_code_shows_and_hides_the_code_of_the_moment(make, wine):
    explorer = make(wine)
    press(explorer, "code")
    explorer.set(dropout=0.3).wait(60)
    assert "Dropout(0.3)" in explorer.widgets.code.value
    assert explorer.widgets.code.layout.display != "none"
    press(explorer, "code")
    explorer.wait(60)
    assert explorer.widgets.code.layout.display == "none"


def test_an_error_in_training_is_shown_and_raised(make, wine, monkeypatch):
    explorer = make(wine)
    explorer.wait(60)

    def fail(*_, **__):
        raise RuntimeError("no memory left")

    monkeypatch.setattr(networks, "train_epochs", fail)
    explorer.set(width=16)
    with pytest.raises(RuntimeError, match="no memory left"):
        explorer.wait(60)
    assert "no memory left" in words(explorer)
    assert 'role="alert"' in words(explorer)
    assert traceback.extract_tb(explorer.error.__traceback__)[-1].name == "fail"
    monkeypatch.undo()
    assert explorer.set(width=16).wait(60).settings.width == 16  # asked for once more, it trains
    assert explorer.error is None


def test_an_error_in_what_is_shown_is_said_and_the_explorer_goes_on(make, wine, monkeypatch):
    explorer = make(wine)
    explorer.wait(60)

    def fail(*_, **__):
        raise ArithmeticError("no such words")

    monkeypatch.setattr("course_utils.explorer.state.settings_text", fail)
    found = explorer.set(width=16).wait(60)
    assert found.settings.width == 16
    assert "no such words" in words(explorer)
    assert 'role="alert"' in words(explorer)
    assert "finished" in explorer.widgets.status.value
    assert traceback.extract_tb(explorer.error.__traceback__)[-1].name == "fail"
    monkeypatch.undo()
    assert explorer.set(width=32).wait(60).settings.width == 32
    assert "width 32 " in words(explorer)
    assert explorer.error is None


def test_an_error_in_drawing_is_kept(make, wine, monkeypatch):
    explorer = make(wine)
    explorer.wait(60)

    def fail(curves):
        raise OSError("no ink")

    monkeypatch.setattr(explorer._session._painter._picture, "png", fail)
    explorer.set(width=16).wait(60)
    assert "no ink" in words(explorer)
    assert str(explorer.error) == "no ink"


def test_an_error_in_a_button_is_shown(make, wine):
    explorer = make(wine, epochs=300, batch_size=8, width=512)
    press(explorer, "pin")
    explorer.stop()
    explorer.wait(60)
    assert "no finished run to pin" in words(explorer)


def test_wait_says_when_it_takes_too_long(make, wine):
    explorer = make(wine, epochs=300, batch_size=8, width=512)
    with pytest.raises(TimeoutError, match=r"0\.01 seconds"):
        explorer.wait(0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"controls": ("wdth",)}, "'wdth' is not one of 'width'"),
        ({"controls": "width"}, "with a comma"),
        ({"controls": ()}, "empty"),
        ({"controls": ("width", "width")}, "twice"),
        ({"controls": ("n_train",)}, "load_mnist"),
        ({"units": 3}, "'units' is no setting"),
        ({"width": 1024}, "width=1024.*<= 512"),
        ({"dropout": 1.5}, "dropout=1.5"),
        ({"shuffle": "no"}, "shuffle='no'"),
    ],
)
def test_bad_arguments_are_explained(wine, options, message):
    before = threading.active_count()
    with pytest.raises(ValueError, match=message):
        Explorer(wine, **options)
    assert threading.active_count() == before


def test_bad_data_and_bad_changes_are_explained(make, wine):
    with pytest.raises(ValueError, match="not a Dataset"):
        Explorer("wine")
    explorer = make(wine)
    for change, message in (({"widht": 3}, "widht"), ({"width": 3}, "width=3"), ({"seed": -1}, "seed=-1")):
        with pytest.raises(ValueError, match=message):
            explorer.set(**change)
    with pytest.raises(ValueError, match="n=0"):
        explorer.repeat_seeds(0)
    assert explorer.settings.width == 8


def test_closed_means_closed(wine):
    before = threading.active_count()
    explorer = Explorer(wine, epochs=300, batch_size=8)
    explorer.close()
    assert threading.active_count() == before
    assert explorer.status == "closed"
    assert explorer.widgets.inputs["width"].disabled
    assert "closed" in explorer._repr_mimebundle_()["text/plain"]
    explorer.close()  # does nothing
    for call in (explorer.wait, explorer.repeat_seeds, explorer.pin, explorer.reset, lambda: explorer.set(width=16)):
        with pytest.raises(RuntimeError, match="closed"):
            call()


def test_an_explorer_that_nobody_holds_is_gone_with_its_threads_and_widgets(wine):
    threads, widgets = set(threading.enumerate()), registered_widgets()
    for is_training in (False, True):
        explorer = Explorer(wine, width=8, depth=1, epochs=300 if is_training else 2, batch_size=8)
        while explorer.status != ("training" if is_training else "finished"):
            time.sleep(0.01)
        gone = weakref.ref(explorer)
        del explorer
        gc.collect()
        for _ in range(200):
            if gone() is None and set(threading.enumerate()) <= threads and registered_widgets() <= widgets:
                break
            time.sleep(0.05)
        assert gone() is None
        assert set(threading.enumerate()) <= threads
        assert registered_widgets() <= widgets


def registered_widgets():
    """The names under which ipywidgets keeps widgets alive."""
    return set(Widget.get_manager_state()["state"])


@pytest.mark.slow
def test_ten_runs_of_a_cell_leave_one_explorer():
    """In a process of its own, with IPython's history, which keeps whatever a cell showed."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        open_ones, threads, widgets, sentence, statuses = process.submit(run_a_cell_ten_times).result()
    assert open_ones == 1
    assert threads == ["explorer paint", "explorer prepare", "explorer train"]
    assert widgets[1] == widgets[0]
    assert "its cell ran again" in sentence
    assert statuses == ["closed"] * 9 + ["finished"]


def run_a_cell_ten_times():
    """What is left: open explorers, threads, widgets after one run and after ten; and what the first says of itself."""
    shell = InteractiveShell.instance()
    explorer_module.has_front_end = lambda: True
    shell.run_cell("from course_utils.data import load_red_wine; from course_utils.explorer import Explorer")
    counted = []
    for _ in range(10):
        shell.run_cell(
            "explorer = Explorer(load_red_wine(), epochs=2, width=8, depth=1, batch_size=256)\nexplorer",
            store_history=True,
            cell_id="the cell",
        )
        shell.user_ns["explorer"].wait(120)
        counted.append(len(registered_widgets()))
    every = [found for _, found in sorted(shell.user_ns["_oh"].items())]  # `Out`
    threads = sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("explorer"))
    gc.collect()
    alive = [one for one in gc.get_objects() if isinstance(one, Explorer) and one.status != "closed"]
    found = len(alive), threads, (counted[0], counted[-1]), every[0].sentence, [one.status for one in every]
    alive[0].close()
    return found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_in_a_forked_process_it_says_so_instead_of_waiting_for_ever(make, wine):
    explorer = make(wine)
    explorer.wait(60)
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        said = []
        for call in (explorer.wait, lambda: explorer.set(width=16), explorer.repeat_seeds, explorer.pin):
            try:
                call()
            except RuntimeError as error:
                said.append(str(error))
        os.write(tell, "\n".join(said).encode())
        os._exit(0)
    assert select.select([told], [], [], 60)[0]
    said = os.read(told, 10_000).decode().splitlines()
    os.waitpid(child, 0)
    assert len(said) == 4
    assert all("forked" in one for one in said)
    assert explorer.set(width=16).wait(60).settings.width == 16


def test_without_a_front_end_it_is_a_picture_and_a_line_without_measured_numbers(make, wine):
    first, second = make(wine), make(wine, seed=1)
    bundle, other = first._repr_mimebundle_(), second._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}
    assert base64.b64decode(bundle["image/png"]).startswith(PNG)
    assert first.status == "finished"
    assert bundle["text/plain"] == other["text/plain"]  # though what they measured differs
    assert bundle["image/png"] != other["image/png"]
    assert "width 8 · depth 1 · dropout 0 · 105 parameters" in bundle["text/plain"]


def test_with_a_front_end_it_is_the_widget(make, wine, monkeypatch):
    monkeypatch.setattr("course_utils.explorer.explorer.has_front_end", lambda: True)
    explorer = make(wine)
    view = explorer._repr_mimebundle_()["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == explorer.widgets.root.model_id


def test_idle_time_is_used_to_prepare_the_neighbours(make, wine, monkeypatch):
    monkeypatch.setattr("course_utils.explorer.explorer.has_front_end", lambda: True)
    GRAPHS.clear()
    explorer = make(wine, controls=("width",))
    explorer._repr_mimebundle_()
    explorer.wait(60)
    settings = explorer.set(width=32).wait(60).settings

    def ready(width, n=1):
        each = [dataclasses.replace(settings, width=width, seed=seed) for seed in range(n)]
        return networks.is_ready(each, wine)

    while not ready(32, n=5):  # which comes last
        time.sleep(0.05)
    found = {width for width in CONTROLS["width"].values if ready(width)}
    assert {16, 32, 64, 128} <= found
    assert not {256, 512} & found


@pytest.mark.slow
def test_a_dozen_explorers_do_not_disturb_one_another(make, wine):
    expected = run(Settings(width=16, depth=1, epochs=3, dropout=0.5), wine).history
    random.seed(7)
    dozen = [make(wine, width=16, dropout=0.5) for _ in range(12)]
    for explorer in dozen:
        np.testing.assert_allclose(explorer.wait(120).history["val_loss"], expected["val_loss"], atol=1e-5)
    alone = random.Random(7)
    assert [random.random() for _ in range(3)] == [alone.random() for _ in range(3)]  # nor anybody else's seeds


@pytest.mark.slow
def test_code_is_plain_keras_and_gives_the_same_history(make, wine, mnist):
    rng = np.random.default_rng(0)
    explorers = [make(data, shuffle=False, epochs=5, controls=list(CONTROLS)[:11]) for data in (wine_full(), mnist)]
    for i in range(12):
        explorer = explorers[i % 2]
        found = explorer.set(**random_settings(rng)).wait(120)
        source = explorer.code()
        imports = {line for line in source.splitlines() if "import" in line}
        assert imports <= {
            "import keras",
            "import matplotlib.pyplot as plt",
            *(f"from course_utils.data import load_{name}" for name in ("red_wine", "mnist")),
        }
        scope = {}
        exec(source.replace(" epochs=", " verbose=0, epochs="), scope)
        for name, values in scope["history"].history.items():
            np.testing.assert_allclose(found.history[name], values, rtol=1e-4, atol=1e-4, err_msg=f"{name}\n{source}")


def test_shuffled_code_ends_within_the_spread_of_seeds(make):
    explorer = make(wine_full(), width=16, epochs=20, batch_size=64)
    ends = [one.history["val_loss"][-1] for one in explorer.repeat_seeds(8).wait(120)]
    scope = {}
    exec(explorer.code().replace(" epochs=", " verbose=0, epochs="), scope)
    spread = max(ends) - min(ends)
    assert min(ends) - spread / 2 <= scope["history"].history["val_loss"][-1] <= max(ends) + spread / 2


def wine_full():
    """All the wine: the code that is shown loads all of it."""
    return load_red_wine()


def random_settings(rng):
    """Any setting of any control, but a learning rate at which rounding errors do not grow, and few epochs."""
    values = {name: rng.choice(control.values) for name, control in CONTROLS.items() if name in list(CONTROLS)[:11]}
    values |= {"learning_rate": rng.choice([1e-4, 1e-3]), "epochs": 5, "batch_size": int(rng.choice([64, 256, 1024]))}
    values["depth"] = rng.choice([0, 1, 2, 3])  # model.fit needs ten seconds to trace ten layers
    return {name: value.item() if hasattr(value, "item") else value for name, value in values.items()}


@pytest.mark.slow
def test_120_random_changes():
    """In a process of its own, as in a kernel: what else is in memory does not count."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        failures, threads, grown = process.submit(change_120_times).result()
    assert failures == []
    assert threads == []
    assert grown < 300, f"{grown:.0f} MB"


def change_120_times():
    """Move controls at random; returns error messages, threads that are left over, and growth of the process in MB."""
    worker_module.REST_BEFORE_FINISHED = 0.02
    threads = set(threading.enumerate())
    data = wine_full()
    explorer = Explorer(data, controls=available(data), epochs=5, batch_size=256)
    explorer.wait(60)
    rng, process = np.random.default_rng(0), psutil.Process()
    failures = []
    explorer.widgets.sentence.observe(
        lambda change: "alert" in change["new"] and failures.append(change["new"]), "value"
    )
    before = process.memory_info().rss
    for i in range(120):
        control = CONTROLS[rng.choice(list(explorer.controls))]
        values = [value for value in control.values if control.name != "epochs" or value <= 10]
        move(explorer, control.name, values[rng.integers(len(values))])
        if i % 3 == 0:
            explorer.wait(120)
        elif i % 3 == 1:
            time.sleep(rng.uniform(0, 0.1))
        if i % 20 == 0:
            press(explorer, rng.choice(["pin", "code", "stop", "reset"]))
            failures[:] = [words for words in failures if "to pin" not in words]
    explorer.wait(120)
    gc.collect()
    grown = (process.memory_info().rss - before) / 2**20
    explorer.close()
    return failures, [thread.name for thread in threading.enumerate() if thread not in threads], grown


# Sweeps


def test_a_sweep_of_the_slider_moved_last_is_drawn_while_it_grows_and_ends_in_a_table(make, wine):
    explorer = make(wine, controls=("optimizer", "width", "depth"))
    explorer.wait(60)
    move(explorer, "depth", 0)
    explorer.wait(60)
    assert explorer.widgets.buttons["sweep"].description == "Sweep depth"
    seen, show = [], explorer._session._painter.show
    explorer._session._painter.show = lambda scene: seen.append(scene.sweep) or show(scene)
    table = explorer.sweep(n=2).wait(200)
    assert table.depth.tolist() == [depth for depth in range(11) for _ in range(2)]
    assert [len(sweep.groups) for sweep in seen] == sorted(len(sweep.groups) for sweep in seen)
    assert {1, 2, 5, 10} <= {len(sweep.groups) for sweep in seen}
    one = run(dataclasses.replace(explorer.settings, depth=3, seed=1), wine).history["val_loss"]
    assert table.query("depth == 3 and seed == 1")[["best", "last"]].iloc[0].tolist() == pytest.approx(
        [min(one), one[-1]], abs=1e-5
    )
    assert "chosen on validation" in words(explorer)
    assert explorer.settings.depth == 0  # the controls stay where they are
    assert explorer.widgets.buttons["pin"].disabled
    assert len(explorer.set(depth=3).repeat_seeds(2).wait(60)) == 2
    assert explorer.status == "finished"  # nothing had to be trained again
    assert explorer._state.rows()[0]["settings"].startswith("14: ")  # after two runs and eleven values


def test_a_move_ends_a_sweep_and_stop_keeps_what_is_finished(make, wine):
    explorer = make(wine, epochs=10, batch_size=8)
    explorer.wait(60)
    press(explorer, "sweep")
    while not explorer._state.sweep.groups:
        time.sleep(0.01)
    press(explorer, "stop")
    table = explorer.wait(60)
    assert explorer.status == "stopped"
    assert 5 <= len(table) < 40
    assert "stopped at width" in explorer.widgets.status.value
    press(explorer, "sweep")
    time.sleep(0.2)
    move(explorer, "dropout", 0.5)
    assert explorer.wait(60).settings.dropout == 0.5
    assert explorer._state.sweep is None
    explorer.sweep("width", n=1).wait(100)
    assert explorer.set(width=8).wait(60).settings.width == 8  # the same settings are a move, too
    assert explorer._state.sweep is None


def test_only_a_slider_can_be_swept(make, wine):
    explorer = make(wine, controls=("optimizer",))
    explorer.wait(60)
    press(explorer, "sweep")
    with pytest.raises(ValueError, match="'optimizer' is not one of 'width'"):
        explorer.sweep("optimizer")
    with pytest.raises(ValueError, match="None of the controls is a slider"):
        explorer.sweep()
    with pytest.raises(ValueError, match="n=0"):
        explorer.sweep("width", n=0)
    assert explorer.wait(60).settings.width == 8
    assert explorer.widgets.buttons["sweep"].disabled
