"""Right and wrong answers to the exercises of lesson 01."""

import math

from tests.checks.cases import Cases


def last(rows, batch):
    return rows % batch or batch


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
}
