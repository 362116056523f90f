"""The explorer's painter: a thread that brings the newest `Scene` to the screen, and skips those that it overtakes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from course_utils.data import Dataset
from course_utils.explorer.diagram import layers_png, network_png
from course_utils.explorer.figure import CurvePicture
from course_utils.explorer.scene import Scene
from course_utils.explorer.sweep_figure import SweepPicture
from course_utils.explorer.threads import Service
from course_utils.explorer.widgets import Widgets

__all__ = ["Painter"]

FRAME = 0.1  # seconds between two pictures
PATIENCE = 0.08  # seconds that a new run is given for its first curve, before only those of other runs are drawn
REST = 0.5  # seconds after the last picture, for what must not keep it waiting in the browser


class Painter(Service):
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
    painted : callable
        Called when the last scene of a finished run has been on the screen for `REST` seconds.

    Attributes
    ----------
    error : Exception or None
        What kept the last scene from being drawn.
    """

    def __init__(
        self,
        widgets: Widgets,
        data: Dataset,
        *,
        changed: threading.Condition,
        with_rate: bool = False,
        is_newest: Callable[[int], bool],
        painted: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__("explorer paint", changed)
        self._widgets, self._data, self._is_newest = widgets, data, is_newest
        self._with_rate, self._painted_last = with_rate, painted
        self._picture, self._drawn, self._drawn_network = CurvePicture(with_rate=with_rate), None, None
        self._sweep_picture: SweepPicture | None = None  # made when there is one to draw
        self._is_large = False
        self._scene: Scene | None = None
        self._version, self._painted = 0, 0
        self._is_last = False  # a finished run is on the screen, and `painted` was not called yet
        self.error: Exception | None = None
        self.start()

    @property
    def is_done(self) -> bool:
        """Whether the newest scene is on the screen."""
        return self._painted >= self._version

    def show(self, scene: Scene) -> None:
        """Paint this scene as soon as possible, in the place of any that still waits."""
        with self._changed:
            self._scene, self._version = scene, self._version + 1
            self._changed.notify_all()

    def show_large(self, is_large: bool) -> None:
        """Draw for a hall from now on, or for a desk."""
        with self._changed:
            self._picture, self._drawn = CurvePicture(with_rate=self._with_rate, is_large=is_large), None
            self._sweep_picture, self._is_large = None, is_large
            self._version += 1
            self._changed.notify_all()

    def close(self, timeout: float = 30.0) -> None:
        """End the thread, and let go of what is drawn with, which takes some megabytes."""
        super().close(timeout)
        if not self._thread.is_alive():
            self._picture = self._sweep_picture = None

    def _serve(self) -> None:
        with self._changed:
            rest = REST if self._is_last else None
            is_told = self._changed.wait_for(lambda: self._closed or not self.is_done, timeout=rest)
            if self._closed:
                return
            if is_told:
                self._changed.wait_for(lambda: self._closed or self._has_curve(), timeout=PATIENCE)
            version, scene, self._is_last = self._version, self._scene, False
        if not is_told:
            self._painted_last()
            return
        started = time.monotonic()
        try:
            self._show(scene)
            self.error = None
        except Exception as error:
            self.error = error
            self._complain(error)
        with self._changed:
            self._painted = version
            self._changed.notify_all()
            left = FRAME - (time.monotonic() - started)
            self._changed.wait_for(lambda: self._is_urgent(scene), timeout=left)

    def _has_curve(self) -> bool:
        return self._scene.has_picture

    def _is_urgent(self, shown: Scene) -> bool:
        """Whether the next scene is not kept waiting: what is over, or new, or the first of a curve."""
        waiting = self._scene
        return self._closed or _kind(waiting) != _kind(shown)

    def _complain(self, error: Exception) -> None:
        """Say that something could not be drawn; the thread goes on, whatever happens."""
        with self._changed, contextlib.suppress(Exception):
            self._widgets.show_sentence("", error=f"The picture could not be drawn: {error!r}")

    def _show(self, scene: Scene) -> None:
        widgets = self._widgets
        drawing, seen = self._picture, scene.sweep or scene.curves
        picture = self._draw(scene) if seen != self._drawn else None
        with self._changed:
            if self._closed or not self._is_newest(scene.number):
                return  # a newer request came while this was drawn
            if picture is not None:
                widgets.curves.value = picture
                # One that was drawn before its size changed is drawn again.
                self._drawn = seen if drawing is self._picture else None
            widgets.show_status(scene.status, scene.status_words, done=scene.done, of=scene.of)
            widgets.show_sweep(scene.sweeps)
            widgets.show_pin(is_possible=scene.can_pin, is_pinned=scene.is_pinned)
            widgets.show_sentence(
                scene.sentence, why=scene.why, last_in_bold=scene.is_final, error=scene.error, note=scene.note
            )
            widgets.show_runs(scene.rows)
            widgets.show_code(scene.code, scene.line)
        # The first curve is not kept waiting; its own scene has the network drawn.
        network = scene.setup if scene.setup.network is None else scene.anatomy
        if network not in (None, self._drawn_network) and not self._is_urgent(scene):
            drawing = network_png(scene.setup, self._data) if network is scene.setup else layers_png(network)
            widgets.network.value, self._drawn_network = drawing, network
        self._is_last = scene.is_final and scene is self._scene

    def _draw(self, scene: Scene) -> bytes:
        if scene.sweep is None:
            return self._picture.png(scene.curves)
        if self._sweep_picture is None:
            self._sweep_picture = SweepPicture(with_rate=self._with_rate, is_large=self._is_large)
        return self._sweep_picture.png(scene.sweep)


def _kind(scene: Scene) -> tuple:
    """What changes where the next picture must not be kept waiting."""
    return scene.status, not scene.curves.runs, scene.sweep is None
