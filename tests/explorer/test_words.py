import numpy as np
import pytest

from course_utils.explorer.controls import start_setup
from course_utils.explorer.progress import Progress
from course_utils.explorer.words import comparison, legend_text, settings_text, status_text, summary, verdict, why

GUESS, EPOCHS = 1.0, 50  # so that a tenth of a curve is five epochs
FLAT = np.full(EPOCHS, 0.4)
FALLING = np.linspace(1.0, 0.4, EPOCHS)
RISING = np.concatenate([np.linspace(1.0, 0.5, 20), np.linspace(0.5, 0.8, 30)])


@pytest.fixture
def setup(wine):
    return start_setup(wine, {})


@pytest.fixture
def judge(setup, make_run):
    """The verdict on a run whose training loss in inference mode is that of its last epoch, unless told otherwise."""

    def judge(training, validation, **options):
        return verdict(make_run(setup, training, validation, **{"guess": GUESS, **options})).split(",")[0]

    return judge


def levels(*parts):
    """A curve of so many epochs at each loss."""
    return np.concatenate([np.full(epochs, loss, float) for epochs, loss in parts])


@pytest.mark.parametrize(
    ("training", "validation", "expected"),
    [
        (FALLING, RISING, "overfits after epoch 20"),
        (RISING, RISING + 0.1, "unstable"),
        (FALLING, FALLING + 0.1, "still improving"),
        (FLAT, FLAT + 0.1, "levelled off"),
        (FLAT + 0.55, FLAT + 0.58, "underfits"),
        (FLAT, np.full(EPOCHS, np.nan), "diverges"),
        (FLAT * np.inf, FLAT, "diverges"),
        (np.linspace(1, 9, EPOCHS), np.linspace(1, 9, EPOCHS), "diverges"),
    ],
)
def test_verdict(judge, training, validation, expected):
    assert judge(training, validation) == expected


@pytest.mark.parametrize("part", ["training", "validation"])
@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_diverges_where_a_loss_in_the_last_tenth_is_no_number(judge, part, loss):
    for epochs, diverges in ((1, True), (5, True), (6, False)):  # counted from the end
        curves = {"training": FLAT.copy(), "validation": FLAT.copy()}
        curves[part][-epochs] = loss
        assert (judge(**curves, train_loss=0.4) == "diverges") == diverges


def test_diverges_above_twice_the_loss_of_guessing(judge):
    for end, expected in ((2.01, "diverges"), (1.99, "unstable")):
        assert judge(FLAT * 0 + 1.1, levels((1, 1.0), (49, end))) == expected


def test_diverges_only_where_validation_ends_above_its_start(judge):
    for start, expected in ((2.99, "diverges"), (3.01, "underfits")):
        assert judge(FLAT * 0 + 1.1, levels((1, start), (49, 3.0))) == expected


def test_diverges_only_where_training_ends_above_guessing(judge):
    """What has been learned by heart may be wrong by as much as it likes on other data."""
    for end, expected in ((1.01, "diverges"), (0.99, "unstable")):
        assert judge(levels((1, 5.0), (49, end)), levels((1, 1.0), (49, 3.0))) == expected
    lucky = levels((1, 5.0), (44, 0.9), (3, 0.9), (2, 5.0))  # the median of its last tenth is below guessing
    assert judge(lucky, levels((1, 1.0), (49, 3.0)), train_loss=0.9) == "overfits after epoch 1"


def test_still_improving_where_the_last_tenth_is_one_percent_lower(judge):
    for factor, expected in ((0.989, "still improving"), (0.991, "levelled off")):
        assert judge(FLAT, levels((45, 0.5), (5, 0.5 * factor))) == expected


