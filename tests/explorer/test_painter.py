"""The painter by itself: scenes go in, calls of widgets come out. No picture is drawn, and nothing waits for a clock.

`Watched` says when the painter rests, and for how long at most; so a test can tell "not painted" from "not yet".
"""

import dataclasses
import queue
import threading
from types import SimpleNamespace

import pytest

from course_utils.explorer import painter as painter_module
from course_utils.explorer.controls import CONTROLS, start_setup
from course_utils.explorer.painter import Painter
from course_utils.explorer.scene import Curves, Scene
from course_utils.explorer.sweep import Sweep

LONG = 20  # seconds until a test gives up


class Watched(threading.Condition):
    """A condition that notes each time the painter begins to wait, with its patience in seconds."""

    def __init__(self):
        super().__init__(threading.RLock())
        self.rests = queue.Queue()

    def wait(self, timeout=None):
        is_rest = timeout is None or timeout > 0
        if is_rest and threading.current_thread().name == "explorer paint":
            self.rests.put(timeout)
        return super().wait(timeout)


class FakeWidgets:
    """Notes what is shown, in order; `breaks` holds the names of calls that raise."""

    def __init__(self):
        self.shown, self.breaks = [], set()
        self.curves, self.network = SimpleNamespace(value=b""), SimpleNamespace(value=b"")

    def _note(self, name, *values, **options):
        if name in self.breaks:
            raise OSError(f"{name} is broken")
        self.shown.append((name, *values, *options.values()))

    def show_status(self, *values, **options):
        self._note("status", *values, **options)

    def show_sweep(self, label):
        self._note("sweep", label)

    def show_pin(self, **options):
        self._note("pin", **options)

    def show_sentence(self, *values, **options):
        self._note("sentence", *values, **options)

    def show_runs(self, rows):
        self._note("runs", rows)

    def show_code(self, *values):
        self._note("code", *values)

    def show_large(self, is_large):
        self._note("large", is_large)

    @property
    def sentences(self):
        return [values[0] for name, *values in self.shown if name == "sentence"]


class FakePicture:
    """Stands for `CurvePicture`; what it draws is the end of the x axis."""

    made, epochs, before = (), [], staticmethod(lambda curves: None)

    def __init__(self, **options):
        type(self).made = options

    def png(self, curves):
        self.epochs.append(curves.epochs)
        self.before(curves)
        return b"curves %d" % curves.epochs


@pytest.fixture
def picture(monkeypatch):
    """The class of pictures, whose `before` is called with the curves that are about to be drawn."""
    fresh = type("Picture", (FakePicture,), {"epochs": []})
    monkeypatch.setattr(painter_module, "CurvePicture", fresh)
    monkeypatch.setattr(painter_module, "network_png", lambda setup, data: b"network %d" % setup.settings.width)
    return fresh


@pytest.fixture
def stage(picture, wine, monkeypatch):
    """A painter before fake widgets; a picture stays on the screen for good unless something urgent comes."""
    monkeypatch.setattr(painter_module, "FRAME", 1000.0)
    monkeypatch.setattr(painter_module, "PATIENCE", 0.0)
    changed, widgets, numbers, others = Watched(), FakeWidgets(), [1], threading.enumerate()
    painter = Painter(widgets, wine, changed=changed, is_newest=lambda number: number in numbers)
    (thread,) = (one for one in threading.enumerate() if one.name == "explorer paint" and one not in others)
    assert changed.rests.get(timeout=LONG) is None  # it waits for the first scene for as long as it takes

    def show(scene):
        """Show the scene, and wait until the painter rests again; returns its patience."""
        painter.show(scene)
        return changed.rests.get(timeout=LONG)

    yield SimpleNamespace(painter=painter, thread=thread, widgets=widgets, changed=changed, numbers=numbers, show=show)
    painter.close()


@pytest.fixture
def scene(wine, make_run):
    """A scene of a run that trains, named by its sentence and by the end of its x axis."""
    setup = start_setup(wine, {"width": 8})
    curves = Curves("regression", (make_run(setup, [0.5, 0.4]),), epochs=1)

    def scene(name, epochs=1, *, runs=curves.runs, is_finished=False, width=8, **options):
        values = {"number": 1, "status": "training", "status_words": "epoch 2", "done": 2, "of": 10, "code": None}
        values |= {"why": "", "error": "", "rows": (), "line": ""}
        flags = dict.fromkeys(("is_final", "can_pin", "is_pinned"), False)
        shown = dataclasses.replace(curves, runs=runs, epochs=epochs, is_finished=is_finished)
        return Scene(setup=setup.changed(width=width), curves=shown, sentence=name, **{**values, **flags, **options})

    return scene


