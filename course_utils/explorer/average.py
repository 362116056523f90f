"""`Average`: what several networks predict together, by the mean of their predictions, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.data import Dataset

__all__ = ["Average", "Judge", "judge_of"]

MOST_NUMBERS = 20_000_000  # that wait for the networks which are trained later; 80 MB


class Judge:
    """How predictions are averaged, and what the loss of an average is.

    Parameters
    ----------
    predict : callable
        Turns outputs, shape (networks, rows, units), into what can be averaged, of the same shape: probabilities.
    loss : callable
        Of averaged predictions, shape (rows, units).
    """

    def __init__(self, predict: Callable[[np.ndarray], np.ndarray], loss: Callable[[np.ndarray], float]) -> None:
        self.predict, self.loss = predict, loss


def judge_of(data: Dataset) -> Judge:
    """For networks of `models.build_mlp`: the mean of numbers, or of probabilities; not of logits."""
    y = data.y_valid
    if data.task == "regression":
        return Judge(lambda outputs: outputs, lambda mean: float(np.mean(np.abs(mean[:, 0] - y))))
    return Judge(_softmax, lambda mean: float(-np.mean(np.log(np.maximum(mean[np.arange(len(y)), y], 1e-37)))))


class Average:
    """The validation loss of the mean prediction of `n` networks after every epoch, as far as all have come.

    Parameters
    ----------
    n : int
        How many networks there are; those that are not trained side by side come one after the other.

    Attributes
    ----------
    n : int
    losses : tuple of float
        One for each epoch that all networks have been trained.
    """

    def __init__(self, n: int) -> None:
        self.losses: tuple[float, ...] = ()
        self.n, self._sums, self._counts = n, {}, {}
        self._gives_up = False

    def add(self, epoch: int, outputs: np.ndarray, judge: Judge) -> None:
        """Take in the outputs of some of the networks, shape (networks, validation rows, units), after this epoch."""
        if self._gives_up or not outputs.size:
            return
        self._sums[epoch] = self._sums.get(epoch, 0.0) + judge.predict(outputs).sum(axis=0)
        self._counts[epoch] = self._counts.get(epoch, 0) + len(outputs)
        if self._counts[epoch] == self.n:
            self.losses = (*self.losses, judge.loss(self._sums.pop(epoch) / self.n))
        elif sum(one.size for one in self._sums.values()) > MOST_NUMBERS:
            self._gives_up, self._sums = True, {}


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
