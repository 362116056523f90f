"""Check of exercise 05.1: one update of a weight by three optimizers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.checks.functions import Mistake, compare, on_copies
from course_utils.checks.hidden import hidden_rng
from course_utils.checks.verdict import graded

__all__ = ["adam_step", "momentum_step", "three_steps"]


def momentum_step(weight: np.ndarray, last: np.ndarray, gradient: np.ndarray, rate: float) -> tuple:
    """SGD with momentum 0.9, as `keras.optimizers.SGD(rate, momentum=0.9)`."""
    step = 0.9 * last - rate * gradient
    return weight + step, step


def adam_step(
    weight: np.ndarray, mean: np.ndarray, square: np.ndarray, t: int, gradient: np.ndarray, rate: float
) -> tuple:
    """Adam (Kingma & Ba 2015, algorithm 1), as `keras.optimizers.Adam(rate)` up to the place of epsilon."""
    mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
    return weight - rate * (mean / (1 - 0.9**t)) / (np.sqrt(square / (1 - 0.999**t)) + 1e-7), mean, square


def _wrong_adam(*, corrects: bool = True, keeps: bool = False, root: bool = True, late: int = 0, sign: int = -1):
    def way(weight, mean, square, t, gradient, rate):
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        t = t + late
        m, s = (mean / (1 - 0.9**t), square / (1 - 0.999**t)) if corrects else (mean, square)
        weight = weight + sign * rate * m / ((np.sqrt(s) if root else s) + 1e-7)
        return (weight, m, s) if keeps else (weight, mean, square)

    return way


@graded(
    of=2, praise="Keras' optimizers take the same steps. Adam's first step is about the rate, whatever the gradient."
)
def three_steps(sgd: Callable, momentum: Callable, adam: Callable) -> None:
    """Exercise 05.1: one update by SGD, by SGD with momentum and by Adam."""
    rng = hidden_rng("05.1")
    plain = [(1.0, 0.5, 0.1)] + [(rng.normal(size=4), rng.normal(size=4), rng.uniform(0.001, 1)) for _ in range(20)]
    compare(
        on_copies(sgd),
        lambda weight, gradient, rate: weight - rate * gradient,
        plain,
        name="sgd",
        mistakes=[
            Mistake(lambda w, g, r: w + r * g, "Is that downhill?", "A step goes against the gradient: minus."),
            Mistake(lambda w, g, r: -r * g, "That is the step.", "Return the weight after the step."),
            Mistake(lambda w, g, r: w - g, "Where is the rate?", "The step is the rate times the gradient."),
        ],
        hint="Against the gradient, by the rate times the gradient.",
        more="By hand: weight 1, gradient 0.5, rate 0.1 give 1 - 0.05 = 0.95.",
    )
    cases = [(1.0, -0.2, 0.5, 0.1)] + [(w, rng.normal(size=4), g, r) for w, g, r in plain[1:]]
    compare(
        on_copies(momentum),
        momentum_step,
        cases,
        name="momentum",
        mistakes=[
            Mistake(
                lambda w, last, g, r: (w + last - r * g, last - r * g),
                "How much of the last step is added?",
                "Only 0.9 of it; all of it would never slow down.",
            ),
            Mistake(
                lambda w, last, g, r: (w - r * (0.9 * last + g), 0.9 * last + g),
                "Is `last` a step, or a sum of gradients?",
                "In this task it is the last step, with rate and sign: do not multiply it by the rate again.",
            ),
            Mistake(
                lambda w, last, g, r: (w + 0.9 * last - 0.1 * r * g, 0.9 * last - 0.1 * r * g),
                "Does the gradient count only a tenth?",
                "That would be an average. Momentum adds 0.9 of the last step to the whole new one.",
            ),
            Mistake(
                lambda w, last, g, r: (w + 0.9 * last - r * g, -r * g),
                "Which step does the next update need?",
                "The whole step that was taken, with its share of the last one.",
            ),
            Mistake(
                lambda w, last, g, r: (w - 0.9 * last - r * g, 0.9 * last + r * g),
                "Which sign has `last`?",
                "It is the step itself, already downhill: add it to the weight.",
            ),
        ],
        hint="The new step is SGD's step plus 0.9 of the last one.",
        more="By hand: weight 1, last -0.2, gradient 0.5, rate 0.1 give the step -0.18 - 0.05 = -0.23.",
        points=0.5,
    )
    dead = np.array([0.5, -2.0, 0.0, 1e-3])  # the pixel in a corner has no gradient, ever
    cases = [(1.0, 0.0, 0.0, 1, 0.5, 0.1), (np.ones(4), np.zeros(4), np.zeros(4), 1, dead, 0.01)]
    cases += [
        (w, rng.normal(size=4), rng.uniform(0.1, 2, size=4), int(rng.integers(1, 50)), g, r) for w, g, r in plain[1:]
    ]
    compare(
        on_copies(adam),
        adam_step,
        cases,
        name="adam",
        mistakes=[
            Mistake(
                _wrong_adam(corrects=False),
                "How long is the first step, if both means start at 0?",
                "Divide the means by 1 - 0.9**t and 1 - 0.999**t before they are used.",
            ),
            Mistake(
                _wrong_adam(keeps=True),
                "Which means does the next update need?",
                "Return mean and square as they are; only the step uses the corrected ones.",
            ),
            Mistake(_wrong_adam(root=False), "Is there a root in it?", "Divide by the root of the corrected square."),
            Mistake(_wrong_adam(late=1), "Which t has the first update?", "It is 1 already: do not add 1."),
            Mistake(_wrong_adam(sign=1), "Is that downhill?", "A step goes against the gradient: minus."),
        ],
        hint="First both means, then their corrections, then the step.",
        more="By hand: at t = 1 the corrected mean is the gradient, and the corrected square is the gradient squared.",
        tolerance=1e-4,  # wherever epsilon stands
        points=1,
    )
