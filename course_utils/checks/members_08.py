"""Networks for the exercises of lesson 08: members trained side by side, and what they answer."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from course_utils.checks.pictures import small_pictures
from course_utils.training import fit_together

__all__ = ["BATCH", "EPOCHS", "RATE", "WIDTH", "gain_of", "member_answers"]

WIDTH, RATE, EPOCHS, BATCH = 64, 3e-3, 12, 50
TOGETHER = 5  # a graph of five networks is traced once, and serves the next five


def member_answers(seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """What networks with other starting weights and orders of batches answer to 500 test digits.

    Parameters
    ----------
    seeds : sequence of int
        One for each network.

    Returns
    -------
    answers : numpy.ndarray
        Probabilities, shape (networks, 500, 10).
    y : numpy.ndarray
        The true digits, shape (500,).
    """
    data, models = small_pictures(n_train=500), []
    for start in range(0, len(seeds), TOGETHER):
        some = list(seeds[start : start + TOGETHER])
        group = [_network(seed) for seed in some]
        fit_together(group, data, epochs=EPOCHS, batch_size=BATCH, seeds=some)
        models += group
    return np.stack([np.array(model(data.x_test)) for model in models]), data.y_test


def gain_of(answers: np.ndarray, y: np.ndarray) -> float:
    """By how many percent the average's cross-entropy lies below the mean member's."""

    def loss(p: np.ndarray) -> float:
        return float(-np.log(np.clip(p[np.arange(len(y)), y], 1e-7, 1)).mean())

    return 100 * (1 - loss(answers.mean(axis=0)) / np.mean([loss(p) for p in answers]))


def _network(seed: int) -> keras.Sequential:
    keras.utils.set_random_seed(seed)
    hidden = keras.layers.Dense(WIDTH, activation="relu")
    model = keras.Sequential([keras.Input((196,)), hidden, keras.layers.Dense(10, activation="softmax")])
    model.compile(keras.optimizers.Adam(RATE), loss="sparse_categorical_crossentropy")
    return model
