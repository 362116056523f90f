"""Right and wrong answers to the exercises of lesson 01."""

import math

import numpy as np
import pandas as pd

from course_utils.checks.curves_01 import LETTERS, OUTCOMES, outcome_of
from course_utils.experiment import Settings
from tests.checks.cases import Cases


def last(rows, batch):
    return rows % batch or batch


EQUAL = {letter: [0.2] * 5 for letter in LETTERS}
KNOWN = {letter: [float(name == outcome_of(3)[letter]) for name in OUTCOMES] for letter in LETTERS}
WARY = {letter: tuple(0.9 if one else 0.025 for one in bet) for letter, bet in KNOWN.items()}


def floor(share):
    return -(1 - share) * math.log(1 - share) - share * math.log(share / 9)


def floor_by_mean(share):
    probabilities = np.array([1 - share, *[share / 9] * 9])
    return np.sum(probabilities * -np.log(probabilities))


def floor_by_expectation(share):
    return (1 - share) * math.log(1 / (1 - share)) + share * (math.log(9) - math.log(share))


def held(loss, val_loss, share):
    return loss[-1] < floor(share) and val_loss[-1] >= 1.1 * min(val_loss)


def held_by_parts(loss, val_loss, share):
    rise = val_loss[-1] / np.min(val_loss) - 1
    return np.all([floor(share) - loss[-1] > 0, rise >= 0.1 - 1e-12])


def held_by_frame(loss, val_loss, share):
    table = pd.DataFrame({"loss": loss, "val_loss": val_loss})
    end = table.iloc[-1]
    return bool(end["loss"] < floor(share)) & bool(end["val_loss"] / table["val_loss"].min() >= 1.1)


def measured(wines):
    return wines.drop(columns="quality")


def column_of(train):
    return measured(train).corrwith(train["quality"]).abs().idxmax()


def find(train, valid):
    seen = set(measured(train).round(1).itertuples(index=False, name=None))
    rows = [label for label, *row in measured(valid).round(1).itertuples(name=None) if tuple(row) in seen]
    return rows, column_of(train)


def find_by_distance(train, valid):
    x, z = measured(train).round(1).to_numpy(), measured(valid).round(1).to_numpy()
    nearest = np.abs(z[:, None] - x[None]).max(axis=2).min(axis=1)
    by_rank = measured(train).corrwith(train["quality"], method="spearman").abs()
    return valid.index[nearest < 0.01], by_rank.idxmax()


def find_by_merge(train, valid):
    both = measured(valid).round(1).reset_index(names="label").merge(measured(train).round(1).drop_duplicates())
    spread = {name: train.groupby("quality")[name].std().mean() / train[name].std() for name in measured(train)}
    return set(both["label"]), min(spread, key=spread.get)


def find_exact(train, valid):
    seen = set(measured(train).itertuples(index=False, name=None))
    rows = [label for label, *row in measured(valid).itertuples(name=None) if tuple(row) in seen]
    return rows, column_of(train)


def find_positions(train, valid):
    rows, column = find(train, valid)
    return [valid.index.get_loc(label) for label in rows], column


def find_by_few(train, valid):
    few = ["m1", "m2"]
    seen = set(train[few].round(1).itertuples(index=False, name=None))
    rows = [label for label, *row in valid[few].round(1).itertuples(name=None) if tuple(row) in seen]
    return rows, column_of(train)


def find_column_quality(train, valid):
    return find(train, valid)[0], train.corrwith(train["quality"]).abs().idxmax()


def find_column_signed(train, valid):
    """The largest correlation with its sign, which misses a disguise that goes down; else, the least one."""
    correlation = measured(train).corrwith(train["quality"])
    return find(train, valid)[0], correlation.abs().idxmin()


def find_some(train, valid):
    return find(train, valid)[0][:10], column_of(train)


