"""Colours: nothing that has to be told apart looks alike, and all of it can be seen on white."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from course_utils.palette import ACCURACY, CROSS_ENTROPY, HUES, INK, MAE, PARTS, PIN_COLORS, STATUS_COLORS


def luminance(color):
    """As WCAG 2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast_on_white(color):
    return 1.05 / (luminance(color) + 0.05)


@pytest.mark.parametrize("group", [PIN_COLORS, HUES, [style["color"] for style in PARTS.values()]])
def test_colours_of_one_figure_differ(group):
    for one, other in itertools.combinations(group, 2):
        assert np.linalg.norm(np.subtract(to_rgb(one), to_rgb(other))) > 0.2, (one, other)


def test_no_pin_and_no_hue_takes_a_colour_of_training_or_validation():
    for part, color in itertools.product(PARTS.values(), (*PIN_COLORS, *HUES)):
        assert np.linalg.norm(np.subtract(to_rgb(part["color"]), to_rgb(color))) > 0.2, color


def test_the_parts_differ_without_their_colours():
    assert {name: style["linestyle"] for name, style in PARTS.items()} == {"training": "--", "validation": "-"}


@pytest.mark.parametrize("color", [style["color"] for style in PARTS.values()])
def test_curves_can_be_seen_on_white(color):
    assert contrast_on_white(color) >= 3  # WCAG's bound for graphics


def test_text_can_be_read_on_white():
    assert contrast_on_white(INK) >= 7


def test_every_status_has_a_colour_and_what_runs_is_not_that_of_what_failed():
    assert {"preparing", "training", "finished", "stopped", "failed", "closed"} == set(STATUS_COLORS)
    assert len({STATUS_COLORS[status] for status in ("training", "finished", "stopped", "failed")}) == 4


@pytest.mark.parametrize("label", [ACCURACY, CROSS_ENTROPY, MAE])
def test_axis_labels_end_in_their_unit(label):
    assert label.endswith(")")
