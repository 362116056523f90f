"""`fit_together`: several networks of one architecture trained at the same time, for little more than the price of one.

The S networks share one graph. All their weights are one matrix with a row for each network, so that the optimizer
updates them in one operation, and the graph computes their forward and backward passes side by side. Each keeps its own
starting weights, its own dropout masks and its own order of batches, and ends where `fit` would have brought it.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from course_utils.data import Dataset
from course_utils.training.epochs import TensorSets, batch_orders, create_variables
from course_utils.training.fitting import fit
from course_utils.training.stack import SeedStack
from course_utils.validation import check_integer

__all__ = ["fit_together", "graph_signature"]

# Optimizers that update every number on its own, so that stacking the weights of several models changes nothing.
ELEMENTWISE_OPTIMIZERS = ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "AdamW", "Adamax", "Nadam")


def fit_together(
    models: Sequence[keras.Model],
    data: Dataset,
    *,
    epochs: int,
    batch_size: int = 32,
    shuffle: bool = True,
    seeds: Sequence[int] | None = None,
    rates: Sequence[float] | None = None,
) -> list[keras.callbacks.History]:
    """Train models of the same architecture side by side; each as `fit(model, data, …, seed=seed)` would.

    Models are trained one after the other if their optimizer looks at all weights at once or treats some differently
    (clipping by norm, weight decay), if weights have constraints, if their optimizers stand at different steps, or if
    they have a `train_step` of their own.

    Parameters
    ----------
    models : sequence of keras.Model
        Compiled alike, same layers; they differ in their weights. Trained in place, optimizer state included.
    data : Dataset
    epochs, batch_size : int
        At least 1.
    shuffle : bool
        Draw a new order of the training rows for every epoch, each model its own.
    seeds : sequence of int, optional
        Of those orders, one per model; 0, 1, 2, … by default.
    rates : sequence of float, optional
        Learning rate of each epoch, for all models; by default that of their optimizers.

    Returns
    -------
    list of keras.callbacks.History
        One per model, in their order.

    Raises
    ------
    ValueError
        If the models differ in more than their weights, or the number of seeds or rates does not fit.
    """
    models = list(models)
    epochs = check_integer("epochs", epochs, at_least=1)
    batch_size = check_integer("batch_size", batch_size, at_least=1)
    seeds = list(range(len(models))) if seeds is None else list(seeds)
    _check(models, data, seeds, rates, epochs)
    if len(models) > 1 and _can_be_stacked(models):
        orders = [batch_orders(len(data.x_train), shuffle=shuffle, seed=seed) for seed in seeds]
        sets = TensorSets.of(data)
        key, stack = _take_stack(models, sets)
        histories = stack.fit(models, sets, orders, epochs=epochs, batch_size=batch_size, rates=rates)
        _keep_stack(key, stack)
        return histories
    schedule = [keras.callbacks.LearningRateScheduler(lambda epoch: float(rates[epoch]))] if rates is not None else []
    return [
        fit(model, data, epochs=epochs, batch_size=batch_size, callbacks=schedule, shuffle=shuffle, seed=seed)
        for model, seed in zip(models, seeds, strict=True)
    ]


def _check(
    models: list[keras.Model], data: Dataset, seeds: list[int], rates: Sequence[float] | None, epochs: int
) -> None:
    if not models:
        raise ValueError("models is empty: pass at least one compiled model.")
    if len(seeds) != len(models):
        raise ValueError(f"{len(seeds)} seeds for {len(models)} models: pass one seed for each model.")
    if rates is not None and len(rates) < epochs:
        raise ValueError(f"{len(rates)} learning rates for {epochs} epochs: pass one rate for each epoch.")
    for model in models:
        if not getattr(model, "compiled", False):
            raise ValueError("A model is not compiled. Call model.compile(optimizer=…, loss=…) before training it.")
        if not model.built:
            create_variables(model, tf.constant(data.x_train[:2]), tf.constant(data.y_train[:2]))
        if _signature(model) != _signature(models[0]):
            raise ValueError(
                "The models differ in more than their weights. Build and compile them all with the same settings, "
                "and train other architectures with a call of their own."
            )


def _signature(model: keras.Model) -> tuple:
    """What must be equal for two models to be trained together: everything but names and random seeds."""
    return *graph_signature(model), float(model.optimizer.learning_rate)


def graph_signature(model: keras.Model) -> tuple:
    """What must be equal for two models to share a graph: in which the learning rate is a variable."""
    layers = [(type(layer), str(_nameless(layer.get_config()))) for layer in model.layers]
    compiled = str(_nameless(model.get_compile_config() or {}))
    loss = model.loss if callable(model.loss) and not isinstance(model.loss, keras.losses.Loss) else None
    return tuple(layers), str([weight.shape for weight in model.weights]), type(model.optimizer), compiled, loss


def _nameless(config: object) -> object:
    """A configuration without the entries in which equal models differ."""
    if isinstance(config, dict):
        ignored = ["name", "seed", "kernel_initializer", "bias_initializer"]
        if isinstance(config.get("learning_rate"), float):  # not a schedule, which is part of the graph
            ignored.append("learning_rate")
        return {key: _nameless(value) for key, value in config.items() if key not in ignored}
    return [_nameless(value) for value in config] if isinstance(config, (list, tuple)) else config


def _can_be_stacked(models: list[keras.Model]) -> bool:
    model, optimizer = models[0], models[0].optimizer
    looks_at_all = (optimizer.clipnorm, optimizer.global_clipnorm, optimizer.use_ema, optimizer.loss_scale_factor)
    spares_some = (optimizer.weight_decay, any(variable.constraint for variable in model.trainable_variables))
    has_own_step = type(model).train_step not in (keras.Model.train_step, keras.Sequential.train_step)
    is_elementwise = type(optimizer).__name__ in ELEMENTWISE_OPTIMIZERS and not any((*looks_at_all, *spares_some))
    fits_one_matrix = {variable.dtype for variable in model.trainable_variables} == {"float32"}
    at_the_same_step = len({int(model.optimizer.iterations.numpy()) for model in models}) == 1
    return is_elementwise and fits_one_matrix and at_the_same_step and not has_own_step and not model.run_eagerly


# Stacks that were used last, by what they depend on: training the same architecture again needs no new graph.
_kept_stacks: dict[tuple, SeedStack] = {}
MOST_STACKS, MOST_NUMBERS = 10, 2_000_000


def _take_stack(models: list[keras.Model], sets: TensorSets) -> tuple[tuple | None, SeedStack]:
    """The key under which a stack for these models may be kept, and the stack: one that was kept, or a new one."""
    model = models[0]
    # A graph is only as good as its key: code of one's own may change without a change of name.
    own_code = ("'class_name': 'function'", "__lambda__", "Custom>")
    signature = graph_signature(model)
    is_plain = all(type(part).__module__.startswith("keras.") for part in (*model.layers, model.optimizer))
    is_known = type(model) is keras.Sequential and is_plain and not any(word in str(signature) for word in own_code)
    is_known = is_known and signature[-1] is None and len(models) * model.count_params() <= MOST_NUMBERS
    key = (len(models), signature, str([(part.shape[1:], part.dtype) for part in sets.train])) if is_known else None
    stack = _kept_stacks.pop(key, None)  # nobody else gets it meanwhile
    return key, stack or SeedStack(model, len(models), sets)


def _keep_stack(key: tuple | None, stack: SeedStack) -> None:
    if key is not None:
        _kept_stacks[key] = stack
        while len(_kept_stacks) > MOST_STACKS:
            _kept_stacks.pop(next(iter(_kept_stacks)))
