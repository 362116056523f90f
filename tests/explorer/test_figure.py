"""What is in the explorer's picture: every test asks the artists, which `CurvePicture` returns or keeps."""

import io

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import rgb_to_hsv, same_color, to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.lines import Line2D
from matplotlib.text import Text

from course_utils.explorer.controls import start_setup
from course_utils.explorer.diagram import draw_network
from course_utils.explorer.figure import CurvePicture, still_png
from course_utils.explorer.scene import Curves
from course_utils.palette import CROSS_ENTROPY, FAINT, MAE, PARTS, PIN_COLORS

VALIDATION, TRAINING = PARTS["validation"]["color"], PARTS["training"]["color"]
EPOCHS = 20
DIPPING = [*np.linspace(1.0, 0.4, 8), *np.linspace(0.4, 0.6, 13)[1:]]  # lowest at epoch 8, 0.6 at the end
FALLING = np.linspace(1.0, 0.25, EPOCHS)


@pytest.fixture
def setup(wine):
    return start_setup(wine, {"epochs": EPOCHS})


@pytest.fixture
def curves(setup, make_run):
    """A function that makes what is to be drawn: a run that overfits, unless told otherwise."""

    def curves(*runs, task="regression", **options):
        runs = runs or (make_run(setup, FALLING, DIPPING),)
        return Curves(task, runs, **{"epochs": EPOCHS, "top": 1.2, "guess": 0.8, **options})

    return curves


@pytest.fixture
def ending(setup, make_run):
    """A function that makes a run whose curves fall to these losses."""

    def ending(loss, val_loss, *, epochs=EPOCHS, **options):
        return make_run(setup, np.linspace(2, loss, epochs), np.linspace(2, val_loss, epochs), **options)

    return ending


def drawn(curves, *, picture=None):
    """What is drawn of the runs in front, on finished axes."""
    picture = picture or CurvePicture()
    picture.draw_axes(curves)
    return picture.draw_runs(curves)


def lines(artists):
    """The curves: lines with a point for every epoch, and no mark."""
    return [one for one in artists if isinstance(one, Line2D) and len(one.get_xdata()) > 2]


def marks(artists, marker):
    return [one for one in artists if isinstance(one, Line2D) and one.get_marker() == marker]


def bands(artists):
    """Lower and upper end of every band, by epoch, and its colour."""
    found = []
    for band in artists:
        if isinstance(band, PolyCollection):
            x, y = band.get_paths()[0].vertices.T
            ends = [(y[x == epoch].min(), y[x == epoch].max()) for epoch in sorted(set(x))]
            found.append((np.array(ends).T, band.get_facecolor()[0]))
    return found


def words(artists):
    return [one.get_text() for one in artists if isinstance(one, Text)]


def hue(color):
    return rgb_to_hsv(to_rgb(color))[0]


def pixels(png):
    return imread(io.BytesIO(png))


# The curves


def test_training_and_validation_have_their_colours_and_lines_and_the_values_of_the_history(curves):
    training, validation = lines(drawn(curves()))
    for line, part, values in ((training, "training", FALLING), (validation, "validation", DIPPING)):
        assert same_color(line.get_color(), PARTS[part]["color"])
        assert line.get_linestyle() == PARTS[part]["linestyle"]
        np.testing.assert_array_equal(line.get_xdata(), range(1, EPOCHS + 1))
        np.testing.assert_allclose(line.get_ydata(), values)
        assert line.get_linewidth() > 2
        assert line.get_alpha() == 1


def test_validation_and_training_cannot_be_taken_for_one_another():
    assert PARTS["training"]["linestyle"] != PARTS["validation"]["linestyle"] == "-"
    assert not same_color(TRAINING, VALIDATION)


def test_seeds_are_thin_lines_while_they_run_and_then_a_median_in_a_band(curves, setup, make_run):
    runs = [make_run(setup, FALLING + shift, np.add(DIPPING, shift)) for shift in (0, 0.05, 0.2)]
    running = drawn(curves(*runs))
    assert len(lines(running)) == 6
    assert {line.get_linewidth() for line in lines(running)} == {1.2}
    assert bands(running) == []
    finished = drawn(curves(*runs, is_finished=True))
    training, validation = lines(finished)
    np.testing.assert_allclose(training.get_ydata(), FALLING + 0.05)
    np.testing.assert_allclose(validation.get_ydata(), np.add(DIPPING, 0.05))
    found = bands(finished)
    assert len(found) == 2
    for ((low, high), color), values, own in zip(found, (FALLING, DIPPING), (TRAINING, VALIDATION), strict=True):
        np.testing.assert_allclose(low, values)
        np.testing.assert_allclose(high, np.add(values, 0.2))
        assert same_color(color[:3], own)
        assert 0 < color[3] < 0.5


