"""The estimators keep scikit-learn's rules, and what they are told is what is trained."""

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import estimator_checks_generator

from course_utils.search import KerasMLPClassifier, KerasMLPRegressor
from course_utils.training import fit
from tests.search.shared import build_classifier_eagerly, build_eagerly, build_model, classifier, regressor

CHECKED = [
    KerasMLPRegressor(build_eagerly, epochs=2, n_neurons=3),
    KerasMLPClassifier(build_classifier_eagerly, epochs=2, n_neurons=3),
]
# As `parametrize_with_checks`, whose names hold the address of `build_model`: two processes would not agree on them.
CHECKS = [
    pytest.param(estimator, check, id=f"{type(estimator).__name__}-{number}-{check.func.__name__}")
    for one in CHECKED
    for number, (estimator, check) in enumerate(estimator_checks_generator(one))
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_rules_of_scikit_learn(estimator, check):
    check(estimator)


def test_hyperparameters_are_those_of_build_model():
    estimator = KerasMLPRegressor(build_model, n_neurons=7, patience=None)
    params = estimator.get_params()
    assert [params[name] for name in ("n_hidden", "n_neurons", "learning_rate", "patience")] == [1, 7, 3e-3, None]
    assert "n_outputs" not in classifier().get_params()
    copy = clone(estimator.set_params(n_hidden=2, epochs=5))
    assert copy is not estimator
    assert copy.get_params() == {**params, "n_hidden": 2, "epochs": 5}
    assert "n_neurons=7" in repr(copy)


def test_another_build_model_brings_its_own_hyperparameters():
    estimator = regressor().set_params(build_model=build_eagerly)
    assert {"n_neurons", "n_hidden"} & estimator.get_params().keys() == {"n_neurons"}
    assert clone(estimator).get_params()["n_neurons"] == 4


def test_settings_that_build_model_names_are_handed_to_it(wine):
    seen = {}

    def build(n_inputs, n_outputs, epochs, seed, batch_size, width=2):
        seen.update(n_inputs=n_inputs, n_outputs=n_outputs, epochs=epochs, seed=seed, batch_size=batch_size)
        return build_model(n_neurons=width)

    estimator = KerasMLPRegressor(build, epochs=2, seed=3).fit(wine.x_train, wine.y_train)
    assert seen == {"n_inputs": 11, "n_outputs": 1, "epochs": 2, "seed": 3, "batch_size": 32}
    assert set(estimator.get_params()) - set(regressor().get_params()) == {"width"}


def test_fit_gives_the_network_that_training_fit_gives(wine):
    estimator = regressor(patience=None, epochs=4, seed=7).fit(wine.x_train, wine.y_train)
    keras.utils.set_random_seed(7)
    model = build_model(n_neurons=4)
    model.build((None, 11))
    history = fit(model, wine, epochs=4, seed=7)
    assert estimator.history_ == {"loss": history.history["loss"]}
    assert (estimator.n_epochs_, estimator.best_epoch_) == (4, 4)
    assert estimator.predict(wine.x_valid) == pytest.approx(model.predict(wine.x_valid, verbose=0)[:, 0], rel=1e-5)


def test_numbers_of_numpy_are_settings_too(wine):
    drawn = {"epochs": np.int64(2), "batch_size": np.int64(16), "seed": np.int64(3), "patience": np.int64(1)}
    plain = {name: int(value) for name, value in drawn.items()}
    histories = [regressor(**settings).fit(wine.x_train, wine.y_train).history_ for settings in (drawn, plain)]
    assert histories[0] == histories[1]


def test_early_stopping_keeps_the_best_weights(wine):
    estimator = regressor(epochs=60, patience=2, learning_rate=0.08, n_neurons=30).fit(wine.x_train, wine.y_train)
    losses = estimator.history_["val_loss"]
    assert estimator.n_epochs_ == len(losses) < 60
    assert estimator.best_epoch_ == np.argmin(losses) + 1 == estimator.n_epochs_ - 2
    held_out = KerasMLPRegressor(build_model)._held_out(100, None)[1]
    squares = (estimator.predict(wine.x_train[held_out]) - wine.y_train[held_out]) ** 2
    assert squares.mean() == pytest.approx(min(losses), rel=1e-5)


def test_rows_held_out_have_all_classes_and_follow_the_seed(words):
    estimator = classifier(seed=1)
    estimator.classes_, numbers = np.unique(words, return_inverse=True)
    train, held_out = estimator._held_out(100, numbers)
    assert sorted([*train, *held_out]) == list(range(100))
    np.testing.assert_allclose(np.bincount(numbers[held_out]) / 20, np.bincount(numbers) / 100, atol=0.05)
    assert list(estimator._held_out(100, numbers)[1]) == list(held_out)
    assert list(classifier(seed=2)._held_out(100, numbers)[1]) != list(held_out)


def test_classifier_learns_labels_of_any_kind(wine, words):
    estimator = classifier(epochs=60, patience=None).fit(wine.x_train, words)
    assert list(estimator.classes_) == ["fair", "good", "poor"]
    probabilities = estimator.predict_proba(wine.x_train)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert list(estimator.predict(wine.x_train)) == list(estimator.classes_[probabilities.argmax(axis=1)])
    assert estimator.score(wine.x_train, words) == pytest.approx(estimator.history_["accuracy"][-1], abs=0.1)
    assert estimator.score(wine.x_train, words) > np.mean(words == "poor") + 0.1


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("units", [1, 2])
def test_probabilities_of_two_classes(wine, units, from_logits):
    activation = "linear" if from_logits else ("sigmoid" if units == 1 else "softmax")
    loss = keras.losses.BinaryCrossentropy if units == 1 else keras.losses.SparseCategoricalCrossentropy

    def build():
        model = keras.Sequential([keras.layers.Dense(units, activation=activation)])
        model.compile(loss=loss(from_logits=from_logits), optimizer=keras.optimizers.SGD(0.1))
        return model

    good = wine.y_train > 0
    estimator = KerasMLPClassifier(build, epochs=30, patience=None).fit(wine.x_train, good)
    outputs = estimator.model_(wine.x_train).numpy().astype("float64")
    odds = np.exp(outputs[:, -1] - (outputs[:, 0] if units == 2 else 0))
    expected = odds / (1 + odds) if from_logits else outputs[:, -1]
    np.testing.assert_allclose(estimator.predict_proba(wine.x_train)[:, 1], expected, rtol=1e-6)
    assert estimator.score(wine.x_train, good) > 0.7


def test_regressor_takes_several_targets(wine):
    def build(n_outputs):
        model = keras.Sequential([keras.layers.Dense(n_outputs)])
        model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.05))
        return model

    both = np.column_stack([wine.y_train, wine.x_train[:, 0]])
    predicted = KerasMLPRegressor(build, epochs=60, patience=None).fit(wine.x_train, both).predict(wine.x_train)
    assert predicted.shape == (100, 2)
    assert np.abs(predicted - both).mean() < 0.6


