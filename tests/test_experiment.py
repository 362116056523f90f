"""`run` trains what the settings say, `code` writes the same run as plain Keras, `run_seeds` gives single runs."""

import ast
import contextlib
import dataclasses
import io
import math

import keras
import numpy as np
import pytest

from course_utils.data import load_mnist, load_red_wine
from course_utils.experiment import OPTIMIZERS, Settings, best_epoch, code, make_model, run, run_seeds, training_loss
from course_utils.models import ACTIVATIONS
from course_utils.schedules import SCHEDULES, schedule_callbacks
from course_utils.training import fit

QUICK = Settings(width=6, depth=1, epochs=2)


def evaluated_gap(model, data):
    losses = [model.evaluate(x, y, verbose=0) for x, y in ((data.x_valid, data.y_valid), (data.x_train, data.y_train))]
    return losses[0] - losses[1]


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
        ({"schedule": "foo"}, ["schedule='foo'", *map(repr, SCHEDULES)]),
        ({"batch_size": 0}, ["batch_size=0", ">= 1"]),
        ({"epochs": 2.5}, ["epochs=2.5", "whole number"]),
        ({"seed": -1}, ["seed=-1", ">= 0"]),
    ],
)
def test_wrong_settings_are_named_with_the_valid_choices(wrong, named):
    with pytest.raises(ValueError, match=next(iter(wrong))) as error:
        Settings(**wrong)
    assert all(part in str(error.value) for part in named)


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


def test_run_is_reproducible(wine):
    settings = dataclasses.replace(QUICK, dropout=0.3, batch_norm=True, seed=4)
    one, same = run(settings, wine), run(settings, wine)
    other = run(dataclasses.replace(settings, seed=5), wine)
    assert (one.history, one.train_loss) == (same.history, same.train_loss)
    assert one.history["loss"] != other.history["loss"]


def test_run_reports_what_happened(wine):
    result = run(dataclasses.replace(QUICK, epochs=3), wine)
    assert result.settings.epochs == len(result.history["loss"]) == len(result.history["val_loss"]) == 3
    assert result.best_epoch == int(np.argmin(result.history["val_loss"])) + 1
    assert result.seconds > 0
    assert str(result.best_epoch) in repr(result)


def test_loss_and_gap_are_measured_without_dropout(wine):
    result = run(dataclasses.replace(QUICK, width=32, dropout=0.7, batch_norm=True), wine)
    expected = result.model.evaluate(wine.x_train, wine.y_train, verbose=0)
    assert result.train_loss == pytest.approx(expected, rel=1e-4)
    assert result.gap == pytest.approx(evaluated_gap(result.model, wine), abs=1e-4)
    assert abs(result.history["val_loss"][-1] - result.history["loss"][-1] - result.gap) > 0.01


def test_training_loss_is_that_of_the_model_as_it_is(mnist):
    model = make_model(dataclasses.replace(QUICK, dropout=0.5), mnist)
    expected, _ = model.evaluate(mnist.x_train, mnist.y_train, verbose=0)
    assert training_loss(model, mnist) == pytest.approx(expected, rel=1e-5)


def test_gap_belongs_to_the_restored_weights(wine):
    settings = dataclasses.replace(QUICK, width=32, optimizer="momentum", learning_rate=0.1, epochs=30)
    result = run(settings, wine, callbacks=[keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)])
    assert result.best_epoch < len(result.history["val_loss"]) < 30
    assert result.gap == pytest.approx(evaluated_gap(result.model, wine), abs=1e-4)


def test_run_without_validation_has_no_gap(wine):
    data = dataclasses.replace(wine, x_valid=wine.x_valid[:0], y_valid=wine.y_valid[:0])
    result = run(QUICK, data)
    assert math.isnan(result.gap)
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


