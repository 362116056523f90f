"""Plots draw into the axes they are given, the same sets in the same style, with units."""

import keras
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color, to_rgb

from course_utils import plots
from course_utils.baselines import guessing_loss, linear_loss
from course_utils.evidence import repeat

HISTORY = {"loss": [3.0, 2.0, 1.0], "val_loss": [4.0, 2.5, 3.5], "accuracy": [0.1, 0.5, 0.9]}
TABLE = pd.DataFrame(
    {"width": [4, 4, 4, 64, 64, 64], "loss": [1, 2, 6, 4, 5, 9], "val_loss": [3, 4, 5, 7, 8, 9], "best": [0.0] * 6}
)


class Finished:
    """Stands for a Run or a Keras History."""

    history = HISTORY


@pytest.fixture(autouse=True)
def clean_pyplot(monkeypatch):
    """No plot shows a figure, and none outlives its test."""

    def show(*_, **__):
        raise AssertionError("plt.show was called")

    monkeypatch.setattr(plt, "show", show)
    with mpl.rc_context():
        yield
    plt.close("all")


@pytest.fixture
def ax():
    return plt.subplots()[1]


@pytest.fixture
def three_seeds():
    """A table of seeds 1, 2 and 6: losses 10, 20 and 60 in the first epoch, 1, 2 and 6 in the second."""

    def train(seed):
        history = keras.callbacks.History()
        history.history = {"loss": [10 * seed, seed], "val_loss": [seed, 10 * seed]}
        return history

    return repeat(train, seeds=[1, 2, 6])


def lines(ax):
    return {line.get_label().split()[0]: line for line in ax.get_lines() if not line.get_label().startswith("_")}


DRAWINGS = [
    lambda **options: plots.learning_curves(HISTORY, **options),
    lambda **options: plots.loss_against(TABLE, "width", **options),
]
ALL_DRAWINGS = [*DRAWINGS, lambda **options: plots.seed_dots(TABLE, "width", **options)]


@pytest.mark.parametrize("draw", ALL_DRAWINGS)
def test_the_given_axes_are_drawn_into_and_returned(draw):
    _, (first, second) = plt.subplots(1, 2)  # the second would be the current one
    assert draw(ax=first) is first
    assert first.has_data()
    assert not second.has_data()
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize("draw", ALL_DRAWINGS)
def test_without_axes_a_new_figure_is_made(draw, ax):
    assert draw().figure is not ax.figure
    assert not ax.has_data()


@pytest.mark.parametrize("draw", DRAWINGS)
def test_each_set_has_its_own_colour_and_line_in_every_figure(draw):
    styles = {
        name: (line.get_color(), line.get_linestyle()) for name, line in lines(draw()).items() if name in plots.PARTS
    }
    assert styles == {name: (style["color"], style["linestyle"]) for name, style in plots.PARTS.items()}
    assert styles["validation"][1] == "-" != styles["training"][1]
    assert styles["validation"][0] != styles["training"][0]


@pytest.mark.parametrize("draw", DRAWINGS)
@pytest.mark.parametrize("label", [plots.MAE, plots.ACCURACY, plots.CROSS_ENTROPY])
def test_axis_label_carries_the_unit(draw, label):
    ax = draw(ylabel=label, title="A title")
    assert ax.get_ylabel() == label
    assert "(" in label
    assert ax.get_title() == "A title"
    assert ax.get_legend() is not None


@pytest.mark.parametrize("run", [HISTORY, Finished()])
def test_learning_curves_show_the_history_by_epochs_from_1(run):
    drawn = lines(plots.learning_curves(run))
    for name, column in (("training", "loss"), ("validation", "val_loss")):
        np.testing.assert_array_equal(drawn[name].get_xdata(), [1, 2, 3])
        np.testing.assert_array_equal(drawn[name].get_ydata(), HISTORY[column])


def test_epochs_are_whole_numbers():
    ax = plots.learning_curves(HISTORY)
    ticks = [tick for tick in ax.get_xticks() if ax.get_xlim()[0] <= tick <= ax.get_xlim()[1]]
    assert ticks == [1, 2, 3]
    assert ax.get_xlabel() == "epoch"


def test_best_epoch_is_marked_and_named():
    ax = plots.learning_curves(HISTORY)
    assert list(lines(ax)["lowest"].get_xdata()) == [2, 2]
    assert "epoch 2" in " ".join(text.get_text() for text in ax.get_legend().get_texts())
    assert "lowest" not in lines(plots.learning_curves(HISTORY, best=False))


def test_best_epoch_of_another_metric_is_that_of_the_loss():
    drawn = lines(plots.learning_curves({**HISTORY, "val_accuracy": [0.9, 0.1, 0.1]}, metric="accuracy"))
    assert list(drawn["lowest"].get_xdata()) == [2, 2]
    np.testing.assert_array_equal(drawn["validation"].get_ydata(), [0.9, 0.1, 0.1])


def test_training_alone_is_drawn_without_a_mark():
    assert list(lines(plots.learning_curves({"loss": [2.0, 1.0]}))) == ["training"]


