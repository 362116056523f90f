"""Models trained side by side end where single `fit`s would have brought them."""

import dataclasses
import gc
import weakref
from functools import partial

import keras
import numpy as np
import pytest
from keras import layers

from course_utils.training import GRAPHS, fit, fit_together, together
from course_utils.training import stack as stack_module
from tests.training import shared
from tests.training.shared import dense, unchecked


def network(seed, *hidden, optimizer=None, **options):
    """A compiled network with one output; layers and optimizer come as functions."""
    return shared.network(*hidden, optimizer=optimizer() if optimizer else "adam", seed=seed, **options)


def momentum():
    return keras.optimizers.SGD(0.01, momentum=0.9)


def clipped():
    return keras.optimizers.SGD(0.1, clipnorm=0.01)


def shrinking():
    return keras.optimizers.AdamW(0.01, weight_decay=1.0)


def spared():
    """Weight decay for all but the biases."""
    optimizer = shrinking()
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def decaying():
    return keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.05, decay_steps=2, decay_rate=0.5))


def normalized(seed):
    no_bias = lambda: layers.Dense(6, use_bias=False)  # noqa: E731
    return network(seed, no_bias, layers.BatchNormalization, lambda: layers.Activation("relu"), optimizer=momentum)


def unbuilt(seed):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([dense(), layers.Dense(1)])
    model.compile(loss="mae")
    return model


CASES = {
    "plain": lambda seed: network(seed, dense),
    "dropout": lambda seed: network(seed, dense, lambda: layers.Dropout(0.4), dense, lambda: layers.Dropout(0.2)),
    "batch norm": normalized,
    "momentum": lambda seed: network(seed, dense, optimizer=momentum),
    "metrics": lambda seed: network(seed, dense, metrics=["mse", keras.metrics.RootMeanSquaredError()]),
    "regularizer": lambda seed: network(seed, lambda: layers.Dense(6, kernel_regularizer="l2")),
    "constraint": lambda seed: network(seed, lambda: layers.Dense(6, kernel_constraint=keras.constraints.MaxNorm(0.2))),
    "schedule object": lambda seed: network(seed, dense, optimizer=decaying),
    "clipped by norm": lambda seed: network(seed, dense, optimizer=clipped),
    "weight decay": lambda seed: network(seed, dense, optimizer=shrinking),
    "weight decay, biases spared": lambda seed: network(seed, dense, optimizer=spared),
    "unbuilt": unbuilt,
    "three values for each weight": lambda seed: network(
        seed, dense, optimizer=partial(keras.optimizers.Adam, amsgrad=True)
    ),
    "activity regularizer": lambda seed: network(seed, lambda: layers.Dense(6, activity_regularizer="l2")),
    "gradients of two batches": lambda seed: network(
        seed, dense, optimizer=partial(keras.optimizers.Adam, gradient_accumulation_steps=2)
    ),
    "a value for all weights": lambda seed: network(seed, dense, optimizer=keras.optimizers.Nadam),
}


def assert_same_models(histories, models, expected_histories, expected_models):
    for history, expected in zip(histories, expected_histories, strict=True):
        assert set(history.history) == set(expected.history)
        for name, values in expected.history.items():
            np.testing.assert_allclose(history.history[name], values, rtol=1e-5, atol=1e-5, err_msg=name)
    for model, expected in zip(models, expected_models, strict=True):
        for name in ("weights", "optimizer.variables"):
            ours, theirs = (
                getattr(one.optimizer if "." in name else one, name.split(".")[-1]) for one in (model, expected)
            )
            for a, b in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-5, err_msg=f"{name}: {b.path}")


def assert_equals_single_fits(make, data, *, seeds=(1, 2), **options):
    models, singles = [make(seed) for seed in seeds], [make(seed) for seed in seeds]
    histories = fit_together(models, data, seeds=seeds, **options)
    expected = [fit(model, data, seed=seed, **options) for model, seed in zip(singles, seeds, strict=True)]
    assert_same_models(histories, models, expected, singles)
    return histories


