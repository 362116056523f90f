"""What a network must beat: guessing, and a linear model. Both learn from the training set, both are judged on another.

A curve that is not held against them cannot be read: an error of 0.7 quality points is what a constant gives.
"""

from __future__ import annotations

import numpy as np

from course_utils.data import Dataset

__all__ = ["guessing_loss", "linear_loss"]


def guessing_loss(data: Dataset) -> float:
    """Validation loss of the best constant answer, learned from the training set.

    Regression: mean absolute error of always answering the median of the training targets. Classification:
    cross-entropy, in nats, of the shares of the classes in the training set as probabilities. NaN without validation
    rows.
    """
    if not len(data.y_valid):
        return float("nan")
    if data.task == "regression":
        return float(np.mean(np.abs(data.y_valid - np.median(data.y_train))))
    counts = np.bincount(data.y_train, minlength=data.n_outputs) + 1.0  # a class that is missing is not impossible
    return float(-np.mean(np.log(counts[data.y_valid] / counts.sum())))


def linear_loss(data: Dataset) -> float:
    """Validation error of a plane through the training set: mean absolute error of its least-squares fit.

    NaN without validation rows, and for classification.
    """
    if data.task != "regression" or not len(data.y_valid):
        return float("nan")

    def inputs(x: np.ndarray) -> np.ndarray:
        return np.column_stack([x.reshape(len(x), -1), np.ones(len(x))]).astype(float)

    weights, *_ = np.linalg.lstsq(inputs(data.x_train), data.y_train, rcond=None)
    return float(np.mean(np.abs(inputs(data.x_valid) @ weights - data.y_valid)))
