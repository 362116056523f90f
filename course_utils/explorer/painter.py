"""The explorer's painter: a thread that brings the newest `Scene` to the screen, and skips those that it overtakes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from course_utils.data import Dataset
from course_utils.explorer.diagram import network_png
from course_utils.explorer.figure import CurvePicture
from course_utils.explorer.state import Scene
from course_utils.explorer.widgets import Widgets

__all__ = ["Painter"]

FRAME = 0.1  # seconds between two pictures


class Painter:
    """Shows scenes in the widgets, at most one every `FRAME` seconds.

    Parameters
    ----------
    widgets : Widgets
    data : Dataset
        For the sizes of input and output.
    changed : threading.Condition
        Notified when a scene has been painted; held while the widgets change.
    with_rate : bool
        Draw the learning rates too.
    is_newest : callable
        Whether the request with this number is still the newest; the scenes of others are not shown.
    """

    def __init__(
        self,
        widgets: Widgets,
        data: Dataset,
        *,
        changed: threading.Condition,
        with_rate: bool = False,
        is_newest: Callable[[int], bool],
    ) -> None:
        self._widgets, self._data, self._changed, self._is_newest = widgets, data, changed, is_newest
        self._picture, self._drawn, self._drawn_network = CurvePicture(with_rate=with_rate), None, None
        self._scene: Scene | None = None
        self._version, self._painted, self._closed = 0, 0, False
        self._thread = threading.Thread(target=self._paint, name="explorer paint", daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether the newest scene is on the screen."""
        return self._painted >= self._version

    def show(self, scene: Scene) -> None:
        """Paint this scene as soon as possible, in the place of any that still waits."""
        with self._changed:
            self._scene, self._version = scene, self._version + 1
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join(30)

    def _paint(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or not self.is_done)
                if self._closed:
                    return
                version, scene = self._version, self._scene
            started = time.monotonic()
            try:
                self._show(scene)
            except Exception as error:
                self._widgets.show_sentence(f"The picture could not be drawn: {error!r}", error=True)
            with self._changed:
                self._painted = version
                self._changed.notify_all()
                left = FRAME - (time.monotonic() - started)
                self._changed.wait_for(lambda shown=scene: self._is_urgent(shown), timeout=left)

    def _is_urgent(self, shown: Scene) -> bool:
        """Whether the next scene is not kept waiting: what is over, or new, or the first of a curve."""
        waiting = self._scene
        return self._closed or (waiting.status, not waiting.curves.runs) != (shown.status, not shown.curves.runs)

    def _show(self, scene: Scene) -> None:
        widgets = self._widgets
        picture = self._picture.png(scene.curves) if scene.curves != self._drawn else None
        with self._changed:
            if self._closed or not self._is_newest(scene.number):
                return  # a newer request came while this was drawn
            if picture is not None:
                widgets.curves.value, self._drawn = picture, scene.curves
            widgets.show_status(scene.status, scene.status_words, done=scene.done, of=scene.of)
            widgets.show_pin(is_possible=scene.can_pin, is_pinned=scene.is_pinned)
            widgets.show_sentence(scene.sentence, last_in_bold=scene.is_final, error=scene.is_error)
            widgets.show_code(scene.code)
        if self._drawn_network != scene.setup:
            widgets.network.value, self._drawn_network = network_png(scene.setup, self._data), scene.setup
