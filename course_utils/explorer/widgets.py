"""The explorer's widgets, and nothing that decides anything. The only part of it that knows ipywidgets."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import ipywidgets as widgets

from course_utils.explorer.controls import CONTROLS, Control, Setup
from course_utils.palette import STATUS_COLORS

__all__ = ["BUTTONS", "Widgets"]

BUTTONS = {
    "stop": ("Stop", "stop", "Stop the training after this epoch."),
    "pin": ("Pin", "thumb-tack", "Keep this run in the picture, or let it go again."),
    "seeds": ("× 5 seeds", "random", "Train the same network from five starting points: how much is luck?"),
    "code": ("Show code", "code", "Show this run as plain Keras code."),
    "reset": ("Reset", "undo", "Back to the first settings and an empty picture."),
}
STYLE = """<style>
.explorer { max-width: 1120px; --jp-widgets-font-size: 14px; color: var(--jp-content-font-color1, inherit); }
.explorer .widget-html-content { line-height: 1.45; }
.explorer-columns { flex-wrap: wrap; gap: 4px 18px; align-items: flex-start; }
.explorer-left { flex: 1 1 320px; min-width: 270px; flex-flow: row wrap; align-items: flex-start; gap: 0 18px; }
.explorer-controls { flex: 1 1 270px; display: grid; grid-template-columns: repeat(auto-fit, minmax(265px, 1fr)); }
.explorer-many { flex-basis: 100%; column-gap: 24px; }
.explorer-right { flex: 100 1 440px; min-width: 300px; }
.explorer-row { align-items: center; }
.explorer-row .widget-label, .explorer-row .widget-label-basic { color: inherit; }
.explorer-curves { width: 100%; height: auto; margin: 0; aspect-ratio: 72 / 41; }
.explorer-curves.explorer-with-rate { aspect-ratio: 72 / 50; }
.explorer-network { flex: 1 1 240px; min-width: 0; max-width: 340px; height: auto; margin: 4px 0; }
.explorer-network { aspect-ratio: 340 / 155; }
body[data-jp-theme-light="false"] .explorer-curves, body[data-jp-theme-light="false"] .explorer-network,
body.vscode-dark .explorer-curves, body.vscode-dark .explorer-network { filter: invert(1) hue-rotate(180deg); }
.explorer-buttons { flex-wrap: wrap; gap: 4px; align-items: center; padding: 3px; }
.explorer-buttons .widget-button { width: auto; min-width: 78px; margin: 0; }
.explorer-status { min-height: 24px; margin: 0 0 0 8px; white-space: nowrap; }
.explorer-status .widget-html-content { line-height: 28px; font-variant-numeric: tabular-nums; font-size: 15px; }
.explorer-bar { width: 100%; height: 4px; margin: 3px 0 5px; overflow: hidden; }
.explorer-bar .progress, .explorer-bar .widget-progress { height: 4px; margin: 0; }
.explorer-sentence { min-height: 72px; margin: 4px 0 0; width: 100%; }
.explorer-sentence .widget-html-content { font-size: 16px; white-space: normal; }
.explorer-sentence b { font-weight: 600; }
.explorer-error { border-left: 4px solid #c62828; background: rgba(198, 40, 40, 0.1); padding: 6px 12px; }
.explorer-code { margin: 4px 0; width: 100%; }
.explorer-code .widget-html-content { width: 100%; }
.explorer-code pre { margin: 0; padding: 10px 14px; overflow-x: auto; font-size: 14px; line-height: 1.4;
  user-select: all;
  background: var(--jp-cell-editor-background, #f5f5f5); border: 1px solid var(--jp-border-color2, #ccc);
  color: inherit; font-family: var(--jp-code-font-family, monospace); }
.explorer-code p { margin: 0 0 4px; font-size: 14px; }
</style>"""


class Widgets:
    """All widgets of one explorer.

    Parameters
    ----------
    names : sequence of str
        Which controls there are.
    start : Setup
        Where they stand.
    with_rate : bool
        Whether the picture of the curves has a second panel, and so another shape.
    change : callable
        Called with a control's name and its new value when the user has moved it.
    press : callable
        Called with the key in `BUTTONS` of the button that was pressed.
    complain : callable
        Called with a `ValueError` when something was typed that is no value.

    Attributes
    ----------
    root : ipywidgets.Widget
        To be displayed.
    inputs, fields : dict of str to ipywidgets.Widget
        By control: the slider, menu or check box; and the text field beside each slider.
    buttons : dict of str to ipywidgets.Button
    """

    def __init__(
        self,
        names: Sequence[str],
        start: Setup,
        *,
        with_rate: bool = False,
        change: Callable[[str, object], None],
        press: Callable[[str], None],
        complain: Callable[[ValueError], None],
    ) -> None:
        self._change, self._complain, self._setup = change, complain, start
        self._lock, self._sync_thread = threading.RLock(), None
        self.inputs: dict[str, widgets.Widget] = {}
        self.fields: dict[str, widgets.Text] = {}
        rows = [self._row(CONTROLS[name], start.value(name)) for name in names]
        self.network, self.curves = _picture("explorer-network"), _picture("explorer-curves")
        if with_rate:
            self.curves.add_class("explorer-with-rate")
        self.status, self.sentence, self.code = (
            _with_class(widgets.HTML(), f"explorer-{name}") for name in ("status", "sentence", "code")
        )
        self.code.layout.display = "none"
        self.bar = _with_class(widgets.IntProgress(min=0, max=1), "explorer-bar")
        self.bar.layout.visibility = "hidden"
        self.buttons = {
            key: widgets.Button(description=label, icon=icon, tooltip=tip)
            for key, (label, icon, tip) in BUTTONS.items()
        }
        for key, button in self.buttons.items():
            button.on_click(lambda _, key=key: press(key))
        buttons = _with_class(widgets.HBox([*self.buttons.values(), self.status]), "explorer-buttons")
        controls = _with_class(widgets.VBox(rows), "explorer-controls")
        if len(rows) > 5:
            controls.add_class("explorer-many")
        left = _with_class(widgets.HBox([controls, self.network]), "explorer-left")
        right = _with_class(widgets.VBox([self.curves, self.bar, buttons]), "explorer-right")
        columns = _with_class(widgets.HBox([left, right]), "explorer-columns")
        self.root = _with_class(
            widgets.VBox([widgets.HTML(STYLE, layout={"display": "none"}), columns, self.sentence, self.code]),
            "explorer",
        )

    def show_setup(self, setup: Setup) -> None:
        """Put all controls where `setup` says, without this counting as a move."""
        with self._syncing():
            self._setup = setup
            for name, widget in self.inputs.items():
                control, value = CONTROLS[name], setup.value(name)
                if control.is_slider:
                    widget.value = control.nearest(value)
                    self.fields[name].value = control.format(value)
                else:
                    widget.value = value

    def show_status(self, status: str, words: str, *, done: int = 0, of: int = 0) -> None:
        """The state in words, and a progress bar where `of` is not 0."""
        self.status.value = f'<span style="color: {STATUS_COLORS[status]}">●</span> {html.escape(words)}'
        if of:
            self.bar.max, self.bar.value = of, done
        self.bar.layout.visibility = "visible" if of else "hidden"
        self.buttons["stop"].disabled = status not in ("preparing", "training")
        for key in ("seeds", "code", "reset"):
            self.buttons[key].disabled = status == "closed"

    def show_pin(self, *, is_possible: bool, is_pinned: bool) -> None:
        """Whether the run in the picture can be pinned, or unpinned."""
        self.buttons["pin"].disabled = not is_possible
        self.buttons["pin"].description = "Unpin" if is_pinned else "Pin"

    def show_sentence(self, words: str, *, last_in_bold: bool = False, error: bool = False) -> None:
        """The sentence under the picture, its last part in bold; or an error message."""
        words, dot, last = html.escape(words).rpartition(" · ")
        last = f"<b>{last}</b>" if last_in_bold else last
        role = 'role="alert" class="explorer-error"' if error else 'role="status"'
        self.sentence.value = f"<div {role}>{words}{dot}{last}</div>"

    def show_code(self, source: str | None) -> None:
        """Show the source, or hide it."""
        if source is not None:
            hint = "Plain Keras: a click selects all of it; copy it into a cell of your own."
            self.code.value = f'<p>{hint}</p><pre tabindex="0">{html.escape(source)}</pre>'
        self.code.layout.display = "none" if source is None else ""
        self.buttons["code"].description = "Show code" if source is None else "Hide code"

    def disable(self) -> None:
        """Let nothing be moved any more."""
        for widget in [*self.inputs.values(), *self.fields.values(), *self.buttons.values()]:
            widget.disabled = True

    def _row(self, control: Control, value: object) -> widgets.Widget:
        name, shared = control.name, {"description": control.label, "style": {"description_width": "94px"}}
        if control.kind == "switch":
            self.inputs[name] = widgets.Checkbox(value, tooltip=control.help, **shared)
        elif control.kind == "menu":
            self.inputs[name] = widgets.Dropdown(
                options=control.values,
                value=value,
                tooltip=control.help,
                layout={"width": "auto", "flex": "1 1 auto"},
                **shared,
            )
        else:
            self.inputs[name] = widgets.IntSlider(
                control.nearest(value),
                min=0,
                max=len(control.values) - 1,
                readout=False,
                tooltip=control.help,
                layout={"flex": "1 1 auto", "width": "auto"},
                **shared,
            )
            low, high = (control.format(value) for value in (control.values[0], control.values[-1]))
            self.fields[name] = widgets.Text(
                control.format(value),
                continuous_update=False,
                tooltip=f"{control.label}: type a value from {low} to {high}.",
                layout={"width": "62px", "flex": "0 0 62px"},
            )
            self.fields[name].observe(lambda event: self._typed(name, event["new"]), "value")
        self.inputs[name].observe(lambda event: self._moved(name, event["new"]), "value")
        row = [self.inputs[name], *([self.fields[name]] if control.is_slider else [])]
        return _with_class(widgets.HBox(row), "explorer-row")

    def _moved(self, name: str, position: object) -> None:
        if self._sync_thread != threading.get_ident():
            control = CONTROLS[name]
            self._change(name, control.values[position] if control.is_slider else position)

    def _typed(self, name: str, text: str) -> None:
        if self._sync_thread == threading.get_ident():
            return
        try:
            value = CONTROLS[name].parse(text)
        except ValueError as error:
            self.show_setup(self._setup)
            self._complain(error)
        else:
            self._change(name, value)

    @contextmanager
    def _syncing(self) -> Iterator[None]:
        """Moves of widgets in here, by this thread, are the explorer's own and not the user's."""
        with self._lock:
            before, self._sync_thread = self._sync_thread, threading.get_ident()
            try:
                yield
            finally:
                self._sync_thread = before


def _with_class(widget: widgets.Widget, name: str) -> widgets.Widget:
    widget.add_class(name)
    return widget


def _picture(name: str) -> widgets.Image:
    return _with_class(widgets.Image(format="png"), name)
