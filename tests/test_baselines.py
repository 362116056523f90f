"""What a network must beat."""

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from course_utils.baselines import guessing_loss, linear_loss


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


def test_linear_loss_is_the_error_of_scikit_learns_linear_model(wine):
    plane = LinearRegression().fit(wine.x_train, wine.y_train)
    expected = np.abs(plane.predict(wine.x_valid) - wine.y_valid).mean()
    assert linear_loss(wine) == pytest.approx(expected, rel=1e-4)
    raw = dataclasses.replace(wine, x_train=wine.x_train * 50 + 7, x_valid=wine.x_valid * 50 + 7)
    assert linear_loss(raw) == pytest.approx(expected, rel=1e-4)  # scale and mean of the inputs are no matter


def test_there_is_no_plane_without_validation_rows_or_for_classes(wine, mnist):
    assert np.isnan(linear_loss(dataclasses.replace(wine, x_valid=wine.x_valid[:0], y_valid=wine.y_valid[:0])))
    assert np.isnan(linear_loss(mnist))
