"""Whether models differ in more than their weights, judged by the objects themselves, whatever they are made of.

For the models of one call only: nothing is kept by it, unlike by `alike.graph_key`.
"""

from __future__ import annotations

import contextlib
import functools
import re
import types
import warnings

import keras
import numpy as np
import tensorflow as tf

from course_utils.training.alike import NAMES

__all__ = ["likeness"]

HOUSEKEEPING = (
    "_tracker",
    "_variables",
    "_metrics",
    "_build_shapes_dict",
    "_self_unconditional_checkpoint_dependencies",
)


def likeness(model: keras.Model) -> tuple:
    """What is equal for compiled models that differ in their weights, names and random seeds alone.

    Losses, metrics, activations and layers of one's own are compared by their classes and attributes, and functions
    that were made by the same code by what they have closed over.
    """
    metrics, seen = [], set()
    for metric in model.metrics:
        metrics += getattr(metric, "metrics", [metric])  # those that were compiled stand in one of Keras' own
    return (
        _network(model, seen),
        _value(model.loss, seen),
        # Keras counts on in the names of what it names by itself.
        [(re.sub(r"_\d+$", "", metric.name), _object(metric, seen)) for metric in metrics],
        None if model.optimizer is None else _optimizer(model.optimizer, seen),
        model.run_eagerly,
    )


def _optimizer(optimizer: keras.optimizers.Optimizer, seen: set[int]) -> tuple:
    """Its options, what it spares from decay, and its learning rate or its schedule."""
    options = {name: value for name, value in vars(optimizer).items() if not name.startswith("_")}
    rate = vars(optimizer)["_learning_rate"]
    return (
        _class(type(optimizer), seen),
        _value(options, seen),
        str(vars(optimizer).get("_exclude_from_weight_decay_pattern")),
        float(rate) if isinstance(rate, keras.Variable) else _value(rate, seen),
    )


def _network(model: keras.Model, seen: set[int]) -> tuple:
    """Layers, and how they are wired."""
    wiring = None
    # A subclass that cannot be written down is known by its layers alone.
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a lambda, which could not be loaded: nothing is saved here
        config = model.get_config()
        wiring = _renamed(config, {name: place for place, name in enumerate(_names(config))}, seen)
    return _class(type(model), seen), wiring, _layers(model, seen)


def _layers(model: keras.Model, seen: set[int]) -> list:
    variables = [_value(variable, seen) for variable in model.variables]
    return [variables, *(_object(layer, seen) for layer in model.layers)]


def _names(config: object) -> list[str]:
    """All names in a configuration, in their order."""
    if isinstance(config, dict):
        own = [config["name"]] if isinstance(config.get("name"), str) else []
        return [*own, *_names(list(config.values()))]
    return [name for part in config for name in _names(part)] if isinstance(config, (list, tuple)) else []


def _renamed(config: object, names: dict[str, int], seen: set[int]) -> object:
    """A configuration with the places of the layers in place of their names."""
    if isinstance(config, dict):
        return {key: _renamed(value, names, seen) for key, value in config.items() if key not in NAMES}
    if isinstance(config, (list, tuple)):
        return [_renamed(value, names, seen) for value in config]
    return names.get(config, config) if isinstance(config, str) else _value(config, seen)


def _value(value: object, seen: set[int]) -> object:
    """Something that is equal for equal values."""
    for kinds, told in TOLD.items():
        if isinstance(value, kinds):
            return told(value, seen)
    return _object(value, seen)


def _variable(variable: keras.Variable, seen: set[int]) -> object:
    rules = _value(variable.regularizer, seen), _value(variable.constraint, seen)
    return tuple(variable.shape), variable.dtype, variable.trainable, rules


def _array(value: np.ndarray | tf.Tensor | tf.Variable, seen: set[int]) -> object:
    array = np.asarray(value)
    return array.shape, str(array.dtype), array.tobytes()


def _function(function: object, seen: set[int]) -> object:
    if isinstance(function, functools.partial):
        return [_value(part, seen) for part in (function.func, function.args, function.keywords)]
    if isinstance(function, types.MethodType):
        return function.__name__, _value(function.__self__, seen)
    if id(function) in seen:
        return "again"
    seen.add(id(function))
    closed_over = []
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # not filled yet
            closed_over.append(cell.cell_contents)
    return function.__code__, _value(closed_over, seen), _value(function.__defaults__, seen)


def _class(kind: type, seen: set[int]) -> object:
    """A class; one of the caller's own by its code, for it may stand in a function that is called for every model."""
    if kind.__module__.startswith(("keras.", "builtins", "numpy", "tensorflow")):
        return kind
    if id(kind) in seen:
        return kind.__qualname__
    seen.add(id(kind))
    methods = {name: part for name, part in vars(kind).items() if isinstance(part, types.FunctionType)}
    return kind.__qualname__, _value(methods, seen), [_class(base, seen) for base in kind.__bases__]


def _object(thing: object, seen: set[int]) -> object:
    """Its class, and its attributes but for Keras' own housekeeping."""
    if id(thing) in seen:
        return "again"
    seen.add(id(thing))
    if isinstance(thing, keras.Model):
        return _network(thing, seen)
    own = {name: part for name, part in getattr(thing, "__dict__", {}).items() if name not in NAMES}
    if isinstance(thing, keras.Layer):
        own = {name: part for name, part in own.items() if _tells(thing, name, part)}
    return _class(type(thing), seen), {
        name: _value(part, seen) for name, part in own.items() if name not in HOUSEKEEPING
    }


def _tells(layer: keras.Layer, name: str, value: object) -> bool:
    """Whether an attribute says something that the layer's configuration and variables do not."""
    if callable(value) or isinstance(value, (np.ndarray, tf.Tensor, tf.Variable)):
        return name not in ("build", "quantize")  # which Keras wraps
    return not type(layer).__module__.startswith("keras.") and name not in _of_any_layer()


@functools.cache
def _of_any_layer() -> frozenset[str]:
    return frozenset(vars(keras.layers.Layer()))


TOLD = {
    (type(None), bool, int, float, str, bytes, type(...)): lambda value, seen: (type(value), value),
    (keras.Variable,): _variable,
    (np.ndarray, np.generic, tf.Tensor, tf.Variable): _array,
    (dict,): lambda value, seen: {key: _value(part, seen) for key, part in value.items() if key not in NAMES},
    (list, tuple): lambda value, seen: [_value(part, seen) for part in value],
    (type,): _class,
    (types.FunctionType, types.MethodType, functools.partial): _function,
}
