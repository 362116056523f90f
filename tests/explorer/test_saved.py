"""Runs that are saved in a file, and shown again without training."""

import dataclasses
import json
import time

import numpy as np
import pytest

from course_utils.data import load_red_wine
from course_utils.explorer import Explorer, networks
from course_utils.explorer.controls import start_setup
from course_utils.explorer.saved import Saved, data_of, fingerprint, free_path, read, write


@pytest.fixture
def explored(wine):
    """An explorer with three rows in its table, the first of them pinned, and five seeds in front."""
    explorer = Explorer(wine, controls=("width", "learning_rate"), epochs=3, width=8, depth=1, shuffle=False)
    explorer.wait(60)
    explorer.pin()
    explorer.set(width=16).wait(60)
    explorer.repeat_seeds().wait(60)
    yield explorer
    explorer.close()


@pytest.fixture
def load():
    """`Explorer.load`, closed at the end of the test."""
    made = []

    def load(*arguments):
        made.append(Explorer.load(*arguments))
        return made[-1]

    yield load
    for explorer in made:
        explorer.close()


def test_what_was_saved_is_shown_again_without_training(explored, load, wine, tmp_path, monkeypatch):
    assert explored.save(tmp_path / "runs.json") == tmp_path / "runs.json"
    explored.wait(60)
    assert "6 runs saved in runs.json" in explored.widgets.sentence.value

    def fail(*_, **__):
        raise AssertionError("this was trained")

    monkeypatch.setattr(networks, "borrow", fail)
    monkeypatch.setattr("course_utils.explorer.worker.borrow", fail)
    loaded = load(tmp_path / "runs.json", wine)
    runs = loaded.wait(60)
    assert [run.setup for run in runs] == [run.setup for run in explored.wait(60)]
    for one, other in zip(runs, explored.wait(60), strict=True):
        np.testing.assert_allclose(one.history["val_loss"], other.history["val_loss"], rtol=1e-7)
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-7)
    assert loaded.sentence == explored.sentence
    assert (loaded.controls, loaded.line()) == (explored.controls, explored.line())
    for old, new in zip(explored._state.rows(), loaded._state.rows(), strict=True):
        assert old == new
    old, new = explored.shown(), loaded.shown()
    assert [words for _, words in new.pinned] == [words for _, words in old.pinned] != []
    np.testing.assert_allclose(new.average, old.average, rtol=1e-7)
    assert loaded.widgets.fields["width"].value == "16"
    assert loaded.reset().wait(60).settings.width == 8  # which is where it had started
    monkeypatch.undo()
    assert loaded.set(width=4).wait(60).settings.width == 4


def test_a_file_of_other_data_is_refused_in_words(explored, tmp_path):
    explored.save(tmp_path / "runs.json")
    full = load_red_wine()
    few = dataclasses.replace(full, x_valid=full.x_valid[:40] + 1, y_valid=full.y_valid[:40])
    for arguments in ((), (few,)):  # without data, its loader gives other rows than the fixture has
        with pytest.raises(ValueError, match="'red wine' with other rows"):
            Explorer.load(tmp_path / "runs.json", *arguments)


def test_data_of_a_loader_are_loaded_again_and_others_are_asked_for(tmp_path, load):
    full = load_red_wine()
    for data, loads in ((full, True), (dataclasses.replace(full, source="my own"), False)):
        explorer = Explorer(data, epochs=1, width=4, depth=0, batch_size=256)
        explorer.wait(60)
        explorer.save(tmp_path / "runs.json")
        explorer.close()
        if loads:
            assert load(tmp_path / "runs.json").wait(60).epochs == 1
        else:
            with pytest.raises(ValueError, match=r"pass that data set, Explorer\.load\(path, data\)"):
                Explorer.load(tmp_path / "runs.json")


