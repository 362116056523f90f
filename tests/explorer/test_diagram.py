"""The drawing of the network: every test asks the artists of its axes."""

import io

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.image import imread

from course_utils.explorer.anatomy import Anatomy
from course_utils.explorer.controls import start_setup
from course_utils.explorer.diagram import draw_layers, draw_network, layers_png, network_png
from course_utils.palette import PARTS


@pytest.fixture
def draw(wine):
    """A function that draws a network for the wines, whose 11 features are its inputs."""

    def draw(data=wine, **settings):
        return draw_network(start_setup(data, settings), data, ax=Figure().add_axes((0, 0, 1, 1)))

    return draw


def layers(ax):
    """The dots, layer by layer: those that are there, and those that are left out."""
    return [one for one in ax.collections if isinstance(one, PathCollection) and len(one.get_offsets())]


def units(ax, *, hollow=False):
    """The places of all units that are there, or that are left out, rounded so that they can be compared."""
    found = [one for one in layers(ax) if same_color(one.get_facecolor()[0], "white") == hollow]
    return {(round(x, 6), round(y, 6)) for one in found for x, y in one.get_offsets().tolist()}


def column(places, number):
    return {y for x, y in places if x == number}


def edges(ax):
    (lines,) = (one for one in ax.collections if isinstance(one, LineCollection))
    return {tuple(tuple(np.round(end, 6).tolist()) for end in line) for line in lines.get_segments()}


def bars(ax):
    """The columns that have a bar in front of them, and its height."""
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) == 2 and len(set(line.get_xdata())) == 1]
    return {round(line.get_xdata()[0] + 0.3): np.ptp(line.get_ydata()) for line in lines}


def words(ax):
    return [text.get_text() for text in ax.texts]


def ellipses(ax):
    return [line.get_xdata()[0] for line in ax.get_lines() if line.get_marker() == "o"]


@pytest.mark.parametrize("depth", [0, 1, 6, 7, 10])
def test_there_is_a_column_for_each_layer(draw, depth):
    places = units(draw(depth=depth, width=4))
    assert {x for x, _ in places} == set(range(depth + 2))
    assert len(column(places, 0)) == 11
    assert all(len(column(places, layer)) == 4 for layer in range(1, depth + 1))
    assert len(column(places, depth + 1)) == 1


def test_input_hidden_layers_and_output_have_their_colours(draw):
    ax = draw(depth=2, width=4)
    colors = {}
    for one in layers(ax):
        colors.setdefault(round(one.get_offsets()[0][0]), []).append(one.get_facecolor()[0])
    assert [len(found) for found in colors.values()] == [1] * 4
    assert all(same_color(colors[layer][0], PARTS["validation"]["color"]) for layer in (1, 2))
    assert same_color(colors[3][0], PARTS["training"]["color"])
    assert not any(same_color(colors[0][0], style["color"]) for style in PARTS.values())


@pytest.mark.parametrize(("width", "dots"), [(4, 4), (10, 10), (12, 12), (13, 12), (64, 14), (512, 17)])
def test_nobody_counts_wrongly(draw, width, dots):
    """Either all units are drawn, or an ellipsis says that there are more; and the number stands below."""
    ax = draw(width=width, depth=1)
    assert len(column(units(ax), 1)) == dots
    assert ellipses(ax) == ([1] if dots < width else [])
    if dots < width:
        assert min(map(abs, column(units(ax), 1))) > 0.15  # room for it
    assert words(ax) == ["input", "output", "11", f"{width:,}", "1"]


def test_a_wider_layer_is_taller_up_to_twelve_units(draw):
    heights = [np.ptp(list(column(units(draw(width=width, depth=1)), 1))) for width in (2, 4, 8, 12, 64)]
    assert heights == sorted(heights)
    assert heights[0] == pytest.approx(2 / 11)  # the same distance between units everywhere
    assert heights[-1] == heights[-2] == pytest.approx(2)


def test_every_two_units_of_neighbouring_layers_are_connected(draw):
    ax = draw(width=4, depth=2)
    places = units(ax)
    assert edges(ax) == {(one, other) for one in places for other in places if other[0] == one[0] + 1}
    assert len(edges(ax)) == 11 * 4 + 4 * 4 + 4