@pytest.mark.parametrize("case", CASES)
def test_together_equals_single_fits(wine, case):
    first, second = assert_equals_single_fits(CASES[case], wine, epochs=2, batch_size=32)  # 32, 32, 32 and 4 rows
    assert first.history["loss"] != second.history["loss"]


@pytest.mark.parametrize("options", [{"shuffle": False, "batch_size": 33}, {"batch_size": 300}])
def test_together_equals_single_fits_in_other_orders_and_batches(wine, options):
    assert_equals_single_fits(CASES["plain"], wine, epochs=2, **options)


def test_weights_of_two_precisions_are_trained_one_model_after_the_other(wine, monkeypatch):
    monkeypatch.setattr(together, "SeedStack", None)  # one matrix would round the finer ones
    assert_equals_single_fits(lambda seed: network(seed, lambda: layers.Dense(6, dtype="float64")), wine, epochs=1)


def test_together_equals_single_fits_on_classes(mnist):
    def make(seed):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.Input((784,)), dense(), layers.Dropout(0.3), layers.Dense(10)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(loss=loss, metrics=["accuracy"])
        return model

    histories = assert_equals_single_fits(make, mnist, epochs=2, seeds=(4, 1, 7))
    assert set(histories[0].history) == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_together_equals_single_fits_without_validation(wine):
    data = dataclasses.replace(wine, x_valid=wine.x_valid[:0], y_valid=wine.y_valid[:0])
    first, _ = assert_equals_single_fits(CASES["plain"], data, epochs=2)
    assert set(first.history) == {"loss"}


def test_validation_in_several_batches_gives_the_same_numbers(wine, monkeypatch):
    monkeypatch.setattr(stack_module, "VALIDATION_BATCH", 16)  # 40 wines in 16, 16 and 8
    models = [network(seed, dense, metrics=["mse"]) for seed in (1, 2)]
    for model, history in zip(models, fit_together(models, wine, epochs=1, batch_size=16), strict=True):
        expected = model.evaluate(wine.x_valid, wine.y_valid, verbose=0)
        assert [history.history["val_loss"][0], history.history["val_mse"][0]] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("optimizer", [momentum, clipped])
def test_rates_act_like_a_schedule_callback(wine, optimizer):
    rates, (ours, theirs) = (
        [0.05, 0.01, 0.002],
        ([network(s, dense, optimizer=optimizer) for s in (0, 1)] for _ in "ab"),
    )
    follow = keras.callbacks.LearningRateScheduler(lambda epoch: rates[epoch])
    histories = fit_together(ours, wine, epochs=3, rates=rates)
    expected = [fit(model, wine, epochs=3, seed=seed, callbacks=[follow]) for seed, model in enumerate(theirs)]
    assert_same_models(histories, ours, expected, theirs)
    assert histories[0].history["learning_rate"] == pytest.approx(rates)


def test_further_training_continues_equally(wine):
    def make(seed):
        return network(seed, dense, layers.BatchNormalization, lambda: layers.Dropout(0.3))

    ours, theirs = ([make(seed) for seed in (0, 1)] for _ in "ab")
    fit_together(ours, wine, epochs=1)
    for seed, model in enumerate(theirs):
        fit(model, wine, epochs=1, seed=seed)
    histories, expected = ([fit(model, wine, epochs=1, seed=9) for model in models] for models in (ours, theirs))
    assert_same_models(histories, ours, expected, theirs)


def test_together_continues_what_was_trained_before(wine):
    ours, theirs = ([network(seed, dense) for seed in (0, 1)] for _ in "ab")
    for _ in range(2):
        fit_together(ours, wine, epochs=1)
    histories = [[fit(model, wine, epochs=1, seed=seed) for seed, model in enumerate(theirs)] for _ in range(2)]
    assert_same_models([model.history for model in ours], ours, histories[1], theirs)


