import numpy as np
import pytest

from course_utils.explorer.controls import start_setup
from course_utils.explorer.progress import Progress, Trained, guessing_loss


def test_guessing_loss(wine, mnist):
    assert guessing_loss(wine) == pytest.approx(np.abs(wine.y_valid - np.median(wine.y_train)).mean())
    assert 2.0 < guessing_loss(mnist) < 3.0  # ln 10 = 2.30


@pytest.mark.parametrize(
    ("status", "trained", "of", "is_seen"),
    [
        ("preparing", (), 30, False),
        ("training", (1,), 30, False),
        ("training", (2,), 30, True),
        ("training", (1,), 1, True),
        ("training", (30, 0), 30, True),
        ("stopped", (1,), 30, True),
    ],
)
def test_runs_have_a_curve_from_the_second_epoch_on(wine, status, trained, of, is_seen):
    setup = start_setup(wine, {"epochs": of})
    runs = tuple(Trained(setup, {"loss": [0.5] * epochs}) for epochs in trained)
    assert Progress(1, status, runs).runs_with_curve == (runs if is_seen else ())
