"""Checks of the exercises of lesson 05, the learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
import numpy as np

from course_utils.checks.functions import Mistake, compare, on_copies
from course_utils.checks.hidden import hidden_rng
from course_utils.checks.steps import three_steps
from course_utils.checks.sweeps import batch_sizes, disguised
from course_utils.checks.verdict import NotYet, Wrong, graded

__all__ = ["CHECKS"]


def _curvatures(x: np.ndarray) -> np.ndarray:
    return np.linalg.eigvalsh(2 * x.T @ x / len(x))  # ascending


@graded(of=2, praise="The steepest direction sets the limit, and the flattest one how long it takes; y plays no part.")
def bowl(edge: Callable, fastest: Callable) -> None:
    """Exercise 05.2: the highest rate that works, and the one that arrives first."""
    rng, cases = hidden_rng("05.2"), []
    for columns in (1, 2, 2, 2, 3, 3, 5, 8):
        spread, shift = rng.uniform(0.5, 2.5, size=columns), rng.uniform(-1, 1, size=columns)
        x = rng.normal(size=(int(rng.integers(40, 90)), columns)) * spread + shift
        cases.append((x, x @ rng.normal(size=columns) + rng.normal(size=len(x))))
    compare(
        on_copies(edge),
        lambda x, y: 2 / _curvatures(x)[-1],
        cases,
        name="edge",
        mistakes=[
            Mistake(
                lambda x, y: 2 / np.linalg.eigvalsh(x.T @ x / len(x))[-1],
                "The second derivative of a square has a factor. Which?",
                "The gradient is 2 * x.T @ (…) / n, so the matrix of curvatures is 2 * x.T @ x / n.",
            ),
            Mistake(
                lambda x, y: 1 / _curvatures(x)[-1],
                "That rate jumps to the minimum. How much more until it diverges?",
                "The factor 1 - rate * curvature must stay above -1.",
            ),
            Mistake(
                lambda x, y: 2 / _curvatures(x)[0],
                "Which direction diverges first?",
                "The one of the largest curvature.",
            ),
            Mistake(
                lambda x, y: 2 / np.linalg.eigvalsh(2 * x.T @ x)[-1],
                "Is the loss a sum over the rows, or a mean?",
                "A mean: divide by the number of rows.",
            ),
            Mistake(
                lambda x, y: 2 / np.trace(2 * x.T @ x / len(x)),
                "That adds up all curvatures. Is a step along all of them?",
                "Each direction has its own factor: take the largest curvature, not the sum.",
            ),
            Mistake(
                lambda x, y: 2 / np.linalg.eigvalsh(2 * np.cov(x.T, bias=True).reshape(x.shape[1], -1))[-1],
                "Does every table have columns with mean 0?",
                "A covariance subtracts the means, the gradient does not: use x.T @ x / n.",
            ),
        ],
        hint="It is 2 divided by the largest curvature.",
        more="The curvatures are the eigenvalues of 2 * x.T @ x / n: np.linalg.eigvalsh.",
        tolerance=0.01,  # a search for the edge, by halving, is right too
    )
    compare(
        on_copies(fastest),
        lambda x, y: 2 / (_curvatures(x)[0] + _curvatures(x)[-1]),
        [case for case in cases if case[0].shape[1] > 1],
        name="fastest",
        mistakes=[
            Mistake(
                lambda x, y: 1 / _curvatures(x)[-1],
                "That is best for the steepest direction. Which one is the slowest now?",
                "The flattest. A higher rate helps it: until which direction becomes the slowest?",
            ),
            Mistake(
                lambda x, y: 1 / _curvatures(x)[0],
                "That is best for the flattest direction. What does the steepest do?",
                "It may diverge. Look for the rate at which both have a factor of the same size.",
            ),
            Mistake(
                lambda x, y: 1 / _curvatures(x).mean(),
                "Do the directions in between matter?",
                "Only the two extreme ones: their factors are the furthest from 0.",
            ),
        ],
        hint="Which two directions can be the slowest? Draw |1 - rate * curvature| for both, against the rate.",
        more="The lowest point is where the two lines cross: rate * largest - 1 = 1 - rate * smallest.",
        tolerance=0.01,
        points=1,
    )


def _rates(callback: keras.callbacks.Callback, rows: int, batch: int, epochs: int, rate: float) -> list[float]:
    """The rate of every update of a training with this callback; the training itself is left out, which saves time."""
    model, rates = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]), []
    model.compile(keras.optimizers.SGD(rate), loss="mse")
    called = keras.callbacks.CallbackList([callback], model=model, epochs=epochs, verbose=0)
    called.on_train_begin()
    for epoch in range(epochs):
        called.on_epoch_begin(epoch)
        for update in range(math.ceil(rows / batch)):
            called.on_train_batch_begin(update)
            rates.append(float(model.optimizer.learning_rate))
            called.on_train_batch_end(update, {"loss": 0.0})
        called.on_epoch_end(epoch, {"loss": 0.0})
    called.on_train_end()
    return rates


@graded(
    of=2,
    praise="Three ways, one schedule: two count epochs, the third counts updates and must know how many there are.",
)
def three_ways(own: type, scheduler: Callable, schedule: Callable) -> None:
    """Exercise 05.3: a rate that falls by a tenth with each epoch, as a callback, a function and a schedule object."""
    rng = hidden_rng("05.3")
    cases = [(10, 4, 3, 0.1), (8, 4, 4, 0.5)]
    cases += [(int(rng.integers(5, 30)), int(rng.integers(3, 9)), 3, float(rng.uniform(0.01, 1))) for _ in range(3)]

    def by(factor: Callable[[int, int, int, int], float]) -> Callable:
        """Rates of all updates, from a factor of (update, updates in an epoch, rows, batch)."""

        def way(rows: int, batch: int, epochs: int, rate: float) -> list[float]:
            n = math.ceil(rows / batch)
            return [rate * factor(update, n, rows, batch) for update in range(n * epochs)]

        return way

    def trained(make: Callable, kind: type, name: str) -> Callable:
        def rates(rows: int, batch: int, epochs: int, rate: float) -> object:
            callback = make(rate)
            if callback is None or callback is ...:
                return None
            if not isinstance(callback, kind):
                raise Wrong(f"{name}(rate) gives {type(callback).__name__}.", f"Wanted: {kind.__name__}.")
            return _rates(callback, rows, batch, epochs, rate)

        return rates

    right = by(lambda i, n, rows, batch: 0.9 ** (i // n))
    early = Mistake(
        by(lambda i, n, rows, batch: 0.9 ** (i // n + 1)),
        "Which rate has the first epoch?",
        "It has the rate itself: lower it from the second epoch on.",
    )
    straight = Mistake(
        by(lambda i, n, rows, batch: 1 - 0.1 * (i // n)),
        "Ten per cent of what?",
        "Of the rate that it has by then: each epoch multiplies by 0.9.",
    )
    often = Mistake(by(lambda i, n, rows, batch: 0.9**i), "Does it fall with each update?", "Only once in each epoch.")
    never = Mistake(
        by(lambda i, n, rows, batch: 1.0),
        "The rate never changes. Which rate does the optimizer use?",
        "Set self.model.optimizer.learning_rate when an epoch begins.",
    )
    own_rates = trained(own, keras.callbacks.Callback, "Falling")
    same = {"right": right, "tolerance": 1e-5, "cases": cases}
    if isinstance(own, type) and issubclass(own, keras.callbacks.LearningRateScheduler):
        raise Wrong("Falling is Keras' own scheduler.", "Derive it from keras.callbacks.Callback.")
    others = (scheduler(0.1), schedule(0.1, 10, 4))
    if all(other is None or other is ... for other in others) and len(set(own_rates(*cases[0]))) == 1:
        raise NotYet
    compare(
        own_rates,
        name="Falling",
        mistakes=[never, early, straight, often],
        hint="Rate r, then 0.9 r, then 0.81 r: one for each epoch.",
        more="on_epoch_begin(epoch) knows the epoch, from 0: rate * 0.9**epoch.",
        **same,
    )
    compare(
        trained(scheduler, keras.callbacks.LearningRateScheduler, "scheduler"),
        name="scheduler",
        mistakes=[early, straight, never],
        hint="LearningRateScheduler takes a function of the epoch, from 0.",
        more="At epoch 0 it must give the rate itself, at epoch 1 0.9 of it.",
        points=0.5,
        **same,
    )

    def by_updates(rows: int, batch: int, epochs: int, rate: float) -> object:
        plan = schedule(rate, rows, batch)
        if plan is None or plan is ...:
            return None
        return [float(plan(update)) for update in range(math.ceil(rows / batch) * epochs)]

    compare(
        by_updates,
        name="schedule",
        mistakes=[
            Mistake(
                by(lambda i, n, rows, batch: 0.9 ** (i / n)),
                "Does it fall inside an epoch, too?",
                "The two callbacks keep the rate for a whole epoch: staircase=True.",
            ),
            often,
            Mistake(
                by(lambda i, n, rows, batch: 0.9 ** (i // max(1, rows // batch))),
                "How many updates does an epoch have, if rows are left over?",
                "The left-over rows are one more batch: round up.",
            ),
            Mistake(
                by(lambda i, n, rows, batch: 0.9 ** (i // rows)),
                "Is an update one row?",
                "An update is one batch: an epoch has ceil(rows / batch) of them.",
            ),
            Mistake(
                by(lambda i, n, rows, batch: 0.9 ** (i // batch)),
                "How many updates does an epoch have?",
                "Not `batch`, but ceil(rows / batch).",
            ),
            straight,
        ],
        hint="A schedule object counts updates. After how many does an epoch end?",
        more="ExponentialDecay with decay_steps = updates in an epoch, decay_rate=0.9, staircase=True.",
        points=1,
        **same,
    )


CHECKS = (three_steps, bowl, three_ways, disguised, batch_sizes)
