"""What the explorer remembers and shows, without training anything."""

import dataclasses

import pytest

from course_utils.explorer.controls import Datasets, start_setup
from course_utils.explorer.progress import Progress, Trained
from course_utils.explorer.state import ExplorerState

CONTROLS = ("width", "depth", "dropout")


@pytest.fixture
def state(wine):
    return ExplorerState(Datasets(wine), start_setup(wine, {"width": 8, "epochs": 3}), CONTROLS)


def ask(state, **changes):
    """Begin a request for one run of other settings."""
    state.start_request([state.setup.changed(**changes)], number=state.progress.number + 1)


def update(state, status, *, epochs=3, loss=0.5):
    """Tell the state how far its request has come; returns the run."""
    run = Trained(state.setup, {"loss": [loss] * epochs, "val_loss": [loss] * epochs}, loss)
    state.update(Progress(state.progress.number, status, (run,)))
    return run


def widths(groups):
    return [group[0].settings.width for group in groups]


def test_earlier_runs_are_the_last_five(state):
    runs = {}
    for width in (8, 4, 16, 32, 64, 128, 256):
        ask(state, width=width)
        runs[width] = update(state, "finished")
    assert widths(state.curves().earlier) == [4, 16, 32, 64, 128]
    ask(state, width=16)
    assert widths(state.curves().earlier) == [16, 32, 64, 128, 256]
    state.update(Progress(state.progress.number, "finished", (runs[16],)))
    assert widths(state.curves().earlier) == [4, 32, 64, 128, 256]  # the one in front is not behind, too


def test_a_finished_run_is_not_drawn_behind_its_own_seeds(state):
    ask(state)
    first = update(state, "finished")
    state.start_request([state.setup.changed(seed=seed) for seed in range(5)], number=2)
    assert state.curves().earlier == ((first,),)
    state.update(Progress(2, "preparing", (first,)))
    assert (state.curves().runs, state.curves().earlier) == ((first,), ())
    assert (state.scene().done, state.scene().of) == (3, 15)


def test_a_stopped_run_is_faint_until_the_next_one_has_a_curve(state):
    ask(state)
    stopped = update(state, "training", epochs=2)
    ask(state, width=16)
    assert state.curves().earlier == ((stopped,),)
    ask(state, width=32)  # the one between them had nothing to show
    assert state.curves().earlier == ((stopped,),)
    update(state, "training", epochs=1)
    assert (state.curves().runs, state.curves().earlier) == ((), ((stopped,),))
    update(state, "training", epochs=2)
    assert widths([state.curves().runs]) == [32]
    assert state.curves().earlier == ()


def test_a_pinned_run_stays_in_front_of_the_earlier_ones_until_it_is_unpinned(state):
    ask(state)
    run = update(state, "finished")
    state.pin()
    assert state.scene().is_pinned
    ask(state, width=16)
    update(state, "finished")
    assert state.curves().pinned == (((run,), "width 8 · depth 2 · dropout 0"),)
    assert state.curves().earlier == ()
    assert not state.scene().is_pinned
    ask(state, width=8)
    state.update(Progress(state.progress.number, "finished", (run,)))
    state.pin()
    assert state.curves().pinned == ()
    ask(state, width=32)
    assert widths(state.curves().earlier) == [16, 8]


def test_only_finished_runs_are_pinned_and_six_at_most(state):
    with pytest.raises(ValueError, match="no finished run to pin"):
        state.pin()
    for width in range(4, 11):
        ask(state, width=width)
        update(state, "finished")
        if width < 10:
            state.pin()
    with pytest.raises(ValueError, match="6 runs are pinned already"):
        state.pin()
    assert widths(group for group, _ in state.curves().pinned) == [4, 5, 6, 7, 8, 9]


def test_axes_grow_for_runs_that_do_not_fit_and_shrink_when_all_is_forgotten(state):
    ask(state, epochs=50)
    update(state, "finished", loss=0.5)
    low = state.curves().top
    state.pin()
    ask(state, epochs=3)
    update(state, "stopped", loss=100.0)
    assert (state.curves().top, state.curves().epochs) == (low, 50)  # as wide as what is pinned
    ask(state)
    run = update(state, "finished", loss=float("nan"))
    assert state.curves().top > low
    state.forget()
    curves = state.curves()
    assert (curves.runs, curves.earlier, curves.pinned, curves.top, curves.epochs) == ((run,), (), (), low, 3)


def test_a_message_takes_the_place_of_the_sentence_until_the_next_request(state):
    ask(state)
    update(state, "finished")
    assert state.scene().sentence == state.sentence
    assert state.scene().is_final
    state.message = "no such width"
    scene = state.scene()
    assert (scene.sentence, scene.is_error, scene.is_final) == ("no such width", True, False)
    ask(state, width=16)
    assert "width 16 " in state.scene().sentence
    assert not state.scene().is_error


def test_an_error_is_in_the_sentence(state):
    ask(state)
    state.update(Progress(1, "failed", error=RuntimeError("no memory left")))
    assert state.scene().is_error
    assert state.sentence.endswith("failed: no memory left")


def test_the_code_is_made_where_it_is_seen_and_once_a_request(state, monkeypatch):
    made = []
    monkeypatch.setattr("course_utils.explorer.state.code", lambda settings, *_, **__: made.append(settings.width))
    state.scene()
    assert made == []
    state.shows_code = True
    for width in (8, 16):
        ask(state, width=width)
        state.scene()
        state.scene()
    assert made == [8, 16]


def test_where_there_is_no_code_the_reason_stands_in_its_place(wine):
    state = ExplorerState(Datasets(dataclasses.replace(wine, source="")), start_setup(wine, {"width": 8}), CONTROLS)
    state.shows_code = True
    assert state.scene().code.startswith("# data.source is empty")
    with pytest.raises(ValueError, match=r"data\.source is empty"):
        state.code()