def test_one_run_has_no_band(curves):
    assert bands(drawn(curves(is_finished=True))) == []


def test_the_first_epoch_of_a_run_is_a_dot(curves, setup, make_run):
    run = make_run(setup, [0.5], [0.6])
    dots = marks(drawn(curves(run)), "o")
    assert [(dot.get_xdata()[0], dot.get_ydata()[0]) for dot in dots] == [(1, 0.5), (1, 0.6)]
    assert marks(drawn(curves()), "o") == []


def test_earlier_runs_are_faint_and_pinned_ones_in_a_colour_of_their_own(curves, ending):
    pinned = tuple(((ending(end, end),), f"width {i}") for i, end in enumerate(np.linspace(0.2, 0.7, 7)))
    shown = curves(earlier=((ending(0.9, 0.95),),), pinned=pinned)
    picture = CurvePicture()
    picture.draw_axes(shown)
    found = picture.draw_earlier(shown)
    faint, behind = found[:2], found[2:]
    assert [to_rgb(line.get_color()) for line in faint] == [to_rgb(TRAINING), to_rgb(VALIDATION)]
    assert all(line.get_alpha() <= 0.4 and line.get_linewidth() <= 1 for line in faint)
    assert [line.get_ydata()[-1] for line in faint] == [0.9, 0.95]
    expected = [color for color in (*PIN_COLORS, PIN_COLORS[0]) for _ in PARTS]  # after the last, the first again
    assert [line.get_color() for line in behind] == expected
    assert [line.get_linestyle() for line in behind] == ["--", "-"] * 7
    assert all(line.get_alpha() > 0.8 for line in behind[1::2])
    assert all(line.get_alpha() < 0.5 for line in behind[::2])  # what is compared is validation


def test_pins_have_a_legend_with_their_words_and_colours(curves, ending):
    picture, pinned = CurvePicture(), tuple(((ending(0.5, 0.5),), f"width {i}") for i in (4, 64, 512))
    assert picture.draw_pins(curves()) == []
    (legend,) = picture.draw_pins(curves(pinned=pinned))
    assert [text.get_text() for text in legend.get_texts()] == ["width 4", "width 64", "width 512"]
    assert [line.get_color() for line in legend.get_lines()] == list(PIN_COLORS[:3])
    assert legend.get_title().get_text() == "pinned"
    assert legend.get_zorder() > max(line.get_zorder() for line in picture.draw_earlier(curves(pinned=pinned)))


# What is marked at the end


def test_the_best_epoch_is_a_ring_on_the_validation_curve_over_a_dotted_line(curves):
    artists = drawn(curves(is_finished=True))
    (ring,) = marks(artists, "o")
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([8], [0.4])
    assert same_color(ring.get_markeredgecolor(), VALIDATION)
    assert same_color(ring.get_markerfacecolor(), "white")
    (down,) = (one for one in artists if isinstance(one, Line2D) and one.get_linestyle() == ":")
    assert (list(down.get_xdata()), list(down.get_ydata())) == ([8, 8], [0, 0.4])


def test_a_ring_at_the_edge_of_the_axis_is_whole_and_one_above_it_unseen(curves, ending):
    (ring,) = marks(drawn(curves(ending(0.1, 0.2), is_finished=True)), "o")
    assert not ring.get_clip_on()
    (ring,) = marks(drawn(curves(ending(0.1, 1.9), is_finished=True)), "o")
    assert ring.get_clip_on()


def test_the_best_epoch_of_seeds_is_that_of_their_median(curves, setup, make_run):
    valleys = [np.abs(np.arange(1, EPOCHS + 1) - best) / 20 + 0.1 for best in (5, 9, 10)]
    (ring,) = marks(drawn(curves(*(make_run(setup, FALLING, one) for one in valleys), is_finished=True)), "o")
    assert list(ring.get_xdata()) == [9]


def test_nothing_is_marked_while_the_run_goes_on(curves):
    artists = drawn(curves())
    assert len(artists) == 2
    assert words(artists) == []


