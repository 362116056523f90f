"""`code` writes a run as plain Keras: the same network, the same rates, the same history."""

import ast
import dataclasses
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.data import load_mnist, load_red_wine
from course_utils.experiment import OPTIMIZERS, Settings, make_model
from course_utils.models import ACTIVATIONS
from course_utils.schedules import SCHEDULES, learning_rates, schedule_callbacks
from course_utils.source import code
from course_utils.training import fit

QUICK = Settings(width=6, depth=1, epochs=2)


def names_of(source):
    """What stands in the variables when everything before the call of `model.fit` has been run."""
    lines, names = ast.parse(source).body, {}
    lines = lines[: next(i for i, line in enumerate(lines) if "model.fit(" in ast.unparse(line))]
    exec(compile(ast.Module(lines, []), "code", "exec"), names)
    return names


def without_names_and_seeds(config):
    """The configuration of a layer or optimizer, without what Keras counts or draws."""
    if isinstance(config, dict):
        return {key: without_names_and_seeds(value) for key, value in config.items() if key not in ("name", "seed")}
    return [without_names_and_seeds(value) for value in config] if isinstance(config, list | tuple) else config


NETWORKS = [
    {"depth": depth, "batch_norm": batch_norm, "dropout": dropout}
    for depth, batch_norm, dropout in itertools.product((0, 2), (False, True), (0.0, 0.3))
]
NETWORKS += [{"activation": name, "batch_norm": batch_norm} for name in ACTIVATIONS for batch_norm in (False, True)]


@pytest.mark.parametrize("flatten", [True, False])
def test_the_network_is_that_of_the_settings(flatten):
    digits = load_mnist(n_train=20, n_valid=0, n_test=0, flatten=flatten)
    for network in NETWORKS if flatten else NETWORKS[:8]:
        settings = dataclasses.replace(QUICK, **network)
        written, made = names_of(code(settings, digits))["model"], make_model(settings, digits)
        assert [type(layer) for layer in written.layers] == [type(layer) for layer in made.layers]
        for one, other in zip(written.layers, made.layers, strict=True):
            assert without_names_and_seeds(one.get_config()) == without_names_and_seeds(other.get_config())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_it_is_compiled_as_the_settings_say(wine, mnist, optimizer):
    settings = dataclasses.replace(QUICK, optimizer=optimizer, learning_rate=0.03)
    for data, decay in ((wine, 0.0), (mnist, 0.1)):
        settings = dataclasses.replace(settings, weight_decay=decay)
        both = names_of(code(settings, data))["model"], make_model(settings, data)
        written, made = (without_names_and_seeds(model.get_compile_config()) for model in both)
        assert written == made


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name not in ("constant", "on plateau")])
@pytest.mark.parametrize("epochs", [1, 12])
def test_the_schedule_gives_the_rates_of_the_run(wine, name, epochs):
    settings = dataclasses.replace(QUICK, schedule=name, epochs=epochs, learning_rate=0.2)
    written = [float(names_of(code(settings, wine))["schedule"](epoch)) for epoch in range(epochs)]
    expected = learning_rates(name, learning_rate=0.2, epochs=epochs)
    np.testing.assert_allclose(written, expected, rtol=1e-6, atol=1e-7)


RUNS = [
    (Settings(epochs=2, batch_size=256), {}),
    (Settings(epochs=2, batch_size=256, weight_decay=10, learning_rate=0.01), {}),
    (Settings(epochs=2, batch_size=100, dropout=0.25, batch_norm=True, activation="tanh", seed=3), {"seed": 2}),
    (Settings(epochs=2, batch_size=256, depth=0, optimizer="momentum", schedule="cosine"), {"split": "tutorial"}),
    (Settings(epochs=2, optimizer="rmsprop", schedule="exponential"), {"n_train": 90, "label_noise": 0.2}),
    (Settings(epochs=2, optimizer="sgd", learning_rate=1 / 3, dropout=1 / 3), {"n_train": 90, "flatten": False}),
    (Settings(epochs=2, schedule="warmup then cosine", activation="gelu"), {"n_train": 90, "n_valid": 0}),
    (Settings(epochs=2, schedule="on plateau", width=9, optimizer="adagrad"), {"n_train": 90}),
]


