"""Checks of the exercises of lesson 00, diagnose first."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import numpy as np
import pandas as pd

from course_utils.checks.functions import Mistake, compare
from course_utils.checks.hidden import hidden_rng
from course_utils.checks.patients_00 import ILL_TRAININGS, ILLNESSES, illness_of, patient
from course_utils.checks.verdict import NotYet, Wrong, graded

__all__ = ["CHECKS"]

REPORT = ("before", "valid", "ten_rows")


class _Table(pd.DataFrame):
    """A table that a hint names, rather than prints."""

    def __repr__(self) -> str:
        return "table"


@graded(of=2, praise="Parameters, logits and tables: you know what the course builds on.")
def assumed(
    parameters: Callable[[int, int, int], int],
    share_right: Callable[[np.ndarray, np.ndarray], float],
    medians: Callable[[pd.DataFrame], pd.Series],
) -> None:
    """Exercise 00.1: parameters of a network, accuracy from logits, a median for each rate."""
    rng = hidden_rng("00.1")
    sizes = [(3, 2, 1), (784, 32, 10), *(tuple(map(int, rng.integers(1, 100, 3))) for _ in range(50))]
    compare(
        parameters,
        lambda inputs, units, outputs: inputs * units + units + units * outputs + outputs,
        sizes,
        name="parameters",
        mistakes=[
            Mistake(
                lambda inputs, units, outputs: inputs * units + units * outputs,
                "Those are the weights. What else does a Dense layer have?",
                "Each unit and each output has a bias, too.",
            ),
            Mistake(
                lambda inputs, units, outputs: inputs * units + units + units * outputs,
                "Do the outputs have biases?",
                "They do: one for each output.",
            ),
        ],
        hint="By hand: 3 inputs, 2 units, 1 output make 3·2 + 2 and 2·1 + 1.",
        more="A Dense layer has inputs · units weights and one bias for each unit.",
    )
    answers = [(rng.normal(size=(n, 10)), rng.integers(0, 10, n)) for n in (1, 2, 30, 31, 32)]
    answers = [(np.eye(4)[[0, 1, 1, 3]], np.array([0, 1, 2, 3]))] + [
        (logits + 2 * np.eye(10)[labels], labels) for logits, labels in answers
    ]
    compare(
        share_right,
        lambda logits, labels: float(np.mean(np.argmax(logits, axis=1) == labels)),
        answers,
        name="share_right",
        mistakes=[
            Mistake(
                lambda logits, labels: int(np.sum(np.argmax(logits, axis=1) == labels)),
                "That is how many are right.",
                "A share: divide by the number of rows, or take the mean.",
            ),
            Mistake(
                lambda logits, labels: float(np.mean(np.argmax(logits, axis=1) != labels)),
                "That is the share that is wrong.",
                "Equal, ==, is right.",
            ),
        ],
        hint="In each row, the largest of ten logits is the answer. How often is it the label?",
        more="np.argmax(logits, axis=1) gives the answers; compare with labels, take the mean.",
        points=0.5,
    )
    tables = []
    for n in (2, 3, 4):
        rates = np.repeat(10.0 ** -np.arange(1, n + 1), 5)
        rows = {"rate": rates, "seed": np.tile(np.arange(5), n), "loss": rng.exponential(size=5 * n)}
        tables.append((_Table(rows),))
    compare(
        medians,
        lambda table: table.groupby("rate")["loss"].median(),
        tables,
        name="medians",
        mistakes=[
            Mistake(lambda table: table.groupby("rate")["loss"].mean(), "That is the mean.", "Call .median()."),
            Mistake(
                lambda table: table["loss"].median(),
                "That is one median for all. How many rates are there?",
                "Group by rate first.",
            ),
        ],
        hint="One median of the losses for each rate, the lowest rate first.",
        more='table.groupby("rate") makes one group for each rate; take the median of its "loss".',
        points=1,
    )


@graded(of=2, praise="The same number as Keras', also where a logit is huge.")
def loss_by_hand(cross_entropy: Callable[[np.ndarray, np.ndarray], float]) -> None:
    """Exercise 00.2: cross-entropy of logits, in NumPy."""
    rng = hidden_rng("00.2")
    cases = [(np.zeros((1, 2)), np.array([0])), (np.zeros((3, 10)), np.array([1, 5, 9]))]
    for n in (2, 5, 40):
        cases.append((rng.normal(0, 3, (n, 10)), rng.integers(0, 10, n)))
    with np.errstate(all="ignore"):  # what a wrong way divides by is its own affair
        compare(
            cross_entropy,
            _cross_entropy,
            cases,
            name="cross_entropy",
            mistakes=[
                Mistake(
                    lambda logits, labels: _cross_entropy(logits, labels) * len(labels),
                    "Is that the sum over the rows?",
                    "The loss is the mean over the rows.",
                ),
                Mistake(
                    lambda logits, labels: _cross_entropy(logits, labels) / np.log(2),
                    "That is in bits.",
                    "Nats: the natural logarithm, np.log.",
                ),
                Mistake(
                    lambda logits, labels: -_cross_entropy(logits, labels),
                    "Can a loss of this kind be negative?",
                    "Minus the logarithm: p is at most 1.",
                ),
                Mistake(
                    lambda logits, labels: -np.log(np.mean(np.exp(-_costs(logits, labels)))),
                    "Mean first, logarithm then?",
                    "The logarithm of each row's p first, then the mean.",
                ),
                Mistake(
                    lambda logits, labels: float(-np.mean(logits[np.arange(len(labels)), labels])),
                    "Those are the logits themselves. Are they probabilities?",
                    "Softmax turns logits into probabilities: exp, divided by the sum of the row.",
                ),
            ],
            hint="Row by row: softmax, then minus the logarithm at the label; then the mean.",
            more="Two equal logits cost ln 2, for either label.",
        )
        huge = [(np.array([[1000.0, 0.0]]), np.array([1])), (np.array([[-2000.0, -1000.0, -1000.0]]), np.array([2]))]
        compare(
            cross_entropy,
            _cross_entropy,
            huge,
            name="cross_entropy",
            hint="Right for small logits. What is exp(1000) in NumPy, or exp(-2000)?",
            more="Subtract each row's largest logit first: softmax does not change. Keep the logarithm of the sum.",
            points=1,
        )


def _costs(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]


def _cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(_costs(logits, labels)))


@graded(of=2, praise="You stop at the first rung that fails, and know when to look at one more.")
def ladder(failed: Callable[[dict[str, float]], list[int]]) -> None:
    """Exercise 00.3: which rungs of the ladder a training fails, from its numbers."""
    good = {"before": 2.4, "guess": 2.3, "valid": 0.39, "plane": 0.5, "ten_rows": 0.01}
    good |= {"best_epoch": 10, "epochs": 15, "gap": 0.01, "error": 0.01}
    bad = {"before": 9.0, "valid": 2.2, "plane": 0.3, "ten_rows": 2.0, "best_epoch": 15, "gap": 0.1}
    rng = hidden_rng("00.3")
    cases = [(good,), (good | {"before": 1.0},), *((good | {name: value},) for name, value in bad.items())]
    for _ in range(200):
        some = rng.choice(list(bad), int(rng.integers(0, 5)), replace=False)
        cases.append((good | {str(name): bad[str(name)] for name in some},))
    compare(
        failed if not callable(failed) else lambda report: failed(dict(report)),
        _failed,
        cases,
        name="failed",
        mistakes=[
            Mistake(_all_failed, "Do you go on after a rung that fails?", "Stop at the first; after rung 3 comes 4."),
            Mistake(
                lambda report: _failed(report)[:1],
                "And if rung 3 fails: which rung do you climb, too?",
                "If rung 3 is the first that fails, rung 4 is tested as well: [3] or [3, 4].",
            ),
            Mistake(
                lambda report: (_failed(report) or [0])[0], "A number, not a list?", "Return a list: [], [2] or [3, 4]."
            ),
            Mistake(
                lambda report: _failed(report) if _failed(report) != [3] else [3, 4],
                "Does rung 4 fail whenever rung 3 does?",
                "Test rung 4 by its own number, ten_rows.",
            ),
        ],
        hint="Go through the table from the top; which rung is the first that fails here?",
        more="if not …: return [1], and so on; rung 3 needs one more test before it returns.",
    )


def _all_failed(report: Mapping[str, float]) -> list[int]:
    holds = (
        abs(report["before"] - report["guess"]) <= 0.5,
        report["valid"] < 0.8 * report["guess"],
        report["valid"] < report["plane"],
        report["ten_rows"] < 0.1,
        report["best_epoch"] < report["epochs"],
        report["gap"] <= 2 * report["error"],
    )
    return [rung for rung, good in enumerate(holds, start=1) if not good]


def _failed(report: Mapping[str, float]) -> list[int]:
    every = _all_failed(report)
    return every[:2] if every[:2] == [3, 4] else every[:1]


@graded(of=2, praise="Twenty networks, and each illness by its name: no training was needed.")
def diagnosis(diagnose: Callable[[keras.Model, np.ndarray], str]) -> None:
    """Exercise 00.4: name the fault of networks that nobody has trained, by measuring."""
    if not callable(diagnose):
        raise Wrong(f"diagnose is {diagnose!r}, not a function.", "Write it as: def diagnose(model, x):")
    rng = hidden_rng("00.4")
    taken: dict[str, list[object]] = {illness: [] for illness in ILLNESSES}
    for illness in rng.permutation(np.repeat(ILLNESSES, 4)):
        taken[str(illness)].append(diagnose(*patient(str(illness), rng)))
    named = [name for names in taken.values() for name in names]
    if all(name is None or name is ... for name in named):
        raise NotYet
    unknown = [name for name in named if name not in ILLNESSES]
    if unknown:
        raise Wrong(f"diagnose returns {unknown[0]!r}.", f"One of: {', '.join(ILLNESSES)}. Are they spelt so?")
    hints = {
        "dead ReLU": "What do all units behind a ReLU say if none is alive? Look at its output, over the rows.",
        "dropout on the output": "Call the model with training=True. What is in its output that was not before?",
        "inputs not scaled": "Look at x itself: how large are its numbers?",
        "softmax on the output": "Look at a row of the output: what does it add up to?",
        "healthy": "Each test must say no where nothing is wrong.",
    }
    for illness, names in taken.items():
        wrong = [name for name in names if name != illness]
        if wrong:
            right = sum(name == one for one, some in taken.items() for name in some)
            raise Wrong(
                f"{right} of {len(named)} are right. One with {illness!r} was called {wrong[0]!r}.",
                hints[illness],
                points=1 if right >= 0.8 * len(named) else 0,
            )


@graded(of=2, praise="Three numbers, measured, and the fault that explains all three.")
def colleagues_training(report: Mapping[str, float], fault: str, student: int) -> None:
    """Exercise 00.5: three rungs of the ladder for a network that is ill, and its illness.

    Thresholds: with nine students, three for each illness, the loss before training was 2.30 to 2.46 nats, and
    validation ended at 2.03 or higher; ten rows ended at 0.005 or lower with labels off by one row, and at 2.1 or
    higher with the other two.
    """
    if not isinstance(report, Mapping) or not set(REPORT) <= set(report):
        raise Wrong(f"report has no entry for each of {', '.join(REPORT)}.", "A dict of three numbers.")
    before, valid, ten_rows = (float(report[name]) for name in REPORT)
    if fault not in ILL_TRAININGS:
        raise Wrong(f"fault is {fault!r}.", f"One of: {', '.join(ILL_TRAININGS)}.")
    illness = illness_of(student)
    if not 1.8 < before < 3:
        raise Wrong(
            f"before is {before:.2f}. Did you evaluate before the first fit?",
            "A model that was trained stays trained: make it again with colleague(STUDENT).",
        )
    if valid < 1.3:
        raise Wrong(f"valid is {valid:.2f}. Is that the validation loss?", 'history["val_loss"], not "loss".')
    if (ten_rows < 0.5) != (illness == "labels off by one row"):
        raise Wrong(
            f"ten_rows is {ten_rows:.2f}: not what a new network ends with after 50 epochs on ten rows.",
            "A new model from colleague(STUDENT); fit on x[:10], y[:10], 50 epochs; the last training loss.",
            points=0.5,
        )
    if fault != illness:
        raise Wrong(
            "The numbers are right. Does this fault explain all of them?",
            "Can it learn ten rows? Is before exactly ln 10? Does validation leave it?",
            points=1,
        )


CHECKS = (assumed, loss_by_hand, ladder, diagnosis, colleagues_training)
