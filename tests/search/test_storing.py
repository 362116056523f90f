"""A fitted estimator can be stored and read, with code of one's own in its network."""

import ast
import copy
import pickle
import subprocess
import sys

import joblib
import keras
import numpy as np
import pytest
from joblib import parallel_config
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline

from course_utils.search import KerasMLPRegressor
from tests.search.shared import build_model, classifier, regressor


class OwnLayer(keras.layers.Layer):
    """A dense layer that is written by a student."""

    def __init__(self, units):
        super().__init__()
        self.inner = keras.layers.Dense(units)

    def call(self, inputs):
        return self.inner(inputs)


def own_loss(y, predicted):
    return keras.ops.mean(keras.ops.abs(y - predicted), axis=-1)


def build_own(units=4):
    layers = [OwnLayer(units), keras.layers.Lambda(lambda x: 2 * x), keras.layers.BatchNormalization()]
    model = keras.Sequential([*layers, keras.layers.Dropout(0.2), keras.layers.Dense(1)])
    model.compile("adam", own_loss, metrics=[own_loss])
    return model


def dumped(estimator, folder):
    joblib.dump(estimator, folder / "estimator.joblib")
    return joblib.load(folder / "estimator.joblib")


WAYS = {
    "pickle": lambda estimator, folder: pickle.loads(pickle.dumps(estimator)),
    "deepcopy": lambda estimator, folder: copy.deepcopy(estimator),
    "joblib": dumped,
}


def assert_same_estimator(found, expected, x):
    assert list(found.predict(x)) == list(expected.predict(x))
    assert found.history_ == expected.history_
    values, copied = ([v.numpy() for v in one.model_.optimizer.variables] for one in (expected, found))
    assert len(values) == len(copied) > 0
    assert all(np.array_equal(*pair) for pair in zip(values, copied, strict=True))
    assert found.model_.optimizer.iterations > 0


@pytest.mark.parametrize("kind", ["regressor", "classifier"])
def test_pickled_pipeline_predicts_and_trains_on(wine, words, kind):
    estimator = regressor() if kind == "regressor" else classifier()
    estimator.fit(wine.x_train, wine.y_train if kind == "regressor" else words)
    found = pickle.loads(pickle.dumps(make_pipeline(estimator)))[-1]
    assert_same_estimator(found, estimator, wine.x_valid)
    found.model_.fit(wine.x_train, wine.y_train if kind == "regressor" else np.zeros(100), verbose=0)
    found.fit(wine.x_train, wine.y_train if kind == "regressor" else words)
    assert found.history_ == estimator.history_


@pytest.mark.parametrize("way", WAYS)
def test_code_of_ones_own_can_be_read_again(wine, tmp_path, way):
    estimator = KerasMLPRegressor(build_own, epochs=3).fit(wine.x_train, wine.y_train)
    found = WAYS[way](estimator, tmp_path)
    assert_same_estimator(found, estimator, wine.x_valid)
    assert found.model_ is not estimator.model_


def test_other_processes_return_estimators_with_code_of_ones_own(wine):
    def build():  # known to this function alone, as one of a notebook is known to its kernel alone
        return build_own(units=3)

    folds = {"cv": 2, "return_estimator": True, "error_score": "raise"}
    estimator = KerasMLPRegressor(build, epochs=2)
    with parallel_config(backend="loky", n_jobs=2):
        found = cross_validate(estimator, wine.x_train, wine.y_train, **folds)
    serial = cross_validate(estimator, wine.x_train, wine.y_train, **folds)
    for one, other in zip(found["estimator"], serial["estimator"], strict=True):
        assert_same_estimator(one, other, wine.x_valid)


NOTEBOOK = """
import keras

def own_loss(y, predicted):
    return keras.ops.mean(keras.ops.abs(y - predicted), axis=-1)

def build_in_notebook(n_neurons=4):
    model = keras.Sequential([keras.layers.Dense(n_neurons), keras.layers.Dense(1)])
    model.compile("adam", own_loss)
    return model
"""
READ = """
import sys
import joblib
import numpy as np

print(joblib.load(sys.argv[1]).predict(np.eye(11)).tolist())
"""


def test_another_process_that_defines_build_model_can_read_it(wine, tmp_path, monkeypatch):
    main = vars(sys.modules["__main__"])
    for name in ("keras", "own_loss", "build_in_notebook"):
        monkeypatch.setitem(main, name, None)  # and is put back in the end
    exec(NOTEBOOK, main)
    estimator = KerasMLPRegressor(main["build_in_notebook"], epochs=2).fit(wine.x_train, wine.y_train)
    joblib.dump(estimator, tmp_path / "estimator.joblib")
    command = [sys.executable, "-c", NOTEBOOK + READ, str(tmp_path / "estimator.joblib")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(ast.literal_eval(done.stdout.splitlines()[-1]), estimator.predict(np.eye(11)), rtol=1e-5)


def test_the_network_is_built_as_it_was_trained_whatever_is_set_later(wine):
    estimator = regressor(n_neurons=4).fit(wine.x_train, wine.y_train).set_params(n_neurons=7, seed=5)
    found = pickle.loads(pickle.dumps(estimator))
    assert found.get_params()["n_neurons"] == 7
    assert_same_estimator(found, estimator, wine.x_valid)


def test_statistics_that_were_adapted_are_those_of_the_training(wine):
    """`Normalization` computes with constants that it makes of its weights."""

    def build():
        layer = keras.layers.Normalization()
        layer.adapt(rows["now"])
        model = keras.Sequential([layer, keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    rows = {"now": wine.x_train}
    estimator = KerasMLPRegressor(build, epochs=1).fit(wine.x_train, wine.y_train)
    expected = estimator.predict(wine.x_valid).tolist()
    rows["now"] = 10 * wine.x_train
    assert copy.deepcopy(estimator).predict(wine.x_valid).tolist() == expected


@pytest.mark.parametrize("changed", [{"units": 5}, {"layers": 2}, {"optimizer": "adam"}])
def test_a_network_that_is_not_built_alike_is_refused_in_words(wine, changed):
    def build():
        layers = [keras.layers.Dense(now["units"]) for _ in range(now["layers"])]
        model = keras.Sequential([*layers, keras.layers.Dense(1)])
        model.compile(now["optimizer"], "mse")
        return model

    now = {"units": 1, "layers": 1, "optimizer": "sgd"}
    estimator = KerasMLPRegressor(build, epochs=1).fit(wine.x_train, wine.y_train)
    now.update(changed)
    with pytest.raises(ValueError, match=r"build_model makes another network.*\(11, 1\).*Define build_model as it was"):
        copy.deepcopy(estimator)


def test_reading_leaves_the_generators_of_the_process_alone(wine):
    text = pickle.dumps(regressor().fit(wine.x_train, wine.y_train))
    np.random.seed(1)
    expected = np.random.rand()
    np.random.seed(1)
    pickle.loads(text)
    assert np.random.rand() == expected


def test_an_estimator_that_is_not_fitted_keeps_its_parameters():
    assert pickle.loads(pickle.dumps(regressor())).get_params() == regressor().get_params()
    assert regressor().build_model is build_model
