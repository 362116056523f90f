"""An explorer at work: requests go to the worker, what comes of them to the state, what is to be seen to the painter.

Here is the lock that the package's docstring calls E. Whoever reads or changes `state` holds it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from course_utils.data import Dataset
from course_utils.explorer.asleep import Asleep
from course_utils.explorer.control import Control
from course_utils.explorer.controls import Setup, neighbours, seeds_of
from course_utils.explorer.networks import can_be_stacked
from course_utils.explorer.painter import Painter
from course_utils.explorer.prepare import Preparer
from course_utils.explorer.progress import Group, Progress
from course_utils.explorer.saved import Saved, fingerprint, write
from course_utils.explorer.scene import Scene
from course_utils.explorer.state import ExplorerState
from course_utils.explorer.threads import Service
from course_utils.explorer.widgets import Widgets
from course_utils.explorer.worker import TOGETHER, Worker

__all__ = ["CLOSED", "Session", "weakly"]

CLOSED = "This explorer is closed. Make a new one: Explorer(data, …)."
FORKED = "This explorer was made before its process was forked, and trains there. Make a new one: Explorer(data, …)."


class Session:
    """The state of an explorer, and the threads that move it.

    Parameters
    ----------
    data : Dataset
    start : Setup
        What is asked for first.
    controls : sequence of str
    widgets : Widgets
    shuffle : bool
    saved : Saved or None
        What was trained before, and is shown at first.

    Attributes
    ----------
    state : ExplorerState
    worker : Worker
    ended : str
        Why nothing can be asked for any more; empty as long as it can.
    """

    def __init__(
        self,
        data: Dataset,
        start: Setup,
        controls: Sequence[str],
        widgets: Widgets,
        *,
        shuffle: bool = True,
        saved: Saved | None = None,
    ) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._controls, self._widgets, self._process = tuple(controls), widgets, os.getpid()
        self._start, self._shuffle = start, shuffle
        self.ended = ""
        self._error: Exception | None = None
        self._scene: Scene | None = None  # the last one that could be made
        self._prepares = False
        self._asleep: Asleep | None = None
        # Nothing that lives longer may hold the session: neither the widgets, which ipywidgets holds, nor a thread.
        self.worker = worker = Worker(data, listen=weakly(self._listen), shuffle=shuffle)
        self.state = ExplorerState(worker.datasets, start, controls, shuffle=shuffle)
        self._preparer = Preparer(worker.datasets)
        self._painter = Painter(
            widgets,
            data,
            changed=self._changed,
            with_rate=self.state.with_rate,
            is_newest=lambda number: number == worker.number,
            painted=weakly(self._fall_asleep),
        )
        self._services = worker, self._preparer, self._painter
        self._let_go = weakref.finalize(self, _let_go, self._services, widgets)
        self._let_go.atexit = False  # at the end of the process, each thread is given the time to end
        if saved is None:
            self.ask((start,))
            return
        worker.remember(saved.groups)
        groups = [group for group, _ in saved.groups]
        self.state.remember(groups, pinned=saved.pinned, earlier=saved.earlier)
        self.ask([run.setup for run in groups[saved.front]])

    @property
    def error(self) -> Exception | None:
        """What went wrong since the newest request."""
        return self.state.progress.error or self._error or self._painter.error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock."""
        with self._changed:
            yield

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Hold the lock of a session that can be asked for something.

        Raises
        ------
        RuntimeError
            If it has ended, or its threads live in another process.
        """
        if os.getpid() != self._process:  # before the lock, which a thread that is not here may hold for ever
            raise RuntimeError(FORKED)
        with self._changed:
            if self.ended:
                raise RuntimeError(self.ended)
            yield

    def ask(self, setups: Sequence[Setup], *, swept: Control | None = None) -> None:
        """Train these, one per seed or all of a sweep, in the place of what was asked for before."""
        with self.open():
            if self._prepares:
                self._preparer.make_way(setups[:TOGETHER])
            progress = self.worker.request(setups)
            self.state.start_request(setups, number=self.worker.number, swept=swept)
            self._error = None
            self._widgets.show_setup(self.state.setup)
            self.refresh(progress)

    def wait(self, timeout: float | None) -> Group | pd.DataFrame:
        """What was asked for, once training has ended and all is painted; see `Explorer.wait`."""
        with self.open():
            if not self._changed.wait_for(self._is_settled, timeout):
                status = self.state.progress.status
                raise TimeoutError(f"Still {status} after {timeout:g} seconds. Wait longer, or .stop().")
            if self.ended:
                raise RuntimeError(self.ended)
            if self.state.progress.error is not None:
                raise self.state.progress.error
            return self.state.progress.runs if self.state.sweep is None else self.state.sweep.table

    def _is_settled(self) -> bool:
        return bool(self.ended) or (self.state.progress.has_ended and self._painter.is_done)

    def complain(self, error: Exception) -> None:
        """Show what went wrong until the next request."""
        with self._changed:
            if not self.ended:
                self._error, self.state.message = error, str(error) or type(error).__name__
                self.refresh()

    def refresh(self, progress: Progress | None = None) -> None:
        """Take in what has come of the request, and have all painted; whoever calls this holds the lock."""
        try:
            if progress is not None:
                self.state.update(progress)
            scene = self.state.scene()
        except Exception as error:
            if self._scene is None:
                raise
            logging.getLogger(__name__).exception("The explorer cannot show what it has.")
            self._error, now = error, self.state.progress
            scene = dataclasses.replace(
                self._scene,
                number=now.number,
                status=now.status,
                status_words=now.status,
                of=0,
                error=f"This could not be shown: {error!r}",
                is_final=False,
                why="",
                code=None,
            )
        self._scene = scene
        self._painter.show(scene)
        if progress is not None and progress.has_ended:
            self._prepare()

    def prepare(self) -> None:
        """Make ready, from now on and whenever nobody waits, what the next move may need."""
        with self.open():
            self._prepares = True
            if self.state.progress.has_ended:
                self._prepare()

    def _prepare(self) -> None:
        if self._prepares:
            setup = self.state.setup
            todo = [(one,) for one in neighbours(setup, self._controls, moved=self.state.moved)]
            seeds = seeds_of(setup, TOGETHER)
            if can_be_stacked([one.settings for one in seeds], self.state.data):
                todo.append(seeds)
            self._preparer.prepare(todo)

    def go_to(self, key: int) -> None:
        """Show a run of the table again; `ValueError` if there is none with this number."""
        with self.open():
            self.ask([run.setup for run in self.state.group(key)])

    def save(self, path: Path) -> int:
        """Write all rows of the table to a file, and say so; returns how many runs these are."""
        with self.open():
            groups, places = self.state.kept
            given = self.worker.datasets.given
            saved = Saved(
                data_name=given.name,
                source=given.source,
                fingerprint=fingerprint(given),
                network="" if self._start.network is None else self._start.network.fingerprint,
                controls=self._controls,
                shuffle=self._shuffle,
                start=self._start.values,
                groups=tuple((group, self.worker.average_of(group)) for group in groups),
                **places,
            )
            write(path, saved)
            runs = len({run.setup for group in groups for run in group})
            count = f"{runs} run{'s' if runs > 1 else ''}"
            self.state.note = f"{count} saved in {path.name}: Explorer.load({str(path)!r}) shows them again."
            self.refresh()
            return runs

    def show_large(self, is_large: bool) -> None:
        """Text and lines for a hall, or for a desk."""
        self._widgets.show_large(is_large)
        self._painter.show_large(is_large)

    def watch_over(self, asleep: Asleep) -> None:
        """Keep this output up to date, which is seen when the kernel is gone."""
        with self._changed:
            self._asleep = asleep

    def _fall_asleep(self) -> None:
        with self._changed:
            asleep, picture, sentence = self._asleep, bytes(self._widgets.curves.value), self.state.sentence
        if asleep is not None:
            asleep.update(picture, sentence)

    def _listen(self, progress: Progress) -> None:
        with self._changed:
            if progress.number == self.worker.number and not self.ended:
                self.refresh(progress)

    def end(self, reason: str, *, is_on_page: bool = True) -> None:
        """End all threads; what is on the page stays there, or goes too."""
        with self._changed:
            is_first, self.ended = not self.ended, self.ended or reason
            if reason != CLOSED:
                self.state.message = reason
            self._changed.notify_all()
        if is_first:
            for service in self._services:
                service.close()
            self._widgets.disable()
            self._widgets.show_status("closed", "closed")
            if self.state.message:
                self._widgets.show_sentence(self.state.settings_text, error=self.state.message)
        if not is_on_page:
            self._let_go()


def weakly(method: Callable) -> Callable:
    """The bound method, as something that does not keep its object alive and does nothing once that is gone."""
    weak = weakref.WeakMethod(method)

    def call(*arguments: object) -> None:
        alive = weak()
        if alive is not None:
            alive(*arguments)

    return call


def _let_go(services: Sequence[Service], widgets: Widgets) -> None:
    """End what served a session, without waiting: this may be called from anywhere, from one of its threads too."""
    for service in services:
        service.close(timeout=0)
    widgets.close()
