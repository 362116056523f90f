"""`code`: a run as plain Keras source, for readers who want to take it home. Written from the settings alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol

from course_utils.data import Dataset
from course_utils.experiment import Settings
from course_utils.schedules import epoch_schedule

__all__ = ["code", "script"]

# Seeds do not bring the explorer's own order of the rows.
SHUFFLED = (
    "# The rows are shuffled in another order than in the explorer: expect its numbers within the spread of × 5 seeds."
)
LOADERS = ("load_red_wine", "load_mnist")
OPTIMIZERS = {"adam": "Adam", "sgd": "SGD", "momentum": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
ACTIVATIONS = {"swish": "silu"}  # names that Keras knows by another one
LOSSES = {
    "regression": '"mae"',
    "classification": "keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
}


class Training(Protocol):
    """What a script has to know of a training."""

    epochs: int
    batch_size: int
    seed: int


def code(settings: Settings, data: Dataset, *, shuffle: bool = True) -> str:
    """Plain Keras source of the run that `settings` describe, ready to be copied into a cell or a script.

    It trains, prints the score of the last epoch and plots both curves.

    With `shuffle=False` in its `model.fit`, it gives the history of `training.fit(..., shuffle=False)`; shuffled,
    `model.fit` draws the order of the batches from another generator.

    A data set of one's own, made by `Dataset.from_frame`, is loaded and prepared by plain pandas and scikit-learn.

    Raises
    ------
    ValueError
        If nothing is known of where the data come from: neither `data.source` nor `data.recipe` tells, or the arrays
        were changed since.
    """
    model = [
        "model = keras.Sequential([",
        f"    keras.Input({data.input_shape}),",
        *(f"    keras.layers.{layer}," for layer in _layers(settings, data)),
        "])",
        "model.compile(",
        f"    optimizer={_optimizer(settings)},",
        f"    loss={LOSSES[data.task]},",
        *(['    metrics=["accuracy"],'] if data.task == "classification" else []),
        ")",
    ]
    return script(model, data, settings, shuffle=shuffle, follow=_schedule(settings))


def script(
    model: Sequence[str],
    data: Dataset,
    training: Training,
    *,
    shuffle: bool = True,
    follow: Sequence[str] = (),
    imports: Sequence[str] = (),
    before: Sequence[str] = (),
    label: str = "",
) -> str:
    """Plain Keras source: it loads `data`, makes a model, trains it, prints its score and plots both curves.

    Parameters
    ----------
    model : sequence of str
        Lines that leave a compiled `model` behind.
    data : Dataset
    training : Settings or any other object with these attributes
        Of which `epochs`, `batch_size` and `seed` count.
    shuffle : bool
    follow : sequence of str
        Lines that prepare a callback, and last the callback.
    imports, before : sequence of str
        More imports, and lines between the loading of the data and the seed.
    label : str
        Of the axis of losses; that of the task if empty.

    Raises
    ------
    ValueError
        As in `code`.
    """
    of_data, loading, prefix = _loading(data)
    arrays = {f"{axis}_{part}": f"{prefix}{axis}_{part}" for axis in "xy" for part in ("train", "valid")}
    fit = [f"{arrays['x_train']}, {arrays['y_train']},"]
    if len(data.x_valid):
        fit.append(f"validation_data=({arrays['x_valid']}, {arrays['y_valid']}),")
    fit.append(f"batch_size={training.batch_size}, epochs={training.epochs},")
    if not shuffle:
        fit.append("shuffle=False,")
    if follow:
        fit.append(f"callbacks=[{follow[-1]}],")
    return "\n".join(
        [
            *([SHUFFLED] if shuffle else []),
            "import keras",
            "import matplotlib.pyplot as plt",
            *imports,
            *of_data,
            "",
            *loading,
            "",
            *before,
            f"keras.utils.set_random_seed({training.seed})",
            *model,
            *follow[:-1],
            "history = model.fit(",
            *(f"    {line}" for line in fit),
            ")",
            "",
            *_report(data, prefix, label or data.loss_label),
        ]
    )


def _loading(data: Dataset) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Imports and lines that load the data, and what then stands in front of `x_train`."""
    if data.recipe is not None:
        if not data.recipe.makes(data):
            raise ValueError(
                f"The arrays of {data.name} were changed after they were made, and code that loads them would load "
                "others. Change the table instead, and call Dataset.from_frame again."
            )
        return data.recipe.imports, data.recipe.lines, ""
    loader, opened, _ = data.source.partition("(")
    if loader not in LOADERS or not opened:
        raise ValueError(
            f"data.source={data.source!r} is no call of {' or '.join(LOADERS)}: the code could not load these data. "
            "Make the data set with Dataset.from_frame, or write the code for one of those and put your own data in "
            "their place."
        )
    return ("", f"from course_utils.data import {loader}"), (f"data = {data.source}",), "data."


def _report(data: Dataset, prefix: str, label: str) -> list[str]:
    """Lines that print the score, measured without dropout, and plot the learning curves."""
    part, curves = ("valid", '("val_loss", "loss")') if len(data.x_valid) else ("train", '("loss",)')
    return [
        f"score = model.evaluate({prefix}x_{part}, {prefix}y_{part}, verbose=0, return_dict=True)",
        f"print({'validation' if part == 'valid' else 'training'!r}, score)",
        f"for name in {curves}:",
        "    plt.plot(range(1, len(history.epoch) + 1), history.history[name], label=name)",
        'plt.xlabel("epoch")',
        f"plt.ylabel({json.dumps(label, ensure_ascii=False)})",
        "plt.ylim(bottom=0)",
        "plt.legend()",
        "plt.show()",
    ]


def _layers(settings: Settings, data: Dataset) -> list[str]:
    """The calls that make the layers of `models.build_mlp`, as a textbook would write them."""
    name = ACTIVATIONS.get(settings.activation, settings.activation)
    activation = "" if name == "linear" else f', activation="{name}"'
    block = [f"Dense({settings.width}{activation})"]
    if settings.batch_norm:
        block = [f"Dense({settings.width}, use_bias=False)", "BatchNormalization()", f'Activation("{name}")']
    if settings.dropout:
        block.append(f"Dropout({settings.dropout!r})")
    flat = ["Flatten()"] if len(data.input_shape) > 1 else []
    return [*flat, *block * settings.depth, f"Dense({data.n_outputs})"]


def _optimizer(settings: Settings) -> str:
    momentum = ", momentum=0.9" if settings.optimizer == "momentum" else ""
    decay = f", weight_decay={settings.weight_decay!r}" if settings.weight_decay else ""
    name = "AdamW" if decay and settings.optimizer == "adam" else OPTIMIZERS[settings.optimizer]
    return f"keras.optimizers.{name}(learning_rate={settings.learning_rate!r}{momentum}{decay})"


def _schedule(settings: Settings) -> list[str]:
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
