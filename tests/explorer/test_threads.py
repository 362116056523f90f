import logging
import subprocess
import sys
import threading
import weakref

import pytest

from course_utils.explorer.threads import Service


class Counter(Service):
    """Counts what it is given; raises where that is negative."""

    def __init__(self):
        super().__init__("counter", threading.Condition(threading.RLock()))
        self.todo, self.total = [], 0

    def give(self, number):
        with self._changed:
            self.todo.append(number)
            self.start()
            self._changed.notify_all()

    def wait_for(self, total):
        with self._changed:
            return self._changed.wait_for(lambda: self.total == total, 20)

    def _serve(self):
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self.todo)
            if self._closed:
                return
            number = self.todo.pop(0)
            if number < 0:
                raise ArithmeticError(f"{number} is negative")
            if number == 13:
                raise SystemExit
            self.total += number
            self._changed.notify_all()


def test_it_outlives_an_error_and_says_so(caplog):
    counter = Counter()
    with caplog.at_level(logging.ERROR):
        counter.give(-3)
        counter.give(2)
        assert counter.wait_for(2)
    assert "-3 is negative" in caplog.text
    counter.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_started_anew():
    counter = Counter()
    counter.give(13)
    counter._thread.join(20)
    assert not counter._thread.is_alive()
    counter.give(2)
    assert counter.wait_for(2)
    counter.close()


def test_close_ends_the_thread_for_good():
    counter = Counter()
    counter.give(1)
    counter.close()
    assert not counter._thread.is_alive()
    counter.give(1)
    assert not counter._thread.is_alive()
    counter.close()


def test_nothing_but_its_thread_keeps_it():
    counter = Counter()
    counter.give(1)
    counter.close()
    gone = weakref.ref(counter)
    del counter
    assert gone() is None


def test_at_the_end_of_the_process_a_thread_may_end_what_it_does():
    source = """
import threading, time
from course_utils.explorer.threads import Service

class Slow(Service):
    def _serve(self):
        time.sleep(0.5)
        print("whole", flush=True)

Slow("slow", threading.Condition(threading.RLock())).start()
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["whole"]
