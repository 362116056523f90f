"""A data set of one's own is converted where that is safe, and refused in words where it is not."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from course_utils.data import Dataset, load_mnist, load_red_wine

RNG = np.random.default_rng(0)
NUMBERS = {f"{axis}_{part}": RNG.normal(size=(n, 3) if axis == "x" else n) for axis in "xy" for part, n in
           (("train", 20), ("valid", 8), ("test", 5))}  # fmt: skip
LABELS = NUMBERS | {f"y_{part}": np.arange(n) % 3 for part, n in (("train", 20), ("valid", 8), ("test", 5))}


def own(task="regression", **changes):
    return Dataset(name="mine", task=task, **{**(NUMBERS if task == "regression" else LABELS), **changes})


@pytest.mark.parametrize("convert", [lambda x: x.astype("float16"), pd.DataFrame, np.ndarray.tolist, np.rint])
def test_inputs_become_float32(convert):
    data = own(x_train=convert(NUMBERS["x_train"]), x_valid=NUMBERS["x_valid"].astype("int64"))
    assert [array.dtype for array in data.arrays] == ["float32"] * 6
    np.testing.assert_array_equal(data.x_train, np.asarray(convert(NUMBERS["x_train"]), "float32"))


@pytest.mark.parametrize("convert", [lambda y: y.astype("uint8"), lambda y: y * 1.0, pd.Series, lambda y: y[:, None]])
def test_labels_become_int32(convert):
    data = own("classification", y_train=convert(LABELS["y_train"]))
    assert [getattr(data, f"y_{part}").dtype for part in ("train", "valid", "test")] == ["int32"] * 3
    np.testing.assert_array_equal(data.y_train, LABELS["y_train"])
    assert data.n_outputs == 3
    yes_no = own("classification", **{name: y > 0 for name, y in LABELS.items() if name[0] == "y"})
    assert (yes_no.y_train.dtype, yes_no.n_outputs) == ("int32", 2)


def test_arrays_that_need_no_change_are_not_copied():
    wine = load_red_wine()
    again = dataclasses.replace(wine, name="the same")
    assert all(one is other for one, other in zip(wine.arrays, again.arrays, strict=True))


def test_a_column_of_mixed_kinds_of_numbers_is_taken():
    frame = pd.DataFrame({"a": [True, False] * 10, "b": np.arange(20), "c": np.arange(20.0)})
    assert own(x_train=frame).x_train[3].tolist() == [0, 3, 3]


def test_inputs_of_another_shape_can_be_put_in_their_place():
    digits = load_mnist(n_train=20, n_valid=10, n_test=5)
    small = dataclasses.replace(digits, x_train=digits.x_train[:, :100], x_valid=digits.x_valid[:, :100])
    assert small.input_shape == (100,)
    assert small.x_test.shape == (5, 784)  # which nothing is trained on
    none = load_mnist(n_train=20, n_valid=0, n_test=0)
    square = dataclasses.replace(none, x_train=none.x_train.reshape(-1, 28, 28))
    assert square.x_valid.shape == square.x_test.shape == (0, 28, 28)
    wine = load_red_wine()
    fewer = dataclasses.replace(wine, x_train=wine.x_train[:, :4], x_valid=wine.x_valid[:, :4])
    assert fewer.feature_names == ()
    same = dataclasses.replace(wine, x_train=wine.x_train * 2)
    assert same.feature_names == wine.feature_names


def changed(name, place, value, task="regression"):
    array = (NUMBERS if task == "regression" else LABELS)[name].astype(float)
    array[place] = value
    return {name: array}


@pytest.mark.parametrize(
    ("task", "changes", "words"),
    [
        ("ranking", {}, ["task='ranking'", "'regression', 'classification'"]),
        ("regression", {"y_train": np.zeros(21)}, ["x_train has 20 rows", "y_train has 21", "one call"]),
        ("regression", {"y_valid": np.zeros(1)}, ["x_valid has 8 rows", "y_valid has 1"]),
        ("regression", {"x_test": np.zeros((6, 3))}, ["x_test has 6 rows", "y_test has 5"]),
        ("regression", {"x_train": np.zeros((0, 3)), "y_train": np.zeros(0)}, ["x_train has no rows"]),
        ("regression", {"x_train": np.zeros(20)}, ["x_train has shape (20,)", "x_train.reshape(-1, 1)"]),
        ("regression", {"x_valid": np.zeros((8, 4))}, ["x_valid", "(4,)", "(3,)", "same columns"]),
        ("regression", {"y_train": np.zeros((20, 3))}, ["y_train has shape (20, 3)", "Choose one target"]),
        ("regression", changed("x_train", (3, 2), np.nan), ["x_train[3, 2]=nan", "fills missing values"]),
        ("regression", changed("x_test", (1, 0), -np.inf), ["x_test[1, 0]=-inf"]),
        ("regression", changed("x_train", (3, 2), 1e300), ["x_train[3, 2]=1e+300"]),
        ("regression", changed("y_valid", 4, np.nan), ["y_valid[4]=nan"]),
        ("regression", {"y_train": ["good"] * 20}, ["y_train holds no numbers", "'good'", "from_frame"]),
        ("regression", {"x_train": [["a", 1, 2]] * 20}, ["x_train holds no numbers", "'a'"]),
        ("regression", {"x_train": np.zeros((20, 3), complex)}, ["x_train holds no numbers"]),
        ("classification", {"y_train": ["yes", "no"] * 10}, ["y_train holds no numbers", "'yes'", "from_arrays"]),
        ("classification", {"y_train": np.eye(20)}, ["y_train has shape (20, 20)", "y_train.argmax(1)"]),
        ("classification", changed("y_train", 7, 0.5, "classification"), ["y_train[7]=0.5", 'task="regression"']),
        ("classification", changed("y_valid", 1, -1, "classification"), ["lowest label", "-1", "pd.factorize"]),
        ("classification", {f"y_{part}": LABELS[f"y_{part}"] + 1 for part in ("train", "valid", "test")},
         ["lowest label", "is 1, not 0"]),
        ("classification", changed("y_test", 1, 1990, "classification"), ["1990", "only 4", "n_classes=1991"]),
        ("classification", {"n_classes": 2}, ["A label is 2", "n_classes=2", "0 to 1"]),
        ("classification", {"n_classes": 0}, ["n_classes=0"]),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_on_is_refused_with_the_way_out(task, changes, words):
    with pytest.raises(ValueError, match=r"\w") as error:
        own(task, **changes)
    for some in words:
        assert some in str(error.value)


def test_there_may_be_more_classes_than_labels_that_occur():
    assert own("classification", n_classes=7).n_outputs == 7


def test_the_axis_has_the_unit_of_the_target():
    assert load_red_wine().loss_label == "MAE (quality points)"
    assert own().loss_label == "MAE"
    assert own(unit="km").loss_label == "MAE (km)"
    assert own("classification", unit="km").loss_label == "cross-entropy (nats)"
