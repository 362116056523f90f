"""How much faster `fit` is than `model.fit`, and `run_seeds` than one run per seed: all ratios side by side.

    python tests/benchmarks/bench_training.py                 # everything, about a quarter of an hour on two cores
    python tests/benchmarks/bench_training.py --only wine seeds
    python tests/benchmarks/bench_training.py --only deep --deep-epochs 20 --repeats 5

Each comparison is warmed up once and then repeated, the two sides taking turns, so that a busy moment of the machine
hits both. Every repeat trains fresh models. In the comparisons with `model.fit`, tracing the graphs is part of the
time; in the others of the warm-up alone, for graphs are kept by architecture. Nothing passes or fails here.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import multiprocessing
import os
import platform
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from course_utils.data import Dataset, load_mnist, load_red_wine
from course_utils.experiment import Settings, make_model, run, run_seeds
from course_utils.training import GRAPHS, fit

SEEDS = range(5)


class Clock(keras.callbacks.Callback):
    """Seconds of a whole training and of its epochs from the second on."""

    def on_epoch_end(self, epoch, logs=None):
        self.last = time.perf_counter()
        if epoch == 0:
            self.first = self.last

    def time(self, train: Callable[[Clock], object]) -> tuple[float, float]:
        started = time.perf_counter()
        train(self)
        return time.perf_counter() - started, self.last - self.first


def keras_fit(model: keras.Model, data: Dataset, **options: object) -> None:
    validation = (data.x_valid, data.y_valid) if len(data.x_valid) else None
    model.fit(data.x_train, data.y_train, validation_data=validation, verbose=0, **options)


def seconds(function: Callable, *arguments: object, **options: object) -> tuple[float]:
    started = time.perf_counter()
    function(*arguments, **options)
    return (time.perf_counter() - started,)


def take_turns(sides: list[Callable[[], tuple[float, ...]]], repeats: int) -> np.ndarray:
    """Times of shape (repeats, sides, parts of the time)."""
    for side in sides:
        side()
    times = []
    for _ in range(repeats):
        gc.collect()
        times.append([side() for side in sides])
    return np.array(times)


def title(text: str, left: str, right: str) -> None:
    print(f"\n{text}\n{'':28}{left:>14}{right:>14}{'ratio':>9}   smallest and largest ratio of the repeats", flush=True)


def row(name: str, left: np.ndarray, right: np.ndarray) -> None:
    """One line: both medians, their ratio (left by right), and its range over the repeats."""
    ratios = left / right
    spread = f"{ratios.min():.2f} – {ratios.max():.2f}"
    numbers = f"{median(left):12.2f} s{median(right):12.2f} s{median(left) / median(right):9.2f}"
    print(f"  {name:26}{numbers}   {spread}", flush=True)


def fit_by_fit(text: str, make: Callable[[], keras.Model], data: Dataset, *, repeats: int, **options: object) -> None:
    """Compare `model.fit` with `fit`."""
    sides = [
        lambda: Clock().time(lambda clock: keras_fit(make(), data, callbacks=[clock], **options)),
        lambda: GRAPHS.clear() or Clock().time(lambda clock: fit(make(), data, callbacks=[clock], **options)),
    ]
    title(text, "model.fit", "fit")
    times = take_turns(sides, repeats)
    row("first call included", times[:, 0, 0], times[:, 1, 0])
    if options["epochs"] > 1:
        row("from the second epoch on", times[:, 0, 1], times[:, 1, 1])


def wine(arguments: argparse.Namespace) -> None:
    data = load_red_wine(split="tutorial")
    text = "Red wine, 1,119 rows, 64×2, batch 256, 100 epochs"
    fit_by_fit(text, lambda: make_model(Settings(), data), data, repeats=arguments.repeats, epochs=100, batch_size=256)


def second(arguments: argparse.Namespace) -> None:
    """Compare the second model of an architecture with scikit-learn's network, which has nothing to trace."""
    data = load_red_wine(split="tutorial")
    title("The same, the second model of an architecture, built beforehand", "MLPRegressor", "fit")
    options = {"hidden_layer_sizes": (64, 64), "batch_size": 256, "max_iter": 100, "n_iter_no_change": 100}

    def sklearn() -> tuple[float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # of a training that ends after 100 epochs
            return seconds(MLPRegressor(**options).fit, data.x_train, data.y_train)

    def ours(data: Dataset) -> tuple[float]:
        model = make_model(Settings(), data)
        return seconds(fit, model, data, epochs=100, batch_size=256)

    bare = dataclasses.replace(data, x_valid=data.x_valid[:0], y_valid=data.y_valid[:0])
    for name, some in (("with 480 rows of validation", data), ("without, as MLPRegressor", bare)):
        times = take_turns([sklearn, lambda some=some: ours(some)], arguments.repeats)
        row(name, times[:, 0, 0], times[:, 1, 0])


def deep(arguments: argparse.Namespace) -> None:
    data = load_red_wine(split="tutorial", standardize=False)

    def make() -> keras.Model:
        model = keras.Sequential([keras.Input((11,))])
        for _ in range(3):
            model.add(layers.Dense(1024, activation="relu"))
            model.add(layers.Dropout(0.3))
            model.add(layers.BatchNormalization())
        model.add(layers.Dense(1))
        model.compile(optimizer="adam", loss="mae")
        return model

    epochs = arguments.deep_epochs
    text = f"Red wine, 1,119 rows, [1024 ReLU, dropout 0.3, batch norm] × 3, batch 256, {epochs} epochs"
    text += "" if epochs == 100 else " (of the lesson's 100)"
    fit_by_fit(text, make, data, repeats=arguments.repeats, epochs=epochs, batch_size=256)


def digits(arguments: argparse.Namespace) -> None:
    data = load_mnist(n_train=60_000, n_valid=0, n_test=0)
    settings, epochs = Settings(width=512), arguments.digits_epochs
    text = f"MNIST, 60,000 digits, 512×2, batch 128, no validation, epochs: {epochs}"
    options = {"repeats": arguments.repeats, "epochs": epochs, "batch_size": 128}
    fit_by_fit(text, lambda: make_model(settings, data), data, **options)


def seeds(arguments: argparse.Namespace) -> None:
    """Compare `run_seeds` of five seeds with one `run`, and so with five."""
    red_wine, mnist = load_red_wine(), load_mnist(n_train=1000)
    comparisons = {
        "wine, batch 256": (Settings(batch_size=256, epochs=100), red_wine),
        "wine, batch 32": (Settings(batch_size=32, epochs=100), red_wine),
        "… dropout and batch norm": (Settings(dropout=0.3, batch_norm=True, epochs=100), red_wine),
        "MNIST 1,000, batch 64": (Settings(batch_size=64, epochs=30), mnist),
    }
    title("64×2, wine 100 epochs, MNIST 30: five seeds together, against one run", "run_seeds of 5", "one run")
    for name, (settings, data) in comparisons.items():
        sides = [
            lambda settings=settings, data=data: seconds(run_seeds, settings, data, seeds=SEEDS),
            lambda settings=settings, data=data: seconds(run, settings, data),
        ]
        times = take_turns(sides, arguments.repeats)
        row(name, times[:, 0, 0], times[:, 1, 0])


def memory(arguments: argparse.Namespace) -> None:
    """Growth of a new process while it trains 50 fresh models, after three to warm up."""
    print("\nGrowth of the process over 50 fresh models (wine, 64×2, batch 256, 2 epochs)", flush=True)
    for name in ("model.fit", "fit", "run_seeds, 10 × 5 seeds"):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            growth = process.submit(growth_over_50, name).result()
        print(f"  {name:26}{'cannot be read on this system' if growth is None else f'{growth:11.0f} MB'}", flush=True)


def growth_over_50(name: str) -> float | None:
    data, settings = load_red_wine(split="tutorial"), Settings(batch_size=256, epochs=2)
    if name == "model.fit":
        train, times = lambda: keras_fit(make_model(settings, data), data, epochs=2, batch_size=256), 50
    elif name == "fit":
        train, times = lambda: fit(make_model(settings, data), data, epochs=2, batch_size=256), 50
    else:
        train, times = lambda: run_seeds(settings, data, seeds=SEEDS), 10
    for _ in range(3):
        train()
    before = megabytes()
    for _ in range(times):
        train()
    return None if before is None else megabytes() - before


def megabytes() -> float | None:
    """Memory of this process that is in use; None where it cannot be read."""
    gc.collect()
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if statm.exists() else None


PARTS = {function.__name__: function for function in (wine, second, deep, digits, seeds, memory)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="counted repeats of each comparison (default: 3)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to run (default: all)")
    parser.add_argument("--deep-epochs", type=int, default=100, help="epochs of the 1024×3 network (default: 100)")
    parser.add_argument("--digits-epochs", type=int, default=2, help="epochs over the 60,000 digits (default: 2)")
    arguments = parser.parse_args()
    for name in ("repeats", "deep_epochs", "digits_epochs"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    versions = f"Python {platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}"
    print(f"{versions}, {os.cpu_count()} cores; medians of {arguments.repeats} after one warm-up")
    for name in arguments.only:
        PARTS[name](arguments)


if __name__ == "__main__":
    main()
