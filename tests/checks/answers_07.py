"""Right and wrong answers to the exercises of lesson 07."""

import math

import numpy as np
import pandas as pd
from scipy.ndimage import shift as scipy_shift

from course_utils.checks.mysteries_07 import kinds_of
from tests.checks.cases import Cases


def law(rows, losses):
    slope, start = np.polyfit(np.log(rows), np.log(losses), 1)
    return np.exp(start), -slope


def law_by_ten(rows, losses):
    slope, start = np.polyfit(np.log10(rows), np.log10(losses), 1)
    return [10**start, -slope]


def law_by_lstsq(rows, losses):
    table = np.stack([np.ones(len(rows)), -np.log(rows)], axis=1)
    start, b = np.linalg.lstsq(table, np.log(losses), rcond=None)[0]
    return np.array([math.exp(start), b])


def needed(a, b, goal):
    return math.ceil((a / goal) ** (1 / b) - 1e-9)


def around(low, high):
    def interval(rows, losses):
        a, b = law(rows, losses)
        return low * a * 2000**-b, high * a * 2000**-b

    return interval


def from_last(rows, losses):
    return 0.76 * losses[-1], 0.94 * losses[-1]


def shifted(images, most, rng):
    new = np.zeros_like(images)
    height, width = images.shape[1:]
    for image, found in zip(images, new, strict=True):
        down, right = rng.integers(-most, most + 1, size=2)
        padded = np.pad(image, most)
        found[:] = padded[most - down : most - down + height, most - right : most - right + width]
    return new


def shifted_by_scipy(images, most, rng):
    steps = rng.integers(-most, most, endpoint=True, size=(len(images), 2))
    return np.array([scipy_shift(image, step, order=0) for image, step in zip(images, steps, strict=True)])


