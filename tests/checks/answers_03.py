"""Right and wrong answers to the exercises of lesson 03."""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd

from course_utils.checks.lesson_03 import FRAME, LONG
from course_utils.experiment import run
from tests.checks.cases import Cases


# 03.1
def drop(x, rate, rng, training):
    return x * (rng.random(x.shape) >= rate) / (1 - rate) if training else x


def by_binomial(x, rate, rng, training):
    keep = rng.binomial(1, 1 - rate, size=x.shape) if training else np.ones(x.shape)
    return x * keep / (1 - rate * training)


def by_where(x, rate, rng, training):
    if not training or rate == 0:
        return x.copy()
    return np.where(rng.uniform(size=x.shape) < rate, 0.0, x / (1 - rate))


def in_place(x, rate, rng, training):
    if training:
        x[rng.random(x.shape) < rate] = 0
        x /= 1 - rate
    return x


def masked(shape, scale=lambda rate: 1 / (1 - rate), goes=lambda draw, rate: draw < rate):
    def wrong(x, rate, rng, training):
        return x * ~goes(rng.random(shape(x)), rate) * scale(rate) if training else x

    return wrong


def whole(x):
    return x.shape


GLOBAL = np.random.default_rng(0)


# 03.2
def pass_of(model, data, part, on):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = (data.x_train, data.y_train) if part == "train" else (data.x_valid, data.y_valid)
    return float(loss(y, model(x, training=on)))


def losses(model, data):
    return (
        pass_of(model, data, "train", True),
        pass_of(model, data, "train", False),
        pass_of(model, data, "valid", False),
    )


def with_evaluate(model, data):
    on = float(model.compute_loss(y=data.y_train, y_pred=model(data.x_train, training=True)))
    off = model.evaluate(data.x_train, data.y_train, verbose=0)[0]
    return np.array([on, off, model.evaluate(data.x_valid, data.y_valid, verbose=0)[0]])


def mean_of_passes(model, data):
    on, off, valid = losses(model, data)
    return [np.mean([on, *(pass_of(model, data, "train", True) for _ in range(9))]), off, valid]


def exchanged(model, data):
    on, off, valid = losses(model, data)
    return off, on, valid


def both_off(model, data):
    _, off, valid = losses(model, data)
    return off, off, valid


def valid_on(model, data):
    return *losses(model, data)[:2], pass_of(model, data, "valid", True)


def from_fit(model, data):
    model.fit(data.x_train, data.y_train, epochs=1, verbose=0)
    return losses(model, data)


# 03.4
def final(settings, data, stops, best=True, tested=True, always=False, whole=False):
    stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=best)
    model = run(settings, data, callbacks=[stop] if stops or always else []).model
    if not tested:
        return model.evaluate(data.x_valid, data.y_valid, verbose=0)[0]
    found = model.evaluate(data.x_test, data.y_test, verbose=0)
    return found if whole else found[0]


def by_hand(settings, data, stops):
    best = run(settings, data).best_epoch if stops else settings.epochs
    model = run(replace(settings, epochs=best), data).model
    return float(model.compute_loss(y=data.y_test, y_pred=model(data.x_test, training=False)))


def patient(settings, data, stops):
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=12, restore_best_weights=True)
    model = run(settings, data, callbacks=[stop] * stops).model
    return (
        keras.losses.sparse_categorical_crossentropy(data.y_test, model(data.x_test), from_logits=True).numpy().mean()
    )


def peeking(settings, data, stops):
    final(settings, data, stops)
    return final(settings, data, stops)


def table(dropouts=(0.0, 0.5), seeds=range(3)):
    rows = [(rate, stops, seed, 1.0) for rate in dropouts for stops in (True, False) for seed in seeds]
    return pd.DataFrame(rows, columns=["dropout", "stops", "seed", "test_loss"])


SHORT = replace(FRAME, epochs=3)

