"""The one cache of traced graphs: the next network of an architecture starts without tracing.

`fit`, `fit_together`, the search and the explorer all keep their graphs here, each under a key of its own that says
everything the graph depends on (`alike.graph_key`, for models of the caller). What cannot be told so is not kept.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

from tensorflow.python.eager import context  # as keras.utils.clear_session does; there is no public way

__all__ = ["GRAPHS", "GraphCache", "bytes_of"]

MOST_BYTES = 60e6
MOMENT = 0.05  # seconds until somebody who waits is asked again whether to go on waiting
TIDY_SOON, TIDY_NOW = 15e6, 30e6  # bytes of graphs that were let go

Kept = TypeVar("Kept")


def bytes_of(parameters: int, layers: int) -> float:
    """What a network takes in memory with its graphs, roughly: by its numbers, with momenta, and by its layers."""
    return 24 * parameters + 1.5e6 * layers


class GraphCache:
    """Lends what is kept to one thread at a time, and lets go of what was not used for longest.

    Parameters
    ----------
    most_bytes : float
        Of all that is kept, as estimated by whoever borrows.
    """

    def __init__(self, most_bytes: float = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self._changed = threading.Condition()
        self._kept: OrderedDict[Hashable, tuple[object, float]] = OrderedDict()  # the last one was used last
        self._lent: dict[Hashable, float] = {}
        self._let_go = 0.0

    def __len__(self) -> int:
        with self._changed:
            return len(self._kept)

    def __contains__(self, key: Hashable) -> bool:
        """Whether it is kept and at rest; one that is lent out is not here."""
        with self._changed:
            return key in self._kept

    @contextlib.contextmanager
    def borrow(
        self,
        key: Hashable | None,
        make: Callable[[], Kept],
        *,
        size: float = 0.0,
        wait: Callable[[], bool] = lambda: False,
    ) -> Iterator[Kept]:
        """Lend what is kept under `key`, or `make()`; nobody else has it meanwhile.

        What ends in an exception is not kept: nobody knows in which state it is.

        Parameters
        ----------
        key : hashable or None
            Everything that it depends on; None for what must not be kept.
        make : callable
            Called where nothing is kept, with room made for it.
        size : float
            Bytes in memory, roughly (`bytes_of`); above `most_bytes`, it is made but not kept.
        wait : callable
            Where somebody else has it, asked again and again whether to wait until it is back; `make()` gives another
            one for now as soon as it says no.
        """
        found, is_lent = self._take(key, size, wait)
        if found is None:
            self.tidy(is_idle=False)
        try:
            kept = make() if found is None else found
            yield kept
        except BaseException:
            self._drop(key, size, is_lent)
            raise
        self._put(key, kept, size, is_lent)

    def clear(self) -> None:
        """Forget everything that is at rest, and give its memory back."""
        with self._changed:
            for key in list(self._kept):
                self._evict(key)
            self._let_go = max(self._let_go, TIDY_NOW)
        self.tidy(is_idle=False)

    def tidy(self, *, is_idle: bool) -> None:
        """Free the memory of what was let go: when it is some and nobody waits, or when it is much.

        TensorFlow keeps the kernels of every graph that was ever called until it is told to drop them; graphs that are
        still kept make theirs anew when they are next called, in about a tenth of a second.
        """
        with self._changed:
            if self._let_go < (TIDY_SOON if is_idle else TIDY_NOW):
                return
            self._let_go = 0.0
        gc.collect()
        context.context().clear_kernel_cache()
        _give_back()

    def _take(self, key: Hashable | None, size: float, wait: Callable[[], bool]) -> tuple[object | None, bool]:
        """What is kept, or None; and whether it, or what is made in its place, counts as lent from now on."""
        with self._changed:
            while key in self._lent and wait():
                self._changed.wait(MOMENT)
            found, _ = self._kept.pop(key, (None, 0.0))
            is_lent = key is not None and key not in self._lent
            if is_lent:
                self._lent[key] = size
            self._make_room()
            return found, is_lent

    def _put(self, key: Hashable | None, kept: object, size: float, is_lent: bool) -> None:
        with self._changed:
            if is_lent and size <= self.most_bytes:
                self._lent.pop(key)
                self._kept[key] = (kept, size)
                self._make_room()
                self._changed.notify_all()
                return
        self._drop(key, size, is_lent)

    def _drop(self, key: Hashable | None, size: float, is_lent: bool) -> None:
        with self._changed:
            self._let_go += size
            if is_lent:
                self._lent.pop(key)
                self._changed.notify_all()

    def _make_room(self) -> None:
        total = sum(self._lent.values()) + sum(size for _, size in self._kept.values())
        for key, (_, size) in list(self._kept.items()):
            if total <= self.most_bytes:
                return
            total -= size
            self._evict(key)

    def _evict(self, key: Hashable) -> None:
        _, size = self._kept.pop(key)
        self._let_go += size


def _give_back() -> None:
    """Give memory that is free back to the system; Linux' C library would keep most of it for later."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # other systems have no such call
        ctypes.CDLL(None).malloc_trim(0)


GRAPHS = GraphCache()
