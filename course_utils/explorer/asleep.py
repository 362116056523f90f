"""What stands in a saved notebook where the explorer was: its last picture, and how to wake the sliders.

Widgets live as long as their kernel. A notebook that is closed and opened again would show an error in their place. So
the explorer puts a second output before its own, which the page hides as long as a live explorer stands beside it: one
whose kernel was restarted is hidden in its turn.
"""

from __future__ import annotations

import base64
import html

from IPython.display import DisplayHandle

__all__ = ["Asleep"]

WAKE = "The sliders are asleep: run this cell to wake them, after the cells above it (menu Run)."
# A picture is drawn for a light page on a transparent ground, as in `explorer.css`.
STYLE = """<style>
.jp-OutputArea:has(.explorer:not(.jupyter-widgets-disconnected)) .explorer-asleep { display: none; }
.jp-OutputArea:has(.explorer-asleep) .explorer.jupyter-widgets-disconnected { display: none; }
.jp-OutputArea:has(.explorer-asleep) .jp-OutputArea-output.jupyter-widgets:not(:has(*)) { display: none; }
.explorer-asleep { padding: 8px 12px; border: 1px solid var(--jp-border-color2, #ccc); max-width: 900px; }
.explorer-asleep img { width: 100%; height: auto; margin: 6px 0; }
body[data-jp-theme-light="false"] .explorer-asleep img { filter: invert(1) hue-rotate(180deg); }
</style>"""


class Asleep:
    """The output that is seen while no kernel runs behind the explorer.

    Parameters
    ----------
    name : str
        Of the data set, for the picture's alternative text.
    """

    def __init__(self, name: str) -> None:
        self._name, self._handle = name, DisplayHandle()
        self._handle.display({"text/html": self._page(None, "")}, raw=True)

    def update(self, picture: bytes, sentence: str) -> None:
        """Show this PNG and this sentence from now on; may be called from any thread."""
        self._handle.update({"text/html": self._page(picture, sentence)}, raw=True)

    def _page(self, picture: bytes | None, sentence: str) -> str:
        image = ""
        if picture is not None:
            source = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
            image = f'<img src="{source}" alt="Learning curves on {html.escape(self._name)}. {html.escape(sentence)}">'
        words = f"<p>{html.escape(sentence)}</p>" if sentence else ""
        return f'{STYLE}<div class="explorer-asleep"><p><b>{WAKE}</b></p>{image}{words}</div>'
