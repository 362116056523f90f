"""Networks that are kept, with their traced graphs, so that the explorer need not trace the same architecture twice."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading
from collections import OrderedDict
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context  # as keras.utils.clear_session does; there is no public way

from course_utils.data import Dataset
from course_utils.experiment import Settings, make_model, make_optimizer
from course_utils.models import compile_for, count_parameters
from course_utils.schedules import schedule_callbacks
from course_utils.training import CompiledEpoch, TensorSets, batch_orders, train_epochs

__all__ = ["Network", "Networks"]

KEPT_NETWORKS, KEPT_BYTES = 12, 40e6
TIDY_SOON, TIDY_NOW = 15e6, 30e6  # bytes of networks that were let go


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


def _swish(x: tf.Tensor) -> tf.Tensor:
    """`keras.activations.silu` with TensorFlow's own gradient.

    `tf.nn.silu` brings a gradient function of its own, which TensorFlow registers for ever, and with it the graph in
    which it stands, and with that the whole network: up to 50 MB for each (`test_a_network_that_is_forgotten…`).
    """
    return x * tf.sigmoid(x)


class Network:
    """One architecture with its optimizer, its traced graphs, and what it takes to start it anew.

    Attributes
    ----------
    parameters : int
        Weights and biases, trained or not.
    layers : int
        How many there are to trace; the time that this takes grows with them.
    size : float
        Bytes in memory, roughly: weights, their momenta and starting values; and the graphs, by layers.
    lock : threading.RLock
        Held by whoever prepares or trains it.
    """

    def __init__(self, settings: Settings, data: Dataset) -> None:
        self.lock, self._settings = threading.RLock(), settings
        width, depth, batch_norm = settings.width, settings.depth, settings.batch_norm
        self.parameters = count_parameters(data, width=width, depth=depth, batch_norm=batch_norm)
        self.layers = 1 + depth * (2 if batch_norm else 1)
        self.size = 24 * self.parameters + 1.5e6 * self.layers
        self._steps = [self._trace_validation, self._trace_training, self._build]

    @property
    def is_built(self) -> bool:
        """Whether it takes memory."""
        return len(self._steps) < 3

    @property
    def is_ready(self) -> bool:
        """Whether everything is traced."""
        return not self._steps

    def prepare(self, data: Dataset, sets: TensorSets, *, go_on: Callable[[], bool] = lambda: True) -> bool:
        """Build and trace, in steps of up to half a second; return early, and False, if `go_on` says so."""
        with self.lock:
            while self._steps and go_on():
                self._steps[-1](data, sets)
                self.graphs.sets = None  # or every kept network would keep a data set in memory
                self._steps.pop()
            return self.is_ready

    def train(
        self,
        settings: Settings,
        data: Dataset,
        sets: TensorSets,
        *,
        follow: keras.callbacks.Callback,
        shuffle: bool = True,
    ) -> tuple[dict[str, list[float]], float]:
        """Train from the start, as `experiment.run(settings, data)` does.

        Parameters
        ----------
        follow : keras.callbacks.Callback
            Called after every epoch; may set `model.stop_training`.

        Returns
        -------
        history : dict of str to list of float
        train_loss : float
            On the training set at the end, in inference mode.
        """
        with self.lock:
            self.prepare(data, sets)
            self._restart(settings, data)
            self.graphs.sets = sets
            history = train_epochs(
                self.graphs,
                batch_orders(len(data.x_train), shuffle=shuffle, seed=settings.seed),
                epochs=settings.epochs,
                batch_size=settings.batch_size,
                callbacks=[
                    *schedule_callbacks(
                        settings.schedule, learning_rate=settings.learning_rate, epochs=settings.epochs
                    ),
                    follow,
                ],
            )
            self.graphs.sets = TensorSets(sets.train, sets.train)
            train_loss = self.graphs.validate(settings.batch_size)["loss"]
            self.graphs.sets = None
            return history.history, train_loss

    def _build(self, data: Dataset, sets: TensorSets) -> None:
        settings = self._settings
        plain = make_model(settings, data)
        self._start_values, self._start_seed = _values(plain), settings.seed
        layers = [
            LiveDropout(layer.seed_generator) if isinstance(layer, keras.layers.Dropout) else layer
            for layer in plain.layers
        ]
        for layer in layers:
            if getattr(layer, "activation", None) is keras.activations.silu:
                layer.activation = _swish
        model = keras.Sequential([keras.Input(data.input_shape), *layers])
        self.model = compile_for(model, data, make_optimizer(settings))
        self.graphs = CompiledEpoch(model, sets)
        # Momenta and the like start at one number; keeping that is enough.
        self._optimizer_values = [variable.numpy().flat[0] for variable in model.optimizer.variables]

    def _trace_training(self, data: Dataset, sets: TensorSets) -> None:
        self.graphs.sets = sets
        # Without rows, the graph is traced and made ready, and no weight moves.
        self.graphs.train(np.arange(0), self._settings.batch_size)

    def _trace_validation(self, data: Dataset, sets: TensorSets) -> None:
        self.graphs.sets = sets
        self.graphs.validate(self._settings.batch_size)  # of the training set too, when training is over

    def _restart(self, settings: Settings, data: Dataset) -> None:
        """Give the model everything that a new one would start with."""
        if settings.seed != self._start_seed:
            self._start_values, self._start_seed = _values(make_model(settings, data)), settings.seed
        for layer, values in zip(self.model.layers, self._start_values, strict=True):
            for variable, value in zip(layer.variables, values, strict=True):
                variable.assign(value)
            if isinstance(layer, LiveDropout):
                layer.live_rate.assign(settings.dropout)
        for variable, value in zip(self.model.optimizer.variables, self._optimizer_values, strict=True):
            variable.assign(tf.fill(variable.shape, value))
        self.model.optimizer.learning_rate = settings.learning_rate


class Networks:
    """The networks of an explorer: one for each architecture and optimizer; those used last are kept."""

    def __init__(self) -> None:
        self._lock, self._kept, self._let_go = threading.Lock(), OrderedDict(), 0.0

    def of(self, settings: Settings, data: Dataset) -> Network:
        """The network for `settings`, prepared or not."""
        key = (
            settings.width if settings.depth else None,
            settings.depth,
            settings.dropout > 0 and settings.depth > 0,
            settings.batch_norm and settings.depth > 0,
            settings.activation if settings.depth else None,
            settings.optimizer,
        )
        with self._lock:
            if key not in self._kept:
                self._kept[key] = Network(settings, data)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT_NETWORKS:
                self._let_go_of(self._kept.popitem(last=False)[1])
            return self._kept[key]

    def make_room(self, network: Network) -> None:
        """Let others go, those used longest ago first, until `network` can be built beside the rest."""
        with self._lock:
            built = [(key, other) for key, other in self._kept.items() if other.is_built and other is not network]
            size = network.size + sum(other.size for _, other in built)
            for key, other in built:
                if size <= KEPT_BYTES:
                    break
                size -= other.size
                self._let_go_of(self._kept.pop(key))

    def _let_go_of(self, network: Network) -> None:
        self._let_go += network.size if network.is_built else 0

    def tidy(self, *, is_idle: bool) -> None:
        """Free the memory of networks that were let go: when it is some and nobody waits, or when it is much.

        TensorFlow keeps the kernels of every graph that was ever called until it is told to drop them; the networks
        that are still kept make theirs anew when they are next trained, in about a tenth of a second.
        """
        if self._let_go < (TIDY_SOON if is_idle else TIDY_NOW):
            return
        self._let_go = 0.0
        gc.collect()
        context.context().clear_kernel_cache()
        _give_back()

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._kept.clear()
            self._let_go = TIDY_NOW
        self.tidy(is_idle=False)


def _give_back() -> None:
    """Give memory that is free back to the system; Linux' C library would keep most of it for later."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # other systems have no such call
        ctypes.CDLL(None).malloc_trim(0)


def _values(model: keras.Sequential) -> list[list[np.ndarray]]:
    """The values of all variables, layer by layer."""
    return [[variable.numpy() for variable in layer.variables] for layer in model.layers]
