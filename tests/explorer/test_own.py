"""The explorer on a `build_model` of one's own: controls from its signature, training, words, code, and errors."""

import dataclasses
import inspect
from typing import Literal

import keras
import numpy as np
import pytest

from course_utils.baselines import guessing_loss, linear_loss
from course_utils.data import load_mnist
from course_utils.explorer import Explorer
from course_utils.explorer.anatomy import anatomy_of, judge_of_own
from course_utils.explorer.controls import own_network, start_setup
from course_utils.explorer.own import control_of
from course_utils.training import GRAPHS, fit


@pytest.fixture(scope="module")
def digits():
    return load_mnist(n_train=100, n_valid=50, n_test=0, flatten=False)


@pytest.fixture
def explore():
    """A function that makes explorers, which are closed at the end of the test."""
    made = []

    def explore(data, build_model, **options):
        made.append(Explorer(data, build_model=build_model, **{"epochs": 3, **options}))
        return made[-1]

    yield explore
    for explorer in made:
        explorer.close()


def conv(
    filters: int = 4,
    dropout: float = 0.2,
    activation: Literal["relu", "tanh"] = "relu",
    pooled: bool = True,
    learning_rate: float = 1e-2,
):
    """A small convolutional network."""
    layers = [keras.Input((28, 28, 1)), keras.layers.Conv2D(filters, 3, strides=2, activation=activation)]
    if pooled:
        layers.append(keras.layers.MaxPooling2D())
    model = keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dropout(dropout), keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(learning_rate), loss=loss, metrics=["accuracy"])
    return model


def plain(units=4, *, loss="mae"):
    """For wines."""
    model = keras.Sequential([keras.layers.Dense(units, activation="relu"), keras.layers.Dense(1)])
    model.compile("adam", loss=loss)
    return model


# Controls


def test_controls_come_from_annotations_and_defaults(digits):
    network = own_network(conv, digits, ranges=None, start={})
    kinds = {name: control.kind for name, control in network.controls.items()}
    assert kinds == {
        "filters": "whole",
        "dropout": "number",
        "activation": "menu",
        "pooled": "switch",
        "learning_rate": "number",
        "epochs": "whole",
        "batch_size": "whole",
        "n_train": "whole",
        "label_noise": "number",
        "seed": "whole",
    }
    controls = network.controls
    assert controls["filters"].values == (1, 2, 3, 4, 5, 6, 7, 8)
    assert (controls["dropout"].values[0], controls["dropout"].values[-1]) == (0, 0.9)
    assert controls["activation"].values == ("relu", "tanh")
    rates = controls["learning_rate"].values
    assert (rates[0], rates[-1], controls["learning_rate"].scale) == (1e-4, 1, "log")
    start = start_setup(digits, {}, network)
    assert (start.settings.filters, start.settings.epochs, start.settings.seed) == (4, 30, 0)
    for name, control in controls.items():
        if control.is_slider:
            assert control.values[control.nearest(start.value(name))] == start.value(name)
        assert control.help.endswith(".")


@pytest.mark.parametrize(
    ("first", "given", "values"),
    [
        (8, None, (1, 2, 4, 8, 16, 32, 64)),
        (30, None, (4, 8, 16, 30, 32, 64, 128)),
        (8, [16, 4, 8], (4, 8, 16)),
        (4, (1, 6), (1, 2, 3, 4, 5, 6)),
        (8, (4, 64), (4, 8, 16, 32, 64)),
        (0.5, [0.0, 0.5], (0.0, 0.5)),
        ("a", ["a", "b"], ("a", "b")),
    ],
)
def test_values_of_a_control(first, given, values):
    assert control_of("size", first, None, given).values == values


