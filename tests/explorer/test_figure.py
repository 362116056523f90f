import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from course_utils.explorer.controls import start_setup
from course_utils.explorer.curves import Curves, highest_loss
from course_utils.explorer.diagram import draw_network, network_png
from course_utils.explorer.figure import CurvePicture, still_png
from course_utils.explorer.progress import Trained


def group(setup, *ends):
    """One run per end, falling from 2 to it."""
    return tuple(
        Trained(setup, {"loss": list(np.linspace(2, end, 20)), "val_loss": list(np.linspace(2, end + 0.1, 20))}, end)
        for end in ends
    )


@pytest.fixture
def setup(wine):
    return start_setup(wine, {})


def pixels(png):
    return imread(io.BytesIO(png))


def test_picture_shows_what_it_is_given_and_nothing_of_before(setup):
    picture, first, second = CurvePicture(), group(setup, 0.5), group(setup, 0.9)
    curves = [Curves("regression", runs, epochs=20, top=1.5) for runs in (first, second)]
    images = [picture.png(one) for one in (*curves, curves[0])]
    assert images[0] != images[1]
    assert images[0] == images[2]
    assert pixels(images[0]).shape == (533, 936, 4)
    assert pixels(CurvePicture(with_rate=True).png(curves[0])).shape == (650, 936, 4)


@pytest.mark.parametrize("with_rate", [False, True])
def test_every_part_is_seen(setup, with_rate):
    picture, runs = CurvePicture(with_rate=with_rate), group(setup, 0.5)
    plain = Curves("regression", runs, epochs=20, top=1.5, guess=0.7)
    others = (
        Curves("regression", runs, epochs=20, top=1.5, guess=0.7, is_finished=True),
        Curves("regression", runs, epochs=20, top=1.5, guess=0.7, earlier=(group(setup, 0.9),)),
        Curves("regression", runs, epochs=20, top=1.5, guess=0.7, pinned=((group(setup, 0.9), "width 64"),)),
        Curves("regression", group(setup, 0.5, 0.8, 0.6), epochs=20, top=1.5, guess=0.7, is_finished=True),
        Curves("regression", runs, epochs=20, top=0.3, guess=0.7),
        Curves("classification", runs, epochs=20, top=1.5, guess=0.7),
    )
    assert len({picture.png(one) for one in (plain, *others)}) == 7


def test_only_the_panel_of_the_rates_changes_with_them(setup):
    """Both the plan and the rates of earlier runs, which the panel of the losses does not show."""
    fast, slow = (setup.changed(learning_rate=rate) for rate in (0.002, 0.001))
    picture, plain, seen = CurvePicture(with_rate=True), CurvePicture(), []
    for now, before in ((fast, fast), (fast, slow), (slow, fast)):
        curves = Curves("regression", group(now, 0.5), earlier=(group(before, 0.9),), epochs=20, top=1.5, setup=now)
        seen.append((picture.png(curves), plain.png(curves)))
    assert len({with_rate for with_rate, _ in seen}) == 3
    assert len({without for _, without in seen}) == 1


def test_earlier_rates_are_drawn_anew_when_the_axis_of_the_rates_changes(setup):
    earlier, seen = (group(setup.changed(learning_rate=0.005), 0.9),), []
    for rate in (0.005, 0.00001):
        now = setup.changed(learning_rate=rate)
        seen.append(Curves("regression", group(now, 0.5), earlier=earlier, epochs=20, top=1.5, setup=now))
    picture = CurvePicture(with_rate=True)
    assert picture.png(seen[0]) != picture.png(seen[1]) == CurvePicture(with_rate=True).png(seen[1])


def everything(setup, with_rate):
    """A picture with all the text that it can have."""
    picture = CurvePicture(with_rate=with_rate)
    setup = setup.changed(schedule="halve every 5", epochs=100, learning_rate=5e-5)
    curves = Curves(
        "regression",
        group(setup, 0.5),
        is_finished=True,
        pinned=((group(setup, 0.9), "width 64"),),
        epochs=20,
        top=0.55,
        guess=0.53,
        setup=setup,
    )
    for draw in (picture.draw_axes, picture.draw_earlier, picture.draw_runs, picture.draw_pins):
        draw(curves)
    return picture.figure


def visible_texts(figure):
    figure.canvas.draw()
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and figure.bbox.overlaps(text.get_window_extent())
    ]


@pytest.mark.parametrize("with_rate", [False, True])
def test_no_text_is_cut_off_and_no_label_meets_another(setup, with_rate):
    figure = everything(setup, with_rate)
    width, height = figure.bbox.size
    for text in visible_texts(figure):
        box = text.get_window_extent()
        assert min(box.x0, box.y0) >= 0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text
    for ax in figure.axes:
        label = ax.yaxis.label.get_window_extent()
        assert not any(label.overlaps(tick.get_window_extent()) for tick in ax.get_yticklabels() if tick.get_text())


def test_text_can_be_read_on_a_projector_and_on_a_dark_page(wine, setup):
    """At least 4.5:1 (WCAG AA) on white, and inverted, as a dark page shows it, on JupyterLab's dark grey."""
    figure = Figure()
    draw_network(setup.changed(depth=10), wine, ax=figure.add_axes((0, 0, 1, 1)))
    texts = [*visible_texts(everything(setup, True)), *visible_texts(figure)]
    assert len(texts) > 20
    for text in texts:
        assert text.get_fontsize() >= 10, text
        color = np.array(to_rgb(text.get_color()))
        assert contrast(color, np.ones(3)) >= 4.5, text
        # Inverted and turned back in hue; what stays the same in this is 1 minus the lightness, not each colour.
        assert contrast(inverted(color), np.full(3, 0x11 / 255)) >= 4.5, text


