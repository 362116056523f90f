"""The explorer's widgets by themselves: set as a hand sets them, with nobody behind them who trains."""

import threading
from types import SimpleNamespace

import ipywidgets
import pytest

from course_utils.explorer.controls import CONTROLS, start_setup
from course_utils.explorer.widgets import BUTTONS, COPIES, SWITCHES, Widgets
from course_utils.palette import STATUS_COLORS

NAMES = ("width", "learning_rate", "optimizer", "batch_norm")


@pytest.fixture
def start(wine):
    return start_setup(wine, {"width": 64, "learning_rate": 0.001})


@pytest.fixture
def made(start):
    """Widgets, and what they have called: changes, presses and complaints."""
    calls = SimpleNamespace(changes=[], presses=[], switches=[], copies=[], heard=[], complaints=[])
    widgets = Widgets(
        NAMES,
        start,
        change=lambda *change: calls.changes.append(change),
        press=calls.presses.append,
        switch=lambda *switch: calls.switches.append(switch),
        copy=calls.copies.append,
        hear=lambda *event: calls.heard.append(event),
        complain=calls.complaints.append,
    )
    return widgets, calls


@pytest.fixture
def widgets(made):
    return made[0]


def all_in(widget):
    """The widget, and everything inside it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from all_in(child)


# What there is


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("width", ipywidgets.IntSlider, CONTROLS["width"].values.index(64)),
        ("learning_rate", ipywidgets.IntSlider, CONTROLS["learning_rate"].values.index(0.001)),
        ("optimizer", ipywidgets.Dropdown, "adam"),
        ("batch_norm", ipywidgets.Checkbox, False),
    ],
)
def test_every_control_has_its_widget_with_label_help_and_start(widgets, name, kind, value):
    widget, control = widgets.inputs[name], CONTROLS[name]
    assert type(widget) is kind
    assert (widget.description, widget.tooltip, widget.value) == (control.label, control.help, value)
    assert (name in widgets.fields) == control.is_slider
    assert not widget.disabled


def test_a_slider_has_a_position_for_every_value_and_a_menu_an_entry(widgets):
    slider = widgets.inputs["learning_rate"]
    assert (slider.min, slider.max) == (0, len(CONTROLS["learning_rate"].values) - 1)
    assert not slider.readout  # it would show the position, not the value
    assert widgets.inputs["optimizer"].options == CONTROLS["optimizer"].values


def test_the_field_beside_a_slider_has_its_value_and_says_what_may_be_typed(widgets):
    field = widgets.fields["learning_rate"]
    assert type(field) is ipywidgets.Text
    assert field.value == "0.001"
    assert not field.continuous_update
    assert "1e-05 to 10" in field.tooltip
    assert widgets.fields["width"].value == "64"


def test_every_widget_is_in_the_root_once(widgets):
    inside = list(all_in(widgets.root))
    parts = [widgets.curves, widgets.network, widgets.status, widgets.sentence, widgets.code, widgets.bar]
    for part in (*widgets.inputs.values(), *widgets.fields.values(), *widgets.buttons.values(), *parts):
        assert inside.count(part) == 1
    rows = [one for one in inside if "explorer-row" in one._dom_classes]
    assert [row.children[0] for row in rows] == [widgets.inputs[name] for name in NAMES]


def test_the_look_comes_with_the_root(widgets):
    (style,) = (one for one in all_in(widgets.root) if isinstance(one, ipywidgets.HTML) and "<style>" in one.value)
    assert style.value.rstrip().endswith("</style>")
    for part in (widgets.curves, widgets.sentence, widgets.code, widgets.bar, widgets.status, widgets.network):
        assert f".{part._dom_classes[0]} " in style.value
    assert style.layout.display == "none"


def test_the_picture_takes_another_shape_with_the_panel_of_the_rates(start):
    silent = dict.fromkeys(("change", "press", "switch", "copy", "hear", "complain"), print)
    with_rate, plain = (Widgets(("width",), start, with_rate=with_rate, **silent) for with_rate in (True, False))
    assert "explorer-with-rate" in with_rate.curves._dom_classes
    assert "explorer-with-rate" not in plain.curves._dom_classes


# What the user does


def test_moving_a_widget_reports_the_controls_value(made):
    widgets, calls = made
    widgets.inputs["width"].value += 1
    widgets.inputs["optimizer"].value = "sgd"
    widgets.inputs["batch_norm"].value = True
    assert calls.changes == [("width", 128), ("optimizer", "sgd"), ("batch_norm", True)]
    assert calls.complaints == []


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("width", "100", 100), ("width", " 32 ", 32), ("learning_rate", "3e-4", 3e-4), ("learning_rate", "0,02", 0.02)],
)
def test_a_typed_value_is_reported(made, name, text, value):
    widgets, calls = made
    widgets.fields[name].value = text
    assert calls.changes == [(name, value)]
    assert type(calls.changes[0][1]) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [("width", "9999"), ("width", "2.5"), ("width", "wide"), ("learning_rate", "0"), ("learning_rate", "")],
)
def test_what_is_no_value_is_complained_of_and_the_old_one_comes_back(made, name, text):
    widgets, calls = made
    before = widgets.fields[name].value
    widgets.fields[name].value = text
    assert calls.changes == []
    (error,) = calls.complaints
    assert isinstance(error, ValueError)
    assert f"{name}=" in str(error)
    assert widgets.fields[name].value == before


@pytest.mark.parametrize("key", BUTTONS)
def test_a_button_reports_its_key(made, key):
    widgets, calls = made
    label, icon, tip = BUTTONS[key]
    button = widgets.buttons[key]
    assert (button.description, button.icon, button.tooltip) == (label, icon, tip)
    button.click()
    assert calls.presses == [key]


# What is shown


def test_showing_a_setup_is_no_move(made, start):
    widgets, calls = made
    widgets.show_setup(start.changed(width=100, learning_rate=0.02, optimizer="sgd", batch_norm=True))
    assert calls.changes == []
    assert CONTROLS["width"].values[widgets.inputs["width"].value] == 128  # the position that comes nearest
    assert {name: field.value for name, field in widgets.fields.items()} == {"width": "100", "learning_rate": "0.02"}
    assert (widgets.inputs["optimizer"].value, widgets.inputs["batch_norm"].value) == ("sgd", True)
    widgets.fields["width"].value = "nonsense"  # goes back to what was shown, not to the start
    assert widgets.fields["width"].value == "100"
    widgets.inputs["batch_norm"].value = False  # and a move counts again
    assert calls.changes == [("batch_norm", False)]


def test_a_move_counts_while_another_thread_shows_a_setup(made, start):
    """Callbacks of widgets run in whichever thread sets the value: only the one that shows is not the user."""
    widgets, calls = made

    def move_in_another_thread(_):
        mover = threading.Thread(target=setattr, args=(widgets.inputs["batch_norm"], "value", True))
        mover.start()
        mover.join(10)

    widgets.inputs["width"].observe(move_in_another_thread, "value")
    widgets.show_setup(start.changed(width=8))
    assert calls.changes == [("batch_norm", True)]


@pytest.mark.parametrize("status", STATUS_COLORS)
def test_the_status_is_a_dot_of_its_colour_and_words(widgets, status):
    widgets.show_status(status, "epoch 3 < 5")
    assert f'color: {STATUS_COLORS[status]}"' in widgets.status.value
    assert widgets.status.value.endswith("epoch 3 &lt; 5")
    assert widgets.buttons["stop"].disabled == (status not in ("preparing", "training"))
    for key in ("seeds", "code", "reset"):
        assert widgets.buttons[key].disabled == (status == "closed")


def test_the_bar_is_seen_where_there_is_something_to_count(widgets):
    assert widgets.bar.layout.visibility == "hidden"
    widgets.show_status("training", "", done=30, of=150)
    assert (widgets.bar.value, widgets.bar.max, widgets.bar.layout.visibility) == (30, 150, "visible")
    widgets.show_status("finished", "")
    assert widgets.bar.layout.visibility == "hidden"


@pytest.mark.parametrize("is_possible", [False, True])
@pytest.mark.parametrize("is_pinned", [False, True])
def test_pin_says_what_it_would_do(widgets, is_possible, is_pinned):
    widgets.show_pin(is_possible=is_possible, is_pinned=is_pinned)
    assert widgets.buttons["pin"].disabled == (not is_possible)
    assert widgets.buttons["pin"].description == ("Unpin" if is_pinned else "Pin")


def test_only_the_verdict_is_bold(widgets):
    widgets.show_sentence("width 64 · train 0.41 · overfits", last_in_bold=True)
    assert widgets.sentence.value == '<div role="status">width 64 · train 0.41 · <b>overfits</b></div>'
    widgets.show_sentence("width 64 · depth 2")
    assert widgets.sentence.value == '<div role="status">width 64 · depth 2</div>'


def test_an_error_is_an_alert_above_the_sentence_and_nothing_in_it_is_html(widgets):
    widgets.show_sentence("width 64", error="width=<b> is not valid")
    error, sentence = widgets.sentence.value.split("</div>")[:2]
    assert 'role="alert"' in error
    assert error.endswith("width=&lt;b&gt; is not valid")
    assert sentence.endswith("width 64")
    assert widgets.browser.said == "width=<b> is not valid. width 64"


def test_the_reason_of_a_verdict_is_one_click_away(widgets):
    widgets.show_sentence("a · unstable", why="5 < 6", last_in_bold=True)
    assert widgets.sentence.value.count("<details>") == 1
    assert "5 &lt; 6" in widgets.sentence.value
    widgets.show_sentence("a")
    assert "<details>" not in widgets.sentence.value


def test_the_sentence_is_read_out_once(widgets):
    """By the page's script where it runs, in a place that stays; otherwise by the sentence itself."""
    widgets.show_sentence("first")
    assert 'role="status"' in widgets.sentence.value
    widgets.browser.is_ready = True
    widgets.show_sentence("second")
    assert "role" not in widgets.sentence.value
    assert widgets.browser.said == "second"