@pytest.mark.parametrize("first", [0, 1, 3, 7, 100, 1000, 0.0, 1e-4, 0.05, 0.1, 0.9, 1.0, 1.5, 20.0, -0.5])
@pytest.mark.parametrize("name", ["size", "dropout_rate"])
def test_every_number_can_be_where_a_slider_starts(name, first):
    control = control_of(name, first)
    assert first in control.values
    assert list(control.values) == sorted(set(control.values))
    assert 3 <= len(control.values) <= 45
    assert control.spread(11)


def test_what_cannot_be_moved_stays_as_it_is(wine, explore):
    def with_texts(units=4, loss="mae", sizes=(3, 3), nothing=None):
        return plain(units, loss=loss)

    explorer = explore(wine, with_texts)
    assert explorer.controls == ("units", "epochs", "batch_size", "seed")
    assert explorer.wait(60).history["val_loss"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"build_model": plain()}, "is not a function"),
        ({"build_model": lambda units: plain(2 * units)}, "no default for 'units'"),
        ({"build_model": plain, "ranges": {"width": [1, 2]}}, "ranges='width' is not one of 'units', 'loss'"),
        ({"build_model": plain, "ranges": {"units": [8, 16]}}, "units starts at 4"),
        ({"build_model": plain, "ranges": {"units": (8, 4)}}, "no range"),
        ({"build_model": plain, "ranges": {"units": 8}}, "no range"),
        ({"build_model": plain, "units": 999}, "'units'|units=999"),
        ({"build_model": plain, "width": 8}, "'width' is no setting"),
        ({"build_model": plain, "controls": ("depth",)}, "'depth' is not one of 'units'"),
        ({"ranges": {"width": [1]}}, "pass build_model"),
    ],
)
def test_bad_arguments_are_explained(wine, options, message):
    if options.get("units") == 999:
        options = {**options, "ranges": {"units": [4, 8]}}
    with pytest.raises(ValueError, match=message):
        Explorer(wine, **options)


def test_a_value_may_take_the_place_of_a_missing_default(wine, explore):
    explorer = explore(wine, lambda units: plain(2 * units), units=8)
    assert explorer.wait(60).settings.units == 8
    assert "build_model=<lambda>" in explorer.line()


# Training


def test_a_run_is_that_of_the_model_built_after_set_random_seed(digits, explore):
    explorer = explore(digits, conv, shuffle=False, seed=3, dropout=0.5)
    found = explorer.wait(100)
    keras.utils.set_random_seed(3)
    model = conv(dropout=0.5)
    expected = model.fit(
        *(digits.x_train, digits.y_train),
        validation_data=(digits.x_valid, digits.y_valid),
        epochs=3,
        shuffle=False,
        verbose=0,
    ).history
    assert set(found.history) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found.history[name], values, rtol=1e-4, atol=1e-5)
    train = model.evaluate(digits.x_train, digits.y_train, verbose=0, return_dict=True)["loss"]
    assert found.train_loss == pytest.approx(train, rel=1e-4)


def test_moves_of_what_no_graph_sees_trace_nothing(digits, explore, monkeypatch):
    GRAPHS.clear()
    explorer = explore(digits, conv)
    explorer.wait(100)
    traced = []
    monkeypatch.setattr(
        "course_utils.training.epochs.CompiledEpoch._trace", lambda self, *_: traced.append(self) or (1 / 0)
    )
    explorer.set(learning_rate=0.001, batch_size=16, epochs=2, seed=1).wait(100)
    assert traced == []
    with pytest.raises(ValueError, match="ZeroDivisionError"):
        explorer.set(filters=2).wait(100)


