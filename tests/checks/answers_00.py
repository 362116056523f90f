"""Right and wrong answers to the exercises of lesson 00."""

import keras
import numpy as np

from course_utils.checks.patients_00 import ILL_TRAININGS, illness_of
from tests.checks.cases import Cases


def parameters(inputs, units, outputs):
    return inputs * units + units + units * outputs + outputs


def parameters_by_keras(inputs, units, outputs):
    layers = [keras.Input((inputs,)), keras.layers.Dense(units), keras.layers.Dense(outputs)]
    return keras.Sequential(layers).count_params()


def share_right(logits, labels):
    return np.mean(np.argmax(logits, axis=1) == labels)


def share_right_by_loop(logits, labels):
    return sum(int(row.argmax() == label) for row, label in zip(logits, labels, strict=True)) / len(labels)


def medians(table):
    return table.groupby("rate")["loss"].median()


def medians_by_pivot(table):
    return table.pivot_table(index="rate", values="loss", aggfunc="median")["loss"].sort_index()


def medians_by_loop(table):
    return [np.median(table.loc[table["rate"] == rate, "loss"]) for rate in sorted(table["rate"].unique())]


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def chosen(values, labels):
    return values[np.arange(len(labels)), labels]


def cross_entropy(logits, labels):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(shifted).sum(axis=1)) - chosen(shifted, labels))


def cross_entropy_by_logaddexp(logits, labels):
    return float(np.mean(np.logaddexp.reduce(logits, axis=1) - chosen(logits, labels)))


def cross_entropy_by_keras(logits, labels):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return float(loss(labels, logits.astype("float64")))


def cross_entropy_by_loop(logits, labels):
    costs = []
    for row, label in zip(logits, labels, strict=True):
        top = max(row)
        costs.append(np.log(sum(np.exp(one - top) for one in row)) + top - row[label])
    return sum(costs) / len(costs)


def every(report):
    holds = {
        1: abs(report["before"] - report["guess"]) <= 0.5,
        2: report["valid"] < 0.8 * report["guess"],
        3: report["valid"] < report["plane"],
        4: report["ten_rows"] < 0.1,
        5: report["best_epoch"] < report["epochs"],
        6: report["gap"] <= 2 * report["error"],
    }
    return [rung for rung, good in holds.items() if not good]


def failed(report):
    found = every(report)
    return found[:2] if found[:2] == [3, 4] else found[:1]


def failed_by_returns(report):
    if not abs(report["before"] - report["guess"]) <= 0.5:
        return [1]
    if report["valid"] >= 0.8 * report["guess"]:
        return [2]
    if report["valid"] >= report["plane"]:
        return [3] if report["ten_rows"] < 0.1 else [3, 4]
    if report["ten_rows"] >= 0.1:
        return [4]
    if report["best_epoch"] == report["epochs"]:
        return [5]
    return [6] if report["gap"] > 2 * report["error"] else []


def failed_as_array(report):
    return np.array(failed(report), dtype=int)


def diagnose(model, x):
    out, hidden = np.array(model(x)), np.array(model.layers[0](x))
    if x.max() > 1:
        return "inputs not scaled"
    if hidden.max() == 0:
        return "dead ReLU"
    if not np.array_equal(out, np.array(model(x, training=True))):
        return "dropout on the output"
    return "softmax on the output" if np.allclose(out.sum(axis=1), 1) else "healthy"


def diagnose_by_names(model, x):
    names = [type(layer).__name__ for layer in model.layers]
    if "Dropout" in names:
        return "dropout on the output"
    if "Activation" in names:
        return "softmax on the output"
    if np.std(x) > 10:
        return "inputs not scaled"
    return "dead ReLU" if model.layers[0].bias.numpy().max() < -5 else "healthy"


def diagnose_by_outputs(model, x):
    out = model.predict(x, verbose=0)
    if np.mean(x) > 1:
        return "inputs not scaled"
    if np.std(out, axis=0).max() < 1e-6:
        return "dead ReLU"
    if (out >= 0).all() and np.allclose(out.sum(axis=1), 1, atol=1e-4):
        return "softmax on the output"
    return "dropout on the output" if (np.array(model(x, training=True)) == 0).mean() > 0.1 else "healthy"


def diagnose_without_dropout(model, x):
    found = diagnose(model, x)
    return "healthy" if found == "dropout on the output" else found


