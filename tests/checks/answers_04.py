"""Right and wrong answers to the exercises of lesson 04."""

from dataclasses import replace

import keras
import numpy as np

from course_utils.checks.normalizing import norm_infer, norm_train
from course_utils.experiment import Settings
from tests.checks.cases import Cases


def by_keras(x, gamma, beta, mean, variance, momentum=0.9, training=True):
    """The layer of Keras in the same state; float32."""
    layer = keras.layers.BatchNormalization(momentum=momentum)
    layer.build(x.shape)
    layer.set_weights([gamma, beta, mean, variance])
    output = np.asarray(layer(x.astype("float32"), training=training))
    return (output, *map(np.asarray, layer.get_weights()[2:])) if training else output


def by_steps(x, gamma, beta, mean, variance, momentum):
    mu = sum(x) / len(x)
    var = sum((row - mu) ** 2 for row in x) / len(x)
    output = (x - mu) * (gamma / (var + 0.001) ** 0.5) + beta
    mean += (1 - momentum) * (mu - mean)
    variance += (1 - momentum) * (var - variance)
    return [output, mean, variance]


def turned(x, gamma, beta, mean, variance, momentum):
    return (
        norm_train(x, gamma, beta, mean, variance, momentum)[0],
        (1 - momentum) * mean + momentum * x.mean(axis=0),
        (1 - momentum) * variance + momentum * x.var(axis=0),
    )


def with_averages(x, gamma, beta, mean, variance, momentum):
    return (norm_infer(x, gamma, beta, mean, variance), *norm_train(x, gamma, beta, mean, variance, momentum)[1:])


def sample_variance(x, gamma, beta, mean, variance, momentum):
    mu, var = x.mean(axis=0), x.var(axis=0, ddof=1) if len(x) > 1 else np.full(x.shape[1], np.nan)
    output = gamma * (x - mu) / np.sqrt(var + 0.001) + beta
    return output, momentum * mean + (1 - momentum) * mu, momentum * variance + (1 - momentum) * var


def left(momentum, updates):
    return momentum**updates


def left_by_steps(momentum, updates):
    share = 1.0
    for _ in range(updates):
        share *= momentum
    return share


def momentum_for(updates, share):
    return share ** (1 / updates)


def momentum_by_halving(updates, share):
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if middle**updates < share else (low, middle)
    return low


def fold(model, *, without="", in_place=False, keeps=False):
    new = keras.Sequential([keras.Input(model.input_shape[1:])])
    for i, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dense):
            weights = layer.get_weights()
            kernel, bias = weights[0], weights[1] if len(weights) > 1 else np.zeros(layer.units)
            after = model.layers[i + 1] if i + 1 < len(model.layers) else None
            if isinstance(after, keras.layers.BatchNormalization):
                gamma, beta, mean, variance = after.get_weights()
                scale = gamma / np.sqrt(variance + (0 if without == "epsilon" else after.epsilon))
                bias = np.zeros(layer.units) if without == "bias" else bias
                kernel = kernel * scale
                bias = (bias - (0 if without == "mean" else mean)) * scale + (0 if without == "beta" else beta)
            new.add(keras.layers.Dense(layer.units))
            new.layers[-1].set_weights([kernel, bias])
            if in_place:
                layer.set_weights([kernel, bias][: len(weights)])
        elif isinstance(layer, keras.layers.BatchNormalization):
            if keeps:
                new.add(keras.layers.BatchNormalization())
        else:
            new.add(keras.layers.Activation(layer.activation))
    return new


def fold_by_probing(model):
    """Each block by what it makes of 0 and of the unit vectors: it is linear, so that is all there is to know."""
    new, block = keras.Sequential([keras.Input(model.input_shape[1:])]), []
    for layer in [*model.layers, None]:
        if block and (layer is None or isinstance(layer, keras.layers.Activation)):
            basis = np.eye(block[0].get_weights()[0].shape[0])
            values = np.concatenate([0 * basis[:1], basis]).astype("float32")
            for one in block:
                values = one(values)
            values = np.asarray(values)
            new.add(keras.layers.Dense(values.shape[1]))
            new.layers[-1].set_weights([values[1:] - values[0], values[0]])
            block = []
        if isinstance(layer, keras.layers.Activation):
            new.add(keras.layers.ReLU())
        elif layer is not None:
            block.append(layer)
    return new


def fold_functional(model):
    folded = fold(model)
    inputs = keras.Input(model.input_shape[1:])
    return keras.Model(inputs, folded(inputs))


cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def losses(model, data):
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    inside = float(cross_entropy(data.y_train, model(data.x_train, training=False)))
    return inside, float(cross_entropy(data.y_train, copy(data.x_train, training=True)))


def diagnose(model, data):
    inference, batch = losses(model, data)
    if batch > 0.7:
        return "tiny batches"
    return "slow averages" if inference > 0.4 else "overfitted"


def by_accuracy(model, data):
    before = model.get_weights()
    batch = np.mean(np.argmax(model(data.x_train, training=True), axis=1) == data.y_train)
    model.set_weights(before)
    inference = model.evaluate(data.x_train, data.y_train, verbose=0)[1]
    if batch < 0.8:
        return "tiny batches"
    return "overfitted" if inference > 0.95 else "slow averages"


