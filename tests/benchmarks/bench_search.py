"""How long the course's search takes: with `course_utils.search`, with scikeras, and on two Dask workers.

    python tests/benchmarks/bench_search.py                  # the whole: 10 candidates × 3 folds, about 10 minutes
    python tests/benchmarks/bench_search.py --candidates 2   # a shorter ratio: 6 fits
    python tests/benchmarks/bench_search.py --only dask

Red wine, 1,087 wines: n_hidden 0–3, n_neurons 1–99, learning rate log-uniform from 3e-4 to 3e-2; SGD on the mean
squared error, batches of 32, 100 epochs, early stopping with patience 10. scikeras is no dependency of the course:
`pip install scikeras==0.13.0`.
"""

from __future__ import annotations

import argparse
import os
import platform
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import sklearn
import tensorflow as tf
from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from scipy.stats import loguniform
from sklearn.base import BaseEstimator
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from course_utils.data import load_red_wine
from course_utils.search import KerasMLPRegressor, progress

SPACE = {
    "network__n_hidden": [0, 1, 2, 3],
    "network__n_neurons": np.arange(1, 100),
    "network__learning_rate": loguniform(3e-4, 3e-2),
}


def build_model(n_hidden: int = 1, n_neurons: int = 30, learning_rate: float = 3e-3) -> keras.Model:
    model = keras.Sequential([keras.Input((11,))])
    for _ in range(int(n_hidden)):
        model.add(keras.layers.Dense(int(n_neurons), activation="relu"))
    model.add(keras.layers.Dense(1))
    model.compile(loss="mse", optimizer=keras.optimizers.SGD(learning_rate=learning_rate))
    return model


def with_scikeras() -> BaseEstimator:
    try:
        from scikeras.wrappers import KerasRegressor  # noqa: PLC0415
    except ImportError as missing:
        raise SystemExit("scikeras is missing: pip install scikeras==0.13.0, or leave it out: --only dask") from missing
    return KerasRegressor(
        build_model,
        n_hidden=1,
        n_neurons=30,
        learning_rate=3e-3,
        batch_size=32,
        epochs=100,
        validation_split=0.2,
        callbacks=keras.callbacks.EarlyStopping,
        callbacks__patience=10,
        callbacks__restore_best_weights=True,
        random_state=0,
        verbose=0,
    )


def search(network: BaseEstimator, candidates: int) -> tuple[RandomizedSearchCV, float]:
    """A finished search, and its seconds."""
    wine = load_red_wine(standardize=False)
    x, y = (np.concatenate([getattr(wine, f"{axis}_train"), getattr(wine, f"{axis}_valid")]) for axis in "xy")
    found = RandomizedSearchCV(
        Pipeline([("scale", StandardScaler()), ("network", network)]),
        SPACE,
        n_iter=candidates,
        cv=3,
        scoring="neg_mean_squared_error",
        random_state=0,
        refit=False,
    )
    started = time.perf_counter()
    with progress(3 * candidates):
        found.fit(x, y)
    return found, time.perf_counter() - started


def scores(found: RandomizedSearchCV) -> np.ndarray:
    """Mean squared errors of shape (folds, candidates)."""
    return -np.array([found.cv_results_[f"split{fold}_test_score"] for fold in range(3)])


def line(name: str, seconds: float, found: RandomizedSearchCV) -> None:
    of_best = scores(found)[:, found.best_index_]
    chosen = ", ".join(f"{name.partition('__')[2]}={value:.3g}" for name, value in found.best_params_.items())
    error = f"MSE {of_best.mean():.4f}, standard deviation over folds {of_best.std():.4f}"
    print(f"  {name:22}{seconds:8.1f} s   {error} ({chosen})", flush=True)


def scikeras(candidates: int) -> None:
    """Compare both estimators in the same search."""
    print(f"\n{candidates} candidates × 3 folds, serial", flush=True)
    ours, our_seconds = search(KerasMLPRegressor(build_model), candidates)
    line("course_utils.search", our_seconds, ours)
    theirs, their_seconds = search(with_scikeras(), candidates)
    line("scikeras", their_seconds, theirs)
    worse = -ours.best_score_ + theirs.best_score_
    spread = scores(ours)[:, ours.best_index_].std()
    print(
        f"  ratio {their_seconds / our_seconds:.1f}; our best MSE is {worse:+.4f} against theirs, spread {spread:.4f}"
    )


def dask(candidates: int) -> None:
    """Compare the serial search with two workers, and their numbers."""
    print(f"\n{candidates} candidates × 3 folds, serial and on two Dask workers", flush=True)
    search(KerasMLPRegressor(build_model, epochs=2), 1)  # as warm as the workers
    serial, serial_seconds = search(KerasMLPRegressor(build_model), candidates)
    line("serial", serial_seconds, serial)
    started = time.perf_counter()
    local = LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
        preload="course_utils.search.workers",
    )
    with local as cluster, Client(cluster), parallel_config(backend="dask"):
        search(KerasMLPRegressor(build_model, epochs=2), 1)
        up = time.perf_counter() - started
        parallel, seconds = search(KerasMLPRegressor(build_model), candidates)
    line("two workers", seconds, parallel)
    print(f"  ratio {serial_seconds / seconds:.2f}; {up:.1f} s before it until the workers were as warm")
    print(f"  largest difference of a score: {np.abs(scores(serial) - scores(parallel)).max():.1e}")


PARTS = {"scikeras": scikeras, "dask": dask}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=10, help="of three fits each (default: 10)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to run (default: all)")
    arguments = parser.parse_args()
    if arguments.candidates < 1:
        parser.error("--candidates must be at least 1")
    versions = f"Python {platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}"
    print(f"{versions}, scikit-learn {sklearn.__version__}, {os.cpu_count()} cores")
    for name in arguments.only:
        PARTS[name](arguments.candidates)


if __name__ == "__main__":
    main()
