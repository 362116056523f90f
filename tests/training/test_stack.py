"""A stack of networks tells of every epoch, can be stopped, and can be kept by whoever made it."""

import numpy as np
import pytest
from keras import layers

from course_utils.training import SeedStack, TensorSets, batch_orders, fit
from tests.training.shared import assert_same_training, dense, network


def make(seed):
    return network(dense, lambda: layers.Dropout(0.3), metrics=["mse"], seed=seed)


def orders(wine, seeds):
    return [batch_orders(len(wine.x_train), seed=seed) for seed in seeds]


@pytest.fixture
def stack(wine):
    return SeedStack(make(0), 2, TensorSets.of(wine))


def assert_like_single_fits(wine, models, histories, *, seeds, epochs):
    for seed, model, history in zip(seeds, models, histories, strict=True):
        alone = make(seed)
        expected = fit(alone, wine, epochs=epochs, seed=seed)
        for name, values in expected.history.items():
            np.testing.assert_allclose(history.history[name], values, rtol=1e-5, err_msg=name)
        assert_same_training(expected, model, expected, alone)
        assert int(model.optimizer.iterations) == epochs * 4


def test_it_tells_of_every_epoch_and_stops_when_it_is_told_to(wine, stack):
    models, told = [make(seed) for seed in (1, 2)], []

    def on_epoch(logs):
        told.append(logs)
        return len(told) < 3

    sets = TensorSets.of(wine)
    histories = stack.fit(models, sets, orders(wine, (1, 2)), epochs=9, batch_size=32, on_epoch=on_epoch)
    assert len(told) == 3
    for s, history in enumerate(histories):
        assert history.history == {name: [logs[s][name] for logs in told] for name in history.history}
    assert_like_single_fits(wine, models, histories, seeds=(1, 2), epochs=3)


def test_it_starts_anew_with_other_models(wine, stack):
    stack.trace()
    for seeds in ((1, 2), (3, 4)):
        models = [make(seed) for seed in seeds]
        histories = stack.fit(models, TensorSets.of(wine), orders(wine, seeds), epochs=1, batch_size=32)
        assert_like_single_fits(wine, models, histories, seeds=seeds, epochs=1)


def test_the_template_is_not_trained(wine, stack):
    before = stack.template.get_weights()
    models = [make(seed) for seed in (1, 2)]
    stack.fit(models, TensorSets.of(wine), orders(wine, (1, 2)), epochs=1, batch_size=32)
    for now, then in zip(stack.template.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_an_exception_in_what_listens_leaves_what_was_trained(wine, stack):
    models = [make(seed) for seed in (1, 2)]

    def on_epoch(logs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stack.fit(models, TensorSets.of(wine), orders(wine, (1, 2)), epochs=9, batch_size=32, on_epoch=on_epoch)
    for seed, model in zip((1, 2), models, strict=True):
        alone = make(seed)
        expected = fit(alone, wine, epochs=1, seed=seed)
        assert_same_training(expected, model, expected, alone)
