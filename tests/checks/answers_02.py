"""Right and wrong answers to the exercises of lesson 02."""

from itertools import pairwise

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from course_utils.checks.training import CURES, sick_networks
from course_utils.data import load_mnist
from course_utils.experiment import Settings
from tests.checks.cases import Cases


# 02.1
def pairs(sizes):
    return list(pairwise(sizes))


def count(sizes):
    return sum((n + 1) * m for n, m in pairs(sizes))


def by_keras(sizes):
    layers = [keras.layers.Dense(units) for units in sizes[1:]]
    return keras.Sequential([keras.Input((sizes[0],)), *layers]).count_params()


def widest(budget, depth, inputs, outputs):
    return max(w for w in range(1, budget + 1) if count([inputs, *[w] * depth, outputs]) <= budget)


def halving(budget, depth, inputs, outputs):
    low, high = 1, budget + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count([inputs, *[middle] * depth, outputs]) <= budget else (low, middle)
    return low


def solved(budget, depth, inputs, outputs):
    a, b, c = depth - 1, inputs + depth + outputs, outputs - budget
    root = -c / b if a == 0 else (-b + (b * b - 4 * a * c) ** 0.5) / (2 * a)
    return int(root + 1e-9)


# 02.2
def fold(model):
    weights, bias = model.layers[0].get_weights()
    for layer in model.layers[1:]:
        kernel, own = layer.get_weights()
        weights, bias = weights @ kernel, bias @ kernel + own
    return weights, bias


def fold_by_asking(model):
    n = model.input_shape[1]
    bias = np.asarray(model(np.zeros((1, n), "float32")))
    return np.asarray(model(np.eye(n, dtype="float32"))) - bias, bias


def fold_homogeneous(model):
    product = np.eye(model.input_shape[1] + 1)
    for layer in model.layers:
        kernel, bias = layer.get_weights()
        product = product @ np.block([[kernel, np.zeros((len(kernel), 1))], [bias[None, :], np.ones((1, 1))]])
    return product[:-1, :-1], product[-1, :-1]


def last_bias(model):
    return fold(model)[0], model.layers[-1].get_weights()[1]


def no_bias(model):
    return fold(model)[0], np.zeros(model.output_shape[1])


def added_biases(model):
    weights, bias = fold(model)
    return weights, bias + 1


def on_its_side(model):
    weights, bias = fold(model)
    return weights.T, bias


def far(model):
    x = np.random.default_rng(0).normal(size=(1, model.input_shape[1]))
    return x, -x


def flat(model):
    a = np.zeros(model.input_shape[1])
    return a, a + 10 * np.arange(len(a)) - 20


def searched(model):
    rng = np.random.default_rng(1)
    for _ in range(1000):
        a, b = rng.normal(size=(2, model.input_shape[1]))
        ends = np.asarray(model(np.stack([a, b])))
        if np.abs(np.asarray(model((a + b)[None] / 2)) - ends.mean(axis=0)).max() > 0.01:
            return a, b
    return None


def near(model):
    a = np.ones(model.input_shape[1])
    return a, a * 1.001


def twice(model):
    return np.ones(6), np.ones(6)


# 02.3
RIGHT = {4e-4: "rate × 10", 3e-1: "rate / 10", 1e-2: "units × 4"}


def cures(student):
    # By the nearest rate: each student's is up to a quarter away.
    networks = sick_networks(student).items()
    return {n: RIGHT[min(RIGHT, key=lambda rate: abs(np.log(rate / one.learning_rate)))] for n, one in networks}


EVEN = {name: dict.fromkeys(CURES, 0.25) for name in "ABC"}
NEGATIVE = dict(zip(CURES, (-0.25, 0.75, 0.25, 0.25), strict=True))
SURE = {name: {cure: float(cure == "epochs × 3") for cure in CURES} for name in "ABC"}


# 02.4
def ratio(activation, depth, seed, measure=np.std, rows=slice(256), start="glorot_uniform", each=None):
    data = load_mnist(n_train=1000, n_valid=1000, n_test=0)
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(64, activation=activation, kernel_initializer=start) for _ in range(depth)]
    model = keras.Sequential([keras.Input((784,)), *layers, keras.layers.Dense(10)])
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        loss = cross_entropy(data.y_train[rows], model(data.x_train[rows]))
    kernels = [model.layers[0].kernel, model.layers[-1].kernel]
    first, last = (gradient.numpy() for gradient in tape.gradient(loss, kernels))
    return measure(first) / measure(last)


def between(ratios):
    return ratios["sigmoid"] * 1000 < ratios["tanh"] < ratios["relu"] * 10


RNG = np.random.default_rng(0)
SPEC = {"epochs": 40, "batch_size": 64}
WIDE, DEEP = Settings(width=64, depth=1, **SPEC), Settings(width=17, depth=3, **SPEC)


def table(best=1e-3, rates=(1e-4, 1e-3, 1e-2), seeds=range(5), networks=("wide", "deep", "plane")):
    rows = [
        (network, rate, seed, 0.5 + 0.01 * abs(np.log10(rate / best)) + seed / 1e4)
        for network in networks
        for rate in rates
        for seed in seeds
    ]
    return pd.DataFrame(rows, columns=["network", "learning_rate", "seed", "best_val_loss"])


