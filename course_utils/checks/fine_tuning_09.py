"""Check of exercise 09.3: which layers learn in fine-tuning, and whether `compile` knows of it."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from course_utils.checks.bases_09 import is_norm, plain, with_norm
from course_utils.checks.hidden import hidden_rng
from course_utils.checks.verdict import NotYet, Wrong

__all__ = ["check_fine_tune"]

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def check_fine_tune(fine_tune: Callable) -> None:
    """Return if `fine_tune` unfreezes the right layers, whatever was frozen before, and one update changes just these.

    Raises
    ------
    Wrong
        If it does not.
    """
    if not callable(fine_tune):
        raise Wrong(f"fine_tune is {fine_tune!r}, not a function.", "Write it as: def fine_tune(model, k, rate):")
    rng = hidden_rng("09.3")
    for k in (1, 2, 3, 2):
        for make in (plain, with_norm):
            for frozen in (True, False):  # what it was before must not matter
                model = make(rng)
                model.trainable = True
                for layer in model.layers:
                    layer.trainable = not frozen
                rate = float(rng.uniform(1e-4, 1e-3))
                _check_layers(_tuned(fine_tune, model, k, rate), k)
                _check_compiled(model, rate)
    _check_update(fine_tune, rng)


def _tuned(fine_tune: Callable, model: keras.Model, k: int, rate: float) -> keras.Model:
    found = fine_tune(model, k, rate)
    if found is None or found is ...:
        if not model.compiled:
            raise NotYet
        raise Wrong("fine_tune returns nothing.", "End it with: return model")
    if found is not model:
        raise Wrong("fine_tune returns something else than this model.", "End it with: return model")
    return model


def _check_layers(model: keras.Model, k: int) -> None:
    if not model.trainable:
        raise Wrong(
            "The model as a whole is frozen: nothing in it can learn, whatever its layers say.",
            "Set trainable of its layers, one by one; if you froze the model, thaw it first.",
        )
    heavy = [layer for layer in model.layers if layer.weights]
    free = {id(weight) for weight in model.trainable_weights}  # none at all, if the model as a whole is frozen
    learns = [any(id(weight) in free for weight in layer.weights) for layer in heavy]
    if any(one for one, layer in zip(learns, heavy, strict=True) if is_norm(layer)):
        raise Wrong(
            f"With k={k}, a BatchNormalization can learn. What would small batches do to its averages?",
            "Test each layer: isinstance(layer, keras.layers.BatchNormalization).",
        )
    learns = [one for one, layer in zip(learns, heavy, strict=True) if not is_norm(layer)]
    n = len(learns)
    if learns == [i >= n - k for i in range(n)]:
        return
    if learns == [i < k for i in range(n)]:
        raise Wrong(f"With k={k}, the first layers learn. Where do the general features stand?", "Count from the end.")
    if sum(learns) < k:
        raise Wrong(
            f"With k={k}, only {sum(learns)} layers with weights can learn. Which layers did you count?",
            "Count only layers that have weights and are no BatchNormalization.",
        )
    raise Wrong(
        f"With k={k}, {sum(learns)} layers can learn: {', '.join('yes' if one else 'no' for one in learns)}, from "
        "the first to the head. Are all others frozen, whatever they were before?",
        "Set trainable to True or False for every layer. If the model itself was frozen, thaw it first.",
    )


def _check_compiled(model: keras.Model, rate: float) -> None:
    if not model.compiled:
        raise Wrong("The model is not compiled. When does a change of trainable count?", "Compile it at the end.")
    found = float(np.asarray(model.optimizer.learning_rate))
    if not np.isclose(found, rate, rtol=1e-3):
        raise Wrong(f"The optimizer's rate is {found:.3g}, not {rate:.3g}.", "keras.optimizers.Adam(rate)")


def _check_update(fine_tune: Callable, rng: np.random.Generator) -> None:
    """One update of a model whose head has learned before: the layers that were frozen then must learn now."""
    model, x, y = plain(rng), rng.normal(size=(8, 5)).astype("float32"), rng.integers(0, 3, size=8)
    for layer in model.layers[:-1]:
        layer.trainable = False
    rate = 1e-3
    # Eagerly: it need not be traced for one update. The same rate, so that only a missing `compile` shows.
    model.compile(keras.optimizers.Adam(rate), loss=LOSS, run_eagerly=True)
    model.train_on_batch(x, y)
    old = model.optimizer
    _check_layers(_tuned(fine_tune, model, 2, rate), 2)
    if model.optimizer is old:
        raise Wrong(
            "It still has the optimizer of before, which knows only the head. What makes the change count?",
            "Compile again in fine_tune, with a new optimizer.",
        )
    _check_compiled(model, rate)
    wanted = float(LOSS(y, model(x)))
    before = [[np.array(w) for w in layer.weights] for layer in model.layers]
    found = float(np.ravel(model.train_on_batch(x, y))[0])
    if not np.isclose(found, wanted, rtol=1e-3):
        raise Wrong(
            f"The loss is {found:.3g}; the cross-entropy of these logits is {wanted:.3g}.",
            "keras.losses.SparseCategoricalCrossentropy(from_logits=True): the head has no softmax.",
        )
    moved = [
        any(np.any(np.array(w) != b) for w, b in zip(layer.weights, olds, strict=True))
        for layer, olds in zip(model.layers, before, strict=True)
    ]
    if moved != [False, True, True]:
        raise Wrong("One update with k=2 does not change just the last two layers.", "Set trainable, then compile.")
