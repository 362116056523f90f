import numpy as np
import pytest

from course_utils.explorer.controls import start_setup
from course_utils.explorer.verdict import verdict, verdict_text, why

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
    for end, expected in ((2.01, "diverges"), (1.99, "underfits")):
        assert judge(FLAT * 0 + 1.1, levels((1, 1.0), (49, end))) == expected


def test_diverges_only_where_most_answers_are_wrong(judge):
    """A loss may be high because few answers are wrong and far too sure."""
    for right, expected in ((0.5, "diverges"), (0.51, "underfits")):
        assert judge(FLAT * 0 + 1.1, levels((1, 1.0), (49, 3.0)), val_accuracy=[right] * 50) == expected


def test_diverges_only_where_validation_ends_above_its_start(judge):
    for start, expected in ((2.99, "diverges"), (3.01, "underfits")):
        assert judge(FLAT * 0 + 1.1, levels((1, start), (49, 3.0))) == expected


def test_diverges_only_where_training_ends_above_guessing(judge):
    """What has been learned by heart may be wrong by as much as it likes on other data."""
    for end, expected in ((1.01, "diverges"), (0.99, "unstable")):
        assert judge(levels((1, 5.0), (49, end)), levels((5, 1.0), (45, 3.0))) == expected
    lucky = levels((5, 5.0), (42, 0.8), (3, 5.0))  # of the last tenth, more epochs lie above guessing than below
    assert judge(lucky, levels((5, 0.8), (45, 3.0)), train_loss=0.8) == "diverges"
    lucky[-1] = 0.8
    assert judge(lucky, levels((5, 0.8), (45, 3.0)), train_loss=0.8) == "overfits after epoch 1"


def test_still_improving_where_the_last_tenth_is_one_percent_lower(judge):
    for factor, expected in ((0.989, "still improving"), (0.991, "levelled off")):
        assert judge(FLAT, levels((45, 0.5), (5, 0.5 * factor))) == expected


def test_still_improving_only_where_the_best_epoch_is_in_the_last_tenth(judge):
    training = np.linspace(0.5, 0.1, EPOCHS)
    assert judge(training, levels((45, 0.5), (1, 0.4), (4, 0.45))) == "still improving"
    assert judge(training, levels((44, 0.5), (1, 0.4), (5, 0.45))) == "levelled off"


def test_still_improving_only_where_it_falls_by_more_than_its_noise(judge):
    for noise, expected in ((0.0099, "still improving"), (0.0101, "levelled off")):
        wobble = noise / 2 * (-1.0) ** (1 + np.arange(EPOCHS))  # so that each epoch lies this far from its neighbours
        assert judge(FLAT, levels((45, 0.5), (5, 0.48)) + wobble) == expected  # and the medians fall by 0.02 - noise


def test_what_the_last_epoch_does_not_show_is_not_told(judge):
    """Its loss stands beside the verdict."""
    for last, expected in ((0.5, "overfits after epoch 18"), (0.41, "levelled off")):
        assert judge(FALLING, levels((17, 0.5), (5, 0.4), (27, 0.5), (1, last)), train_loss=0.3) == expected
    for last, expected in ((0.48, "still improving"), (0.5, "levelled off")):
        assert judge(FLAT, levels((45, 0.5), (4, 0.48), (1, last))) == expected


def test_a_lucky_epoch_does_not_make_the_rest_overfitting(judge):
    for epochs, expected in ((2, "levelled off"), (3, "overfits after epoch 18")):
        assert judge(FALLING, levels((17, 0.5), (epochs, 0.4), (33 - epochs, 0.5))) == expected


def test_overfits_where_validation_ends_five_percent_above_its_lowest(judge):
    for factor, expected in ((1.051, "overfits after epoch 18"), (1.049, "levelled off")):
        assert judge(FALLING, levels((17, 0.5), (5, 0.4), (28, 0.4 * factor))) == expected