@pytest.mark.parametrize(
    "source", ["", "words", "open('x')", "load_red_wine", "load_mnist(__import__('os'))", "load_red_wine(seed=f())"]
)
def test_nothing_but_a_plain_call_of_a_loader_is_executed(source):
    assert data_of(source) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "There is no file"),
        ("{", "no file of saved runs"),
        ("[1]", "no file of saved runs"),
        ('{"format": "other"}', "no file of saved runs"),
        ('{"format": "course_utils explorer", "version": 99}', "version 99"),
    ],
)
def test_what_is_no_file_of_runs_is_refused(tmp_path, content, message):
    path = tmp_path / "runs.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=message):
        Explorer.load(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content.pop("runs"),
        lambda content: content["groups"][0][0].append(99),
        lambda content: content["runs"][0]["history"].update(loss=["a"]),
        lambda content: content["runs"][0]["history"].update(loss=[]),
        lambda content: content["runs"][0]["settings"].update(width=-1),
        lambda content: content["runs"][0]["settings"].update(unknown=1),
        lambda content: content.update(pinned=[7]),
    ],
)
def test_a_damaged_file_says_so(explored, wine, tmp_path, damage):
    path = explored.save(tmp_path / "runs.json")
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"runs\.json is damaged"):
        Explorer.load(path, wine)


def test_numbers_that_are_none_and_averages_survive(wine, make_run, tmp_path):
    start = start_setup(wine, {"epochs": 2})
    lost = make_run(start, [1 / 3, float("inf")], [float("nan"), float("-inf")])
    saved = Saved("a", "b", "c", "", ("width",), True, start.values, (((lost,), (float("nan"), 0.1)),), (0,), (), 0)
    write(tmp_path / "runs.json", saved)
    again = read(tmp_path / "runs.json").saved(start)
    ((run,), average) = again.groups[0]
    np.testing.assert_equal((run.history["val_loss"], average), (lost.history["val_loss"], (float("nan"), 0.1)))
    assert run.history["loss"][0] == pytest.approx(1 / 3, rel=1e-8)
    assert run.setup == start
    assert dict(again.start) == start.values


def test_what_cannot_be_written_leaves_the_old_file_whole(wine, make_run, tmp_path, monkeypatch):
    start = start_setup(wine, {})
    saved = Saved("a", "b", "c", "", ("width",), True, start.values, (((make_run(start, [1]),), ()),), (), (), 0)
    write(tmp_path / "runs.json", saved)
    before = (tmp_path / "runs.json").read_text()
    with pytest.raises(TypeError):
        write(tmp_path / "runs.json", dataclasses.replace(saved, controls=(object(),)))
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write(tmp_path / "runs.json", dataclasses.replace(saved, data_name="other"))
    assert (tmp_path / "runs.json").read_text() == before
    assert [one.name for one in tmp_path.iterdir()] == ["runs.json"]
    with pytest.raises(ValueError, match="no folder"):
        write(tmp_path / "nowhere" / "runs.json", saved)


def test_the_fingerprint_knows_every_row_and_nothing_else(wine):
    other = wine.x_valid.copy()
    other[-1, -1] += 1e-3
    assert fingerprint(dataclasses.replace(wine, name="x", x_test=wine.x_test[:1], y_test=wine.y_test[:1])) == (
        fingerprint(wine)
    )
    assert fingerprint(dataclasses.replace(wine, x_valid=other)) != fingerprint(wine)


def test_the_button_writes_beside_the_notebook_and_overwrites_its_own_file_alone(explored, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "explorer-red-wine.json").write_text("somebody else's")
    for _ in range(2):
        explored.widgets.buttons["save"].click()
        explored.wait(60)
        assert "saved in explorer-red-wine-2.json" in explored.widgets.sentence.value
    assert (tmp_path / "explorer-red-wine.json").read_text() == "somebody else's"
    assert len(list(tmp_path.iterdir())) == 2
    assert free_path("red wine").name == "explorer-red-wine-3.json"
    explored.set(width=8).wait(60)
    assert "saved" not in explored.widgets.sentence.value  # gone with the next move


def test_nothing_is_saved_before_something_is_finished(wine, tmp_path):
    explorer = Explorer(wine, epochs=300, batch_size=4)
    explorer.widgets.buttons["save"].click()
    time.sleep(0.1)
    with pytest.raises(ValueError, match="no finished run to save"):
        explorer.save(tmp_path / "runs.json")
    explorer.stop()
    explorer.wait(60)
    assert "no finished run to save" in explorer.widgets.sentence.value
    explorer.close()