@pytest.mark.parametrize(
    ("training", "validation", "said"), [(0.3, 0.65, "gap 0.35"), (0.62, 0.5, "gap −0.12"), (0.501, 0.5, "gap 0.00")]
)
def test_the_gap_is_validation_minus_training_at_the_end(curves, ending, training, validation, said):
    """Both in inference mode: a square shows the training loss, which the end of its curve need not be."""
    artists = drawn(curves(ending(0.9, validation, train_loss=training), is_finished=True))
    assert words(artists) == [said]
    (bracket,) = marks(artists, "_")
    assert list(bracket.get_ydata()) == [training, validation]
    (square,) = marks(artists, "s")
    assert (list(square.get_xdata()), list(square.get_ydata())) == ([EPOCHS], [training])
    assert same_color(square.get_color(), TRAINING)
    assert not any(one.get_clip_on() for one in (bracket, square))


def test_the_gap_of_seeds_is_that_of_the_medians(curves, ending):
    runs = [ending(0.5, end, train_loss=start) for start, end in ((0.1, 0.5), (0.3, 0.6), (0.4, 0.9))]
    artists = drawn(curves(*runs, is_finished=True))
    assert words(artists) == ["gap 0.30"]
    assert list(marks(artists, "_")[0].get_ydata()) == [0.3, 0.6]


@pytest.mark.parametrize("epochs", [8, EPOCHS])
def test_the_bracket_stands_beside_the_end_of_the_curves(curves, ending, epochs):
    """A stopped run ends in the middle of the axis, where the words need white paper over other curves."""
    picture, shown = CurvePicture(), curves(ending(0.3, 0.6, epochs=epochs), is_finished=True)
    artists = drawn(shown, picture=picture)
    (bracket,), (text,) = marks(artists, "_"), (one for one in artists if isinstance(one, Text))
    ends = [bracket.get_transform().transform((bracket.get_xdata()[0], y)) for y in (0.3, 0.6)]
    curve = [picture.ax.transData.transform((epochs, y)) for y in (0.3, 0.6)]
    for end, beside in zip(curve, ends, strict=True):
        assert 5 < beside[0] - end[0] < 20
        assert beside[1] == pytest.approx(end[1])
    assert text.get_position()[1] == pytest.approx(0.45)
    assert (text.get_bbox_patch() is not None) == (epochs < EPOCHS)


def test_the_bracket_of_seeds_of_which_one_was_stopped_stands_where_their_median_ends(curves, ending):
    runs = [ending(0.3, 0.6), ending(0.3, 0.6), ending(0.3, 0.6, epochs=8)]
    artists = drawn(curves(*runs, is_finished=True, top=3.0))
    assert [line.get_xdata()[-1] for line in lines(artists)] == [8, 8]
    assert list(marks(artists, "s")[0].get_xdata()) == [8]


@pytest.mark.parametrize("ends", [(0.5, 1.3), (1.3, 0.5), (0.5, np.nan), (np.nan, 0.5)])
def test_there_is_no_gap_where_one_of_its_ends_is_out_of_sight(curves, ending, ends):
    training, validation = ends
    artists = drawn(curves(ending(0.5, validation, train_loss=training), is_finished=True))
    assert not any("gap" in text for text in words(artists))
    assert marks(artists, "_") == []
    assert len(marks(artists, "s")) == (training == 0.5)  # the square is seen wherever it lies in the picture


def test_a_run_without_validation_has_one_curve_and_no_mark(curves, setup, make_run):
    (line,) = drawn(curves(make_run(setup, FALLING), is_finished=True))
    assert same_color(line.get_color(), TRAINING)


@pytest.mark.parametrize("end", [0.72, 0.75, 0.8, 0.85, 0.88])
def test_the_words_gap_and_guessing_do_not_touch(curves, ending, end):
    picture = CurvePicture()
    drawn(curves(ending(end, end + 0.01), is_finished=True), picture=picture)
    renderer = picture.figure.canvas.get_renderer()
    found = {text.get_text()[:3]: text.get_window_extent(renderer) for text in picture.figure.findobj(Text)}
    assert not found["gap"].overlaps(found["gue"])
    assert (found["gap"].y0 > found["gue"].y0) == (end >= 0.795)  # to the side on which the gap lies


# What lies above the picture