def test_models_that_were_trained_for_different_times_keep_their_optimizers_apart(wine):
    ours, theirs = ([network(seed, dense) for seed in (0, 1)] for _ in "ab")
    for models in (ours, theirs):
        fit(models[0], wine, epochs=2)
    histories = fit_together(ours, wine, epochs=1)
    expected = [fit(model, wine, epochs=1, seed=seed) for seed, model in enumerate(theirs)]
    assert_same_models(histories, ours, expected, theirs)


def test_seeds_are_0_1_2_by_default(wine):
    given, default = ([network(3, dense) for _ in range(2)] for _ in "ab")
    histories = fit_together(given, wine, epochs=1, seeds=[0, 1])
    assert_same_models(fit_together(default, wine, epochs=1), default, histories, given)


def test_one_model_alone_equals_fit(wine):
    assert_equals_single_fits(CASES["plain"], wine, epochs=1, seeds=[4])


def test_a_train_step_of_its_own_is_respected(wine):
    class Idle(keras.Sequential):
        def train_step(self, data):
            return {}  # learns nothing

    models = [Idle([keras.Input((11,)), layers.Dense(1)]) for _ in range(2)]
    for model in models:
        model.compile(loss="mae")
    before = [model.get_weights()[0] for model in models]
    fit_together(models, wine, epochs=1)
    np.testing.assert_array_equal([model.get_weights()[0] for model in models], before)


def test_eager_models_equal_the_graph(wine):
    eager, graph = ([network(s, dense, run_eagerly=flag) for s in (0, 1)] for flag in (True, False))
    histories = [fit_together(models, wine, epochs=1, batch_size=50) for models in (eager, graph)]
    assert_same_models(histories[0], eager, histories[1], graph)


def wide():
    return layers.Dense(7, activation="relu")


def slow():
    return keras.optimizers.Adam(1e-4)


@pytest.mark.parametrize(
    "other",
    [
        lambda: network(2, wide),
        lambda: network(2, lambda: layers.Dense(6, activation="tanh")),
        lambda: network(2, dense, lambda: layers.Dropout(0.1)),
        lambda: network(2, dense, loss="mse"),
        lambda: network(2, dense, optimizer=slow),
        lambda: network(2, dense, optimizer=momentum),
    ],
    ids=["width", "activation", "layers", "loss", "rate", "optimizer"],
)
def test_models_that_differ_in_more_than_weights_are_refused(wine, other):
    models = [network(1, dense), other()]
    before = models[0].get_weights()[0]
    with pytest.raises(ValueError, match="differ"):
        fit_together(models, wine, epochs=1)
    np.testing.assert_array_equal(models[0].get_weights()[0], before)


@pytest.mark.parametrize(
    "losses",
    [
        (keras.losses.MeanSquaredError(), keras.losses.MeanSquaredError(reduction="sum")),
        (keras.losses.mean_absolute_error, keras.losses.mean_absolute_percentage_error),
    ],
    ids=["options", "functions"],
)
def test_losses_that_differ_in_more_than_their_type_are_refused(wine, losses):
    with pytest.raises(ValueError, match="differ"):
        fit_together([network(seed, dense, loss=loss) for seed, loss in enumerate(losses)], wine, epochs=1)


def test_models_with_different_metrics_are_refused(wine):
    with pytest.raises(ValueError, match="differ"):
        fit_together([network(0, dense), network(1, dense, metrics=["mse"])], wine, epochs=1)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"seeds": [1]}, ["1 seeds", "2 models"]),
        ({"seeds": [1, 2, 3]}, ["3 seeds", "2 models"]),
        ({"rates": [0.1, 0.1]}, ["2 learning rates", "3 epochs"]),
        ({"epochs": 0}, ["epochs=0"]),
        ({"batch_size": 0}, ["batch_size=0"]),
    ],
)
def test_numbers_that_do_not_fit_are_named(wine, options, named):
    models = [network(seed, dense) for seed in (0, 1)]
    with pytest.raises(ValueError, match=named[0]) as error:
        fit_together(models, wine, **{"epochs": 3, **options})
    assert all(part in str(error.value) for part in named)


