"""The estimators keep scikit-learn's rules, repeat themselves, and give the same numbers in every kind of search."""

import io
import os
import pickle
import random
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import joblib
import keras
import keras_tuner
import numpy as np
import psutil
import pytest
from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from course_utils.search import KerasMLPClassifier, KerasMLPRegressor, progress
from course_utils.search import graphs as search_graphs
from course_utils.search import progress_bar as search_progress
from course_utils.training import CompiledEpoch, fit


def build_model(n_hidden=1, n_neurons=30, learning_rate=3e-3):
    model = keras.Sequential()
    for _ in range(n_hidden):
        model.add(keras.layers.Dense(n_neurons, activation="relu"))
    model.add(keras.layers.Dense(1))
    model.compile(loss="mse", optimizer=keras.optimizers.SGD(learning_rate=learning_rate))
    return model


def build_classifier(n_outputs, n_neurons=8, learning_rate=0.1):
    model = keras.Sequential([keras.layers.Dense(n_neurons, activation="relu"), keras.layers.Dense(n_outputs)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, optimizer=keras.optimizers.SGD(learning_rate), metrics=["accuracy"])
    return model


def regressor(**changes):
    return KerasMLPRegressor(build_model, **{"epochs": 3, "n_neurons": 4, **changes})


def classifier(**changes):
    return KerasMLPClassifier(build_classifier, **{"epochs": 3, **changes})


@pytest.fixture(scope="module")
def words(wine):
    """The wines' qualities in words."""
    return np.where(wine.y_train > 6, "good", np.where(wine.y_train < 6, "poor", "fair"))


# Rules of scikit-learn


def build_eagerly(n_outputs, n_neurons=4):
    """A network for the many tiny fits of the checks, with no graph to be traced."""
    model = keras.Sequential([keras.layers.Dense(n_neurons, activation="tanh"), keras.layers.Dense(n_outputs)])
    model.compile(loss="mse", optimizer=keras.optimizers.Adam(0.01), run_eagerly=True)
    return model


def build_classifier_eagerly(n_outputs, n_neurons=4):
    model = build_eagerly(n_outputs, n_neurons)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, optimizer=keras.optimizers.Adam(0.01), run_eagerly=True)
    return model


@parametrize_with_checks(
    [
        KerasMLPRegressor(build_eagerly, epochs=2, n_neurons=3),
        KerasMLPClassifier(build_classifier_eagerly, epochs=2, n_neurons=3),
    ]
)
def test_rules_of_scikit_learn(estimator, check):
    check(estimator)


def test_hyperparameters_are_those_of_build_model():
    estimator = KerasMLPRegressor(build_model, n_neurons=7, patience=None)
    params = estimator.get_params()
    assert [params[name] for name in ("n_hidden", "n_neurons", "learning_rate", "patience")] == [1, 7, 3e-3, None]
    assert "n_outputs" not in classifier().get_params()
    copy = clone(estimator.set_params(n_hidden=2, epochs=5))
    assert copy is not estimator
    assert copy.get_params() == {**params, "n_hidden": 2, "epochs": 5}
    assert "n_neurons=7" in repr(copy)


def test_another_build_model_brings_its_own_hyperparameters():
    estimator = regressor().set_params(build_model=build_eagerly)
    assert {"n_neurons", "n_hidden"} & estimator.get_params().keys() == {"n_neurons"}
    assert clone(estimator).get_params()["n_neurons"] == 4


def test_settings_that_build_model_names_are_handed_to_it(wine):
    seen = {}

    def build(n_inputs, n_outputs, epochs, seed, batch_size, width=2):
        seen.update(n_inputs=n_inputs, n_outputs=n_outputs, epochs=epochs, seed=seed, batch_size=batch_size)
        return build_model(n_neurons=width)

    estimator = KerasMLPRegressor(build, epochs=2, seed=3).fit(wine.x_train, wine.y_train)
    assert seen == {"n_inputs": 11, "n_outputs": 1, "epochs": 2, "seed": 3, "batch_size": 32}
    assert set(estimator.get_params()) - set(regressor().get_params()) == {"width"}