def test_controls_and_pictures_have_names_and_values_for_screen_readers(widgets, start):
    widgets.show_setup(start.changed(width=100))
    named = {control["name"]: control for control in widgets.browser.words["controls"]}
    assert list(named) == list(NAMES)
    assert (named["width"]["label"], named["width"]["value"]) == ("width", "100")
    assert all(control["help"] == CONTROLS[name].help for name, control in named.items())
    widgets.show_sentence("validation 0.5")
    assert "validation 0.5" in widgets.browser.words["curves"]
    assert widgets.browser.words["controls"][0]["value"] == "100"
    rows = [one for one in all_in(widgets.root) if "explorer-row" in one._dom_classes]
    assert [row._dom_classes[1] for row in rows] == [f"explorer-control-{name}" for name in NAMES]


@pytest.mark.parametrize("key", SWITCHES)
def test_a_switch_reports_its_key_and_whether_it_is_on(made, key):
    widgets, calls = made
    assert (widgets.switches[key].description, widgets.switches[key].tooltip) == (SWITCHES[key][0], SWITCHES[key][2])
    widgets.switches[key].value = True
    widgets.switches[key].value = False
    assert calls.switches == [(key, True), (key, False)]


def test_what_can_be_copied_is_offered_with_the_code(made):
    widgets, calls = made
    assert widgets.copy.layout.display == "none"
    widgets.show_code("import keras", "Explorer(data)")
    assert widgets.copy.layout.display == ""
    assert "Explorer(data)</pre>" in widgets.code.value
    for key in COPIES:
        widgets.copies[key].click()
    assert calls.copies == list(COPIES)