def test_seeds_average_table_sweep_and_pins_work(digits, explore):
    explorer = explore(digits, conv, ranges={"filters": [2, 4]}, controls=("filters", "dropout"))
    explorer.wait(100)
    explorer.pin()
    seeds = explorer.repeat_seeds(2).wait(100)
    assert [run.settings.seed for run in seeds] == [0, 1]
    shares = []
    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        model = conv()
        fit(model, digits, epochs=3, seed=seed)
        shares.append(keras.ops.softmax(model(digits.x_valid)))
    right = np.mean(shares, axis=0)[np.arange(50), digits.y_valid]
    assert explorer.shown().average[-1] == pytest.approx(-np.log(right).mean(), rel=1e-3)
    table = explorer.sweep("filters", n=1).wait(100)
    assert table.filters.tolist() == [2, 4]
    assert "sweep of filters from 2 to 4" in explorer.sentence
    assert len(explorer._state.rows()) == 3  # one, two seeds, two filters: the first of them once
    assert explorer.set(filters=2).wait(60).settings.filters == 2
    assert "against pinned run 1" in explorer.sentence


def test_typed_values_between_those_of_a_slider_are_taken(digits, explore):
    explorer = explore(digits, conv, controls=("filters", "dropout"))
    explorer.widgets.fields["filters"].value = "3"
    assert explorer.wait(100).settings.filters == 3
    explorer.widgets.fields["filters"].value = "99"
    explorer.wait(100)
    assert "filters=99 is not valid" in explorer.widgets.sentence.value


# What is said and drawn


@pytest.mark.parametrize(
    ("loss", "measure", "label"),
    [("mae", "MAE", "MAE (quality points)"), ("mse", "MSE", "mean squared error"), ("huber", "huber", "huber")],
)
def test_the_loss_is_the_one_that_was_compiled(wine, explore, loss, measure, label):
    explorer = explore(wine, lambda units=4: plain(units, loss=loss))
    run = explorer.wait(60)
    shown = explorer.shown()
    assert shown.loss_label == label
    assert f"validation {measure} " in explorer.sentence

    def of(y, answer):
        return float(keras.losses.get(loss)(y[None], np.full((1, len(y)), answer, "float32")).numpy().mean())

    answer = min((np.median(wine.y_train), wine.y_train.mean()), key=lambda one: of(wine.y_train, one))
    assert shown.guess == pytest.approx(of(wine.y_valid, answer), rel=1e-4)
    assert run.guess == shown.guess
    if loss == "mae":
        assert (shown.guess, shown.plane) == pytest.approx((guessing_loss(wine), linear_loss(wine)))
    else:
        assert np.isnan(shown.plane)


@pytest.mark.parametrize("is_logit", [False, True])
def test_guessing_is_that_of_probabilities_or_of_logits(mnist, is_logit):
    def build(activation):
        model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation=activation)])
        model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=is_logit))
        return model

    model = build(None if is_logit else "softmax")
    assert anatomy_of(model, mnist).guess == pytest.approx(guessing_loss(mnist), rel=1e-5)
    judge, outputs = judge_of_own(model, mnist), model(mnist.x_valid).numpy()
    alone = judge.loss(judge.predict(outputs[None])[0])
    assert alone == pytest.approx(model.evaluate(mnist.x_valid, mnist.y_valid, verbose=0), rel=1e-4)


def test_penalties_are_part_of_the_loss_and_leave_no_average(wine):
    model = keras.Sequential([keras.Input((11,)), keras.layers.Dense(1, kernel_regularizer="l2")])
    model.compile(loss="mae")
    assert anatomy_of(model, wine).label == "MAE (quality points), with penalties"
    assert judge_of_own(model, wine) is None


def test_layers_are_listed_with_shapes_and_parameters(digits, explore):
    explorer = explore(digits, conv)
    run = explorer.wait(100)
    assert run.anatomy.layers[0] == ("Conv2D", "13×13×4", 40)
    assert run.anatomy.parameters == sum(parameters for *_, parameters in run.anatomy.layers)
    assert f"{run.anatomy.parameters:,} parameters" in explorer.sentence
    assert "without dropout" in explorer.sentence
    assert bytes(explorer.widgets.network.value).startswith(b"\x89PNG")
    bundle = explorer._repr_mimebundle_()
    assert "image/png" in bundle
    assert bundle["text/plain"].startswith("Explorer of MNIST: ")


# Code