def test_no_models_and_uncompiled_models_are_refused(wine):
    with pytest.raises(ValueError, match="models is empty"):
        fit_together([], wine, epochs=1)
    with pytest.raises(ValueError, match="not compiled"):
        fit_together([keras.Sequential([keras.Input((11,)), layers.Dense(1)])] * 2, wine, epochs=1)


# What is kept, and what is not.


@pytest.fixture
def stacks(monkeypatch):
    """A list that grows with every stack that is made."""
    made = []

    class Counted(stack_module.SeedStack):
        def __init__(self, *arguments):
            made.append(self)
            super().__init__(*arguments)

    GRAPHS.clear()
    monkeypatch.setattr(together, "SeedStack", Counted)
    yield made
    GRAPHS.clear()


def test_a_graph_that_is_used_again_trains_other_data_at_another_rate(wine, stacks):
    def make(rate):
        adam = lambda: keras.optimizers.Adam(rate)  # noqa: E731
        return lambda seed: network(
            seed, dense, lambda: layers.Dropout(0.3), layers.BatchNormalization, optimizer=adam, metrics=["mse"]
        )

    few = {"x_train": wine.x_train[:50], "y_train": wine.y_train[:50]}
    few = dataclasses.replace(wine, **few, x_valid=wine.x_valid[:10], y_valid=wine.y_valid[:10])
    assert_equals_single_fits(make(1e-3), wine, epochs=1)
    assert_equals_single_fits(make(1e-2), few, epochs=2, batch_size=16, seeds=(3, 4))
    assert len(stacks) == 1


def test_a_graph_that_was_used_without_validation_is_not_asked_for_one(wine, stacks):
    bare = dataclasses.replace(wine, x_valid=wine.x_valid[:0], y_valid=wine.y_valid[:0])
    for data in (bare, wine):
        assert_equals_single_fits(CASES["plain"], data, epochs=1)


def test_the_callers_models_are_not_kept(wine, stacks):
    models = [network(seed, dense) for seed in (0, 1)]
    fit_together(models, wine, epochs=1)
    seen = [weakref.ref(model) for model in models]
    before = [models[0].get_weights(), models[0].optimizer.variables[0].numpy()]
    fit_together([network(seed, dense) for seed in (2, 3)], wine, epochs=1)
    assert len(stacks) == 1
    for now, then in zip(models[0].get_weights(), before[0], strict=True):
        np.testing.assert_array_equal(now, then)
    del models, stacks[:]
    gc.collect()
    assert [model() for model in seen] == [None, None]


def edited(factor):
    class Loss(keras.losses.Loss):  # as in a cell that is edited and run again
        def call(self, y, predicted):
            return factor * keras.ops.mean(keras.ops.square(y - predicted), axis=-1)

    return lambda seed: network(seed, dense, loss=Loss())


def adapted(factor):
    def make():
        layer = layers.Normalization()
        layer.adapt(factor * np.arange(22.0).reshape(2, 11))
        return layer

    return lambda seed: network(seed, make)


def activated(factor):
    def scaled(x):
        return factor * keras.ops.relu(x)

    return lambda seed: network(seed, lambda: layers.Dense(6, activation=scaled))


def huber(delta):
    return lambda seed: network(seed, dense, loss=keras.losses.Huber(delta=delta))


TWICE = {"edited loss": edited, "other data": adapted, "activation": activated, "delta": huber}


@pytest.mark.parametrize("case", TWICE)
def test_no_graph_is_used_for_what_it_was_not_made_for(wine, case):
    for value in (0.1, 10.0):
        assert_equals_single_fits(TWICE[case](value), wine, epochs=1)


@pytest.mark.parametrize("case", TWICE)
def test_models_that_differ_in_what_no_configuration_says_are_refused(wine, case):
    with pytest.raises(ValueError, match="differ"):
        fit_together([TWICE[case](value)(1) for value in (0.1, 10.0)], wine, epochs=1)