def test_code_that_appears_is_brought_into_sight_once(widgets, monkeypatch):
    sent = []
    monkeypatch.setattr(widgets.browser, "send", sent.append)
    for source in (None, "import keras", "import keras # again", None, "import keras"):
        widgets.show_code(source)
    assert sent == [{"show": ".explorer-copy"}] * 2


def test_what_is_in_the_clipboard_has_a_tick(made):
    widgets, _ = made
    for what in ("code", "line", None):
        widgets.show_copied(what)
        ticked = [key for key, button in widgets.copies.items() if button.description.endswith("✓")]
        assert ticked == ([what] if what else [])


def test_what_the_page_tells_is_heard(made):
    widgets, calls = made
    assert not widgets.browser.is_ready
    widgets.browser._message(None, {"ready": True}, [])
    widgets.browser._message(None, {"go": 3}, [])
    assert calls.heard == [("ready", True), ("go", 3)]
    assert widgets.browser.is_ready


def test_the_table_of_runs_is_sent_when_it_changes(widgets):
    sent = []
    widgets.browser.observe(lambda event: sent.append(event["new"]), "runs")
    for rows in (({"key": 1},), ({"key": 1},), ({"key": 2}, {"key": 1})):
        widgets.show_runs(rows)
    assert sent == [[{"key": 1}], [{"key": 2}, {"key": 1}]]


def test_large_text_comes_and_goes(widgets):
    for is_large in (True, False):
        widgets.show_large(is_large)
        assert ("explorer-large" in widgets.root._dom_classes) == is_large


def test_the_code_is_shown_and_hidden(widgets):
    assert widgets.code.layout.display == "none"
    widgets.show_code("if a < b:\n    pass")
    assert "if a &lt; b:\n    pass</pre>" in widgets.code.value
    assert (widgets.code.layout.display, widgets.buttons["code"].description) == ("", "Hide code")
    widgets.show_code(None)
    assert (widgets.code.layout.display, widgets.buttons["code"].description) == ("none", "Show code")


def test_disable_reaches_everything_that_can_be_moved(widgets):
    widgets.disable()
    for widget in all_in(widgets.root):
        if isinstance(widget, (ipywidgets.IntSlider, ipywidgets.Dropdown, ipywidgets.Checkbox, ipywidgets.Text)):
            assert widget.disabled
        if isinstance(widget, (ipywidgets.Button, ipywidgets.ToggleButton)):
            assert widget.disabled
