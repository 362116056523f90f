"""The explorer's worker: trains what was asked for last, in a thread of its own. Knows no widget and no figure."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from course_utils.baselines import guessing_loss
from course_utils.data import Dataset
from course_utils.explorer.average import Average
from course_utils.explorer.controls import Datasets, Setup, by_seed
from course_utils.explorer.networks import Network, NetworkStack, UnwantedError, borrow, can_be_stacked, is_ready
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
        self._averages: dict[tuple[Setup, ...], tuple[float, ...]] = {}  # of seeds that were trained together
        self._number, self._asked_at = 0, 0.0
        self._wanted: tuple[Setup, ...] = ()  # what is to be trained; empty when there is nothing
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
        """Train these in the place of whatever is being trained, seeds of the same settings side by side.

        Returns
        -------
        Progress or None
            At once, where all of them have been trained before; otherwise None, and `listen` hears of it.
        """
        with self._changed:
            self._number, self._asked_at = self._number + 1, time.monotonic()
            known = [self._known(group) for group in by_seed(setups)]
            self._wanted = () if all(known) else tuple(setups)
            self.start()
            self._changed.notify_all()
            if not all(known):
                return None
            runs, averages = zip(*known, strict=True)
            return Progress(self._number, "finished", sum(runs, ()), average=averages[-1])

    def remember(self, groups: Sequence[tuple[Group, tuple[float, ...]]]) -> None:
        """Take these runs, and the losses of the averages of several seeds, for finished ones."""
        with self._changed:
            for group, average in groups:
                self._finished.update({run.setup: run for run in group})
                if len(group) > 1:
                    self._averages[tuple(run.setup for run in group)] = average

    def average_of(self, group: Group) -> tuple[float, ...]:
        """The losses of the average of these runs, where they were trained together."""
        with self._changed:
            return self._averages.get(tuple(run.setup for run in group), ())

    def stop(self) -> None:
        """Stop training at the end of the epoch; `listen` hears "stopped" with what there is by then."""
        with self._changed:
            self._stopping = self._number
            self._changed.notify_all()

    def close(self, timeout: float = 30.0) -> None:
        """End the thread; finished runs stay."""
        super().close(timeout)
        self._sets = (None, None)

    def _known(self, group: tuple[Setup, ...]) -> tuple[Group, tuple[float, ...]] | None:
        """The runs of these seeds and their average, where all that was trained before."""
        with self._changed:
            if not all(map(self._finished.__contains__, group)) or (len(group) > 1 and group not in self._averages):
                return None
            return tuple(map(self._finished.get, group)), self._averages.get(group, ())

    def _keep(self, number: int, group: tuple[Setup, ...], runs: Group, average: tuple[float, ...]) -> Group | None:
        """Store finished runs; returns those that are stored, or None where the request was replaced meanwhile."""
        with self._changed:
            # A run that is over before the hand has come to rest is not one that anybody asked for.
            until = self._asked_at + REST_BEFORE_FINISHED
            self._changed.wait_for(lambda: not self._is_newest(number), timeout=until - time.monotonic())
            if not self._is_newest(number):
                return None
            runs = tuple(self._finished.setdefault(run.setup, run) for run in runs)
            if len(group) > 1:
                self._averages[group] = average
            for kept in (self._finished, self._averages):
                while len(kept) > KEPT_RUNS:
                    kept.pop(next(iter(kept)))
            return runs

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
        done, average = (), ()
        for group in by_seed(setups):
            known = self._known(group)
            if known is not None:
                runs, average = known
            else:
                try:
                    runs, average, is_over = self._train_group(number, group, done)
                except Exception as error:
                    self._report(Progress(number, "failed", done, error=error))
                    return
                if not is_over:
                    return
                runs = self._keep(number, group, runs, average)
                if runs is None:
                    return
            done += runs
        self._report(Progress(number, "finished", done, average=average))

    def _train_group(self, number: int, group: tuple[Setup, ...], before: Group) -> tuple[Group, tuple, bool]:
        """The runs of these seeds, the losses of their average, and whether all of that was trained to its end."""
        average, runs = Average(len(group)), ()
        for some in self._turns(group):
            new = self._train(number, some, before + runs, average)
            runs += new
            if not self._is_newest(number):
                return runs, average.losses, False
            if any(run.epochs < run.settings.epochs for run in new):
                progress = Progress(number, "stopped", before + runs, under_way=len(new), average=average.losses)
                self._report(progress)
                return runs, average.losses, False
        return runs, average.losses, True

    def _turns(self, setups: tuple[Setup, ...]) -> Iterator[tuple[Setup, ...]]:
        """Those that are trained side by side, one group after the other."""
        settings, data = [setup.settings for setup in setups], self.datasets.of(setups[0])
        at_once = TOGETHER if can_be_stacked(settings[:TOGETHER], data) else 1
        for first in range(0, len(setups), at_once):
            yield setups[first : first + at_once]

    def _train(self, number: int, setups: tuple[Setup, ...], done: Group, average: Average) -> Group:
        """The runs of these, which are shorter where they were stopped."""
        each, data = [setup.settings for setup in setups], self.datasets.of(setups[0])
        guess, histories, anatomy = guessing_loss(data), [{} for _ in setups], None

        def go_on() -> bool:
            return self._goes_on(number)

        def so_far(train_losses: Sequence[float] = (float("nan"),) * len(setups)) -> Group:
            return tuple(
                # Lists of their own: these go on growing while other threads draw what was reported.
                ExplorerRun.of(
                    setup,
                    {name: [*values] for name, values in history.items()},
                    train_loss=loss,
                    guess=guess if anatomy is None else anatomy.guess,
                    anatomy=anatomy,
                )
                for setup, history, loss in zip(setups, histories, train_losses, strict=True)
            )

        def report(status: str) -> None:
            runs = (*done, *so_far())
            self._report(Progress(number, status, runs, under_way=len(setups), average=average.losses))

        def after_epoch(network: Network | NetworkStack, logs: list[dict[str, float]]) -> bool:
            for history, own in zip(histories, logs, strict=True):
                for name, value in own.items():
                    history.setdefault(name, []).append(float(value))
            epochs = len(histories[0]["loss"])
            judge = network.judge(data) if average.n > 1 and len(data.x_valid) else None
            if judge is not None:
                average.add(epochs, network.outputs(), judge)
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
                anatomy = network.anatomy
                sets, hear = self._tensors(data), partial(after_epoch, network)
                return so_far(network.train(each, data, sets, after_epoch=hear, shuffle=self._shuffle))
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
