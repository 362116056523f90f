"""What the explorer remembers and shows, without training anything."""

import ast
import dataclasses

import pytest

from course_utils.baselines import guessing_loss, linear_loss
from course_utils.explorer import state as state_module
from course_utils.explorer.controls import Datasets, start_setup
from course_utils.explorer.progress import ExplorerRun, Progress
from course_utils.explorer.state import ExplorerState
from course_utils.palette import PARTS, PIN_COLORS

CONTROLS = ("width", "depth", "dropout")


@pytest.fixture
def state(wine):
    return ExplorerState(Datasets(wine), start_setup(wine, {"width": 8, "epochs": 3}), CONTROLS)


def ask(state, **changes):
    """Begin a request for one run of other settings."""
    state.start_request([state.setup.changed(**changes)], number=state.progress.number + 1)


def update(state, status, *, epochs=3, loss=0.5):
    """Tell the state how far its request has come; returns the run."""
    run = ExplorerRun.of(state.setup, {"loss": [loss] * epochs, "val_loss": [loss] * epochs}, train_loss=loss)
    state.update(Progress(state.progress.number, status, (run,)))
    return run


def widths(groups):
    return [group[0].settings.width for group in groups]


def test_a_row_of_the_table_is_written_once(state, monkeypatch):
    """A scene is made fifty times a second while a run trains, and the table may have many rows."""
    written, row = [], state_module.log.row
    monkeypatch.setattr(state_module.log, "row", lambda key, *args, **kw: written.append(key) or row(key, *args, **kw))
    for width in (8, 4, 16):
        ask(state, width=width)
        for status in ("training", "training", "finished", "finished"):
            update_again = state.progress.is_finished and status == "finished"
            update(state, status) if not update_again else state.update(state.progress)
            rows = state.scene().rows
    assert written == [1, 2, 3]
    assert [row["key"] for row in rows] == [3, 2, 1]


def test_the_picture_holds_what_a_network_must_beat(state, wine):
    curves = state.curves()
    assert (curves.guess, curves.plane) == (guessing_loss(wine), linear_loss(wine))


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


def test_a_finished_run_is_faint_behind_its_own_seeds(state):
    ask(state)
    first = update(state, "finished")
    state.start_request([state.setup.changed(seed=seed) for seed in range(5)], number=2)
    assert state.curves().earlier == ((first,),)
    five = tuple(ExplorerRun.of(state.setup, {"loss": [0.5] * 2, "val_loss": [0.5] * 2}) for _ in range(5))
    state.update(Progress(2, "training", five, under_way=5))
    assert (state.curves().runs, state.curves().earlier) == (five, ((first,),))


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


def test_what_was_not_finished_cannot_be_pinned(state):
    assert not state.scene().can_pin
    ask(state)
    for status, can_pin in (("preparing", False), ("training", False), ("stopped", False), ("finished", True)):
        update(state, status)
        assert state.scene().can_pin == can_pin
    ask(state, width=16)
    assert not state.scene().can_pin


def test_the_bar_is_there_for_several_seeds_as_long_as_they_train(state):
    ask(state)
    update(state, "training", epochs=2)
    assert state.scene().of == 0
    state.start_request([state.setup.changed(seed=seed) for seed in range(5)], number=2)
    assert (state.scene().done, state.scene().of) == (0, 15)
    runs = tuple(ExplorerRun.of(state.setup, {"loss": [0.5] * 2}) for _ in range(5))
    state.update(Progress(2, "training", runs, under_way=5))
    assert (state.scene().done, state.scene().of) == (10, 15)
    assert state.scene().status_words == "seeds 1–5 of 5 · epoch 2 of 3"
    state.update(Progress(2, "finished", runs))
    assert state.scene().of == 0


def test_axes_grow_for_runs_that_do_not_fit_and_shrink_when_all_is_forgotten(state):
    ask(state, epochs=50)
    update(state, "finished", loss=0.5)
    low = state.curves().top
    state.pin()
    ask(state, epochs=3)
    update(state, "finished", loss=100.0)
    assert (state.curves().top > low, state.curves().epochs) == (True, 50)  # as long as what is pinned
    ask(state)
    assert state.curves().top == low  # what is faint does not count
    run = update(state, "finished", loss=float("nan"))
    assert state.curves().top > low
    ask(state, width=16)
    run = update(state, "finished")
    state.forget()
    curves = state.curves()
    assert (curves.runs, curves.earlier, curves.pinned, curves.top, curves.epochs) == ((run,), (), (), low, 3)


@pytest.mark.parametrize("name", ["loss", "val_loss"])
def test_axes_grow_for_either_curve(state, name):
    ask(state)
    low = state.curves().top
    history = {"loss": [0.5] * 3, "val_loss": [0.5] * 3} | {name: [1.2 * low] * 3}
    state.update(Progress(1, "finished", (ExplorerRun.of(state.setup, history),)))
    assert state.curves().top > 1.2 * low


