"""S networks of one architecture as one matrix of weights, and the graphs that train them side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from course_utils.training.epochs import (
    VALIDATION_BATCH,
    TensorSets,
    as_python,
    create_variables,
    on_one_device,
)
from course_utils.training.tracing import TracedGraph, handles

__all__ = ["SeedStack"]


class SeedStack:
    """S models as variables with a leading seed axis, and the graphs that train them.

    The weights of a model are a row of one matrix, one after the other in the order of its `trainable_variables`. The
    template is a model like them: inside a `keras.StatelessScope` it computes with the weights of one row in the place
    of its own. It is needed for tracing alone, which happens at the first epoch and at the first validation.

    Attributes
    ----------
    outputs : tf.Tensor or None
        While `fit` runs, what the models gave for all validation rows after the last epoch, shape (S, rows, …).
    """

    def __init__(self, template: keras.Model, n: int, sets: TensorSets) -> None:
        self.template, self.n = template, n
        create_variables(template, sets)
        self.shapes = [tuple(variable.shape) for variable in template.trainable_variables]
        self.sizes = [int(np.prod(shape)) for shape in self.shapes]
        self.weights = keras.Variable(np.zeros((n, sum(self.sizes)), "float32"))
        self.state = [
            keras.Variable(np.zeros((n, *variable.shape)), dtype=variable.dtype, trainable=False)
            for variable in template.non_trainable_variables
        ]
        self.optimizer = _copy(template.optimizer)
        self.optimizer.build([self.weights])
        self.parts = _optimizer_parts(template.optimizer, len(self.shapes))
        # As in `TracedGraph`: no autograph, and a `partial` for each object.
        graph = partial(tf.function, autograph=False)
        # Traced once and used S times. The gradient is part of it: differentiating a call of a graph takes longer.
        self._train_one_graph = graph(partial(self._train_one))
        self._validate_one_graph = graph(partial(self._one, training=False))
        self._metrics_graph = graph(partial(self._metrics_of_one))
        self._graphs: dict[str, TracedGraph] = {}
        train, valid = ([tf.TensorSpec((None, *some.shape[1:]), some.dtype) for some in pair] for pair in sets)
        order, batch = tf.TensorSpec((n, None), tf.int32), tf.TensorSpec((), tf.int32)
        self._signatures = {"train": [*train, batch, order], "valid": [*valid, batch]}
        self._names: list[str] = []
        self.outputs: tf.Tensor | None = None

    def fit(
        self,
        models: list[keras.Model],
        sets: TensorSets,
        orders: list[Iterator[np.ndarray]],
        *,
        epochs: int,
        batch_size: int,
        rates: Sequence[float] | None = None,
        on_epoch: Callable[[list[dict[str, float]]], bool] | None = None,
    ) -> list[keras.callbacks.History]:
        """Train `models`, each on the rows of its own order; see `training.together.fit_together`.

        Parameters
        ----------
        models : list of keras.Model
            They begin where they are and hold at the end what was trained; their variables have the shapes and the
            order of the template's.
        on_epoch : callable, optional
            Given the metrics of each model after every epoch; returns whether to go on.
        """
        create_variables(models[0], sets)
        self._stack(models)
        try:
            return self._train(models, sets, orders, epochs, batch_size, rates, on_epoch)
        finally:  # interrupted or not
            self._unstack(models)
            self.outputs = None

    def _train(
        self,
        models: list[keras.Model],
        sets: TensorSets,
        orders: list[Iterator[np.ndarray]],
        epochs: int,
        batch_size: int,
        rates: Sequence[float] | None,
        on_epoch: Callable[[list[dict[str, float]]], bool] | None,
    ) -> list[keras.callbacks.History]:
        metrics = handles(models[0].metrics_variables)  # to reckon with
        histories = [keras.callbacks.History() for _ in models]
        for model, history in zip(models, histories, strict=True):
            history.set_model(model)
            history.on_train_begin()
        batch, valid_batch = (
            tf.constant(min(size, max(1, len(x))))
            for size, (x, _) in zip((batch_size, max(batch_size, VALIDATION_BATCH)), sets, strict=True)
        )
        for epoch in range(epochs):
            if rates is not None:
                self.optimizer.learning_rate = float(rates[epoch])
            order = tf.constant(np.stack([next(order) for order in orders]), tf.int32)  # (S, rows)
            logs = self._run("train", metrics, *sets.train, batch, order)
            if len(sets.valid[0]):
                validation = self._run("valid", metrics, *sets.valid, valid_batch)
                logs |= {f"val_{name}": values for name, values in validation.items()}
            if rates is not None:
                logs["learning_rate"] = np.full(self.n, rates[epoch])
            each = [{name: as_python(values[s]) for name, values in logs.items()} for s in range(self.n)]
            for history, own in zip(histories, each, strict=True):
                history.on_epoch_end(epoch, own)
            if on_epoch is not None and not on_epoch(each):
                break
        for model, history in zip(models, histories, strict=True):
            model.history = history
        return histories

    def trace(self) -> None:
        """Trace both graphs, which the first epoch and the first validation would do otherwise."""
        for part in ("train", "valid"):
            self._graph(part)

    def _graph(self, part: str) -> TracedGraph:
        if part not in self._graphs:
            function = self._train_all if part == "train" else self._validate_all
            with on_one_device(self.optimizer):
                self._graphs[part] = TracedGraph(
                    function, self._signatures[part], variables=lambda: self.template.metrics_variables
                )
        return self._graphs[part]

    def _run(self, part: str, metrics: list[tf.Tensor], *inputs: tf.Tensor) -> dict[str, np.ndarray]:
        """Metrics by name, each of shape (S, …)."""
        values = self._graph(part)(*inputs, variables=metrics)
        if part == "valid":
            *values, self.outputs = values
        return {name: value.numpy() for name, value in zip(self._names, values, strict=True)}

    def _train_all(self, x: tf.Tensor, y: tf.Tensor, batch_size: tf.Tensor, order: tf.Tensor) -> list[tf.Tensor]:
        def train(start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            batch = order[:, start : start + batch_size]  # (S, batch)
            results = [
                self._train_one_graph(*own, tf.gather(x, batch[s]), tf.gather(y, batch[s]))
                for s, own in enumerate(self._values())
            ]
            predicted, losses, states, gradients = zip(*results, strict=True)
            self.optimizer.apply([tf.stack(gradients)], [self.weights])
            for variable, *new in zip(self.state, *states, strict=True):
                variable.assign(tf.stack(new))
            return tf.stack(predicted, axis=1), tf.stack(losses)

        predicted, losses = self._all_batches(train, tf.shape(order)[1], batch_size)
        return self._metrics(tf.gather(y, order), predicted, losses)

    def _validate_all(self, x: tf.Tensor, y: tf.Tensor, batch_size: tf.Tensor) -> list[tf.Tensor]:
        values = self._values()

        def validate(start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            some = slice(start, start + batch_size)
            results = [self._validate_one_graph(*own, x[some], y[some]) for own in values]
            predicted, losses, _ = zip(*results, strict=True)
            return tf.stack(predicted, axis=1), tf.stack(losses)

        predicted, losses = self._all_batches(validate, tf.shape(x)[0], batch_size)
        return [*self._metrics(tf.repeat(y[tf.newaxis], self.n, axis=0), predicted, losses), predicted]

    def _values(self) -> list[tuple[tf.Tensor, list[tf.Tensor]]]:
        """Weights, as a row of the matrix, and state of each network, in the order of the template's variables."""
        state = [tf.unstack(variable.value) for variable in self.state]
        return [(row, [variable[s] for variable in state]) for s, row in enumerate(tf.unstack(self.weights.value))]

    def _all_batches(
        self, one_batch: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]], rows: tf.Tensor, batch_size: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Outputs of all rows, shape (S, rows, …), and mean loss over them, shape (S,).

        `one_batch` maps the first row of a batch to its outputs, shape (batch, S, …), and losses, shape (S,).
        """

        def step(start: tf.Tensor, outputs: tf.TensorArray, total: tf.Tensor) -> tuple:
            predicted, losses = one_batch(start)
            total += losses * tf.cast(tf.shape(predicted)[0], tf.float32)
            return start + batch_size, outputs.write(start // batch_size, predicted), total

        outputs = tf.TensorArray(tf.float32, size=(rows - 1) // batch_size + 1, infer_shape=False)
        begin = [tf.constant(0), outputs, tf.zeros(self.n)]
        _, outputs, total = tf.while_loop(lambda start, *_: start < rows, step, begin)
        together = tf.ensure_shape(outputs.concat(), (None, self.n, *self.template.output_shape[1:]))
        return tf.experimental.numpy.swapaxes(together, 0, 1), total / tf.cast(rows, tf.float32)

    def _train_one(self, weights: tf.Tensor, state: list[tf.Tensor], x: tf.Tensor, y: tf.Tensor) -> tuple:
        """Outputs, loss, new state and gradient, shaped like `weights`, of one network on one batch."""
        with tf.GradientTape() as tape:
            tape.watch(weights)
            predicted, loss, state = self._one(weights, state, x, y, training=True)
        return predicted, loss, state, tape.gradient(loss, weights)

    def _one(
        self, weights: tf.Tensor, state: list[tf.Tensor], x: tf.Tensor, y: tf.Tensor, *, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Outputs, loss and new state (moving statistics, random seeds) of one network on one batch."""
        model = self.template
        parts = zip(tf.split(weights, self.sizes), self.shapes, strict=True)
        mapping = [*zip(model.trainable_variables, (tf.reshape(*part) for part in parts), strict=True)]
        mapping += zip(model.non_trainable_variables, state, strict=True)
        # With the losses of the call, or activity regularizers would count for nothing.
        with keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
            predicted = model(x, training=training)
            loss = model.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=None, training=training)
        return predicted, loss, [scope.get_current_value(variable) for variable in model.non_trainable_variables]

    def _metrics(self, y: tf.Tensor, predicted: tf.Tensor, losses: tf.Tensor) -> list[tf.Tensor]:
        """Loss and compiled metrics, each of shape (S, …), from all rows of an epoch."""
        results = [self._metrics_graph(y[s], predicted[s], losses[s]) for s in range(self.n)]
        return [tf.stack(values) for values in zip(*results, strict=True)]

    def _metrics_of_one(self, y: tf.Tensor, predicted: tf.Tensor, loss: tf.Tensor) -> list[tf.Tensor]:
        self.template.reset_metrics()
        values = {**self.template.compute_metrics(None, y, predicted), "loss": loss}
        self._names = list(values)
        return [tf.convert_to_tensor(value) for value in values.values()]

    def _stack(self, models: list[keras.Model]) -> None:
        """Take over the weights and the optimizer states of the models."""
        for model in models:
            model.optimizer.build(model.trainable_variables)
        for shared, owns in self._variables(models):
            rows = [np.concatenate([own.numpy().ravel() for own in row]) for row in owns]
            shared.assign(np.reshape(rows if len(shared.shape) else rows[0], shared.shape))

    def _unstack(self, models: list[keras.Model]) -> None:
        """Give every model the weights and the optimizer state it would have had on its own."""
        for shared, owns in self._variables(models):
            rows = np.broadcast_to(shared.numpy(), (self.n, *shared.shape[1:])).reshape(self.n, -1)
            for row, variables in zip(rows, owns, strict=True):
                ends = np.cumsum([int(np.prod(own.shape)) for own in variables])
                for own, values in zip(variables, np.split(row, ends[:-1]), strict=True):
                    own.assign(values.reshape(own.shape))

    def _variables(self, models: list[keras.Model]) -> Iterator[tuple[keras.Variable, list[list[keras.Variable]]]]:
        """Each shared variable with its counterparts: for each model, those that one row of it is made of."""
        yield self.weights, [model.trainable_variables for model in models]
        for i, shared in enumerate(self.state):
            yield shared, [[model.non_trainable_variables[i]] for model in models]
        for shared, places in zip(self.optimizer.variables, self.parts, strict=True):
            yield shared, [[model.optimizer.variables[place] for place in places] for model in models]


def _copy(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    return type(optimizer).from_config(optimizer.get_config())


def _optimizer_parts(optimizer: keras.optimizers.Optimizer, n: int) -> list[list[int]]:
    """Where an optimizer of n weights keeps what one of a single weight keeps in its first, second, … variable.

    Found by building it for weights of the lengths 1 … n: so the length of a variable says whose it is. A variable
    without a length (the step, the learning rate) is there once for all.
    """
    built = []
    for lengths in ([1], range(1, n + 1)):
        built.append(_copy(optimizer))
        built[-1].build([keras.Variable(np.zeros(length)) for length in lengths])
    alone, together = ([tuple(variable.shape) for variable in one.variables] for one in built)
    of_each: dict[tuple, list[int]] = {}
    for place, shape in enumerate(together):
        of_each.setdefault(shape, []).append(place)
    scalars = iter(of_each.get((), []))
    slots = zip(*(of_each.get((length,), []) for length in range(1, n + 1)), strict=True)
    return [list(next(slots)) if shape else [next(scalars)] for shape in alone]