def test_several_seeds_are_a_median_with_a_band(three_seeds):
    ax = plots.learning_curves(three_seeds)
    np.testing.assert_array_equal(lines(ax)["training"].get_ydata(), [20, 2])
    np.testing.assert_array_equal(lines(ax)["validation"].get_ydata(), [2, 20])
    bands = [band.get_paths()[0].get_extents() for band in ax.collections]
    assert [(band.ymin, band.ymax) for band in bands] == [(1, 60), (1, 60)]
    assert list(lines(ax)["lowest"].get_xdata()) == [1, 1]


def test_several_settings_are_not_mixed_into_one_median(three_seeds, ax):
    table = pd.concat([three_seeds.assign(width=width)[["width", *three_seeds]] for width in (4, 64)])
    with pytest.raises(ValueError, match="width"):
        plots.learning_curves(table, ax=ax)


def test_one_run_has_no_band():
    assert len(plots.learning_curves(HISTORY).collections) == 0


def test_mark_best_marks_nothing_without_an_epoch(ax):
    assert plots.mark_best(None, ax=ax) is ax
    assert not ax.get_lines()
    assert plots.mark_best(7, label="chosen", ax=ax) is ax
    assert ax.get_lines()[0].get_label() == "chosen: epoch 7"


def test_loss_against_draws_median_range_and_every_seed():
    ax = plots.loss_against(TABLE, "width")
    drawn = lines(ax)
    np.testing.assert_array_equal(drawn["training"].get_xydata(), [[4, 2], [64, 5]])
    np.testing.assert_array_equal(drawn["validation"].get_xydata(), [[4, 4], [64, 8]])
    assert [band.get_paths()[0].get_extents().ymin for band in ax.collections] == [1, 3]
    dots = [line.get_ydata().tolist() for line in ax.get_lines() if line.get_label().startswith("_")]
    assert dots == [TABLE["loss"].tolist(), TABLE["val_loss"].tolist()]


def test_loss_against_has_a_tick_at_every_value_tried():
    ax = plots.loss_against(TABLE.replace({"width": {64: 4096}}), "width", xlabel="width (units)")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["4", "4,096"]
    assert (ax.get_xscale(), ax.get_xlabel()) == ("log", "width (units)")


def test_loss_against_on_a_linear_axis_and_other_columns():
    ax = plots.loss_against(TABLE, "width", log=False, columns={"validation": "best"})
    assert (ax.get_xscale(), ax.get_xlabel()) == ("linear", "width")
    assert list(lines(ax)) == ["validation"]
    np.testing.assert_array_equal(lines(ax)["validation"].get_ydata(), [0, 0])


def dots(ax):
    return sorted(tuple(offset) for points in ax.collections for offset in points.get_offsets().tolist())


def test_seed_dots_show_every_seed_and_the_median():
    ax = plots.seed_dots(TABLE, "width", "loss", xlabel=plots.MAE)
    assert dots(ax) == [(1, 0), (2, 0), (4, 1), (5, 1), (6, 0), (9, 1)]
    bars = [x for line in ax.get_lines() for x in line.get_xdata()]
    assert bars == [2, 5]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["4", "64"]
    assert ax.get_xlabel() == plots.MAE


@pytest.mark.parametrize(("sort", "order"), [(False, ["4", "64"]), (True, ["64", "4"])])
def test_seed_dots_stand_in_the_order_of_the_table_or_of_their_medians(sort, order):
    ax = plots.seed_dots(TABLE.assign(val_loss=-TABLE["val_loss"]), "width", sort=sort)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == order
    assert [x for x, y in dots(ax) if y == order.index("64")] == [-9, -8, -7]


def test_seed_dots_are_of_the_validation_loss_with_its_unit_by_default():
    ax = plots.seed_dots(TABLE, "width")
    assert [x for x, _ in dots(ax)] == sorted(TABLE["val_loss"])
    assert "(" in ax.get_xlabel()


def test_seed_dots_may_be_split_by_colour():
    table = TABLE.assign(kind=["a", "b", "b"] * 2)
    ax = plots.seed_dots(table, "width", hue="kind")
    assert [x for x, _ in dots(ax)] == [3, 4, 5, 7, 8, 9]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    bars = sorted(x for line in ax.get_lines() for x in line.get_xdata())
    assert bars == [3, 4.5, 7, 8.5]


@pytest.mark.parametrize("kinds", [["a"] * 3, ["a", "b", "b"], ["a", "b", "c"]])
def test_bars_lie_on_the_dots_of_their_colour(kinds):
    ax = plots.seed_dots(TABLE.assign(kind=kinds * 2), "width", hue="kind")
    points = [(x, y) for part in ax.collections for x, y in part.get_offsets()]
    bars = [bar for line in ax.get_lines() for bar in zip(*line.get_data(), strict=True) if np.isfinite(bar).all()]
    assert len(bars) == 2 * len(set(kinds))
    assert all(min(abs(y - height) for _, y in points) < 0.01 for _, height in bars)
    colors = {round(float(part.get_offsets()[0][1]), 6): to_rgb(part.get_facecolor()[0]) for part in ax.collections}
    assert {round(y, 6): to_rgb(line.get_color()) for line in ax.get_lines() for y in line.get_ydata()} == colors
    assert len(set(colors.values())) == len(set(kinds))