RUNS = [
    (Settings(epochs=2, batch_size=256), {}),
    (Settings(epochs=2, batch_size=100, dropout=0.25, batch_norm=True, activation="tanh", seed=3), {"seed": 2}),
    (Settings(epochs=2, batch_size=256, depth=0, optimizer="momentum", schedule="cosine"), {"split": "tutorial"}),
    (Settings(epochs=2, optimizer="rmsprop", schedule="exponential"), {"n_train": 90, "label_noise": 0.2}),
    (Settings(epochs=2, optimizer="sgd", learning_rate=1 / 3, dropout=1 / 3), {"n_train": 90, "flatten": False}),
    (Settings(epochs=2, schedule="warmup then cosine", activation="gelu"), {"n_train": 90, "n_valid": 0}),
    (Settings(epochs=2, schedule="on plateau", width=9, optimizer="adagrad"), {"n_train": 90}),
]


@pytest.mark.parametrize(("settings", "arguments"), RUNS, ids=[f"{s.optimizer}-{s.schedule}" for s, _ in RUNS])
def test_code_gives_the_history_of_the_run(settings, arguments):
    load = load_mnist if "n_train" in arguments else load_red_wine
    data = load(**({"n_valid": 50} | arguments if load is load_mnist else arguments))
    source = code(settings, data, shuffle=False)
    names = {}
    exec(source.rstrip().removesuffix(")") + "    verbose=0)", names)
    follow = schedule_callbacks(settings.schedule, learning_rate=settings.learning_rate, epochs=settings.epochs)
    options = {"epochs": settings.epochs, "batch_size": settings.batch_size, "callbacks": follow}
    expected = fit(make_model(settings, data), data, shuffle=False, **options).history
    assert list(names["history"].history) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(names["history"].history[name], values, rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_code_takes_only_the_data_from_the_course(wine, mnist, schedule):
    for data, loader in ((wine, "load_red_wine"), (mnist, "load_mnist")):
        lines = code(Settings(schedule=schedule), data).splitlines()
        assert [line for line in lines if "course_utils" in line] == [f"from course_utils.data import {loader}"]


def test_code_lowers_the_rate_on_a_plateau_as_the_run_does(wine):
    source = code(dataclasses.replace(QUICK, schedule="on plateau"), wine)
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    (written,) = (call.keywords for call in calls if ast.unparse(call.func) == "keras.callbacks.ReduceLROnPlateau")
    (used,) = schedule_callbacks("on plateau", learning_rate=0.1, epochs=2)
    assert {word.arg: word.value.value for word in written} == {"factor": used.factor, "patience": used.patience}


def test_code_shuffles_by_default(wine):
    assert "shuffle" not in code(QUICK, wine)
    assert "shuffle=False" in code(QUICK, wine, shuffle=False)


def test_code_keeps_every_digit_of_the_settings(wine):
    numbers = {"dropout": 0.123456789, "learning_rate": 0.000123456789}
    tree = ast.parse(code(dataclasses.replace(QUICK, **numbers), wine))
    written = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert set(numbers.values()) <= written


def test_code_of_data_from_elsewhere_is_valid_python_or_refused(wine):
    data = dataclasses.replace(wine, source="")
    with contextlib.suppress(ValueError):
        ast.parse(code(QUICK, data))


def test_seeds_together_equal_single_runs(wine):
    settings = dataclasses.replace(QUICK, dropout=0.3, batch_norm=True, schedule="cosine", batch_size=64)
    for result in run_seeds(settings, wine, seeds=[5, 2]):
        single = run(result.settings, wine)
        assert set(result.history) == set(single.history)
        for name, values in single.history.items():
            np.testing.assert_allclose(result.history[name], values, rtol=1e-5, atol=1e-5, err_msg=name)
        assert (result.train_loss, result.gap) == pytest.approx((single.train_loss, single.gap), abs=1e-5)


@pytest.mark.parametrize("schedule", ["constant", "on plateau"])
def test_seeds_come_back_in_their_order_with_their_settings(wine, schedule):
    settings = dataclasses.replace(QUICK, schedule=schedule)
    runs = run_seeds(settings, wine, seeds=[5, 2])
    assert [result.settings for result in runs] == [dataclasses.replace(settings, seed=seed) for seed in (5, 2)]
    assert runs[1].history["val_loss"] == pytest.approx(run(runs[1].settings, wine).history["val_loss"], abs=1e-5)
    assert ("learning_rate" in runs[0].history) == (schedule == "on plateau")


def test_progress_goes_nowhere_by_itself(wine):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        run(QUICK, wine)
    assert (out.getvalue(), err.getvalue()) == ("", "")