def test_still_improving_only_where_the_best_epoch_is_in_the_last_tenth(judge):
    """Also where it ends 5 % above that epoch: this rule comes before that of overfitting."""
    training = np.linspace(0.5, 0.1, EPOCHS)
    assert judge(training, levels((45, 0.5), (1, 0.4), (4, 0.45))) == "still improving"
    assert judge(training, levels((44, 0.5), (1, 0.4), (5, 0.45))) == "overfits after epoch 45"


def test_overfits_where_validation_ends_five_percent_above_its_lowest(judge):
    for factor, expected in ((1.051, "overfits after epoch 20"), (1.049, "levelled off")):
        assert judge(FALLING, levels((19, 0.5), (1, 0.4), (30, 0.4 * factor))) == expected


def test_overfits_only_where_training_has_fallen_since(judge):
    for end, expected in ((0.299, "overfits after epoch 20"), (0.3, "unstable")):
        assert judge(levels((20, 0.3), (30, end)), levels((19, 0.5), (1, 0.4), (30, 0.6))) == expected


def test_overfits_only_where_training_lies_below_validation(judge):
    for train_loss, expected in ((0.59, "overfits after epoch 20"), (0.61, "unstable")):
        assert judge(FALLING, levels((19, 0.7), (1, 0.4), (30, 0.6)), train_loss=train_loss) == expected


def test_overfits_only_where_something_was_learned(judge):
    """Nothing can have been learned by heart where the training loss is still that of guessing."""
    for train_loss, expected in ((0.899, "overfits after epoch 20"), (0.901, "unstable")):
        assert judge(FALLING, levels((19, 1.5), (1, 1.4), (30, 1.6)), train_loss=train_loss) == expected


def test_underfits_where_both_losses_end_above_nine_tenths_of_guessing(judge):
    for training, validation, expected in (
        (0.901, 0.901, "underfits"),
        (0.899, 0.901, "levelled off"),
        (0.901, 0.899, "levelled off"),
    ):
        assert judge(FLAT * 0 + training, FLAT * 0 + validation) == expected


def test_a_rule_goes_before_those_below_it(judge):
    assert judge(FALLING * np.nan, FALLING) == "diverges"  # not "still improving"
    assert judge(FALLING + 0.9, FALLING + 0.9) == "still improving"  # not "underfits"
    assert judge(levels((20, 1.5), (30, 0.95)), levels((20, 0.95), (30, 1.2))) == "unstable"  # not "underfits"
    assert judge(FLAT + 0.6, levels((20, 0.95), (30, 1.2))) == "unstable"  # not "underfits"


@pytest.mark.parametrize(
    ("epochs", "bad", "decides"), [(50, 2, False), (50, 3, True), (19, 1, True), (9, 1, True), (100, 4, False)]
)
def test_the_end_of_a_curve_is_the_median_of_its_last_tenth(judge, epochs, bad, decides):
    expected = "unstable" if decides else "levelled off"
    assert judge([0.4] * epochs, levels((epochs - bad, 0.4), (bad, 0.5))) == expected


def test_verdict_of_one_epoch_and_without_validation(judge):
    assert judge([0.5], [0.6]) == "levelled off"
    assert judge([0.5], None) == "no validation set"


def test_settings_text_names_what_was_moved(wine, setup):
    moved = setup.changed(width=128, optimizer="sgd")
    words = settings_text(moved, wine, start=setup, controls=("width", "optimizer", "epochs"))
    assert words == "width 128 · depth 2 · sgd · epochs 30 · 18,177 parameters"
    many = ("width", "depth", "dropout", "optimizer", "epochs")
    assert settings_text(moved, wine, start=setup, controls=many) == "width 128 · depth 2 · sgd · 18,177 parameters"
    moved = moved.changed(dropout=0.3)
    assert "dropout 0.3" in settings_text(moved, wine, start=setup, controls=("width",))


