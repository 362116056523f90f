"""What the panels of the picture share."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from course_utils.explorer.panel import LARGE, draw_series, median, style_axes


@pytest.fixture
def ax():
    return Figure().add_axes((0, 0, 1, 1))


def test_median_goes_as_far_as_the_shortest_run_that_has_begun():
    assert median([[1, 2, 3], [3, 4], [8, 9, 9]]).tolist() == [3, 4]
    assert median([[1, 2], [], [3, 4]]).tolist() == [2, 3]
    assert median([[], []]).tolist() == median([]).tolist() == []


def test_a_series_is_a_line_by_epochs_from_1(ax):
    (line,) = draw_series(ax, [[3, 2, 1]], color="red", linewidth=3, alpha=0.5)
    assert line.get_xydata().tolist() == [[1, 3], [2, 2], [3, 1]]
    assert (line.get_color(), line.get_linewidth(), line.get_alpha()) == ("red", 3, 0.5)
    assert line.get_marker() == "None"
    assert line.get_drawstyle() == "default"
    assert line.axes is ax


def test_several_series_are_a_median_and_where_it_is_asked_for_a_band(ax):
    series = [[1, 5, 7], [2, 3], [], [6, 4]]
    (line,) = draw_series(ax, series, color="red")
    assert line.get_ydata().tolist() == [2, 4]
    band, line = draw_series(ax, series, color="red", band=True)
    assert isinstance(band, PolyCollection)
    x, y = band.get_paths()[0].vertices.T
    assert [(y[x == epoch].min(), y[x == epoch].max()) for epoch in (1, 2)] == [(1, 6), (3, 5)]
    assert len(draw_series(ax, series[:1], color="red", band=True)) == 1


def test_one_value_is_a_dot_and_none_is_nothing(ax):
    (dot,) = draw_series(ax, [[0.5]], color="red")
    assert dot.get_marker() == "o"
    assert draw_series(ax, [[], []], color="red", band=True) == draw_series(ax, [], color="red") == []


def test_steps_hold_a_value_for_a_whole_epoch(ax):
    band, line = draw_series(ax, [[1, 2], [3, 4]], color="red", band=True, steps=True)
    assert line.get_drawstyle() == "steps-mid"
    assert 1.5 in band.get_paths()[0].vertices[:, 0]
    np.testing.assert_array_equal(line.get_ydata(), [2, 3])


@pytest.mark.parametrize(("epochs", "ticks"), [(1, [1, 2]), (5, [1, 2, 3, 4, 5]), (100, [20, 40, 60, 80, 100])])
def test_axes_have_whole_epochs(ax, epochs, ticks):
    ax.plot([1, 2], [3, 4])
    style_axes(ax, epochs=epochs, ylabel="loss")
    assert not ax.get_lines()  # cleared
    assert ax.get_xlim() == (1, max(2, epochs))
    low, high = ax.get_xlim()
    assert [tick for tick in ax.get_xticks() if low <= tick <= high] == ticks
    assert (ax.get_ylabel(), ax.yaxis.label.get_fontsize()) == ("loss", LARGE)
    assert [side for side, spine in ax.spines.items() if spine.get_visible()] == ["left", "bottom"]