def test_the_code_runs_and_gives_the_same_history(digits, explore):
    explorer = explore(digits, conv, shuffle=False, filters=3)
    run, source, scope = explorer.wait(100), explorer.code(), {"Literal": Literal}
    assert inspect.getsource(conv).rstrip() in source
    assert "# conv needs" not in source
    exec(source.replace(" epochs=", " verbose=0, epochs="), scope)
    np.testing.assert_allclose(scope["history"].history["val_loss"], run.history["val_loss"], rtol=1e-4)
    assert "build_model=conv, " in explorer.line()
    assert "filters=3" in explorer.line()


def test_without_its_source_the_code_has_the_call(wine, explore):
    scope = {"plain": plain}
    exec("def made(units=4):\n    return plain(units)", scope)
    explorer = explore(wine, scope["made"])
    assert "# Put your own made here" in explorer.code()
    assert "model = made(units=4)" in explorer.code()


# Errors


def returns(model):
    return lambda units=4: model() if callable(model) else model


def two_inputs():
    ends = [keras.Input((11,)), keras.Input((11,))]
    model = keras.Model(ends, keras.layers.Dense(1)(keras.layers.Add()(ends)))
    model.compile("adam", loss="mae")
    return model


def shaped(inputs, outputs, loss="mae"):
    model = keras.Sequential([keras.Input(inputs), keras.layers.Dense(outputs)])
    model.compile("adam", loss=loss)
    return model


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: 1 / 0, r"<lambda>\(units=8\) raised ZeroDivisionError"),
        (lambda: keras.Sequential([keras.layers.Dense(1)]), "not compiled"),
        (None, "returned None, which is no keras.Model"),
        (two_inputs, "has 2 inputs"),
        (lambda: shaped((7,), 1), r"inputs of shape \(7,\), but an example of red wine has \(11,\)"),
        (lambda: shaped((11,), 3), r"output of shape \(3,\).*1 number"),
        (lambda: shaped((11,), 1, "sparse_categorical_crossentropy"), "could not be trained|nan"),
    ],
)
def test_errors_of_the_function_are_shown_in_words_and_the_next_move_works(wine, explore, model, message):
    def choose(units=4):
        return plain(units) if units != 8 else broken(units)

    broken = returns(model)
    broken_name = "choose"
    explorer = explore(wine, choose)
    explorer.wait(60)
    explorer.set(units=8)
    if "nan" not in message:
        with pytest.raises(ValueError, match=message.replace("<lambda>", broken_name)):
            explorer.wait(60)
        assert 'role="alert"' in explorer.widgets.sentence.value
        assert "This training failed" in explorer.widgets.sentence.value
    assert explorer.set(units=2).wait(60).settings.units == 2
    assert explorer.error is None


# Files


def test_runs_of_ones_own_network_are_saved_and_loaded_with_it(digits, explore, tmp_path):
    explorer = explore(digits, conv, ranges={"filters": [2, 4]})
    explorer.wait(100)
    path = explorer.save(tmp_path / "own.json")
    loaded = Explorer.load(path, digits, build_model=conv, ranges={"filters": [2, 4]})
    assert loaded.status == "finished"
    assert loaded.wait(60).anatomy.layers == explorer.wait(60).anatomy.layers
    assert loaded.shown().guess == pytest.approx(explorer.shown().guess)
    assert loaded.sentence == explorer.sentence
    loaded.close()
    with pytest.raises(ValueError, match=r"Explorer\.load\(path, build_model=conv\)"):
        Explorer.load(path, digits)
    with pytest.raises(ValueError, match="plain was changed"):
        Explorer.load(path, digits, build_model=plain)


def test_other_settings_are_another_type(digits):
    first, second = (own_network(function, digits, ranges=None, start={}).settings for function in (conv, plain))
    assert dataclasses.asdict(first())["filters"] == 4
    assert first() != second()
    with pytest.raises(ValueError, match="filters=0"):
        first(filters=0)
