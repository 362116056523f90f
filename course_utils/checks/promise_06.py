"""Exercise 06.5: a network, and a promise of its error on wines that nobody has opened."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import keras
import numpy as np
from sklearn.linear_model import LinearRegression

from course_utils.checks.hidden import fresh_seeds, my_rng
from course_utils.checks.verdict import NotYet, Wrong, graded
from course_utils.data import Dataset, load_red_wine
from course_utils.training import fit_together

__all__ = ["open_wines", "promised_error", "tested"]

N_SEEDS = 5
MOST_EPOCHS, LEAST_BATCH, MOST_PARAMETERS = 30, 32, 20_000  # five trainings in seconds
# In 100 calibration students (each with wines of their own) two layers of 64 units, Adam at 0.003, 15 epochs, ended
# between 0.038 below the plane and 0.026 above it; guessing ended at least 0.096 above it.
WORST = 0.07
# The standard error of the mean error of 272 wines was 0.022 to 0.029 there. The interval of someone who knows the true
# error would be 2 · 1.28 of that wide, 0.056 to 0.074; who knows it from 272 other wines needs √2 of it, up to 0.105.
NARROWEST, WIDEST = 0.04, 0.14
# Missing the promise is luck in one of five cases, so a miss costs nothing (an interval of √2 · 1.28 standard errors
# held for 81 of 100 calibration students). The error on closed wines was at most 0.089 from that on the open validation
# wines, with a standard deviation of 0.033: 0.1 from the *edge* is not luck.
NO_LUCK = 0.1


def open_wines(student: int) -> Dataset:
    """The wines of a student without the test set, which stays closed.

    Parameters
    ----------
    student : int
        Student number: it decides which 272 wines are closed.

    Returns
    -------
    Dataset
        815 training and 272 validation wines, standardized by the training wines; an empty test set.
    """
    wine = _wines(student)
    return replace(wine, x_test=wine.x_test[:0], y_test=wine.y_test[:0], source="")


def _wines(student: int) -> Dataset:
    return load_red_wine(seed=int(my_rng(student, exercise="06.5").integers(2**31)))


def tested(
    build_model: Callable[[], keras.Model], epochs: int, batch_size: int, *, student: int, seeds: Sequence[int]
) -> tuple[np.ndarray, float]:
    """Train on all open wines, and score on the closed ones.

    Returns
    -------
    numpy.ndarray
        Absolute errors of the closed wines, of shape (seeds, wines).
    float
        Mean absolute error of the plane.
    """
    wine = _wines(student)
    x, y = np.concatenate([wine.x_train, wine.x_valid]), np.concatenate([wine.y_train, wine.y_valid])
    data = replace(wine, x_train=x, y_train=y, x_valid=x[:0], y_valid=y[:0], source="")
    models = []
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        models.append(_checked(build_model(), wine))
    fit_together(models, data, epochs=epochs, batch_size=batch_size, seeds=list(seeds))
    answers = np.array([np.ravel(model(wine.x_test, training=False)) for model in models])
    plane = LinearRegression().fit(x, y).predict(wine.x_test)
    return abs(answers - wine.y_test), float(abs(plane - wine.y_test).mean())


def _checked(model: object, wine: Dataset) -> keras.Model:
    if model is None or model is ...:
        raise NotYet
    if not isinstance(model, keras.Model):
        raise Wrong(f"build_model returns {type(model).__name__}. Where is the network?", "At its end: return model")
    if not model.compiled:
        raise Wrong("The network is not compiled.", "model.compile(optimizer, loss=…) before you return it.")
    if model.count_params() > MOST_PARAMETERS:
        raise Wrong(f"{model.count_params():,} parameters; at most {MOST_PARAMETERS:,}, please.", "Fewer units.")
    shape = np.shape(model(wine.x_test[:3]))
    if shape != (3, 1):
        raise Wrong(f"Three wines give outputs of shape {shape}, not (3, 1).", "The last layer: Dense(1).")
    return model


@graded(of=2, praise="A network that can be used, and an honest interval.")
def promised_error(
    build_model: Callable[[], keras.Model], epochs: int, batch_size: int, promise: tuple[float, float], student: int
) -> str:
    """Exercise 06.5: an 80 % interval for the error on closed wines. It is not graded whether the error lies in it."""
    if not callable(build_model):
        raise Wrong("build_model is no function.", "Write it as in lesson 06: def build_model():")
    epochs, batch_size = int(epochs), int(batch_size)
    if not (1 <= epochs <= MOST_EPOCHS and batch_size >= LEAST_BATCH):
        raise Wrong(
            f"1 to {MOST_EPOCHS} epochs, and batches of {LEAST_BATCH} or more, please: the check is on a clock."
        )
    low, high = _interval(promise)
    seeds = fresh_seeds(N_SEEDS, exercise="06.5")
    errors, plane = tested(build_model, epochs, batch_size, student=student, seeds=seeds)
    mae = float(errors.mean())
    if not mae <= plane + WORST:
        raise Wrong(
            f"On closed wines the error is {mae:.3f}; the plane has {plane:.3f}. Had training finished?",
            "Look at both curves on the open wines: are they flat? Is your own rate inside of the list that you tried?",
        )
    spread = errors.mean(axis=0).std(ddof=1) / math.sqrt(errors.shape[1])
    width, said = high - low, f"Closed wines: {mae:.3f} (plane {plane:.3f})."
    if width < NARROWEST:
        raise Wrong(
            f"{said} Your interval is {width:.3f} wide. How much does the mean of 272 wines vary by luck alone?",
            f"Its standard error is {spread:.3f}; 80 % need 1.28 of it on both sides, and your estimate varies, too.",
            points=1,
        )
    if width > WIDEST:
        raise Wrong(
            f"{said} Your interval is {width:.3f} wide: nearly everybody would hit it. Are that 80 %?",
            "80 % are 1.28 standard errors on both sides: of your estimate and of the test.",
            points=1,
        )
    missed = max(low - mae, mae - high, 0)
    if missed > NO_LUCK:
        raise Wrong(
            f"{said} Your interval ends {missed:.3f} away; luck does not explain that. On which rows did you measure?",
            "Training rows flatter. Measure on rows that did not train, in quality points (MAE, not MSE).",
            points=1,
        )
    verdict = "inside of your interval" if missed == 0 else f"{missed:.3f} outside of your interval (1 in 5 is)"
    score = width + 2 / 0.2 * missed
    return f"{said} That is {verdict}. Interval score {score:.3f}: width plus ten times the miss."


def _interval(promise: object) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in promise)
    except (TypeError, ValueError):
        raise Wrong("promise is not two numbers.", "promise = (lower end, upper end)") from None
    if not low < high:
        raise Wrong(f"The interval from {low:g} to {high:g} is empty.", "The lower end comes first.")
    return low, high
