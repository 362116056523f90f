"""`Settings` → `run` → `Run`: everything a training depends on, the training, and what came of it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from course_utils.data import Dataset
from course_utils.models import ACTIVATIONS, build_mlp, compile_for
from course_utils.schedules import SCHEDULES, epoch_schedule, learning_rates, schedule_callbacks
from course_utils.training import fit, fit_together
from course_utils.validation import check_choice, check_integer, check_number

__all__ = [
    "OPTIMIZERS",
    "Run",
    "Settings",
    "best_epoch",
    "code",
    "make_model",
    "make_optimizer",
    "run",
    "run_seeds",
    "training_loss",
]

OPTIMIZERS = ("adam", "sgd", "momentum", "rmsprop", "adagrad")


@dataclass(frozen=True)
class Settings:
    """Everything that a run depends on, besides the data; checked when it is made.

    Attributes
    ----------
    width, depth, dropout, batch_norm, activation
        Of the network, as in `models.build_mlp`.
    optimizer : str
        One of `OPTIMIZERS`; "momentum" is SGD with momentum 0.9.
    learning_rate : float
        Above 0; with a schedule, its highest rate.
    schedule : str
        One of `schedules.SCHEDULES`.
    batch_size, epochs : int
        At least 1.
    seed : int
        Of starting weights, dropout and the order of batches.
    """

    width: int = 64
    depth: int = 2
    dropout: float = 0.0
    batch_norm: bool = False
    activation: str = "relu"
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    batch_size: int = 32
    epochs: int = 30
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("width", 1), ("depth", 0), ("batch_size", 1), ("epochs", 1), ("seed", 0)):
            check_integer(name, getattr(self, name), at_least=least)
        check_number("dropout", self.dropout, at_least=0, below=1, hint="0.0 switches dropout off.")
        check_number("learning_rate", self.learning_rate, above=0, hint="Adam's usual start is 0.001.")
        check_choice("batch_norm", self.batch_norm, (True, False))
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("schedule", self.schedule, SCHEDULES)


@dataclass(frozen=True)
class Run:
    """A finished training.

    Attributes
    ----------
    settings : Settings
    model : keras.Model
        As it was after the last epoch.
    history : dict of str to list of float
        As in `keras.callbacks.History.history`: one value per epoch for every metric.
    train_loss, valid_loss : float
        Losses of `model` as it is, in inference mode: no dropout, and one fixed network. `history["loss"]` is a mean
        over an epoch in which the network still changed. `valid_loss` is NaN without validation.
    seconds : float
        Time for building and training.
    """

    settings: Settings
    model: keras.Model
    history: Mapping[str, list[float]]
    train_loss: float
    valid_loss: float
    seconds: float

    @property
    def best_epoch(self) -> int | None:
        """Epoch (from 1) with the lowest validation loss; None without validation or if all losses are NaN."""
        return best_epoch(self.history)

    @property
    def gap(self) -> float:
        """Validation minus training loss, both of `model` in inference mode; NaN without validation."""
        return self.valid_loss - self.train_loss

    def __repr__(self) -> str:
        return f"<Run of {self.settings}: {len(self.history['loss'])} epochs, best epoch {self.best_epoch}>"


def run(settings: Settings, data: Dataset, *, callbacks: Sequence[keras.callbacks.Callback] = ()) -> Run:
    """Build, compile and train the network that `settings` describe.

    Raises
    ------
    ValueError
        If a callback works batch by batch (`training.fit`).
    """
    started = time.perf_counter()
    model = make_model(settings, data)
    follow = schedule_callbacks(settings.schedule, learning_rate=settings.learning_rate, epochs=settings.epochs)
    history = fit(
        model,
        data,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        callbacks=[*follow, *callbacks],
        seed=settings.seed,
    )
    return _finished(settings, model, history, data, time.perf_counter() - started)


def run_seeds(settings: Settings, data: Dataset, *, seeds: Sequence[int]) -> list[Run]:
    """Train the same settings once per seed, together: the results of single runs in less time (`fit_together`).

    Returns
    -------
    list of Run
        One per seed, in their order. `seconds` is each run's share of the time.
    """
    each = [dataclasses.replace(settings, seed=seed) for seed in seeds]
    rates = learning_rates(settings.schedule, learning_rate=settings.learning_rate, epochs=settings.epochs)
    if rates is None:  # "on plateau" lowers the rate of each run at another time
        return [run(one, data) for one in each]
    started = time.perf_counter()
    models = [make_model(one, data) for one in each]
    histories = fit_together(
        models,
        data,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        seeds=list(seeds),
        rates=rates if settings.schedule != "constant" else None,
    )
    share = (time.perf_counter() - started) / len(each)
    return [_finished(*parts, data, share) for parts in zip(each, models, histories, strict=True)]


def make_model(settings: Settings, data: Dataset) -> keras.Sequential:
    """The compiled network of `settings`, not trained."""
    model = build_mlp(
        data,
        width=settings.width,
        depth=settings.depth,
        dropout=settings.dropout,
        batch_norm=settings.batch_norm,
        activation=settings.activation,
        seed=settings.seed,
    )
    return compile_for(model, data, make_optimizer(settings))


def best_epoch(history: Mapping[str, list[float]]) -> int | None:
    """Epoch (from 1) with the lowest validation loss, or None if there is none."""
    losses = np.asarray(history.get("val_loss", []), dtype=float)
    return None if not np.isfinite(losses).any() else int(np.nanargmin(losses)) + 1


def training_loss(model: keras.Model, data: Dataset) -> float:
    """Loss on the training set in inference mode: no dropout, and one fixed network."""
    return _inference_loss(model, data.x_train, data.y_train)


def _inference_loss(model: keras.Model, x: np.ndarray, y: np.ndarray) -> float:
    total = 0.0
    for start in range(0, len(x), 10_000):
        some, truth = x[start : start + 10_000], y[start : start + 10_000]
        predicted = model(some, training=False)
        total += len(some) * float(model.compute_loss(x=some, y=truth, y_pred=predicted, training=False))
    return total / len(x) if len(x) else float("nan")


def code(settings: Settings, data: Dataset, *, shuffle: bool = True) -> str:
    """Plain Keras source of the same run, ready to be copied into a cell or a script.

    With `shuffle=False` in its `model.fit`, it gives the history of `training.fit(..., shuffle=False)`; shuffled,
    `model.fit` draws the order of the batches from another generator.

    Raises
    ------
    ValueError
        If the data set does not know how it was loaded (`data.source`).
    """
    if not data.source:
        raise ValueError("data.source is empty: give the Dataset the source of the call that loads it.")
    model = make_model(settings, data)
    follow, batch = _schedule_source(settings), f"batch_size={settings.batch_size}, epochs={settings.epochs}"
    fit_lines = ["data.x_train, data.y_train,"]
    if len(data.x_valid):
        fit_lines.append("validation_data=(data.x_valid, data.y_valid),")
    fit_lines.append(f"{batch},")
    if not shuffle:
        fit_lines.append("shuffle=False,")
    if follow:
        fit_lines.append(f"callbacks=[{follow[-1]}],")
    loss = '"mae"' if data.task == "regression" else "keras.losses.SparseCategoricalCrossentropy(from_logits=True)"
    metrics = "" if data.task == "regression" else '    metrics=["accuracy"],\n'
    layers = "\n".join(f"    {_layer_source(layer)}," for layer in model.layers)
    loader = data.source.split("(")[0]
    return "\n".join(
        [
            "import keras",
            "",
            f"from course_utils.data import {loader}",
            "",
            f"data = {data.source}",
            "",
            f"keras.utils.set_random_seed({settings.seed})",
            "model = keras.Sequential([",
            f"    keras.Input({data.input_shape}),",
            layers,
            "])",
            f"model.compile(\n    optimizer={_optimizer_source(settings)},\n    loss={loss},\n{metrics})",
            *follow[:-1],
            "history = model.fit(",
            *(f"    {line}" for line in fit_lines),
            ")",
        ]
    )


def _finished(
    settings: Settings, model: keras.Model, history: keras.callbacks.History, data: Dataset, seconds: float
) -> Run:
    valid_loss = _inference_loss(model, data.x_valid, data.y_valid)
    return Run(settings, model, history.history, training_loss(model, data), valid_loss, seconds)


def make_optimizer(settings: Settings) -> keras.optimizers.Optimizer:
    """The optimizer of `settings`, at their learning rate."""
    rate = settings.learning_rate
    if settings.optimizer == "momentum":
        return keras.optimizers.SGD(learning_rate=rate, momentum=0.9)
    return keras.optimizers.get({"class_name": settings.optimizer, "config": {"learning_rate": rate}})


def _optimizer_source(settings: Settings) -> str:
    name = type(make_optimizer(settings)).__name__
    momentum = ", momentum=0.9" if settings.optimizer == "momentum" else ""
    return f"keras.optimizers.{name}(learning_rate={settings.learning_rate!r}{momentum})"


def _layer_source(layer: keras.Layer) -> str:
    """The call that makes this layer, as a textbook would write it."""
    config, arguments = layer.get_config(), []
    if isinstance(layer, keras.layers.Dense):
        arguments.append(str(config["units"]))
        if config["activation"] != "linear":
            arguments.append(f'activation="{config["activation"]}"')
        if not config["use_bias"]:
            arguments.append("use_bias=False")
    elif isinstance(layer, keras.layers.Activation):
        arguments.append(f'"{config["activation"]}"')
    elif isinstance(layer, keras.layers.Dropout):
        arguments.append(repr(config["rate"]))
    return f"keras.layers.{type(layer).__name__}({', '.join(arguments)})"


def _schedule_source(settings: Settings) -> list[str]:
    """Lines that make the schedule, and last the callback that follows it; empty for a constant rate."""
    if settings.schedule == "on plateau":
        return ["keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=5)"]
    schedule = epoch_schedule(settings.schedule, learning_rate=settings.learning_rate, epochs=settings.epochs)
    if schedule is None:
        return []
    defaults = {"name": type(schedule).__name__, "alpha": 0.0, "staircase": False}
    config = {k: v for k, v in schedule.get_config().items() if v is not None and defaults.get(k) != v}
    arguments = ", ".join(f"{k}={v!r}" for k, v in config.items())
    return [
        f"schedule = keras.optimizers.schedules.{type(schedule).__name__}({arguments})",
        "keras.callbacks.LearningRateScheduler(lambda epoch: float(schedule(epoch)))",
    ]