@pytest.mark.parametrize(
    ("training", "validation", "said"),
    [
        (0.5, 0.6, {}),
        (1.2, 1.2, {}),  # on the edge, and seen
        (0.5, 5.0, {"▲ validation 5, above this picture": VALIDATION}),
        (1.34, 0.6, {"▲ training 1.34, above this picture": TRAINING}),
        (
            1.6,
            1.53,
            {"▲ training 1.6, above this picture": TRAINING, "▲ validation 1.53, above this picture": VALIDATION},
        ),
        (0.5, np.nan, {"▲ validation: no finite number, above this picture": VALIDATION}),
        (np.inf, 0.6, {"▲ training: no finite number, above this picture": TRAINING}),
    ],
)
@pytest.mark.parametrize("is_finished", [False, True])
def test_a_curve_that_ends_above_the_picture_is_named(curves, setup, make_run, training, validation, said, is_finished):
    run = make_run(setup, [2, 1, training], [2, 1, validation], train_loss=0.5)
    found = [one for one in drawn(curves(run, is_finished=is_finished)) if isinstance(one, Text)]
    above = {text.get_text(): text.get_color() for text in found if "▲" in text.get_text()}
    assert list(above) == list(said)
    for text, color in said.items():  # the hue of the curve; small text needs a darker shade of orange
        assert hue(above[text]) == pytest.approx(hue(color), abs=0.01)


def test_words_above_lie_one_under_the_other_and_on_paper(curves, setup, make_run):
    picture = CurvePicture()
    artists = drawn(curves(make_run(setup, [2, 1.5], [2, 1.6])), picture=picture)
    renderer = picture.figure.canvas.get_renderer()
    first, second = (one for one in artists if isinstance(one, Text))
    assert not first.get_window_extent(renderer).overlaps(second.get_window_extent(renderer))
    assert all(one.get_bbox_patch().get_facecolor()[:3] == (1, 1, 1) for one in (first, second))


# Axes and legend


@pytest.mark.parametrize(("task", "label"), [("regression", MAE), ("classification", CROSS_ENTROPY)])
@pytest.mark.parametrize("with_rate", [False, True])
def test_axes_end_where_they_are_told_and_name_the_unit(curves, task, label, with_rate):
    picture = CurvePicture(with_rate=with_rate)
    picture.draw_axes(curves(task=task, epochs=30, top=1.7))
    assert (picture.ax.get_xlim(), picture.ax.get_ylim()) == ((1, 30), (0, 1.7))
    assert picture.ax.get_ylabel() == label
    lowest = picture.rates.ax if with_rate else picture.ax
    assert lowest.get_xlabel() == "epoch"
    assert [ax.get_xlabel() for ax in picture.figure.axes].count("epoch") == 1
    assert lowest.get_xlim() == (1, 30)


def test_one_epoch_is_an_axis_too(curves):
    picture = CurvePicture()
    picture.draw_axes(curves(epochs=1))
    assert picture.ax.get_xlim() == (1, 2)


def test_the_loss_of_guessing_is_a_dotted_line_with_its_name(curves):
    picture = CurvePicture()
    picture.draw_axes(curves(guess=0.8))
    (line,) = picture.ax.get_lines()
    assert list(line.get_ydata()) == [0.8, 0.8]
    assert same_color(line.get_color(), FAINT)
    (word,) = picture.ax.texts
    assert word.get_text() == "guessing"
    assert word.xy[1] == 0.8
    assert word.get_window_extent().x0 > picture.ax.bbox.x1  # in the margin


def test_the_loss_of_a_plane_stands_beside_it(curves):
    picture = CurvePicture()
    picture.draw_axes(curves(guess=0.8, plane=0.5))
    assert [list(line.get_ydata()) for line in picture.ax.get_lines()] == [[0.8, 0.8], [0.5, 0.5]]
    _, word = picture.ax.texts
    box = word.get_window_extent()
    assert word.get_text() == "plane"
    assert picture.ax.transData.transform((1, 0.5))[1] <= box.y0  # above its line, inside of the axes
    assert picture.ax.bbox.x0 < box.x0 < box.x1 < picture.ax.bbox.x0 + 100


def test_another_plane_is_drawn_anew_and_the_same_unknown_one_is_not(curves):
    assert curves(plane=0.5).axes != curves(plane=0.6).axes
    assert curves(plane=float("nan")).axes == curves(plane=float("nan")).axes


