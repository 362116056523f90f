"""`BrowserSide`: what runs in the browser beside the explorer's widgets: names, the table of runs, copying.

ipywidgets cannot name a slider, for one. This small widget does, by the script beside it (`browser.js`). Where it
cannot be loaded, the rest works.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

import anywidget
import traitlets

__all__ = ["BrowserSide"]


class BrowserSide(anywidget.AnyWidget):
    """The script's other end.

    Attributes
    ----------
    words : dict
        Names and values for screen readers: "region", "curves" and "network" are texts; "controls" is a list of dicts
        with the texts "name", "label", "value" and "help".
    runs : list of dict
        Rows of the table, newest first: "key" (int), "color", "is_pinned", "is_shown", and texts for the columns.
    said : str
        Read out when it changes.
    is_ready : bool
        Whether the script runs in some page.
    """

    _esm = resources.files(__package__).joinpath("browser.js").read_text(encoding="utf8")
    words = traitlets.Dict().tag(sync=True)
    runs = traitlets.List().tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)

    def __init__(self, hear: Callable[[str, object], None]) -> None:
        super().__init__()
        self.is_ready, self._hear = False, hear
        self.on_msg(self._message)

    def copy(self, kind: str, content: str) -> None:
        """Put text, or a picture (PNG, base64), into the clipboard; `hear("copied", kind)` follows, "" if it failed."""
        self.send({"kind": kind, "content": content})

    def bring_into_sight(self, selector: str) -> None:
        """Scroll the page as little as shows this part of the explorer."""
        self.send({"show": selector})

    def _message(self, _: object, content: dict[str, object], buffers: list) -> None:
        for name, value in content.items():
            if name == "ready":
                self.is_ready = True
            self._hear(name, value)
