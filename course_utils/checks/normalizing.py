"""Check of exercise 04.1: batch normalization in training and in inference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.checks.functions import Mistake, compare, on_copies
from course_utils.checks.hidden import hidden_rng
from course_utils.checks.verdict import graded

__all__ = ["forward", "norm_infer", "norm_train"]

EPSILON = 0.001


def norm_train(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, variance: np.ndarray, momentum: float
) -> tuple:
    """Output and new averages, as `keras.layers.BatchNormalization(momentum=momentum)` in training."""
    mu, var = x.mean(axis=0), x.var(axis=0)
    output = gamma * (x - mu) / np.sqrt(var + EPSILON) + beta
    return output, momentum * mean + (1 - momentum) * mu, momentum * variance + (1 - momentum) * var


def norm_infer(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> object:
    """Output in inference."""
    return gamma * (x - mean) / np.sqrt(variance + EPSILON) + beta


def _flat(function: Callable) -> Callable:
    """The three results in one array, which `compare` can take."""

    def flat(*case: object) -> object:
        found = function(*case)
        if found is None or found is ...:
            return found
        if not isinstance(found, (tuple, list)) or len(found) != 3:
            raise TypeError("norm_train returns three things: the output, the new mean, the new variance.")
        return np.concatenate([np.ravel(one) for one in found])

    return flat if callable(function) else function


def _wrong(**parts: Callable) -> Callable:
    """`norm_train` with another axis, variance, scale or average."""
    axis = parts.get("axis", lambda: 0)()
    spread = parts.get("spread", lambda x: x.var(axis=axis))
    scale = parts.get("scale", lambda var: np.sqrt(var + EPSILON))
    moved = parts.get("moved", lambda old, new, momentum: momentum * old + (1 - momentum) * new)

    def way(x, gamma, beta, mean, variance, momentum):
        mu, var = x.mean(axis=axis), spread(x)
        output = gamma * (x - mu) / scale(var) + beta
        shape = mean.shape
        return (
            output,
            np.broadcast_to(moved(mean, mu, momentum), shape),
            moved(variance, var, momentum) + np.zeros(shape),
        )

    return _flat(way)


@graded(of=2, praise="As Keras' layer does it; a unit that never changes gives beta, thanks to epsilon.")
def forward(train: Callable, infer: Callable) -> None:
    """Exercise 04.1: what the layer puts out, and what happens to its averages."""
    rng, cases = hidden_rng("04.1"), []
    first = np.array([[1.0], [3.0]])
    cases.append((first, np.ones(1), np.zeros(1), np.zeros(1), np.ones(1), 0.9))
    for rows in (2, 5, 8, 16, 1, 32):
        x = rng.normal(size=(rows, 4)) * [1, 10, 0.01, 0] + [0, 5, 1, 2]  # a tiny variance, and a constant column
        state = (rng.normal(size=4), rng.uniform(0.1, 3, size=4))
        cases.append((x, rng.uniform(0.5, 2, size=4), rng.normal(size=4), *state, float(rng.uniform(0.5, 0.99))))
    compare(
        _flat(on_copies(train)),
        _flat(norm_train),
        cases,
        name="norm_train",
        mistakes=[
            Mistake(
                _wrong(moved=lambda old, new, momentum: (1 - momentum) * old + momentum * new),
                "Which share of the averages does a batch replace, with momentum 0.99?",
                "1 %: momentum * old + (1 - momentum) * new. PyTorch has it the other way round.",
            ),
            Mistake(
                _wrong(axis=lambda: None),
                "Does each unit have its own mean?",
                "Take mean and variance over the rows only: axis=0.",
            ),
            Mistake(
                _wrong(scale=lambda var: np.sqrt(var) + EPSILON),
                "Where does epsilon stand?",
                "Under the root, with the variance.",
            ),
            Mistake(
                _wrong(scale=lambda var: var + EPSILON), "Where is the root?", "Divide by the root of var + 0.001."
            ),
            Mistake(
                _wrong(spread=lambda x: x.var(axis=0, ddof=1) if len(x) > 1 else np.full(x.shape[1], np.nan)),
                "Divided by n, or by n - 1? Try a batch of one row.",
                "By n, as x.var(axis=0) does it.",
            ),
            Mistake(
                _wrong(moved=lambda old, new, momentum: old),
                "Do the averages move in training?",
                "They do: momentum * old + (1 - momentum) * new.",
            ),
            Mistake(
                _flat(lambda x, g, b, m, v, k: (norm_infer(x, g, b, m, v), *norm_train(x, g, b, m, v, k)[1:])),
                "Which mean does the output use in training?",
                "The batch's own mean and variance; the averages are for inference.",
            ),
        ],
        hint="Mean and variance over the rows, then the output, then both averages.",
        more="Try norm_train of two rows, 1 and 3: mean 2, variance 1, outputs close to -1 and 1.",
        tolerance=1e-5,
    )
    compare(
        on_copies(infer),
        norm_infer,
        [case[:5] for case in cases],
        name="norm_infer",
        mistakes=[
            Mistake(
                lambda x, g, b, m, v: norm_train(x, g, b, m, v, 0.9)[0],
                "What does one row alone give?",
                "In inference the averages take the place of the batch's mean and variance.",
            ),
            Mistake(
                lambda x, g, b, m, v: g * (x - m) / np.sqrt(v) + b,
                "Where is epsilon?",
                "Under the root: variance + 0.001.",
            ),
        ],
        hint="The same formula, with the averages in place of mean and variance.",
        more="gamma * (x - mean) / sqrt(variance + 0.001) + beta.",
        tolerance=1e-5,
        points=1,
    )