def test_baselines_are_not_drawn_where_they_are_unknown(curves):
    picture, unknown = CurvePicture(), float("nan")
    picture.draw_axes(curves(guess=unknown, plane=unknown, top=1.2))
    assert len(picture.ax.get_lines()) == len(picture.ax.texts) == 0


def test_guessing_above_the_picture_is_named_beside_its_top(curves):
    picture = CurvePicture()
    picture.draw_axes(curves(guess=2.3, top=1.2))
    assert not picture.ax.get_lines()
    (words,) = picture.ax.texts
    assert words.get_text().split() == ["▲", "guessing", "2.30"]
    box, axes = words.get_window_extent(), picture.ax.bbox
    assert box.x0 > axes.x1
    assert axes.y0 < box.y0 < box.y1 <= axes.y1 + 1
    assert box.x1 <= picture.figure.bbox.x1


def test_the_legend_names_curves_and_marks(curves):
    picture = CurvePicture()
    for _ in range(2):  # drawn again, it does not pile up
        picture.draw_axes(curves())
    (legend,) = picture.figure.legends
    entries = dict(zip((text.get_text() for text in legend.get_texts()), legend.legend_handles, strict=True))
    assert list(entries) == [
        "validation",
        "training",
        "lowest validation loss",
        "training, measured like validation",
    ]
    for part, style in PARTS.items():
        assert (entries[part].get_color(), entries[part].get_linestyle()) == tuple(style.values())
    artists = drawn(curves(is_finished=True))
    for name, marker in (("lowest validation loss", "o"), ("training, measured like validation", "s")):
        (mark,) = marks(artists, marker)
        assert entries[name].get_marker() == marker
        assert same_color(entries[name].get_markeredgecolor(), mark.get_markeredgecolor())


# The picture as a whole


@pytest.fixture
def picture_and_layers(monkeypatch):
    """A picture, and a list of what is drawn anew for its PNGs, layer by layer."""
    picture, layers = CurvePicture(), []
    monkeypatch.setattr(picture, "_draw_and_remove", lambda artists: layers.append(list(artists)))
    return picture, layers


def test_the_picture_holds_every_layer(curves, ending, picture_and_layers):
    pinned = (((ending(0.2, 0.3),), "width 4"),)
    picture, layers = picture_and_layers
    picture.png(curves(earlier=((ending(0.7, 0.8),),), pinned=pinned, is_finished=True))
    behind, front = layers
    assert len(behind) == 4
    assert len(lines(front)) == 2
    assert marks(front, "o")
    assert words(front) == ["gap 0.35"]
    assert picture.ax.get_legend() is None  # what is pinned stands in the table of runs


@pytest.mark.parametrize("number", [1, 8, 17])
def test_a_run_behind_has_its_number_on_its_validation_curve(curves, ending, picture_and_layers, number):
    picture, layers = picture_and_layers
    group = (ending(0.7, 0.8),)
    picture.png(curves(earlier=(group,), numbers=(number,), top=99))
    (text,) = (artist for artist in layers[0] if isinstance(artist, Text))
    x, y = text.get_position()
    assert text.get_text() == str(number)
    assert y == group[0].history["val_loss"][x - 1]
    picture.png(curves(earlier=(group,), numbers=(0,), top=99))
    assert not [artist for artist in layers[-2] if isinstance(artist, Text)]


@pytest.mark.parametrize("is_large", [False, True])
def test_the_labels_of_two_panels_stand_beside_their_numbers(curves, wine, is_large):
    picture = CurvePicture(with_rate=True, is_large=is_large)
    picture.png(curves(setup=start_setup(wine, {"learning_rate": 0.0001, "epochs": 30})))
    for ax in (picture.ax, picture.rates.ax):
        label = ax.yaxis.label.get_window_extent()
        numbers = [text.get_window_extent() for text in ax.get_yticklabels() if text.get_text()]
        assert numbers
        assert label.x0 >= 0
        assert label.x1 <= min(box.x0 for box in numbers)


def test_a_large_picture_has_the_same_pixels_and_larger_text(curves):
    small, large = (CurvePicture(is_large=is_large) for is_large in (False, True))
    sizes = [imread(io.BytesIO(picture.png(curves()))).shape for picture in (small, large)]
    assert sizes[0] == pytest.approx(sizes[1], abs=2)
    heights = [p.figure.legends[0].get_texts()[0].get_window_extent().height for p in (small, large)]
    assert heights[1] > 1.25 * heights[0]
    for picture in (small, large):
        box = picture.figure.legends[0].get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= picture.figure.bbox.x1


