"""`Settings` → `run` → `Run`: everything a training depends on, the training, and what came of it."""

from __future__ import annotations

import course_utils.quiet  # first: TensorFlow's log lines stay out of the page
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from course_utils.data import Dataset
from course_utils.models import ACTIVATIONS, build_mlp, compile_for
from course_utils.schedules import SCHEDULES, learning_rates, schedule_callbacks
from course_utils.training import fit, fit_together
from course_utils.validation import HIGHEST_SEED, check_choice, check_integer, check_number

__all__ = [
    "OPTIMIZERS",
    "Run",
    "Settings",
    "best_epoch",
    "make_model",
    "make_optimizer",
    "run",
    "run_seeds",
    "training_loss",
]

OPTIMIZERS = ("adam", "sgd", "momentum", "rmsprop", "adagrad")
USUAL_RATE = "Adam's usual start is 0.001."
NO_DECAY = "0.0 switches weight decay off."


@dataclass(frozen=True)
class Settings:
    """Everything that a run depends on, besides the data; checked when it is made, and kept as Python's own numbers.

    Attributes
    ----------
    width, depth, dropout, batch_norm, activation
        Of the network, as in `models.build_mlp`.
    optimizer : str
        One of `OPTIMIZERS`; "momentum" is SGD with momentum 0.9.
    learning_rate : float
        Above 0; with a schedule, its highest rate.
    weight_decay : float
        At least 0. Each update multiplies all weights and biases by 1 - rate · weight_decay, and the loss knows nothing
        of it (decoupled: Loshchilov & Hutter 2019); with "adam", that is `keras.optimizers.AdamW`.
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
    weight_decay: float = 0.0
    schedule: str = "constant"
    batch_size: int = 32
    epochs: int = 30
    seed: int = 0

    def __post_init__(self) -> None:
        checked = {
            "width": check_integer("width", self.width, at_least=1),
            "depth": check_integer("depth", self.depth, at_least=0),
            "dropout": check_number("dropout", self.dropout, at_least=0, below=1, hint="0.0 switches dropout off."),
            "batch_norm": check_choice("batch_norm", self.batch_norm, (True, False)),
            "activation": check_choice("activation", self.activation, ACTIVATIONS),
            "optimizer": check_choice("optimizer", self.optimizer, OPTIMIZERS),
            "learning_rate": check_number("learning_rate", self.learning_rate, above=0, hint=USUAL_RATE),
            "weight_decay": check_number("weight_decay", self.weight_decay, at_least=0, hint=NO_DECAY),
            "schedule": check_choice("schedule", self.schedule, SCHEDULES),
            "batch_size": check_integer("batch_size", self.batch_size, at_least=1),
            "epochs": check_integer("epochs", self.epochs, at_least=1),
            "seed": check_integer("seed", self.seed, at_least=0, at_most=HIGHEST_SEED),
        }
        # Python's own numbers and texts, whatever came: Keras and the printed code take no others.
        for name, value in checked.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, eq=False)
class Run:
    """A training, finished or under way.

    Attributes
    ----------
    settings : Settings
    history : dict of str to list of float
        As in `keras.callbacks.History.history`: one value per epoch for every metric.
    train_loss : float
        Loss on the training set of the network as it is at the end, in inference mode (`training_loss`).
        `history["loss"]` is a mean over an epoch in which the network still changed. NaN while training is under way.
    model : keras.Model or None
        As it was after the last epoch; None where it was not kept.
    """

    settings: Settings
    history: Mapping[str, list[float]]
    train_loss: float = float("nan")
    model: keras.Model | None = None

    @property
    def epochs(self) -> int:
        """How many epochs were trained."""
        return len(self.history.get("loss", ()))

    @property
    def best_epoch(self) -> int | None:
        """Epoch (from 1) with the lowest validation loss; None without validation or if all losses are NaN."""
        return best_epoch(self.history)

    def __repr__(self) -> str:
        return f"<Run of {self.settings}: {self.epochs} epochs, best epoch {self.best_epoch}>"


def run(settings: Settings, data: Dataset, *, callbacks: Sequence[keras.callbacks.Callback] = ()) -> Run:
    """Build, compile and train the network that `settings` describe.

    Raises
    ------
    ValueError
        If a callback works batch by batch (`training.fit`).
    """
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
    return Run(settings, history.history, training_loss(model, data), model)


def run_seeds(settings: Settings, data: Dataset, *, seeds: Sequence[int]) -> list[Run]:
    """Train the same settings once per seed, together: the results of single runs in less time (`fit_together`).

    Returns
    -------
    list of Run
        One per seed, in their order.
    """
    each = [dataclasses.replace(settings, seed=seed) for seed in seeds]
    rates = learning_rates(settings.schedule, learning_rate=settings.learning_rate, epochs=settings.epochs)
    if rates is None:  # "on plateau" lowers the rate of each run at another time
        return [run(one, data) for one in each]
    models = [make_model(one, data) for one in each]
    histories = fit_together(
        models,
        data,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        seeds=list(seeds),
        rates=rates if settings.schedule != "constant" else None,
    )
    trained = zip(each, histories, models, strict=True)
    return [Run(one, history.history, training_loss(model, data), model) for one, history, model in trained]


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
    total, rows = 0.0, len(data.x_train)
    for start in range(0, rows, 10_000):
        x, y = data.x_train[start : start + 10_000], data.y_train[start : start + 10_000]
        total += len(x) * float(model.compute_loss(x=x, y=y, y_pred=model(x, training=False), training=False))
    return total / rows if rows else float("nan")


def make_optimizer(settings: Settings) -> keras.optimizers.Optimizer:
    """The optimizer of `settings`, at their learning rate and weight decay."""
    name, config = settings.optimizer, {"learning_rate": settings.learning_rate}
    if settings.weight_decay:
        config["weight_decay"] = settings.weight_decay
        name = "adamw" if name == "adam" else name
    if name == "momentum":
        return keras.optimizers.SGD(momentum=0.9, **config)
    return keras.optimizers.get({"class_name": name, "config": config})