def test_held_axes_stay(state):
    ask(state, epochs=50)
    update(state, "finished")
    held = state.curves().axes
    state.hold_axes(True)
    ask(state, epochs=3, learning_rate=1.0)
    update(state, "finished", loss=100.0)
    assert state.curves().axes == held
    state.hold_axes(False)
    assert state.curves().epochs == 3
    assert state.curves().top > held[2]
    assert state.curves().rates[1] == 1


def test_the_table_has_a_row_for_every_finished_run_newest_first(state):
    for width in (8, 16):
        ask(state, width=width)
        update(state, "finished")
    state.pin(state.group(1))
    newest, oldest = state.scene().rows
    assert (newest["key"], oldest["key"]) == (2, 1)
    assert ("width 16" in newest["settings"], "width 8" in oldest["settings"]) == (True, True)
    assert [row["is_shown"] for row in (newest, oldest)] == [True, False]
    assert [row["is_pinned"] for row in (newest, oldest)] == [False, True]
    assert oldest["color"] == PIN_COLORS[0]
    state.pin()
    assert state.scene().rows[0]["color"] == PARTS["validation"]["color"]  # in front, as in the picture
    state.pin()
    assert (oldest["best"], oldest["epoch"], oldest["end"], oldest["seeds"]) == ("0.50", "1", "0.50", "1")
    state.forget()
    assert [row["is_pinned"] for row in state.scene().rows] == [False, False]  # and none is lost
    with pytest.raises(ValueError, match="no run 3"):
        state.group(3)


def test_runs_behind_have_their_numbers_in_the_table(state):
    for width in (8, 16, 32):
        ask(state, width=width)
        update(state, "finished")
    state.pin(state.group(1))
    curves = state.curves()
    assert (widths(curves.earlier), [group[0].settings.width for group, _ in curves.pinned]) == ([8, 16], [8])
    assert curves.numbers == (1, 2, 1)


def test_the_sentence_compares_with_what_is_pinned(state):
    ask(state, width=8)
    update(state, "finished", loss=0.5)
    state.pin()
    assert "pinned" not in state.sentence
    ask(state, width=16)
    update(state, "finished", loss=0.4)
    assert "against pinned run 1: 0.100 better at best" in state.sentence


def test_a_run_that_was_stopped_has_numbers_but_no_verdict(state):
    ask(state, epochs=30)
    update(state, "stopped", epochs=10)
    assert "validation MAE 0.50" in state.sentence
    assert "levelled off" not in state.sentence
    update(state, "finished", epochs=30)
    assert "levelled off" in state.sentence


def test_the_line_makes_the_same_explorer_again(state):
    ask(state, width=16, learning_rate=0.01)
    update(state, "finished")
    call = ast.parse(state.line, mode="eval").body
    assert (call.func.id, ast.unparse(call.args[0])) == ("Explorer", state.data.source)
    written = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    del written["controls"]
    assert start_setup(state.data, written) == state.setup


def test_a_stopped_run_tells_its_numbers(state):
    ask(state)
    update(state, "stopped", epochs=2)
    assert "validation MAE 0.50" in state.sentence


def test_a_message_stands_above_the_sentence_until_the_next_request(state):
    ask(state)
    update(state, "finished")
    assert state.scene().sentence == state.sentence
    assert state.scene().is_final
    state.message = "no such width"
    scene = state.scene()
    assert (scene.sentence, scene.error, scene.is_final) == (state.sentence, "no such width", True)
    ask(state, width=16)
    assert "width 16 " in state.scene().sentence
    assert state.scene().error == ""


def test_an_error_is_in_the_sentence(state):
    ask(state)
    state.update(Progress(1, "failed", error=RuntimeError("no memory left")))
    assert "no memory left" in state.scene().error
    assert state.sentence.endswith("failed: no memory left")


def test_the_code_is_made_where_it_is_seen(state, monkeypatch):
    made = []
    monkeypatch.setattr("course_utils.explorer.state.code", lambda settings, *_, **__: made.append(settings.width))
    state.scene()
    assert made == []
    state.shows_code = True
    for width in (8, 16):
        ask(state, width=width)
        state.scene()
    assert made == [8, 16]


def test_where_there_is_no_code_the_reason_stands_in_its_place(wine):
    state = ExplorerState(Datasets(dataclasses.replace(wine, source="")), start_setup(wine, {"width": 8}), CONTROLS)
    state.shows_code = True
    assert state.scene().code.startswith("# data.source='' is no call of ")
    with pytest.raises(ValueError, match=r"data\.source='' is no call of"):
        state.code()