ANSWERS = {
    "01.1": Cases(
        right={
            "ceil": (lambda rows, batch, epochs: math.ceil(rows / batch) * epochs, last),
            "whole numbers only": (lambda rows, batch, epochs: -(-rows // batch) * epochs, last),
            "counting": (
                lambda rows, batch, epochs: sum(len(range(0, rows, batch)) for _ in range(epochs)),
                lambda rows, batch: rows - range(0, rows, batch)[-1],
            ),
        },
        wrong={
            "rounds down": ((lambda rows, batch, epochs: rows // batch * epochs, last), "left over"),
            "always one more": ((lambda rows, batch, epochs: (rows // batch + 1) * epochs, last), "fit exactly"),
            "one epoch": ((lambda rows, batch, epochs: math.ceil(rows / batch), last), "one epoch"),
            "batches across epochs": (
                (lambda rows, batch, epochs: math.ceil(rows * epochs / batch), last),
                "into the next",
            ),
            "empty last batch": (
                (lambda rows, batch, epochs: math.ceil(rows / batch) * epochs, lambda rows, batch: rows % batch),
                "no rows",
            ),
        },
    ),
    "01.2": Cases(
        right={
            "no opinion": (EQUAL, 0),
            "all of it": (KNOWN, 3),
            "all of it, of another student": (KNOWN, 4),
            "wary": (WARY, 3),
            "arrays": ({letter: np.array([0.1, 0.2, 0.3, 0.4, 0.0]) for letter in LETTERS}, 0),
        },
        wrong={
            "a letter is missing": (({letter: EQUAL[letter] for letter in "ABCDEFG"}, 0), "no entry"),
            "a list": (([[0.2] * 5] * 8, 0), "no entry"),
            "four numbers": ((EQUAL | {"C": [0.25] * 4}, 0), "on C has not five"),
            "more than 1": ((EQUAL | {"D": [0.5] * 5}, 0), "adds up to 2.5"),
            "percent": ((EQUAL | {"E": [20] * 5}, 0), "no probability"),
            "negative": ((EQUAL | {"E": [-0.2, 0.6, 0.2, 0.2, 0.2]}, 0), "no probability"),
        },
    ),
    "01.3": Cases(
        right={
            "formula": (floor, held, 20),
            "mean over ten": (floor_by_mean, held_by_parts, 20),
            "expectation": (floor_by_expectation, held_by_frame, np.int64(20)),
        },
        wrong={
            "wrong labels name one digit": (
                (lambda share: -(1 - share) * math.log(1 - share) - share * math.log(share), held, 20),
                "same digit",
            ),
            "ten other digits": (
                (lambda share: -(1 - share) * math.log(1 - share) - share * math.log(share / 10), held, 20),
                "How many digits",
            ),
            "true labels only": ((lambda share: -math.log(1 - share), held, 20), "wrong ones cost"),
            "no minus": ((lambda share: -floor(share), held, 20), "negative"),
            "a constant": ((lambda share: 1.55, held, 20), "1.55"),
            "or": (
                (floor, lambda loss, val, share: loss[-1] < floor(share) or val[-1] >= 1.1 * min(val), 20),
                "one of the two",
            ),
            "validation only": ((floor, lambda loss, val, share: val[-1] >= 1.1 * min(val), 20), "And at training"),
            "training only": ((floor, lambda loss, val, share: loss[-1] < floor(share), 20), "And at validation"),
            "lowest training loss": (
                (floor, lambda loss, val, share: min(loss) < floor(share) and val[-1] >= 1.1 * min(val), 20),
                "training *end*",
            ),
            "any rise": (
                (floor, lambda loss, val, share: loss[-1] < floor(share) and val[-1] > min(val), 20),
                "any rise",
            ),
            "one share's floor": (
                (floor, lambda loss, val, share: loss[-1] < floor(0.3) and val[-1] >= 1.1 * min(val), 20),
                "follow the share",
            ),
            "always": ((floor, lambda loss, val, share: True, 20), "what is compared"),
            "timid": ((floor, held, 12), "too careful"),
            "no number": ((floor, held, 0.95), "whole number"),
        },
        slow={"mean over ten", "expectation"},
    ),
    "01.4": Cases(
        right={
            "9 units": (Settings(width=9, depth=1, learning_rate=0.003, epochs=20, batch_size=32),),
            "8 units": (Settings(width=8, depth=1, learning_rate=0.003, epochs=25, batch_size=32),),
            "fewer updates at a higher rate": (
                Settings(width=9, depth=1, learning_rate=0.01, epochs=12, batch_size=64),
            ),
        },
        wrong={
            "a plane": ((Settings(depth=0, learning_rate=0.003, epochs=15),), "Can fewer"),
            "too many units": ((Settings(width=16, depth=1, learning_rate=0.003, epochs=15),), "Can fewer"),
            "3 units": ((Settings(width=3, depth=1, learning_rate=0.01, epochs=40),), "two ways to fail"),
            "rate too small": ((Settings(width=9, depth=1, learning_rate=0.0001, epochs=20),), "still falls"),
            "a dict": (({"width": 9},), "not Settings"),
            "too large for the check": ((Settings(width=512),), "width=512"),
        },
        slow={"8 units", "fewer updates at a higher rate", "too many units", "3 units", "rate too small"},
    ),
    "01.5": Cases(
        right={"sets of tuples": (find,), "distances": (find_by_distance,), "merge": (find_by_merge,)},
        wrong={
            "exact copies only": ((find_exact,), "rounded to one decimal"),
            "positions": ((find_positions,), "positions"),
            "two measurements only": ((find_by_few,), "are no copies"),
            "the grade itself": ((find_column_quality,), "the grade itself"),
            "another column": ((find_column_signed,), "not the grade in disguise"),
            "some of the copies": ((find_some,), "are missing"),
            "rows only": ((lambda train, valid: find(train, valid)[0],), "two things"),
            "two columns": ((lambda train, valid: (find(train, valid)[0], ["m1", "m2"]),), "one name"),
        },
    ),
}
