"""`fit` gives the numbers of `model.fit` and calls the same callbacks."""

import dataclasses
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from course_utils.training import GRAPHS, TensorSets, batch_orders, epochs, fit, fit_tensors
from tests.training.shared import assert_same_training, dense, keras_fit, network, unchecked

EPOCHS = 20
EPOCH_HOOKS = ["on_epoch_begin", "on_test_begin", "on_test_end", "on_epoch_end"]


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

    data = unchecked(mnist, y_train=np.eye(10)[mnist.y_train], y_valid=np.eye(10)[mnist.y_valid])
    assert_equals_keras(make, data, epochs=2)


def test_validation_in_several_batches_gives_the_same_numbers(wine, monkeypatch):
    monkeypatch.setattr(epochs, "VALIDATION_BATCH", 16)  # 40 wines in 16, 16 and 8
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


def test_shuffled_training_follows_the_orders(wine):
    order = next(batch_orders(100, seed=6))
    sorted_wine = dataclasses.replace(wine, x_train=wine.x_train[order], y_train=wine.y_train[order])
    shuffled, by_hand = network(dense), network(dense)
    expected = fit(by_hand, sorted_wine, epochs=1, shuffle=False)
    assert_same_training(fit(shuffled, wine, epochs=1, seed=6), shuffled, expected, by_hand)


def test_tensors_train_like_their_dataset(wine):
    ours, theirs = network(dense), network(dense)
    history = fit_tensors(ours, TensorSets.of(wine), epochs=2, seed=3)
    assert_same_training(history, ours, fit(theirs, wine, epochs=2, seed=3), theirs)


def test_numbers_of_two_precisions_train_like_model_fit(wine):
    fine = unchecked(wine, x_train=wine.x_train.astype("float64"), y_valid=wine.y_valid.astype("float64"))
    assert_equals_keras(lambda: network(dense, metrics=["mse"]), fine, epochs=1)


# What a second model is trained with: graphs that were traced with a first one.


@pytest.fixture
def traced(monkeypatch):
    """A list that grows with every graph that is traced."""
    made = []

    class Counted(epochs.TracedGraph):
        def __init__(self, *arguments, **options):
            made.append(self)
            super().__init__(*arguments, **options)

    GRAPHS.clear()
    monkeypatch.setattr(epochs, "TracedGraph", Counted)
    yield made
    GRAPHS.clear()


@pytest.mark.parametrize("case", CASES)
def test_a_second_model_is_not_traced_and_equals_model_fit(wine, case, traced):
    few = dataclasses.replace(wine, x_train=wine.x_train[:50], y_train=wine.y_train[:50])
    fit(CASES[case](), few, epochs=1, batch_size=50, seed=1)
    assert len(traced) == 2  # training and validation
    assert_equals_keras(CASES[case], wine, epochs=3)
    assert len(traced) == 2


def test_code_of_ones_own_is_traced_anew(wine, traced):
    for factor in (1.0, 100.0):

        class Loss(keras.losses.Loss):  # as in a cell that is edited and run again
            def call(self, y, predicted, factor=factor):
                return factor * ops.mean(ops.square(y - predicted), axis=-1)

        assert_equals_keras(lambda kind=Loss: network(dense, loss=kind()), wine, epochs=1)
    assert len(traced) == 4
    assert len(GRAPHS) == 0


