import dataclasses
import gc
import weakref

import keras
import numpy as np
import pytest

from course_utils.experiment import Settings, run
from course_utils.explorer.networks import Network, Networks
from course_utils.models import ACTIVATIONS
from course_utils.training import TensorSets

SETTINGS = Settings(width=8, depth=2, epochs=3)


def train(network, settings, data):
    return network.train(settings, data, TensorSets.of(data), follow=keras.callbacks.Callback())


def test_one_network_gives_the_runs_of_many_settings(wine):
    network = Network(Settings(width=8, depth=2, dropout=0.4), wine)
    for changes in ({"dropout": 0.2}, {"dropout": 0.7, "seed": 4}, {"batch_size": 7, "schedule": "halve every 5"}):
        settings = Settings(**{"width": 8, "depth": 2, "epochs": 6, "dropout": 0.2, **changes})
        (history, train_loss), expected = train(network, settings, wine), run(settings, wine)
        for name, values in expected.history.items():
            np.testing.assert_allclose(history[name], values, atol=1e-5)
        assert train_loss == pytest.approx(expected.train_loss, abs=1e-5)


def test_swish_is_that_of_keras(wine):
    """The explorer has its own, for the sake of memory."""
    settings = Settings(width=8, depth=3, epochs=6, activation="swish", batch_norm=True)
    network = Network(settings, wine)
    (history, _), expected = train(network, settings, wine), run(settings, wine)
    np.testing.assert_allclose(history["val_loss"], expected.history["val_loss"], atol=1e-5)


def test_preparing_stops_when_told_and_goes_on_later(wine):
    network, sets, answers = Network(SETTINGS, wine), TensorSets.of(wine), iter([True, False])
    assert not network.is_built
    assert not network.prepare(wine, sets, go_on=lambda: next(answers))
    assert network.is_built
    assert not network.is_ready
    assert network.prepare(wine, sets)
    assert network.is_ready


def test_networks_are_shared_where_the_graph_is_the_same(wine):
    networks = Networks()

    def same(**changes):
        return networks.of(SETTINGS, wine) is networks.of(Settings(**{"width": 8, **changes}), wine)

    assert same(seed=3, learning_rate=0.1, batch_size=8, epochs=7, schedule="cosine")
    for changes in ({"width": 9}, {"depth": 3}, {"dropout": 0.1}, {"batch_norm": True}, {"optimizer": "sgd"}):
        assert not same(**changes)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_network_that_is_forgotten_leaves_nothing_behind(wine, activation):
    settings = dataclasses.replace(SETTINGS, activation=activation)
    network = Network(settings, wine)
    train(network, settings, wine)
    gone = weakref.ref(network.graphs._train_graph.get_concrete_function().graph)
    del network
    gc.collect()
    assert gone() is None


def test_a_large_network_takes_the_place_of_those_used_longest_ago(wine, monkeypatch):
    networks, sets, gone = Networks(), TensorSets.of(wine), []

    def prepared(width):
        network = networks.of(dataclasses.replace(SETTINGS, width=width), wine)
        networks.make_room(network)
        networks.tidy(is_idle=False)
        network.prepare(wine, sets)
        gone.append(weakref.ref(network))
        return network

    monkeypatch.setattr(networks, "KEPT_BYTES", 3.5 * prepared(4).size)
    monkeypatch.setattr(networks, "TIDY_NOW", 1)
    prepared(5)
    assert [network() is None for network in gone] == [False, False]
    networks.of(SETTINGS, wine)  # not built, so it takes no room
    prepared(6)
    assert [network() is None for network in gone] == [False, False, False]
    networks.of(dataclasses.replace(SETTINGS, width=4), wine)  # now 5 was used longest ago
    prepared(7)
    assert [network() is None for network in gone] == [False, True, False, False]
    prepared(700)  # too large for any other beside it
    assert [network() is None for network in gone] == [True, True, True, True, False]