ANSWERS = {
    "02.1": Cases(
        right={"sums": (count, widest), "keras, halving": (by_keras, halving), "solved": (count, solved)},
        wrong={
            "no biases": ((lambda sizes: sum(n * m for n, m in pairs(sizes)), widest), "What else"),
            "biases of inputs": ((lambda sizes: sum(n * m for n, m in pairs(sizes)) + sum(sizes), widest), "inputs"),
            "biases before": ((lambda sizes: sum(n * (m + 1) for n, m in pairs(sizes)), widest), "Which side"),
            "no output": ((lambda sizes: count(sizes[:-1]), widest), "output layer"),
            "too wide": ((count, lambda *case: halving(*case) + 1), "within the budget"),
            "below the budget": ((count, lambda b, *case: halving(b - 1, *case)), "exactly"),
            "one layer": ((count, lambda b, d, i, o: halving(b, 1, i, o)), "How many hidden"),
        },
        slow={"keras, halving"},
    ),
    "02.2": Cases(
        right={
            "products": (fold, far),
            "by asking": (fold_by_asking, searched),
            "one matrix": (fold_homogeneous, flat),
        },
        wrong={
            "last bias": ((last_bias, far), "last layer"),
            "no bias": ((no_bias, far), "zeros"),
            "another bias": ((added_biases, far), "first bias"),
            "on its side": ((on_its_side, far), "on its side"),
            "other order": ((lambda model: (fold(model)[0] * 2, fold(model)[1]), far), "order"),
            "too near": ((fold, near), "straight line"),
            "the same": ((fold, twice), "twice"),
        },
    ),
    "02.3": Cases(
        right={
            "no opinion": (0, EVEN, cures(0)),
            "sure, and wrong": (7, SURE, cures(7)),
            "another student": (2024, EVEN, cures(2024)),
        },
        wrong={
            "adds up to 2": ((0, {**EVEN, "A": dict.fromkeys(CURES, 0.5)}, cures(0)), "adds up to 2"),
            "negative": (
                (0, {**EVEN, "B": NEGATIVE}, cures(0)),
                "no probability",
            ),
            "one is missing": ((0, {**EVEN, "C": {CURES[0]: 1.0}}, cures(0)), "one probability"),
            "a fifth cure": ((0, EVEN, {**cures(0), "A": "dropout"}), "dropout"),
            "always epochs": ((0, EVEN, dict.fromkeys("ABC", "epochs × 3")), "fall fast enough"),
        },
        slow={"sure, and wrong", "another student", "always epochs"},
    ),
    "02.4": Cases(
        right={
            "as in the lesson": (ratio, between, 20),
            "other digits": (
                lambda *case: ratio(*case, rows=slice(256, 512)),
                lambda ratios: bool(0.1 < ratios["tanh"] / ratios["relu"] < 10),
                20,
            ),
            "root mean square": (
                lambda *case: ratio(*case, measure=lambda g: np.sqrt((g**2).mean())),
                lambda ratios: 0.05 < ratios["tanh"] < 5,
                20,
            ),
        },
        wrong={
            "upside down": ((lambda *case: 1 / ratio(*case), between, 20), "upside down"),
            "norms": ((lambda *case: ratio(*case, measure=np.linalg.norm), between, 20), "per weight"),
            "no seed": ((lambda a, d, s: ratio(a, d, int(RNG.integers(1e6))), between, 20), "two ratios"),
            "no activation": ((lambda a, d, s: ratio("linear", d, s + len(a)), between, 20), "hidden layers"),
            "nothing can break it": ((ratio, lambda ratios: True, 20), "as small as"),
            "one side": ((ratio, lambda ratios: ratios["tanh"] > 10 * ratios["sigmoid"], 20), "a thousand times"),
            "bold": ((ratio, lambda r: r["sigmoid"] * 9 < r["tanh"] < r["relu"], 20), "not kept"),
            "timid": ((ratio, between, 5), "5/20"),
        },
        slow={"other digits", "root mean square", "norms", "no activation", "timid", "bold", "one side"},
    ),
    "02.5": Cases(
        right={
            "64 and 17": (WIDE, DEEP, table()),
            "five rates": (WIDE, DEEP, table(rates=(1e-5, 1e-4, 1e-3, 1e-2, 1e-1))),
            "two layers against five": (
                Settings(width=100, depth=2, **SPEC),
                Settings(width=51, depth=5, **SPEC),
                table(seeds=range(10, 17)),
            ),
        },
        wrong={
            "more parameters": ((WIDE, Settings(width=64, depth=3, **SPEC), table()), "9,153"),
            "same depth": ((WIDE, WIDE, table()), "Which one is deep"),
            "more epochs": ((WIDE, Settings(width=17, depth=3, batch_size=64), table()), "epochs"),
            "two rates": ((WIDE, DEEP, table(rates=(1e-4, 1e-3))), "2 learning rates"),
            "at the edge": ((WIDE, DEEP, table(best=1e-2)), "an end of its list"),
            "no plane": ((WIDE, DEEP, table(networks=("wide", "deep"))), "plane"),
            "one seed": ((WIDE, DEEP, table(seeds=[0])), "five seeds"),
        },
    ),
}
