"""The panel of the learning rates: what was planned, and what happened."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import same_color

from course_utils.explorer.controls import start_setup
from course_utils.explorer.figure import CurvePicture
from course_utils.explorer.rates import rates
from course_utils.explorer.scene import Curves
from course_utils.palette import INK, PIN_COLORS
from course_utils.schedules import learning_rates

EPOCHS = 20
HALVED = [0.005] * 8 + [0.0025] * 4


@pytest.fixture
def setup(wine):
    return start_setup(wine, {"epochs": EPOCHS, "learning_rate": 0.005})


@pytest.fixture
def trained(make_run):
    """A function that makes a run with these rates in its history, or with none."""

    def trained(setup, rate=None, *, epochs=EPOCHS):
        changing = {} if rate is None else {"learning_rate": rate}
        return make_run(setup, [0.5] * epochs, [0.6] * epochs, **changing)

    return trained


def curves(runs, setup, **options):
    return Curves("regression", runs, setup=setup, epochs=EPOCHS, top=1.0, **options)


def panel(curves):
    panel = CurvePicture(with_rate=True).rates
    panel.draw_axes(curves)
    return panel


def drawn(curves):
    """The artists of earlier and pinned runs, and those of the plan and of the runs in front."""
    found = panel(curves)
    return found.draw_earlier(curves), found.draw_runs(curves)


def test_rates_are_those_of_the_history_and_constant_where_it_has_none(setup, trained):
    np.testing.assert_array_equal(rates(trained(setup, epochs=3)), [0.005] * 3)
    np.testing.assert_array_equal(rates(trained(setup, [0.1, 0.05], epochs=2)), [0.1, 0.05])


def test_a_plan_is_a_thin_dotted_line_from_the_start(setup):
    setup = setup.changed(schedule="cosine")
    behind, (plan,) = drawn(curves((), setup))
    assert behind == []
    np.testing.assert_allclose(plan.get_ydata(), learning_rates("cosine", learning_rate=0.005, epochs=20))
    np.testing.assert_array_equal(plan.get_xdata(), range(1, EPOCHS + 1))
    assert plan.get_drawstyle() == "steps-mid"
    assert plan.get_linestyle() != "-"
    assert plan.get_linewidth() == 1
    assert same_color(plan.get_color(), INK)


def test_what_happened_is_a_thick_line_over_the_plan_as_far_as_it_has_come(setup, trained):
    cosine = setup.changed(schedule="cosine")
    happened = learning_rates("cosine", learning_rate=0.005, epochs=20)[:12]
    plan, line = drawn(curves((trained(cosine, happened, epochs=12),), cosine))[1]
    assert len(plan.get_ydata()) == EPOCHS
    np.testing.assert_allclose(line.get_ydata(), happened)
    assert line.get_linestyle() == "-"
    assert line.get_linewidth() > 2
    assert same_color(line.get_color(), INK)


def test_a_plateau_has_no_plan_but_what_happened(setup, trained):
    plateau = setup.changed(schedule="on plateau")
    assert drawn(curves((), plateau)) == ([], [])
    (line,) = drawn(curves((trained(plateau, HALVED, epochs=12),), plateau))[1]
    assert list(line.get_ydata()) == HALVED


def test_earlier_runs_are_faint_and_pinned_ones_in_their_colours(setup, trained):
    halved = trained(setup, np.linspace(0.005, 0.001, EPOCHS))
    pinned = (((halved,), "halved"), ((trained(setup),), "constant"))
    earlier, *pins = drawn(curves((), None, earlier=((trained(setup),),), pinned=pinned))[0]
    assert [line.get_ydata()[-1] for line in (earlier, *pins)] == [0.005, 0.001, 0.005]
    assert same_color(earlier.get_color(), INK)
    assert earlier.get_alpha() <= 0.3
    assert [line.get_color() for line in pins] == list(PIN_COLORS[:2])


def test_seeds_that_differ_are_lines_while_they_run_and_then_a_median_in_a_band(setup, trained):
    setup = setup.changed(schedule="on plateau")
    runs = tuple(trained(setup, [0.005] * (5 + i) + [0.0025] * (15 - i)) for i in range(3))
    running = drawn(curves(runs, setup))[1]
    assert [list(line.get_ydata()).count(0.005) for line in running] == [5, 6, 7]
    assert {(line.get_linewidth(), line.get_alpha()) for line in running} == {(1.2, 0.6)}
    band, line = drawn(curves(runs, setup, is_finished=True))[1]
    assert list(line.get_ydata()) == [0.005] * 6 + [0.0025] * 14
    assert isinstance(band, PolyCollection)
    x, y = band.get_paths()[0].vertices.T
    ends = [(y[np.isclose(x, epoch)].min(), y[np.isclose(x, epoch)].max()) for epoch in (1, 20)]
    assert ends == [(0.005, 0.005), (0.0025, 0.0025)]
    apart = x[np.isclose(y, 0.0025)].min(), x[np.isclose(y, 0.005)].max()
    assert apart == (5.5, 7.5)  # from the first seed that fell to the last


def test_the_axis_ends_where_it_is_told(setup):
    found = panel(curves((), setup, rates=(-8, -4)))
    assert found.ax.get_ylim() == pytest.approx([1e-8, 1e-4])
    assert found.ax.get_yscale() == "log"
    assert found.ax.get_ylabel() == "learning rate"


@pytest.mark.parametrize("ends", [(-8, 2), (-2, 2), (-6, -2)])
def test_the_axis_has_at_most_four_numbers_written_as_in_the_field(setup, ends):
    ax = panel(curves((), setup, rates=ends)).ax
    ax.figure.canvas.draw()
    texts = [text.get_text() for text in ax.get_yticklabels()]
    assert 2 <= len(texts) <= 4
    assert [float(text) for text in texts] == pytest.approx(list(ax.get_yticks()))
    assert float(texts[0]) == 10.0 ** ends[1]


def words(artists):
    return [one.get_text() for one in artists if hasattr(one, "get_text")]


def test_a_rate_that_falls_out_of_the_panel_is_told_in_words(setup, trained):
    long = setup.changed(schedule="halve every 5", epochs=100)
    assert words(drawn(curves((), long))[1]) == ["▼ 1e-08 at the end"]
    assert words(drawn(curves((), setup.changed(schedule="halve every 5")))[1]) == []
    plateau = setup.changed(schedule="on plateau")
    fallen = (trained(plateau, np.geomspace(0.005, 2e-7, EPOCHS)),)
    assert words(drawn(curves(fallen, plateau))[1]) == []  # it goes on, and may end anywhere
    assert words(drawn(curves(fallen, plateau, is_finished=True))[1]) == ["▼ 2e-07 at the end"]
