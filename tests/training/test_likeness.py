"""`likeness`: equal for models that differ in their weights alone, whatever they are made of."""

import functools

import keras
import numpy as np
import pytest
from keras import layers, ops

from course_utils.training import TensorSets
from course_utils.training.epochs import create_variables
from course_utils.training.likeness import likeness
from tests.training.shared import dense, network


def told(model, data):
    create_variables(model, TensorSets.of(data))
    return likeness(model)


class Weighted(keras.losses.Loss):
    def __init__(self, weight):
        super().__init__()
        self._weight = weight

    def call(self, y, predicted):
        return self._weight * ops.mean(ops.abs(y - predicted), -1)


class Scaled(layers.Layer):
    def __init__(self, scale):
        super().__init__()
        self._scale = scale

    def call(self, inputs):
        return self._scale * inputs


class Counted(keras.metrics.MeanSquaredError):
    pass


def closure(factor):
    return lambda x: factor * x


def made_here(factor):
    class Loss(keras.losses.Loss):
        def call(self, y, predicted):
            return factor * ops.abs(y - predicted)

    return Loss()


def adapted(factor):
    layer = layers.Normalization()
    layer.adapt(factor * np.arange(22.0).reshape(2, 11))
    return layer


def wired(first):
    inputs = keras.Input((11,))
    a, b = layers.Dense(3)(inputs), layers.Dense(3)(inputs)
    model = keras.Model(inputs, layers.Dense(1)(layers.Add()([[inputs, a][first][:, :3], b])))
    model.compile(loss="mae")
    return model


class Sub(keras.Model):
    def __init__(self, units):
        super().__init__()
        self.hidden, self.out = layers.Dense(units), layers.Dense(1)

    def call(self, inputs):
        return self.out(self.hidden(inputs))


def sub(units):
    model = Sub(units)
    model.compile(loss="mae")
    return model


MAKE = {
    "plain": lambda v: network(lambda: layers.Dense(v, activation="relu"), layers.BatchNormalization),
    "own loss": lambda v: network(dense, loss=Weighted(v)),
    "loss of a class made for each": lambda v: network(dense, loss=made_here(v)),
    "Huber": lambda v: network(dense, loss=keras.losses.Huber(delta=float(v))),
    "closure": lambda v: network(lambda: layers.Dense(3, activation=closure(v))),
    "partial": lambda v: network(
        lambda: layers.Dense(3, activation=functools.partial(keras.activations.elu, alpha=float(v)))
    ),
    "Lambda": lambda v: network(lambda: layers.Lambda(closure(v))),
    "own layer": lambda v: network(lambda: Scaled(v)),
    "Normalization": lambda v: network(lambda: adapted(v)),
    "name of a metric": lambda v: network(dense, metrics=[keras.metrics.MeanSquaredError(name="ab"[v - 1])]),
    "wiring": lambda v: wired(v - 1),
    "subclass": sub,
    "rate": lambda v: network(dense, optimizer=keras.optimizers.Adam(float(v))),
    "optimizer": lambda v: network(dense, optimizer=keras.optimizers.SGD(0.1, momentum=v / 10)),
    "schedule": lambda v: network(
        dense, optimizer=keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 5, float(v)))
    ),
    "frozen": lambda v: network(lambda: layers.Dense(3, trainable=v == 1)),
    "activity": lambda v: network(lambda: layers.Dense(3, activity_regularizer=keras.regularizers.L2(float(v)))),
}


@pytest.mark.parametrize("case", MAKE)
def test_equal_settings_are_alike_and_others_are_not(wine, case):
    one, same, other = (told(MAKE[case](value), wine) for value in (1, 1, 2))
    assert one == same
    assert one != other


def test_names_that_keras_counts_on_do_not_count(wine):
    one, other = (network(dense, metrics=[Counted(name=None)]) for _ in "ab")
    assert told(one, wine) == told(other, wine)