def by_ratio(model, data):
    inference, batch = losses(model, data)
    valid = float(cross_entropy(data.y_valid, model(data.x_valid, training=False)))
    if valid > 10 * inference:
        return "overfitted"
    return "tiny batches" if inference < 2 * batch else "slow averages"


def spoils(model, data):
    model(data.x_train, training=True)
    return diagnose(model, data)


def by_validation(model, data):
    valid = float(cross_entropy(data.y_valid, model(data.x_valid, training=False)))
    return "tiny batches" if valid > 1.6 else "overfitted"


SIGMOID = Settings(width=32, depth=4, activation="sigmoid", learning_rate=0.01, batch_size=10, epochs=8)
RELU = Settings(width=32, depth=2, learning_rate=0.1, batch_size=10, epochs=8)

ANSWERS = {
    "04.1": Cases(
        right={
            "NumPy": (norm_train, norm_infer),
            "Keras": (by_keras, lambda *state: by_keras(*state, training=False)),
            "sums, in place": (by_steps, lambda x, g, b, m, v: (x - m) * (g / (v + 0.001) ** 0.5) + b),
        },
        wrong={
            "PyTorch's momentum": ((turned, norm_infer), "with momentum 0.99"),
            "output by the averages": ((with_averages, norm_infer), "use in training"),
            "n - 1": ((sample_variance, norm_infer), "n - 1"),
            "one output": ((lambda *state: norm_train(*state)[0], norm_infer), "three things"),
            "inference by the batch": (
                (norm_train, lambda x, g, b, m, v: norm_train(x, g, b, m, v, 0.9)[0]),
                "one row alone",
            ),
            "inference without epsilon": (
                (norm_train, lambda x, g, b, m, v: g * (x - m) / np.sqrt(v) + b),
                "Where is epsilon",
            ),
        },
    ),
    "04.2": Cases(
        right={
            "power and root": (left, momentum_for, 0.975, 20),
            "by steps, by halving, faster": (left_by_steps, momentum_by_halving, 0.9, 20),
            "by logarithms": (
                lambda momentum, updates: np.exp(updates * np.log(momentum)),
                lambda updates, share: np.exp(np.log(share) / updates),
                0.95,
                20,
            ),
        },
        slow={"power and root", "by steps, by halving, faster", "by logarithms"},
        wrong={
            "replaced, not left": ((lambda m, n: 1 - m**n, momentum_for, 0.975, 20), "What is left"),
            "the other share": ((lambda m, n: (1 - m) ** n, momentum_for, 0.975, 20), "which one does it leave"),
            "PyTorch's momentum": ((left, lambda n, share: 1 - share ** (1 / n), 0.975, 20), "Keras' momentum"),
            "share replaced": ((left, lambda n, share: (1 - share) ** (1 / n), 0.975, 20), "or replaced"),
            "too slow": ((left, momentum_for, 0.995, 20), "it held in"),
            "modest": ((left, momentum_for, 0.9, 12), "bolder"),
            "1.0": ((left, momentum_for, 1.0, 20), "below 1"),
        },
    ),
    "04.3": Cases(
        right={
            "weights": (fold,),
            "probing": (fold_by_probing,),
            "functional": (fold_functional,),
        },
        wrong={
            "epsilon": ((lambda model: fold(model, without="epsilon"),), "under the root"),
            "bias of the dense layer": ((lambda model: fold(model, without="bias"),), "own bias"),
            "mean": ((lambda model: fold(model, without="mean"),), "moving mean"),
            "beta": ((lambda model: fold(model, without="beta"),), "beta"),
            "norm kept": ((lambda model: fold(model, keeps=True),), "are left"),
            "in place": ((lambda model: fold(model, in_place=True),), "has changed"),
            "the model itself": ((lambda model: model,), "are left"),
        },
    ),
    "04.4": Cases(
        right={
            "two losses": (diagnose,),
            "accuracy, and weights put back": (by_accuracy,),
            "ratios": (by_ratio,),
        },
        slow={"two losses", "accuracy, and weights put back", "ratios"},
        wrong={
            "moves the averages": ((spoils,), "not the same"),
            "validation alone": ((by_validation,), "are right"),
            "always one": ((lambda model, data: "overfitted",), "3 of 9"),
            "another word": ((lambda model, data: "ill",), "returns"),
        },
    ),
    "04.5": Cases(
        right={
            "batch size": (SIGMOID, replace(SIGMOID, batch_size=50)),
            "larger batches": (SIGMOID, replace(SIGMOID, batch_size=100)),
            "more units": (replace(SIGMOID, width=48), replace(SIGMOID, width=48, batch_size=50)),
        },
        slow={"batch size", "larger batches", "more units"},
        wrong={
            "two fields": ((SIGMOID, replace(SIGMOID, batch_size=50, epochs=5)), "batch_size, epochs"),
            "no field": ((SIGMOID, SIGMOID), "in nothing"),
            "the wrong way round": (
                (replace(RELU, batch_size=100, learning_rate=0.01), replace(RELU, batch_size=100)),
                "new seeds",
            ),
            "nothing learned": (
                (replace(SIGMOID, epochs=1, learning_rate=1e-5), replace(SIGMOID, epochs=1, learning_rate=2e-5)),
                "guessing",
            ),
            "too long": ((SIGMOID, replace(SIGMOID, epochs=100)), "at most 10"),
        },
    ),
}