def test_overfits_where_it_rises_by_more_than_twice_the_noise(judge):
    rising = levels((17, 0.7), (5, 0.4), (28, 0.44))
    for noise, expected in ((0.019, "overfits after epoch"), (0.021, "levelled off")):
        assert judge(FALLING, rising + noise / 2 * (-1) ** np.arange(EPOCHS), train_loss=0.2).startswith(expected)


def test_overfits_only_where_training_has_fallen_since(judge):
    for end, expected in ((0.299, "overfits after epoch 18"), (0.3, "unstable")):
        assert judge(levels((22, 0.3), (28, end)), levels((17, 0.5), (5, 0.4), (28, 0.6))) == expected


def test_overfits_only_where_training_lies_five_percent_below_validation(judge):
    for train_loss, expected in ((0.6 / 1.051, "overfits after epoch 18"), (0.6 / 1.049, "unstable")):
        assert judge(FALLING, levels((17, 0.7), (5, 0.4), (28, 0.6)), train_loss=train_loss) == expected


def test_overfits_only_where_something_was_learned(judge):
    """Nothing can have been learned by heart where the training loss is still that of guessing."""
    for train_loss, expected in ((0.899, "overfits after epoch 18"), (0.901, "unstable")):
        assert judge(FALLING, levels((17, 1.5), (5, 0.8), (28, 1.6)), train_loss=train_loss) == expected


def test_overfits_only_where_validation_had_been_better_than_guessing(judge):
    for lowest, expected in ((0.899, "overfits after epoch 18"), (0.901, "unstable")):
        assert judge(FALLING, levels((17, 1.5), (5, lowest), (28, 1.6))) == expected


def test_unstable_where_epochs_lie_far_from_their_neighbours(judge):
    for noise, expected in ((0.052, "unstable"), (0.048, "levelled off")):
        assert judge(FLAT, 0.8 + 0.8 * noise / 2 * (-1) ** np.arange(EPOCHS)) == expected


def test_underfits_where_both_losses_end_above_nine_tenths_of_guessing(judge):
    for training, validation, expected in (
        (0.901, 0.901, "underfits"),
        (0.899, 0.901, "unstable"),  # validation never left guessing behind
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


@pytest.mark.parametrize(("train_loss", "gap"), [(0.13, "gap 0.37"), (0.6, "gap −0.10")])
def test_a_curve_that_has_levelled_off_is_told_with_its_gap(setup, make_run, train_loss, gap):
    run = make_run(setup, levels((50, 0.1)), levels((50, 0.5)), train_loss=train_loss, guess=GUESS)
    assert verdict(run) == f"levelled off, {gap}"


def test_why_names_the_numbers_of_the_rule(setup, make_run):
    run = make_run(setup, FALLING, levels((17, 0.5), (5, 0.4), (28, 0.5)), guess=GUESS)
    assert verdict(run) == "overfits after epoch 18"
    assert "25%" in why([run])
    assert "epoch 18" in why([run])


def test_of_seeds_all_verdicts_are_told(setup, make_run):
    flat = make_run(setup, FLAT, FLAT + 0.1, guess=GUESS)
    rising = make_run(setup, FALLING, levels((17, 0.5), (5, 0.4), (28, 0.5)), guess=GUESS)
    told = why([flat, rising, rising])
    assert told.startswith("overfits in 2 of 3, levelled off in 1.")
    assert "while training went on falling" in told  # the rule of the most frequent one, not of the first


def test_verdicts_that_are_level_are_both_told(setup, make_run):
    flat = make_run(setup, FLAT, FLAT + 0.1, guess=GUESS)
    rising = make_run(setup, FALLING, RISING, guess=GUESS)
    assert verdict_text([flat, rising, flat]) == "levelled off in 2 of 3"
    assert verdict_text([flat, rising]) == "levelled off and overfits in 1 of 2 each"


def test_a_negative_gap_is_explained(setup, make_run):
    easy, hard = (make_run(setup, FLAT, FLAT + 0.1, train_loss=loss, guess=GUESS) for loss in (0.6, 0.4))
    assert "easier" in why([easy])
    assert "easier" not in why([hard])
