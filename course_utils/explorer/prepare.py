"""What is done while nobody waits: the graphs are traced that the next move may need, and memory is tidied up.

The explorer works without it; then the first curve of another architecture comes half a second to a second later.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import NamedTuple

from course_utils.data import Dataset
from course_utils.experiment import Settings
from course_utils.explorer.controls import Datasets, Setup
from course_utils.explorer.networks import borrow, graph_key, is_ready, size_of
from course_utils.explorer.threads import Service
from course_utils.training import GRAPHS

__all__ = ["Preparer"]

MOST_BYTES = 40e6  # for all that is prepared after one request, of what the cache keeps
REST_BEFORE_TRACING = 0.15  # seconds, in which the last picture is drawn
REST_BEFORE_TIDYING = 0.5  # seconds; it keeps all other threads waiting, that which draws the last picture too

Seeds = Sequence[Setup]  # what is trained together: one setup, or one per seed


class Job(NamedTuple):
    """Something to be made ready."""

    key: tuple
    each: list[Settings]
    data: Dataset


class Preparer(Service):
    """Makes ready what was named last, in its order, in a thread of its own.

    Parameters
    ----------
    datasets : Datasets
        Which give the shapes.
    """

    def __init__(self, datasets: Datasets) -> None:
        super().__init__("explorer prepare", threading.Condition(threading.RLock()))
        self._datasets = datasets
        self._asked, self._seen = 0, 0  # how often it was told something, and how often it looked
        self._todo: list[Job] = []
        self._wanted: set[tuple] = set()  # keys of what may be traced now

    def prepare(self, todo: Sequence[Seeds]) -> None:
        """Trace the graphs that these need, as far as there is room for them."""
        jobs = [self._job(seeds) for seeds in todo]
        self._turn_to(jobs, wanted={job.key for job in jobs})

    def make_way(self, seeds: Seeds) -> None:
        """Begin nothing, for these are to be trained now; but go on with what they need themselves."""
        self._turn_to([], wanted={self._job(seeds).key})

    def _job(self, seeds: Seeds) -> Job:
        each, data = [setup.settings for setup in seeds], self._datasets.of(seeds[0])
        return Job(graph_key(each, data), each, data)

    def _turn_to(self, todo: list[Job], *, wanted: set[tuple]) -> None:
        with self._changed:
            self._asked += 1
            self._todo, self._wanted = todo, wanted
            self.start()
            self._changed.notify_all()

    def _is_told(self) -> bool:
        return self._closed or self._asked > self._seen

    def _serve(self) -> None:
        with self._changed:
            self._changed.wait_for(self._is_told)
            todo, self._seen = self._todo, self._asked
            if todo and self._changed.wait_for(self._is_told, timeout=REST_BEFORE_TRACING):
                return
        left = MOST_BYTES
        for job in todo:
            size = size_of(job.each, job.data)
            if size > left:
                continue
            left -= size
            # Nothing makes room, and nothing is tidied up, once somebody waits for something else.
            if self._is_told():
                return
            self._trace(job)
        with self._changed:
            if self._changed.wait_for(self._is_told, timeout=REST_BEFORE_TIDYING):
                return
        GRAPHS.tidy(is_idle=True)

    def _trace(self, job: Job) -> None:
        def go_on() -> bool:
            return job.key in self._wanted and not self._closed

        # A network that cannot be built says so, in words, when somebody asks for it.
        if not is_ready(job.each, job.data):
            with contextlib.suppress(Exception), borrow(job.each, job.data, go_on=go_on):
                pass