def contrast(one, other):
    """The ratio of two colours' luminance, as WCAG 2 defines it."""
    linear = [np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) for c in (one, other)]
    high, low = sorted((float(c @ [0.2126, 0.7152, 0.0722]) for c in linear), reverse=True)
    return (high + 0.05) / (low + 0.05)


def inverted(color):
    """What CSS' `invert(1) hue-rotate(180deg)` makes of a colour."""
    red, green, blue = 0.213, 0.715, 0.072
    grey = np.outer(np.ones(3), [red, green, blue])
    return np.clip((2 * grey - np.eye(3)) @ (1 - color), 0, 1)


def test_runs_that_hold_no_number_can_be_drawn(setup):
    bad = Trained(setup, {"loss": [np.nan] * 5, "val_loss": [np.inf] * 5}, float("nan"))
    for runs in ((), (bad,), (bad, bad), (Trained(setup, {}),), (Trained(setup, {"loss": [1.0]}),)):
        for is_finished in (False, True):
            CurvePicture().png(Curves("regression", runs, is_finished=is_finished, epochs=5))


def test_notebook_style_does_not_change_the_picture(setup):
    import matplotlib.pyplot as plt  # noqa: PLC0415

    curves = Curves("regression", group(setup, 0.5), epochs=20, top=1.5, is_finished=True)
    plain = CurvePicture().png(curves)
    with plt.rc_context({"figure.constrained_layout.use": True, "axes.grid": False, "figure.dpi": 30}):
        assert CurvePicture().png(curves) == plain


def test_axis_ends():
    assert highest_loss("regression", 0.7) == pytest.approx(1.05)
    assert highest_loss("regression", 0.7, wide=True) > highest_loss("regression", 0.7)
    assert highest_loss("classification", float("nan")) > 0


def test_network_has_a_column_for_each_layer_and_hollow_dots_for_dropout(wine, setup):
    def dots(**changes):
        ax = draw_network(setup.changed(**changes), wine, ax=Figure().add_axes((0, 0, 1, 1)))
        groups = [
            collection
            for collection in ax.collections
            if len(collection.get_offsets()) and hasattr(collection, "get_sizes")
        ]
        hollow = sum(len(one.get_offsets()) for one in groups if (one.get_facecolor() == 1).all())
        columns = {round(x) for one in groups for x, _ in one.get_offsets()}
        return len(columns), hollow, sum(len(one.get_offsets()) for one in groups)

    assert dots(depth=0)[0] == 2
    assert dots(depth=10)[0] == 12
    assert dots(dropout=0)[1] == 0
    assert 0 < dots(dropout=0.3)[1] < dots(dropout=0.8)[1]
    assert dots(width=4)[2] < dots(width=12)[2] < dots(width=64)[2] < dots(width=512)[2]


@pytest.mark.parametrize(("width", "dots", "has_ellipsis"), [(4, 4, 0), (10, 10, 0), (12, 12, 0), (64, 14, 1)])
def test_nobody_counts_wrongly(wine, setup, width, dots, has_ellipsis):
    """Either all units are drawn, or an ellipsis says that there are more; and the number stands below."""
    ax = draw_network(setup.changed(width=width, depth=1), wine, ax=Figure().add_axes((0, 0, 1, 1)))
    drawn = [tuple(place) for one in ax.collections if hasattr(one, "get_sizes") for place in one.get_offsets()]
    assert sum(x == 1 for x, _ in drawn) == dots
    assert sum(x == 0 for x, _ in drawn) == 11  # the inputs of wine
    assert len([line for line in ax.lines if line.get_marker() == "o"]) == has_ellipsis
    assert {"11", str(width), "1"} <= {text.get_text() for text in ax.texts}


def test_many_layers_have_one_number(wine, setup):
    ax = draw_network(setup.changed(width=512, depth=10), wine, ax=Figure().add_axes((0, 0, 1, 1)))
    assert {"11", "10 layers of 512", "1"} <= {text.get_text() for text in ax.texts}


def test_pictures_are_png_files_of_the_right_size(wine, setup):
    assert pixels(network_png(setup.changed(batch_norm=True), wine)).shape[2] == 4
    still = still_png(Curves("regression", group(setup, 0.5), epochs=20), setup, wine, "width 64 · depth 2 · fits")
    assert pixels(still).shape[:2] == (441, 864)
    still = still_png(Curves("regression", setup=setup), setup, wine, "width 64 · depth 2 · fits", with_rate=True)
    assert pixels(still).shape[:2] == (522, 864)


@pytest.mark.parametrize("end", [0.62, 0.65, 0.68])
def test_the_words_gap_and_guessing_do_not_touch(setup, end):
    picture = CurvePicture()
    curves = Curves("regression", group(setup, end), epochs=20, top=1.5, guess=0.7, is_finished=True)
    picture.draw_axes(curves)
    picture.draw_runs(curves)
    renderer = picture.figure.canvas.get_renderer()
    found = {text.get_text()[:3]: text.get_window_extent(renderer) for text in picture.figure.findobj(Text)}
    assert not found["gap"].overlaps(found["gue"])
