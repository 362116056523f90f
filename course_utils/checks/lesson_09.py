"""Checks of the exercises of lesson 09, transfer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from course_utils.checks import bases_09 as bases
from course_utils.checks.bases_09 import SIX, TOLERANCE, below, check_new_head, numbers_of, quietly
from course_utils.checks.fine_tuning_09 import check_fine_tune
from course_utils.checks.functions import Mistake, compare
from course_utils.checks.hidden import hidden_rng
from course_utils.checks.rates_09 import check_rates
from course_utils.checks.verdict import NotYet, Wrong, graded

__all__ = ["CHECKS"]


def _rows(rng: np.random.Generator, inputs: int = 5) -> np.ndarray:
    return rng.normal(size=(20, inputs)).astype("float32")


def _is_missing(answer: object) -> bool:
    return answer is None or answer is ...


def _check_function(function: object, signature: str) -> None:
    if not callable(function):
        raise Wrong(f"{signature.partition('(')[0]} is {function!r}, no function.", f"Write it as: def {signature}:")


@graded(of=2, praise="The base keeps what it knows, and only the new head learns.")
@quietly
def new_head(with_new_head: Callable) -> None:
    """Exercise 09.1: freeze a base, leave its head out, add a new one."""
    _check_function(with_new_head, "with_new_head(base, classes)")
    rng = hidden_rng("09.1")
    for make, classes in ((bases.plain, 2), (bases.with_norm, 3), (bases.plain, 3), (bases.with_norm, 9)):
        base, x = make(rng), _rows(rng)
        features, before, layers = below(base, x, len(base.layers) - 1), numbers_of(base), list(base.layers)
        model = with_new_head(base, classes)
        if _is_missing(model):
            raise NotYet
        if base.layers != layers:
            raise Wrong("The base has lost or gained a layer. Can it still answer?", "Use base.layers[:-1], not pop().")
        if not np.array_equal(numbers_of(base), before):
            raise Wrong("The base's weights have changed. Who changed them?", "Only set trainable; train nothing.")
        old = layers[-1].get_weights()
        check_new_head(model, "with_new_head", features, old, x, classes, rng)


@graded(of=2, praise="In inference mode a picture always has the same features, so once is enough.")
@quietly
def features_once(features: Callable, join: Callable) -> None:
    """Exercise 09.2: features in inference mode, and base and head joined again."""
    _check_function(features, "features(base, x, kept)")
    _check_function(join, "join(base, head, kept)")
    rng = hidden_rng("09.2")
    cases, heads = [], {}
    # Without dropout first: there, batch norm in training mode is a mistake that can be recognized.
    for dropout, kept in ((0.0, 2), (0.0, 3), (0.0, 1), (0.0, 5), (0.5, 4), (0.5, 5)):
        case = bases.six_wide(rng, dropout), _rows(rng, SIX), kept
        head = bases.bump(keras.Sequential([keras.Input((SIX,)), keras.layers.Dense(3)]), rng)
        cases.append(case)
        heads[id(case[0])] = head
    before = {id(base): base.get_weights() for base, *_ in cases}

    def restored(base: keras.Model, x: np.ndarray, kept: int) -> object:
        found = features(base, x.copy(), kept)
        changed = any(not np.array_equal(a, b) for a, b in zip(base.get_weights(), before[id(base)], strict=True))
        if changed and not _is_missing(found):
            base.set_weights(before[id(base)])
            raise Wrong(
                "Computing features has changed the base: batch norm's averages moved. In which mode was it called?",
                "Inference: training=False, or layer(x) outside of fit.",
            )
        return found

    compare(
        restored,
        below,
        cases,
        name="features",
        mistakes=[
            Mistake(
                lambda base, x, kept: below(base, x, kept + 1),
                "That is one layer too many.",
                "base.layers[:kept] are the first `kept` layers.",
            ),
            Mistake(lambda base, x, kept: below(base, x, kept - 1), "That is one layer too few.", "base.layers[:kept]"),
            Mistake(
                lambda base, x, kept: below(base, x, len(base.layers)),
                "These are the logits of the whole base. Where do the first layers end?",
                "Only base.layers[:kept].",
            ),
            Mistake(
                lambda base, x, kept: below(base, x, len(base.layers) - 1),
                "All layers but the head, whatever `kept` says.",
                "Only base.layers[:kept].",
            ),
        ],
        hint="Are batch norm and dropout in inference mode? Are the rows in order?",
        more="Send x through base.layers[:kept], one layer after the other, without training=True.",
        tolerance=TOLERANCE,
    )

    def answered(base: keras.Model, x: np.ndarray, kept: int) -> object:
        model = join(base, heads[id(base)], kept)
        if _is_missing(model):
            return None
        if not isinstance(model, keras.Model):
            raise Wrong(f"join returns {type(model).__name__}, no network.", "Return a keras.Sequential.", points=1)
        return np.asarray(model(x, training=False))

    def through(base: keras.Model, x: np.ndarray, kept: int) -> np.ndarray:
        return np.asarray(heads[id(base)](below(base, x, kept)))

    compare(
        answered,
        through,
        cases,
        name="join",
        mistakes=[
            Mistake(lambda base, x, kept: through(base, x, 0), "Where is the base?", "First base.layers[:kept]."),
            Mistake(
                lambda base, x, kept: through(base, x, len(base.layers)),
                "The head stands on the whole base. What did it stand on in training?",
                "On the first `kept` layers.",
            ),
            Mistake(
                lambda base, x, kept: through(base, x, len(base.layers) - 1),
                "All layers but the base's head, whatever `kept` says.",
                "On the first `kept` layers.",
            ),
        ],
        hint="It must answer as head(features(base, x, kept)) does: with this base's and this head's weights.",
        more="keras.Sequential of base.layers[:kept] and the layers of head.",
        tolerance=TOLERANCE,
        points=1,
    )


@graded(of=2, praise="Just these layers learn, batch norm stays as it is, and the new optimizer knows it.")
@quietly
def unfreeze(fine_tune: Callable) -> None:
    """Exercise 09.3: unfreeze the last layers, keep batch norm frozen, compile again."""
    check_fine_tune(fine_tune)


@graded(of=2, praise="Validation rows choose, test rows judge, and each seed is compared with itself.")
@quietly
def own_rates(own: Callable, gain: Callable) -> None:
    """Exercise 09.4: each start at its own rate, and the gain in pairs."""
    check_rates(own, gain)


@graded(of=2, praise="Every seed starts from the same file, and none of them changes the base of another.")
@quietly
def from_file(keep: Callable, fresh: Callable) -> None:
    """Exercise 09.5: `keep(base, folder)` and `fresh(folder, classes)`; two folders are written before one is read."""
    _check_function(keep, "keep(base, folder)")
    _check_function(fresh, "fresh(folder, classes)")
    rng = hidden_rng("09.5")
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        packs = []
        for folder, make in ((first, bases.plain), (second, bases.with_norm)):
            base = make(rng)
            free, before = len(base.trainable_weights), numbers_of(base)
            keep(base, folder)
            x = _rows(rng)
            packs.append((folder, base, free, x, below(base, x, len(base.layers) - 1), base.layers[-1].get_weights()))
            if len(base.trainable_weights) != free or not np.array_equal(numbers_of(base), before):
                raise Wrong("keep has changed the base. Should saving do that?", "Freeze what was loaded, in fresh.")
        networks = [fresh(pack[0], 2) for pack in packs]
        if all(map(_is_missing, networks)):
            raise NotYet
        if not all(any(Path(pack[0]).rglob("*")) for pack in packs):
            raise Wrong("The folder is empty after keep.", 'base.save(f"{folder}/base.keras")')
        for (folder, base, free, x, features, old), network in zip(packs, networks, strict=True):
            check_new_head(network, "fresh", features, old, x, 2, rng)
            other = fresh(folder, 6)
            for weight in network.weights:
                weight.assign(0 * weight)  # as if training had spoilt it
            if not len(base.trainable_weights) == free or not np.any(numbers_of(base)):
                raise Wrong(
                    "This network shares layers with the base in memory. Was it loaded?",
                    "keras.models.load_model, in every call of fresh.",
                )
            try:
                check_new_head(other, "fresh", features, old, x, 6, rng)
            except Wrong as wrong:
                if np.any(numbers_of(other)[: -(features.shape[1] + 1) * 6]):
                    raise
                raise Wrong(
                    "Two networks of one folder share their layers: if one learns, the other changes.",
                    "Load the file in every call of fresh.",
                ) from wrong


CHECKS = (new_head, features_once, unfreeze, own_rates, from_file)
