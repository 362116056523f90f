import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from course_utils.explorer_controls import start_setup
from course_utils.explorer_network import draw_network, network_png
from course_utils.explorer_view import CurvePicture, Curves, highest_loss, still_png
from course_utils.explorer_worker import Trained


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


def test_every_part_is_seen(setup):
    picture, runs = CurvePicture(), group(setup, 0.5)
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
    assert dots(width=4)[2] < dots(width=64)[2] < dots(width=512)[2]


def test_pictures_are_png_files_of_the_right_size(wine, setup):
    assert pixels(network_png(setup.changed(batch_norm=True), wine)).shape[2] == 4
    still = still_png(Curves("regression", group(setup, 0.5), epochs=20), setup, wine, "width 64 · depth 2 · fits")
    assert pixels(still).shape[:2] == (441, 864)
