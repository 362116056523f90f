"""Networks that can be started anew, at any seed and any dropout, without tracing their graphs again."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from course_utils.data import Dataset
from course_utils.experiment import Settings, make_optimizer
from course_utils.models import compile_for

__all__ = ["LiveDropout", "optimizer_start", "restart", "set_dropout", "values_of", "with_live_dropout"]


class LiveDropout(keras.layers.Layer):
    """Dropout whose rate is a variable, so that one traced graph serves all rates above 0."""

    def __init__(self, seed_generator: keras.random.SeedGenerator) -> None:
        super().__init__()
        self.seed_generator = seed_generator
        self.live_rate = tf.Variable(0.5, trainable=False)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Drop units in training, the same ones as `keras.layers.Dropout` does."""
        if not training:
            return inputs
        # The call behind keras.random.dropout, which itself takes no variable.
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        return tf.nn.experimental.stateless_dropout(inputs, rate=self.live_rate, seed=seed)


def with_live_dropout(plain: keras.Sequential, settings: Settings, data: Dataset) -> keras.Sequential:
    """The network of the same layers, but for dropout, whose rate can be changed."""
    layers = [
        LiveDropout(layer.seed_generator) if isinstance(layer, keras.layers.Dropout) else layer
        for layer in plain.layers
    ]
    for layer in layers:
        if getattr(layer, "activation", None) is keras.activations.silu:
            layer.activation = _swish
    return compile_for(keras.Sequential([keras.Input(data.input_shape), *layers]), data, make_optimizer(settings))


def _swish(x: tf.Tensor) -> tf.Tensor:
    """`keras.activations.silu` with TensorFlow's own gradient.

    `tf.nn.silu` brings a gradient function of its own, which TensorFlow registers for ever, and with it the graph in
    which it stands, and with that the whole network: up to 50 MB for each (`test_a_network_that_is_forgotten…`).
    """
    return x * tf.sigmoid(x)


def values_of(model: keras.Sequential) -> list[list[np.ndarray]]:
    """The values of all variables, layer by layer."""
    return [[variable.numpy() for variable in layer.variables] for layer in model.layers]


def optimizer_start(model: keras.Sequential) -> list[float]:
    """With what each variable of the optimizer is filled at first; momenta and the like start at one number."""
    return [variable.numpy().flat[0] for variable in model.optimizer.variables]


def restart(
    model: keras.Sequential, settings: Settings, values: list[list[np.ndarray]], optimizer_values: list[float]
) -> None:
    """Give the model everything that a new one would start with."""
    for layer, own in zip(model.layers, values, strict=True):
        for variable, value in zip(layer.variables, own, strict=True):
            variable.assign(value)
    for variable, value in zip(model.optimizer.variables, optimizer_values, strict=True):
        variable.assign(tf.fill(variable.shape, value))
    model.optimizer.learning_rate = settings.learning_rate
    set_dropout(model, settings.dropout)


def set_dropout(model: keras.Sequential, rate: float) -> None:
    """Set the rate of all `LiveDropout` layers, where there are any."""
    for layer in model.layers:
        if isinstance(layer, LiveDropout):
            layer.live_rate.assign(rate)