def shifted_at_once(images, most, rng):
    n, height, width = images.shape
    padded = np.pad(images, ((0, 0), (most, most), (most, most)))
    down, right = rng.integers(0, 2 * most + 1, size=(2, n))
    rows, columns = down[:, None] + np.arange(height), right[:, None] + np.arange(width)
    return padded[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def rolled(images, most, rng):
    return np.array([np.roll(image, rng.integers(-most, most + 1, size=2), axis=(0, 1)) for image in images])


def same_for_all(images, most, rng):
    state = rng.integers(2**31)
    return np.concatenate([shifted(image[None], most, np.random.default_rng(state)) for image in images])


def high_left_out(images, most, rng):
    steps = rng.integers(-most, most, size=(len(images), 2)) if most else np.zeros((len(images), 2))
    return np.array([scipy_shift(image, step, order=0) for image, step in zip(images, steps, strict=True)])


def in_place(images, most, rng):
    images[:] = shifted(images, most, rng)
    return images


def diagonal(images, most, rng):
    steps = rng.integers(-most, most + 1, size=len(images))
    return np.array([scipy_shift(image, (step, step), order=0) for image, step in zip(images, steps, strict=True)])


KINDS = kinds_of(7)
LYING = {letter for letter, kind in KINDS.items() if kind in ("flip", "slip")}
HONEST = sorted(set(KINDS) - LYING)
LIAR = min(LYING)
LOSSES = {"plain": 0.5} | {letter: 0.7 if letter in LYING else 0.4 for letter in KINDS}
EVEN = dict.fromkeys("ABCD", 0.25)


def fair(rows, copies, batch, epochs):
    return math.ceil(epochs * math.ceil(rows * copies / batch) / math.ceil(rows / batch))


def fair_by_counting(rows, copies, batch, epochs):
    wanted, made, found = len(range(0, rows * copies, batch)) * epochs, 0, 0
    while made < wanted:
        made, found = made + len(range(0, rows, batch)), found + 1
    return found


ARMS = {"plain, equal epochs": 60, "plain, equal updates": 720, "augmented": 720}
TABLE = pd.DataFrame(
    [{"arm": arm, "updates": n, "val_loss": 0.5, "seed": seed} for arm, n in ARMS.items() for seed in range(3)]
)


def with_updates(**changed):
    names = {arm: changed.get(arm.split()[-1], n) for arm, n in ARMS.items()}
    return TABLE.assign(updates=TABLE["arm"].map(names))


ANSWERS = {
    "07.1": Cases(
        right={
            "polyfit": (law, needed),
            "other logarithm": (law_by_ten, lambda a, b, goal: int(np.ceil((goal / a) ** (-1 / b) - 1e-9))),
            "least squares": (
                law_by_lstsq,
                lambda a, b, goal: math.ceil(math.exp((math.log(a) - math.log(goal)) / b) - 1e-9),
            ),
        },
        wrong={
            "slope": ((lambda rows, losses: (law(rows, losses)[0], -law(rows, losses)[1]), needed), "sign of b"),
            "constant": ((lambda rows, losses: (np.log(law(rows, losses)[0]), law(rows, losses)[1]), needed), "ln a"),
            "as polyfit gives it": (
                (lambda rows, losses: np.polyfit(np.log(rows), np.log(losses), 1)[::-1], needed),
                "constant and the slope",
            ),
            "no logarithms": (
                (
                    lambda rows, losses: (
                        np.exp(np.polyfit(rows, losses, 1)[1]),
                        -np.polyfit(rows, losses, 1)[0],
                    ),
                    needed,
                ),
                "straight in n",
            ),
            "swapped": ((lambda rows, losses: law(rows, losses)[::-1], needed), "order"),
            "parts of rows": ((law, lambda a, b, goal: (a / goal) ** (1 / b)), "part of a row"),
            "rounded down": ((law, lambda a, b, goal: int((a / goal) ** (1 / b) + 1e-9)), "only nearly"),
            "power not undone": ((law, lambda a, b, goal: math.ceil((a / goal) ** b)), "Put your n back"),
        },
    ),
    "07.2": Cases(
        right={
            "moved upwards": (around(0.955, 1.19), 15),
            "a bit wider": (around(0.95, 1.185), 15),
            "from the last loss": (from_last, 15),
        },
        wrong={
            "around the forecast": ((around(0.9, 1.1), 15), "above the interval"),
            "too narrow": ((around(1.07, 1.09), 15), "other draws"),
            "too wide": ((around(0.8, 1.3), 20), "is allowed"),
            "timid": ((around(0.955, 1.19), 10), "pays fully"),
            "no interval": ((around(1.1, 0.9), 15), "no interval"),
            "a share": ((around(0.955, 1.19), 0.9), "whole number"),
        },
    ),
    "07.3": Cases(
        right={
            "a loop": (shifted,),
            "scipy": (shifted_by_scipy,),
            "at once": (shifted_at_once,),
        },
        wrong={
            "roll": ((rolled,), "comes in on the other"),
            "one for all": ((same_for_all,), "same way"),
            "high left out": ((high_left_out,), "never by [2]"),
            "in place": ((in_place,), "original pictures"),
            "down and right alike": ((diagonal,), "go together"),
            "NumPy's own chance": (
                (lambda images, most, rng: shifted(images, most, np.random.default_rng()),),
                "same generator",
            ),
            "padded": ((lambda images, most, rng: np.pad(images, ((0, 0), (most, most), (most, most))),), "come back"),
        },
    ),
    "07.4": Cases(
        right={
            "a set": (7, EVEN, LOSSES, LYING),
            "a list": (7, EVEN, LOSSES, sorted(LYING)),
            "a bold bet that lost": (7, {**dict.fromkeys("ABCD", 0.0), HONEST[0]: 1.0}, LOSSES, tuple(LYING)),
        },
        wrong={
            "one honest": ((7, EVEN, LOSSES, {HONEST[0], LIAR}), f"{HONEST[0]} is accused"),
            "one only": ((7, EVEN, LOSSES, {LIAR}), "You name 1"),
            "three": ((7, EVEN, LOSSES, LYING | {HONEST[0]}), "You name 3"),
            "bet above 1": ((7, dict.fromkeys("ABCD", 0.5), LOSSES, LYING), "adds up to 2"),
            "no loss of plain": ((7, EVEN, dict.fromkeys("ABCD", 0.5), LYING), "one loss for each"),
        },
    ),
    "07.5": Cases(
        right={
            "ceil": (fair, TABLE),
            "whole numbers": (
                lambda rows, copies, batch, epochs: -(-(epochs * -(-rows * copies // batch)) // -(-rows // batch)),
                TABLE,
            ),
            "counting": (fair_by_counting, pd.concat([TABLE, TABLE])),
        },
        wrong={
            "equal epochs": ((lambda rows, copies, batch, epochs: epochs, TABLE), "Equal epochs"),
            "times copies": ((lambda rows, copies, batch, epochs: epochs * copies, TABLE), "fit exactly"),
            "an update too few": (
                (
                    lambda rows, copies, batch, epochs: (
                        epochs * math.ceil(rows * copies / batch) // math.ceil(rows / batch)
                    ),
                    TABLE,
                ),
                "at least as many",
            ),
            "updates, not epochs": (
                (lambda rows, copies, batch, epochs: epochs * math.ceil(rows * copies / batch), TABLE),
                "number of updates",
            ),
            "not equal": ((fair, with_updates(updates=60)), "Equal?"),
            "an arm is missing": ((fair, TABLE[TABLE["arm"] != "augmented"]), "no arm"),
            "one seed": ((fair, TABLE[TABLE["seed"] == 0]), "three seeds"),
        },
    ),
}
