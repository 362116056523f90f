"""A graph for each epoch: traced once, freed with its model, and in the orders that the seeds give."""

import ast
import gc
import itertools
import subprocess
import sys
import weakref

import keras
import pytest
from keras import layers

from course_utils.training import GRAPHS, batch_orders, fit, fit_together
from tests.training.shared import dense, network


def test_every_epoch_has_each_row_once_in_a_new_order():
    first, second = itertools.islice(batch_orders(50, seed=1), 2)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first.tolist() != second.tolist()
    assert first.tolist() != list(range(50))
    assert [order.tolist() for order in itertools.islice(batch_orders(3, shuffle=False), 2)] == [[0, 1, 2]] * 2


def test_orders_depend_on_the_seed_alone():
    one, same, other = (next(batch_orders(50, seed=seed)).tolist() for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize(("run_eagerly", "expected"), [(False, 1), (True, 8)])
def test_the_models_own_step_is_traced_once_or_run_eagerly(wine, run_eagerly, expected):
    class Counting(keras.Sequential):
        steps = 0

        def train_step(self, data):
            Counting.steps += 1  # by Python: once for each trace, or for each of 2 × 4 batches
            return super().train_step(data)

    model = Counting([keras.Input((11,)), dense(), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(1)])
    model.compile(loss="mae", run_eagerly=run_eagerly)
    fit(model, wine, epochs=2)
    assert Counting.steps == expected


@pytest.mark.parametrize("together", [1, 2])
def test_graphs_that_the_cache_forgets_are_freed(wine, together):
    def train():
        fit_together([network(dense) for _ in range(together)], wine, epochs=1)  # a single model is trained by `fit`
        GRAPHS.clear()

    def graphs():
        gc.collect()
        return sum(type(thing).__name__ == "FuncGraph" for thing in gc.get_objects())

    train()
    before = graphs()
    for _ in range(2):
        train()
    assert graphs() <= before


def test_graphs_of_models_that_are_not_known_are_freed_with_them(wine):
    def train():
        fit(network(dense, loss=lambda y, predicted: keras.ops.abs(y - predicted)), wine, epochs=1)

    def graphs():
        gc.collect()
        return sum(type(thing).__name__ == "FuncGraph" for thing in gc.get_objects())

    train()
    before = graphs()
    train()
    assert graphs() <= before


def test_a_kept_graph_keeps_no_model(wine):
    model = network(dense)
    fit(model, wine, epochs=1)
    seen, kept = weakref.ref(model), len(GRAPHS)
    del model
    gc.collect()
    assert seen() is None
    assert kept > 0


@pytest.fixture(scope="module")
def fifty_models():
    """A new process that trains 50 fresh models, one after the other: its growth in MB (None off Linux) and stderr."""
    done = subprocess.run([sys.executable, "-c", FIFTY_MODELS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout.splitlines()[-1]), done.stderr


FIFTY_MODELS = """
import dataclasses, gc, os, pathlib
from course_utils.data import load_red_wine
from course_utils.experiment import Settings, make_model
from course_utils.training import fit, fit_together

full = load_red_wine()
wine = dataclasses.replace(full, x_train=full.x_train[:50], y_train=full.y_train[:50])
settings = Settings(width=8, depth=1)
memory = pathlib.Path("/proc/self/statm")

def megabytes():
    gc.collect()
    return int(memory.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if memory.exists() else None

def train():
    fit(make_model(settings, wine), wine, epochs=1)

train()
before = megabytes()
for _ in range(50):
    train()
growth = before and megabytes() - before
for _ in range(5):
    fit_together([make_model(Settings(depth=0, seed=seed), wine) for seed in (0, 1)], wine, epochs=1)
print(growth)
"""


@pytest.mark.slow
def test_fifty_models_leave_no_memory_behind(fifty_models):
    growth, _ = fifty_models
    if growth is None:
        pytest.skip("The memory of a process can only be read on Linux.")
    assert growth < 200


@pytest.mark.slow
def test_fifty_models_and_a_few_together_are_trained_without_a_warning(fifty_models):
    _, errors = fifty_models
    assert "retracing" not in errors