def test_layers_are_drawn_anew_only_where_they_have_changed(curves, ending, picture_and_layers):
    picture, layers = picture_and_layers
    earlier = (ending(0.7, 0.8),)
    first = curves(earlier=(earlier,))
    counts = []
    for one in (
        first,
        curves(ending(0.4, 0.5), earlier=(earlier,)),
        curves(ending(0.4, 0.5), earlier=((ending(0.7, 0.8),),)),
        curves(ending(0.4, 0.5), earlier=(earlier,), top=2.0),
    ):
        layers.clear()
        picture.png(one)
        counts.append(len(layers))
        assert picture.ax.get_ylim()[1] == one.top
    assert counts == [2, 1, 2, 2]


def test_nothing_stays_of_the_picture_before(curves, ending):
    picture, first, second = CurvePicture(), curves(), curves(ending(0.5, 0.7), is_finished=True)
    images = [pixels(picture.png(one)) for one in (first, second, first)]
    assert (images[0] != images[1]).any()
    np.testing.assert_array_equal(images[0], images[2])
    np.testing.assert_array_equal(images[1], pixels(CurvePicture().png(second)))


def test_pictures_have_their_size(curves, setup, wine):
    assert pixels(CurvePicture().png(curves())).shape == (533, 936, 4)
    assert pixels(CurvePicture(with_rate=True).png(curves())).shape == (650, 936, 4)
    assert pixels(still_png(curves(), setup, wine, "width 64 · depth 2 · fits")).shape[:2] == (441, 864)
    still = still_png(curves(setup=setup), setup, wine, "width 64 · depth 2 · fits", with_rate=True)
    assert pixels(still).shape[:2] == (522, 864)


def test_the_still_picture_has_curves_network_and_the_whole_sentence(curves, setup, wine, monkeypatch):
    seen = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: seen.append(figure))
    still_png(curves(is_finished=True), setup, wine, "width 64 · depth 2 · overfits after epoch 8")
    (figure,) = seen
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert {"gap 0.35", "guessing", "input", "output", "width 64 · depth 2", "overfits after epoch 8"} <= set(texts)
    boxes = [figure.axes[0].get_tightbbox(), figure.axes[1].get_window_extent()]
    assert not boxes[0].overlaps(boxes[1])


def test_only_the_panel_of_the_rates_changes_with_them(setup, curves, make_run):
    """Both the plan and the rates of earlier runs, which the panel of the losses does not show."""
    fast, slow = (setup.changed(learning_rate=rate) for rate in (0.002, 0.001))
    picture, plain, seen = CurvePicture(with_rate=True), CurvePicture(), []
    for now, before in ((fast, fast), (fast, slow), (slow, fast)):
        one = curves(make_run(now, FALLING, DIPPING), earlier=((make_run(before, FALLING, DIPPING),),), setup=now)
        seen.append((picture.png(one), plain.png(one)))
    assert len({with_rate for with_rate, _ in seen}) == 3
    assert len({without for _, without in seen}) == 1


def test_earlier_rates_are_drawn_anew_when_the_axis_of_the_rates_changes(setup, curves, make_run):
    earlier, seen = ((make_run(setup.changed(learning_rate=0.005), FALLING, DIPPING),),), []
    for rate in (0.005, 0.00001):
        now = setup.changed(learning_rate=rate)
        seen.append(curves(make_run(now, FALLING, DIPPING), earlier=earlier, setup=now))
    picture = CurvePicture(with_rate=True)
    assert picture.png(seen[0]) != picture.png(seen[1]) == CurvePicture(with_rate=True).png(seen[1])


@pytest.mark.parametrize("is_finished", [False, True])
def test_runs_that_hold_no_number_can_be_drawn(curves, setup, make_run, is_finished):
    bad = make_run(setup, [np.nan] * 5, [np.inf] * 5)
    for runs, count in (((bad,), 2), ((bad, bad), 2 if is_finished else 4), ((make_run(setup, []),), 0)):
        assert len(lines(drawn(curves(*runs, is_finished=is_finished, epochs=5)))) == count
    assert drawn(Curves("regression", (), is_finished=is_finished, epochs=5)) == []


