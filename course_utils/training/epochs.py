"""A whole epoch as one TensorFlow graph, and the training that runs it again and again.

`model.fit` builds a new input pipeline for every epoch and for every validation, and returns to Python after every
batch. On small data that takes far longer than the arithmetic. Here one epoch over tensors in memory is one TensorFlow
graph that calls the model's own `train_step`, so that everything compiled into the model counts: optimizer, loss,
metrics, regularizers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from course_utils.data import Dataset
from course_utils.training.tracing import TracedGraph, handles
from course_utils.validation import check_choice, check_integer

__all__ = ["CompiledEpoch", "TensorSets", "batch_orders", "train_epochs"]

VALIDATION_BATCH = 2048  # rows at a time where only speed and memory depend on it


class TensorSets(NamedTuple):
    """Training and validation set in memory, each as tensors of inputs and targets."""

    train: tuple[tf.Tensor, tf.Tensor]
    valid: tuple[tf.Tensor, tf.Tensor]

    @classmethod
    def of(cls, data: Dataset) -> TensorSets:
        """The sets of `data`; like `model.fit`, in Keras' precision (float32)."""
        return cls(
            (_tensor(data.x_train), _tensor(data.y_train)),
            (_tensor(data.x_valid), _tensor(data.y_valid)),
        )


def _tensor(values: np.ndarray) -> tf.Tensor:
    tensor = tf.convert_to_tensor(values)
    return tf.cast(tensor, keras.config.floatx()) if tensor.dtype.is_floating else tensor


class CompiledEpoch:
    """The two graphs of a compiled model on one data set: an epoch of training, and a validation.

    They are traced at their first call, which takes longer than training a small network does. Whoever trains the same
    architecture again can hand the `graphs` on to its next model, or give this `model` new starting values.

    Parameters
    ----------
    model : keras.Model
        Compiled.
    data : Dataset or TensorSets
    graphs : dict, optional
        Those of another model with the same `alike.graph_key`; what is missing is traced and put there.
    is_mean : bool
        Whether loss and metrics are means over rows, so that a validation may take more rows at a time than training.

    Attributes
    ----------
    sets : TensorSets
        What is trained and validated on. Others of the same shapes, with any number of rows, may take their place.
    """

    def __init__(
        self,
        model: keras.Model,
        data: Dataset | TensorSets,
        *,
        graphs: dict[str, tuple[TracedGraph, list[str]]] | None = None,
        is_mean: bool = True,
    ) -> None:
        check_compiled(model)
        self.model, self.is_mean = model, is_mean
        self.sets = data if isinstance(data, TensorSets) else TensorSets.of(data)
        create_variables(model, self.sets)
        self.graphs = {} if graphs is None else graphs
        self._handles = handles(_variables(model))
        self._names: list[str] = []

    @property
    def has_validation(self) -> bool:
        """Whether there are validation rows."""
        return len(self.sets.valid[0]) > 0

    def train(self, order: np.ndarray, batch_size: int) -> dict[str, float]:
        """Train one epoch over the rows named by `order`, shape (rows,), and return the metrics by name."""
        batch_size = min(batch_size, max(1, len(order)))
        return self._run("train", *self.sets.train, tf.constant(batch_size), tf.constant(order, tf.int32))

    def validate(self, batch_size: int) -> dict[str, float]:
        """Return the metrics of the validation set by name, without training."""
        rows = max(batch_size, VALIDATION_BATCH) if self.is_mean else batch_size
        x, y = self.sets.valid
        return self._run("valid", x, y, tf.constant(min(rows, max(1, len(x)))))

    def _run(self, part: str, *inputs: tf.Tensor) -> dict[str, float]:
        if self.model.run_eagerly:
            values, names = self._all_batches(part, *inputs), self._names
        else:
            if part not in self.graphs:
                self.graphs[part] = self._trace(part, inputs), self._names
                self._handles = handles(_variables(self.model))  # a `train_step` of one's own may have created some
            graph, names = self.graphs[part]
            values = graph(*inputs, variables=self._handles)
        return {name: as_python(value.numpy()) for name, value in zip(names, values, strict=True)}

    def _trace(self, part: str, inputs: Sequence[tf.Tensor]) -> TracedGraph:
        signature = [tf.TensorSpec((None, *some.shape[1:])[: some.ndim], some.dtype) for some in inputs]
        with on_one_device(self.model.optimizer):
            return TracedGraph(
                lambda *rows: self._all_batches(part, *rows), signature, variables=lambda: _variables(self.model)
            )

    def _all_batches(
        self, part: str, x: tf.Tensor, y: tf.Tensor, batch_size: tf.Tensor, order: tf.Tensor | None = None
    ) -> list[tf.Tensor]:
        """The metrics after a step on each batch of the rows named by `order`; leaves their names in `_names`."""

        def one_batch(start: tf.Tensor) -> dict[str, tf.Tensor]:
            rows = slice(start, start + batch_size)  # fewer at the end
            if order is None:
                return step((x[rows], y[rows]))
            return step((tf.gather(x, order[rows]), tf.gather(y, order[rows])))

        step, is_own = _step(self.model, part)
        self.model.reset_metrics()
        rows = tf.shape(x)[0] if order is None else tf.size(order)
        logs = (_last_of if is_own else _each)(one_batch, rows, batch_size)
        results = self.model.get_metrics_result()
        if is_own and logs is not None and set(logs) != set(results):
            results = logs  # as model.fit does
        self._names = list(results)
        return [tf.convert_to_tensor(value) for value in results.values()]


