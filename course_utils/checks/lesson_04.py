"""Checks of the exercises of lesson 04, batch normalization."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import keras
import numpy as np

from course_utils.checks.averages import CAUSES, gaps, patient_data, patients
from course_utils.checks.functions import Mistake, compare
from course_utils.checks.hidden import fresh_seeds, hidden_rng
from course_utils.checks.normalizing import forward
from course_utils.checks.pictures import small_pictures
from course_utils.checks.promises import TRIALS, points_of, promised, valid_losses
from course_utils.checks.verdict import NotYet, Wrong, graded
from course_utils.experiment import Settings

__all__ = ["CHECKS"]

# In 100 of 100 calibration seeds the gap was below -0.04 with momentum 0.9, and below 0.07 with 0.975; in 20 of 20 it
# was above 0.47 with 0.99.
MOST_GAP = 0.2


@graded(of=2, praise="The averages forget as they should, and at this momentum they keep up with the network.")
def memory(left: Callable, momentum_for: Callable, momentum: float, promise: int) -> str:
    """Exercise 04.2: how much of the start is left in the moving averages, and whether they keep up."""
    rng = hidden_rng("04.2")
    cases = [(0.9, 20), (0.99, 120)] + [(float(rng.uniform(0.5, 0.999)), int(rng.integers(1, 500))) for _ in range(50)]
    compare(
        left,
        lambda momentum, updates: momentum**updates,
        cases,
        name="left",
        mistakes=[
            Mistake(
                lambda momentum, updates: 1 - momentum**updates,
                "That is what was replaced. What is left?",
                "Each batch leaves the share `momentum` of what was there before.",
            ),
            Mistake(
                lambda momentum, updates: (1 - momentum) ** updates,
                "Which share does one batch replace, and which one does it leave?",
                "With momentum 0.99, a batch replaces 1 % and leaves 99 %.",
            ),
            Mistake(
                lambda momentum, updates: max(0, 1 - updates * (1 - momentum)),
                "Does each batch take the same share of the start?",
                "It takes 1 % of what is left by then: multiply, do not subtract.",
            ),
        ],
        hint="With momentum 0.9, one batch leaves 0.9 of the start. And two?",
        more="Two leave 0.9 * 0.9.",
        tolerance=1e-9,
    )
    compare(
        momentum_for,
        lambda updates, share: share ** (1 / updates),
        [(20, 0.05), (120, 0.05)] + [(updates, float(rng.uniform(0.001, 0.9))) for _, updates in cases[2:]],
        name="momentum_for",
        mistakes=[
            Mistake(
                lambda updates, share: 1 - share ** (1 / updates),
                "Is that Keras' momentum?",
                "Keras' momentum is what a batch leaves; PyTorch's is what it replaces.",
            ),
            Mistake(
                lambda updates, share: 1 - (1 - share) / updates,
                "Does each batch take the same share of the start?",
                "Solve momentum ** updates = share.",
            ),
            Mistake(
                lambda updates, share: (1 - share) ** (1 / updates),
                "Is `share` left, or replaced?",
                "It is left: solve momentum ** updates = share.",
            ),
        ],
        hint="Solve left(momentum, updates) = share for the momentum.",
        more="It is a root: the one of which number?",
        points=0.5,
    )
    momentum, promise = float(momentum), promised(promise)
    if not 0 <= momentum < 1:
        raise Wrong(f"momentum={momentum:g}: from 0 to below 1.", "What does momentum_for(120, 0.05) give?", points=1)
    found = gaps(momentum, seeds=fresh_seeds(TRIALS, exercise="04.2"))
    held = int(np.sum(found <= MOST_GAP))
    try:
        return points_of(promise, held, of=1)
    except Wrong as wrong:
        raise Wrong(wrong.hint, wrong.more, points=1 + wrong.points) from None


@graded(
    of=2, praise="The same outputs with fewer layers: in inference batch norm is linear, so a dense layer can hold it."
)
def folded(fold: Callable) -> None:
    """Exercise 04.3: fold the batch norm of a trained network into its dense layers."""
    rng = hidden_rng("04.3")
    for case, (depth, has_bias) in enumerate([(1, False), (2, False), (2, True), (3, True)]):
        model = _normalized(rng, depth=depth, has_bias=has_bias)
        x = rng.normal(size=(50, 6)).astype("float32")
        before, wanted = model.get_weights(), np.asarray(model(x, training=False))
        found = fold(model)
        if found is None or found is ...:
            raise NotYet
        if not isinstance(found, keras.Model):
            raise Wrong(f"fold returns {type(found).__name__}.", "Return a keras.Sequential.")
        if any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)):
            raise Wrong("The model that was passed has changed.", "Make new layers, and set the weights of those.")
        norms = [one for one in found._flatten_layers() if isinstance(one, keras.layers.BatchNormalization)]
        if norms:
            raise Wrong(f"{len(norms)} layers of batch norm are left.", "Leave them out of the new network.")
        outputs = np.asarray(found(x, training=False))
        if outputs.shape != wanted.shape:
            raise Wrong(
                f"Outputs of shape {outputs.shape}, not {wanted.shape}. Is a layer missing?",
                "Each dense layer and each activation comes again; the last dense layer has no batch norm.",
            )
        if not np.allclose(outputs, wanted, rtol=1e-3, atol=1e-3 * float(np.abs(wanted).max())):
            raise Wrong(*_why_not(model, outputs, x, has_bias=has_bias and case > 1))


def _normalized(rng: np.random.Generator, *, depth: int, has_bias: bool) -> keras.Sequential:
    """A network as if it were trained: blocks of dense, batch norm and activation, and a dense layer at the end."""
    layers = [keras.Input((6,))]
    for _ in range(depth):
        layers += [keras.layers.Dense(5, use_bias=has_bias), keras.layers.BatchNormalization()]
        layers.append(keras.layers.Activation("relu"))
    model = keras.Sequential([*layers, keras.layers.Dense(3)])
    for variable in model.variables:
        low = 0.05 if variable.name in ("moving_variance", "gamma") else -1.0
        if variable.dtype == "float32":
            variable.assign(rng.uniform(low, 1.5, size=variable.shape))
    return model


def _why_not(model: keras.Sequential, outputs: np.ndarray, x: np.ndarray, *, has_bias: bool) -> tuple[str, str]:
    """Which mistake explains the outputs of a folded network, as (hint, more)."""
    ways = {
        "epsilon": ("Nearly. What else stands under the root?", "norm.epsilon, added to the variance."),
        "bias": (
            "Right without a bias in the dense layer. What does batch norm do with the dense layer's own bias?",
            "It subtracts the mean and scales: so the bias is (bias - mean) * scale + beta.",
        ),
        "beta": ("Where is beta?", "It is added at the end: to the new bias."),
        "mean": ("Where is the moving mean?", "The new bias is (old bias - mean) * scale + beta."),
        "root": ("Divided by the variance, or by the deviation?", "By its root: scale = gamma / sqrt(variance + ε)."),
        "gamma": ("Where is gamma?", "scale = gamma / sqrt(variance + ε) multiplies weights and bias."),
    }
    for name, hints in ways.items():
        if (name != "bias" or has_bias) and np.allclose(
            outputs, _outputs(model, x, without=name), rtol=1e-3, atol=1e-3
        ):
            return hints
    return (
        "The outputs in inference differ from those of the model. Try one unit with numbers by hand.",
        "scale = gamma / sqrt(variance + ε); weights * scale; bias = (old bias - mean) * scale + beta.",
    )


def _outputs(model: keras.Sequential, x: np.ndarray, *, without: str) -> np.ndarray:
    """Outputs in inference if one part of batch norm is left out."""
    values, layers = x, model.layers
    for i, layer in enumerate(layers):
        if isinstance(layer, keras.layers.Dense):
            weights = [np.asarray(one) for one in layer.get_weights()]
            is_normalized = i + 1 < len(layers) and isinstance(layers[i + 1], keras.layers.BatchNormalization)
            has_bias = len(weights) > 1 and not (without == "bias" and is_normalized)
            values = values @ weights[0] + (weights[1] if has_bias else 0)
        elif isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = map(np.asarray, layer.get_weights())
            variance = variance + (0 if without == "epsilon" else layer.epsilon)
            scale = (1 if without == "gamma" else gamma) / (variance if without == "root" else np.sqrt(variance))
            values = (values - (0 if without == "mean" else mean)) * scale + (0 if without == "beta" else beta)
        else:
            values = np.maximum(values, 0)
    return values


@graded(of=2, praise="Two measurements on the training rows tell the causes apart, and change nothing.")
def diagnosed(diagnose: Callable) -> str:
    """Exercise 04.4: tell overfitting, slow averages and tiny batches apart by measuring."""
    # In 30 networks of each cause the training loss in inference was at most 0.01, 0.82 to 1.14 and 1.86 to 2.28; with
    # the batch's own statistics at most 0.01, 0.16 to 0.27 and 1.81 to 2.10: no measurement comes near the next.
    data, answers = patient_data(), []
    for cause in CAUSES:
        for model in patients(cause, seeds=fresh_seeds(3, exercise=f"04.4 {cause}")):
            before = model.get_weights()
            answers.append((cause, diagnose(model, data)))
            if any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)):
                raise Wrong(
                    "The patient is not the same after your diagnosis. Which measurement changed it?",
                    "model(x, training=True) moves the averages. Measure on a copy: keras.models.clone_model, "
                    "then set_weights.",
                )
    if all(found is None or found is ... for _, found in answers):
        raise NotYet
    odd = next((found for _, found in answers if found not in CAUSES), None)
    if odd is not None:
        raise Wrong(f"diagnose returns {str(odd)[:40]!r}.", f"Choose from {', '.join(map(repr, CAUSES))}.")
    right = sum(cause == found for cause, found in answers)
    if right >= 8:
        return f"{right} of 9 new networks."
    cause = max(CAUSES, key=lambda one: sum(one == true and true != found for true, found in answers))
    hints = {
        "overfitted": "Which loss is low here, and which one high?",
        "slow averages": "What do the training rows say in inference, and what with the batch's own mean and variance?",
        "tiny batches": "Are even the training rows bad, in both modes?",
    }
    taken = next(found for true, found in answers if true == cause and found != true)
    raise Wrong(
        f"{right} of 9 are right. You take {cause!r} for {taken!r}. {hints[cause]}",
        "Measure three losses of many networks: training rows in inference, training rows with training=True, "
        "validation rows. Then put the thresholds between the causes.",
    )


MOST = {"width": 64, "depth": 4, "epochs": 10}
# With four sigmoid layers, rate 0.01 and 8 epochs, batch norm ended lower in 94 of 100 seeds with batches of
# 10 (median -0.34 nats, deviation 0.2), and in 0 of 100 with batches of 50: so the mean of five seeds decides. Its
# sign is wrong in about 3 of 10,000 gradings (normal approximation); a count of four of five would fail in 1 of 25.
SEEDS, MOST_LOSS = 5, 10.0  # a loss beyond that has diverged
GUESSING = math.log(10)


@graded(of=2, praise="One field decides whether batch norm helps: a sentence about it needs its conditions.")
def minimal_pair(helps: Settings, hurts: Settings) -> str:
    """Exercise 04.5: two settings that differ in one field; batch norm helps in one and hurts in the other."""
    if not (isinstance(helps, Settings) and isinstance(hurts, Settings)):
        raise Wrong("Both are Settings.", 'For instance Settings(depth=2, activation="relu", epochs=5).')
    fields = [field.name for field in dataclasses.fields(Settings) if field.name not in ("seed", "batch_norm")]
    changed = [name for name in fields if getattr(helps, name) != getattr(hurts, name)]
    if len(changed) != 1:
        words = f"in {', '.join(changed)}" if changed else "in nothing"
        raise Wrong(
            f"The two differ {words}. Which one field decides?", "Start from one of them, and change one field."
        )
    for one in (helps, hurts):
        for name, most in MOST.items():
            if getattr(one, name) > most:
                raise Wrong(f"{name}={getattr(one, name)}: at most {most}, please.", "So that the check takes seconds.")
    seeds, data, lower, gain = fresh_seeds(SEEDS, exercise="04.5"), small_pictures(n_train=500), {}, {}
    for name, one in (("helps", helps), ("hurts", hurts)):
        plain, normed = (
            valid_losses(dataclasses.replace(one, batch_norm=norm), data, seeds=seeds) for norm in (False, True)
        )
        if min(np.median(plain), np.median(normed)) > GUESSING - 0.1:
            raise Wrong(
                f"{name}: with and without batch norm, it does not do better than guessing (2.30 nats).",
                "Nothing was learned yet, so nothing can be compared: another rate, or more epochs.",
            )
        lower[name] = int(np.sum(normed < plain))
        gain[name] = float(np.mean(np.minimum(plain, MOST_LOSS) - np.minimum(normed, MOST_LOSS)))
    told = (
        f"Of {SEEDS} new seeds, batch norm ends lower in {lower['helps']} for helps, and in {lower['hurts']} for hurts."
    )
    if not gain["helps"] > 0 > gain["hurts"]:
        raise Wrong(
            f"{told} Wanted: a lower mean for helps, a higher one for hurts.",
            "It gains most where a plain network cannot train: a high rate, many sigmoid layers. It loses most where "
            "its averages lag: how many updates are there? Measure with repeat, on five seeds.",
        )
    return told


CHECKS = (forward, memory, folded, diagnosed, minimal_pair)