def test_notebook_style_does_not_change_the_picture(curves):
    import matplotlib.pyplot as plt  # noqa: PLC0415

    plain = CurvePicture().png(curves(is_finished=True))
    with plt.rc_context({"figure.constrained_layout.use": True, "axes.grid": False, "figure.dpi": 30}):
        assert CurvePicture().png(curves(is_finished=True)) == plain


# Everybody can read it


@pytest.fixture
def everything(setup, curves, make_run):
    """A function that draws a picture with all the text that it can have, and returns its figure."""

    def everything(with_rate):
        picture = CurvePicture(with_rate=with_rate)
        slow = setup.changed(schedule="halve every 5", epochs=100, learning_rate=5e-5)
        run = make_run(slow, np.linspace(2, 0.6, 20), np.linspace(2, 0.5, 20), train_loss=0.5)
        shown = curves(run, is_finished=True, pinned=(((run,), "width 64"),), top=0.55, guess=0.53, setup=slow)
        for draw in (picture.draw_axes, picture.draw_earlier, picture.draw_runs, picture.draw_pins):
            draw(shown)
        return picture.figure

    return everything


def visible_texts(figure):
    figure.canvas.draw()
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and figure.bbox.overlaps(text.get_window_extent())
    ]


@pytest.mark.parametrize("with_rate", [False, True])
def test_no_text_is_cut_off_and_no_label_meets_another(everything, with_rate):
    figure = everything(with_rate)
    width, height = figure.bbox.size
    texts = visible_texts(figure)
    assert any("▲ training" in text.get_text() for text in texts)
    for text in texts:
        box = text.get_window_extent()
        assert min(box.x0, box.y0) >= 0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text
    for ax in figure.axes:
        label = ax.yaxis.label.get_window_extent()
        assert not any(label.overlaps(tick.get_window_extent()) for tick in ax.get_yticklabels() if tick.get_text())
    legend = figure.legends[0]
    assert legend.get_window_extent().y0 >= figure.axes[-1].bbox.y1  # over the curves, not on them
    boxes = [text.get_window_extent() for text in legend.get_texts()]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_text_can_be_read_on_a_projector_and_on_a_dark_page(wine, setup, everything):
    """At least 4.5:1 (WCAG AA) on white, and inverted, as a dark page shows it, on JupyterLab's dark grey."""
    figure = Figure()
    draw_network(setup.changed(depth=10), wine, ax=figure.add_axes((0, 0, 1, 1)))
    texts = [*visible_texts(everything(True)), *visible_texts(figure)]
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


def test_runs_behind_that_end_above_the_picture_are_named(curves, ending, picture_and_layers):
    picture, _ = picture_and_layers
    low, high = (ending(0.5, 0.6),), (ending(2.0, 2.3),)
    for is_finished in (True, False):
        shown = curves(ending(0.4, 0.5), earlier=(high, low, high), numbers=(7, 2, 1), top=1.2, is_finished=is_finished)
        texts = words([*picture.draw_earlier(shown), *picture.draw_runs(shown)])
        assert "▲ runs 1, 7, above this picture" in texts
        assert "2" in texts
        assert "7" not in texts


# The average of several networks


def test_the_average_is_one_more_line_with_its_name_in_the_legend(curves, setup, make_run):
    runs = tuple(make_run(setup.changed(seed=seed), FALLING, DIPPING) for seed in range(5))
    picture, average = CurvePicture(), tuple(np.array(DIPPING) - 0.05)
    for is_finished in (False, True):
        artists = drawn(curves(*runs, average=average, is_finished=is_finished), picture=picture)
        own = [line for line in lines(artists) if np.array_equal(line.get_ydata(), average)]
        assert len(own) == 1
        assert own[0].get_color() not in {part["color"] for part in PARTS.values()}
    (legend,) = picture.figure.legends
    assert "average of the 5" in [text.get_text() for text in legend.get_texts()]
    drawn(curves(*runs), picture=picture)
    assert "average" not in "".join(text.get_text() for text in picture.figure.legends[0].get_texts())


@pytest.mark.parametrize("is_large", [False, True])
def test_the_legend_with_the_average_is_whole(curves, setup, make_run, is_large):
    runs = tuple(make_run(setup.changed(seed=seed), FALLING, DIPPING) for seed in range(5))
    picture = CurvePicture(is_large=is_large)
    picture.png(curves(*runs, average=tuple(DIPPING)))
    box = picture.figure.legends[0].get_window_extent()
    assert box.x1 <= picture.figure.bbox.x1
    assert box.y1 <= picture.figure.bbox.y1
