"""`run` trains what the settings say, and `run_seeds` gives the results of single runs."""

import dataclasses
import math

import keras
import numpy as np
import pytest

from course_utils.experiment import OPTIMIZERS, Settings, best_epoch, make_model, run, run_seeds, training_loss
from course_utils.models import ACTIVATIONS
from course_utils.schedules import SCHEDULES
from course_utils.training import fit

QUICK = Settings(width=6, depth=1, epochs=2)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"width": 0}, ["width=0", ">= 1"]),
        ({"depth": -1}, ["depth=-1", ">= 0"]),
        ({"dropout": 1.0}, ["dropout=1.0", "< 1"]),
        ({"batch_norm": 1}, ["batch_norm=1", "True", "False"]),
        ({"activation": "foo"}, ["activation='foo'", *map(repr, ACTIVATIONS)]),
        ({"optimizer": "foo"}, ["optimizer='foo'", *map(repr, OPTIMIZERS)]),
        ({"learning_rate": 0}, ["learning_rate=0", "> 0"]),
        ({"weight_decay": -0.1}, ["weight_decay=-0.1", ">= 0", "0.0 switches weight decay off"]),
        ({"schedule": "foo"}, ["schedule='foo'", *map(repr, SCHEDULES)]),
        ({"batch_size": 0}, ["batch_size=0", ">= 1"]),
        ({"epochs": 2.5}, ["epochs=2.5", "whole number"]),
        ({"seed": -1}, ["seed=-1", ">= 0"]),
        ({"seed": 2**32}, ["seed=4294967296", "<= 4,294,967,295"]),
    ],
)
def test_wrong_settings_are_named_with_the_valid_choices(wrong, named):
    with pytest.raises(ValueError, match=next(iter(wrong))) as error:
        Settings(**wrong)
    assert all(part in str(error.value) for part in named)


def test_settings_hold_numbers_and_texts_of_python():
    of_numpy = {
        name: np.asarray(value)[()]  # as it comes out of an array
        for name, value in dataclasses.asdict(Settings(dropout=0.25, epochs=2)).items()
    }
    settings = Settings(**of_numpy)
    assert {type(value).__module__ for value in of_numpy.values()} == {"numpy"}
    assert {type(value).__module__ for value in dataclasses.astuple(settings)} == {"builtins"}
    assert settings == Settings(dropout=0.25, epochs=2)


@pytest.mark.parametrize("rate", [1, np.int64(1), np.float32(1)])
def test_a_rate_is_a_float_whatever_number_was_given(rate):
    for settings in (Settings(learning_rate=rate), dataclasses.replace(QUICK, learning_rate=rate)):
        assert (settings.learning_rate, type(settings.learning_rate)) == (1.0, float)


@pytest.mark.parametrize("rate", [1, np.float32(0.5), np.int64(1)])
def test_any_number_is_a_learning_rate(wine, rate):
    result = run(dataclasses.replace(QUICK, learning_rate=rate, schedule="halve every 5", epochs=6), wine)
    assert result.history["learning_rate"][0] == rate
    assert result.history["learning_rate"][5] == rate / 2


def test_settings_are_fixed_and_equal_by_value():
    with pytest.raises(dataclasses.FrozenInstanceError):
        QUICK.width = 5
    assert dataclasses.replace(QUICK, seed=3) == Settings(width=6, depth=1, epochs=2, seed=3) != QUICK


@pytest.mark.parametrize(
    ("name", "kind", "momentum"),
    [("adam", "Adam", None), ("sgd", "SGD", 0.0), ("momentum", "SGD", 0.9), ("rmsprop", "RMSprop", 0.0)],
)
def test_model_has_the_optimizer_of_the_settings(wine, name, kind, momentum):
    optimizer = make_model(Settings(optimizer=name, learning_rate=0.25), wine).optimizer
    assert type(optimizer).__name__ == kind
    assert getattr(optimizer, "momentum", None) == momentum
    assert float(optimizer.learning_rate) == 0.25


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_shrinks_all_weights_in_each_update(wine, name):
    rows = {"x_train": wine.x_train[:1] * 0, "y_train": wine.y_train[:1] * 0}  # where nothing is to be learned
    quiet = dataclasses.replace(wine, **rows)
    settings = dataclasses.replace(QUICK, optimizer=name, learning_rate=0.1, weight_decay=0.5, epochs=3)
    model = make_model(settings, quiet)
    before = model.get_weights()
    fit(model, quiet, epochs=3)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_allclose(other, one * (1 - 0.1 * 0.5) ** 3, rtol=1e-4, atol=1e-6)
    assert type(model.optimizer).__name__ != "Adam"
    assert make_model(QUICK, wine).optimizer.weight_decay is None


