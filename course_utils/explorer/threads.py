"""A thread that serves until it is closed: what worker, preparer and painter of the explorer have in common."""

from __future__ import annotations

import atexit
import logging
import threading
import weakref

__all__ = ["THREADS", "Service"]

THREADS = "explorer "  # what the names of the explorer's threads begin with

_running: weakref.WeakSet[Service] = weakref.WeakSet()


class Service:
    """Calls `_serve` again and again, in a thread of its own, until it is closed.

    Nothing keeps a service alive but its thread and whoever holds it. Its thread ends with `close`, and at the end of
    the process: one that ended in the middle of TensorFlow would take the process with it.

    Parameters
    ----------
    name : str
        Of the thread.
    changed : threading.Condition
        With a lock that may be taken twice; guards what the service is asked for, and is notified when that changes.
    """

    def __init__(self, name: str, changed: threading.Condition) -> None:
        self._name, self._changed, self._closed = name, changed, False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread if it does not live."""
        with self._changed:
            if self._closed or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        if not _running:
            atexit.register(_close_all)
        _running.add(self)

    def close(self, timeout: float = 30.0) -> None:
        """End the thread, and wait for that up to `timeout` seconds."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._closed:
            try:
                self._serve()
            except Exception:
                logging.getLogger(__name__).exception("The thread %r goes on after this.", self._name)

    def _serve(self) -> None:
        """Wait for what is to be done next, or to be closed, and do it."""
        raise NotImplementedError


def _close_all() -> None:
    for service in list(_running):
        service.close()
