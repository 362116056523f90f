"""`progress`: how far a search of scikit-learn has come, and how long it will still take."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar

import joblib
from tqdm import tqdm

from course_utils.frontend import has_front_end
from course_utils.validation import check_integer, check_number

__all__ = ["progress"]

REDRAW = 0.5  # seconds


@contextlib.contextmanager
def progress(total: int, *, delay: float = 5.0) -> Iterator[None]:
    """Show a bar while a search or a cross-validation runs: fits done, of how many, and the time left.

    It counts what joblib has finished of what this thread asked for, so that it serves serial searches, `n_jobs` and
    Dask alike. Nothing is printed where nobody looks (a notebook that is being recorded or tested, output that goes to
    a file); and in the end, or after an exception, the bar vanishes.

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
    hidden = not (has_front_end() or sys.stdout.isatty())
    # Plain text on stdout: a bar of ipywidgets would leave widget state in the notebook, stderr a red box.
    with tqdm(
        total=total, delay=delay, disable=hidden, unit="fit", file=sys.stdout, ncols=80, leave=False, miniters=0
    ) as bar:
        if hidden:
            yield
            return
        with _counting() as count, _repeating(lambda: bar.update(count.done - bar.n)):
            yield


@contextlib.contextmanager
def _counting() -> Iterator[_Count]:
    """Yield a count that grows with each task that joblib finishes for this thread."""
    count = _Count()
    around = _count_here.set(count)
    try:
        with _joblib_counts:
            yield count
    finally:
        _count_here.reset(around)


@dataclasses.dataclass
class _Count:
    done: int = 0


# Of the `progress` that this thread is in. There is none while joblib works: what a fit itself does in parallel is not
# counted, whether it does so in this thread or in another.
_count_here: ContextVar[_Count | None] = ContextVar("count_here", default=None)


@contextlib.contextmanager
def _replaced_methods() -> Iterator[None]:
    """Have joblib tell the count what it has finished.

    scikit-learn makes its own `joblib.Parallel` and has no room for a callback, so that two of that class's public
    methods are replaced meanwhile (`test_progress_counts_the_fits` guards this for each backend).
    """
    call, print_progress = joblib.Parallel.__call__, joblib.Parallel.print_progress

    def counted_call(parallel: joblib.Parallel, iterable: Iterable) -> object:
        count = _count_here.get()
        parallel.counted = None if count is None else (count, count.done)
        around = _count_here.set(None)
        try:
            return call(parallel, iterable)
        finally:
            _count_here.reset(around)

    def counted_print_progress(parallel: joblib.Parallel) -> None:
        print_progress(parallel)
        counted = getattr(parallel, "counted", None)  # another thread's may have begun before
        if counted is not None:
            count, before = counted
            count.done = before + parallel.n_completed_tasks

    joblib.Parallel.__call__, joblib.Parallel.print_progress = counted_call, counted_print_progress
    try:
        yield
    finally:
        joblib.Parallel.__call__, joblib.Parallel.print_progress = call, print_progress


class _Shared:
    """A context that the first to enter begins and the last to leave ends, in whatever order they leave."""

    def __init__(self, context: Callable[[], contextlib.AbstractContextManager]) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._entered = self._context()
                self._entered.__enter__()
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._entered.__exit__(None, None, None)


_joblib_counts = _Shared(_replaced_methods)


@contextlib.contextmanager
def _repeating(action: Callable[[], object]) -> Iterator[None]:
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
