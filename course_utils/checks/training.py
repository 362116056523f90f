"""What the checks of several exercises train: sick networks, and one network many times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import keras
import numpy as np

from course_utils.checks.hidden import my_rng
from course_utils.data import Dataset
from course_utils.experiment import Settings, make_model
from course_utils.training import fit
from course_utils.validation import check_choice

__all__ = ["CURES", "cured", "sick_networks", "train_again"]

CURES = ("rate × 10", "rate / 10", "units × 4", "epochs × 3")


def sick_networks(student: int) -> dict[str, Settings]:
    """Three networks that need three different cures, in an order of the student's own.

    One has too small a learning rate, one too large a rate, one too few units; all for `small_pictures(n_train=200)`.

    Parameters
    ----------
    student : int
        Student number.

    Returns
    -------
    dict of str to Settings
        "A", "B" and "C".
    """
    rng = my_rng(student, exercise="02.3")
    slow, fast, narrow = 4e-4, 3e-1, 1e-2
    kinds = [(8, slow), (8, fast), (2, narrow)]
    order = rng.permutation(len(kinds))
    return {
        name: Settings(
            width=kinds[kind][0],
            depth=1,
            learning_rate=round(kinds[kind][1] * rng.uniform(0.8, 1.25), 6),
            batch_size=25,
            epochs=15,
            seed=int(rng.integers(1000)),
        )
        for name, kind in zip("ABC", order, strict=True)
    }


def cured(settings: Settings, cure: str) -> Settings:
    """The same settings after one of `CURES`.

    Raises
    ------
    ValueError
        If there is no such cure.
    """
    check_choice("cure", cure, CURES)
    return {
        "rate × 10": replace(settings, learning_rate=settings.learning_rate * 10),
        "rate / 10": replace(settings, learning_rate=settings.learning_rate / 10),
        "units × 4": replace(settings, width=settings.width * 4),
        "epochs × 3": replace(settings, epochs=settings.epochs * 3),
    }[cure]


def train_again(
    settings: Settings, data: Dataset, *, seeds: Sequence[int]
) -> Iterator[tuple[keras.Sequential, dict[str, list[float]]]]:
    """Train one network from new starting weights for each seed: half the time of `run_seeds` for small networks.

    Building a network and tracing its graph takes longer than training it for some seconds; here both happen once.

    Yields
    ------
    keras.Sequential, dict of str to list of float
        The network, which the next seed trains anew, and its history.
    """
    model = make_model(settings, data)
    for seed in seeds:
        _start_anew(model, seed)
        history = fit(model, data, epochs=settings.epochs, batch_size=settings.batch_size, seed=seed)
        yield model, history.history


def _start_anew(model: keras.Sequential, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for weights in model.trainable_variables:
        limit = np.sqrt(6 / sum(weights.shape)) if len(weights.shape) > 1 else 0.0  # Glorot's; biases start at 0
        weights.assign(rng.uniform(-limit, limit, weights.shape).astype("float32"))
    for state in model.non_trainable_variables:  # of the generators of dropout
        state.assign(rng.integers(2**31, size=state.shape).astype(state.dtype))
    for memory in model.optimizer.variables:
        if memory is not model.optimizer.learning_rate:
            memory.assign(np.zeros(memory.shape, memory.dtype))