def test_not_fitted(wine):
    with pytest.raises(NotFittedError):
        regressor().predict(wine.x_train)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"epochs": 0}, ["epochs=0", ">= 1"]),
        ({"batch_size": 1.5}, ["batch_size=1.5"]),
        ({"patience": -1}, ["patience=-1", "None switches"]),
        ({"validation_fraction": 1.0}, ["validation_fraction=1.0", "< 1"]),
        ({"seed": -1}, ["seed=-1"]),
        ({"n_hiden": 2}, ["'n_hiden'", "'n_hidden'", "'patience'", "step__parameter"]),
        ({"build_model": None}, ["build_model=None", "function"]),
        ({"build_model": build_model()}, ["build_model=", "Pass the function itself"]),
        ({"build_model": lambda: None}, ["build_model returned None", "return model"]),
        ({"build_model": lambda: keras.Sequential([keras.layers.Dense(1)])}, ["not compiled", "model.compile"]),
        ({"build_model": lambda width: build_model(n_neurons=width)}, ["'width'", "width=…"]),
        ({"build_model": lambda: build_eagerly(2)}, ["2 units", "asks for 1", "Dense(n_outputs)"]),
        ({"learning_rate": 1e6}, ["diverged", "StandardScaler"]),
    ],
)
def test_bad_settings_are_named_with_a_way_out(wine, wrong, named):
    with pytest.raises(ValueError, match=r"\.$") as error:
        KerasMLPRegressor(**{"build_model": build_model, "epochs": 3, **wrong}).fit(wine.x_train, wine.y_train)
    assert all(part in str(error.value) for part in named)


def test_bad_data_are_named_with_a_way_out(wine, words):
    rare = np.where(np.arange(100) == 0, "rare", words)
    for labels, named in ((rare, "'rare'.*one row.*patience=None"), (np.full(100, "same"), "one class, .*same")):
        with pytest.raises(ValueError, match=named):
            classifier().fit(wine.x_train, labels)
