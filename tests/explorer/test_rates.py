import numpy as np
import pytest

from course_utils.explorer.controls import start_setup
from course_utils.explorer.curves import Curves
from course_utils.explorer.figure import CurvePicture
from course_utils.explorer.progress import Trained
from course_utils.explorer.rates import planned_rates, rates, shows_rate
from course_utils.schedules import SCHEDULES, learning_rates


@pytest.fixture
def setup(wine):
    return start_setup(wine, {"epochs": 20, "learning_rate": 0.005})


def trained(setup, rate=None, *, epochs=20):
    history = {"loss": [0.5] * epochs, "val_loss": [0.6] * epochs}
    return Trained(setup, history if rate is None else {**history, "learning_rate": list(rate)}, 0.5)


def curves(runs, setup, **options):
    return Curves("regression", runs, setup=setup, epochs=20, top=1.0, **options)


def lines(*shown):
    """The y values of all lines in the panel, as they are drawn."""
    panel = CurvePicture(with_rate=True).rates
    panel.draw_axes(*shown)
    return [np.asarray(line.get_ydata()) for line in [*panel.draw_earlier(*shown), *panel.draw_runs(*shown)]]


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("epochs", [1, 5, 100])
def test_planned_rates_are_those_of_the_schedule(name, epochs):
    found, expected = (make(name, learning_rate=0.02, epochs=epochs) for make in (planned_rates, learning_rates))
    if expected is None:
        assert found is None
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_rates_are_those_of_the_history_and_constant_where_it_has_none(setup):
    np.testing.assert_array_equal(rates(trained(setup, epochs=3)), [0.005] * 3)
    np.testing.assert_array_equal(rates(trained(setup, [0.1, 0.05], epochs=2)), [0.1, 0.05])


def test_the_panel_is_there_where_the_schedule_can_be_something_else(setup):
    assert shows_rate(("width", "schedule"), setup)
    assert shows_rate(("width",), setup.changed(schedule="cosine"))
    assert not shows_rate(("width", "learning_rate"), setup)


def test_a_plan_is_drawn_before_training_and_what_happened_on_a_plateau_afterwards(setup):
    cosine, plateau = setup.changed(schedule="cosine"), setup.changed(schedule="on plateau")
    (plan,) = lines(curves((), cosine))
    np.testing.assert_allclose(plan, learning_rates("cosine", learning_rate=0.005, epochs=20), rtol=1e-4)
    assert lines(curves((), plateau)) == []
    (happened,) = lines(curves((trained(plateau, [0.005] * 8 + [0.0025] * 4, epochs=12),), plateau))
    assert list(happened) == [0.005] * 8 + [0.0025] * 4


def test_earlier_and_pinned_runs_have_their_rates(setup):
    halved = trained(setup, np.linspace(0.005, 0.001, 20))
    found = lines(curves((), None, earlier=((trained(setup),),), pinned=(((halved,), "halved"),)))
    assert [line[-1] for line in found] == [0.005, 0.001]


def test_seeds_that_differ_are_lines_while_they_run_and_then_a_median(setup):
    setup = setup.changed(schedule="on plateau")
    runs = tuple(trained(setup, [0.005] * (5 + i) + [0.0025] * (15 - i)) for i in range(3))
    assert len(lines(curves(runs, setup))) == 3
    panel = CurvePicture(with_rate=True).rates
    band, line = panel.draw_runs(curves(runs, setup, is_finished=True))
    assert list(line.get_ydata()) == [0.005] * 6 + [0.0025] * 14
    assert len(band.get_paths()) == 1


@pytest.mark.parametrize(("rate", "ends"), [(1e-3, (-6, -2)), (1e-5, (-8, -4)), (10.0, (-2, 2)), (5e-4, (-7, -3))])
def test_the_axis_ends_at_powers_of_ten_around_the_highest_rate(setup, rate, ends):
    panel, setup = CurvePicture(with_rate=True).rates, setup.changed(learning_rate=rate)
    assert panel.limits(curves((), setup)) == ends
    assert panel.limits(curves((), setup.changed(schedule="halve every 5"))) == ends


def test_a_rate_that_falls_out_of_the_panel_is_told_in_words(setup):
    picture, setup = CurvePicture(with_rate=True), setup.changed(schedule="halve every 5", epochs=100)
    picture.rates.draw_axes(curves((), setup))
    picture.rates.draw_runs(curves((), setup))
    assert [text.get_text() for text in picture.rates.ax.texts] == ["▼ 1e-08 at the end"]
