"""`fit` gives the numbers of `model.fit`, calls the same callbacks, and leaves no memory behind."""

import ast
import dataclasses
import gc
import itertools
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from course_utils.training import batch_orders, fit, fit_together
from course_utils.training import epochs as training

EPOCHS = 20
EPOCH_HOOKS = ["on_epoch_begin", "on_test_begin", "on_test_end", "on_epoch_end"]


def network(*hidden, optimizer=None, loss="mae", metrics=None, **options):
    """A compiled network with one output; the hidden layers come as functions, to be called after seeding."""
    keras.utils.set_random_seed(5)
    model = keras.Sequential([keras.Input((11,)), *(layer() for layer in hidden), layers.Dense(1)])
    model.compile(optimizer=optimizer or keras.optimizers.Adam(0.01), loss=loss, metrics=metrics, **options)
    return model


def dense():
    return layers.Dense(8, activation="relu")


def regularized():
    return layers.Dense(8, activation="relu", kernel_regularizer=keras.regularizers.L2(0.1))


def constrained():
    return layers.Dense(8, kernel_constraint=keras.constraints.MaxNorm(0.2))


def decaying():
    return keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.02, decay_steps=7, decay_rate=0.8))


def halving():
    return keras.callbacks.LearningRateScheduler(lambda epoch: 0.02 * 0.5 ** (epoch // 3))


def momentum():
    return network(dense, optimizer=keras.optimizers.SGD(0.01, momentum=0.9))


def averaged():
    return network(dense, optimizer=keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.8))


CASES = {
    "plain SGD": lambda: network(dense, optimizer=keras.optimizers.SGD(0.01)),
    "Adam": lambda: network(dense),
    "dropout": lambda: network(dense, lambda: layers.Dropout(0.4), dense),
    "batch norm": lambda: network(dense, layers.BatchNormalization, dense),
    "extra metrics": lambda: network(dense, metrics=["mse", keras.metrics.RootMeanSquaredError()]),
    "regularizer": lambda: network(regularized),
    "momentum": momentum,
    "schedule object": lambda: network(dense, optimizer=decaying()),
}


def keras_fit(model, data, **options):
    validation = (data.x_valid, data.y_valid) if len(data.x_valid) else None
    return model.fit(data.x_train, data.y_train, validation_data=validation, shuffle=False, verbose=0, **options)


def assert_same_training(history, model, other_history, other_model):
    assert list(history.history) == list(other_history.history)
    for name, values in history.history.items():
        np.testing.assert_allclose(values, other_history.history[name], rtol=1e-5, atol=1e-5, err_msg=name)
    for ours, theirs in zip(model.get_weights(), other_model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def assert_equals_keras(make, data, *, callbacks=list, **options):
    ours, theirs = make(), make()
    history = fit(ours, data, shuffle=False, callbacks=callbacks(), **options)
    expected = keras_fit(theirs, data, callbacks=callbacks(), **options)
    assert_same_training(history, ours, expected, theirs)
    return history, ours


@pytest.mark.parametrize("case", CASES)
def test_fit_equals_model_fit(wine, case):
    assert_equals_keras(CASES[case], wine, epochs=EPOCHS, batch_size=32)  # batches of 32, 32, 32 and 4


@pytest.mark.parametrize("make", [averaged, lambda: network(constrained)], ids=["moving average", "constraint"])
def test_fit_equals_model_fit_where_weights_are_changed_after_the_step(wine, make):
    assert_equals_keras(make, wine, epochs=3)


@pytest.mark.parametrize(("batch_size", "epochs"), [(1, 1), (99, 3), (250, EPOCHS)])
def test_fit_equals_model_fit_at_other_batch_sizes(wine, batch_size, epochs):
    assert_equals_keras(momentum, wine, epochs=epochs, batch_size=batch_size)


def test_fit_equals_model_fit_with_a_schedule_callback(wine):
    history, _ = assert_equals_keras(CASES["Adam"], wine, epochs=EPOCHS, callbacks=lambda: [halving()])
    assert history.history["learning_rate"] == pytest.approx([0.02 * 0.5 ** (epoch // 3) for epoch in range(EPOCHS)])


def test_fit_equals_model_fit_without_validation(wine):
    data = dataclasses.replace(wine, x_valid=wine.x_valid[:0], y_valid=wine.y_valid[:0])
    history, _ = assert_equals_keras(CASES["dropout"], data, epochs=EPOCHS)
    assert list(history.history) == ["loss"]


def test_fit_equals_model_fit_on_classes(mnist):
    def make():
        keras.utils.set_random_seed(5)
        model = keras.Sequential([keras.Input((784,)), dense(), layers.Dense(10)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
        return model

    assert_equals_keras(make, mnist, epochs=3)


def test_fit_equals_model_fit_when_a_metric_has_a_value_per_class(mnist):
    def make():
        keras.utils.set_random_seed(5)
        model = keras.Sequential([keras.Input((784,)), dense(), layers.Dense(10, activation="softmax")])
        model.compile(loss="categorical_crossentropy", metrics=[keras.metrics.F1Score(average=None)])
        return model

    data = dataclasses.replace(mnist, y_train=np.eye(10)[mnist.y_train], y_valid=np.eye(10)[mnist.y_valid])
    assert_equals_keras(make, data, epochs=2)


def test_validation_in_several_batches_gives_the_same_numbers(wine, monkeypatch):
    monkeypatch.setattr(training, "VALIDATION_BATCH", 16)  # 40 wines in 16, 16 and 8
    model = network(dense, metrics=["mse"])
    history = fit(model, wine, epochs=1, batch_size=16).history
    expected = model.evaluate(wine.x_valid, wine.y_valid, verbose=0)
    assert [history["val_loss"][0], history["val_mse"][0]] == pytest.approx(expected, rel=1e-5)


def test_early_stopping_stops_and_restores_like_model_fit(wine):
    def make():
        return network(dense, dense, optimizer=keras.optimizers.SGD(0.1, momentum=0.9))

    def stopping():
        return [keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)]

    history, model = assert_equals_keras(make, wine, epochs=50, callbacks=stopping)
    losses = history.history["val_loss"]
    assert len(losses) < 50
    assert min(losses) < losses[-1]
    assert model.evaluate(wine.x_valid, wine.y_valid, verbose=0) == pytest.approx(min(losses), rel=1e-5)


def test_reduce_on_plateau_lowers_the_rate_like_model_fit(wine):
    def plateau():
        return [keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=1)]

    history, _ = assert_equals_keras(
        lambda: network(optimizer=keras.optimizers.SGD(1.0)), wine, epochs=6, callbacks=plateau
    )
    assert history.history["learning_rate"][-1] < 0.5


def test_checkpoints_are_saved_by_the_epoch(wine, tmp_path):
    model = network(dense)
    fit(model, wine, epochs=2, callbacks=[keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.keras", "2.keras"]
    saved = keras.models.load_model(tmp_path / "2.keras")
    np.testing.assert_array_equal(saved.get_weights()[0], model.get_weights()[0])


def test_one_callback_needs_no_list(wine):
    history = fit(network(dense), wine, epochs=2, callbacks=halving())
    assert len(history.history["learning_rate"]) == 2


class BatchCounter(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise AssertionError("called although it was refused")


@pytest.mark.parametrize(
    ("callback", "named"),
    [
        (BatchCounter(), ["BatchCounter", "on_train_batch_end", "model.fit"]),
        (keras.callbacks.LambdaCallback(on_train_batch_end=print), ["LambdaCallback", "on_train_batch_end"]),
        (keras.callbacks.LambdaCallback(on_test_batch_begin=print), ["LambdaCallback", "on_test_batch_begin"]),
        (keras.callbacks.TerminateOnNaN(), ["TerminateOnNaN", "on_batch_end"]),
        (keras.callbacks.ModelCheckpoint("w.weights.h5", save_weights_only=True, save_freq=3), ["ModelCheckpoint"]),
        (print, [repr(print), "keras.callbacks.Callback"]),
    ],
)
def test_what_cannot_be_called_by_the_epoch_is_refused_before_training(wine, callback, named):
    model = network(dense)
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"[Cc]allback") as error:
        fit(model, wine, epochs=1, callbacks=[callback])
    assert all(part in str(error.value) for part in named)
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), before, strict=True))


def test_lambda_callback_of_epochs_is_called(wine):
    seen = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["val_loss"])))
    history = fit(network(dense), wine, epochs=2, callbacks=[callback])
    assert seen == list(enumerate(history.history["val_loss"]))


class Recorder(keras.callbacks.Callback):
    """Notes each call: the epoch, where there is one, and the names and types in the logs."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def note(self, hook, logs, epoch=None):
        self.calls.append((hook, epoch, sorted((name, type(value)) for name, value in (logs or {}).items())))

    def on_train_begin(self, logs=None):
        self.note("on_train_begin", logs)

    def on_epoch_begin(self, epoch, logs=None):
        self.note("on_epoch_begin", logs, epoch)

    def on_test_begin(self, logs=None):
        self.note("on_test_begin", logs)

    def on_test_end(self, logs=None):
        self.note("on_test_end", logs)

    def on_epoch_end(self, epoch, logs=None):
        self.note("on_epoch_end", logs, epoch)

    def on_train_end(self, logs=None):
        self.note("on_train_end", logs)


def test_callbacks_are_called_in_the_order_of_model_fit(wine):
    ours, theirs = Recorder(), Recorder()
    fit(network(dense, metrics=["mse"]), wine, epochs=2, callbacks=[ours])
    keras_fit(network(dense, metrics=["mse"]), wine, epochs=2, callbacks=[theirs])
    assert [call[0] for call in ours.calls] == ["on_train_begin", *EPOCH_HOOKS, *EPOCH_HOOKS, "on_train_end"]
    assert ours.calls == theirs.calls


def test_a_callback_can_stop_the_training(wine):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    model = network(dense)
    assert len(fit(model, wine, epochs=9, callbacks=[Stop()]).history["loss"]) == 2
    assert len(fit(model, wine, epochs=3).history["loss"]) == 3


def test_history_is_left_in_the_model_like_model_fit_does(wine):
    model = network(dense)
    assert fit(model, wine, epochs=1) is model.history
    assert model.history.epoch == [0]


def test_uncompiled_model_is_refused(wine):
    model = keras.Sequential([keras.Input((11,)), layers.Dense(1)])
    with pytest.raises(ValueError, match=r"not compiled.*model\.compile"):
        fit(model, wine, epochs=1)


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"epochs": 1.5}, {"batch_size": 0}, {"seed": -1}, {"shuffle": "yes"}, {"callbacks": [3]}]
)
def test_bad_arguments_are_named(wine, wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=name) as error:
        fit(network(dense), wine, **{"epochs": 1, **wrong})
    assert repr(value).strip("[]") in str(error.value)


def test_eager_training_gives_the_numbers_of_the_graph(wine):
    eager, graph = network(dense, run_eagerly=True), network(dense)
    histories = [fit(model, wine, epochs=1) for model in (eager, graph)]
    assert_same_training(histories[0], eager, histories[1], graph)


def test_unbuilt_model_trains_like_a_built_one(wine):
    keras.utils.set_random_seed(5)
    unbuilt = keras.Sequential([dense(), layers.Dense(1)])
    unbuilt.compile(optimizer=keras.optimizers.Adam(0.01), loss="mae")
    built = network(dense)
    assert_same_training(fit(unbuilt, wine, epochs=2), unbuilt, fit(built, wine, epochs=2), built)


def test_training_twice_continues(wine):
    twice, once = momentum(), momentum()
    parts = [fit(twice, wine, epochs=epochs, shuffle=False).history["loss"] for epochs in (1, 2)]
    history = fit(once, wine, epochs=3, shuffle=False).history["loss"]
    np.testing.assert_allclose([*parts[0], *parts[1]], history, rtol=1e-6)


def test_same_seed_same_history(wine):
    same = [fit(network(dense), wine, epochs=2, seed=3).history for _ in range(2)]
    other = fit(network(dense), wine, epochs=2, seed=4).history
    assert same[0] == same[1]
    assert same[0]["loss"] != other["loss"]


def test_every_epoch_has_each_row_once_in_a_new_order():
    first, second = itertools.islice(batch_orders(50, seed=1), 2)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first.tolist() != second.tolist()
    assert first.tolist() != list(range(50))
    assert [order.tolist() for order in itertools.islice(batch_orders(3, shuffle=False), 2)] == [[0, 1, 2]] * 2


def test_orders_depend_on_the_seed_alone():
    one, same, other = (next(batch_orders(50, seed=seed)).tolist() for seed in (1, 1, 2))
    assert one == same != other


def test_shuffled_training_follows_the_orders(wine):
    order = next(batch_orders(100, seed=6))
    sorted_wine = dataclasses.replace(wine, x_train=wine.x_train[order], y_train=wine.y_train[order])
    shuffled, by_hand = network(dense), network(dense)
    expected = fit(by_hand, sorted_wine, epochs=1, shuffle=False)
    assert_same_training(fit(shuffled, wine, epochs=1, seed=6), shuffled, expected, by_hand)


@pytest.mark.parametrize(("run_eagerly", "expected"), [(False, 1), (True, 8)])
def test_the_models_own_step_is_traced_once_or_run_eagerly(wine, run_eagerly, expected):
    class Counting(keras.Sequential):
        steps = 0

        def train_step(self, data):
            Counting.steps += 1  # by Python: once for each trace, or for each of 2 × 4 batches
            return super().train_step(data)

    model = Counting([keras.Input((11,)), dense(), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(1)])
    model.compile(loss="mae", run_eagerly=run_eagerly)
    fit(model, wine, epochs=2)
    assert Counting.steps == expected


@pytest.mark.parametrize("together", [1, 2])
def test_graphs_are_freed_with_their_models(wine, together):
    def train():
        fit_together([network(dense) for _ in range(together)], wine, epochs=1)  # a single model is trained by `fit`

    def graphs():
        gc.collect()
        return sum(type(thing).__name__ == "FuncGraph" for thing in gc.get_objects())

    train()
    before = graphs()
    for _ in range(2):
        train()
    assert graphs() <= before


@pytest.fixture(scope="module")
def fifty_models():
    """A new process that trains 50 fresh models, one after the other: its growth in MB (None off Linux) and stderr."""
    done = subprocess.run([sys.executable, "-c", FIFTY_MODELS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout.splitlines()[-1]), done.stderr


FIFTY_MODELS = """
import dataclasses, gc, os, pathlib
from course_utils.data import load_red_wine
from course_utils.experiment import Settings, make_model
from course_utils.training import fit, fit_together

full = load_red_wine()
wine = dataclasses.replace(full, x_train=full.x_train[:50], y_train=full.y_train[:50])
settings = Settings(width=8, depth=1)
memory = pathlib.Path("/proc/self/statm")

def megabytes():
    gc.collect()
    return int(memory.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if memory.exists() else None

def train():
    fit(make_model(settings, wine), wine, epochs=1)

train()
before = megabytes()
for _ in range(50):
    train()
growth = before and megabytes() - before
for _ in range(5):
    fit_together([make_model(Settings(depth=0, seed=seed), wine) for seed in (0, 1)], wine, epochs=1)
print(growth)
"""


def test_fifty_models_leave_no_memory_behind(fifty_models):
    growth, _ = fifty_models
    if growth is None:
        pytest.skip("The memory of a process can only be read on Linux.")
    assert growth < 200


def test_fifty_models_and_a_few_together_are_trained_without_a_warning(fifty_models):
    _, errors = fifty_models
    assert "retracing" not in errors