def test_fit_gives_the_network_that_training_fit_gives(wine):
    estimator = regressor(patience=None, epochs=4, seed=7).fit(wine.x_train, wine.y_train)
    keras.utils.set_random_seed(7)
    model = build_model(n_neurons=4)
    model.build((None, 11))
    history = fit(model, wine, epochs=4, seed=7)
    assert estimator.history_ == {"loss": history.history["loss"]}
    assert (estimator.n_epochs_, estimator.best_epoch_) == (4, 4)
    assert estimator.predict(wine.x_valid) == pytest.approx(model.predict(wine.x_valid, verbose=0)[:, 0], rel=1e-5)


def test_numbers_of_numpy_are_settings_too(wine):
    drawn = {"epochs": np.int64(2), "batch_size": np.int64(16), "seed": np.int64(3), "patience": np.int64(1)}
    plain = {name: int(value) for name, value in drawn.items()}
    histories = [regressor(**settings).fit(wine.x_train, wine.y_train).history_ for settings in (drawn, plain)]
    assert histories[0] == histories[1]


def test_early_stopping_keeps_the_best_weights(wine):
    estimator = regressor(epochs=60, patience=2, learning_rate=0.08, n_neurons=30).fit(wine.x_train, wine.y_train)
    losses = estimator.history_["val_loss"]
    assert estimator.n_epochs_ == len(losses) < 60
    assert estimator.best_epoch_ == np.argmin(losses) + 1 == estimator.n_epochs_ - 2
    held_out = KerasMLPRegressor(build_model)._held_out(100, None)[1]
    squares = (estimator.predict(wine.x_train[held_out]) - wine.y_train[held_out]) ** 2
    assert squares.mean() == pytest.approx(min(losses), rel=1e-5)


def test_rows_held_out_have_all_classes_and_follow_the_seed(words):
    estimator = classifier(seed=1)
    estimator.classes_, numbers = np.unique(words, return_inverse=True)
    train, held_out = estimator._held_out(100, numbers)
    assert sorted([*train, *held_out]) == list(range(100))
    np.testing.assert_allclose(np.bincount(numbers[held_out]) / 20, np.bincount(numbers) / 100, atol=0.05)
    assert list(estimator._held_out(100, numbers)[1]) == list(held_out)
    assert list(classifier(seed=2)._held_out(100, numbers)[1]) != list(held_out)


def test_classifier_learns_labels_of_any_kind(wine, words):
    estimator = classifier(epochs=60, patience=None).fit(wine.x_train, words)
    assert list(estimator.classes_) == ["fair", "good", "poor"]
    probabilities = estimator.predict_proba(wine.x_train)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert list(estimator.predict(wine.x_train)) == list(estimator.classes_[probabilities.argmax(axis=1)])
    assert estimator.score(wine.x_train, words) == pytest.approx(estimator.history_["accuracy"][-1], abs=0.1)
    assert estimator.score(wine.x_train, words) > np.mean(words == "poor") + 0.1


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("units", [1, 2])
def test_probabilities_of_two_classes(wine, units, from_logits):
    activation = "linear" if from_logits else ("sigmoid" if units == 1 else "softmax")
    loss = keras.losses.BinaryCrossentropy if units == 1 else keras.losses.SparseCategoricalCrossentropy

    def build():
        model = keras.Sequential([keras.layers.Dense(units, activation=activation)])
        model.compile(loss=loss(from_logits=from_logits), optimizer=keras.optimizers.SGD(0.1))
        return model

    good = wine.y_train > 5
    estimator = KerasMLPClassifier(build, epochs=30, patience=None).fit(wine.x_train, good)
    outputs = estimator.model_(wine.x_train).numpy().astype("float64")
    odds = np.exp(outputs[:, -1] - (outputs[:, 0] if units == 2 else 0))
    expected = odds / (1 + odds) if from_logits else outputs[:, -1]
    np.testing.assert_allclose(estimator.predict_proba(wine.x_train)[:, 1], expected, rtol=1e-6)
    assert estimator.score(wine.x_train, good) > 0.7


def test_regressor_takes_several_targets(wine):
    def build(n_outputs):
        model = keras.Sequential([keras.layers.Dense(n_outputs)])
        model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.05))
        return model

    both = np.column_stack([wine.y_train, wine.x_train[:, 0]])
    predicted = KerasMLPRegressor(build, epochs=60, patience=None).fit(wine.x_train, both).predict(wine.x_train)
    assert predicted.shape == (100, 2)
    assert np.abs(predicted - both).mean() < 0.6


