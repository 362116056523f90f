"""Networks with batch normalization for the exercises of lesson 04: slow averages, and three patients to diagnose."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from course_utils.checks.pictures import small_pictures
from course_utils.checks.promises import TOGETHER, without_validation
from course_utils.data import Dataset
from course_utils.experiment import training_loss
from course_utils.training import fit_together
from course_utils.validation import check_number

__all__ = ["CAUSES", "UPDATES", "gaps", "patient_data", "patients"]

CAUSES = ("overfitted", "slow averages", "tiny batches")
ROWS, BATCH, EPOCHS = 500, 25, 6
RATE = 0.5
UPDATES = ROWS // BATCH * EPOCHS  # 120, as in the lesson
# momentum, epochs, batch size and rate (Adam) of the networks for each cause
TREATED = {
    "overfitted": (0.9, 40, 50, 0.01),
    "slow averages": (0.99, 5, 50, 0.01),
    "tiny batches": (0.9, 1, 2, 0.003),
}


def gaps(momentum: float, *, seeds: Sequence[int]) -> np.ndarray:
    """How far the training loss in inference lies above `loss` after 120 updates of a network with batch norm.

    Parameters
    ----------
    momentum : float
        Of the moving averages, from 0 to below 1.
    seeds : sequence of int
        One network for each.

    Returns
    -------
    numpy.ndarray
        In nats, one for each seed: about 0 or less where the averages keep up.
    """
    momentum = check_number("momentum", momentum, at_least=0, below=1)
    digits, found = small_pictures(n_train=ROWS), []
    for start in range(0, len(seeds), TOGETHER):
        some = list(seeds)[start : start + TOGETHER]
        models = [_network(seed, momentum, keras.optimizers.SGD(RATE), activation="sigmoid") for seed in some]
        histories = fit_together(models, without_validation(digits), epochs=EPOCHS, batch_size=BATCH, seeds=some)
        for model, history in zip(models, histories, strict=True):
            found.append(training_loss(model, digits) - history.history["loss"][-1])
    return np.array(found)


def patient_data() -> Dataset:
    """The digits that the patients were trained on, and 500 for validation."""
    return small_pictures(n_train=300)


def patients(cause: str, *, seeds: Sequence[int]) -> list[keras.Model]:
    """Trained networks that suffer from the same cause, one for each seed; nothing about them tells how they trained.

    Parameters
    ----------
    cause : str
        One of `CAUSES`.
    seeds : sequence of int

    Raises
    ------
    KeyError
        If there is no such cause.
    """
    momentum, epochs, batch_size, rate = TREATED[cause]
    models = [_network(seed, momentum, keras.optimizers.Adam(rate)) for seed in seeds]
    fit_together(models, without_validation(patient_data()), epochs=epochs, batch_size=batch_size, seeds=list(seeds))
    disguised = []
    for seed, model in zip(seeds, models, strict=True):
        disguised.append(_network(seed, 0.99, keras.optimizers.Adam()))
        disguised[-1].set_weights(model.get_weights())
    return disguised


def _network(
    seed: int, momentum: float, optimizer: keras.optimizers.Optimizer, *, activation: str = "relu"
) -> keras.Sequential:
    model = keras.Sequential([keras.Input((196,))])
    for layer in range(2):
        start = keras.initializers.GlorotUniform(seed=seed + layer)
        model.add(keras.layers.Dense(32, use_bias=False, kernel_initializer=start))
        model.add(keras.layers.BatchNormalization(momentum=momentum))
        model.add(keras.layers.Activation(activation))
    model.add(keras.layers.Dense(10, kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 2)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss=loss, metrics=["accuracy"])
    return model