def test_bars_stand_on_the_medians_whatever_was_drawn_before(ax):
    ax.scatter([100, 200], [0, 1])
    plots.seed_dots(TABLE, "width", "loss", ax=ax)
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.get_lines()] == [(2, 0), (5, 1)]
    assert same_color(ax.collections[-1].get_facecolor()[0, :3], plots.PARTS["validation"]["color"])


def test_seed_dots_leave_out_what_was_not_measured():
    table = TABLE.assign(loss=[np.nan, 1, 2, np.nan, np.nan, np.nan])
    ax = plots.seed_dots(table, "width", "loss")
    assert dots(ax) == [(1, 0), (2, 0)]
    assert [line.get_xdata()[0] for line in ax.get_lines()] == [1.5]


@pytest.mark.parametrize("wrong", [{"by": "widht"}, {"x": "val_los"}, {"hue": "seeds"}])
def test_seed_dots_name_an_unknown_column_and_the_known_ones(ax, wrong):
    with pytest.raises(ValueError, match=r"'width', 'loss', 'val_loss', 'best'") as error:
        plots.seed_dots(TABLE, **{"by": "width", **wrong}, ax=ax)
    assert repr(*wrong.values()) in str(error.value)
    assert not ax.has_data()


def test_digits_are_drawn_in_a_grid():
    images = np.linspace(0, 1, 3 * 784).reshape(3, 784)
    axes = plots.digits(images, ["a", "b"], columns=2)
    assert axes.shape == (2, 2)
    drawn = [image.get_array() for ax in axes.flat for image in ax.get_images()]
    np.testing.assert_array_equal(np.reshape(drawn, (3, 784)), images)
    assert [ax.get_title() for ax in axes.flat] == ["a", "b", "", ""]
    assert not any(ax.axison for ax in axes.flat)


def test_digits_may_be_square():
    assert plots.digits(np.zeros((10, 28, 28, 1))).shape == (1, 10)


def test_style_is_set_on_demand():
    assert not mpl.rcParams["figure.constrained_layout.use"]
    plots.set_style()
    assert mpl.rcParams["figure.constrained_layout.use"]
    assert 80 <= mpl.rcParams["figure.dpi"] <= 100


@pytest.mark.parametrize(
    ("run", "metric", "named"),
    [
        (HISTORY, "acuracy", "metric='acuracy'.*'loss', 'accuracy'"),
        (HISTORY, "val_loss", "metric='val_loss'.*'loss', 'accuracy'"),
        ([3.0, 2.0], "loss", r"\[3\.0, 2\.0\]"),
        (None, "loss", "None"),
        (pd.DataFrame({"seed": [0], "value": [1]}), "loss", "history"),
    ],
)
def test_what_cannot_be_drawn_is_named(ax, run, metric, named):
    with pytest.raises(ValueError, match=named):
        plots.learning_curves(run, metric=metric, ax=ax)
    assert not ax.has_data()


def test_unknown_column_is_named_with_the_columns(ax):
    with pytest.raises(ValueError, match=r"x='widht'.*'width', 'loss', 'val_loss', 'best'"):
        plots.loss_against(TABLE, "widht", ax=ax)


def test_lines_against_the_rate_show_the_median_of_each_group(ax):
    rates, table = [1e-3, 1e-1], []
    for width, losses in ((2, ([5, 1, 3], [7, 9, 8])), (1024, ([2, 2, 6], [4, 5, 6]))):
        for rate, values in zip(rates, losses, strict=True):
            table += [{"width": width, "rate": rate, "val_loss": value} for value in values]
    assert plots.against_rate(pd.DataFrame(table), "width", ax=ax) is ax
    drawn = [line.get_ydata() for line in ax.get_lines() if len(line.get_xdata()) == 2]
    np.testing.assert_array_equal(drawn, [[3, 8], [2, 5]])
    assert ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0.001", "0.1"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["2", "1,024"]


def test_against_rate_names_what_is_missing(ax):
    with pytest.raises(ValueError, match=r"'rate' is not a column.*'width'"):
        plots.against_rate(TABLE, "width", ax=ax)


@pytest.mark.parametrize("vertical", [False, True])
def test_reference_lines_stand_at_guessing_and_the_plane(ax, wine, vertical):
    assert plots.reference_lines(wine, ax=ax, vertical=vertical) is ax
    along = [line.get_xdata() if vertical else line.get_ydata() for line in ax.get_lines()]
    np.testing.assert_allclose(along, [[guessing_loss(wine)] * 2, [linear_loss(wine)] * 2])
    assert [text.get_text().split(":")[0] for text in ax.get_legend().get_texts()] == ["guessing", "plane"]


def test_digits_have_no_plane(ax, mnist):
    plots.reference_lines(mnist, ax=ax)
    assert [line.get_label().split(":")[0] for line in ax.get_lines()] == ["guessing"]
