"""`Anatomy`: what a model of the reader's turns out to be, once it is built: layers, size, loss, and what to beat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from course_utils.baselines import linear_loss
from course_utils.data import Dataset
from course_utils.explorer.average import Judge
from course_utils.palette import CROSS_ENTROPY

__all__ = ["Anatomy", "anatomy_of", "judge_of_own"]

ABSOLUTE, SQUARED = ("mae", "mean_absolute_error"), ("mse", "mean_squared_error")
OF_CLASSES = ("sparse_categorical_crossentropy", "binary_crossentropy")
SMALLEST = 1e-7  # probability, as in Keras


@dataclass(frozen=True)
class Anatomy:
    """What is said and drawn of a built model.

    Attributes
    ----------
    layers : tuple of (str, str, int)
        Of each layer its class, the shape of its output for one example, and its number of parameters.
    parameters : int
    measure, label : str
        What the loss is called in a sentence, and on an axis.
    guess, plane : float
        That loss, on validation, of the best constant answer and of a linear model; NaN where nobody knows.
    drops : bool
        Whether it computes otherwise in training: with dropout, for one.
    """

    layers: tuple[tuple[str, str, int], ...]
    parameters: int
    measure: str
    label: str
    guess: float
    plane: float
    drops: bool


def anatomy_of(model: keras.Model, data: Dataset) -> Anatomy:
    """The anatomy of a compiled and built model."""
    name = _loss_name(model)
    measure, label = name.replace("_", " "), name.replace("_", " ")
    if name in ABSOLUTE:
        measure, label = "MAE", data.loss_label
    elif name in SQUARED:
        measure, label = "MSE", "mean squared error"
    elif name.endswith("crossentropy"):
        measure, label = "cross-entropy", CROSS_ENTROPY
    if model.losses:
        label = f"{label}, with penalties"
    is_plain = name in ABSOLUTE and data.task == "regression" and not model.losses
    return Anatomy(
        layers=tuple((type(layer).__name__, _shape(layer), layer.count_params()) for layer in model.layers),
        parameters=model.count_params(),
        measure=measure,
        label=label,
        guess=_guess(model, data),
        plane=linear_loss(data) if is_plain else float("nan"),
        drops=any(isinstance(layer, keras.layers.Dropout) and layer.rate for layer in model.layers),
    )


def judge_of_own(model: keras.Model, data: Dataset) -> Judge | None:
    """What makes one prediction of several such models; None where their losses are not means over rows alone."""
    loss = _loss(model)
    if loss is None or model.losses:
        return None
    y = data.y_valid
    if data.task == "regression":
        return Judge(lambda outputs: outputs, lambda mean: loss(y, mean))
    if _loss_name(model) not in OF_CLASSES:
        return None
    if not _from_logits(model):
        return Judge(lambda outputs: outputs, lambda mean: loss(y, mean))
    if _loss_name(model) == "binary_crossentropy":
        return Judge(lambda outputs: 1 / (1 + np.exp(-outputs)), lambda mean: loss(y, np.log(mean) - np.log1p(-mean)))
    return Judge(_softmax, lambda mean: loss(y, np.log(np.maximum(mean, SMALLEST))))


def _guess(model: keras.Model, data: Dataset) -> float:
    """Validation loss of the best constant answer that the training rows suggest."""
    loss, y = _loss(model), data.y_train
    if loss is None or not len(data.y_valid):
        return float("nan")
    if data.task == "regression":
        answers = [np.array([np.median(y)]), np.array([np.mean(y)])]
    elif _loss_name(model) == "binary_crossentropy":
        share = (np.sum(y == 1) + 1) / (len(y) + 2)
        answers = [np.array([np.log(share / (1 - share)) if _from_logits(model) else share])]
    elif _loss_name(model) == "sparse_categorical_crossentropy":
        counts = np.bincount(y, minlength=data.n_outputs) + 1.0  # as `baselines.guessing_loss`
        answers = [np.log(counts / counts.sum()) if _from_logits(model) else counts / counts.sum()]
    else:
        return float("nan")

    def of(y: np.ndarray, answer: np.ndarray) -> float:
        return loss(y, np.tile(answer.astype("float32"), (len(y), 1)))

    try:
        return of(data.y_valid, min(answers, key=lambda answer: of(y, answer)))
    except Exception:  # a loss of the reader's own that takes nothing but the model's outputs
        return float("nan")


def _loss(model: keras.Model) -> Callable[[np.ndarray, np.ndarray], float] | None:
    """The model's loss of targets, shape (rows,), and predictions, shape (rows, units); its mean over rows."""
    try:
        loss = keras.losses.get(model.loss)
    except (ValueError, TypeError):
        return None
    if not callable(loss):
        return None
    return lambda y, predicted: float(
        np.mean(keras.ops.convert_to_numpy(loss(y[:, np.newaxis], predicted.astype("float32"))))
    )


def _loss_name(model: keras.Model) -> str:
    """The name of the function that is compiled as the loss."""
    loss = model.loss
    if isinstance(loss, str):
        return {"mae": "mean_absolute_error", "mse": "mean_squared_error"}.get(loss, loss)
    return getattr(loss, "name", None) or getattr(loss, "__name__", "loss")


def _from_logits(model: keras.Model) -> bool:
    loss = model.loss
    return bool(loss.get_config().get("from_logits")) if isinstance(loss, keras.losses.Loss) else False


def _shape(layer: keras.Layer) -> str:
    """Of what a layer gives for one example: "26×26×8"; empty where it does not say."""
    shape = getattr(getattr(layer, "output", None), "shape", None)
    return "×".join(str(size) for size in shape[1:]) if shape is not None else ""


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