def _each(one_batch: Callable[[tf.Tensor], object], rows: tf.Tensor, batch_size: tf.Tensor) -> None:
    def step(start: tf.Tensor) -> tuple[tf.Tensor]:
        one_batch(start)
        return (start + batch_size,)

    tf.while_loop(lambda start: start < rows, step, [tf.constant(0)])


def _last_of(
    one_batch: Callable[[tf.Tensor], dict[str, tf.Tensor]], rows: tf.Tensor, batch_size: tf.Tensor
) -> dict[str, tf.Tensor]:
    """As `_each`, and what the last batch returned."""
    if tf.executing_eagerly():
        logs: dict[str, tf.Tensor] = {}
        for start in range(0, int(rows), int(batch_size)):
            logs = one_batch(tf.constant(start))
        return logs
    # Traced beforehand: the loop has to know what a batch returns before the first one is there.
    traced = tf.function(one_batch, autograph=False).get_concrete_function(tf.TensorSpec((), tf.int32))
    specs = tf.nest.map_structure(lambda spec: tf.TensorSpec(spec.shape, spec.dtype), traced.structured_outputs)
    begin = tf.nest.map_structure(lambda spec: tf.zeros([size or 0 for size in spec.shape], spec.dtype), specs)
    _, logs = tf.while_loop(
        lambda start, _: start < rows,
        lambda start, _: (start + batch_size, traced(start)),
        (tf.constant(0), begin),
        shape_invariants=(tf.TensorShape(()), tf.nest.map_structure(lambda spec: spec.shape, specs)),
    )
    return logs


def _step(model: keras.Model, part: str) -> tuple[Callable[..., dict[str, tf.Tensor]], bool]:
    """The model's step of training or validation, and whether it is one of its own."""
    step, name = (model.train_step, "train_step") if part == "train" else (model.test_step, "test_step")
    return step, getattr(step, "__func__", step) is not getattr(keras.Model, name)


def check_compiled(model: keras.Model) -> None:
    """Raise `ValueError` if there is nothing to train by."""
    if not getattr(model, "compiled", False):
        raise ValueError("The model is not compiled. Call model.compile(optimizer=…, loss=…) before training it.")


