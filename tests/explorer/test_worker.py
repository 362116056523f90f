import dataclasses
import logging
import threading
import time

import numpy as np
import pytest

from course_utils.experiment import run
from course_utils.explorer import worker as worker_module
from course_utils.explorer.controls import start_setup
from course_utils.explorer.worker import Worker


@pytest.fixture
def heard():
    return []


@pytest.fixture
def worker(wine, heard, monkeypatch):
    monkeypatch.setattr(worker_module, "BETWEEN_REPORTS", 0)  # every epoch is reported
    worker = Worker(wine, listen=heard.append)
    yield worker
    worker.close()


def wait_for(heard, status, number):
    for _ in range(3000):
        if any((one.status, one.number) == (status, number) for one in list(heard)):
            return
        time.sleep(0.02)
    raise AssertionError([(one.status, one.number) for one in heard])


def seeds(wine, n, **values):
    setup = start_setup(wine, {"width": 4, "epochs": 4, **values})
    return [setup.changed(seed=seed) for seed in range(n)]


def test_reports_grow_epoch_by_epoch(worker, wine, heard):
    assert worker.request([start_setup(wine, {"epochs": 4, "width": 4, "depth": 3})]) is None
    wait_for(heard, "finished", 1)
    assert [one.status for one in heard] == ["preparing", *["training"] * 4, "finished"]
    assert [one.runs[-1].epochs for one in heard] == [0, 1, 2, 3, 4, 4]


def test_reports_do_not_come_faster_than_anybody_looks(worker, wine, heard, monkeypatch):
    monkeypatch.setattr(worker_module, "BETWEEN_REPORTS", 1000.0)
    worker.request(seeds(wine, 1, epochs=20))
    wait_for(heard, "finished", 1)
    assert [one.epochs for one in heard if one.status == "training"][-2:] == [1, 2]  # which make the first curve
    assert heard[-1].epochs == 20


def test_nothing_of_a_request_is_heard_after_something_of_the_next_one(worker, wine, heard):
    worker.request(seeds(wine, 1, epochs=300, width=64))
    wait_for(heard, "training", 1)
    worker.request(seeds(wine, 1, epochs=1))
    wait_for(heard, "finished", 2)
    numbers = [one.number for one in heard]
    assert numbers == sorted(numbers)
    assert not any(one.has_ended for one in heard if one.number == 1)


def test_stored_runs_come_back_at_once(worker, wine, heard):
    setup = start_setup(wine, {"epochs": 2})
    worker.request([setup])
    wait_for(heard, "finished", 1)
    again = worker.request([setup])
    assert again.status == "finished"
    assert again.runs[0] is worker.runs[0]


def test_close_ends_the_threads_in_the_middle_of_training(wine, heard):
    before = threading.active_count()
    worker = Worker(wine, listen=heard.append)
    worker.request([start_setup(wine, {"epochs": 300, "width": 512})])
    wait_for(heard, "training", 1)
    worker.close()
    assert threading.active_count() == before


def test_a_listener_that_raises_does_not_end_the_training(wine, heard, caplog):
    """Even one that raises whatever it is told, which is told that it failed, and raises once more."""

    def listen(progress):
        heard.append(progress)
        if progress.number == 1:
            raise OSError("no ears")

    worker = Worker(wine, listen=listen)
    with caplog.at_level(logging.ERROR):
        worker.request(seeds(wine, 1))
        wait_for(heard, "finished", 1)
    assert "no ears" in caplog.text  # with its traceback
    worker.request(seeds(wine, 1, epochs=2))
    wait_for(heard, "finished", 2)
    worker.close()


# Several seeds


@pytest.mark.parametrize("schedule", ["constant", "cosine", "on plateau"])
def test_seeds_are_those_of_single_runs(worker, wine, heard, schedule):
    setups = seeds(wine, 5, dropout=0.3, batch_norm=True, schedule=schedule, epochs=8)
    worker.request(setups)
    wait_for(heard, "finished", 1)
    assert [one.setup for one in heard[-1].runs] == setups
    for one in heard[-1].runs:
        expected = run(one.settings, wine)
        assert set(one.history) == set(expected.history)
        for name, values in expected.history.items():
            np.testing.assert_allclose(one.history[name], values, atol=1e-6, err_msg=name)
        assert one.train_loss == pytest.approx(expected.train_loss, abs=1e-5)


def test_five_seeds_grow_together(worker, wine, heard):
    worker.request(seeds(wine, 5))
    wait_for(heard, "finished", 1)
    epochs = [[run.epochs for run in one.runs] for one in heard if one.status == "training"]
    assert epochs == [[n] * 5 for n in (1, 2, 3, 4)]
    assert {one.under_way for one in heard if one.status == "training"} == {5}


