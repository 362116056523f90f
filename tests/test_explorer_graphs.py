import dataclasses
import gc
import weakref

import keras
import numpy as np
import pytest

from course_utils.experiment import Settings, run
from course_utils.explorer_graphs import Network, Networks
from course_utils.models import ACTIVATIONS
from course_utils.training import Sets

SETTINGS = Settings(width=8, depth=2, epochs=3)


def train(network, settings, data):
    return network.train(settings, data, Sets.of(data), follow=keras.callbacks.Callback())


def test_one_network_gives_the_runs_of_many_settings(wine):
    network = Network(Settings(width=8, depth=2, dropout=0.4), wine, Sets.of(wine))
    for changes in ({"dropout": 0.2}, {"dropout": 0.7, "seed": 4}, {"batch_size": 7, "schedule": "halve every 5"}):
        settings = Settings(**{"width": 8, "depth": 2, "epochs": 6, "dropout": 0.2, **changes})
        (history, train_loss), expected = train(network, settings, wine), run(settings, wine)
        for name, values in expected.history.items():
            np.testing.assert_allclose(history[name], values, atol=1e-5)
        assert train_loss == pytest.approx(expected.train_loss, abs=1e-5)


def test_swish_is_that_of_keras(wine):
    """The explorer has its own, for the sake of memory."""
    settings = Settings(width=8, depth=3, epochs=6, activation="swish", batch_norm=True)
    network = Network(settings, wine, Sets.of(wine))
    (history, _), expected = train(network, settings, wine), run(settings, wine)
    np.testing.assert_allclose(history["val_loss"], expected.history["val_loss"], atol=1e-5)


def test_preparing_stops_when_told_and_goes_on_later(wine):
    network, answers = Network(SETTINGS, wine, Sets.of(wine)), iter([True, False])
    assert not network.prepare(lambda: next(answers))
    assert network.parameters == 8 * 12 + 8 * 9 + 9  # built, not traced
    assert network.prepare()
    assert network.is_ready


def test_networks_are_shared_where_the_graph_is_the_same(wine):
    networks, sets = Networks(), lambda: Sets.of(wine)

    def same(**changes):
        return networks.of(SETTINGS, wine, sets) is networks.of(Settings(**{"width": 8, **changes}), wine, sets)

    assert same(seed=3, learning_rate=0.1, batch_size=8, epochs=7, schedule="cosine")
    for changes in ({"width": 9}, {"depth": 3}, {"dropout": 0.1}, {"batch_norm": True}, {"optimizer": "sgd"}):
        assert not same(**changes)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_network_that_is_forgotten_leaves_nothing_behind(wine, activation):
    settings = dataclasses.replace(SETTINGS, activation=activation)
    network = Network(settings, wine, Sets.of(wine))
    train(network, settings, wine)
    gone = weakref.ref(network.graphs._train_graph.get_concrete_function().graph)
    del network
    gc.collect()
    assert gone() is None
