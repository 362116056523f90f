import threading
import time

import pytest

from course_utils.explorer import prepare as prepare_module
from course_utils.explorer.controls import Datasets, start_setup
from course_utils.explorer.networks import is_ready, size_of
from course_utils.explorer.prepare import Preparer
from course_utils.training import GRAPHS


@pytest.fixture
def tidied(monkeypatch):
    """Whether nobody waited, for each time that memory was tidied up."""
    found = []
    monkeypatch.setattr(GRAPHS, "tidy", lambda *, is_idle: found.append(is_idle))
    return found


@pytest.fixture
def preparer(wine):
    GRAPHS.clear()
    preparer = Preparer(Datasets(wine))
    yield preparer
    preparer.close()
    GRAPHS.clear()


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_was_named_is_made_ready_in_its_order_as_far_as_there_is_room(preparer, wine, monkeypatch):
    def settings(seeds):
        return [setup.settings for setup in seeds]

    setup = start_setup(wine, {"width": 4, "depth": 1})
    small, large, other = (setup,), (setup.changed(width=512, depth=10),), (setup.changed(depth=2),)
    three, last = tuple(setup.changed(seed=seed) for seed in range(3)), (setup.changed(depth=9),)
    room = sum(size_of(settings(seeds), wine) for seeds in (small, other, three))
    monkeypatch.setattr(prepare_module, "MOST_BYTES", room + 1)
    preparer.prepare([small, large, other, three, last])
    until(lambda: is_ready(settings(three), wine))
    time.sleep(0.1)
    ready = [is_ready(settings(seeds), wine) for seeds in (small, large, other, three, last)]
    assert ready == [True, False, True, True, False]


def test_it_makes_way_for_others_but_finishes_what_is_asked_for(preparer, wine, tidied, monkeypatch):
    """What is being traced when it is asked for is half done; whatever else is being traced keeps others waiting."""
    begun, wanted, made = threading.Event(), threading.Event(), []
    one, other, third = (start_setup(wine, {"width": width}) for width in (4, 8, 16))

    class Slow:
        def __init__(self, each, data, go_on):
            begun.set()
            assert wanted.wait(60)
            if not go_on():
                raise TimeoutError
            made.append(each[0].width)

    monkeypatch.setattr("course_utils.explorer.networks.Network", Slow)
    preparer.prepare([(one,), (third,)])
    assert begun.wait(60)
    preparer.make_way((one,))
    wanted.set()
    until(lambda: made == [4])
    begun.clear()
    wanted.clear()
    preparer.prepare([(other,), (third,)])
    assert begun.wait(60)
    preparer.make_way((third,))
    wanted.set()
    until(lambda: True in tidied)  # it has come to rest
    assert made == [4]


def test_nothing_makes_room_or_is_tidied_up_once_somebody_waits(preparer, wine, tidied, monkeypatch):
    """Whether that is told before the first network or between two of them."""
    one, other = (start_setup(wine, {"width": width}) for width in (4, 8))
    traced = []

    def trace(job):
        traced.append(job.each[0].width)
        preparer.make_way((other,))

    monkeypatch.setattr(preparer, "_trace", trace)
    preparer.prepare([(one,), (other,)])
    until(lambda: tidied)
    assert traced == [4]
    assert tidied == [True]


def test_tracing_waits_until_the_last_picture_may_be_drawn(preparer, wine, tidied, monkeypatch):
    monkeypatch.setattr(prepare_module, "REST_BEFORE_TRACING", 0.5)
    monkeypatch.setattr(preparer, "_trace", lambda job: traced.append((job.each[0].width, time.monotonic())))
    traced, first, last = [], start_setup(wine, {"width": 4}), start_setup(wine, {"width": 8})
    preparer.prepare([(first,)])
    time.sleep(0.2)
    asked = time.monotonic()
    preparer.prepare([(last,)])
    until(lambda: traced)
    ((width, when),) = traced
    assert width == 8  # the one before was no more wanted when its rest was over
    assert when - asked >= 0.5


def test_tidying_up_waits_for_the_hand_to_rest(preparer, wine, tidied, monkeypatch):
    monkeypatch.setattr(prepare_module, "REST_BEFORE_TIDYING", 1.0)
    for _ in range(4):
        preparer.prepare([])
        time.sleep(0.4)
        assert True not in tidied
    until(lambda: tidied)
    time.sleep(1.2)
    assert tidied == [True]


def test_what_cannot_be_built_is_left_to_whoever_asks_for_it(preparer, wine):
    setup = start_setup(wine, {"width": 4})
    preparer.prepare([(setup.changed(width=10**9),), (setup,)])
    until(lambda: is_ready([setup.settings], wine))


def test_close_ends_the_thread(wine):
    before = threading.active_count()
    preparer = Preparer(Datasets(wine))
    assert threading.active_count() == before  # it is there once there is something to do
    preparer.prepare([(start_setup(wine, {"width": 4, "depth": 9}),)])
    preparer.close()
    assert threading.active_count() == before
