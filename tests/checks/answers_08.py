"""Right and wrong answers to the exercises of lesson 08."""

import math

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold

from tests.checks.cases import Cases


def average(answers):
    return answers.mean(axis=0)


def vote(answers):
    return np.eye(answers.shape[-1])[answers.argmax(axis=-1)].mean(axis=0)


def vote_by_counting(answers):
    members, rows, classes = answers.shape
    shares = np.zeros((rows, classes))
    for member in answers:
        for row, first in enumerate(member.argmax(axis=1)):
            shares[row, first] += 1 / members
    return shares


def weighted(answers, weights):
    return np.average(answers, axis=0, weights=weights)


def weighted_by_hand(answers, weights):
    return sum(w * one for w, one in zip(weights, answers, strict=True)) / weights.sum()


def alike(errors):
    products = errors @ errors.T
    n = len(errors)
    return (products.sum() - np.trace(products)) / (n * (n - 1)) / (np.trace(products) / n)


def alike_by_pairs(errors):
    pairs = [np.mean(a * b) for i, a in enumerate(errors) for j, b in enumerate(errors) if i != j]
    return np.mean(pairs) / np.mean(errors**2)


def alike_from_average(errors):
    n, own = len(errors), np.mean(errors**2)
    return (n * np.mean(errors.mean(axis=0) ** 2) / own - 1) / (n - 1)


def error(e, rho, members):
    return e * (rho + (1 - rho) / members)


def members_for(share):
    return next(m for m in range(1, 1000) if 1 - 1 / m >= share)


def out_of_fold(fit, x, y, folds):
    answers = np.zeros(len(x))
    for out in np.array_split(np.arange(len(x)), folds):
        rest = np.setdiff1d(np.arange(len(x)), out)
        answers[out] = fit(x[rest], y[rest])(x[out])
    return answers


def by_remainder(fit, x, y, folds):
    fold, answers = np.arange(len(x)) % folds, np.empty(len(x))
    for k in range(folds):
        member = fit(x[fold != k], y[fold != k])
        answers[fold == k] = member(x[fold == k])
    return answers


def by_sklearn(fit, x, y, folds):
    answers = np.empty(len(x))
    for rest, out in KFold(folds, shuffle=True, random_state=0).split(x):
        answers[out] = fit(x[rest], y[rest])(x[out])
    return answers


def leaking(fit, x, y, folds):
    return fit(x, y)(x)


def trained_on_the_fold(fit, x, y, folds):
    answers = np.zeros(len(x))
    for out in np.array_split(np.arange(len(x)), folds):
        answers[out] = fit(x[out], y[out])(x[out])
    return answers


def on_the_next_fold(fit, x, y, folds):
    parts, answers = np.array_split(np.arange(len(x)), folds), np.zeros(len(x))
    for k, out in enumerate(parts):
        other = parts[(k + 1) % folds]
        answers[out] = fit(x[other], y[other])(x[out])
    return answers


def in_another_order(fit, x, y, folds):
    order = np.random.default_rng(0).permutation(len(x))
    return out_of_fold(fit, x[order], y[order], folds)


def targets_left(fit, x, y, folds):
    order = np.random.default_rng(0).permutation(len(x))
    return out_of_fold(fit, x[order], y, folds)


def half_and_half(fit, x, y, folds):
    return out_of_fold(fit, x, y, 2)


def losses(answers, y):
    return -np.log(np.clip(answers[..., np.arange(len(y)), y], 1e-7, 1)).mean(axis=-1)


def gain(answers, y):
    return 100 * (1 - losses(average(answers), y) / losses(answers, y).mean())


def gain_by_loop(answers, y):
    each = [np.mean([-math.log(p[row, true]) for row, true in enumerate(y)]) for p in answers]
    mean = sum(answers) / len(answers)
    crowd = np.mean([-math.log(mean[row, true]) for row, true in enumerate(y)])
    return float(100 * (np.mean(each) - crowd) / np.mean(each))


def same_price(inputs, width, outputs, members):
    budget, units = members * ((inputs + 1) * width + (width + 1) * outputs), width
    while (inputs + 1) * (units + 1) + (units + 2) * outputs <= budget:
        units += 1
    return units


EVEN = {"average of five lower": 0.4, "one large lower": 0.3, "within 2 %": 0.3}
TABLE = pd.DataFrame(
    [
        {"way": way, "seed": seed, "loss": loss}
        for way, loss in (("mean member", 0.45), ("average of five", 0.44), ("one large", 0.43))
        for seed in range(3)
    ]
)