@pytest.mark.parametrize("kind", ["regressor", "classifier"])
def test_pickled_estimator_predicts_and_trains_on(wine, words, kind):
    estimator = regressor() if kind == "regressor" else classifier()
    estimator.fit(wine.x_train, wine.y_train if kind == "regressor" else words)
    copy = pickle.loads(pickle.dumps(make_pipeline(estimator)))[-1]
    assert list(copy.predict(wine.x_valid)) == list(estimator.predict(wine.x_valid))
    assert copy.history_ == estimator.history_
    assert copy.model_.optimizer.iterations == estimator.model_.optimizer.iterations > 0
    assert pickle.loads(pickle.dumps(regressor())).get_params()["n_neurons"] == 4


def test_not_fitted(wine):
    with pytest.raises(NotFittedError):
        regressor().predict(wine.x_train)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"epochs": 0}, ["epochs=0", ">= 1"]),
        ({"batch_size": 1.5}, ["batch_size=1.5"]),
        ({"patience": -1}, ["patience=-1", "None switches"]),
        ({"validation_fraction": 1.0}, ["validation_fraction=1.0", "< 1"]),
        ({"seed": -1}, ["seed=-1"]),
        ({"n_hiden": 2}, ["'n_hiden'", "'n_hidden'", "'patience'", "step__parameter"]),
        ({"build_model": None}, ["build_model=None", "function"]),
        ({"build_model": build_model()}, ["build_model=", "Pass the function itself"]),
        ({"build_model": lambda: None}, ["build_model returned None", "return model"]),
        ({"build_model": lambda: keras.Sequential([keras.layers.Dense(1)])}, ["not compiled", "model.compile"]),
        ({"build_model": lambda width: build_model(n_neurons=width)}, ["'width'", "width=…"]),
        ({"build_model": lambda: build_eagerly(2)}, ["2 units", "asks for 1", "Dense(n_outputs)"]),
        ({"learning_rate": 1e6}, ["diverged", "StandardScaler"]),
    ],
)
def test_bad_settings_are_named_with_a_way_out(wine, wrong, named):
    with pytest.raises(ValueError, match=r"\.$") as error:
        KerasMLPRegressor(**{"build_model": build_model, "epochs": 3, **wrong}).fit(wine.x_train, wine.y_train)
    assert all(part in str(error.value) for part in named)


def test_bad_data_are_named_with_a_way_out(wine, words):
    rare = np.where(np.arange(100) == 0, "rare", words)
    for labels, named in ((rare, "'rare'.*one row.*patience=None"), (np.full(100, "same"), "one class, .*same")):
        with pytest.raises(ValueError, match=named):
            classifier().fit(wine.x_train, labels)


# Repeatable, and no trace left


def test_the_seed_alone_decides(wine):
    def predictions(seed):
        return regressor(seed=seed).fit(wine.x_train, wine.y_train).predict(wine.x_valid).tolist()

    first = predictions(0)
    keras.utils.set_random_seed(99)
    regressor(n_hidden=2).fit(wine.x_train, wine.y_train)
    search_graphs._kept_graphs.clear()
    assert predictions(0) == first != predictions(1)


def test_other_threads_that_draw_numbers_change_nothing(wine):
    """Those of a Dask worker do, now and then."""

    def disturbed(n_neurons):
        thread = threading.Thread(target=lambda: (random.random(), random.randint(1, 6)))
        thread.start()
        thread.join()
        return build_model(n_neurons=n_neurons)

    histories = [
        KerasMLPRegressor(build, n_neurons=4, epochs=2).fit(wine.x_train, wine.y_train).history_
        for build in (build_model, disturbed)
    ]
    assert histories[0] == histories[1]


def test_fit_leaves_the_generators_of_the_process_alone(wine):
    def numbers():
        return random.random(), np.random.rand()

    random.seed(1), np.random.seed(1)
    regressor().fit(wine.x_train, wine.y_train)
    after_fit = numbers()
    random.seed(1), np.random.seed(1)
    assert numbers() == after_fit


