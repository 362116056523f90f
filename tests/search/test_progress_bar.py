"""The progress bar counts what joblib has finished, for each backend, and is shown only where somebody looks."""

import io
import threading
import time
import types

import joblib
import numpy as np
import pytest
from joblib import parallel_config
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import cross_val_score

from course_utils.search import progress, progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    stdout = Terminal()  # pytest changes sys.stdout itself between a fixture and its test
    monkeypatch.setattr(progress_bar, "sys", types.SimpleNamespace(stdout=stdout))
    monkeypatch.setattr(progress_bar, "REDRAW", 0.01)
    return stdout


def divide_by_nothing():
    time.sleep(0.1)
    return 1 / 0


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])  # dask: test_workers
def test_progress_counts_the_fits(backend):
    with parallel_config(backend=backend, n_jobs=2), progress_bar._counting() as count:
        joblib.Parallel()(joblib.delayed(time.sleep)(0.01) for _ in range(4))
        assert count.done == 4
        cross_val_score(DummyRegressor(), np.eye(12), np.arange(12.0), cv=2)
        assert count.done == 6


@pytest.mark.parametrize("backend", ["sequential", "threading"])  # in other processes nothing is counted
def test_progress_does_not_count_parallel_work_within_a_fit(backend):
    def fit_one():
        joblib.Parallel()(joblib.delayed(abs)(i) for i in range(7))
        return count.done

    with (
        parallel_config(backend=backend, n_jobs=1 if backend == "sequential" else 2),
        progress_bar._counting() as count,
    ):
        seen = joblib.Parallel()(joblib.delayed(fit_one)() for _ in range(3))
    assert max(seen) <= 2
    assert count.done == 3


def test_two_that_overlap_count_their_own_and_restore_joblib():
    before = joblib.Parallel.__call__, joblib.Parallel.print_progress
    first_is_open, second_is_open, first_is_closed = threading.Event(), threading.Event(), threading.Event()

    def first():
        with progress_bar._counting() as count:
            first_is_open.set()
            assert second_is_open.wait(10)
            joblib.Parallel()(joblib.delayed(abs)(i) for i in range(3))
        counts["first"] = count.done
        first_is_closed.set()

    counts = {}
    thread = threading.Thread(target=first)
    thread.start()
    assert first_is_open.wait(10)
    with progress_bar._counting() as count:
        second_is_open.set()
        assert first_is_closed.wait(10)
        joblib.Parallel()(joblib.delayed(abs)(i) for i in range(5))
    thread.join()
    assert (counts["first"], count.done) == (3, 5)
    assert (joblib.Parallel.__call__, joblib.Parallel.print_progress) == before


def test_progress_shows_a_bar_that_vanishes(terminal):
    def wait_until_the_ones_before_are_shown(done):
        deadline = time.monotonic() + 30
        while f"| {done}/4 [" not in terminal.getvalue():
            assert time.monotonic() < deadline, f"the bar never showed {done} of 4"
            time.sleep(0.01)

    with progress(4, delay=0):
        joblib.Parallel()(joblib.delayed(wait_until_the_ones_before_are_shown)(done) for done in range(4))
    shown = terminal.getvalue()
    assert "<00:0" in shown  # time left
    assert shown.rpartition("\r")[0].rpartition("\r")[2].strip() == ""


def test_progress_of_a_quick_search_shows_nothing(terminal):
    with progress(1):
        joblib.Parallel()(joblib.delayed(abs)(-i) for i in range(1))
    assert terminal.getvalue() == ""


def test_progress_shows_nothing_where_nobody_looks(capsys):
    with progress(2, delay=0):
        joblib.Parallel()(joblib.delayed(time.sleep)(0.05) for _ in range(2))
    assert capsys.readouterr() == ("", "")


def test_progress_is_shown_in_a_notebook_that_is_open(monkeypatch):
    stdout = io.StringIO()  # no terminal, like a kernel's
    monkeypatch.setattr(progress_bar, "sys", types.SimpleNamespace(stdout=stdout))
    monkeypatch.setattr(progress_bar, "has_front_end", lambda: True)
    with progress(2, delay=0):
        pass
    assert "0/2" in stdout.getvalue()


def test_progress_ends_cleanly_after_an_error(terminal):
    before = joblib.Parallel.__call__, joblib.Parallel.print_progress
    with pytest.raises(ZeroDivisionError), progress(2, delay=0):
        joblib.Parallel()(joblib.delayed(divide_by_nothing)() for _ in range(2))
    assert (joblib.Parallel.__call__, joblib.Parallel.print_progress) == before
    assert "progress" not in [thread.name for thread in threading.enumerate()]
    assert terminal.getvalue().endswith("\r")


@pytest.mark.parametrize("wrong", [{"total": 0}, {"total": 3, "delay": -1}])
def test_bad_arguments_of_progress_are_named(wrong):
    name, value = list(wrong.items())[-1]
    with pytest.raises(ValueError, match=f"{name}={value}"), progress(**wrong):
        pass
