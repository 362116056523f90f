import dataclasses
import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

from course_utils.experiment import Settings, run
from course_utils.explorer.controls import NEEDS_GRAPH, NEEDS_NO_GRAPH
from course_utils.explorer.networks import (
    Network,
    NetworkStack,
    UnwantedError,
    borrow,
    can_be_stacked,
    graph_key,
    is_ready,
    size_of,
)
from course_utils.models import ACTIVATIONS
from course_utils.training import GRAPHS, TensorSets

SETTINGS = Settings(width=8, depth=2, epochs=3)


@pytest.fixture
def graphs():
    """The cache, empty before and after."""
    GRAPHS.clear()
    yield GRAPHS
    GRAPHS.clear()


def seeds(settings, n=3):
    return [dataclasses.replace(settings, seed=settings.seed + i) for i in range(n)]


def train(network, each, data, **options):
    """One history for each of the settings, and the losses at the end."""
    histories = [{} for _ in each]

    def after_epoch(logs):
        for history, own in zip(histories, logs, strict=True):
            for name, value in own.items():
                history.setdefault(name, []).append(value)
        return True

    return histories, network.train(each, data, TensorSets.of(data), after_epoch=after_epoch, **options)


def assert_equal_runs(network, each, data, *, atol):
    for settings, history, train_loss in zip(each, *train(network, each, data), strict=True):
        expected = run(settings, data)
        assert set(history) == set(expected.history)
        for name, values in expected.history.items():
            np.testing.assert_allclose(history[name], values, atol=atol, err_msg=name)
        assert train_loss == pytest.approx(expected.train_loss, abs=10 * atol)


def test_one_network_gives_the_runs_of_many_settings(wine):
    network = Network([Settings(width=8, depth=2, dropout=0.4)], wine)
    for changes in ({"dropout": 0.2}, {"dropout": 0.7, "seed": 4}, {"batch_size": 7, "schedule": "halve every 5"}):
        settings = Settings(**{"width": 8, "depth": 2, "epochs": 6, "dropout": 0.2, **changes})
        assert_equal_runs(network, [settings], wine, atol=1e-5)


def test_swish_is_that_of_keras(wine):
    """The explorer has its own, for the sake of memory."""
    settings = Settings(width=8, depth=3, epochs=6, activation="swish", batch_norm=True)
    assert_equal_runs(Network([settings], wine), [settings], wine, atol=1e-5)


@pytest.mark.parametrize(
    "kind",
    [{}, {"dropout": 0.4}, {"batch_norm": True, "dropout": 0.2}, {"optimizer": "momentum"}, {"weight_decay": 0.5}],
)
def test_a_stack_gives_the_runs_of_single_seeds_whatever_it_trained_before(wine, kind):
    settings = Settings(width=8, depth=2, epochs=6, batch_size=32, **kind)
    stack = NetworkStack(seeds(settings), wine)
    train(stack, seeds(settings), wine)
    for changes in ({}, {"schedule": "cosine", "seed": 7, "learning_rate": 0.01}):
        assert_equal_runs(stack, seeds(dataclasses.replace(settings, **changes)), wine, atol=1e-6)
    if settings.dropout:
        assert_equal_runs(stack, seeds(dataclasses.replace(settings, dropout=0.7)), wine, atol=1e-6)


def test_a_stack_of_digits_measures_their_accuracy(mnist):
    each = seeds(Settings(width=8, depth=1, epochs=3, dropout=0.2))
    assert_equal_runs(NetworkStack(each, mnist), each, mnist, atol=1e-6)


def test_training_stops_when_told(wine):
    for each in ([SETTINGS], seeds(SETTINGS)):
        heard = []
        make = Network if len(each) == 1 else NetworkStack
        make(each, wine).train(
            each, wine, TensorSets.of(wine), after_epoch=lambda logs, heard=heard: heard.append(logs)
        )
        assert len(heard) == 1  # the answer was None
        assert [set(own) for own in heard[0]] == [{"loss", "val_loss"}] * len(each)


@pytest.mark.parametrize("n", [1, 3])
def test_what_is_kept_is_ready_and_shared(wine, graphs, n):
    each = seeds(SETTINGS, n)
    with borrow(each, wine) as network:
        assert not is_ready(each, wine)  # somebody has it
    assert is_ready(each, wine)
    changed = [dataclasses.replace(one, learning_rate=0.1, batch_size=8, epochs=7, schedule="cosine") for one in each]
    with borrow(changed, wine) as again:
        assert again is network
    assert not is_ready(seeds(SETTINGS, 2), wine)