def test_the_legend_names_few_controls_and_of_many_what_was_moved(setup, make_run):
    run = make_run(setup.changed(width=128, optimizer="sgd"), FALLING, FALLING)
    many = ("width", "depth", "dropout", "optimizer", "epochs")
    assert legend_text((run,), start=setup, controls=many[:3]) == "width 128 · depth 2 · dropout 0"
    assert legend_text((run, run), start=setup, controls=many) == "width 128 · sgd · 2 seeds"
    assert legend_text((run,), start=run.setup, controls=many) == "first settings"


@pytest.mark.parametrize(
    ("status", "epochs", "seeds", "expected"),
    [
        ("preparing", (), 1, "preparing …"),
        ("preparing", (), 5, "5 seeds · preparing …"),
        ("training", (7,), 1, "epoch 7 of 30"),
        ("training", (30, 7), 5, "seed 2 of 5 · epoch 7 of 30"),
        ("stopped", (7,), 1, "stopped at epoch 7 of 30"),
        ("stopped", (0,), 1, "stopped before the first epoch"),
        ("finished", (30,), 1, "finished"),
        ("failed", (), 5, "failed"),
    ],
)
def test_status_in_words(setup, make_run, status, epochs, seeds, expected):
    runs = tuple(make_run(setup, [0.5] * n) for n in epochs)
    assert status_text(Progress(1, status, runs), setup.settings, seeds=seeds) == expected


@pytest.mark.parametrize(
    ("epochs", "under_way", "of", "expected"),
    [
        ((7,) * 5, 5, 5, "seeds 1–5 of 5 · epoch 7 of 30"),
        ((30,) * 5 + (7,) * 3, 3, 8, "seeds 6–8 of 8 · epoch 7 of 30"),
        ((30,) * 5 + (7,), 1, 6, "seed 6 of 6 · epoch 7 of 30"),
    ],
)
def test_status_of_seeds_that_are_trained_together(setup, make_run, epochs, under_way, of, expected):
    runs = tuple(make_run(setup, [0.5] * n) for n in epochs)
    progress = Progress(1, "training", runs, under_way=under_way)
    assert status_text(progress, setup.settings, seeds=of) == expected


def test_summary_of_one_run(wine, mnist, setup, make_run):
    run = make_run(setup, FALLING, RISING, guess=GUESS)
    assert summary([run], wine) == (
        "validation MAE 0.50 at epoch 20, 0.80 at the end · train 0.40 · overfits after epoch 20"
    )
    run = make_run(setup, FALLING, RISING, guess=GUESS, val_accuracy=[0.1] * 49 + [0.9])
    assert summary([run], mnist) == (
        "validation cross-entropy 0.50 at epoch 20, 0.80 at the end · train 0.40 · validation accuracy 0.90 · "
        "overfits after epoch 20"
    )


def test_summary_of_seeds_gives_medians_ranges_and_the_most_frequent_verdict(wine, setup, make_run):
    runs = [
        make_run(setup, FALLING, RISING + shift, guess=GUESS, train_loss=0.4 + shift, val_accuracy=[0.9 - shift])
        for shift in (0, 0.1)
    ]
    runs.append(make_run(setup, FALLING, FALLING + 0.5, guess=GUESS, train_loss=0.2, val_accuracy=[0.7]))
    assert summary(runs, wine) == (
        "3 seeds · validation MAE 0.60 (0.50–0.90) at best, 0.90 (0.80–0.90) at the end · train 0.40 (0.20–0.50) · "
        "validation accuracy 0.80 (0.70–0.90) · overfits in 2 of 3"
    )


@pytest.mark.parametrize(("dropout", "depth", "said"), [(0.5, 2, True), (0.0, 2, False), (0.5, 0, False)])
@pytest.mark.parametrize("seeds", [1, 3])
def test_summary_says_that_the_training_loss_is_without_dropout(wine, setup, make_run, dropout, depth, said, seeds):
    run = make_run(setup.changed(dropout=dropout, depth=depth), FLAT, FLAT + 0.1, guess=GUESS)
    assert (" without dropout" in summary([run] * seeds, wine)) == said


