"""Each schedule gives the rates that were worked out by hand, and those of Keras."""

import keras
import numpy as np
import pytest

from course_utils.models import build_mlp, compile_for
from course_utils.schedules import SCHEDULES, epoch_schedule, learning_rates, schedule_callbacks

BY_NAME = [name for name in SCHEDULES if name != "on plateau"]


@pytest.mark.parametrize(
    ("name", "epochs", "rates"),
    [
        ("constant", 3, {0: 0.8, 2: 0.8}),
        ("halve every 5", 11, {0: 0.8, 4: 0.8, 5: 0.4, 9: 0.4, 10: 0.2}),
        ("divide by 10 every 20", 41, {0: 0.8, 19: 0.8, 20: 0.08, 39: 0.08, 40: 0.008}),
        ("exponential", 10, {0: 0.8, 5: 0.08, 9: 0.8 * 0.01**0.9}),
        ("cosine", 4, {0: 0.8, 1: 0.8 * 0.853553, 2: 0.4, 3: 0.8 * 0.146447}),
        # Two epochs of warm-up from a tenth of the rate, then half a cosine over the other 18.
        ("warmup then cosine", 20, {0: 0.08, 1: 0.44, 2: 0.8, 11: 0.4, 19: 0.8 * 0.00759612}),
        ("warmup then cosine", 1, {0: 0.08}),
    ],
)
def test_rates_by_hand(name, epochs, rates):
    calculated = learning_rates(name, learning_rate=0.8, epochs=epochs)
    assert len(calculated) == epochs
    assert {epoch: calculated[epoch] for epoch in rates} == pytest.approx(rates, rel=1e-5)


@pytest.mark.parametrize("epochs", [1, 2, 7, 10, 19, 20, 41, 100, 300])
@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "constant"])
def test_rates_are_those_of_keras(name, epochs):
    for peak in (1e-5, 0.0003, 0.1, 1 / 3, 2.0):
        schedule = epoch_schedule(name, learning_rate=peak, epochs=epochs)
        some = np.unique(np.linspace(0, epochs - 1, 12).astype(int))  # Keras takes its time for each
        expected = [float(schedule(int(epoch))) for epoch in some]
        rates = learning_rates(name, learning_rate=peak, epochs=epochs)
        np.testing.assert_allclose(rates[some], expected, rtol=1e-6, atol=2e-7 * peak)


def test_rates_are_one_float32_per_epoch():
    for name in BY_NAME:
        rates = learning_rates(name, learning_rate=0.1, epochs=13)
        assert (rates.shape, rates.dtype) == ((13,), "float32")


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("rate", [1, np.int64(1), np.float32(1)])
def test_a_whole_number_is_a_rate_like_any_other(name, rate):
    expected = learning_rates(name, learning_rate=1.0, epochs=21)
    np.testing.assert_array_equal(learning_rates(name, learning_rate=rate, epochs=21), expected)
    if name != "constant":
        schedule = epoch_schedule(name, learning_rate=rate, epochs=21)
        assert float(schedule(20)) == pytest.approx(float(expected[20]), abs=1e-6)


@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "constant"])
def test_training_may_go_on_behind_the_last_planned_epoch(name):
    (callback,) = schedule_callbacks(name, learning_rate=0.8, epochs=10)
    schedule = epoch_schedule(name, learning_rate=0.8, epochs=10)
    assert [callback.schedule(epoch) for epoch in (10, 25)] == pytest.approx(
        [float(schedule(epoch)) for epoch in (10, 25)], abs=1e-7
    )


@pytest.mark.parametrize("name", BY_NAME)
def test_no_rate_is_above_the_highest(name):
    rates = learning_rates(name, learning_rate=0.5, epochs=30)
    assert all(0 < rate <= 0.5 + 1e-6 for rate in rates)
    assert max(rates) == pytest.approx(0.5)


@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "constant"])
@pytest.mark.parametrize("epochs", [1, 2, 3, 9, 10, 21, 100])
@pytest.mark.parametrize("learning_rate", [0.8, 1e-4, 1])
def test_rates_are_those_of_keras_own_schedules(name, epochs, learning_rate):
    schedule = epoch_schedule(name, learning_rate=float(learning_rate), epochs=epochs)
    expected = [float(schedule(epoch)) for epoch in range(epochs)]
    calculated = learning_rates(name, learning_rate=learning_rate, epochs=epochs)
    np.testing.assert_allclose(calculated, expected, rtol=2e-6, atol=1e-7 * learning_rate)


def test_rates_on_plateau_are_not_known_beforehand():
    assert learning_rates("on plateau", learning_rate=0.1, epochs=5) is None


@pytest.mark.parametrize("name", ["constant", "on plateau"])
def test_no_schedule_object_where_none_is_needed(name):
    assert epoch_schedule(name, learning_rate=0.1, epochs=5) is None


@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "constant"])
def test_callback_sets_the_rate_of_the_epoch(wine, name):
    model = compile_for(build_mlp(wine, width=2, depth=1), wine, keras.optimizers.SGD(0.8))
    (callback,) = schedule_callbacks(name, learning_rate=0.8, epochs=30)
    callback.set_model(model)
    for epoch in (0, 2, 7, 29):
        callback.on_epoch_begin(epoch)
        expected = learning_rates(name, learning_rate=0.8, epochs=30)[epoch]
        assert float(model.optimizer.learning_rate) == pytest.approx(expected)


def test_constant_needs_no_callback():
    assert schedule_callbacks("constant", learning_rate=0.1, epochs=5) == []


def test_plateau_halves_the_rate_after_five_epochs_without_progress(wine):
    model = compile_for(build_mlp(wine, width=2, depth=1), wine, keras.optimizers.SGD(0.8))
    (callback,) = schedule_callbacks("on plateau", learning_rate=0.8, epochs=30)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, val_loss in enumerate([2.0, 1.0, 1.0, 1.1, 1.2, 1.0, 1.3, 1.3]):
        callback.on_epoch_end(epoch, {"val_loss": val_loss})
        rates.append(float(model.optimizer.learning_rate))
    assert rates == pytest.approx([0.8] * 6 + [0.4] * 2)


@pytest.mark.parametrize("function", [epoch_schedule, learning_rates, schedule_callbacks])
def test_unknown_name_is_named_with_the_valid_choices(function):
    with pytest.raises(ValueError, match="schedule='foo'") as error:
        function("foo", learning_rate=0.1, epochs=5)
    assert all(repr(name) in str(error.value) for name in SCHEDULES)


@pytest.mark.parametrize("function", [epoch_schedule, learning_rates, schedule_callbacks])
@pytest.mark.parametrize("wrong", [{"learning_rate": 0}, {"learning_rate": "fast"}, {"epochs": 0}, {"epochs": 2.5}])
def test_wrong_numbers_are_named(function, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        function("cosine", **{"learning_rate": 0.1, "epochs": 5, **wrong})