ANSWERS = {
    "03.1": Cases(
        right={"mask": (drop,), "binomial": (by_binomial,), "where": (by_where,)},
        wrong={
            "no scaling": ((masked(whole, lambda rate: 1),), "mean still"),
            "times 1 - rate": ((masked(whole, lambda rate: 1 - rate),), "smaller"),
            "one mask": ((masked(lambda x: x.shape[1:]),), "All rows"),
            "rows": ((masked(lambda x: (len(x), 1)),), "its own draw"),
            "keeps the rate": ((masked(whole, goes=lambda draw, rate: draw >= rate),), "that stays, or that goes"),
            "drops in inference": ((lambda x, rate, rng, training: drop(x, rate, rng, True),), "inference"),
            "in place": ((in_place,), "itself"),
            "own generator": ((lambda x, rate, rng, training: drop(x, rate, GLOBAL, training),), "two results"),
            "fixed seed": ((lambda x, r, rng, on: drop(x, r, np.random.default_rng(0), on),), "Another rng"),
        },
    ),
    "03.2": Cases(
        right={
            "0.4 and 0.7": (losses, 0.4, 0.7, 10),
            "evaluate": (with_evaluate, 0.42, 0.7, 10),
            "mean of passes": (mean_of_passes, 0.4, 0.68, 10),
        },
        wrong={
            "exchanged": ((exchanged, 0.4, 0.7, 10), "changed places"),
            "dropout never on": ((both_off, 0.4, 0.7, 10), "on equals off"),
            "validation with dropout": ((valid_on, 0.4, 0.7, 10), "valid is not right"),
            "trains": ((from_fit, 0.4, 0.7, 10), "model has changed"),
            "too far apart": ((losses, 0.1, 0.8, 10), "0.3 apart"),
            "both below": ((losses, 0.1, 0.3, 10), "not kept"),
            "timid": ((losses, 0.4, 0.7, 4), "4/10"),
        },
        slow={"0.4 and 0.7", "evaluate", "mean of passes", "both below", "timid"},
    ),
    "03.3": Cases(
        right={"none": (0.8, 0.0), "a little": (0.8, 0.2), "0.78": (0.78, 0.1)},
        wrong={
            "the same": ((0.5, 0.5), "same rate"),
            "only guesses": ((0.95, 0.0), "guesses"),
            "changed places": ((0.0, 0.8), "changed places"),
            "0.4 wins both": ((0.4, 0.0), "By accuracy"),
        },
        slow={"none", "a little", "0.78", "only guesses", "changed places", "0.4 wins both"},
    ),
    "03.4": Cases(
        right={
            "evaluate": (final, table()),
            "best epoch by hand": (by_hand, table(seeds=range(5))),
            "patience 12": (patient, table((0, 0.3))),
        },
        wrong={
            "last weights": ((lambda *a: final(*a, best=False), table()), "Which weights"),
            "validation": ((lambda *a: final(*a, tested=False), table()), "0 times"),
            "twice": ((peeking, table()), "2 times"),
            "loss and accuracy": ((lambda *a: final(*a, whole=True), table()), "more than one number"),
            "never stops": ((lambda s, d, stops: final(s, d, False), table()), "give the same"),
            "two cells": ((final, table((0.0,))), "2 cells"),
            "one seed": ((final, table(seeds=[0])), "three seeds"),
        },
        slow={"evaluate", "best epoch by hand", "patience 12", "last weights", "two cells", "one seed", "never stops"},
    ),
    "03.5": Cases(
        right={
            "epochs": (replace(LONG, learning_rate=3e-3), replace(FRAME, epochs=3)),
            "40 and 4": (replace(FRAME, epochs=40), replace(FRAME, epochs=4)),
            "one layer": (replace(LONG, depth=1), replace(LONG, depth=1, epochs=2)),
        },
        wrong={
            "two fields": ((LONG, SHORT), "2 fields"),
            "no field": ((LONG, LONG), "0 fields"),
            "too wide": ((replace(LONG, width=512), LONG), "Too large"),
            "changed places": ((SHORT, replace(SHORT, epochs=60)), "changed places"),
            "both help": ((replace(FRAME, epochs=60), replace(FRAME, epochs=40)), "in hurts large enough"),
            "ends above guessing": ((LONG, replace(LONG, epochs=40)), "too much"),
        },
        slow={"epochs", "rate", "one layer", "changed places", "both help", "ends above guessing"},
    ),
}
