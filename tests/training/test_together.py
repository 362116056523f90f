"""Models trained side by side end where single `fit`s would have brought them."""

import dataclasses
from functools import partial

import keras
import numpy as np
import pytest
from keras import layers

from course_utils.training import fit, fit_together, together
from course_utils.training import stack as stack_module


def network(seed, *hidden, optimizer=None, loss="mae", metrics=None, **options):
    """A compiled network with one output; layers and optimizer come as functions."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((11,)), *(layer() for layer in hidden), layers.Dense(1)])
    model.compile(optimizer=optimizer() if optimizer else "adam", loss=loss, metrics=metrics, **options)
    return model


def dense():
    return layers.Dense(6, activation="relu")


def momentum():
    return keras.optimizers.SGD(0.01, momentum=0.9)


def clipped():
    return keras.optimizers.SGD(0.1, clipnorm=0.01)


def spared():
    """Weight decay for all but the biases."""
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=1.0)
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
    "weight decay, biases spared": lambda seed: network(seed, dense, optimizer=spared),
    "unbuilt": unbuilt,
    "three values for each weight": lambda seed: network(
        seed, dense, optimizer=partial(keras.optimizers.Adam, amsgrad=True)
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


def test_a_graph_that_is_used_again_trains_other_data_at_another_rate(wine, monkeypatch):
    monkeypatch.setattr(together, "_kept_stacks", {})

    def make(rate):
        return lambda seed: network(seed, dense, lambda: layers.Dropout(0.3), optimizer=lambda: adam(rate))

    def adam(rate):
        return keras.optimizers.Adam(rate)

    few = dataclasses.replace(wine, x_train=wine.x_train[:50], y_train=wine.y_train[:50], x_valid=wine.x_valid[:10])
    few = dataclasses.replace(few, y_valid=wine.y_valid[:10])
    assert_equals_single_fits(make(1e-3), wine, epochs=1)
    (stack,) = together._kept_stacks.values()
    assert_equals_single_fits(make(1e-2), few, epochs=2, batch_size=16)
    assert list(together._kept_stacks.values()) == [stack]


def test_code_of_ones_own_gets_a_new_graph(wine, monkeypatch):
    monkeypatch.setattr(together, "_kept_stacks", {})
    for factor in (0.5, 2.0):

        def scaled(x, factor=factor):
            return factor * keras.ops.relu(x)

        assert_equals_single_fits(
            lambda seed, act=scaled: network(seed, lambda: layers.Dense(6, activation=act)), wine, epochs=1
        )
    assert together._kept_stacks == {}


def test_only_the_last_few_graphs_are_kept(wine, monkeypatch):
    monkeypatch.setattr(together, "_kept_stacks", {})
    for units in range(2, together.MOST_STACKS + 4):
        fit_together([network(seed, lambda u=units: layers.Dense(u)) for seed in (0, 1)], wine, epochs=1)
    assert len(together._kept_stacks) == together.MOST_STACKS
