"""The explorer's worker: trains what was asked for last, in a thread of its own. Knows no widget and no figure."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import threading
import time
from collections.abc import Callable, Sequence

import keras

from course_utils.data import Dataset
from course_utils.explorer.controls import Datasets, Setup
from course_utils.explorer.networks import Network, Networks
from course_utils.explorer.progress import Progress, Trained, guessing_loss
from course_utils.training import TensorSets

__all__ = ["CLOSED", "Worker"]

CLOSED = "This explorer is closed. Make a new one: Explorer(data, …)."
QUIET = 0.25  # seconds without a change before a run may call itself finished
PATIENCE = 0.12  # seconds without a change before an architecture is traced that was not prepared
REST = 0.5  # seconds without a change before networks that were let go are tidied up
KEPT_RUNS = 1000
# Traced for neighbours after one request, and the size of one of them: what is never used costs time and memory.
MOST_LAYERS, MOST_BYTES = 20, 20e6


class Worker:
    """Trains the newest request and forgets the one before; keeps what is finished.

    Parameters
    ----------
    data : Dataset
    listen : callable
        Called with a `Progress`, from the worker's thread, and only for the newest request.
    neighbours : callable
        Given nothing, returns the setups that are worth preparing next while nobody asks for anything.
    shuffle : bool
        Draw a new order of the training rows for every epoch.
    """

    def __init__(
        self,
        data: Dataset,
        *,
        listen: Callable[[Progress], None],
        neighbours: Callable[[], Sequence[Setup]] = tuple,
        shuffle: bool = True,
    ) -> None:
        self.datasets, self.shuffle = Datasets(data), shuffle
        self._listen, self._neighbours = listen, neighbours
        self._networks, self._sets = Networks(), (None, None)
        self._finished: dict[Setup, Trained] = {}
        self._changed = threading.Condition(threading.RLock())
        self._number, self._asked_at = 0, 0.0
        self._wanted: tuple[Setup, ...] = ()  # what is to be trained, one setup per seed; empty when there is nothing
        self._served, self._prepared = 0, 0  # the numbers of the newest requests that the threads have seen
        self._stopping = 0  # the number of the request that is to be stopped
        self._prepares, self._closed = False, False
        self._threads: list[threading.Thread] = []

    @property
    def runs(self) -> list[Trained]:
        """All finished runs, in the order in which they were finished."""
        with self._changed:
            return list(self._finished.values())

    def request(self, setups: Sequence[Setup]) -> Progress | None:
        """Train these, one after the other, in the place of whatever is being trained.

        Returns
        -------
        Progress or None
            At once, where all of them have been trained before; otherwise None, and `listen` hears of it.
        """
        with self._changed:
            if self._closed:
                raise RuntimeError(CLOSED)
            self._number, self._asked_at = self._number + 1, time.monotonic()
            stored = [self._finished.get(setup) for setup in setups]
            is_done = all(run is not None for run in stored)
            self._wanted = () if is_done else tuple(setups)
            self._start_threads()
            self._changed.notify_all()
            return Progress(self._number, "finished", tuple(stored)) if is_done else None

    @property
    def number(self) -> int:
        """Of the newest request."""
        return self._number

    def stop(self) -> None:
        """Stop training at the end of the epoch; `listen` hears "stopped" with what there is by then."""
        with self._changed:
            self._stopping = self._number
            self._changed.notify_all()

    def is_prepared(self, setup: Setup) -> bool:
        """Whether everything is traced that a run of `setup` needs."""
        return self._network(setup).is_ready

    def prepare(self, wanted: bool = True) -> None:
        """Prepare neighbours from now on while there is nothing else to do, or no longer."""
        with self._changed:
            self._prepares = wanted
            self._start_threads()
            self._changed.notify_all()

    def close(self, timeout: float = 30.0) -> None:
        """End the threads and forget networks and data; finished runs stay."""
        with self._changed:
            self._closed, self._wanted = True, ()
            self._number += 1
            self._changed.notify_all()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout)
        self._networks.clear()
        self._sets = (None, None)

    def _start_threads(self) -> None:
        jobs = [self._work, self._prepare_neighbours] if self._prepares else [self._work]
        for job in jobs[len(self._threads) :]:
            thread = threading.Thread(target=job, name=f"explorer {job.__name__}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _is_newest(self, number: int) -> bool:
        return number == self._number and not self._closed

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or (self._wanted and self._number > self._served))
                if self._closed:
                    return
                number, setups = self._number, self._wanted
                self._served = number
            try:
                self._serve(number, setups)
            except Exception as error:
                self._report(Progress(number, "failed", error=error))
            with self._changed:
                is_idle = self._is_newest(number)
                if is_idle:
                    self._wanted = ()
                    self._changed.notify_all()  # the preparing may go on
                    # Tidying up keeps all other threads waiting, that which draws the last picture too.
                    is_idle = not self._changed.wait_for(lambda own=number: not self._is_newest(own), timeout=REST)
            self._networks.tidy(is_idle=is_idle)

    def _serve(self, number: int, setups: tuple[Setup, ...]) -> None:
        done: list[Trained] = []
        for setup in setups:
            run = self._finished.get(setup) or self._train(number, setup, done)
            if not self._is_newest(number):
                return
            done.append(run)
            if run.epochs < setup.settings.epochs:
                self._report(Progress(number, "stopped", tuple(done)))
                return
        with self._changed:
            # A run that is over before the hand has come to rest is not one that anybody asked for.
            until = self._asked_at + QUIET
            self._changed.wait_for(lambda: not self._is_newest(number), timeout=until - time.monotonic())
            if not self._is_newest(number):
                return
            for run in done:
                self._finished.setdefault(run.setup, run)
            while len(self._finished) > KEPT_RUNS:
                self._finished.pop(next(iter(self._finished)))
        self._report(Progress(number, "finished", tuple(done)))

    def _train(self, number: int, setup: Setup, done: list[Trained]) -> Trained:
        data = self.datasets.of(setup)
        network = self._network(setup)
        unfinished = Trained(setup, {}, guess=guessing_loss(data), parameters=network.parameters)
        if not self._goes_on(number):
            return unfinished
        if not network.is_ready:
            self._report(Progress(number, "preparing", tuple(done)))
            with self._changed:
                if self._changed.wait_for(lambda: not self._goes_on(number), timeout=PATIENCE):
                    return unfinished
            if not self._prepare(network, data, go_on=lambda: self._goes_on(number)):
                return unfinished
        started = time.perf_counter()

        def after_epoch(history: dict[str, list[float]]) -> bool:
            self._report(Progress(number, "training", (*done, dataclasses.replace(unfinished, history=history))))
            return self._goes_on(number)

        follow = _Follow(after_epoch)
        history, train_loss = network.train(
            setup.settings, data, self._tensors(data), follow=follow, shuffle=self.shuffle
        )
        seconds = time.perf_counter() - started
        return dataclasses.replace(unfinished, history=history, train_loss=train_loss, seconds=seconds)

    def _goes_on(self, number: int) -> bool:
        return self._stopping != number and self._is_newest(number)

    def _report(self, progress: Progress) -> None:
        if self._is_newest(progress.number):
            self._listen(progress)

    def _network(self, setup: Setup) -> Network:
        data = self.datasets.of(setup)
        return self._networks.of(setup.settings, data)

    def _tensors(self, data: Dataset) -> TensorSets:
        """The data set in TensorFlow's memory; one at a time."""
        with self._changed:
            if self._sets[0] is not data:
                self._sets = data, TensorSets.of(data)
            return self._sets[1]

    def _prepare_neighbours(self) -> None:
        """While nothing is asked for, trace what the next move of a slider would need."""
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._closed or (self._prepares and not self._wanted and self._number > self._prepared)
                )
                if self._closed:
                    return
                number = self._prepared = self._number
            # A network that cannot be built says so, in words, when somebody asks for it.
            with contextlib.suppress(Exception):
                self._prepare_next(number)

    def _prepare_next(self, number: int) -> None:
        layers = 0
        for setup in self._neighbours():
            network = self._network(setup)
            if network.is_ready or network.size > MOST_BYTES:
                continue
            layers += network.layers
            go_on = functools.partial(self._is_idle, number)
            if layers > MOST_LAYERS or not self._prepare(network, self.datasets.of(setup), go_on=go_on):
                break

    def _prepare(self, network: Network, data: Dataset, *, go_on: Callable[[], bool]) -> bool:
        """Trace what is missing, in place of networks that were not used for long."""
        if not go_on():  # or tidying up would keep waiting whoever asks for something else
            return False
        self._networks.make_room(network)
        self._networks.tidy(is_idle=False)
        return network.prepare(data, self._tensors(data), go_on=go_on)

    def _is_idle(self, number: int) -> bool:
        return self._is_newest(number) and not self._wanted


class _Follow(keras.callbacks.Callback):
    """Collects the history, and stops the training when nobody waits for it any more."""

    def __init__(self, after_epoch: Callable[[dict[str, list[float]]], bool]) -> None:
        super().__init__()
        self._after_epoch, self._history = after_epoch, {}

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for name, value in (logs or {}).items():
            self._history[name] = [*self._history.get(name, ()), float(value)]
        if not self._after_epoch(dict(self._history)):
            self.model.stop_training = True
