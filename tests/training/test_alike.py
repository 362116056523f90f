"""`graph_key`: equal for models that may share a graph, different or None for all others."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from course_utils.training import TensorSets
from course_utils.training.alike import graph_key
from course_utils.training.epochs import create_variables
from tests.training.shared import dense, network


def key(model, data):
    sets = TensorSets.of(data)
    create_variables(model, sets)
    return graph_key(model, sets)


def adam(rate=0.01, **options):
    return keras.optimizers.Adam(rate, **options)


def block():
    return layers.Dense(6, use_bias=False), layers.BatchNormalization(), layers.Activation("relu"), layers.Dropout(0.3)


PLAIN = {
    "dense": lambda seed: network(dense, seed=seed),
    "names": lambda seed: network(lambda: layers.Dense(3, name=f"layer_{seed}"), seed=seed),
    "start": lambda seed: network(lambda: layers.Dense(3, kernel_initializer=["zeros", "he_normal"][seed]), seed=seed),
    "rate": lambda seed: network(dense, optimizer=adam([0.1, 0.2][seed]), seed=seed),
    "batch norm": lambda seed: network(layers.BatchNormalization, lambda: layers.Dropout(0.3, seed=seed), seed=seed),
    "regularizer": lambda seed: network(lambda: layers.Dense(3, kernel_regularizer="l2"), seed=seed),
    "schedule": lambda seed: network(
        dense, optimizer=adam(keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.9)), seed=seed
    ),
    "metrics": lambda seed: network(dense, metrics=["mse", keras.metrics.RootMeanSquaredError()], seed=seed),
    "loss object": lambda seed: network(dense, loss=keras.losses.Huber(delta=2.0), seed=seed),
}


@pytest.mark.parametrize("case", PLAIN)
def test_models_that_differ_in_their_variables_have_one_key(wine, case):
    first, second = (key(PLAIN[case](seed), wine) for seed in (0, 1))
    assert first is not None
    assert first == second
    assert hash(first) == hash(second)


def test_the_lessons_networks_have_a_key(mnist):
    for optimizer in ("sgd", "adam", "rmsprop", "adagrad", keras.optimizers.SGD(0.1, momentum=0.9)):
        model = keras.Sequential([keras.Input((784,)), *block(), layers.Dense(10)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
        assert key(model, mnist) is not None


def spared(spares):
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=2.0)
    if spares:
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def frozen(layer, variable=None):
    model = network(dense)
    (model.layers[0] if layer else model.layers[0].kernel).trainable = False
    return model


def axis(axis):
    return keras.losses.CategoricalCrossentropy(axis=axis)


DIFFERENT = {
    "delta": [lambda d=d: network(dense, loss=keras.losses.Huber(delta=d)) for d in (0.01, 10.0)],
    "axis": [lambda a=a: network(dense, loss=axis(a)) for a in (-1, 0)],
    "label smoothing": [
        lambda s=s: network(dense, loss=keras.losses.BinaryCrossentropy(label_smoothing=s)) for s in (0.0, 0.1)
    ],
    "loss weights": [lambda: network(dense), lambda: network(dense, loss_weights=[2.0])],
    "spared from decay": [lambda s=s: network(dense, optimizer=spared(s)) for s in (False, True)],
    "renamed metric": [lambda n=n: network(dense, metrics=[keras.metrics.MeanSquaredError(name=n)]) for n in "ab"],
    "frozen layer": [lambda: network(dense), lambda: frozen(True)],
    "frozen kernel": [lambda: network(dense), lambda: frozen(False)],
    "activation": [lambda f=f: network(lambda: layers.Dense(8, activation=f)) for f in ("relu", "tanh")],
    "regularizer": [
        lambda v=v: network(lambda: layers.Dense(8, kernel_regularizer=keras.regularizers.L2(v))) for v in (0.1, 1.0)
    ],
    "constraint": [
        lambda v=v: network(lambda: layers.Dense(8, kernel_constraint=keras.constraints.MaxNorm(v))) for v in (1, 2)
    ],
    "schedule": [
        lambda r=r: network(dense, optimizer=adam(keras.optimizers.schedules.ExponentialDecay(0.1, 5, r)))
        for r in (0.5, 0.9)
    ],
    "momentum": [lambda m=m: network(dense, optimizer=keras.optimizers.SGD(0.1, momentum=m)) for m in (0.0, 0.9)],
    "clipped": [lambda c=c: network(dense, optimizer=adam(clipnorm=c)) for c in (None, 1.0)],
    "dropout": [lambda r=r: network(lambda: layers.Dropout(r)) for r in (0.1, 0.2)],
    "units": [lambda u=u: network(lambda: layers.Dense(u)) for u in (3, 4)],
    "order": [
        lambda p=p: network(*p) for p in ((dense, layers.BatchNormalization), (layers.BatchNormalization, dense))
    ],
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_models_that_need_graphs_of_their_own_have_no_key_in_common(wine, case):
    first, second = (key(make(), wine) for make in DIFFERENT[case])
    assert first is not None
    assert first != second


class OwnLoss(keras.losses.Loss):
    def call(self, y, predicted):
        return ops.abs(y - predicted)


class OwnMetric(keras.metrics.MeanSquaredError):
    pass


class OwnRegularizer(keras.regularizers.L2):
    pass


class OwnConstraint(keras.constraints.NonNeg):
    pass


class OwnSchedule(keras.optimizers.schedules.ExponentialDecay):
    pass


class OwnOptimizer(keras.optimizers.SGD):
    pass


class OwnLayer(layers.Dense):
    pass


class OwnModel(keras.Sequential):
    pass


@keras.saving.register_keras_serializable("keras.mine")
class Registered(keras.regularizers.L2):
    pass


def adapted():
    layer = layers.Normalization()
    layer.adapt(np.arange(22.0).reshape(2, 11))
    return layer


def functional():
    inputs = keras.Input((11,))
    model = keras.Model(inputs, layers.Dense(1)(inputs))
    model.compile(loss="mae")
    return model


def subclassed():
    model = OwnModel([keras.Input((11,)), layers.Dense(1)])
    model.compile(loss="mae")
    return model


def patched(name, of=None):
    model = network(dense)
    part = model.layers[0] if of == "layer" else model
    setattr(part, name, getattr(part, name))
    return model


UNKNOWN = {
    "loss": lambda: network(dense, loss=OwnLoss()),
    "loss function": lambda: network(dense, loss=lambda y, predicted: ops.abs(y - predicted)),
    "list of losses": lambda: network(dense, loss=["mae"]),
    "sum": lambda: network(dense, loss=keras.losses.MeanSquaredError(reduction="sum")),
    "ignored class": lambda: network(dense, loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=0)),
    "metric": lambda: network(dense, metrics=[OwnMetric()]),
    "metric function": lambda: network(dense, metrics=[lambda y, predicted: ops.abs(y - predicted)]),
    "regularizer": lambda: network(lambda: layers.Dense(3, kernel_regularizer=OwnRegularizer())),
    "activity": lambda: network(lambda: layers.Dense(3, activity_regularizer=keras.regularizers.L2(0.1))),
    "registered": lambda: network(lambda: layers.Dense(3, kernel_regularizer=Registered())),
    "constraint": lambda: network(lambda: layers.Dense(3, kernel_constraint=OwnConstraint())),
    "schedule": lambda: network(dense, optimizer=keras.optimizers.SGD(OwnSchedule(0.1, 5, 0.9))),
    "optimizer": lambda: network(dense, optimizer=OwnOptimizer(0.1)),
    "layer": lambda: network(lambda: OwnLayer(3)),
    "Lambda": lambda: network(lambda: layers.Lambda(lambda x: x)),
    "activation": lambda: network(lambda: layers.Dense(3, activation=lambda x: x)),
    "adapted": lambda: network(adapted),
    "functional": functional,
    "subclass": subclassed,
    "eager": lambda: network(dense, run_eagerly=True),
    "patched step": lambda: patched("train_step"),
    "patched layer": lambda: patched("call", of="layer"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_is_not_known_has_no_key(wine, case):
    assert key(UNKNOWN[case](), wine) is None


def test_other_types_of_data_have_another_key(wine, mnist):
    sets, model = TensorSets.of(wine), network(dense)
    create_variables(model, sets)
    (x, y), _ = sets
    assert graph_key(model, sets) != graph_key(model, TensorSets((x, y[:, None]), (x, y[:, None])))
