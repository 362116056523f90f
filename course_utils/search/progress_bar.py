"""`progress`: how far a search of scikit-learn has come, and how long it will still take."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterable, Iterator

import joblib
from tqdm import tqdm

from course_utils.validation import check_integer, check_number

__all__ = ["progress"]

REDRAW = 0.5  # seconds


@contextlib.contextmanager
def progress(total: int, *, delay: float = 5.0) -> Iterator[None]:
    """Show a bar while a search or a cross-validation runs: fits done, of how many, and the time left.

    It counts what joblib has finished, so that it serves serial searches, `n_jobs` and Dask alike. Nothing is printed
    where nobody looks (a notebook that is being recorded or tested, output that goes to a file); and in the end, or
    after an exception, the bar vanishes.

    Parameters
    ----------
    total : int
        Number of fits: candidates × folds. The last fit of the best candidate on all rows is not among them.
    delay : float
        Seconds before the bar appears; a quicker search shows none.

    Raises
    ------
    ValueError
        If `total` is not positive or `delay` is negative.
    """
    total = check_integer("total", total, at_least=1, hint="It is the number of candidates times that of the folds.")
    delay = check_number("delay", delay, at_least=0)
    hidden = not _somebody_looks()
    # Plain text on stdout: a bar of ipywidgets would leave widget state in the notebook, stderr a red box.
    with tqdm(
        total=total, delay=delay, disable=hidden, unit="fit", file=sys.stdout, ncols=80, leave=False, miniters=0
    ) as bar:
        if hidden:
            yield
            return
        with _counting() as done, _repeating(lambda: bar.update(done[0] - bar.n)):
            yield


@contextlib.contextmanager
def _counting() -> Iterator[list[int]]:
    """Yield a list whose one number grows with each task that joblib finishes.

    scikit-learn makes its own `joblib.Parallel` and has no room for a callback, so that two of that class's public
    methods are replaced meanwhile (`test_progress_counts_the_fits` guards this for each backend). A `Parallel` that is
    called by a task of another one is not counted.
    """
    done, active = [0], []
    call, print_progress = joblib.Parallel.__call__, joblib.Parallel.print_progress

    def counted_call(parallel: joblib.Parallel, iterable: Iterable) -> object:
        before = done[0]
        active.append((parallel, before))
        try:
            return call(parallel, iterable)
        finally:
            active.pop()

    def counted_print_progress(parallel: joblib.Parallel) -> None:
        print_progress(parallel)
        if active and active[0][0] is parallel:
            done[0] = active[0][1] + parallel.n_completed_tasks

    joblib.Parallel.__call__, joblib.Parallel.print_progress = counted_call, counted_print_progress
    try:
        yield done
    finally:
        joblib.Parallel.__call__, joblib.Parallel.print_progress = call, print_progress


@contextlib.contextmanager
def _repeating(action: object) -> Iterator[None]:
    """Call `action` now and then from a thread of its own: joblib's threads would print into other cells."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(REDRAW):
            action()

    thread = threading.Thread(target=repeat, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _somebody_looks() -> bool:
    """Whether stdout is a terminal, or a notebook with somebody who could answer a question."""
    # As explorer.has_front_end, without the widgets that it would import into every worker.
    kernel = None
    if "IPython" in sys.modules:
        kernel = getattr(sys.modules["IPython"].get_ipython(), "kernel", None)
    return sys.stdout.isatty() if kernel is None else bool(getattr(kernel, "_allow_stdin", False))
