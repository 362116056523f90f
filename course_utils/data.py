"""The two data sets of the course, red wine and MNIST, and a table of trainings; from files that ship with it.

Nothing is downloaded. All files are checked against their sha256 before they are read, and loading them needs
neither TensorFlow nor pickle. Sources and licences: `data/README.md`.
"""

from __future__ import annotations

import functools
import hashlib
import io
from pathlib import Path

import numpy as np
import pandas as pd

from course_utils.dataset import Dataset
from course_utils.validation import HIGHEST_SEED, check_choice, check_integer, check_number

__all__ = ["Dataset", "load_mnist", "load_red_wine", "red_wine_frame", "tuning_errors"]

HERE = Path(__file__).resolve().parent
# A wheel brings the files along inside the package; in a checkout they lie beside it.
DATA_FOLDER = HERE / "datafiles" if (HERE / "datafiles").is_dir() else HERE.parent / "data"
SHA256 = {
    "winequality-red.csv": "4a402cf041b025d4566d954c3b9ba8635a3a8a01e039005d97d6a710278cf05e",
    "mnist.npz": "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64",
    "tuning-errors.npz": "49dcf5a98a71a46a7d11b751d46c74f1199a16e0ab28f5e2ac7c82f761de0f5e",
}
SPLITS = ("clean", "tutorial")
MNIST_TRAINING_IMAGES, MNIST_TEST_IMAGES, MNIST_CLASSES = 60_000, 10_000, 10


def red_wine_frame() -> pd.DataFrame:
    """All 1,599 red wines as they stand in the file, duplicates included.

    Returns
    -------
    pandas.DataFrame
        11 measurements (float) and `quality` (int, 3 to 8), one row per wine.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or damaged.
    """
    return pd.read_csv(io.BytesIO(_checked_bytes("winequality-red.csv")), sep=";")


def load_red_wine(
    *, seed: int = 0, standardize: bool = True, center: bool | None = None, split: str = "clean"
) -> Dataset:
    """Red wine: predict the quality (3 to 8 points) from 11 measurements.

    Parameters
    ----------
    seed : int
        Which wines go into which set; used by the clean split alone.
    standardize : bool
        Give every input mean 0 and standard deviation 1, measured on the training set only.
    center : bool or None
        Subtract the mean quality of the training wines (`Dataset.target_mean`) from every target, so that a network,
        whose output starts near 0, need not learn that number first. None does as `standardize` says. The unit stays:
        errors are in quality points.
    split : {"clean", "tutorial"}
        "clean" drops the 240 duplicated rows first and makes 815 training, 272 validation and 272 test wines, so that
        no wine stands in two sets. "tutorial" repeats a split often seen, `sample(frac=0.7, random_state=0)` with
        duplicates kept: 1,119 and 480 rows, no test set.

    Returns
    -------
    Dataset
        Inputs of shape (rows, 11), targets of shape (rows,) in quality points: how far above or below the mean, or, if
        not centred, the grade itself.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or damaged, or an argument is not one of the choices.
    """
    check_choice("split", split, SPLITS)
    check_choice("standardize", standardize, (True, False))
    check_choice("center", center, (True, False, None))
    seed = check_integer("seed", seed, at_least=0, at_most=HIGHEST_SEED)
    center = standardize if center is None else center
    wines = red_wine_frame()
    if split == "tutorial":
        train = wines.sample(frac=0.7, random_state=0)
        valid, test = wines.drop(train.index), wines.iloc[:0]
    else:
        shuffled = wines.drop_duplicates().sample(frac=1.0, random_state=seed)
        n_test = len(shuffled) // 5 + 1  # 272 wines, a fifth of 1,359
        test, valid, train = shuffled[:n_test], shuffled[n_test : 2 * n_test], shuffled[2 * n_test :]
    features = tuple(wines.columns.drop("quality"))
    mean, deviation = (train[list(features)].mean(), train[list(features)].std(ddof=0)) if standardize else (0.0, 1.0)
    target_mean = float(train["quality"].mean()) if center else 0.0
    arrays = {}
    for part, rows in (("train", train), ("valid", valid), ("test", test)):
        arrays[f"x_{part}"] = ((rows[list(features)] - mean) / deviation).to_numpy("float32")
        arrays[f"y_{part}"] = (rows["quality"] - target_mean).to_numpy("float32")
    source = _call(
        "load_red_wine",
        seed=(seed, 0),
        standardize=(standardize, True),
        center=(center, standardize),
        split=(split, "clean"),
    )
    return Dataset(
        name="red wine",
        task="regression",
        feature_names=features,
        source=source,
        target_mean=target_mean,
        unit="quality points",
        **arrays,
    )


