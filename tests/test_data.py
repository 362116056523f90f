"""The data sets are what they say they are, and damage or a bad argument is named."""

import dataclasses
import shutil
import subprocess
import sys

import numpy as np
import pytest

from course_utils import data as data_module
from course_utils.data import load_mnist, load_red_wine, red_wine_frame, tuning_errors

PARTS = ("train", "valid", "test")


def wines_of(data, part):
    """The rows of one part as a list of tuples, quality included."""
    return [(*x, y) for x, y in zip(getattr(data, f"x_{part}"), getattr(data, f"y_{part}"), strict=True)]


def same_arrays(one, other):
    names = [f"{axis}_{part}" for axis in "xy" for part in PARTS]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def images(x):
    return {image.tobytes() for image in x}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the data files, which the loaders read instead of the originals."""
    for name in data_module.SHA256:
        shutil.copy(data_module.DATA_FOLDER / name, tmp_path)
    monkeypatch.setattr(data_module, "DATA_FOLDER", tmp_path)
    return tmp_path


def test_import_loads_neither_tensorflow_nor_scikit_learn():
    slow = ("tensorflow", "keras", "sklearn")
    program = f"import sys, course_utils.data; sys.exit(any(name in sys.modules for name in {slow}))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_frame_holds_every_wine_of_the_file():
    wines = red_wine_frame()
    assert wines.shape == (1599, 12)
    assert wines.duplicated().sum() == 240
    assert wines["quality"].dtype.kind == "i"
    assert (wines["quality"].min(), wines["quality"].max()) == (3, 8)


def test_clean_split_has_no_wine_in_two_sets():
    data = load_red_wine(standardize=False)
    sets = [set(wines_of(data, part)) for part in PARTS]
    assert [len(getattr(data, f"x_{part}")) for part in PARTS] == [815, 272, 272]
    assert [len(wines) for wines in sets] == [815, 272, 272]
    assert len(set.union(*sets)) == 1359


def test_wine_arrays_have_the_documented_shape_and_type():
    data = load_red_wine()
    assert (data.task, data.n_outputs, data.input_shape) == ("regression", 1, (11,))
    assert len(data.feature_names) == 11
    assert "quality" not in data.feature_names
    assert (data.x_train.dtype, data.y_train.dtype, data.y_train.shape) == ("float32", "float32", (815,))


def test_clean_split_depends_on_the_seed_alone():
    assert same_arrays(load_red_wine(seed=3), load_red_wine(seed=3))
    assert not np.array_equal(load_red_wine(seed=3).x_train, load_red_wine(seed=4).x_train)


@pytest.mark.parametrize("split", ["clean", "tutorial"])
def test_scaler_is_fitted_on_the_training_set_only(split):
    raw, data = load_red_wine(split=split, standardize=False), load_red_wine(split=split)
    np.testing.assert_allclose(data.x_train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(data.x_train.std(axis=0), 1, atol=1e-4)
    assert np.abs(data.x_valid.mean(axis=0)).max() > 0.02
    mean, deviation = raw.x_train.mean(axis=0, dtype=float), raw.x_train.std(axis=0, dtype=float)
    np.testing.assert_allclose(data.x_valid, (raw.x_valid - mean) / deviation, atol=1e-3)


@pytest.mark.parametrize("split", ["clean", "tutorial"])
def test_targets_are_centred_on_the_training_rows_where_inputs_are_standardized(split):
    raw, data = load_red_wine(split=split, center=False), load_red_wine(split=split)
    assert raw.target_mean == 0
    assert data.target_mean == pytest.approx(raw.y_train.mean(dtype=float))
    for part in PARTS:
        given, centred = getattr(raw, f"y_{part}"), getattr(data, f"y_{part}")
        np.testing.assert_allclose(centred + data.target_mean, given, atol=1e-5)
    assert load_red_wine(split=split, standardize=False).target_mean == 0
    assert same_arrays(load_red_wine(split=split, center=True), data)


def test_tutorial_split_is_that_of_the_tutorial():
    data, wines = load_red_wine(split="tutorial", standardize=False), red_wine_frame()
    train = wines.sample(frac=0.7, random_state=0)
    valid = wines.drop(train.index)
    for part, rows in (("train", train), ("valid", valid)):
        np.testing.assert_array_equal(getattr(data, f"x_{part}"), rows[list(data.feature_names)].to_numpy("float32"))
        np.testing.assert_array_equal(getattr(data, f"y_{part}"), rows["quality"].to_numpy("float32"))
    assert (len(data.x_train), len(data.x_valid)) == (1119, 480)
    assert (data.x_test.shape, data.y_test.shape) == ((0, 11), (0,))


def test_tutorial_split_leaks_90_wines():
    data = load_red_wine(split="tutorial", standardize=False)
    known = set(wines_of(data, "train"))
    assert sum(wine in known for wine in wines_of(data, "valid")) == 90


def test_mnist_arrays_have_the_documented_shape_type_and_range():
    data = load_mnist(n_train=40, n_valid=30, n_test=20)
    assert [getattr(data, f"x_{part}").shape for part in PARTS] == [(40, 784), (30, 784), (20, 784)]
    assert (data.task, data.n_outputs, data.input_shape) == ("classification", 10, (784,))
    assert (data.x_train.dtype, data.y_train.dtype) == ("float32", "int32")
    assert (data.x_train.min(), data.x_train.max()) == (0, 1)
    assert set(np.concatenate([data.y_train, data.y_valid, data.y_test])) == set(range(10))


def test_mnist_images_keep_their_two_dimensions_if_asked():
    flat, square = load_mnist(n_train=20), load_mnist(n_train=20, flatten=False)
    assert square.x_train.shape == (20, 28, 28, 1)
    assert square.x_valid.shape[1:] == square.x_test.shape[1:] == square.input_shape == (28, 28, 1)
    np.testing.assert_array_equal(square.x_train.reshape(20, 784), flat.x_train)


def test_mnist_labels_belong_to_their_images():
    data = load_mnist(n_train=100, n_valid=100, n_test=100, seed=2)
    with np.load(data_module.DATA_FOLDER / "mnist.npz") as file:
        for source, parts in (("train", ("train", "valid")), ("test", ("test",))):
            label = {x.tobytes(): y for x, y in zip(file[f"x_{source}"], file[f"y_{source}"], strict=True)}
            for part in parts:
                pixels = np.round(getattr(data, f"x_{part}") * 255).astype("uint8")
                assert [label[image.tobytes()] for image in pixels] == getattr(data, f"y_{part}").tolist()


def test_mnist_sets_are_nested_and_disjoint():
    small, large = load_mnist(n_train=300, n_valid=500, n_test=10), load_mnist(n_train=900, n_valid=500, n_test=30)
    np.testing.assert_array_equal(small.x_train, large.x_train[:300])
    np.testing.assert_array_equal(small.x_valid, large.x_valid)
    np.testing.assert_array_equal(small.y_valid, large.y_valid)
    np.testing.assert_array_equal(small.x_test, large.x_test[:10])
    assert not images(large.x_train) & images(large.x_valid)


def test_mnist_draw_depends_on_the_seed_alone():
    assert same_arrays(load_mnist(n_train=50, seed=3), load_mnist(n_train=50, seed=3))
    assert not np.array_equal(load_mnist(n_train=50, seed=3).x_train, load_mnist(n_train=50, seed=4).x_train)


def test_mnist_without_validation_has_an_empty_set():
    data = load_mnist(n_train=20, n_valid=0, n_test=0)
    assert (data.x_valid.shape, data.y_valid.shape, data.x_test.shape) == ((0, 784), (0,), (0, 784))


@pytest.mark.parametrize(("share", "count"), [(0, 0), (0.1, 20), (0.333, 67), (1, 200)])
def test_label_noise_makes_the_exact_count_of_training_labels_wrong(share, count):
    true, noisy = load_mnist(n_train=200), load_mnist(n_train=200, label_noise=share)
    assert (noisy.y_train != true.y_train).sum() == count
    assert set(noisy.y_train) <= set(range(10))
    np.testing.assert_array_equal(noisy.x_train, true.x_train)


def test_label_noise_leaves_validation_and_test_labels_true():
    true, noisy = load_mnist(n_train=200), load_mnist(n_train=200, label_noise=1.0)
    np.testing.assert_array_equal(noisy.y_valid, true.y_valid)
    np.testing.assert_array_equal(noisy.y_test, true.y_test)


def test_label_noise_is_nested():
    true = load_mnist(n_train=200).y_train
    less, more = (load_mnist(n_train=200, label_noise=share).y_train for share in (0.1, 0.3))
    wrong = less != true
    np.testing.assert_array_equal(more[wrong], less[wrong])


@pytest.mark.parametrize(
    ("load", "arguments"),
    [
        (load_red_wine, {}),
        (load_red_wine, {"seed": 3, "standardize": False}),
        (load_red_wine, {"split": "tutorial", "center": False}),
        (load_red_wine, {"standardize": False, "center": True}),
        (load_mnist, {}),
        (load_mnist, {"n_train": 70, "n_valid": 60, "n_test": 50, "label_noise": 0.25, "flatten": False, "seed": 4}),
    ],
)
def test_source_makes_the_same_data_set(load, arguments):
    data = load(**arguments)
    assert same_arrays(eval(data.source, {load.__name__: load}), data)


@pytest.mark.parametrize(
    ("load", "arguments", "named"),
    [
        (load_mnist, {"n_train": 0}, ["n_train=0", ">= 1", "60,000"]),
        (load_mnist, {"n_train": 70_000}, ["n_train=70000", ">= 1", "60,000"]),
        (load_mnist, {"n_train": 50_000, "n_valid": 20_000}, ["n_train=50000", "n_valid=20000", "60,000"]),
        (load_mnist, {"n_valid": -1}, ["n_valid=-1", ">= 0"]),
        (load_mnist, {"n_test": 10_001}, ["n_test=10001", "10,000"]),
        (load_mnist, {"n_train": 100.0}, ["n_train=100.0", "whole number"]),
        (load_mnist, {"label_noise": 1.5}, ["label_noise=1.5", ">= 0", "<= 1"]),
        (load_mnist, {"flatten": "no"}, ["flatten='no'", "True", "False"]),
        (load_mnist, {"seed": -1}, ["seed=-1", ">= 0"]),
        (load_red_wine, {"split": "foo"}, ["split='foo'", "'clean'", "'tutorial'"]),
        (load_red_wine, {"standardize": 1}, ["standardize=1", "True", "False"]),
        (load_red_wine, {"center": 1}, ["center=1", "True", "False", "None"]),
        (load_red_wine, {"seed": 0.5}, ["seed=0.5", "whole number"]),
    ],
)
def test_bad_arguments_are_named_with_the_valid_choices(load, arguments, named):
    with pytest.raises(ValueError, match=r"=") as error:
        load(**arguments)
    assert all(part in str(error.value) for part in named)


@pytest.mark.parametrize(("load", "name"), [(load_red_wine, "winequality-red.csv"), (load_mnist, "mnist.npz")])
def test_missing_file_is_named_with_the_way_out(folder, load, name):
    load()
    data_module._mnist_arrays.cache_clear()
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError) as error:
        load()
    assert all(part in str(error.value) for part in (str(folder / name), f"git checkout -- data/{name}"))


def test_truncated_mnist_is_refused(folder):
    path = folder / "mnist.npz"
    path.write_bytes(path.read_bytes()[:1_000_000])
    with pytest.raises(ValueError, match=r"mnist\.npz") as error:
        load_mnist()
    for part in ("1,000,000", data_module.SHA256["mnist.npz"], "git checkout -- data/mnist.npz"):
        assert part in str(error.value)


def test_one_changed_byte_in_the_wines_is_refused(folder):
    path = folder / "winequality-red.csv"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"winequality-red\.csv") as error:
        load_red_wine()
    for part in (data_module.SHA256["winequality-red.csv"], "git checkout -- data/winequality-red.csv"):
        assert part in str(error.value)


def test_repr_says_what_there_is():
    text = repr(load_mnist(n_train=20, n_valid=7, n_test=5))
    assert all(part in text for part in ("MNIST", "classification", "20 training", "7 validation", "5 test"))


@pytest.mark.parametrize("load", [load_red_wine, load_mnist])
@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_no_generator_takes_is_named(load, seed):
    with pytest.raises(ValueError, match=f"seed={seed}.*<= 4,294,967,295"):
        load(seed=seed)


def test_outputs_are_as_many_as_the_labels_say():
    assert (load_red_wine().n_outputs, load_mnist(n_train=1, n_valid=0, n_test=0).n_outputs) == (1, 10)
    digits = load_mnist(n_train=50)
    for highest in (1, 2, 11):
        labels = {f"y_{part}": np.minimum(getattr(digits, f"y_{part}") * 2, highest) for part in PARTS}
        own = dataclasses.replace(digits, n_classes=None, **labels)
        assert own.n_outputs == 1 + max(array.max() for array in labels.values())


def test_data_sets_are_compared_and_hashed_as_objects():
    one, other = load_red_wine(), load_red_wine()
    assert one != other
    assert len({one, other, one}) == 2


def test_tuning_errors_hold_a_grid_and_what_it_did_to_each_wine():
    settings, errors = tuning_errors()
    assert settings.groupby(["layers", "units"])["rate"].nunique().tolist() == [10] * 4
    assert errors.shape == (len(settings), 10, len(load_red_wine().y_valid))
    assert np.isfinite(errors).all()
    assert (errors >= 0).all()


def test_damage_to_tuning_errors_is_named(folder):
    (folder / "tuning-errors.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"tuning-errors\.npz is damaged"):
        tuning_errors()
