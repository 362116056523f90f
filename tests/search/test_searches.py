"""Searches of scikit-learn over the estimators, and of KerasTuner over the same networks."""

import multiprocessing
import random

import keras
import keras_tuner
import pytest
import tensorflow as tf
from joblib import parallel_config
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.search.shared import assert_same_search, build_model, classifier, random_search, regressor


def test_grid_search_in_a_pipeline(wine):
    pipeline = make_pipeline(StandardScaler(), regressor(epochs=20, patience=None))
    grid = {"kerasmlpregressor__learning_rate": [1e-7, 0.02], "kerasmlpregressor__n_hidden": [0, 1]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(wine.x_train, wine.y_train)
    assert search.best_params_["kerasmlpregressor__learning_rate"] == 0.02
    assert float(search.best_estimator_[-1].model_.optimizer.learning_rate) == pytest.approx(0.02)
    assert search.cv_results_["mean_test_score"].shape == (4,)


def test_random_search_repeats_itself(wine, serial):
    assert_same_search(random_search().fit(wine.x_train, wine.y_train), serial)
    assert len(set(serial.cv_results_["mean_test_score"])) == 3


def test_halving_search_gives_more_epochs_to_the_better(wine):
    search = HalvingRandomSearchCV(
        regressor(patience=None),
        {"learning_rate": [1e-7, 0.02]},
        resource="epochs",
        n_candidates=2,
        min_resources=1,
        max_resources=4,
        factor=2,
        cv=2,
        random_state=0,
    ).fit(wine.x_train, wine.y_train)
    assert search.n_resources_ == [1, 2]
    assert search.best_params_ == {"learning_rate": 0.02, "epochs": 2}


def test_cross_validation_of_the_classifier(wine, words):
    scores = cross_val_score(classifier(epochs=30), wine.x_train, words, cv=3)
    assert scores.shape == (3,)
    assert scores.mean() > 0.4


@pytest.mark.parametrize("backend", [pytest.param("loky", marks=pytest.mark.slow), "threading"])
def test_two_at_once_give_the_serial_numbers(wine, serial, backend):
    before = random.randint, random.getstate()
    with parallel_config(backend=backend, n_jobs=2):
        assert_same_search(random_search().fit(wine.x_train, wine.y_train), serial)
    assert (random.randint, random.getstate()) == before


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
def test_a_forked_process_is_refused(wine):
    """It would wait for ever for TensorFlow's threads, which stay with the parent."""
    tf.zeros(1)  # the threads are there
    with multiprocessing.get_context("fork").Pool(1) as pool:
        forked = pool.apply_async(regressor().fit, (wine.x_train, wine.y_train))
        with pytest.raises(RuntimeError, match=r"forked.*loky"):
            forked.get(timeout=30)


def test_keras_tuner_completes_every_trial(wine, tmp_path):
    """Without tensorboard it would mark each as failed, and still return "best" values."""

    def build(choices):
        return build_model(choices.Int("n_hidden", 0, 1), choices.Int("n_neurons", 2, 4))

    tuner = keras_tuner.RandomSearch(
        build, objective="val_loss", max_trials=2, seed=0, directory=tmp_path, project_name="wine"
    )
    stopping = keras.callbacks.EarlyStopping(patience=1)
    data = {"validation_data": (wine.x_valid, wine.y_valid), "callbacks": [stopping], "verbose": 0}
    tuner.search(wine.x_train, wine.y_train, epochs=2, **data)
    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"] * 2
    assert tuner.get_best_hyperparameters()[0].get("n_neurons") in (2, 3, 4)