def test_metrics_of_other_names_are_refused(wine):
    models = [network(1, dense, metrics=[keras.metrics.MeanSquaredError(name=name)]) for name in "ab"]
    with pytest.raises(ValueError, match="differ"):
        fit_together(models, wine, epochs=1)


def test_a_model_that_is_there_twice_is_refused(wine):
    with pytest.raises(ValueError, match="twice"):
        fit_together([network(1, dense)] * 2, wine, epochs=1)


def test_an_interrupted_training_leaves_what_was_trained(wine, monkeypatch):
    def interrupted(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    ours, theirs = ([network(seed, dense) for seed in (0, 1)] for _ in "ab")
    monkeypatch.setattr(keras.callbacks.History, "on_epoch_end", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit_together(ours, wine, epochs=5)
    monkeypatch.undo()
    expected = fit_together(theirs, wine, epochs=2)
    assert_same_models(expected, ours, expected, theirs)


# What only `fit` can do is done by it.


class Subclass(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, inputs):
        return self.dense(inputs)


class OwnSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.01 / (1 + keras.ops.cast(step, "float32"))


class Measuring(layers.Layer):
    """Holds a metric, and adds a loss."""

    def __init__(self):
        super().__init__()
        self.metric = keras.metrics.Mean(name="middle")

    def call(self, inputs):
        self.metric.update_state(inputs)
        self.add_loss(keras.ops.sum(keras.ops.square(inputs)))
        return inputs


class OwnMetrics(keras.Sequential):
    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {**super().compute_metrics(x, y, y_pred, sample_weight), "inputs": keras.ops.mean(x)}


def root_mean_square(y, predicted):
    return keras.ops.sqrt(keras.ops.mean(keras.ops.square(y - keras.ops.squeeze(predicted, -1))))


def compiled(seed, make, optimizer="adam", loss="mae"):
    keras.utils.set_random_seed(seed)
    model = make()
    model.compile(optimizer=optimizer, loss=loss)
    return model


def with_dict():
    inputs = keras.Input((11,))
    return keras.Model(inputs, {"a": layers.Dense(1)(inputs)})


ONE_BY_ONE = {
    "subclass": lambda seed: compiled(seed, Subclass),
    "dict": lambda seed: compiled(seed, with_dict, loss={"a": "mae"}),
    "own schedule": lambda seed: network(seed, dense, optimizer=lambda: keras.optimizers.SGD(OwnSchedule())),
    "measuring layer": lambda seed: network(seed, dense, Measuring),
    "own metrics": lambda seed: compiled(seed, lambda: OwnMetrics([keras.Input((11,)), layers.Dense(1)])),
    "metric that is no mean": lambda seed: network(seed, dense, metrics=[root_mean_square]),
    "partial": lambda seed: network(
        seed, lambda: layers.Dense(6, activation=partial(keras.activations.elu, alpha=0.5))
    ),
    "kernel that changes in a call": lambda seed: network(seed, lambda: layers.SpectralNormalization(layers.Dense(6))),
    "two precisions": lambda seed: network(seed, lambda: layers.Dense(6, dtype="mixed_bfloat16")),
}


@pytest.mark.parametrize("case", ONE_BY_ONE)
def test_what_only_fit_can_do_equals_single_fits(wine, case, stacks):
    assert_equals_single_fits(ONE_BY_ONE[case], wine, epochs=2)
    assert stacks == []


def test_an_embedding_equals_single_fits(wine):
    words = np.random.default_rng(0).integers(0, 20, (140, 6))
    data = unchecked(wine, x_train=words[:100], x_valid=words[100:])

    def model():
        parts = [layers.Embedding(20, 4), layers.GlobalAveragePooling1D(), layers.Dense(1)]
        return keras.Sequential([keras.Input((6,), dtype="int32"), *parts])

    assert_equals_single_fits(lambda seed: compiled(seed, model), data, epochs=3)