def test_summary_without_validation_speaks_of_training_alone(wine, setup, make_run):
    run = make_run(setup, FALLING)
    assert summary([run], wine) == "train MAE 0.40 · no validation set"
    assert summary([run, run], wine) == "2 seeds · train MAE 0.40 (0.40–0.40) · no validation set in 2 of 2"


def test_summary_survives_numbers_that_are_none(wine, setup, make_run):
    run = make_run(setup, FLAT * np.nan, FLAT * np.nan, train_loss=float("inf"))
    assert summary([run], wine) == "validation MAE not a number · train infinite · diverges"
    run = make_run(setup, FLAT, [*FLAT[:-1], 1e16], train_loss=999.9)
    assert "0.40 at epoch 1, 1.0e+16 at the end · train 999.90 ·" in summary([run], wine)


@pytest.mark.parametrize(("train_loss", "gap"), [(0.13, "gap 0.37"), (0.6, "gap −0.10")])
def test_a_curve_that_has_levelled_off_is_told_with_its_gap(setup, make_run, train_loss, gap):
    run = make_run(setup, levels((50, 0.1)), levels((50, 0.5)), train_loss=train_loss, guess=GUESS)
    assert verdict(run) == f"levelled off, {gap}"


def test_why_names_the_numbers_of_the_rule(setup, make_run):
    run = make_run(setup, FALLING, levels((19, 0.5), (1, 0.4), (30, 0.5)), guess=GUESS)
    assert verdict(run) == "overfits after epoch 20"
    assert "25%" in why([run])
    assert "epoch 20" in why([run])


def test_of_seeds_all_verdicts_are_told(setup, make_run):
    flat = make_run(setup, FLAT, FLAT + 0.1, guess=GUESS)
    rising = make_run(setup, FALLING, levels((19, 0.5), (1, 0.4), (30, 0.5)), guess=GUESS)
    told = why([flat, rising, rising])
    assert told.startswith("overfits in 2 of 3, levelled off in 1.")
    assert "while training went on falling" in told  # the rule of the most frequent one, not of the first


def test_why_says_what_is_compared_where_the_spread_is_known(setup, make_run):
    five = [make_run(setup, [1.0], [0.5 + 0.01 * i], guess=GUESS) for i in range(5)]
    assert "twice its standard error" in why(five, compared=five)
    for runs, compared in ((five, ()), (five[:1], five[:1])):
        assert "standard error" not in why(runs, compared=compared)


def test_a_negative_gap_is_explained(setup, make_run):
    easy, hard = (make_run(setup, FLAT, FLAT + 0.1, train_loss=loss, guess=GUESS) for loss in (0.6, 0.4))
    assert "easier" in why([easy])
    assert "easier" not in why([hard])


@pytest.mark.parametrize(
    ("front", "pinned", "words"),
    [
        ([0.46], [0.48], "0.02 better than pinned run 4, one seed each"),
        ([0.50], [0.48], "0.02 worse than pinned run 4, one seed each"),
        ([0.40, 0.41, 0.42], [0.50, 0.51, 0.52], "0.10 better than pinned run 4 (seeds ± 0.02): clear"),
        ([0.40, 0.45, 0.50], [0.41, 0.46, 0.51], "0.01 better than pinned run 4 (seeds ± 0.08): not clear"),
        ([0.40], [0.50, 0.51, 0.52], "0.11 better than pinned run 4 (seeds ± 0.02): clear"),
    ],
)
def test_the_difference_to_pinned_runs_is_held_against_the_seeds(setup, make_run, front, pinned, words):
    groups = ([make_run(setup, [1, 1], [lowest, lowest + 0.1]) for lowest in each] for each in (front, pinned))
    assert comparison(*groups, name="run 4").startswith(words)


def test_what_has_no_validation_is_not_compared(setup, make_run):
    assert comparison([make_run(setup, [1.0])], [make_run(setup, [1.0], [0.5])], name="") == ""
