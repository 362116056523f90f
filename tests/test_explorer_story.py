"""What the explorer remembers and shows, without training anything."""

import dataclasses

import pytest

from course_utils.explorer_controls import Datasets, start_setup
from course_utils.explorer_runs import Progress, Trained
from course_utils.explorer_story import Story

CONTROLS = ("width", "depth", "dropout")


@pytest.fixture
def story(wine):
    return Story(Datasets(wine), start_setup(wine, {"width": 8, "epochs": 3}), CONTROLS)


def ask(story, **changes):
    """Begin a request for one run of other settings."""
    story.begin([story.setup.changed(**changes)], number=story.progress.number + 1)


def hear(story, status, *, epochs=3, loss=0.5):
    """Tell the story how far its request has come; returns the run."""
    run = Trained(story.setup, {"loss": [loss] * epochs, "val_loss": [loss] * epochs}, loss)
    story.hear(Progress(story.progress.number, status, (run,)))
    return run


def widths(groups):
    return [group[0].settings.width for group in groups]


def test_earlier_runs_are_the_last_five(story):
    runs = {}
    for width in (8, 4, 16, 32, 64, 128, 256):
        ask(story, width=width)
        runs[width] = hear(story, "finished")
    assert widths(story.curves().earlier) == [4, 16, 32, 64, 128]
    ask(story, width=16)
    assert widths(story.curves().earlier) == [16, 32, 64, 128, 256]
    story.hear(Progress(story.progress.number, "finished", (runs[16],)))
    assert widths(story.curves().earlier) == [4, 32, 64, 128, 256]  # the one in front is not behind, too


def test_a_finished_run_is_not_drawn_behind_its_own_seeds(story):
    ask(story)
    first = hear(story, "finished")
    story.begin([story.setup.changed(seed=seed) for seed in range(5)], number=2)
    assert story.curves().earlier == ((first,),)
    story.hear(Progress(2, "preparing", (first,)))
    assert (story.curves().runs, story.curves().earlier) == ((first,), ())
    assert (story.scene().done, story.scene().of) == (3, 15)


def test_a_stopped_run_is_faint_until_the_next_one_has_a_curve(story):
    ask(story)
    stopped = hear(story, "training", epochs=2)
    ask(story, width=16)
    assert story.curves().earlier == ((stopped,),)
    ask(story, width=32)  # the one between them had nothing to show
    assert story.curves().earlier == ((stopped,),)
    hear(story, "training", epochs=1)
    assert (story.curves().runs, story.curves().earlier) == ((), ((stopped,),))
    hear(story, "training", epochs=2)
    assert widths([story.curves().runs]) == [32]
    assert story.curves().earlier == ()


def test_a_pinned_run_stays_in_front_of_the_earlier_ones_until_it_is_unpinned(story):
    ask(story)
    run = hear(story, "finished")
    story.pin()
    assert story.scene().is_pinned
    ask(story, width=16)
    hear(story, "finished")
    assert story.curves().pinned == (((run,), "width 8 · depth 2 · dropout 0"),)
    assert story.curves().earlier == ()
    assert not story.scene().is_pinned
    ask(story, width=8)
    story.hear(Progress(story.progress.number, "finished", (run,)))
    story.pin()
    assert story.curves().pinned == ()
    ask(story, width=32)
    assert widths(story.curves().earlier) == [16, 8]


def test_only_finished_runs_are_pinned_and_six_at_most(story):
    with pytest.raises(ValueError, match="no finished run to pin"):
        story.pin()
    for width in range(4, 11):
        ask(story, width=width)
        hear(story, "finished")
        if width < 10:
            story.pin()
    with pytest.raises(ValueError, match="6 runs are pinned already"):
        story.pin()
    assert widths(group for group, _ in story.curves().pinned) == [4, 5, 6, 7, 8, 9]


def test_axes_grow_for_runs_that_do_not_fit_and_shrink_when_all_is_forgotten(story):
    ask(story, epochs=50)
    hear(story, "finished", loss=0.5)
    low = story.curves().top
    story.pin()
    ask(story, epochs=3)
    hear(story, "stopped", loss=100.0)
    assert (story.curves().top, story.curves().epochs) == (low, 50)  # as wide as what is pinned
    ask(story)
    run = hear(story, "finished", loss=float("nan"))
    assert story.curves().top > low
    story.forget()
    curves = story.curves()
    assert (curves.runs, curves.earlier, curves.pinned, curves.top, curves.epochs) == ((run,), (), (), low, 3)


def test_a_message_takes_the_place_of_the_sentence_until_the_next_request(story):
    ask(story)
    hear(story, "finished")
    assert story.scene().sentence == story.sentence
    assert story.scene().is_final
    story.message = "no such width"
    scene = story.scene()
    assert (scene.sentence, scene.is_error, scene.is_final) == ("no such width", True, False)
    ask(story, width=16)
    assert "width 16 " in story.scene().sentence
    assert not story.scene().is_error


def test_an_error_is_in_the_sentence(story):
    ask(story)
    story.hear(Progress(1, "failed", error=RuntimeError("no memory left")))
    assert story.scene().is_error
    assert story.sentence.endswith("failed: no memory left")


def test_the_code_is_made_where_it_is_seen_and_once_a_request(story, monkeypatch):
    made = []
    monkeypatch.setattr("course_utils.explorer_story.code", lambda settings, *_, **__: made.append(settings.width))
    story.scene()
    assert made == []
    story.shows_code = True
    for width in (8, 16):
        ask(story, width=width)
        story.scene()
        story.scene()
    assert made == [8, 16]


def test_where_there_is_no_code_the_reason_stands_in_its_place(wine):
    story = Story(Datasets(dataclasses.replace(wine, source="")), start_setup(wine, {"width": 8}), CONTROLS)
    story.shows_code = True
    assert story.scene().code.startswith("# data.source is empty")
    with pytest.raises(ValueError, match=r"data\.source is empty"):
        story.code()
