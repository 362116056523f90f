"""When a graph may be kept for the next model: `graph_key` says everything that it depends on, or that nobody can.

What is known stands in a list here. Everything else, code of one's own above all, may change without a change of name,
and its graph is traced anew for every model.
"""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Hashable

import keras

from course_utils.training.epochs import TensorSets

__all__ = ["ELEMENTWISE_OPTIMIZERS", "graph_key"]


def _named(module: types.ModuleType, names: str) -> frozenset[type]:
    return frozenset(getattr(module, name) for name in names.split())


# Layers whose configuration, activation and variables say all about them, and that treat each row on its own.
LAYERS = _named(
    keras.layers,
    "InputLayer Dense Dropout BatchNormalization LayerNormalization Activation ReLU Flatten Reshape Rescaling "
    "GaussianNoise Conv2D MaxPooling2D AveragePooling2D GlobalAveragePooling2D GlobalMaxPooling2D",
)
# Losses and metrics that are means over rows. Their attributes say all about them; their configuration does not.
LOSSES = _named(
    keras.losses,
    "MeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredLogarithmicError Huber LogCosh Poisson "
    "KLDivergence BinaryCrossentropy CategoricalCrossentropy SparseCategoricalCrossentropy Hinge SquaredHinge "
    "CategoricalHinge",
)
METRICS = _named(
    keras.metrics,
    "Mean MeanMetricWrapper MeanSquaredError RootMeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError "
    "MeanSquaredLogarithmicError LogCoshError Poisson KLDivergence BinaryCrossentropy CategoricalCrossentropy "
    "SparseCategoricalCrossentropy BinaryAccuracy CategoricalAccuracy SparseCategoricalAccuracy "
    "TopKCategoricalAccuracy SparseTopKCategoricalAccuracy Hinge SquaredHinge CategoricalHinge",
)
LOSS_FUNCTIONS = frozenset(loss().fn for loss in LOSSES)
METRIC_FUNCTIONS = frozenset(
    getattr(keras.metrics, f"{name}_accuracy")
    for name in ("binary", "categorical", "sparse_categorical", "top_k_categorical", "sparse_top_k_categorical")
)
RULES = _named(keras.regularizers, "L1 L2 L1L2") | _named(keras.constraints, "MaxNorm MinMaxNorm NonNeg UnitNorm")
SCHEDULES = _named(
    keras.optimizers.schedules,
    "CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay PolynomialDecay",
)
ACTIVATIONS = frozenset(value for value in vars(keras.activations).values() if isinstance(value, types.FunctionType))
FUNCTIONS = LOSS_FUNCTIONS | METRIC_FUNCTIONS | ACTIVATIONS
# Optimizers that update every number on its own, and those that look at a whole variable at once.
ELEMENTWISE_OPTIMIZERS = _named(keras.optimizers, "SGD RMSprop Adagrad Adadelta Adam AdamW Adamax Nadam")
OPTIMIZERS = ELEMENTWISE_OPTIMIZERS | _named(keras.optimizers, "Ftrl Lion Adafactor")


# What differs between equal parts: names, and how variables start.
NAMES = ("name", "seed", "kernel_initializer", "bias_initializer")
NAMES += ("beta_initializer", "gamma_initializer", "moving_mean_initializer", "moving_variance_initializer")
STEPS = ("train_step", "test_step", "compute_loss", "compute_metrics", "get_metrics_result", "call")


class _Unknown(Exception):  # noqa: N818  # no error: it ends the description of a model
    """Raised at what is not in the lists above."""


def graph_key(model: keras.Model, sets: TensorSets) -> Hashable | None:
    """Everything that the graphs of a compiled and built model depend on, but for its variables; None if unknown.

    A model that has a key is plain: its loss and its metrics are means over rows, and nothing in it is code of its
    user. The values of variables are no part of the key: weights, averages, random seeds, the learning rate.
    """
    try:
        return _model(model), tuple((tuple(part.shape[1:]), part.dtype.name) for pair in sets for part in pair)
    except _Unknown:
        return None


