"""`fit_alike`: train one network after the other, and trace a graph only where the architecture is new.

In a search with cross-validation every candidate is trained once per fold. These networks differ in nothing but their
rows, and tracing takes about as long as training a small network does.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator, Sequence

import keras
from tensorflow.python.eager import context  # as keras.utils.clear_session does; there is no public way

from course_utils.training import CompiledEpoch, TensorSets, batch_orders, train_epochs
from course_utils.training.together import graph_signature

__all__ = ["fit_alike"]

# Graphs that were used last, by what they depend on.
_kept_graphs: dict[tuple, CompiledEpoch] = {}
FEWEST_GRAPHS, MOST_GRAPHS = 3, 10  # some megabytes each
MOST_NUMBERS = 1_000_000  # weights of a network that is kept


def fit_alike(
    build: Callable[[], keras.Model],
    sets: TensorSets,
    *,
    epochs: int,
    batch_size: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    seed: int = 0,
) -> tuple[keras.Model, keras.callbacks.History]:
    """Train `build()` as `training.fit` would, with the graphs of the last network of the same architecture.

    Parameters
    ----------
    build : callable
        Returns a compiled and built network, at every call the same one. It is called twice for a new architecture:
        the second network stays with the graphs, and the first one is nobody's but the caller's.
    sets : TensorSets
        Training and validation rows; without validation rows, no validation takes place.
    epochs, batch_size, callbacks, seed
        As in `training.fit`. The callbacks see the network that stays with the graphs.

    Returns
    -------
    model : keras.Model
        Trained, its optimizer included, as if it had been trained itself.
    history : keras.callbacks.History
    """
    model = build()
    key = _key(model, sets)
    graphs = _kept_graphs.pop(key, None)  # nobody else gets it meanwhile
    if graphs is None:
        graphs = CompiledEpoch(model if key is None else build(), sets)
    if graphs.model is not model:
        graphs.sets = sets
        model.optimizer.build(model.trainable_variables)
        for kept, own in _variables(graphs.model, model):
            kept.assign(own)
    orders = batch_orders(len(sets.train[0]), seed=seed)
    history = train_epochs(graphs, orders, epochs=epochs, batch_size=batch_size, callbacks=callbacks)
    if graphs.model is not model:
        for kept, own in _variables(graphs.model, model):
            own.assign(kept)
        history.set_model(model)
        model.history = history
        graphs.sets = None  # or every kept graph would keep a data set in memory
        _kept_graphs[key] = graphs
        if len(_kept_graphs) > MOST_GRAPHS:
            _let_go()
    return model, history


def _let_go() -> None:
    """Free the graphs that were not used for longest: many at once, for Python takes its time to find them."""
    while len(_kept_graphs) > FEWEST_GRAPHS:
        _kept_graphs.pop(next(iter(_kept_graphs)))
    gc.collect()
    context.context().clear_kernel_cache()


def _key(model: keras.Model, sets: TensorSets) -> tuple | None:
    """What a graph depends on, or None if that cannot be told: code of one's own may change without its name."""
    is_plain = type(model) is keras.Sequential and model.compiled and not model.run_eagerly
    if not is_plain or model.count_params() > MOST_NUMBERS:
        return None
    parts = [*map(type, model.layers), *(layer.activation for layer in model.layers if hasattr(layer, "activation"))]
    if not all(part.__module__.startswith("keras.") for part in parts if part is not None):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a lambda, which could not be loaded: nothing is saved here
        try:
            configs = [*(layer.get_config() for layer in model.layers), model.get_compile_config() or {}]
        except Exception:  # of whatever kind: Keras cannot write it down
            return None
        known = all(map(_is_known, configs))
        return (graph_signature(model), str([(part.shape[1:], part.dtype) for part in sets.train])) if known else None


def _is_known(config: object) -> bool:
    """Whether a configuration names nothing but parts of Keras: no class or function of one's own, and no lambda."""
    if isinstance(config, dict):
        is_own = "class_name" in config and not str(config.get("module")).startswith("keras")
        return not is_own and not config.get("registered_name") and all(map(_is_known, config.values()))
    return not callable(config) and (not isinstance(config, (list, tuple)) or all(map(_is_known, config)))


def _variables(*models: keras.Model) -> Iterator[tuple[keras.Variable, ...]]:
    """Weights, moving statistics, random seeds and optimizer states of models of the same architecture."""
    yield from zip(*(model.trainable_variables for model in models), strict=True)
    yield from zip(*(model.non_trainable_variables for model in models), strict=True)
    yield from zip(*(model.optimizer.variables for model in models), strict=True)