STUDENTS = {illness: next(s for s in range(100) if illness_of(s) == illness) for illness in ILL_TRAININGS}
REPORTS = {
    "dead ReLU": {"before": 2.303, "valid": 2.301, "ten_rows": 2.0},
    "labels off by one row": {"before": 2.39, "valid": 2.6, "ten_rows": 0.002},
    "rate / 100": {"before": 2.41, "valid": 1.8, "ten_rows": 1.8},
}
OFF, SLOW = (STUDENTS[illness] for illness in ("labels off by one row", "rate / 100"))

ANSWERS = {
    "00.1": Cases(
        right={
            "NumPy and pandas": (parameters, share_right, medians),
            "loops": (lambda i, u, o: (i + 1) * u + (u + 1) * o, share_right_by_loop, medians_by_loop),
            "Keras and a pivot table": (parameters_by_keras, share_right, medians_by_pivot),
        },
        wrong={
            "no biases": ((lambda i, u, o: i * u + u * o, share_right, medians), "Those are the weights"),
            "no biases of outputs": ((lambda i, u, o: i * u + u + u * o, share_right, medians), "Do the outputs"),
            "a count": ((parameters, lambda a, b: np.sum(np.argmax(a, axis=1) == b), medians), "how many are right"),
            "share wrong": ((parameters, lambda a, b: np.mean(np.argmax(a, axis=1) != b), medians), "that is wrong"),
            "means": ((parameters, share_right, lambda t: t.groupby("rate")["loss"].mean()), "the mean"),
            "one median": ((parameters, share_right, lambda t: t["loss"].median()), "one median for all"),
        },
        slow={"Keras and a pivot table"},
    ),
    "00.2": Cases(
        right={
            "shifted": (cross_entropy,),
            "logaddexp": (cross_entropy_by_logaddexp,),
            "loop": (cross_entropy_by_loop,),
            "Keras": (cross_entropy_by_keras,),
        },
        wrong={
            "sum": ((lambda a, b: cross_entropy(a, b) * len(b),), "sum over the rows"),
            "bits": ((lambda a, b: cross_entropy(a, b) / np.log(2),), "in bits"),
            "no minus": ((lambda a, b: -cross_entropy(a, b),), "negative"),
            "mean first": ((lambda a, b: -np.log(np.mean(chosen(softmax(a), b))),), "Mean first"),
            "no softmax": ((lambda a, b: -np.mean(chosen(a, b)),), "logits themselves"),
            "huge logits": (
                (lambda a, b: np.mean(-np.log(chosen(np.exp(a) / np.exp(a).sum(axis=1, keepdims=True), b))),),
                "exp(1000)",
            ),
        },
    ),
    "00.3": Cases(
        right={"table": (failed,), "returns": (failed_by_returns,), "array": (failed_as_array,)},
        wrong={
            "all that fail": ((every,), "go on after"),
            "first only": ((lambda report: every(report)[:1],), "if rung 3 fails"),
            "a number": ((lambda report: (failed(report) or [0])[0],), "not a list"),
            "4 whenever 3": ((lambda report: [3, 4] if failed(report) == [3] else failed(report),), "whenever rung 3"),
            "never": ((lambda report: [],), "the first that fails"),
        },
    ),
    "00.4": Cases(
        right={
            "measuring": (diagnose,),
            "names of layers": (diagnose_by_names,),
            "outputs": (diagnose_by_outputs,),
        },
        wrong={
            "always healthy": ((lambda model, x: "healthy",), "was called 'healthy'"),
            "no dropout": ((diagnose_without_dropout,), "'dropout on the output' was called 'healthy'"),
            "another word": ((lambda model, x: "overfitting",), "returns 'overfitting'"),
            "guessing": ((lambda model, x: "dead ReLU",), "was called 'dead ReLU'"),
        },
        slow={"outputs"},
    ),
    "00.5": Cases(
        right={illness: (REPORTS[illness], illness, STUDENTS[illness]) for illness in ILL_TRAININGS},
        wrong={
            "evaluated too late": (
                (REPORTS["rate / 100"] | {"before": 0.3}, "rate / 100", SLOW),
                "before the first fit",
            ),
            "training for validation": (
                (REPORTS["labels off by one row"] | {"valid": 0.4}, "labels off by one row", OFF),
                "validation loss",
            ),
            "ten rows of a trained model": (
                (REPORTS["rate / 100"] | {"ten_rows": 0.1}, "rate / 100", SLOW),
                "a new network",
            ),
            "another fault": ((REPORTS["rate / 100"], "dead ReLU", SLOW), "explain all"),
            "another word": ((REPORTS["rate / 100"], "rate too small", SLOW), "fault is"),
            "a number is missing": (({"before": 2.3}, "rate / 100", SLOW), "no entry"),
        },
    ),
}