def _model(model: keras.Model) -> tuple:
    is_patched = any(name in vars(part) for part in (model, *model.layers) for name in STEPS)
    if type(model) is not keras.Sequential or not model.built or model.run_eagerly or is_patched:
        raise _Unknown
    places = {id(variable): place for place, variable in enumerate(model.variables)}  # of those that layers share
    return (
        tuple(map(_layer, model.layers)),
        tuple((places[id(variable)], *_variable(variable)) for variable in model.variables),
        _loss(model),
        tuple(map(_metric, model.metrics)),
        _optimizer(model.optimizer),
        (model.dtype_policy.name, keras.config.floatx(), keras.config.epsilon()),
    )


def _config(get_config: Callable[[], dict]) -> dict:
    """A configuration, without Keras' warning of lambdas: nothing is stored here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return get_config()
        except Exception as error:  # of whatever kind: Keras cannot write it down
            raise _Unknown from error


def _layer(layer: keras.Layer) -> tuple:
    # Keras 3.8 sums an activity regularizer over the batch: then the loss is no mean over rows.
    is_regularized = layer.activity_regularizer is not None
    if type(layer) not in LAYERS or is_regularized or getattr(layer, "quantization_mode", None) is not None:
        raise _Unknown
    activation = _value(getattr(layer, "activation", None))  # in the configuration, it is but a name
    config = {name: value for name, value in _config(layer.get_config).items() if name not in (*NAMES, "activation")}
    return type(layer), _value(config), activation


def _variable(variable: keras.Variable) -> tuple:
    rules = _value(variable.regularizer), _value(variable.constraint)
    return tuple(variable.shape), variable.dtype, variable.trainable, *rules


def _loss(model: keras.Model) -> Hashable:
    loss = keras.losses.get(model.loss) if isinstance(model.loss, str) else model.loss
    if isinstance(loss, types.FunctionType):
        function, options = loss, {}
    elif type(loss) in LOSSES and loss.reduction == "sum_over_batch_size":
        function, options = vars(loss)["fn"], vars(loss)["_fn_kwargs"]
    else:
        raise _Unknown
    is_mean = options.get("ignore_class") is None and options.get("axis", -1) == -1
    if function not in LOSS_FUNCTIONS or not is_mean or _config(model.get_compile_config)["loss_weights"] is not None:
        raise _Unknown
    return function if function is loss else _attributes(loss, without=("name",))


def _metric(metric: keras.metrics.Metric) -> tuple:
    together = getattr(metric, "metrics", None)
    if together is not None and type(metric).__module__.startswith("keras."):  # Keras' own holder of the compiled ones
        return tuple(map(_metric, together))
    function, options = (vars(metric).get(name) for name in ("_fn", "_fn_kwargs"))
    is_known = type(metric) in METRICS and (function is None or function in LOSS_FUNCTIONS | METRIC_FUNCTIONS)
    if not is_known or (options or {}).get("axis", -1) != -1:
        raise _Unknown
    return _attributes(metric, without=("total", "count", "_variables", "_metrics", "_tracker"))


def _optimizer(optimizer: keras.optimizers.Optimizer) -> tuple:
    spares_some = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")
    if type(optimizer) not in OPTIMIZERS or any(vars(optimizer).get(name) for name in spares_some):
        raise _Unknown
    rate = vars(optimizer)["_learning_rate"]  # without the underscore, a schedule would give its present value
    schedule = None if isinstance(rate, keras.Variable) else _value(rate)
    config = {
        name: value for name, value in _config(optimizer.get_config).items() if name not in ("name", "learning_rate")
    }
    return type(optimizer), _value(config), schedule


def _attributes(thing: object, without: tuple[str, ...] = ()) -> tuple:
    return type(thing), _value({name: value for name, value in vars(thing).items() if name not in without})


def _value(value: object) -> Hashable:
    """A setting, told so that equal ones are equal, and 1, 1.0 and True are not."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return type(value), value
    if isinstance(value, (list, tuple)):
        return tuple(map(_value, value))
    if isinstance(value, dict):
        is_own = "class_name" in value and not str(value.get("module")).startswith("keras")
        if is_own or value.get("registered_name"):
            raise _Unknown
        return tuple((name, _value(part)) for name, part in value.items())
    if type(value) is keras.dtype_policies.DTypePolicy:
        return value.name
    if type(value) in RULES | SCHEDULES:
        return _attributes(value, without=("name",))
    if isinstance(value, types.FunctionType) and value in FUNCTIONS:
        return value
    raise _Unknown
