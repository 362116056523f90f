"""A whole epoch as one TensorFlow graph, and the training that runs it again and again.

`model.fit` builds a new input pipeline for every epoch and for every validation, and returns to Python after every
batch. On small data that takes far longer than the arithmetic. Here one epoch over tensors in memory is one TensorFlow
graph that calls the model's own `train_step`, so that everything compiled into the model counts: optimizer, loss,
metrics, regularizers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from course_utils.data import Dataset
from course_utils.validation import check_choice, check_integer

__all__ = ["CompiledEpoch", "TensorSets", "batch_orders", "train_epochs"]

VALIDATION_BATCH = 2048  # rows; the batch size of a validation changes its speed and memory, not its result


class TensorSets(NamedTuple):
    """Training and validation set in memory, each as tensors of inputs and targets."""

    train: tuple[tf.Tensor, tf.Tensor]
    valid: tuple[tf.Tensor, tf.Tensor]

    @classmethod
    def of(cls, data: Dataset) -> TensorSets:
        """The sets of `data`."""
        train = tf.constant(data.x_train), tf.constant(data.y_train)
        return cls(train, (tf.constant(data.x_valid), tf.constant(data.y_valid)))


class CompiledEpoch:
    """The two graphs of a compiled model on one data set: an epoch of training, and a validation.

    They are traced at their first call, which takes longer than training a small network does. Whoever trains the same
    architecture again can keep this object and give `model` and its optimizer new starting values instead.

    Attributes
    ----------
    model : keras.Model
    sets : TensorSets
        What is trained and validated on. Others of the same shapes, with any number of rows, may take their place.
    """

    def __init__(self, model: keras.Model, data: Dataset | TensorSets) -> None:
        if not getattr(model, "compiled", False):
            raise ValueError("The model is not compiled. Call model.compile(optimizer=…, loss=…) before training it.")
        self.model = model
        self.sets = data if isinstance(data, TensorSets) else TensorSets.of(data)
        create_variables(model, *self.sets.train)
        on_one_device(model.optimizer)
        self._train_graph, self._valid_graph = self._train_all, self._validate_all
        if not model.run_eagerly:
            rows = [tf.TensorSpec((None, *some.shape[1:]), some.dtype) for some in self.sets.train]
            order, batch = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.int32)
            # Without autograph, as in model.fit: nothing here is written for it, and tracing is quicker.
            # TensorFlow warns of a method that it traces for many objects; it does not for a `partial` of each.
            graph = partial(tf.function, autograph=False)
            self._train_graph = graph(partial(self._train_all), input_signature=[*rows, order, batch])
            self._valid_graph = graph(partial(self._validate_all), input_signature=[*rows, batch])
        self._names: dict[str, list[str]] = {}

    @property
    def has_validation(self) -> bool:
        """Whether there are validation rows."""
        return len(self.sets.valid[0]) > 0

    def train(self, order: np.ndarray, batch_size: int) -> dict[str, float]:
        """Train one epoch over the rows named by `order`, shape (rows,), and return the metrics by name."""
        with without_graph_optimizer():
            values = self._train_graph(*self.sets.train, tf.constant(order, tf.int32), tf.constant(batch_size))
        return self._by_name("train", values)

    def validate(self, batch_size: int) -> dict[str, float]:
        """Return the metrics of the validation set by name, without training."""
        batch_size = max(batch_size, VALIDATION_BATCH)
        with without_graph_optimizer():
            values = self._valid_graph(*self.sets.valid, tf.constant(batch_size))
        return self._by_name("valid", values)

    def _train_all(self, x: tf.Tensor, y: tf.Tensor, order: tf.Tensor, batch_size: tf.Tensor) -> list[tf.Tensor]:
        def step(start: tf.Tensor) -> tuple[tf.Tensor]:
            rows = order[start : start + batch_size]  # (batch,), fewer at the end
            self.model.train_step((tf.gather(x, rows), tf.gather(y, rows)))
            return (start + batch_size,)

        self.model.reset_metrics()
        tf.while_loop(lambda start: start < tf.size(order), step, [tf.constant(0)])
        return self._results("train")

    def _validate_all(self, x: tf.Tensor, y: tf.Tensor, batch_size: tf.Tensor) -> list[tf.Tensor]:
        def step(start: tf.Tensor) -> tuple[tf.Tensor]:
            self.model.test_step((x[start : start + batch_size], y[start : start + batch_size]))
            return (start + batch_size,)

        self.model.reset_metrics()
        tf.while_loop(lambda start: start < tf.shape(x)[0], step, [tf.constant(0)])
        return self._results("valid")

    def _results(self, part: str) -> list[tf.Tensor]:
        results = self.model.get_metrics_result()
        self._names[part] = list(results)
        return [tf.convert_to_tensor(value) for value in results.values()]

    def _by_name(self, part: str, values: list[tf.Tensor]) -> dict[str, float]:
        return {name: as_python(value.numpy()) for name, value in zip(self._names[part], values, strict=True)}


def create_variables(model: keras.Model, x: tf.Tensor, y: tf.Tensor) -> None:
    """Create all variables of a compiled model before tracing: a graph that creates some is traced twice."""
    model.test_step((x[:2], y[:2]))
    model.reset_metrics()
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def on_one_device(optimizer: keras.optimizers.Optimizer) -> None:
    """Let an optimizer leave out the sum of its gradients over all devices, for there is one.

    There is no public way. TensorFlow registers that sum as a custom gradient for ever, and with it the graph in which
    it stands: some megabytes for every model trained (`test_fifty_models_leave_no_memory_behind` guards this). A Keras
    without such a method would train all the same.
    """
    optimizer._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables


@contextlib.contextmanager
def without_graph_optimizer() -> Iterator[None]:
    """Run graphs as they were traced: on networks of this size, TensorFlow's graph optimizer costs more than it saves.

    It takes about 0.2 s of each graph's first call, and changes nothing in the time of the later ones.
    """
    options = tf.config.optimizer
    before = options.get_experimental_options().get("disable_meta_optimizer", False)
    options.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        options.set_experimental_options({"disable_meta_optimizer": before})


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
    hooks = keras.callbacks.CallbackList([*callbacks, history], model=model, epochs=epochs, verbose=0)
    model.stop_training = False
    hooks.on_train_begin()
    logs: dict[str, float] = {}
    for epoch, order in zip(range(epochs), orders, strict=False):
        hooks.on_epoch_begin(epoch)
        logs = graphs.train(order, batch_size)
        if graphs.has_validation:
            hooks.on_test_begin()
            validation = graphs.validate(batch_size)
            hooks.on_test_end(validation)
            logs = {**logs, **{f"val_{name}": value for name, value in validation.items()}}
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_weights)  # for moving averages of the weights
    hooks.on_train_end(logs)
    return history