@pytest.fixture
def traces(monkeypatch):
    """Counts the graphs that are made."""
    made = []
    search_graphs._kept_graphs.clear()

    class Counting(CompiledEpoch):
        def __init__(self, *arguments):
            made.append(self)
            super().__init__(*arguments)

    monkeypatch.setattr(search_graphs, "CompiledEpoch", Counting)
    return made


def test_folds_and_learning_rates_share_a_graph(wine, traces):
    for rows, rate in ((99, 0.01), (100, 0.02), (77, 0.02)):
        shared = regressor(learning_rate=rate).fit(wine.x_train[:rows], wine.y_train[:rows])
        kept = len(traces)
        search_graphs._kept_graphs.clear() if rows == 77 else None
    alone = regressor(learning_rate=0.02).fit(wine.x_train[:77], wine.y_train[:77])
    assert (kept, len(traces)) == (1, 2)
    assert alone.history_ == shared.history_
    assert regressor(n_neurons=5).fit(wine.x_train, wine.y_train)
    assert len(traces) == 3


def test_dropout_batch_norm_and_momentum_start_anew_in_a_kept_graph(wine, traces):
    def build(learning_rate=0.01):
        parts = [keras.layers.Dense(8), keras.layers.BatchNormalization(), keras.layers.Dropout(0.3)]
        model = keras.Sequential([*parts, keras.layers.Dense(1)])
        model.compile(loss="mse", optimizer=keras.optimizers.Adam(learning_rate))
        return model

    runs = [KerasMLPRegressor(build, epochs=3, seed=s).fit(wine.x_train, wine.y_train) for s in (0, 1, 0)]
    assert len(traces) == 1
    assert runs[0].history_ == runs[2].history_ != runs[1].history_
    first, last = (run.predict(wine.x_valid) for run in (runs[0], runs[2]))
    assert first.tolist() == last.tolist()


FACTOR = {"now": 1.0}


class OwnLayer(keras.layers.Layer):
    def call(self, inputs):
        return own_activation(inputs)


def own_activation(x):
    return FACTOR["now"] * x


def own_loss(y, predicted):
    return FACTOR["now"] * keras.ops.square(y - predicted)


def build_own(part, factor):
    FACTOR["now"] = factor
    layer = {
        "layer": OwnLayer,
        "activation": lambda: keras.layers.Activation(own_activation),
        "lambda": lambda: keras.layers.Activation(lambda x: FACTOR["now"] * x),
    }.get(part, lambda: keras.layers.Activation("linear"))()
    model = keras.Sequential([layer, keras.layers.Dense(1)])
    loss = own_loss if part == "loss" else "mse"
    model.compile(loss=loss, optimizer="sgd", metrics=[own_loss] if part == "metric" else [])
    return model


@pytest.mark.filterwarnings("error:The object being serialized")
@pytest.mark.parametrize("part", ["loss", "layer", "activation", "lambda", "metric"])
def test_code_of_ones_own_is_never_taken_from_a_kept_graph(wine, traces, part):
    estimator = KerasMLPRegressor(build_own, part=part, factor=1.0, epochs=1)
    histories = [clone(estimator).set_params(factor=f).fit(wine.x_train, wine.y_train).history_ for f in (1.0, 0.5)]
    assert len(traces) == 2
    assert histories[0] != histories[1]


def test_a_later_fit_does_not_touch_an_earlier_model(wine):
    first = regressor().fit(wine.x_train, wine.y_train)
    before = first.predict(wine.x_valid).tolist()
    second = regressor(seed=5).fit(wine.x_train, wine.y_train)
    assert first.model_ is not second.model_
    assert first.predict(wine.x_valid).tolist() == before
    history = first.model_.fit(wine.x_train, wine.y_train, verbose=0)
    assert np.isfinite(history.history["loss"][0])


SIXTY_FITS = """
import gc, sys
import psutil
from course_utils.data import load_red_wine
from course_utils.search import KerasMLPRegressor
sys.path.insert(0, sys.argv[1])
from test_search import build_model

wine = load_red_wine()
def train(width):
    KerasMLPRegressor(build_model, n_neurons=width, epochs=2).fit(wine.x_train[:100], wine.y_train[:100])
    return psutil.Process().memory_info().rss / 1e6
for width in range(61, 65):
    before = train(width)
print(max(train(width) for width in range(1, 61)) - before)
"""


