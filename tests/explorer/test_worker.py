import threading
import time

import pytest

from course_utils.explorer import worker as worker_module
from course_utils.explorer.controls import start_setup
from course_utils.explorer.networks import Networks
from course_utils.explorer.worker import Worker


@pytest.fixture
def heard():
    return []


@pytest.fixture
def worker(wine, heard):
    worker = Worker(wine, listen=heard.append)
    yield worker
    worker.close()


def wait_for(heard, status, number):
    for _ in range(3000):
        if any((one.status, one.number) == (status, number) for one in list(heard)):
            return
        time.sleep(0.02)
    raise AssertionError([(one.status, one.number) for one in heard])


def test_reports_grow_epoch_by_epoch(worker, wine, heard):
    assert worker.request([start_setup(wine, {"epochs": 4, "width": 4})]) is None
    wait_for(heard, "finished", 1)
    assert [one.status for one in heard] == ["preparing", *["training"] * 4, "finished"]
    assert [one.runs[-1].epochs for one in heard[1:]] == [1, 2, 3, 4, 4]
    assert heard[-1].runs[0].parameters == 4 * 12 + 4 * 5 + 5


def test_nothing_is_heard_of_a_request_after_the_next_one(worker, wine, heard):
    worker.request([start_setup(wine, {"epochs": 300, "width": 512})])
    wait_for(heard, "training", 1)
    worker.request([start_setup(wine, {"epochs": 1})])
    time.sleep(0.01)
    del heard[:]
    wait_for(heard, "finished", 2)
    assert {one.number for one in heard} == {2}


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


def test_neighbours_are_prepared_up_to_a_limit(wine, heard):
    setup = start_setup(wine, {"epochs": 1, "width": 4})
    others = [setup.changed(depth=depth, width=16) for depth in (1, 6, 9, 10)]  # 2 + 7 + 10 layers, and 11 too many
    others.insert(1, setup.changed(depth=8, width=512))  # too large
    worker = Worker(wine, listen=heard.append, neighbours=lambda: others)
    worker.prepare()
    worker.request([setup])
    wait_for(heard, "finished", 1)
    for _ in range(500):
        if worker.is_prepared(others[3]):
            break
        time.sleep(0.05)
    time.sleep(0.5)
    ready = [worker.is_prepared(one) for one in others]
    worker.close()
    assert ready == [True, False, True, True, False]


def test_nothing_is_tidied_up_for_a_neighbour_once_somebody_waits(worker, wine, monkeypatch):
    touched, setup = [], start_setup(wine, {"width": 4})
    for name in ("make_room", "tidy"):
        monkeypatch.setattr(Networks, name, lambda *_, name=name, **__: touched.append(name))
    assert not worker._prepare(worker._network(setup), wine, go_on=lambda: False)
    assert touched == []
    assert worker._prepare(worker._network(setup), wine, go_on=lambda: True)
    assert touched == ["make_room", "tidy"]


def test_tidying_up_waits_for_the_last_picture_and_for_the_hand_to_rest(worker, wine, heard, monkeypatch):
    tidied = []
    monkeypatch.setattr(Networks, "tidy", lambda self, *, is_idle: tidied.append(is_idle))
    monkeypatch.setattr(worker_module, "REST", 1.0)
    for number in (1, 2):
        worker.request([start_setup(wine, {"epochs": number, "width": 4})])
        wait_for(heard, "finished", number)
        time.sleep(0.2)
        assert True not in tidied
    time.sleep(1.3)
    assert tidied[-1]
    assert tidied.count(True) == 1
