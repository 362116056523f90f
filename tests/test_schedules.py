"""Each schedule gives the rates that were worked out by hand."""

import keras
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


@pytest.mark.parametrize("name", BY_NAME)
def test_no_rate_is_above_the_highest(name):
    rates = learning_rates(name, learning_rate=0.5, epochs=30)
    assert all(0 < rate <= 0.5 + 1e-6 for rate in rates)
    assert max(rates) == pytest.approx(0.5)


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
