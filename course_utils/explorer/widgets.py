"""The explorer's widgets, and nothing that decides anything. The only part of it that knows ipywidgets."""

from __future__ import annotations

import html
import importlib.resources
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import ipywidgets as widgets

from course_utils.explorer.browser import BrowserSide
from course_utils.explorer.control import Control
from course_utils.explorer.controls import Setup
from course_utils.explorer.ticker import Ticker
from course_utils.keys import KeepKeys
from course_utils.palette import STATUS_COLORS

__all__ = ["BUTTONS", "Widgets"]

BUTTONS = {
    "stop": ("Stop", "stop", "Stop the training after this epoch."),
    "pin": (
        "Pin",
        "thumb-tack",
        "Keep this run in the picture, or let it go again; the sentence compares the next ones with it.",
    ),
    "seeds": (
        "× 5 seeds",
        "random",
        "Train the same network from five starting points: how much is luck? Pin them, and compare.",
    ),
    "sweep": (
        "Sweep",
        "line-chart",
        "Train the values of the slider that was moved last, five seeds each, and draw the loss against them.",
    ),
    "code": ("Show code", "code", "Show this run as plain Keras code."),
    "save": ("Save", "save", "Write all runs of the table to a small file beside the notebook."),
    "reset": ("Reset", "trash", "Back to the first settings and an empty picture; the table keeps all runs."),
}
SWITCHES = {
    "hold": ("Hold axes", "lock", "Keep both axes as they are, whatever is shown."),
    "large": ("Large", "search-plus", "Larger text and thicker lines, for a hall."),
}
COPIES = {"line": "Copy the Explorer line", "code": "Copy the Keras code", "picture": "Copy the picture"}


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
    switch : callable
        Called with the key in `SWITCHES` and whether it is on now.
    copy : callable
        Called with the key in `COPIES` of what is to be copied.
    hear : callable
        Called with what happens in the page (`BrowserSide`): "go" or "pin" and the key of a run; "copied" and what.
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
        switch: Callable[[str, bool], None],
        copy: Callable[[str], None],
        hear: Callable[[str, object], None],
        complain: Callable[[ValueError], None],
    ) -> None:
        self._change, self._complain, self._setup = change, complain, start
        self._controls = start.controls
        self._lock, self._sync_thread = threading.RLock(), None
        self.inputs: dict[str, widgets.Widget] = {}
        self.fields: dict[str, widgets.Text] = {}
        rows = [self._row(self._controls[name], start.value(name)) for name in names]
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
        self.buttons["sweep"].add_class("explorer-sweep")
        self.switches = {
            key: widgets.ToggleButton(description=label, icon=icon, tooltip=tip)
            for key, (label, icon, tip) in SWITCHES.items()
        }
        for key, toggle in self.switches.items():
            toggle.observe(lambda event, key=key: switch(key, event["new"]), "value")
        self.copies = {key: widgets.Button(description=label, icon="copy") for key, label in COPIES.items()}
        for key, button in self.copies.items():
            button.on_click(lambda _, key=key: copy(key))
        self.copy = _with_class(widgets.HBox([*self.copies.values()]), "explorer-copy")
        self.copy.layout.display = "none"
        self.browser = _with_class(BrowserSide(hear), "explorer-browser")
        self.ticker = Ticker()
        # The state has a row of its own: it grows and shrinks, and nothing must jump.
        progress = _with_class(widgets.HBox([self.status, self.bar]), "explorer-progress")
        buttons = _with_class(widgets.HBox([*self.buttons.values(), *self.switches.values()]), "explorer-buttons")
        controls = _with_class(widgets.VBox(rows), "explorer-controls")
        left = _with_class(widgets.HBox([controls, self.network]), "explorer-left")
        right = _with_class(widgets.VBox([self.curves, progress, buttons]), "explorer-right")
        columns = _with_class(widgets.HBox([left, right]), "explorer-columns")
        self.root = _with_class(
            widgets.VBox(
                [
                    _style(),
                    columns,
                    self.sentence,
                    self.copy,
                    self.code,
                    self.browser,
                    self.ticker,
                    KeepKeys(selector=".explorer"),
                ]
            ),
            "explorer",
        )
        self.ticker.watch(_family(self.root))
        self._name()

    def show_setup(self, setup: Setup) -> None:
        """Put all controls where `setup` says, without this counting as a move."""
        with self._syncing():
            self._setup = setup
            for name, widget in self.inputs.items():
                control, value = self._controls[name], setup.value(name)
                if control.is_slider:
                    widget.value = control.nearest(value)
                    self.fields[name].value = control.format(value)
                else:
                    widget.value = value
            self._name()

    def show_status(self, status: str, words: str, *, done: int = 0, of: int = 0) -> None:
        """The state in words, and a progress bar where `of` is not 0."""
        self.status.value = f'<span style="color: {STATUS_COLORS[status]}">●</span> {html.escape(words)}'
        if of:
            self.bar.max, self.bar.value = of, done
        self.bar.layout.visibility = "visible" if of else "hidden"
        is_over = status not in ("preparing", "training")
        self.ticker.painted(is_over=is_over)
        self.buttons["stop"].disabled = is_over
        for key in ("seeds", "code", "save", "reset"):
            self.buttons[key].disabled = status == "closed"

    def show_sweep(self, label: str) -> None:
        """Say on the button which slider it takes; there may be none."""
        button = self.buttons["sweep"]
        words, _, tip = BUTTONS["sweep"]
        button.description, button.disabled = f"{words} {label}".strip(), not label
        button.tooltip = f"{button.description}: {tip}" if label else tip

    def show_pin(self, *, is_possible: bool, is_pinned: bool) -> None:
        """Whether the run in the picture can be pinned, or unpinned."""
        self.buttons["pin"].disabled = not is_possible
        self.buttons["pin"].description = "Unpin" if is_pinned else "Pin"

    def show_sentence(
        self, words: str, *, why: str = "", last_in_bold: bool = False, error: str = "", note: str = ""
    ) -> None:
        """The sentence under the picture, its last part in bold, and behind a click why; above it what happened."""
        plain = ". ".join(filter(None, (error, note, words)))
        words, dot, last = html.escape(words).rpartition(" · ")
        last = f"<b>{last}</b>" if last_in_bold else last
        why = f"<details><summary>why?</summary><p>{html.escape(why)}</p></details>" if why else ""
        error = f'<div class="explorer-error" role="alert">{html.escape(error)}</div>' if error else ""
        error += f'<div class="explorer-note">{html.escape(note)}</div>' if note else ""
        # Where the page's script runs, it says the sentence, in a place that stays.
        role = "" if self.browser.is_ready else ' role="status"'
        self.sentence.value = f"{error}<div{role}>{words}{dot}{last}{why}</div>"
        self.browser.said = plain
        self._name(curves=f"Learning curves. {plain}", network="Drawing of the network's layers.")

    def show_runs(self, rows: Sequence[Mapping[str, object]]) -> None:
        """The table of runs (`BrowserSide.runs`)."""
        if self.browser.runs != list(rows):
            self.browser.runs = list(rows)

    def show_code(self, source: str | None, line: str = "") -> None:
        """Show the line that makes the explorer as it stands, and the source; or hide both."""
        if source is not None:
            hint = "This explorer again, in one line, and this run in plain Keras. A click selects all."
            texts = (f'<pre tabindex="0">{html.escape(text)}</pre>' for text in filter(None, (line, source)))
            self.code.value = f"<p>{hint}</p>{''.join(texts)}"
        was_hidden = self.code.layout.display == "none"
        for part in (self.code, self.copy):
            part.layout.display = "none" if source is None else ""
        if was_hidden and source is not None:
            self.browser.bring_into_sight(".explorer-copy")
        self.buttons["code"].description = "Show code" if source is None else "Hide code"

    def show_large(self, is_large: bool) -> None:
        """Text for a hall, or for a desk."""
        (self.root.add_class if is_large else self.root.remove_class)("explorer-large")

    def show_copied(self, what: str | None = None) -> None:
        """Tick the button whose content is in the clipboard now."""
        for key, button in self.copies.items():
            button.description = f"{COPIES[key]} ✓" if key == what else COPIES[key]

    def disable(self) -> None:
        """Let nothing be moved any more."""
        parts = (self.inputs, self.fields, self.buttons, self.switches, self.copies)
        for widget in (widget for part in parts for widget in part.values()):
            widget.disabled = True

    def _name(self, **words: str) -> None:
        """Give controls and pictures their names and values, for screen readers."""
        controls = []
        for name in self.inputs:
            control = self._controls[name]
            value = control.format(self._setup.value(name)) if control.is_slider else ""
            controls.append({"name": name, "label": control.label, "value": value, "help": control.help})
        self.browser.words = {**self.browser.words, "controls": controls, **words}

    def close(self) -> None:
        """Take everything off the page, and out of ipywidgets' hands, which would keep it for ever."""
        for widget in list(_family(self.root)):
            widget.close()

    def _row(self, control: Control, value: object) -> widgets.Widget:
        name, shared = control.name, {"description": control.label, "style": {"description_width": "6.8em"}}
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
                layout={"width": "4.6em", "flex": "0 0 4.6em"},
            )
            self.fields[name].observe(lambda event: self._typed(name, event["new"]), "value")
        self.inputs[name].observe(lambda event: self._moved(name, event["new"]), "value")
        row = [self.inputs[name], *([self.fields[name]] if control.is_slider else [])]
        return _with_class(_with_class(widgets.HBox(row), "explorer-row"), f"explorer-control-{name}")

    def _moved(self, name: str, position: object) -> None:
        if self._sync_thread != threading.get_ident():
            control = self._controls[name]
            self._change(name, control.values[position] if control.is_slider else position)

    def _typed(self, name: str, text: str) -> None:
        if self._sync_thread == threading.get_ident():
            return
        try:
            value = self._controls[name].parse(text)
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


def _family(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    """The widget, all widgets in it, and what ipywidgets makes for the look of each."""
    for child in getattr(widget, "children", ()):
        yield from _family(child)
    yield from (look for name in ("layout", "style") if (look := getattr(widget, name, None)) is not None)
    yield widget


def _with_class(widget: widgets.Widget, name: str) -> widgets.Widget:
    widget.add_class(name)
    return widget


def _picture(name: str) -> widgets.Image:
    return _with_class(widgets.Image(format="png"), name)


def _style() -> widgets.HTML:
    css = importlib.resources.files("course_utils.explorer").joinpath("explorer.css").read_text(encoding="utf-8")
    return widgets.HTML(f"<style>\n{css}</style>", layout={"display": "none"})
