import dataclasses

import numpy as np
import pytest

from course_utils.explorer.controls import start_setup
from course_utils.explorer.progress import Progress
from course_utils.explorer.words import (
    comparison,
    is_held_against_seeds,
    legend_text,
    settings_text,
    status_text,
    summary,
)

GUESS, EPOCHS = 1.0, 50  # so that a tenth of a curve is five epochs
FLAT = np.full(EPOCHS, 0.4)
FALLING = np.linspace(1.0, 0.4, EPOCHS)
RISING = np.concatenate([np.linspace(1.0, 0.5, 20), np.linspace(0.5, 0.8, 30)])


@pytest.fixture
def setup(wine):
    return start_setup(wine, {})


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
        "3 seeds · validation MAE 0.60 (0.50–0.90) each at its best, 0.90 (0.80–0.90) at the end · "
        "train 0.40 (0.20–0.50) · validation accuracy 0.80 (0.70–0.90) · overfits in 2 of 3"
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


ONE_EACH = "(one seed each: × 5 seeds of both show whether that is luck)"


@pytest.mark.parametrize(
    ("front", "pinned", "words"),
    [
        ([0.46], [0.48], f"0.020 better at best, 0.020 better at the end {ONE_EACH}"),
        ([0.50], [0.48], f"0.020 worse at best, 0.020 worse at the end {ONE_EACH}"),
        ([0.50], [0.50], f"level at best, level at the end {ONE_EACH}"),
        (
            [0.40, 0.41, 0.42],
            [0.50, 0.51, 0.52],
            "0.100 better (± 0.016: clear) at best, 0.100 better (± 0.016: clear)",
        ),
        ([0.40, 0.45, 0.50], [0.41, 0.46, 0.51], "0.010 better (± 0.082: not clear) at best, 0.010 better (± 0.082"),
        (
            [0.40],
            [0.50, 0.51, 0.52],
            "0.110 better at best, 0.110 better at the end (too few seeds on one side: × 5 seeds",
        ),
        ([0.40] * 2, [0.50] * 3, "0.100 better at best, 0.100 better at the end (too few seeds on one side: × 5 seeds"),
    ],
)
def test_the_difference_to_pinned_runs_is_held_against_the_seeds(setup, make_run, front, pinned, words):
    groups = ([make_run(setup, [1, 1], [lowest, lowest + 0.1]) for lowest in each] for each in (front, pinned))
    assert comparison(*groups, name="run 4").startswith(f"against pinned run 4: {words}")


def test_best_and_end_are_compared_apart(setup, make_run):
    early, late = make_run(setup, [1, 1], [0.3, 0.6]), make_run(setup, [1, 1], [0.5, 0.4])
    assert "0.100 better at best, 0.200 worse at the end" in comparison([early], [late], name="")
    broken = make_run(setup, [1, 1], [0.3, float("nan")])
    assert "0.100 better at best, no finite number at the end" in comparison([broken], [late], name="")


def test_seeds_count_where_both_sides_have_three(setup, make_run):
    five = [make_run(setup, [1.0], [0.5 + 0.01 * i]) for i in range(5)]
    assert is_held_against_seeds(five, five[:3])
    assert not is_held_against_seeds(five, five[:2])
    assert not is_held_against_seeds(five, ())


def test_what_has_no_validation_is_not_compared(setup, make_run):
    assert comparison([make_run(setup, [1.0])], [make_run(setup, [1.0], [0.5])], name="") == ""


def test_accuracy_is_held_against_the_most_frequent_class_where_classes_differ_in_size(mnist, make_run, setup):
    run = make_run(setup, FLAT, FLAT, val_accuracy=[0.8] * EPOCHS)
    assert "most frequent" not in summary([run], mnist)
    rare = mnist.y_train < 1
    uneven = dataclasses.replace(mnist, y_train=rare.astype(int), y_valid=(mnist.y_valid < 1).astype(int))
    share = (uneven.y_valid == 0).mean()
    assert f"validation accuracy 0.80 (always the most frequent class: {share:.2f})" in summary([run], uneven)


def test_any_accuracy_that_was_compiled_is_told(mnist, make_run, setup):
    run = make_run(setup, FLAT, FLAT, val_sparse_categorical_accuracy=[0.8] * EPOCHS)
    assert "validation accuracy 0.80" in summary([run], mnist)


def test_the_average_of_seeds_is_told(wine, make_run, setup):
    runs = [make_run(setup.changed(seed=seed), FLAT, FLAT) for seed in range(5)]
    assert "average of the 5 networks 0.35 at best, 0.38 at the end" in summary(runs, wine, average=(0.5, 0.35, 0.38))