class Meddler(keras.callbacks.Callback):
    """Looks at the weights after every epoch, halves some of them, and changes the learning rate."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 0.01 / (epoch + 1)

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append([*self.model.get_weights(), float(self.model.optimizer.iterations)])
        kernel, *others = self.model.get_weights()
        self.model.set_weights([kernel / 2, *others])


def test_callbacks_see_and_change_the_callers_model_whatever_it_is_trained_with(wine, traced):
    fit(network(dense, seed=1), wine, epochs=1)
    ours, theirs = Meddler(), Meddler()
    _, model = assert_equals_keras(lambda: network(dense), wine, epochs=3, callbacks=iter([[ours], [theirs]]).__next__)
    assert len(traced) == 2
    assert ours.model is model
    for own, expected in zip(ours.seen, theirs.seen, strict=True):
        for value, other in zip(own, expected, strict=True):
            np.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-5)


def test_moving_averages_are_swapped_in_like_in_model_fit(wine, traced):
    fit(averaged(), wine, epochs=1)
    assert_equals_keras(
        averaged, wine, epochs=2, callbacks=lambda: [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)]
    )
    assert len(traced) == 2


def test_the_optimizer_is_left_as_it_was(wine):
    model = network(dense)
    before = set(vars(model.optimizer))
    model.optimizer.build(model.trainable_variables)
    built = set(vars(model.optimizer))
    fit(model, wine, epochs=1)
    assert set(vars(model.optimizer)) == before | built


def test_an_interrupted_training_leaves_what_was_trained(wine, traced):
    fit(network(dense, seed=1), wine, epochs=1)

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    ours, theirs = network(dense), network(dense)
    with pytest.raises(KeyboardInterrupt):
        fit(ours, wine, epochs=9, callbacks=[Interrupt()])
    expected = fit(theirs, wine, epochs=2)
    assert_same_training(expected, ours, expected, theirs)
    assert int(ours.optimizer.iterations) == 8


def test_two_threads_train_one_architecture_at_once(wine):
    models = [network(dense, seed=seed) for seed in (1, 2)]
    threads = [threading.Thread(target=fit, args=(model, wine), kwargs={"epochs": 20}) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, model in zip((1, 2), models, strict=True):
        alone = network(dense, seed=seed)
        expected = fit(alone, wine, epochs=20)
        assert_same_training(model.history, model, expected, alone)
    assert not tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer", False)


def test_no_option_of_the_process_is_changed_during_training(wine):
    seen = []
    look = keras.callbacks.LambdaCallback(
        on_test_begin=lambda logs: seen.append(tf.config.optimizer.get_experimental_options())
    )
    before = tf.config.optimizer.get_experimental_options()
    fit(network(dense), wine, epochs=1, callbacks=[look])
    assert seen == [before]


# Losses and metrics that are no means over rows.


def root_mean_square(y, predicted):
    return ops.sqrt(ops.mean(ops.square(y - ops.squeeze(predicted, -1))))


def slowly():
    return keras.optimizers.SGD(1e-4)


@pytest.mark.parametrize(
    "make",
    [
        lambda: network(dense, metrics=[root_mean_square]),
        lambda: network(dense, loss=root_mean_square),
        lambda: network(dense, loss=keras.losses.MeanSquaredError(reduction="sum"), optimizer=slowly()),
        lambda: network(lambda: layers.Dense(8, activity_regularizer=keras.regularizers.L2(0.1))),
    ],
    ids=["metric", "loss", "sum", "activity"],
)
def test_validation_that_depends_on_its_batches_equals_model_fit(wine, make):
    assert_equals_keras(make, wine, epochs=2)  # 40 wines in 32 and 8


# Models that change when they are called, and models with steps of their own.


class Counter(layers.Layer):
    def build(self, input_shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs):
        self.calls.assign_add(1.0)
        return inputs


def test_a_layer_that_counts_its_calls_counts_those_of_model_fit(wine):
    _, model = assert_equals_keras(lambda: network(dense, Counter), wine, epochs=1)
    assert float(model.layers[1].calls) == 6  # four batches, and two of the validation


def recurrent(layer, **options):
    keras.utils.set_random_seed(5)
    model = keras.Sequential([keras.Input(**options), layer(), layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss="mae")
    return model


def test_random_numbers_of_a_recurrent_layer_are_those_of_model_fit(wine):
    data = dataclasses.replace(wine, x_train=wine.x_train[..., None], x_valid=wine.x_valid[..., None])
    make = lambda: recurrent(lambda: layers.GRU(3, dropout=0.3), shape=(11, 1))  # noqa: E731
    assert_equals_keras(make, data, epochs=2, batch_size=50)


def test_a_stateful_layer_trains_like_in_model_fit(wine):
    data = dataclasses.replace(wine, x_train=wine.x_train[..., None], x_valid=wine.x_valid[..., None])
    make = lambda: recurrent(lambda: layers.SimpleRNN(3, stateful=True), batch_shape=(20, 11, 1))  # noqa: E731
    assert_equals_keras(make, data, epochs=2, batch_size=20)


class OwnStep(keras.Model):
    """Says other things than its metrics; may have no optimizer that Keras knows of."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, inputs):
        return self.dense(inputs)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(y[:, None] - self(x, training=True)))
        for variable, gradient in zip(
            self.trainable_variables, tape.gradient(loss, self.trainable_variables), strict=True
        ):
            variable.assign_sub(0.01 * gradient)
        return {"my_loss": loss, "rows": tf.shape(x)[0]}