def test_sixty_architectures_leave_no_memory_behind():
    command = [sys.executable, "-c", SIXTY_FITS, str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) < 200


# Searches

SPACE = {"n_hidden": [0, 1], "n_neurons": np.arange(2, 6), "learning_rate": loguniform(3e-3, 3e-2)}


def random_search(**options):
    options = {"n_iter": 3, "cv": 3, "random_state": 0, "refit": False, **options}
    return RandomizedSearchCV(regressor(epochs=2), SPACE, scoring="neg_mean_squared_error", **options)


@pytest.fixture(scope="module")
def serial(wine):
    return random_search().fit(wine.x_train, wine.y_train)


def assert_same_search(search, expected):
    for split in range(3):
        name = f"split{split}_test_score"
        np.testing.assert_array_equal(search.cv_results_[name], expected.cv_results_[name])
    assert search.best_params_ == expected.best_params_


def test_grid_search_in_a_pipeline(wine):
    pipeline = make_pipeline(StandardScaler(), regressor(epochs=20, patience=None))
    grid = {"kerasmlpregressor__learning_rate": [1e-7, 0.02], "kerasmlpregressor__n_hidden": [0, 1]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(wine.x_train, wine.y_train)
    assert search.best_params_["kerasmlpregressor__learning_rate"] == 0.02
    assert float(search.best_estimator_[-1].model_.optimizer.learning_rate) == pytest.approx(0.02)
    assert search.cv_results_["mean_test_score"].shape == (4,)


def test_random_search_repeats_itself(wine, serial):
    assert_same_search(random_search().fit(wine.x_train, wine.y_train), serial)
    assert len(set(serial.cv_results_["mean_test_score"])) == 3


def test_halving_search_gives_more_epochs_to_the_better(wine):
    search = HalvingRandomSearchCV(
        regressor(patience=None),
        {"learning_rate": [1e-7, 0.02]},
        resource="epochs",
        n_candidates=2,
        min_resources=1,
        max_resources=4,
        factor=2,
        cv=2,
        random_state=0,
    ).fit(wine.x_train, wine.y_train)
    assert search.n_resources_ == [1, 2]
    assert search.best_params_ == {"learning_rate": 0.02, "epochs": 2}


def test_cross_validation_of_the_classifier(wine, words):
    scores = cross_val_score(classifier(epochs=30), wine.x_train, words, cv=3)
    assert scores.shape == (3,)
    assert scores.mean() > 0.4


def test_two_processes_give_the_serial_numbers(wine, serial):
    assert_same_search(random_search(n_jobs=2).fit(wine.x_train, wine.y_train), serial)


@pytest.fixture(scope="module")
def worker_log(tmp_path_factory):
    """The file to which the workers write their stderr."""
    return tmp_path_factory.mktemp("dask") / "stderr.txt"


@pytest.fixture(scope="module")
def cluster(worker_log):
    """Two Dask workers on this machine."""
    stderr = os.dup(2)
    with worker_log.open("wb") as file:
        os.dup2(file.fileno(), 2)  # the workers inherit it
        local = LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            preload="course_utils.search.workers",
        )
        os.dup2(stderr, 2)
    with local, Client(local):
        yield local


def test_dask_gives_the_serial_numbers(wine, serial, cluster):
    with parallel_config(backend="dask"):
        assert_same_search(random_search().fit(wine.x_train, wine.y_train), serial)


def test_dask_workers_are_ready_with_one_thread_each_and_write_nothing(cluster, worker_log):
    def threads():
        assert "course_utils.search" in sys.modules
        return sys.modules["tensorflow"].config.threading.get_intra_op_parallelism_threads()

    found = Client.current().run(threads)
    assert list(found.values()) == [1, 1]
    assert worker_log.read_text() == ""


def test_dask_listens_on_this_machine_only(cluster):
    pids = [process.pid for process in (psutil.Process(), *psutil.Process().children(recursive=True))]
    open_ports = [c.laddr.ip for c in psutil.net_connections() if c.pid in pids and c.status == psutil.CONN_LISTEN]
    assert len(open_ports) > 2
    assert set(open_ports) == {"127.0.0.1"}


