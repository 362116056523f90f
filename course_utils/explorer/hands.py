"""`Hands`: what the explorer does when a widget is moved, or a button pressed. Errors are shown where students look."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator

from course_utils.explorer.session import Session
from course_utils.explorer.state import ExplorerState
from course_utils.explorer.widgets import Widgets

__all__ = ["Hands"]


class Hands:
    """The part of `Explorer` that its widgets call; everything else it does is called from Python, too.

    Attributes
    ----------
    widgets : Widgets
    """

    widgets: Widgets
    _session: Session
    _state: ExplorerState

    def _moved(self, name: str, value: object) -> None:
        with self._complaining():
            self._state.moved = name
            self.set(**{name: value})

    def _pressed(self, button: str) -> None:
        actions = {
            "stop": self.stop,
            "pin": self.pin,
            "seeds": self.repeat_seeds,
            "sweep": self.sweep,
            "code": self._toggle_code,
            "save": self.save,
            "reset": self.reset,
        }
        with self._complaining():
            actions[button]()

    def _switched(self, switch: str, is_on: bool) -> None:
        actions = {"hold": self.hold_axes, "large": self._session.show_large}
        with self._complaining():
            actions[switch](is_on)

    def _copied(self, what: str) -> None:
        contents = {"line": self.line, "code": self.code, "picture": self._picture}
        with self._complaining():
            if not self.widgets.browser.is_ready:
                raise RuntimeError("This page cannot copy by itself. Click on the text and press Ctrl+C.")
            self.widgets.show_copied()
            self.widgets.browser.copy(what, contents[what]())

    def _picture(self) -> str:
        return base64.b64encode(bytes(self.widgets.curves.value)).decode()

    def _heard(self, event: str, value: object) -> None:
        """From the page: a run of the table was chosen or pinned, or something was copied."""
        with self._complaining():
            if event == "go":
                self._session.go_to(value)
            elif event == "pin":
                with self._session.open():
                    self._state.pin(self._state.group(value))
                    self._session.refresh()
            elif event == "copied" and not value:
                raise RuntimeError("The browser did not allow to copy. Click on the text and press Ctrl+C.")
            elif event == "copied":
                self.widgets.browser.said = f"Copied: {value}."
                self.widgets.show_copied(value)

    def _toggle_code(self) -> None:
        with self._session.open():
            self._state.shows_code = not self._state.shows_code
            self._session.refresh()

    @contextlib.contextmanager
    def _complaining(self) -> Iterator[None]:
        """Show an error where the student looks, until the next move."""
        try:
            yield
        except Exception as error:
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        self._session.complain(error)
