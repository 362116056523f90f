"""`Ticker`: pictures for front ends that take nothing from a thread.

The explorer paints in a thread of its own. JupyterLab shows what comes from there; some front ends drop every message
that does not answer one of theirs. So a script in the page (`ticker.js`) looks whether anything moves after a move of
the user's. If nothing does, it asks again and again, and what was painted meanwhile is sent as the answer, from the
thread that the question came to. Where pictures arrive by themselves, it never asks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from importlib import resources

import anywidget
import ipywidgets
import traitlets

from course_utils.explorer.threads import THREADS

__all__ = ["Ticker"]


class Ticker(anywidget.AnyWidget):
    """The script's other end.

    Attributes
    ----------
    beat : int
        Grows while the page has not said that this arrives; only ever sent by a thread of the explorer's.
    is_over : bool
        Whether nothing more is to be painted.
    """

    _esm = resources.files(__package__).joinpath("ticker.js").read_text(encoding="utf8")

    beat = traitlets.Int().tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self.is_over, self._is_heard = True, False
        self._unsent: dict[tuple[ipywidgets.Widget, str], None] = {}  # in their order
        self._lock = threading.Lock()
        self.on_msg(self._asked)

    def watch(self, family: Iterable[ipywidgets.Widget]) -> None:
        """Remember from now on what the explorer's threads change in these widgets."""
        for widget in family:
            if widget is not self:
                widget.observe(self._changed, traitlets.All)

    def painted(self, *, is_over: bool) -> None:
        """Told when a scene was painted, and whether it is the last one."""
        self.is_over = is_over
        if not self._is_heard and _is_own_thread():
            self.beat += 1

    def _changed(self, change: dict) -> None:
        if _is_own_thread():
            widget, name = change["owner"], change["name"]
            if name in widget.keys:
                with self._lock:
                    self._unsent[widget, name] = None

    def _asked(self, _: object, content: dict[str, object], buffers: list) -> None:
        if "heard" in content:
            self._is_heard = True
            return
        with self._lock:
            unsent, self._unsent = self._unsent, {}
        for widget, name in unsent:
            widget.send_state(name)
        # Once more where something was sent: more of the same scene may be on its way.
        self.send({"over": self.is_over and not unsent})


def _is_own_thread() -> bool:
    return threading.current_thread().name.startswith(THREADS)