@pytest.mark.parametrize("n", [1, 3])
def test_what_nobody_waits_for_is_not_made_and_not_kept(wine, graphs, n):
    each, steps = seeds(SETTINGS, n), 0
    while not is_ready(each, wine):
        answers = iter([True] * steps + [False])
        try:
            with borrow(each, wine, go_on=lambda answers=answers: next(answers)):
                break
        except (UnwantedError, StopIteration):
            steps += 1
        assert not is_ready(each, wine)
        assert steps < 20
    assert steps >= 3


OTHER = {"width": 9, "depth": 3, "dropout": 0.1, "batch_norm": True, "activation": "tanh", "optimizer": "sgd"}
OTHER |= {"learning_rate": 0.1, "weight_decay": 0.1, "schedule": "cosine", "batch_size": 8, "epochs": 7, "seed": 3}


@pytest.mark.parametrize("name", Settings.__dataclass_fields__)
def test_every_setting_belongs_to_the_key_but_for_those_that_a_graph_does_not_see(wine, name):
    """A setting that the key forgets would give wrong curves, without an error."""
    is_other = graph_key([dataclasses.replace(SETTINGS, **{name: OTHER[name]})], wine) != graph_key([SETTINGS], wine)
    assert is_other == (name not in NEEDS_NO_GRAPH)
    assert is_other == (name in NEEDS_GRAPH)


def test_the_key_knows_the_data_and_what_a_linear_model_has_not(wine, mnist):
    assert graph_key([SETTINGS], wine) != graph_key([SETTINGS], mnist)
    double = SimpleNamespace(**vars(wine) | {"x_train": wine.x_train.astype("float64")}, input_shape=(11,), n_outputs=1)
    assert graph_key([SETTINGS], wine) != graph_key([SETTINGS], double)
    some = dataclasses.replace(wine, x_train=wine.x_train[:50], y_train=wine.y_train[:50])
    assert graph_key([SETTINGS], wine) == graph_key([SETTINGS], some)
    linear = [Settings(depth=0, width=width, dropout=dropout) for width, dropout in ((4, 0.0), (8, 0.5))]
    assert graph_key(linear[:1], wine) == graph_key(linear[1:], wine)
    assert graph_key(linear[:1], wine) != graph_key([dataclasses.replace(linear[0], optimizer="sgd")], wine)
    dropped = [dataclasses.replace(SETTINGS, dropout=rate) for rate in (0.1, 0.9)]
    assert graph_key(dropped[:1], wine) == graph_key(dropped[1:], wine)


def test_seeds_are_stacked_where_they_share_their_rates_and_are_small(wine, mnist):
    assert can_be_stacked(seeds(SETTINGS, 5), wine)
    assert can_be_stacked(seeds(dataclasses.replace(SETTINGS, schedule="cosine"), 5), wine)
    assert not can_be_stacked(seeds(dataclasses.replace(SETTINGS, schedule="on plateau"), 5), wine)
    assert not can_be_stacked(seeds(Settings(width=512, depth=8), 5), mnist)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n", [1, 2])
def test_a_network_that_is_forgotten_leaves_nothing_behind(wine, activation, n):
    each = seeds(dataclasses.replace(SETTINGS, activation=activation), n)
    network = (Network if n == 1 else NetworkStack)(each, wine)
    train(network, each, wine)
    traced = network._graphs.graphs["train"][0] if n == 1 else network._stack._graphs["train"]
    gone = weakref.ref(traced._graph.graph)
    del network, traced
    gc.collect()
    assert gone() is None


def test_a_large_network_takes_the_place_of_all_others_and_is_kept(wine, graphs, monkeypatch):
    small, large = [SETTINGS], [dataclasses.replace(SETTINGS, width=64)]
    monkeypatch.setattr(graphs, "most_bytes", 0.9 * size_of(large, wine))
    for each in (small, large):
        with borrow(each, wine):
            pass
    assert not is_ready(small, wine)
    assert is_ready(large, wine)


def test_it_keeps_no_data(wine, graphs):
    """Or every kept network would keep a data set in memory."""
    data = dataclasses.replace(wine, x_train=wine.x_train.copy())
    sets = TensorSets.of(data)
    for each in ([SETTINGS], seeds(SETTINGS)):
        with borrow(each, data) as network:
            network.train(each, data, sets)
    gone = weakref.ref(sets.train[0])
    del sets
    gc.collect()
    assert gone() is None
