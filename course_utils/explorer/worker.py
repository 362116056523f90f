"""The explorer's worker: trains what was asked for last, in a thread of its own. Knows no widget and no figure."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from course_utils.baselines import guessing_loss
from course_utils.data import Dataset
from course_utils.explorer.controls import Datasets, Setup
from course_utils.explorer.networks import UnwantedError, borrow, can_be_stacked, is_ready
from course_utils.explorer.progress import ExplorerRun, Group, Progress
from course_utils.explorer.threads import Service
from course_utils.training import TensorSets

__all__ = ["TOGETHER", "Worker"]

TOGETHER = 5  # seeds that are trained side by side; more of them take their turns
# Seconds without a change: before an architecture is traced that was not prepared, and before a run counts as finished.
REST_BEFORE_TRACING, REST_BEFORE_FINISHED = 0.12, 0.25
BETWEEN_REPORTS = 0.02  # seconds; far less than between two pictures
KEPT_RUNS = 1000


class Worker(Service):
    """Trains the newest request and forgets the one before; keeps what is finished.

    Parameters
    ----------
    data : Dataset
    listen : callable
        Called with a `Progress`, from the worker's thread and without its lock. The request may have been replaced
        at that moment, so the number has to be compared once more by whoever shows it.
    shuffle : bool
        Draw a new order of the training rows for every epoch.
    """

    def __init__(self, data: Dataset, *, listen: Callable[[Progress], None], shuffle: bool = True) -> None:
        super().__init__("explorer train", threading.Condition(threading.RLock()))
        self.datasets = Datasets(data)
        self._listen, self._shuffle = listen, shuffle
        self._sets: tuple[Dataset | None, TensorSets | None] = (None, None)  # one data set in TensorFlow's memory
        self._finished: dict[Setup, ExplorerRun] = {}
        self._number, self._asked_at = 0, 0.0
        self._wanted: tuple[Setup, ...] = ()  # what is to be trained, one setup per seed; empty when there is nothing
        self._stopping = 0  # the number of the request that is to be stopped
        self._reported_at = 0.0

    @property
    def runs(self) -> list[ExplorerRun]:
        """All finished runs, in the order in which they were finished."""
        with self._changed:
            return list(self._finished.values())

    @property
    def number(self) -> int:
        """Of the newest request."""
        return self._number

    def request(self, setups: Sequence[Setup]) -> Progress | None:
        """Train these, which differ in their seeds, in the place of whatever is being trained.

        Returns
        -------
        Progress or None
            At once, where all of them have been trained before; otherwise None, and `listen` hears of it.
        """
        with self._changed:
            self._number, self._asked_at = self._number + 1, time.monotonic()
            stored = self._stored(setups)
            self._wanted = () if stored else tuple(setups)
            self.start()
            self._changed.notify_all()
            return Progress(self._number, "finished", stored) if stored else None

    def stop(self) -> None:
        """Stop training at the end of the epoch; `listen` hears "stopped" with what there is by then."""
        with self._changed:
            self._stopping = self._number
            self._changed.notify_all()

    def close(self, timeout: float = 30.0) -> None:
        """End the thread; finished runs stay."""
        super().close(timeout)
        self._sets = (None, None)

    def _stored(self, setups: Sequence[Setup]) -> Group:
        """The runs of these, where all of them have been trained before; otherwise none."""
        with self._changed:
            return tuple(map(self._finished.get, setups)) if all(map(self._finished.__contains__, setups)) else ()

    def _is_newest(self, number: int) -> bool:
        return number == self._number and not self._closed

    def _goes_on(self, number: int) -> bool:
        return self._stopping != number and self._is_newest(number)

    def _serve(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._wanted)
            number, setups, self._wanted = self._number, self._wanted, ()
        if self._closed:
            return
        try:
            self._train_all(number, setups)
        except Exception as error:
            self._report(Progress(number, "failed", error=error))

    def _train_all(self, number: int, setups: tuple[Setup, ...]) -> None:
        done: Group = ()
        for some in self._turns(setups):
            runs = self._stored(some) or self._train(number, some, done)
            done += runs
            if not self._is_newest(number):
                return
            if any(run.epochs < run.settings.epochs for run in runs):
                self._report(Progress(number, "stopped", done, under_way=len(runs)))
                return
        with self._changed:
            # A run that is over before the hand has come to rest is not one that anybody asked for.
            until = self._asked_at + REST_BEFORE_FINISHED
            self._changed.wait_for(lambda: not self._is_newest(number), timeout=until - time.monotonic())
            if not self._is_newest(number):
                return
            done = tuple(self._finished.setdefault(run.setup, run) for run in done)
            while len(self._finished) > KEPT_RUNS:
                self._finished.pop(next(iter(self._finished)))
        self._report(Progress(number, "finished", done))

    def _turns(self, setups: tuple[Setup, ...]) -> Iterator[tuple[Setup, ...]]:
        """Those that are trained side by side, one group after the other."""
        settings, data = [setup.settings for setup in setups], self.datasets.of(setups[0])
        at_once = TOGETHER if can_be_stacked(settings[:TOGETHER], data) else 1
        for first in range(0, len(setups), at_once):
            yield setups[first : first + at_once]

    def _train(self, number: int, setups: tuple[Setup, ...], done: Group) -> Group:
        """The runs of these, which are shorter where they were stopped."""
        each, data = [setup.settings for setup in setups], self.datasets.of(setups[0])
        guess, histories = guessing_loss(data), [{} for _ in setups]

        def go_on() -> bool:
            return self._goes_on(number)

        def so_far(train_losses: Sequence[float] = (float("nan"),) * len(setups)) -> Group:
            return tuple(
                # Lists of their own: these go on growing while other threads draw what was reported.
                ExplorerRun.of(
                    setup, {name: [*values] for name, values in history.items()}, train_loss=loss, guess=guess
                )
                for setup, history, loss in zip(setups, histories, train_losses, strict=True)
            )

        def report(status: str) -> None:
            self._report(Progress(number, status, (*done, *so_far()), under_way=len(setups)))

        def after_epoch(logs: list[dict[str, float]]) -> bool:
            for history, own in zip(histories, logs, strict=True):
                for name, value in own.items():
                    history.setdefault(name, []).append(float(value))
            epochs = len(histories[0]["loss"])
            if epochs <= 2 or time.monotonic() - self._reported_at >= BETWEEN_REPORTS:  # two make the first curve
                report("training")
                self._reported_at = time.monotonic()
            return go_on()

        if not is_ready(each, data):
            report("preparing")
            with self._changed:
                self._changed.wait_for(lambda: not go_on(), timeout=REST_BEFORE_TRACING)
        if not go_on():
            return so_far()
        try:
            with borrow(each, data, go_on=go_on) as network:
                sets = self._tensors(data)
                return so_far(network.train(each, data, sets, after_epoch=after_epoch, shuffle=self._shuffle))
        except UnwantedError:
            return so_far()

    def _report(self, progress: Progress) -> None:
        if not self._is_newest(progress.number):
            return
        try:
            self._listen(progress)
        except Exception:  # whoever listens may break; the thread goes on
            logging.getLogger(__name__).exception("What was reported (%s) could not be taken in.", progress.status)

    def _tensors(self, data: Dataset) -> TensorSets:
        if self._sets[0] is not data:
            self._sets = data, TensorSets.of(data)
        return self._sets[1]