@pytest.mark.parametrize(("settings", "arguments"), RUNS, ids=[f"{s.optimizer}-{s.schedule}" for s, _ in RUNS])
def test_code_gives_the_history_of_the_run(settings, arguments, capsys):
    load = load_mnist if "n_train" in arguments else load_red_wine
    data = load(**({"n_valid": 50} | arguments if load is load_mnist else arguments))
    source = code(settings, data, shuffle=False)
    names = {}
    exec(source.replace("batch_size=", "verbose=0, batch_size="), names)
    follow = schedule_callbacks(settings.schedule, learning_rate=settings.learning_rate, epochs=settings.epochs)
    options = {"epochs": settings.epochs, "batch_size": settings.batch_size, "callbacks": follow}
    expected = fit(make_model(settings, data), data, shuffle=False, **options).history
    assert list(names["history"].history) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(names["history"].history[name], values, rtol=1e-5, atol=1e-5, err_msg=name)
    # What it prints and plots is that history, too.
    part, score = ("validation", "val_loss") if "val_loss" in expected else ("training", None)
    assert capsys.readouterr().out.startswith(part)
    if score:
        assert names["score"]["loss"] == pytest.approx(expected[score][-1], rel=1e-4)
    lines = {line.get_label(): line.get_ydata() for line in plt.gcf().axes[0].lines}
    plt.close("all")
    assert set(lines) == {"loss", "val_loss"} & set(expected)
    for name, values in lines.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_code_takes_only_the_data_from_the_course(wine, mnist, schedule):
    for data, loader in ((wine, "load_red_wine"), (mnist, "load_mnist")):
        lines = code(Settings(schedule=schedule), data).splitlines()
        assert [line for line in lines if "course_utils" in line] == [f"from course_utils.data import {loader}"]


def test_code_lowers_the_rate_on_a_plateau_as_the_run_does(wine):
    source = code(dataclasses.replace(QUICK, schedule="on plateau"), wine)
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    (written,) = (call.keywords for call in calls if ast.unparse(call.func) == "keras.callbacks.ReduceLROnPlateau")
    (used,) = schedule_callbacks("on plateau", learning_rate=0.1, epochs=2)
    assert {word.arg: word.value.value for word in written} == {"factor": used.factor, "patience": used.patience}


def test_code_shuffles_by_default(wine):
    shuffled, in_order = code(QUICK, wine), code(QUICK, wine, shuffle=False)
    assert "shuffle=" not in shuffled
    assert shuffled.startswith("# The rows are shuffled in another order")  # so nobody expects the same numbers
    assert "shuffle=False" in in_order
    assert "another order" not in in_order


def test_numbers_of_numpy_need_no_numpy(wine):
    rate = np.logspace(-3, -1, 3)[1]
    assert "np." not in code(dataclasses.replace(QUICK, learning_rate=rate, dropout=np.float32(0.25)), wine)


def test_code_keeps_every_digit_of_the_settings(wine):
    numbers = {"dropout": 0.123456789, "learning_rate": 0.000123456789}
    tree = ast.parse(code(dataclasses.replace(QUICK, **numbers), wine))
    written = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert set(numbers.values()) <= written


@pytest.mark.parametrize("source", ["", "my own data", "pd.read_csv('my.csv')", "my_data(3)", "load_mnist"])
def test_code_of_data_from_elsewhere_is_refused(wine, source):
    with pytest.raises(ValueError, match="load_mnist") as error:
        code(QUICK, dataclasses.replace(wine, source=source))
    assert repr(source) in str(error.value)
