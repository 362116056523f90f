"""Networks for the course's data sets, built from the settings that its sliders offer."""

from __future__ import annotations

import course_utils.quiet  # first: TensorFlow's log lines stay out of the page
import random

import keras
import numpy as np

from course_utils.data import Dataset
from course_utils.validation import HIGHEST_SEED, check_choice, check_integer, check_number

__all__ = ["ACTIVATIONS", "build_mlp", "compile_for", "count_parameters"]

ACTIVATIONS = ("relu", "sigmoid", "tanh", "elu", "selu", "gelu", "swish", "linear")


def build_mlp(
    data: Dataset,
    *,
    width: int = 64,
    depth: int = 2,
    dropout: float = 0.0,
    batch_norm: bool = False,
    activation: str = "relu",
    seed: int = 0,
) -> keras.Sequential:
    """A multilayer perceptron whose input and output fit the data.

    A hidden block is Dense → batch normalization → activation → dropout (the order of Ioffe & Szegedy 2015, section
    3.2, with the dropped units being the inputs of the next layer); what is switched off is left out.

    Parameters
    ----------
    data : Dataset
        Gives the input shape, and the output: 1 linear unit (regression) or one logit per class.
    width : int
        Units of each hidden layer, at least 1.
    depth : int
        Hidden layers; 0 gives a linear model.
    dropout : float
        Share of each hidden layer's units that are left out in a training step, in [0, 1).
    batch_norm : bool
        Normalize each hidden layer before its activation.
    activation : str
        One of `ACTIVATIONS`.
    seed : int
        Of starting weights and dropout: those of the same layers after `keras.utils.set_random_seed(seed)`. That call
        reseeds the whole process, for other threads too, and empties TensorFlow's cache of graphs, which takes up to
        half a second to fill again; so it is not made here.

    Returns
    -------
    keras.Sequential
        Built, not compiled.

    Raises
    ------
    ValueError
        If an argument is out of range; the message names it and what is allowed.
    """
    width = check_integer("width", width, at_least=1)
    depth = check_integer("depth", depth, at_least=0)
    dropout = check_number("dropout", dropout, at_least=0, below=1, hint="0.0 switches dropout off.")
    batch_norm = check_choice("batch_norm", batch_norm, (True, False))
    activation = check_choice("activation", activation, ACTIVATIONS)
    seed = check_integer("seed", seed, at_least=0, at_most=HIGHEST_SEED)
    generator = random.Random(seed)

    def next_seed() -> int:
        # Left to itself, Keras draws the seed of each layer in this way from the generator of the process.
        return generator.randint(1, 10**9)

    def dense(units: int, **options: object) -> keras.layers.Dense:
        return keras.layers.Dense(
            units, kernel_initializer=keras.initializers.GlorotUniform(seed=next_seed()), **options
        )

    layers = [keras.Input(data.input_shape)]
    if len(data.input_shape) > 1:
        layers.append(keras.layers.Flatten())
    for _ in range(depth):
        if batch_norm:
            layers += [dense(width, use_bias=False), keras.layers.BatchNormalization()]
            layers.append(keras.layers.Activation(activation))
        else:
            layers.append(dense(width, activation=activation))
        if dropout > 0:
            layers.append(keras.layers.Dropout(dropout, seed=next_seed()))
    layers.append(dense(data.n_outputs))
    return keras.Sequential(layers)


def count_parameters(data: Dataset, *, width: int = 64, depth: int = 2, batch_norm: bool = False) -> int:
    """Weights and biases of `build_mlp` with these settings, without building it.

    Parameters
    ----------
    data, width, depth, batch_norm
        As in `build_mlp`.

    Returns
    -------
    int
        As `count_params()` of the network: the averages of batch normalization, which are not trained, count too.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    width = check_integer("width", width, at_least=1)
    depth = check_integer("depth", depth, at_least=0)
    check_choice("batch_norm", batch_norm, (True, False))
    inputs, total = int(np.prod(data.input_shape)), 0
    for _ in range(depth):
        # Batch normalization has four numbers for each unit, and takes the place of the bias.
        total += inputs * width + width * (4 if batch_norm else 1)
        inputs = width
    return total + (inputs + 1) * data.n_outputs


def compile_for(model: keras.Model, data: Dataset, optimizer: keras.optimizers.Optimizer | str) -> keras.Model:
    """Compile `model` with the loss of the task, and return it.

    Regression: mean absolute error, in the unit of the target. Classification: cross-entropy of the logits, in nats,
    with accuracy as a metric.
    """
    if data.task == "regression":
        model.compile(optimizer=optimizer, loss="mae")
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    return model
