import numpy as np
import pytest

from course_utils.explorer.controls import start_setup
from course_utils.explorer.progress import Progress, Trained
from course_utils.explorer.words import legend_text, settings_text, status_text, summary, verdict

FALLING = np.linspace(1.0, 0.4, 50)
FLAT = np.full(50, 0.4)
RISING = np.concatenate([np.linspace(1.0, 0.5, 20), np.linspace(0.5, 0.8, 30)])


def trained(setup, training, validation, *, train_loss=None, guess=1.0):
    history = {"loss": list(training), "val_loss": list(validation)}
    return Trained(setup, history, training[-1] if train_loss is None else train_loss, 100, guess)


@pytest.fixture
def setup(wine):
    return start_setup(wine, {})


@pytest.mark.parametrize(
    ("training", "validation", "expected"),
    [
        (FALLING, RISING, "overfits after epoch 20"),
        (RISING, RISING + 0.1, "unstable"),
        (FALLING, FALLING + 0.1, "still improving"),
        (FLAT, FLAT + 0.1, "no overfitting"),
        (FLAT + 0.55, FLAT + 0.58, "underfits"),
        (FLAT, np.full(50, np.nan), "diverges"),
        (FLAT * np.inf, FLAT, "diverges"),
        (np.linspace(1, 9, 50), np.linspace(1, 9, 50), "diverges"),
    ],
)
def test_verdict(setup, training, validation, expected):
    assert verdict(trained(setup, training, validation)) == expected


def test_one_bad_epoch_at_the_end_does_not_make_a_verdict(setup):
    validation = FLAT.copy()
    validation[-1] = 0.6
    assert verdict(trained(setup, FLAT, validation)) == "no overfitting"


def test_rising_validation_with_higher_training_loss_is_no_overfitting(setup):
    assert verdict(trained(setup, FALLING, RISING, train_loss=0.9)) == "unstable"


def test_verdict_of_one_epoch_and_without_validation(setup):
    assert verdict(trained(setup, np.array([0.5]), np.array([0.6]))) == "no overfitting"
    assert verdict(Trained(setup, {"loss": [0.5]}, 0.5)) == "no validation set"


def test_settings_text_names_what_was_moved(wine, setup):
    moved = setup.changed(width=128, optimizer="sgd")
    words = settings_text(moved, wine, start=setup, controls=("width", "optimizer", "epochs"))
    assert words == "width 128 · depth 2 · sgd · epochs 30 · 18,177 parameters"
    many = ("width", "depth", "dropout", "optimizer", "epochs")
    assert settings_text(moved, wine, start=setup, controls=many) == "width 128 · depth 2 · sgd · 18,177 parameters"
    moved = moved.changed(dropout=0.3)
    assert "dropout 0.3" in settings_text(moved, wine, start=setup, controls=("width",))


def test_the_legend_names_few_controls_and_of_many_what_was_moved(setup):
    run = trained(setup.changed(width=128, optimizer="sgd"), FALLING, FALLING)
    many = ("width", "depth", "dropout", "optimizer", "epochs")
    assert legend_text((run,), start=setup, controls=many[:3]) == "width 128 · depth 2 · dropout 0"
    assert legend_text((run, run), start=setup, controls=many) == "width 128 · sgd · 2 seeds"
    assert legend_text((run,), start=run.setup, controls=many) == "first settings"


@pytest.mark.parametrize(
    ("status", "epochs", "seeds", "expected"),
    [
        ("preparing", (), 1, "preparing …"),
        ("preparing", (), 5, "seed 1 of 5 · preparing …"),
        ("training", (7,), 1, "epoch 7 of 30"),
        ("training", (30, 7), 5, "seed 2 of 5 · epoch 7 of 30"),
        ("stopped", (7,), 1, "stopped at epoch 7 of 30"),
        ("stopped", (0,), 1, "stopped before the first epoch"),
        ("finished", (30,), 1, "finished"),
        ("failed", (), 5, "failed"),
    ],
)
def test_status_in_words(setup, status, epochs, seeds, expected):
    runs = tuple(Trained(setup, {"loss": [0.5] * n}) for n in epochs)
    assert status_text(Progress(1, status, runs), setup.settings, seeds=seeds) == expected


def test_summary_of_one_run_and_of_seeds(wine, mnist, setup):
    run = trained(setup, FALLING, RISING)
    assert summary([run], wine) == (
        "validation MAE 0.50 at epoch 20, 0.80 at the end · train 0.40 · overfits after epoch 20"
    )
    other = trained(setup, FALLING, FALLING + 0.1)
    words = summary([run, run, other], wine)
    assert "3 seeds · validation MAE 0.50 (0.50–0.50) at best, 0.80 (0.50–0.80) at the end" in words
    assert words.endswith("overfits in 2 of 3")
    run.history["val_accuracy"] = [0.9] * 50
    assert "cross-entropy" in summary([run], mnist)
    assert "validation accuracy 0.90" in summary([run], mnist)
    dropped = trained(setup.changed(dropout=0.5), FLAT, FLAT + 0.1)
    assert "train 0.40 without dropout" in summary([dropped], wine)


def test_summary_survives_numbers_that_are_none(wine, setup):
    run = trained(setup, FLAT * np.nan, FLAT * np.nan, train_loss=float("inf"))
    assert summary([run], wine) == "validation MAE not a number · train infinite · diverges"
