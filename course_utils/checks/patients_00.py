"""Networks with one fault each, for exercises 00.4 and 00.5."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np

from course_utils.checks.hidden import my_rng
from course_utils.data import Dataset, load_mnist

__all__ = ["ILLNESSES", "ILL_TRAININGS", "colleague", "illness_of", "patient"]

# What a forward pass shows (00.4), and what takes a training (00.5).
ILLNESSES = ("dead ReLU", "dropout on the output", "inputs not scaled", "softmax on the output", "healthy")
ILL_TRAININGS = ("dead ReLU", "labels off by one row", "rate / 100")


def patient(illness: str, rng: np.random.Generator) -> tuple[keras.Model, np.ndarray]:
    """An untrained network of random size, and 40 rows for it; nothing but `illness` is wrong with them."""
    x = load_mnist(n_train=400, n_valid=0, n_test=0).x_train
    x = x[rng.choice(len(x), 40, replace=False)]
    model = _network(illness, units=int(rng.integers(16, 65)), seed=int(rng.integers(2**31)))
    return model, 255 * x if illness == "inputs not scaled" else x


def colleague(student: int) -> tuple[keras.Model, Dataset]:
    """A colleague's network, compiled, and the digits for it; one of `ILL_TRAININGS` is wrong.

    Parameters
    ----------
    student : int
        Student number.

    Returns
    -------
    tuple of keras.Model and Dataset

    Raises
    ------
    ValueError
        If `student` is not a whole number, at least 0.
    """
    illness = illness_of(student)
    digits = load_mnist(n_train=1000, n_valid=1000, n_test=0)
    if illness == "labels off by one row":
        digits = replace(digits, y_train=np.roll(digits.y_train, 1), y_valid=np.roll(digits.y_valid, 1))
    model = _network(illness, units=32, seed=int(student))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(3e-5 if illness == "rate / 100" else 3e-3), loss=loss, metrics=["accuracy"])
    return model, digits


def illness_of(student: int) -> str:
    """What is wrong with this student's `colleague`."""
    return str(my_rng(student, exercise="00.5").choice(ILL_TRAININGS))


def _network(illness: str, *, units: int, seed: int) -> keras.Model:
    bias = keras.initializers.Constant(-10.0 if illness == "dead ReLU" else 0.0)
    weights = [keras.initializers.GlorotUniform(seed=one) for one in (seed, seed + 1)]
    model = keras.Sequential([keras.Input((784,))])
    model.add(keras.layers.Dense(units, activation="relu", kernel_initializer=weights[0], bias_initializer=bias))
    model.add(keras.layers.Dense(10, kernel_initializer=weights[1]))
    if illness == "dropout on the output":
        model.add(keras.layers.Dropout(0.5, seed=seed))
    if illness == "softmax on the output":
        model.add(keras.layers.Activation("softmax"))
    return model