def load_mnist(
    *,
    n_train: int = 2000,
    n_valid: int = 2000,
    n_test: int = 2000,
    label_noise: float = 0.0,
    flatten: bool = True,
    seed: int = 0,
) -> Dataset:
    """MNIST: tell the ten handwritten digits apart, in sets as small as you like.

    With the same seed the sets are nested: the validation set does not depend on `n_train`, 2,000 training digits
    contain the first 1,000, and the labels that are wrong at 10 % noise are wrong at 20 % too.

    Parameters
    ----------
    n_train, n_valid : int
        Digits drawn from the 60,000 training images; together at most 60,000. `n_valid=0` gives an empty set.
    n_test : int
        Digits drawn from the 10,000 test images.
    label_noise : float
        Share of *training* labels, 0 to 1, replaced by a wrong digit. Validation and test labels stay true.
    flatten : bool
        Images as rows of 784 pixels; otherwise of shape (28, 28, 1).
    seed : int
        Which digits are drawn, and which labels are made wrong.

    Returns
    -------
    Dataset
        Pixels as float32 from 0 (paper) to 1 (ink), labels as int32 from 0 to 9.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or damaged, or an argument is out of range.
    """
    n_train = check_integer("n_train", n_train, at_least=1, at_most=MNIST_TRAINING_IMAGES)
    n_valid = check_integer("n_valid", n_valid, at_least=0, at_most=MNIST_TRAINING_IMAGES)
    n_test = check_integer("n_test", n_test, at_least=0, at_most=MNIST_TEST_IMAGES)
    if n_train + n_valid > MNIST_TRAINING_IMAGES:
        raise ValueError(
            f"n_train={n_train} and n_valid={n_valid} are {n_train + n_valid:,} digits together, but MNIST has "
            f"{MNIST_TRAINING_IMAGES:,} training images to draw both from. Lower one of them."
        )
    label_noise = check_number("label_noise", label_noise, at_least=0, at_most=1)
    check_choice("flatten", flatten, (True, False))
    seed = check_integer("seed", seed, at_least=0, at_most=HIGHEST_SEED)

    arrays = _mnist_arrays(DATA_FOLDER)
    rng = np.random.default_rng(seed)
    order = rng.permutation(MNIST_TRAINING_IMAGES)
    valid, train = order[:n_valid], order[n_valid : n_valid + n_train]
    test = rng.permutation(MNIST_TEST_IMAGES)[:n_test]
    y_train = arrays["y_train"][train].astype("int32")

    # One rank and one wrong digit for every training image keep the noise nested in n_train and label_noise.
    rank, shift = rng.random(MNIST_TRAINING_IMAGES), rng.integers(1, MNIST_CLASSES, MNIST_TRAINING_IMAGES)
    wrong = np.argsort(rank[train])[: round(label_noise * n_train)]
    y_train[wrong] = (y_train[wrong] + shift[train][wrong]) % MNIST_CLASSES

    shape = (-1, 784) if flatten else (-1, 28, 28, 1)
    return Dataset(
        name="MNIST",
        task="classification",
        x_train=arrays["x_train"][train].reshape(shape).astype("float32") / 255,
        y_train=y_train,
        x_valid=arrays["x_train"][valid].reshape(shape).astype("float32") / 255,
        y_valid=arrays["y_train"][valid].astype("int32"),
        x_test=arrays["x_test"][test].reshape(shape).astype("float32") / 255,
        y_test=arrays["y_test"][test].astype("int32"),
        n_classes=MNIST_CLASSES,
        source=_call(
            "load_mnist",
            n_train=(n_train, 2000),
            n_valid=(n_valid, 2000),
            n_test=(n_test, 2000),
            label_noise=(label_noise, 0.0),
            flatten=(flatten, True),
            seed=(seed, 0),
        ),
    )


def tuning_errors() -> tuple[pd.DataFrame, np.ndarray]:
    """What 40 settings did to each validation wine of `load_red_wine()`, so that a search can be replayed.

    Returns
    -------
    pandas.DataFrame
        The settings, one per row: `layers`, `units` of each, and Adam's learning `rate`; four networks, ten rates each.
    numpy.ndarray
        Absolute errors in quality points, of shape (40 settings, 10 seeds, 272 wines).

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or damaged.
    """
    with np.load(io.BytesIO(_checked_bytes("tuning-errors.npz")), allow_pickle=False) as file:
        settings = pd.DataFrame({name: file[name] for name in ("layers", "units", "rate")})
        return settings, file["errors"].astype("float64")  # stored in half the precision of float32: rounded by 0.0002


def _call(function: str, **arguments: tuple[object, object]) -> str:
    """The source of a call, from pairs of (value, default)."""
    changed = [f"{name}={value!r}" for name, (value, default) in arguments.items() if value != default]
    return f"{function}({', '.join(changed)})"


@functools.lru_cache(maxsize=1)
def _mnist_arrays(folder: Path) -> dict[str, np.ndarray]:
    """The four arrays of the file, unpacked once per process (unpacking takes longer than training a small network)."""
    with np.load(io.BytesIO(_checked_bytes("mnist.npz", folder)), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    for array in arrays.values():
        array.setflags(write=False)
    return arrays


def _checked_bytes(name: str, folder: Path | None = None) -> bytes:
    """The content of a data file whose sha256 is the recorded one."""
    path = (folder or DATA_FOLDER) / name
    way_out = f"Get it back with `git checkout -- data/{name}`, or copy it from a fresh clone of the course."
    if not path.is_file():
        raise FileNotFoundError(f"The data file {path} is missing. {way_out}")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256[name]:
        raise ValueError(
            f"The data file {path} is damaged: its {len(content):,} bytes have the sha256 {found}, "
            f"expected {SHA256[name]}. {way_out}"
        )
    return content
