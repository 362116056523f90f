import dataclasses

import numpy as np
import pytest

from course_utils.experiment import Run
from course_utils.explorer.controls import start_setup
from course_utils.explorer.progress import ExplorerRun, Progress, guessing_loss


def test_guessing_loss_is_that_of_the_best_constant_answer_on_the_training_set(wine, mnist):
    every = [np.abs(wine.y_valid - constant).mean() for constant in np.unique(wine.y_train)]
    train = [np.abs(wine.y_train - constant).mean() for constant in np.unique(wine.y_train)]
    assert guessing_loss(wine) == pytest.approx(every[int(np.argmin(train))])
    assert 2.0 < guessing_loss(mnist) < 3.0  # ln 10 = 2.30


def test_guessing_a_class_is_worth_its_share_and_one_that_was_never_seen_is_not_impossible(mnist):
    """Three classes of 1, 3 and no rows: (1 + 1), (3 + 1) and (0 + 1) of all, with one for each of the ten digits."""
    seen = {"x_train": mnist.x_train[:4], "y_train": np.array([0, 1, 1, 1])}
    total = 4 + 10
    for valid, expected in (([0], 2), ([1], 4), ([2], 1)):
        rows = {"x_valid": mnist.x_valid[: len(valid)], "y_valid": np.array(valid)}
        found = guessing_loss(dataclasses.replace(mnist, **seen, **rows, source=""))
        assert found == pytest.approx(np.log(total / expected))


def test_without_validation_rows_nobody_guesses(wine):
    assert np.isnan(guessing_loss(dataclasses.replace(wine, x_valid=wine.x_valid[:0], y_valid=wine.y_valid[:0])))


def test_a_run_knows_what_it_depended_on(mnist):
    setup = start_setup(mnist, {"width": 8, "label_noise": 0.2})
    run = ExplorerRun.of(setup, {"loss": [0.5, 0.4]}, train_loss=0.3)
    assert (run.setup, run.settings, run.epochs, run.train_loss, run.model) == (setup, setup.settings, 2, 0.3, None)
    assert isinstance(run, Run)


@pytest.mark.parametrize(
    ("status", "trained", "of", "is_seen"),
    [
        ("preparing", (), 30, False),
        ("training", (1,), 30, False),
        ("training", (2,), 30, True),
        ("training", (1,), 1, True),
        ("training", (30, 0), 30, True),
        ("preparing", (0, 0), 30, False),
        ("training", (1, 1), 30, False),
        ("training", (2, 2), 30, True),
        ("stopped", (1,), 30, True),
    ],
)
def test_runs_have_a_curve_from_the_second_epoch_on(wine, status, trained, of, is_seen):
    setup = start_setup(wine, {"epochs": of})
    runs = tuple(ExplorerRun.of(setup, {"loss": [0.5] * epochs}) for epochs in trained)
    assert Progress(1, status, runs).runs_with_curve == (runs if is_seen else ())