def test_a_scene_reaches_every_widget(stage, scene, picture):
    texts = {
        "note": "done",
        "sweeps": "width",
        "why": "because",
        "error": "no",
        "rows": ({"key": 1},),
        "code": "import keras",
        "line": "Explorer()",
    }
    stage.show(scene("first", 7, is_final=True, can_pin=True, width=16, **texts))
    assert stage.widgets.curves.value == b"curves 7"
    assert stage.widgets.network.value == b"network 16"
    assert stage.widgets.shown == [
        ("status", "training", "epoch 2", 2, 10),
        ("sweep", "width"),
        ("pin", True, False),
        ("sentence", "first", "because", True, "no", "done"),
        ("runs", ({"key": 1},)),
        ("code", "import keras", "Explorer()"),
    ]
    assert picture.made == {"with_rate": False}
    assert stage.painter.is_done


def test_a_second_scene_waits_for_the_next_frame_and_the_newest_wins(stage, scene):
    patience = stage.show(scene("first", 1))
    assert 0 < patience <= 1000
    stage.show(scene("second", 2))
    assert not stage.painter.is_done
    assert stage.widgets.sentences == ["first"]
    stage.show(scene("third", 3, status="finished"))  # urgent: the second is overtaken
    assert stage.widgets.sentences == ["first", "third"]
    assert stage.painter.is_done


def test_a_second_scene_is_painted_when_its_frame_comes(stage, scene, monkeypatch):
    monkeypatch.setattr(painter_module, "FRAME", 0.01)
    stage.show(scene("first", 1))
    stage.painter.show(scene("second", 2))
    with stage.changed:
        assert stage.changed.wait_for(lambda: stage.painter.is_done, LONG)
    assert stage.widgets.sentences == ["first", "second"]


@pytest.mark.parametrize("before", ["preparing", "training", "finished", "failed"])
def test_another_status_does_not_wait(stage, scene, before):
    stage.show(scene("first", status=before))
    stage.show(scene("second", status="stopped"))
    assert stage.widgets.sentences == ["first", "second"]


def test_the_first_curve_of_a_run_does_not_wait(stage, scene):
    stage.show(scene("first", runs=()))
    stage.show(scene("second"))
    assert stage.widgets.sentences == ["first", "second"]
    stage.show(scene("third", runs=()))
    assert stage.widgets.sentences == ["first", "second", "third"]


def test_what_has_not_changed_is_not_drawn_again(stage, scene, picture):
    for i, (epochs, width) in enumerate([(1, 8), (1, 8), (2, 8), (2, 16)]):
        stage.widgets.network.value = b"old"
        stage.show(scene(f"{i}", epochs, width=width, status=("training", "finished")[i % 2]))
        assert stage.widgets.network.value == (b"old" if i in (1, 2) else b"network %d" % width)
    assert picture.epochs == [1, 2]
    assert stage.widgets.sentences == ["0", "1", "2", "3"]


def test_a_scene_of_an_old_request_is_not_shown(stage, scene):
    stage.show(scene("first"))
    stage.show(scene("old", 5, number=2, status="finished"))
    assert stage.widgets.sentences == ["first"]
    assert stage.widgets.curves.value == b"curves 1"
    assert stage.painter.is_done  # or those who wait for it would wait for ever


def test_a_request_that_comes_while_a_picture_is_drawn_wins(stage, scene, picture):
    picture.before = staticmethod(lambda curves: stage.numbers.clear())
    stage.show(scene("first"))
    assert stage.widgets.sentences == []
    assert stage.widgets.curves.value == b""
    picture.before = staticmethod(lambda curves: None)
    stage.numbers.append(2)
    stage.show(scene("second", number=2, status="finished"))  # the same curves, which are not on the screen yet
    assert stage.widgets.curves.value == b"curves 1"


def test_it_draws_without_the_lock_and_shows_with_it(stage, scene, picture):
    """A move need not wait for a picture; and nobody sees half a scene."""
    free = []

    def try_lock():
        free.append(stage.changed.acquire(blocking=False))
        if free[-1]:
            stage.changed.release()

    def from_another_thread(*_):
        other = threading.Thread(target=try_lock)
        other.start()
        other.join(LONG)

    picture.before = staticmethod(from_another_thread)
    stage.widgets.show_status = stage.widgets.show_code = lambda *_, **__: from_another_thread()
    stage.show(scene("first"))
    assert free == [True, False, False]


def test_an_error_while_drawing_is_shown_and_the_next_scene_painted(stage, scene, picture):
    def fail(curves):
        raise OSError("no ink")

    picture.before = staticmethod(fail)
    stage.show(scene("first"))
    ((_, sentence, error),) = stage.widgets.shown
    assert "no ink" in error
    assert sentence == ""
    assert stage.painter.is_done
    picture.before = staticmethod(lambda curves: None)
    stage.show(scene("second", status="finished"))
    assert stage.widgets.sentences[-1] == "second"
    assert stage.widgets.curves.value == b"curves 1"


