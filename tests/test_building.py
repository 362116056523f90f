"""The seed alone decides how a network starts, and building it leaves no trace in the process."""

import pickle
import random
import threading

import keras
import numpy as np

from course_utils.search import KerasMLPRegressor
from course_utils.training import GRAPHS
from tests.search.shared import build_model, regressor


def test_the_seed_alone_decides(wine):
    def predictions(seed):
        return regressor(seed=seed).fit(wine.x_train, wine.y_train).predict(wine.x_valid).tolist()

    first = predictions(0)
    keras.utils.set_random_seed(99)
    regressor(n_hidden=2).fit(wine.x_train, wine.y_train)
    GRAPHS.clear()
    assert predictions(0) == first != predictions(1)


def test_other_threads_that_draw_numbers_change_nothing(wine):
    """Those of a Dask worker do, now and then."""

    def disturbed(n_neurons):
        thread = threading.Thread(target=lambda: (random.random(), random.randint(1, 6)))
        thread.start()
        thread.join()
        return build_model(n_neurons=n_neurons)

    histories = [
        KerasMLPRegressor(build, n_neurons=4, epochs=2).fit(wine.x_train, wine.y_train).history_
        for build in (build_model, disturbed)
    ]
    assert histories[0] == histories[1]


def test_fit_leaves_the_generators_of_the_process_alone(wine):
    def numbers():
        return random.random(), np.random.rand()

    random.seed(1), np.random.seed(1)
    regressor().fit(wine.x_train, wine.y_train)
    after_fit = numbers()
    random.seed(1), np.random.seed(1)
    assert numbers() == after_fit


def test_a_network_may_be_built_while_another_is(wine):
    """As where `build_model` reads a trained network, for weights to start from."""
    teacher = pickle.dumps(regressor(epochs=1).fit(wine.x_train, wine.y_train))

    def build():
        pickle.loads(teacher)
        return build_model(n_neurons=4)

    found = KerasMLPRegressor(build, epochs=1).fit(wine.x_train, wine.y_train)
    assert found.history_ == regressor(epochs=1).fit(wine.x_train, wine.y_train).history_