ANSWERS = {
    "08.1": Cases(
        right={
            "NumPy": (average, vote, weighted),
            "counting": (lambda answers: sum(answers) / len(answers), vote_by_counting, weighted_by_hand),
            "tensors": (
                lambda answers: np.einsum("mrc->rc", answers) / answers.shape[0],
                vote,
                lambda answers, weights: np.tensordot(weights / weights.sum(), answers, axes=1),
            ),
        },
        wrong={
            "over rows": ((lambda answers: answers.mean(axis=1), vote, weighted), "axis holds the members"),
            "a sum": ((lambda answers: answers.sum(axis=0), vote, weighted), "add up to 1"),
            "ballots": ((average, lambda answers: vote(answers) * len(answers), weighted), "numbers of ballots"),
            "the winner": ((average, lambda answers: vote(answers).argmax(axis=-1), weighted), "class that wins"),
            "more than half": (
                (average, lambda answers: (answers > 0.5).mean(axis=0), weighted),
                "less than 0.5",
            ),
            "weights as they are": (
                (average, vote, lambda answers, weights: np.tensordot(weights, answers, axes=1)),
                "whatever the weights",
            ),
            "divided by members": (
                (average, vote, lambda answers, weights: np.tensordot(weights, answers, axes=1) / len(weights)),
                "number of members",
            ),
        },
    ),
    "08.2": Cases(
        right={
            "as in the lesson": (alike, error, members_for),
            "pairs": (alike_by_pairs, lambda e, rho, m: e * rho + e * (1 - rho) / m, members_for),
            "from the average": (
                alike_from_average,
                lambda e, rho, m: (m * e + m * (m - 1) * rho * e) / m**2,
                lambda share: math.ceil(round(1 / (1 - share), 9)),
            ),
        },
        wrong={
            "correlation": (
                (
                    lambda errors: (np.corrcoef(errors).sum() - len(errors)) / len(errors) / (len(errors) - 1),
                    error,
                    members_for,
                ),
                "subtracts each member's mean",
            ),
            "with the diagonal": (
                (
                    lambda errors: (errors @ errors.T).mean() / np.mean(np.sum(errors**2, axis=1)),
                    error,
                    members_for,
                ),
                "alike to itself",
            ),
            "nothing in common": ((alike, lambda e, rho, m: e / m, members_for), "nothing in common"),
            "parts swapped": ((alike, lambda e, rho, m: e * (1 - rho + rho / m), members_for), "Which part stays"),
            "rounded down": ((alike, error, lambda share: math.floor(1 / (1 - share))), "or nearly"),
            "parts of networks": ((alike, error, lambda share: 1 / (1 - share)), "part of a network"),
        },
    ),
    "08.3": Cases(
        right={"split": (out_of_fold,), "remainder": (by_remainder,), "sklearn": (by_sklearn,)},
        wrong={
            "trained on all": ((leaking,), "trained on them"),
            "trained on the fold": ((trained_on_the_fold,), "trained on them"),
            "one fold only": ((on_the_next_fold,), "all rows outside"),
            "another order": ((in_another_order,), "order of the rows"),
            "targets left behind": ((targets_left,), "targets of other rows"),
            "two folds": ((half_and_half,), "3 folds"),
        },
    ),
    "08.4": Cases(
        right={
            "NumPy": (gain, 1.6, 3.2, 18),
            "loops": (gain_by_loop, 1.65, 3.3, 18),
            "whole numbers as text of NumPy": (gain, np.float64(1.6), np.float64(3.15), np.int64(18)),
        },
        wrong={
            "a share": ((lambda p, y: gain(p, y) / 100, 1.6, 3.2, 18), "In percent?"),
            "sign": ((lambda p, y: -gain(p, y), 1.6, 3.2, 18), "sign"),
            "in nats": (
                (lambda p, y: losses(p, y).mean() - losses(average(p), y), 1.6, 3.2, 18),
                "difference in nats",
            ),
            "best member": (
                (lambda p, y: 100 * (1 - losses(average(p), y) / losses(p, y).min()), 1.6, 3.2, 18),
                "best member",
            ),
            "too wide": ((gain, 1, 5, 18), "2 times"),
            "too high": ((gain, 5, 9, 18), "lies below"),
            "timid": ((gain, 1.6, 3.2, 10), "pays fully"),
            "upside down": ((gain, 3.2, 1.6, 18), "no interval"),
        },
        slow={"NumPy", "loops", "whole numbers as text of NumPy", "too high", "timid"},
    ),
    "08.5": Cases(
        right={
            "one by one": (same_price, EVEN, TABLE),
            "solved": (
                lambda inputs, width, outputs, members: (
                    members * width + (members - 1) * outputs // (inputs + outputs + 1)
                ),
                EVEN,
                TABLE,
            ),
            "a bold bet": (same_price, {**dict.fromkeys(EVEN, 0), "within 2 %": 1}, pd.concat([TABLE, TABLE])),
        },
        wrong={
            "members times width": (
                (lambda inputs, width, outputs, members: members * width, EVEN, TABLE),
                "one unit more",
            ),
            "the budget": (
                (
                    lambda inputs, width, outputs, members: members * ((inputs + 1 + outputs) * width + outputs),
                    EVEN,
                    TABLE,
                ),
                "the budget",
            ),
            "one too many": ((lambda *sizes: same_price(*sizes) + 1, EVEN, TABLE), "exceeds"),
            "bet": ((same_price, dict.fromkeys(EVEN, 0.5), TABLE), "adds up to 1.5"),
            "a way is missing": ((same_price, EVEN, TABLE[TABLE["way"] != "one large"]), "no way"),
            "one seed": ((same_price, EVEN, TABLE[TABLE["seed"] == 0]), "three seeds"),
            "not the average": (
                (same_price, EVEN, TABLE.assign(loss=TABLE["loss"].where(TABLE["way"] != "average of five", 0.5))),
                "Can that be",
            ),
        },
    ),
}
