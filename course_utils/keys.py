"""`KeepKeys`: letters and arrows that are typed in a form of widgets stay there.

Otherwise JupyterLab takes a letter that is typed on a menu for a command to the cell. Put one into the form; where its
script (`keys.js`) cannot be loaded, the rest works.
"""

from __future__ import annotations

from importlib import resources

import anywidget
import traitlets

__all__ = ["KeepKeys"]


class KeepKeys(anywidget.AnyWidget):
    """A widget that shows nothing.

    Attributes
    ----------
    selector : str
        CSS selector of the form's root, around this widget: keys inside of it stay in it.
    """

    _esm = resources.files(__package__).joinpath("keys.js").read_text(encoding="utf8")
    selector = traitlets.Unicode().tag(sync=True)