def create_variables(model: keras.Model, sets: TensorSets) -> None:
    """Create all variables of a compiled model before tracing: a graph that creates some is traced twice.

    The model itself computes nothing, for a step that ran would draw random numbers and move averages.
    """
    if not model.built or not all(getattr(metric, "built", True) for metric in model.metrics):
        _build_metrics(model, *(tf.TensorSpec((None, *some.shape[1:]), some.dtype) for some in sets.train))
    if model.optimizer is not None and not model.optimizer.built and model.built:
        model.optimizer.build(model.trainable_variables)


def _build_metrics(model: keras.Model, x: tf.TensorSpec, y: tf.TensorSpec) -> None:
    """Let the metrics, and the model if need be, find out the shapes that they are for."""
    if type(model) is keras.Sequential and model.built:
        zeros = [tf.zeros([size or 2 for size in some.shape], some.dtype) for some in (y, *model.outputs)]
        model.compute_metrics(None, *zeros)  # the quick way: a tenth of the time of tracing
        model.reset_metrics()
        return
    # A model with steps of its own may be none that can be called; what it needs, it creates by itself.
    has_own_steps = any(_step(model, part)[1] for part in ("train", "valid"))
    with contextlib.suppress(Exception) if has_own_steps else contextlib.nullcontext():
        tf.function(lambda *data: model.test_step(data), autograph=False).get_concrete_function(x, y)


def _variables(model: keras.Model) -> list[keras.Variable]:
    """All that a step reads or writes: weights, averages, random seeds, metrics, and the optimizer's."""
    own = [*model.variables, *model.metrics_variables]
    return own if model.optimizer is None else [*own, *model.optimizer.variables]


@contextlib.contextmanager
def on_one_device(optimizer: keras.optimizers.Optimizer | None) -> Iterator[None]:
    """Trace without the sum of an optimizer's gradients over all devices, for there is one.

    There is no public way. TensorFlow registers that sum as a custom gradient for ever, and with it the graph in which
    it stands: some megabytes for every model trained (`test_fifty_models_leave_no_memory_behind` guards this). A Keras
    without such a method would train all the same.
    """
    if optimizer is None:
        yield
        return
    optimizer._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables
    try:
        yield
    finally:
        del optimizer._all_reduce_sum_gradients


def as_python(value: np.ndarray) -> float | np.ndarray:
    """A metric as `model.fit` stores it: a float, or an array where it has one value per class."""
    return float(value) if np.ndim(value) == 0 else value


def batch_orders(rows: int, *, shuffle: bool = True, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield the order of the training rows, shape (rows,), for one epoch after the other, without end."""
    check_choice("shuffle", shuffle, (True, False))
    rng = np.random.default_rng(check_integer("seed", seed, at_least=0))
    while True:
        yield rng.permutation(rows) if shuffle else np.arange(rows)


def train_epochs(
    graphs: CompiledEpoch,
    orders: Iterable[np.ndarray],
    *,
    epochs: int,
    batch_size: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> keras.callbacks.History:
    """Train epoch by epoch, calling the callbacks in the order in which `model.fit` does."""
    model, history = graphs.model, keras.callbacks.History()
    steps = -(-len(graphs.sets.train[0]) // batch_size)
    hooks = keras.callbacks.CallbackList([*callbacks, history], model=model, epochs=epochs, steps=steps, verbose=0)
    model.stop_training = False
    hooks.on_train_begin()
    logs: dict[str, float] = {}
    begin = getattr(model, "_initial_epoch", None) or 0  # where `BackupAndRestore` goes on; there is no public way
    for epoch, order in zip(range(begin, epochs), islice(orders, begin, None), strict=False):
        hooks.on_epoch_begin(epoch)
        # Whoever stops the training here is obeyed after the first batch, as in model.fit.
        logs = graphs.train(order[:batch_size] if model.stop_training else order, batch_size)
        if graphs.has_validation:
            hooks.on_test_begin()
            validation = graphs.validate(batch_size)
            hooks.on_test_end(validation)
            logs = {**logs, **{f"val_{name}": value for name, value in validation.items()}}
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    if model.optimizer is not None:
        model.optimizer.finalize_variable_values(model.trainable_weights)  # for moving averages of the weights
    hooks.on_train_end(logs)
    return history