def test_run_is_reproducible(wine):
    settings = dataclasses.replace(QUICK, dropout=0.3, batch_norm=True, seed=4)
    one, same = run(settings, wine), run(settings, wine)
    other = run(dataclasses.replace(settings, seed=5), wine)
    assert (one.history, one.train_loss) == (same.history, same.train_loss)
    assert one.history["loss"] != other.history["loss"]


def test_run_reports_what_happened(wine):
    result = run(dataclasses.replace(QUICK, epochs=3), wine)
    assert (
        result.settings.epochs == result.epochs == len(result.history["loss"]) == len(result.history["val_loss"]) == 3
    )
    assert result.best_epoch == int(np.argmin(result.history["val_loss"])) + 1
    assert str(result.best_epoch) in repr(result)


def test_training_loss_is_measured_without_dropout(wine):
    result = run(dataclasses.replace(QUICK, width=32, dropout=0.7, batch_norm=True), wine)
    expected = result.model.evaluate(wine.x_train, wine.y_train, verbose=0)
    assert result.train_loss == pytest.approx(expected, rel=1e-4)
    assert abs(result.train_loss - result.history["loss"][-1]) > 0.01


def test_training_loss_is_that_of_the_model_as_it_is(mnist):
    model = make_model(dataclasses.replace(QUICK, dropout=0.5), mnist)
    expected, _ = model.evaluate(mnist.x_train, mnist.y_train, verbose=0)
    assert training_loss(model, mnist) == pytest.approx(expected, rel=1e-5)


def test_training_loss_belongs_to_the_restored_weights(wine):
    settings = dataclasses.replace(QUICK, width=32, optimizer="momentum", learning_rate=0.1, epochs=30)
    result = run(settings, wine, callbacks=[keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)])
    assert result.best_epoch < result.epochs < 30
    expected = result.model.evaluate(wine.x_train, wine.y_train, verbose=0)
    assert result.train_loss == pytest.approx(expected, rel=1e-4)


def test_run_without_validation_has_no_best_epoch(wine):
    data = dataclasses.replace(wine, x_valid=wine.x_valid[:0], y_valid=wine.y_valid[:0])
    result = run(QUICK, data)
    assert result.best_epoch is None
    assert list(result.history) == ["loss"]


def test_run_follows_the_schedule_and_calls_callbacks(wine):
    seen = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    result = run(Settings(width=2, depth=1, epochs=6, schedule="halve every 5"), wine, callbacks=[callback])
    assert result.history["learning_rate"] == pytest.approx([1e-3] * 5 + [5e-4])
    assert seen == list(range(6))


def test_run_refuses_a_callback_of_batches(wine):
    with pytest.raises(ValueError, match="TerminateOnNaN"):
        run(QUICK, wine, callbacks=[keras.callbacks.TerminateOnNaN()])


@pytest.mark.parametrize(
    ("losses", "epoch"),
    [([3, 1, 2], 2), ([1, 1], 1), ([math.nan, 2, 1], 3), ([2, math.nan], 1), ([math.nan] * 2, None), ([], None)],
)
def test_best_epoch_by_hand(losses, epoch):
    assert best_epoch({"val_loss": losses}) == epoch


def test_best_epoch_without_validation_is_none():
    assert best_epoch({"loss": [3, 2]}) is None


def test_seeds_together_equal_single_runs(wine):
    settings = dataclasses.replace(QUICK, dropout=0.3, batch_norm=True, schedule="cosine", batch_size=64)
    for result in run_seeds(settings, wine, seeds=[5, 2]):
        single = run(result.settings, wine)
        assert set(result.history) == set(single.history)
        for name, values in single.history.items():
            np.testing.assert_allclose(result.history[name], values, rtol=1e-5, atol=1e-5, err_msg=name)
        assert result.train_loss == pytest.approx(single.train_loss, abs=1e-5)


@pytest.mark.parametrize("schedule", ["constant", "on plateau"])
def test_seeds_come_back_in_their_order_with_their_settings(wine, schedule):
    settings = dataclasses.replace(QUICK, schedule=schedule)
    runs = run_seeds(settings, wine, seeds=[5, 2])
    assert [result.settings for result in runs] == [dataclasses.replace(settings, seed=seed) for seed in (5, 2)]
    assert runs[1].history["val_loss"] == pytest.approx(run(runs[1].settings, wine).history["val_loss"], abs=1e-5)
    assert ("learning_rate" in runs[0].history) == (schedule == "on plateau")
