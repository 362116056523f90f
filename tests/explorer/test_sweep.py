"""A sweep as plain values and as a picture; nothing is trained."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from course_utils.explorer.control import Control
from course_utils.explorer.controls import CONTROLS, start_setup
from course_utils.explorer.progress import Progress
from course_utils.explorer.sweep import Sweep, finished_groups, setups_of, sweep_status, sweep_summary
from course_utils.explorer.sweep_figure import SweepPicture, draw_sweep

WIDTH = CONTROLS["width"]


@pytest.fixture
def group(wine, make_run):
    """A function that makes the runs of one width, from their lowest losses; each ends 0.1 higher."""

    def group(width, *lowest, epochs=3):
        setup = start_setup(wine, {"width": width, "epochs": epochs})
        return tuple(
            make_run(setup.changed(seed=seed), [1.0] * epochs, [loss + 0.2, loss, loss + 0.1][:epochs])
            for seed, loss in enumerate(lowest)
        )

    return group


@pytest.fixture
def sweep(group):
    groups = group(4, 0.50, 0.51, 0.52), group(8, 0.40, 0.41, 0.42), group(16, 0.41, 0.43, 0.42)
    return Sweep(WIDTH, WIDTH.values, groups, seeds=3, guess=0.7, plane=0.49, loss_label="MAE")


@pytest.mark.parametrize("name", [name for name, control in CONTROLS.items() if control.is_slider])
def test_a_sweep_goes_over_the_whole_slider_in_about_ten_values(wine, mnist, name):
    control = CONTROLS[name]
    setups = setups_of(start_setup(mnist, {"width": 16}), control, 2)
    values = [setup.value(name) for setup in setups[::2]]
    assert 8 <= len(values) <= 11
    assert (values[0], values[-1]) == (control.values[0], control.values[-1])
    assert values == sorted(values)
    assert [setup.settings.seed for setup in setups[:4]] == [0, 1, 0, 1]
    assert {setup.settings.width for setup in setups} == ({16} if name != "width" else set(values))


def test_what_is_no_slider_cannot_be_swept(wine):
    with pytest.raises(ValueError, match="'optimizer' is no slider"):
        setups_of(start_setup(wine, {}), CONTROLS["optimizer"], 5)


@pytest.mark.parametrize(
    ("values", "scale"),
    [((4, 8, 16), "log"), ((0, 1, 2), "linear"), ((0.0, 0.01, 0.1), "symlog"), ((3,), "linear")],
)
def test_the_axis_is_that_of_the_slider(values, scale):
    control = Control("x", "x", "X.", values, "number")
    assert control.scale == scale
    assert control.spread(10) == values
    if len(values) > 1:
        assert draw_sweep(Sweep(control, values), ax=Figure().add_subplot()).get_xscale() == scale


def test_a_value_is_finished_with_the_last_epoch_of_its_last_seed(group):
    first, second = group(4, 0.5, 0.5), group(8, 0.5, 0.5)
    assert finished_groups(Progress(1, "training", (*first, *second)), 2) == (first, second)
    assert finished_groups(Progress(1, "training", (*first, second[0])), 2) == (first,)
    short = second[0].of(second[0].setup, {"loss": [1.0], "val_loss": [1.0]})
    assert finished_groups(Progress(1, "training", (*first, short, second[1])), 2) == (first,)


def test_the_table_has_a_row_for_each_run(sweep):
    table = sweep.table
    assert list(table.columns) == ["width", "seed", "best", "last"]
    assert table.width.tolist() == [4] * 3 + [8] * 3 + [16] * 3
    assert table.seed.tolist() == [0, 1, 2] * 3
    assert table.iloc[4].tolist() == pytest.approx([8, 1, 0.41, 0.51])


def test_the_sentence_says_on_what_the_best_value_was_chosen(sweep):
    words = sweep_summary(sweep, "MAE", "depth 2")
    assert "sweep of width from 4 to 512: 8 values × 3 seeds, 3 finished · depth 2 · lowest" in words
    assert "lowest validation MAE 0.41 (0.40–0.42) at width 8, chosen on validation" in words
    assert "lowest at the end 0.51 at width 8" in words
    assert words.endswith("not clearly worse: 16")  # and 4 is
    assert sweep_summary(Sweep(WIDTH, WIDTH.values, seeds=3), "MAE", "").endswith("8 values × 3 seeds")


def test_runs_without_a_finite_loss_are_infinite_and_never_chosen(group):
    lost = group(4, float("nan"), float("nan"))
    sweep = Sweep(WIDTH, WIDTH.values, (lost,), seeds=2)
    assert np.isinf(sweep.table[["best", "last"]]).all(axis=None)
    assert sweep.chosen is None
    assert "no finite validation loss" in sweep_summary(sweep, "MAE", "")
    draw_sweep(sweep, ax=Figure().add_subplot())
    with_other = Sweep(WIDTH, WIDTH.values, (lost, group(8, 0.4, 0.4)), seeds=2, guess=0.7)
    assert with_other.trained[with_other.chosen] == 8
    ax = draw_sweep(with_other, ax=Figure().add_subplot())
    assert any("▲ width 4: at the end above this picture" in text.get_text() for text in ax.texts)


def test_the_status_tells_value_and_epoch(sweep, group):
    runs = sum(sweep.groups, ())
    under_way = tuple(run.of(run.setup, {"loss": [1.0], "val_loss": [1.0]}) for run in group(32, 0.4, 0.4, 0.4))
    growing = Progress(1, "training", (*runs, *under_way), under_way=3)
    assert sweep_status(sweep, growing) == "width 32 · value 4 of 8 · epoch 1 of 3"
    assert sweep_status(sweep, Progress(1, "stopped", growing.runs)).startswith("stopped at width 32 ")
    assert sweep_status(sweep, Progress(1, "preparing")) == "8 values · preparing …"
    assert sweep_status(sweep, Progress(1, "finished", runs)) == "finished"


def test_both_losses_are_drawn_with_their_bands_and_the_lines_to_beat(sweep):
    ax = draw_sweep(sweep, ax=Figure().add_subplot())
    lines = {line.get_color(): line for line in ax.lines if len(line.get_xdata()) == 3}
    assert sorted(np.median(line.get_ydata()) for line in lines.values()) == pytest.approx([0.42, 0.52])
    assert len(ax.collections) == 2
    words = [text.get_text() for text in ax.texts]
    assert {"guessing", "plane", "width 8: chosen on validation"} <= set(words)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [str(value) for value in WIDTH.values]
    low, top = ax.get_ylim()
    assert 0 < low < 0.4
    assert top > 0.62


@pytest.mark.parametrize("with_rate", [False, True])
@pytest.mark.parametrize("is_large", [False, True])
def test_its_picture_has_the_size_of_that_of_the_curves(sweep, with_rate, is_large):
    png = SweepPicture(with_rate=with_rate, is_large=is_large).png(sweep)
    pixels = imread(io.BytesIO(png))
    height, width = pixels.shape[:2]
    assert pixels[0, 0, 3] == 0  # the page shows through, in its own colour
    assert (width, height) == (936, 650 if with_rate else 533)


def test_chosen_is_the_value_with_the_lowest_best_epochs_not_the_lowest_ends(wine, make_run):
    start = start_setup(wine, {"epochs": 2})
    dips, flat = (
        (make_run(start.changed(width=width), [1.0, 1.0], losses),)
        for width, losses in ((4, [0.40, 0.60]), (8, [0.45, 0.45]))
    )
    sweep = Sweep(WIDTH, WIDTH.values, (dips, flat), guess=0.7)
    assert sweep.trained[sweep.chosen] == 4
    words = sweep_summary(sweep, "MAE", "")
    assert "lowest validation MAE 0.40 at width 4, chosen on validation" in words
    assert "lowest at the end 0.45 at width 8" in words