@pytest.mark.parametrize(("dropout", "left_out"), [(0.0, 0), (0.1, 1), (0.5, 5), (0.9, 9)])
def test_dropout_leaves_hidden_units_out_hollow_and_without_edges(draw, dropout, left_out):
    ax = draw(width=10, depth=2, dropout=dropout)
    hollow, present = units(ax, hollow=True), units(ax)
    assert [len(column(hollow, layer)) for layer in range(4)] == [0, left_out, left_out, 0]
    assert [len(column(present, layer)) for layer in range(4)] == [11, 10 - left_out, 10 - left_out, 1]
    assert not hollow & present
    ends = {end for edge in edges(ax) for end in edge}
    assert ends == present
    rims = [one.get_edgecolor()[0] for one in layers(ax) if same_color(one.get_facecolor()[0], "white")]
    assert len(rims) == (2 if dropout else 0)
    assert all(same_color(rim, PARTS["validation"]["color"]) for rim in rims)


def test_the_same_units_are_left_out_each_time(draw):
    assert units(draw(dropout=0.5, width=12)) == units(draw(dropout=0.5, width=12))


def test_batch_norm_is_a_bar_in_front_of_every_hidden_layer(draw):
    assert bars(draw(depth=3, width=8)) == {}
    found = bars(draw(depth=3, width=8, batch_norm=True))
    assert list(found) == [1, 2, 3]
    tall = np.ptp(list(column(units(draw(depth=1, width=8)), 1)))
    assert all(tall < height < tall + 0.5 for height in found.values())
    assert bars(draw(depth=0, batch_norm=True)) == {}


def test_many_layers_have_one_number_and_a_line_under_all_of_them(draw):
    ax = draw(width=512, depth=10)
    assert words(ax) == ["input", "output", "11", "1", "10 layers of 512"]
    assert [list(line.get_xdata()) for line in ax.get_lines() if line.get_marker() != "o"] == [[1, 10]]
    assert "6 layers of 512" not in words(draw(width=512, depth=6))


def test_words_stand_in_the_picture_and_apart(draw, mnist):
    for settings in ({"depth": 0}, {"depth": 1}, {"depth": 6, "width": 512}, {"depth": 10, "width": 512}):
        for data in (None, mnist):
            ax = draw(**settings) if data is None else draw(data, **settings)
            ax.figure.set(figwidth=3.4, figheight=1.55, dpi=150)
            ax.figure.canvas.draw()
            boxes = [text.get_window_extent() for text in ax.texts]
            width, height = ax.figure.bbox.size
            assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
            assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_the_drawing_is_a_png_file_on_a_transparent_ground(wine):
    image = imread(io.BytesIO(network_png(start_setup(wine, {"batch_norm": True}), wine)))
    assert image.shape == (232, 510, 4)
    assert image[0, 0, 3] == 0
    assert image[..., 3].max() == 1


# A model of the reader's


def anatomy(*layers):
    return Anatomy(layers, sum(parameters for *_, parameters in layers), "loss", "loss", 1.0, 1.0, False)


def test_layers_are_listed_with_shapes_and_parameters():
    ax = draw_layers(anatomy(("Conv2D", "13×13×8", 80), ("Flatten", "288", 0)), ax=Figure().add_subplot())
    words = [text.get_text() for text in ax.texts]
    assert words == ["layer", "output", "parameters", "Conv2D", "13×13×8", "80", "Flatten", "288", "", "all", "", "80"]


def test_a_long_list_is_shortened_in_its_middle_and_a_long_name_at_its_end():
    layers = [("GlobalAveragePooling2D", "4", 0), *[("Dense", str(i), 1) for i in range(20)], ("Softmax", "10", 0)]
    ax = draw_layers(anatomy(*layers), ax=Figure().add_subplot())
    words = [text.get_text() for text in ax.texts]
    assert "… 15 more" in words
    assert "GlobalAveragePo…" in words
    assert "Softmax" in words
    assert len(words) == 3 * 10
    assert layers_png(anatomy(*layers)).startswith(b"\x89PNG")