def test_it_outlives_an_error_that_cannot_be_shown(stage, scene):
    stage.widgets.breaks = {"status", "sentence"}
    stage.show(scene("first"))
    assert stage.widgets.shown == []
    stage.widgets.breaks = set()
    stage.show(scene("second", status="finished"))
    assert stage.widgets.sentences == ["second"]


def test_the_last_scene_of_a_finished_run_is_told_once_it_has_rested(stage, scene, monkeypatch):
    told = queue.Queue()
    stage.painter._painted_last = lambda: told.put(stage.widgets.sentences[-1])
    monkeypatch.setattr(painter_module, "FRAME", 0.0)
    assert stage.show(scene("first")) is None  # it waits for the next scene, for as long as it takes
    assert stage.show(scene("second", 2, is_final=True)) == pytest.approx(painter_module.REST, abs=0.1)
    assert told.empty()
    assert told.get(timeout=LONG) == "second"
    assert stage.changed.rests.get(timeout=LONG) is None
    assert told.empty()


def test_a_scene_that_comes_during_the_rest_takes_its_place(stage, scene, monkeypatch):
    told = queue.Queue()
    stage.painter._painted_last = lambda: told.put(stage.widgets.sentences[-1])
    monkeypatch.setattr(painter_module, "FRAME", 0.0)
    stage.show(scene("first", is_final=True))
    assert stage.show(scene("second", 2)) is None
    assert told.empty()


@pytest.mark.parametrize("curve", [{}, {"runs": (), "is_finished": True}])
def test_a_new_run_is_given_a_moment_for_its_first_curve(stage, scene, picture, monkeypatch, curve):
    monkeypatch.setattr(painter_module, "PATIENCE", 1000.0)
    assert stage.show(scene("before", 1, runs=(), status="preparing")) == pytest.approx(1000, abs=1)
    assert stage.widgets.sentences == []
    stage.show(scene("with its curve", 2, **curve))
    assert stage.widgets.sentences == ["with its curve"]
    assert picture.epochs == [2]


def test_but_no_longer_than_that(stage, scene, monkeypatch):
    monkeypatch.setattr(painter_module, "PATIENCE", 0.01)
    assert stage.show(scene("before", 1, runs=(), status="preparing")) <= 0.01
    assert stage.changed.rests.get(timeout=LONG) > 1  # the rest of its frame
    assert stage.widgets.sentences == ["before"]


def test_the_network_is_not_drawn_while_something_urgent_waits(stage, scene, picture):
    picture.before = staticmethod(lambda curves: curves.epochs == 1 and stage.painter.show(last))
    last = scene("last", 2, status="finished", width=32)
    drawn = []
    stage.widgets.network = type("Image", (), {"__setattr__": lambda self, name, value: drawn.append(value)})()
    stage.show(scene("first", 1, width=16))
    assert stage.widgets.sentences == ["first", "last"]
    assert drawn == [b"network 32"]


def test_another_size_is_drawn_at_once(stage, scene, picture, monkeypatch):
    monkeypatch.setattr(painter_module, "FRAME", 0.01)
    stage.show(scene("first"))
    stage.painter.show_large(True)
    with stage.changed:
        assert stage.changed.wait_for(lambda: stage.painter.is_done, LONG)
    assert picture.made == {"with_rate": False, "is_large": True}
    assert picture.epochs == [1, 1]


def test_close_ends_the_thread_whether_it_rests_or_waits_for_a_frame(stage, scene):
    stage.show(scene("first"))
    stage.painter.show(scene("second", 2))
    stage.painter.close()
    assert not stage.thread.is_alive()
    assert stage.widgets.sentences == ["first"]
    stage.painter.close()  # a second time does no harm


def test_what_was_being_drawn_when_it_closed_is_not_shown(stage, scene, picture):
    """It may also be closed from its own thread: as when the last who holds an explorer lets it go there."""
    picture.before = staticmethod(lambda curves: stage.painter.close())
    stage.painter.show(scene("first"))
    stage.thread.join(LONG)
    assert not stage.thread.is_alive()
    assert stage.widgets.sentences == []
    assert stage.widgets.curves.value == b""


def test_a_sweep_is_drawn_in_the_place_of_the_curves_and_lets_go_of_it(stage, scene, monkeypatch):
    made = []

    class FakeSweeps:
        def __init__(self, **options):
            made.append(options)

        def png(self, sweep):
            return b"sweep %d" % sweep.seeds

    monkeypatch.setattr(painter_module, "SweepPicture", FakeSweeps)
    for seeds in (2, 3):
        sweep = Sweep(CONTROLS["width"], (4, 8), seeds=seeds)
        stage.show(scene("sweep", sweep=sweep, status=f"urgent {seeds}"))
        assert stage.widgets.curves.value == b"sweep %d" % seeds
    stage.show(scene("curves", 7))
    assert stage.widgets.curves.value == b"curves 7"
    assert made == [{"with_rate": False, "is_large": False}]