def compiled(kind, **options):
    keras.utils.set_random_seed(5)
    model = kind()
    model.compile(**options)
    return model


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_what_a_train_step_of_ones_own_returns_stands_in_the_history(wine, run_eagerly):
    make = lambda: compiled(OwnStep, loss="mse", optimizer="adam", run_eagerly=run_eagerly)  # noqa: E731
    history, _ = assert_equals_keras(make, wine, epochs=2)
    assert history.history["rows"] == [4, 4]  # of the last batch


def test_what_a_test_step_of_ones_own_returns_stands_in_the_history(wine):
    class OwnTest(keras.Sequential):
        def test_step(self, data):
            return {"largest": tf.reduce_max(data[1])}

    def make():
        keras.utils.set_random_seed(5)
        model = OwnTest([keras.Input((11,)), layers.Dense(1)])
        model.compile(loss="mae")
        return model

    history, _ = assert_equals_keras(make, wine, epochs=1)
    assert list(history.history) == ["loss", "val_largest"]


def test_a_model_that_has_a_step_but_no_call_and_no_optimizer_trains(wine):
    class Uncallable(OwnStep):
        def call(self, inputs):
            raise NotImplementedError

        def train_step(self, data):
            return {"middle": tf.reduce_mean(self.dense(data[0]))}

    data = dataclasses.replace(wine, x_valid=wine.x_valid[:0], y_valid=wine.y_valid[:0])

    def make():
        model = compiled(Uncallable, optimizer=None)
        model.dense.build((None, 11))
        model.built = True
        return model

    assert_equals_keras(make, data, epochs=1)


# Callbacks and arguments.


def test_callbacks_may_come_from_a_generator_or_be_none(wine):
    history = fit(network(dense), wine, epochs=2, callbacks=(one for one in [halving()]))
    assert len(history.history["learning_rate"]) == 2
    assert "learning_rate" not in fit(network(dense), wine, epochs=1, callbacks=None).history


def test_a_backup_goes_on_where_the_training_was_interrupted(wine, tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt

    interrupted, again, whole = (network(dense) for _ in range(3))
    backup = lambda: keras.callbacks.BackupAndRestore(tmp_path)  # noqa: E731
    with pytest.raises(KeyboardInterrupt):
        fit(interrupted, wine, epochs=6, callbacks=[backup(), Interrupt()])
    fit(again, wine, epochs=6, callbacks=[backup()])
    expected = fit(whole, wine, epochs=6)
    assert int(again.optimizer.iterations) == 24
    assert_same_training(expected, again, expected, whole)


def test_callbacks_are_told_the_number_of_steps(wine):
    ours, theirs = keras.callbacks.Callback(), keras.callbacks.Callback()
    fit(network(dense), wine, epochs=1, callbacks=[ours])
    keras_fit(network(dense), wine, epochs=1, callbacks=[theirs])
    assert ours.params == theirs.params
    assert ours.params["steps"] == 4


def test_who_stops_at_the_beginning_of_an_epoch_stops_after_a_batch_like_in_model_fit(wine):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    _, model = assert_equals_keras(lambda: network(dense), wine, epochs=5, callbacks=lambda: [Stop()])
    assert int(model.optimizer.iterations) == 5


def test_a_batch_may_be_larger_than_any_number_of_rows(wine):
    assert_equals_keras(lambda: network(dense), wine, epochs=1, batch_size=2**40)