def test_more_than_five_take_turns(worker, wine, heard):
    worker.request(seeds(wine, 7, epochs=2))
    wait_for(heard, "finished", 1)
    epochs = [[run.epochs for run in one.runs] for one in heard if one.status == "training"]
    assert epochs == [[1] * 5, [2] * 5, [2] * 5 + [1] * 2, [2] * 7]
    assert heard[-2].under_way == 2


def test_on_plateau_one_follows_the_other(worker, wine, heard):
    worker.request(seeds(wine, 2, epochs=2, schedule="on plateau"))
    wait_for(heard, "finished", 1)
    assert [[run.epochs for run in one.runs] for one in heard if one.status == "training"] == [[1], [2], [2, 1], [2, 2]]


def test_seeds_that_are_stopped_keep_what_there_is(worker, wine, heard):
    worker.request(seeds(wine, 5, epochs=300))
    wait_for(heard, "training", 1)
    worker.stop()
    wait_for(heard, "stopped", 1)
    (epochs,) = {run.epochs for run in heard[-1].runs}
    assert 0 < epochs < 300
    assert len(heard[-1].runs) == 5
    assert worker.runs == []


def test_seeds_give_way_to_the_next_request_at_the_end_of_an_epoch(worker, wine, heard):
    worker.request(seeds(wine, 5, epochs=300))
    wait_for(heard, "training", 1)
    worker.request(seeds(wine, 1, epochs=1))
    wait_for(heard, "finished", 2)
    assert max(one.epochs for one in heard if one.number == 1) < 300


def test_a_run_is_recorded_once_though_it_was_trained_again_among_its_seeds(worker, wine, heard):
    setups = seeds(wine, 5)
    worker.request(setups[2:3])
    wait_for(heard, "finished", 1)
    single = worker.runs[0]
    worker.request(setups)
    wait_for(heard, "finished", 2)
    assert len(worker.runs) == 5
    assert heard[-1].runs[2] is single
    assert worker.request(setups).runs == heard[-1].runs


def test_a_request_without_an_end_does_not_fill_the_memory(worker, wine, heard, monkeypatch):
    monkeypatch.setattr(worker_module, "KEPT_RUNS", 2)
    for number in (1, 2, 3):
        worker.request([start_setup(wine, {"epochs": number, "width": 4})])
        wait_for(heard, "finished", number)
    assert [one.settings.epochs for one in worker.runs] == [2, 3]


def test_an_error_in_training_is_reported(worker, wine, heard):
    worker.request([start_setup(dataclasses.replace(wine, source=""), {"width": 4}).changed(width=10**9)])
    wait_for(heard, "failed", 1)
    assert isinstance(heard[-1].error, Exception)


# The average of several networks


@pytest.mark.parametrize("schedule", ["constant", "on plateau"])  # side by side, and one after the other
def test_the_average_is_that_of_the_predictions_of_all_seeds(worker, wine, heard, schedule):
    setups = seeds(wine, 7, schedule=schedule, dropout=0.2)
    worker.request(setups)
    wait_for(heard, "finished", 1)
    models = [run(setup.settings, wine).model for setup in setups]
    mean = np.mean([model(wine.x_valid, training=False) for model in models], axis=0)[:, 0]
    assert len(heard[-1].average) == 4
    assert heard[-1].average[-1] == pytest.approx(np.abs(mean - wine.y_valid).mean(), abs=1e-5)
    assert worker.request(setups).average == heard[-1].average  # and it is not trained again


def test_the_average_of_classifiers_is_that_of_their_probabilities(mnist, heard):
    worker = Worker(mnist, listen=heard.append)
    setups = [start_setup(mnist, {"width": 4, "epochs": 3, "seed": seed}) for seed in range(3)]
    worker.request(setups)
    wait_for(heard, "finished", 1)
    worker.close()
    logits = np.array([run(setup.settings, mnist).model(mnist.x_valid, training=False) for setup in setups])
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    right = shares.mean(0)[np.arange(len(mnist.y_valid)), mnist.y_valid]
    assert heard[-1].average[-1] == pytest.approx(-np.log(right).mean(), abs=1e-5)


# Several settings


def test_settings_take_turns_and_each_is_kept_when_it_is_over(worker, wine, heard):
    first, second = seeds(wine, 5), seeds(wine, 5, epochs=300)
    worker.request([*first, *second])
    for _ in range(3000):
        if heard and heard[-1].status == "training" and len(heard[-1].runs) == 10:
            break
        time.sleep(0.01)
    worker.stop()
    wait_for(heard, "stopped", 1)
    assert [one.settings.epochs for one in worker.runs] == [4] * 5
    assert len(heard[-1].runs) == 10
    assert worker.request(first).average
