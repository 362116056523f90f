"""Networks, estimators and a search that the tests of this folder share; importable by workers in other processes."""

import keras
import numpy as np
from scipy.stats import loguniform
from sklearn.model_selection import RandomizedSearchCV

from course_utils.search import KerasMLPClassifier, KerasMLPRegressor


def build_model(n_hidden=1, n_neurons=30, learning_rate=3e-3):
    model = keras.Sequential()
    for _ in range(n_hidden):
        model.add(keras.layers.Dense(n_neurons, activation="relu"))
    model.add(keras.layers.Dense(1))
    model.compile(loss="mse", optimizer=keras.optimizers.SGD(learning_rate=learning_rate))
    return model


def build_classifier(n_outputs, n_neurons=8, learning_rate=0.1):
    model = keras.Sequential([keras.layers.Dense(n_neurons, activation="relu"), keras.layers.Dense(n_outputs)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, optimizer=keras.optimizers.SGD(learning_rate), metrics=["accuracy"])
    return model


def build_eagerly(n_outputs, n_neurons=4):
    """A network for many tiny fits, with no graph to be traced."""
    model = keras.Sequential([keras.layers.Dense(n_neurons, activation="tanh"), keras.layers.Dense(n_outputs)])
    model.compile(loss="mse", optimizer=keras.optimizers.Adam(0.01), run_eagerly=True)
    return model


def build_classifier_eagerly(n_outputs, n_neurons=4):
    model = build_eagerly(n_outputs, n_neurons)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, optimizer=keras.optimizers.Adam(0.01), run_eagerly=True)
    return model


def regressor(**changes):
    return KerasMLPRegressor(build_model, **{"epochs": 3, "n_neurons": 4, **changes})


def classifier(**changes):
    return KerasMLPClassifier(build_classifier, **{"epochs": 3, **changes})


SPACE = {"n_hidden": [0, 1], "n_neurons": np.arange(2, 6), "learning_rate": loguniform(3e-3, 3e-2)}


def random_search(**options):
    options = {"n_iter": 3, "cv": 3, "random_state": 0, "refit": False, **options}
    return RandomizedSearchCV(regressor(epochs=2), SPACE, scoring="neg_mean_squared_error", **options)


def assert_same_search(search, expected):
    for split in range(3):
        name = f"split{split}_test_score"
        np.testing.assert_array_equal(search.cv_results_[name], expected.cv_results_[name])
    assert search.best_params_ == expected.best_params_
