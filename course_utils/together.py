"""`fit_together`: several networks of one architecture trained at the same time, for little more than the price of one.

The S networks share one graph. Their weights are stacked along a leading seed axis, so that the optimizer updates all
of them in one operation, and the graph computes their forward and backward passes side by side. Each keeps its own
starting weights, its own dropout masks and its own order of batches, and ends where `fit` would have brought it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from course_utils.data import Dataset
from course_utils.training import VALIDATION_BATCH, batch_orders, create_variables, fit
from course_utils.validation import check_integer

__all__ = ["fit_together"]

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

    Models whose optimizer looks at all weights at once (gradient clipping by norm, for instance), or that have a
    `train_step` of their own, are trained one after the other.

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
    _check(models, seeds, rates, epochs)
    if len(models) > 1 and _can_be_stacked(models[0]):
        orders = [batch_orders(len(data.x_train), shuffle=shuffle, seed=seed) for seed in seeds]
        return _Stack(models, data).fit(orders, epochs=epochs, batch_size=batch_size, rates=rates)
    schedule = [keras.callbacks.LearningRateScheduler(lambda epoch: float(rates[epoch]))] if rates is not None else []
    return [
        fit(model, data, epochs=epochs, batch_size=batch_size, callbacks=schedule, shuffle=shuffle, seed=seed)
        for model, seed in zip(models, seeds, strict=True)
    ]


def _check(models: list[keras.Model], seeds: list[int], rates: Sequence[float] | None, epochs: int) -> None:
    if not models:
        raise ValueError("models is empty: pass at least one compiled model.")
    if len(seeds) != len(models):
        raise ValueError(f"{len(seeds)} seeds for {len(models)} models: pass one seed for each model.")
    if rates is not None and len(rates) < epochs:
        raise ValueError(f"{len(rates)} learning rates for {epochs} epochs: pass one rate for each epoch.")
    for model in models:
        if not getattr(model, "compiled", False):
            raise ValueError("A model is not compiled. Call model.compile(optimizer=…, loss=…) before training it.")
        if _signature(model) != _signature(models[0]):
            raise ValueError(
                "The models differ in more than their weights. Build and compile them all with the same settings, "
                "and train other architectures with a call of their own."
            )


def _signature(model: keras.Model) -> object:
    """What must be equal for two models to share a graph: everything but names and seeds."""
    ignored = ("name", "seed", "kernel_initializer", "bias_initializer")
    layers = [(type(layer), _without(layer.get_config(), ignored)) for layer in model.layers]
    optimizer = type(model.optimizer), str(_without(model.optimizer.get_config(), ("name",)))
    return layers, [weight.shape for weight in model.weights], optimizer, type(model.loss), str(model.loss)[:20]


def _without(config: dict, ignored: tuple[str, ...]) -> dict:
    return {name: value for name, value in config.items() if name not in ignored}


def _can_be_stacked(model: keras.Model) -> bool:
    optimizer = model.optimizer
    looks_at_all = (optimizer.clipnorm, optimizer.global_clipnorm, optimizer.use_ema, optimizer.loss_scale_factor)
    has_own_step = type(model).train_step not in (keras.Model.train_step, keras.Sequential.train_step)
    is_elementwise = type(optimizer).__name__ in ELEMENTWISE_OPTIMIZERS and not any(looks_at_all)
    return is_elementwise and not has_own_step and not model.run_eagerly


class _Stack:
    """S models as one set of variables with a leading seed axis, and the graphs that train them.

    The first model is the template: inside a `keras.StatelessScope` it computes with the weights of one seed in the
    place of its own.
    """

    def __init__(self, models: list[keras.Model], data: Dataset) -> None:
        self.models, self.template, self.n = models, models[0], len(models)
        self.has_validation = len(data.x_valid) > 0
        self._train_set = tf.constant(data.x_train), tf.constant(data.y_train)
        self._valid_set = tf.constant(data.x_valid), tf.constant(data.y_valid)
        create_variables(self.template, *self._train_set)
        for model in models[1:]:
            model.optimizer.build(model.trainable_variables)
        self.trainable = [_stacked(values) for values in zip(*(m.trainable_variables for m in models), strict=True)]
        self.state = [_stacked(values) for values in zip(*(m.non_trainable_variables for m in models), strict=True)]
        self.optimizer = type(self.template.optimizer).from_config(self.template.optimizer.get_config())
        self.optimizer.build(self.trainable)
        for shared, *own in self._optimizer_variables():
            shared.assign(_stacked(own) if shared.shape != own[0].shape else own[0])
        # Traced once, used S times.
        self._one_graph, self._metrics_graph = tf.function(self._one), tf.function(self._metrics_of_one)
        self._train_graph, self._valid_graph = tf.function(self._train_all), tf.function(self._validate_all)
        self._names: list[str] = []

    def fit(
        self, orders: list[Iterator[np.ndarray]], *, epochs: int, batch_size: int, rates: Sequence[float] | None
    ) -> list[keras.callbacks.History]:
        histories = [keras.callbacks.History() for _ in self.models]
        for model, history in zip(self.models, histories, strict=True):
            history.set_model(model)
            history.on_train_begin()
        for epoch in range(epochs):
            if rates is not None:
                self.optimizer.learning_rate = float(rates[epoch])
            order = tf.constant(np.stack([next(order) for order in orders]), tf.int32)  # (S, rows)
            train = self._train_graph(*self._train_set, order, tf.constant(batch_size)).numpy()  # (S, metrics)
            columns, names = [train], [*self._names]
            if self.has_validation:
                step = tf.constant(max(batch_size, VALIDATION_BATCH))
                columns.append(self._valid_graph(*self._valid_set, step).numpy())
                names += [f"val_{name}" for name in self._names]
            if rates is not None:
                columns.append(np.full((self.n, 1), rates[epoch]))
                names.append("learning_rate")
            for history, values in zip(histories, np.hstack(columns).tolist(), strict=True):
                history.on_epoch_end(epoch, dict(zip(names, values, strict=True)))
        self._unstack()
        for model, history in zip(self.models, histories, strict=True):
            model.history = history
        return histories

    def _train_all(self, x: tf.Tensor, y: tf.Tensor, order: tf.Tensor, batch_size: tf.Tensor) -> tf.Tensor:
        rows = tf.shape(order)[1]
        total = tf.zeros(self.n)  # sum of the losses of all rows
        outputs = tf.TensorArray(tf.float32, size=(rows - 1) // batch_size + 1, infer_shape=False)
        for step in tf.range((rows - 1) // batch_size + 1):
            batch = order[:, step * batch_size : (step + 1) * batch_size]  # (S, batch)
            with tf.GradientTape() as tape:
                weights = [tf.unstack(variable.value) for variable in self.trainable]
                state = [tf.unstack(variable.value) for variable in self.state]
                results = [
                    self._one_graph(tf.gather(x, batch[s]), tf.gather(y, batch[s]), _item(weights, s), _item(state, s))
                    for s in range(self.n)
                ]
                losses = tf.stack([loss for _, loss, _ in results])  # (S,); no network depends on another's weights
            gradients = tape.gradient(losses, [variable.value for variable in self.trainable])
            self.optimizer.apply(gradients, self.trainable)
            for variable, *new in zip(self.state, *(new for _, _, new in results), strict=True):
                variable.assign(tf.stack(new))
            total += losses * tf.cast(tf.shape(batch)[1], tf.float32)
            outputs = outputs.write(step, tf.stack([predicted for predicted, _, _ in results], axis=1))
        predicted = self._per_model(outputs)
        return self._metrics(tf.gather(y, order), predicted, total / tf.cast(rows, tf.float32))

    def _validate_all(self, x: tf.Tensor, y: tf.Tensor, batch_size: tf.Tensor) -> tf.Tensor:
        rows = tf.shape(x)[0]
        total = tf.zeros(self.n)
        outputs = tf.TensorArray(tf.float32, size=(rows - 1) // batch_size + 1, infer_shape=False)
        weights = [tf.unstack(variable.value) for variable in self.trainable]
        state = [tf.unstack(variable.value) for variable in self.state]
        for step in tf.range((rows - 1) // batch_size + 1):
            some = slice(step * batch_size, (step + 1) * batch_size)
            results = [
                self._one_graph(x[some], y[some], _item(weights, s), _item(state, s), training=False)
                for s in range(self.n)
            ]
            total += tf.stack([loss for _, loss, _ in results]) * tf.cast(tf.shape(x[some])[0], tf.float32)
            outputs = outputs.write(step, tf.stack([predicted for predicted, _, _ in results], axis=1))
        truth = tf.repeat(y[tf.newaxis], self.n, axis=0)
        return self._metrics(truth, self._per_model(outputs), total / tf.cast(rows, tf.float32))

    def _one(
        self, x: tf.Tensor, y: tf.Tensor, weights: list[tf.Tensor], state: list[tf.Tensor], *, training: bool = True
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Outputs, loss and new state (moving statistics, random seeds) of one network on one batch."""
        model = self.template
        mapping = [*zip(model.trainable_variables, weights, strict=True)]
        mapping += zip(model.non_trainable_variables, state, strict=True)
        with keras.StatelessScope(state_mapping=mapping) as scope:
            predicted = model(x, training=training)
            loss = model.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=None, training=training)
        return predicted, loss, [scope.get_current_value(variable) for variable in model.non_trainable_variables]

    def _per_model(self, outputs: tf.TensorArray) -> tf.Tensor:
        """From batches of (rows, S, outputs) to (S, all rows, outputs)."""
        together = tf.ensure_shape(outputs.concat(), (None, self.n, *self.template.output_shape[1:]))
        return tf.experimental.numpy.swapaxes(together, 0, 1)

    def _metrics(self, y: tf.Tensor, predicted: tf.Tensor, losses: tf.Tensor) -> tf.Tensor:
        """Loss and compiled metrics of each model, shape (S, metrics), from all rows of an epoch."""
        return tf.stack([self._metrics_graph(y[s], predicted[s], losses[s]) for s in range(self.n)])

    def _metrics_of_one(self, y: tf.Tensor, predicted: tf.Tensor, loss: tf.Tensor) -> tf.Tensor:
        self.template.reset_metrics()
        values = {**self.template.compute_metrics(None, y, predicted), "loss": loss}
        self._names = list(values)
        return tf.stack([tf.cast(value, tf.float32) for value in values.values()])

    def _optimizer_variables(self) -> Iterator[tuple[keras.Variable, ...]]:
        """Each variable of the shared optimizer with its counterparts in the models' own optimizers."""
        return zip(self.optimizer.variables, *(model.optimizer.variables for model in self.models), strict=True)

    def _unstack(self) -> None:
        """Give every model the weights and the optimizer state it would have had on its own."""
        for s, model in enumerate(self.models):
            for own, shared in zip(model.trainable_variables, self.trainable, strict=True):
                own.assign(shared[s])
            for own, shared in zip(model.non_trainable_variables, self.state, strict=True):
                own.assign(shared[s])
        for shared, *owns in self._optimizer_variables():
            for s, own in enumerate(owns):
                own.assign(shared if shared.shape == own.shape else shared[s])


def _stacked(variables: Sequence[keras.Variable]) -> keras.Variable:
    first = variables[0]
    return keras.Variable(np.stack([v.numpy() for v in variables]), dtype=first.dtype, trainable=first.trainable)


def _item(values: list[list[tf.Tensor]], s: int) -> list[tf.Tensor]:
    return [value[s] for value in values]
