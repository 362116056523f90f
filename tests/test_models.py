"""`build_mlp` builds what the settings say, the same for the same seed."""

import random

import keras
import numpy as np
import pytest

from course_utils.data import load_mnist
from course_utils.models import ACTIVATIONS, build_mlp, compile_for, count_parameters


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({}, (11 * 64 + 64) + (64 * 64 + 64) + (64 + 1)),
        ({"width": 5, "depth": 3}, (11 * 5 + 5) + 2 * (5 * 5 + 5) + (5 + 1)),
        ({"width": 1, "depth": 1}, (11 + 1) + (1 + 1)),
        ({"depth": 0}, 11 + 1),
        ({"dropout": 0.5}, 4993),
        # No bias, but scale, shift, moving mean and moving variance for each unit.
        ({"batch_norm": True}, (11 * 64 + 4 * 64) + (64 * 64 + 4 * 64) + (64 + 1)),
    ],
)
def test_parameter_counts_on_wine(wine, settings, count):
    assert build_mlp(wine, **settings).count_params() == count


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_parameters_are_counted_as_keras_counts_them(wine, mnist, depth, batch_norm):
    settings = {"width": 12, "depth": depth, "batch_norm": batch_norm}
    for data in (wine, mnist):
        assert count_parameters(data, **settings) == build_mlp(data, **settings, dropout=0.3).count_params()


@pytest.mark.parametrize("wrong", [{"width": 0}, {"depth": -1}, {"batch_norm": "yes"}])
def test_parameters_of_an_impossible_network_are_not_counted(wine, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        count_parameters(wine, **wrong)


@pytest.mark.parametrize("flatten", [True, False])
def test_parameter_counts_on_mnist(flatten):
    data = load_mnist(n_train=2, n_valid=0, n_test=0, flatten=flatten)
    model = build_mlp(data, width=4, depth=1)
    assert model.count_params() == (784 * 4 + 4) + (4 * 10 + 10)
    assert model(data.x_train).shape == (2, 10)


def test_layers_stand_in_the_documented_order(wine):
    model = build_mlp(wine, depth=2, dropout=0.3, batch_norm=True, activation="tanh")
    block = ["Dense", "BatchNormalization", "Activation", "Dropout"]
    assert [type(layer).__name__ for layer in model.layers] == [*block, *block, "Dense"]
    assert model.layers[0].activation is keras.activations.linear
    assert model.layers[2].activation is keras.activations.tanh
    assert model.layers[3].rate == 0.3


def test_what_is_switched_off_is_left_out(wine):
    model = build_mlp(wine, depth=2)
    assert [type(layer).__name__ for layer in model.layers] == ["Dense"] * 3
    assert not model.compiled


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_hidden_layers_have_the_activation_and_the_output_none(mnist, activation):
    model = build_mlp(mnist, width=3, depth=1, activation=activation)
    assert model.layers[0].activation is keras.activations.get(activation)
    assert model.layers[-1].activation is keras.activations.linear


def test_output_has_no_softmax(mnist):
    logits = build_mlp(mnist)(mnist.x_train).numpy()
    assert logits.min() < 0
    assert not np.allclose(logits.sum(axis=1), 1, atol=0.01)


def test_same_seed_same_weights_and_dropout(wine):
    one, same, other = (build_mlp(wine, dropout=0.5, seed=seed) for seed in (7, 7, 8))
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), same.get_weights(), strict=True))
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])
    dropped = [model(wine.x_train, training=True).numpy() for model in (one, same)]
    np.testing.assert_array_equal(*dropped)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_the_seed_gives_what_plain_keras_gives_and_leaves_the_generators_alone(wine, batch_norm):
    keras.utils.set_random_seed(7)
    activation = [keras.layers.BatchNormalization(), keras.layers.Activation("relu")] if batch_norm else []
    plain = keras.Sequential(
        [
            keras.Input((11,)),
            keras.layers.Dense(64, activation=None if batch_norm else "relu", use_bias=not batch_norm),
            *activation,
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1),
        ]
    )
    random.seed(1)
    np.random.seed(1)
    built = build_mlp(wine, depth=1, dropout=0.5, batch_norm=batch_norm, seed=7)
    drawn = random.random(), np.random.random()
    random.seed(1)
    np.random.seed(1)
    assert drawn == (random.random(), np.random.random())
    assert all(np.array_equal(a, b) for a, b in zip(plain.get_weights(), built.get_weights(), strict=True))
    np.testing.assert_array_equal(*(model(wine.x_train, training=True).numpy() for model in (plain, built)))


def test_dropout_works_in_training_only(wine):
    model = build_mlp(wine, dropout=0.5)
    first, second = (model(wine.x_train, training=False).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(model(wine.x_train, training=True), first)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"width": 0}, ["width=0", ">= 1"]),
        ({"width": 2.5}, ["width=2.5", "whole number"]),
        ({"depth": -1}, ["depth=-1", ">= 0"]),
        ({"dropout": 1.0}, ["dropout=1.0", ">= 0", "< 1", "switches dropout off"]),
        ({"dropout": -0.1}, ["dropout=-0.1", ">= 0"]),
        ({"batch_norm": "yes"}, ["batch_norm='yes'", "True", "False"]),
        ({"activation": "foo"}, ["activation='foo'", *map(repr, ACTIVATIONS)]),
        ({"seed": -1}, ["seed=-1", ">= 0"]),
    ],
)
def test_bad_arguments_are_named_with_the_valid_choices(wine, settings, named):
    with pytest.raises(ValueError, match=next(iter(settings))) as error:
        build_mlp(wine, **settings)
    assert all(part in str(error.value) for part in named)


def test_compiled_for_regression_the_loss_is_the_mean_absolute_error(wine):
    model = compile_for(build_mlp(wine, width=4), wine, "adam")
    expected = np.abs(model(wine.x_valid).numpy()[:, 0] - wine.y_valid).mean()
    assert model.evaluate(wine.x_valid, wine.y_valid, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_compiled_for_classification_the_loss_is_the_cross_entropy_of_logits(mnist):
    model = compile_for(build_mlp(mnist, width=4), mnist, keras.optimizers.SGD(0.5))
    logits = model(mnist.x_valid).numpy().astype(float)
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    loss, accuracy = model.evaluate(mnist.x_valid, mnist.y_valid, verbose=0)
    assert loss == pytest.approx(-np.log(share[np.arange(50), mnist.y_valid]).mean(), rel=1e-5)
    assert accuracy == pytest.approx((logits.argmax(axis=1) == mnist.y_valid).mean())
    assert float(model.optimizer.learning_rate) == 0.5
