"""What is to be seen, as plain values."""

import pytest

from course_utils.explorer.controls import start_setup
from course_utils.explorer.scene import Curves, highest_loss, rate_powers, shows_rate


@pytest.mark.parametrize(
    ("task", "heights"), [("regression", (1.05, 1.75, 2.8)), ("classification", (0.385, 0.595, 0.84))]
)
def test_the_axis_ends_where_it_holds_the_ends_of_all_curves_in_few_steps(task, heights):
    assert highest_loss(task, 0.7) == pytest.approx(heights[0])
    for lower, height in zip((0.1, *heights), heights, strict=False):
        assert highest_loss(task, 0.7, ends=[0.1, 1.01 * lower]) == pytest.approx(height)
    for out_of_sight in (1.01 * heights[-1], float("nan"), float("inf")):
        assert highest_loss(task, 0.7, ends=[0.1, out_of_sight]) == pytest.approx(heights[-1])


def test_without_a_loss_of_guessing_the_axis_ends_as_if_it_were_one():
    assert highest_loss("classification", float("nan")) == highest_loss("classification", 1.0)


def test_the_panel_of_the_rates_is_there_where_the_schedule_can_be_something_else(wine):
    setup = start_setup(wine, {})
    assert shows_rate(("width", "schedule"), setup)
    assert shows_rate(("width",), setup.changed(schedule="cosine"))
    assert not shows_rate(("width", "learning_rate"), setup)


def test_what_is_behind_changes_with_axes_earlier_and_pinned_runs_and_with_nothing_else(wine, make_run):
    setup = start_setup(wine, {})
    one, other = ((make_run(setup, [0.5, 0.4]),) for _ in range(2))
    plain = {"task": "regression", "runs": one, "earlier": (one,), "pinned": ((one, "a"),), "guess": 1.0}
    ground = Curves(**plain).ground
    for same in ({"runs": other}, {"is_finished": True}, {"setup": setup}):
        assert Curves(**{**plain, **same}).ground == ground
    for changed in (
        {"earlier": (other,)},
        {"earlier": ()},
        {"pinned": ((other, "a"),)},
        {"pinned": ((one, "b"),)},
        {"pinned": ()},
        {"numbers": (1, 2)},
        {"task": "classification"},
        {"epochs": 2},
        {"top": 2.0},
        {"rates": (-8, -4)},
        {"guess": 2.0},
    ):
        assert Curves(**{**plain, **changed}).ground != ground


@pytest.mark.parametrize(
    ("rates", "ends"),
    [([1e-3], (-6, -2)), ([1e-5], (-8, -4)), ([10.0], (-2, 2)), ([5e-4], (-7, -3)), ([1e-5, 1.0], (-8, 1))],
)
def test_the_axis_of_rates_ends_at_powers_of_ten_around_them(rates, ends):
    assert rate_powers(rates) == ends