def test_the_result_is_the_same_if_a_worker_dies(wine, serial, cluster):
    victim = next(iter(Client.current().run(os.getpid).values()))

    def end_worker(done):
        while not done[0]:
            time.sleep(0.01)
        ended.append(done[0])
        psutil.Process(victim).kill()

    ended = []
    search = random_search()
    with parallel_config(backend="dask"), search_progress._counting() as done:
        thread = threading.Thread(target=end_worker, args=[done])
        thread.start()
        search.fit(wine.x_train, wine.y_train)
        thread.join()
    assert ended[0] < 9
    assert not psutil.pid_exists(victim)
    assert_same_search(search, serial)


# Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    stdout = Terminal()  # pytest changes sys.stdout itself between a fixture and its test
    monkeypatch.setattr(search_progress, "sys", types.SimpleNamespace(stdout=stdout, modules={}))
    monkeypatch.setattr(search_progress, "REDRAW", 0.01)
    return stdout


def divide_by_nothing():
    time.sleep(0.1)
    return 1 / 0


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky", "dask"])
def test_progress_counts_the_fits(backend, request):
    if backend == "dask":
        request.getfixturevalue("cluster")
    with parallel_config(backend=backend, n_jobs=2), search_progress._counting() as done:
        joblib.Parallel()(joblib.delayed(time.sleep)(0.01) for _ in range(4))
        assert done == [4]
        cross_val_score(DummyRegressor(), np.eye(12), np.arange(12.0), cv=2)
        assert done == [6]


def test_progress_does_not_count_parallel_work_within_a_fit():
    def fit_one():
        joblib.Parallel()(joblib.delayed(abs)(i) for i in range(7))
        return done[0]

    with search_progress._counting() as done:
        assert joblib.Parallel()(joblib.delayed(fit_one)() for _ in range(3)) == [0, 1, 2]


def test_progress_shows_a_bar_that_vanishes(terminal):
    with progress(4, delay=0):
        joblib.Parallel()(joblib.delayed(time.sleep)(0.1) for _ in range(4))
    shown = terminal.getvalue()
    assert "| 2/4 [" in shown
    assert "<00:0" in shown  # time left
    assert shown.rpartition("\r")[0].rpartition("\r")[2].strip() == ""


def test_progress_of_a_quick_search_shows_nothing(terminal):
    with progress(1):
        joblib.Parallel()(joblib.delayed(abs)(-i) for i in range(1))
    assert terminal.getvalue() == ""


def test_progress_shows_nothing_where_nobody_looks(capsys):
    with progress(2, delay=0):
        joblib.Parallel()(joblib.delayed(time.sleep)(0.05) for _ in range(2))
    assert capsys.readouterr() == ("", "")


def test_progress_ends_cleanly_after_an_error(terminal):
    before = joblib.Parallel.__call__, joblib.Parallel.print_progress
    with pytest.raises(ZeroDivisionError), progress(2, delay=0):
        joblib.Parallel()(joblib.delayed(divide_by_nothing)() for _ in range(2))
    assert (joblib.Parallel.__call__, joblib.Parallel.print_progress) == before
    assert "progress" not in [thread.name for thread in threading.enumerate()]
    assert terminal.getvalue().endswith("\r")


@pytest.mark.parametrize("wrong", [{"total": 0}, {"total": 3, "delay": -1}])
def test_bad_arguments_of_progress_are_named(wrong):
    name, value = list(wrong.items())[-1]
    with pytest.raises(ValueError, match=f"{name}={value}"), progress(**wrong):
        pass


# KerasTuner


def test_keras_tuner_completes_every_trial(wine, tmp_path):
    """Without tensorboard it would mark each as failed, and still return "best" values."""

    def build(choices):
        return build_model(choices.Int("n_hidden", 0, 1), choices.Int("n_neurons", 2, 4))

    tuner = keras_tuner.RandomSearch(
        build, objective="val_loss", max_trials=2, seed=0, directory=tmp_path, project_name="wine"
    )
    stopping = keras.callbacks.EarlyStopping(patience=1)
    data = {"validation_data": (wine.x_valid, wine.y_valid), "callbacks": [stopping], "verbose": 0}
    tuner.search(wine.x_train, wine.y_train, epochs=2, **data)
    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"] * 2
    assert tuner.get_best_hyperparameters()[0].get("n_neurons") in (2, 3, 4)
