"""`fit_together`: several networks of one architecture trained at the same time, for little more than the price of one.

The S networks share one graph. All their weights are one matrix with a row for each network, so that the optimizer
updates them in one operation, and the graph computes their forward and backward passes side by side. Each keeps its own
starting weights, its own dropout masks and its own order of batches, and ends where `fit` would have brought it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import keras

from course_utils.data import Dataset
from course_utils.training.alike import ELEMENTWISE_OPTIMIZERS, graph_key
from course_utils.training.cache import GRAPHS, bytes_of
from course_utils.training.epochs import TensorSets, batch_orders, check_compiled, create_variables
from course_utils.training.fitting import fit_tensors
from course_utils.training.likeness import likeness
from course_utils.training.stack import SeedStack
from course_utils.validation import check_integer

__all__ = ["fit_together"]


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

    Models are trained one after the other where the numbers would not be the same otherwise: if there is anything in
    them that `alike.graph_key` does not know, such as code of your own or weights that are spared from decay; if their
    optimizer looks at all weights at once (clipping by norm); if weights have constraints; or if their optimizers stand
    at different steps.

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
    sets = TensorSets.of(data)
    _check(models, sets, seeds, rates, epochs)
    key = _stack_key(models, sets) if len(models) > 1 else None
    if key is not None:
        orders = [batch_orders(len(data.x_train), shuffle=shuffle, seed=seed) for seed in seeds]
        size = len(models) * bytes_of(models[0].count_params(), len(models[0].layers))
        with GRAPHS.borrow(key, lambda: SeedStack(models[0], len(models), sets), size=size) as stack:
            histories = stack.fit(models, sets, orders, epochs=epochs, batch_size=batch_size, rates=rates)
            stack.template = None  # everything is traced, and the model is nobody's but the caller's
            return histories
    schedule = [keras.callbacks.LearningRateScheduler(lambda epoch: float(rates[epoch]))] if rates is not None else []
    return [
        fit_tensors(model, sets, epochs=epochs, batch_size=batch_size, callbacks=schedule, shuffle=shuffle, seed=seed)
        for model, seed in zip(models, seeds, strict=True)
    ]


def _check(
    models: list[keras.Model], sets: TensorSets, seeds: list[int], rates: Sequence[float] | None, epochs: int
) -> None:
    if not models:
        raise ValueError("models is empty: pass at least one compiled model.")
    if len(seeds) != len(models):
        raise ValueError(f"{len(seeds)} seeds for {len(models)} models: pass one seed for each model.")
    if rates is not None and len(rates) < epochs:
        raise ValueError(f"{len(rates)} learning rates for {epochs} epochs: pass one rate for each epoch.")
    for model in models:
        check_compiled(model)
    if len({id(model) for model in models}) < len(models):
        raise ValueError("models holds the same model twice: build a model of its own for each seed.")
    for model in models:
        create_variables(model, sets)
    if len(models) > 1:
        first, *others = map(likeness, models)
        if any(other != first for other in others):
            raise ValueError(
                "The models differ in more than their weights. Build and compile them all with the same settings, "
                "and train other architectures with a call of their own."
            )


def _stack_key(models: list[keras.Model], sets: TensorSets) -> Hashable | None:
    """What a stack of these models depends on, or None where it would not give the numbers of single `fit`s."""
    keys = {graph_key(model, sets) for model in models}
    key = keys.pop()
    if keys or key is None or not _updates_alike(models):
        return None
    return "together", len(models), key, len(sets.valid[0]) > 0


def _updates_alike(models: list[keras.Model]) -> bool:
    """Whether one matrix of all weights would be updated as each weight of each model is."""
    optimizer, variables = models[0].optimizer, models[0].trainable_variables
    # What a plain optimizer leaves off, and what would look at all weights at once.
    options = [
        "clipnorm",
        "global_clipnorm",
        "use_ema",
        "loss_scale_factor",
        "gradient_accumulation_steps",
    ]
    is_plain = not any(getattr(optimizer, option, None) for option in options)
    precisions = {part.dtype for part in variables} | {part.compute_dtype for part in models[0].layers}
    spares_none = not any(variable.constraint for variable in variables)
    at_the_same_step = len({int(model.optimizer.iterations.numpy()) for model in models}) == 1
    is_elementwise = type(optimizer) in ELEMENTWISE_OPTIMIZERS
    return is_elementwise and is_plain and precisions == {"float32"} and spares_none and at_the_same_step
