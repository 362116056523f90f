"""Networks of one architecture share a graph, and no network is trained with the graph of another."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.base import clone

from course_utils.search import KerasMLPRegressor
from course_utils.training import GRAPHS
from course_utils.training.tracing import TracedGraph
from tests.search.shared import regressor


@pytest.fixture
def traces(monkeypatch):
    """The graphs that are traced: for each architecture two, of training and of validation."""
    made = []
    init = TracedGraph.__init__

    def counted_init(graph, *arguments, **options):
        made.append(graph)
        init(graph, *arguments, **options)

    GRAPHS.clear()
    monkeypatch.setattr(TracedGraph, "__init__", counted_init)
    return made


def test_folds_and_learning_rates_share_a_graph(wine, traces):
    for rows, rate in ((99, 0.01), (100, 0.02), (77, 0.02)):
        shared = regressor(learning_rate=rate).fit(wine.x_train[:rows], wine.y_train[:rows])
        kept = len(traces)
    GRAPHS.clear()
    alone = regressor(learning_rate=0.02).fit(wine.x_train[:77], wine.y_train[:77])
    assert (kept, len(traces)) == (2, 4)
    assert alone.history_ == shared.history_
    assert regressor(n_neurons=5).fit(wine.x_train, wine.y_train)
    assert len(traces) == 6


def test_dropout_batch_norm_and_momentum_start_anew_in_a_kept_graph(wine, traces):
    def build(learning_rate=0.01):
        parts = [keras.layers.Dense(8), keras.layers.BatchNormalization(), keras.layers.Dropout(0.3)]
        model = keras.Sequential([*parts, keras.layers.Dense(1)])
        model.compile(loss="mse", optimizer=keras.optimizers.Adam(learning_rate))
        return model

    runs = [KerasMLPRegressor(build, epochs=3, seed=s).fit(wine.x_train, wine.y_train) for s in (0, 1, 0)]
    assert len(traces) == 2
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


OWN_LAYERS = {
    "layer": OwnLayer,
    "activation": lambda: keras.layers.Activation(own_activation),
    "lambda": lambda: keras.layers.Activation(lambda x: 1.0 * own_activation(x)),
    "partial": lambda: keras.layers.Activation(partial(own_activation)),  # which Keras cannot write down
}
OWN_COMPILED = {
    "loss": lambda: {"loss": own_loss},
    "metric": lambda: {"metrics": [own_loss]},
    "lambda metric": lambda: {"metrics": [lambda y, predicted: 2.0 * own_loss(y, predicted)]},
    "partial metric": lambda: {"metrics": [partial(own_loss)]},
}


def build_own(part, factor):
    FACTOR["now"] = factor
    layer = OWN_LAYERS[part]() if part in OWN_LAYERS else keras.layers.Activation("linear")
    model = keras.Sequential([layer, keras.layers.Dense(1)])
    own = OWN_COMPILED[part]() if part in OWN_COMPILED else {}
    model.compile(**{"loss": "mse", "optimizer": "sgd", **own})
    return model


@pytest.mark.filterwarnings("error:The object being serialized")
@pytest.mark.parametrize("part", [*OWN_LAYERS, *OWN_COMPILED])
def test_code_of_ones_own_is_never_taken_from_a_kept_graph(wine, traces, part):
    estimator = KerasMLPRegressor(build_own, part=part, factor=1.0, epochs=1)
    histories = [clone(estimator).set_params(factor=f).fit(wine.x_train, wine.y_train).history_ for f in (1.0, 0.5)]
    assert len(traces) == 4
    assert histories[0] != histories[1]


def with_huber(wine, delta=0.01):
    return keras.layers.Dense(8), {"loss": keras.losses.Huber(delta=delta)}


def with_normalization(wine, scale=1.0):
    layer = keras.layers.Normalization()
    layer.adapt(wine.x_train * scale)
    return layer, {}


def with_weights_spared_from_decay(wine, spared=()):
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=2.0)
    optimizer.exclude_from_weight_decay(var_names=list(spared))
    return keras.layers.Dense(8), {"optimizer": optimizer}


def with_named_metric(wine, name="old"):
    return keras.layers.Dense(8), {"metrics": [keras.metrics.MeanSquaredError(name=name)]}


def with_frozen_kernel(wine, is_trained=True):
    layer = keras.layers.Dense(8)
    layer.build((None, 11))
    layer.kernel.trainable = is_trained
    return layer, {}


@pytest.mark.parametrize(
    ("parts", "changed"),
    [
        (with_huber, {"delta": 10.0}),
        (with_normalization, {"scale": 10.0}),
        (with_weights_spared_from_decay, {"spared": ("kernel", "bias")}),
        (with_named_metric, {"name": "new"}),
        (with_frozen_kernel, {"is_trained": False}),
    ],
)
def test_what_no_configuration_says_is_told_apart(wine, parts, changed):
    def build(**options):
        layer, compiled = parts(wine, **options)
        model = keras.Sequential([keras.Input((11,)), layer, keras.layers.Dense(1)])
        model.compile(**{"loss": "mae", "optimizer": keras.optimizers.SGD(0.05), **compiled})
        return model

    def train(**options):
        return KerasMLPRegressor(partial(build, **options), epochs=3, patience=None).fit(wine.x_train, wine.y_train)

    GRAPHS.clear()
    before = train()
    after = train(**changed)
    GRAPHS.clear()
    alone = train(**changed)
    assert after.history_ == alone.history_ != before.history_
    np.testing.assert_array_equal(after.predict(wine.x_valid), alone.predict(wine.x_valid))


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
from shared import build_model

wine = load_red_wine()
def train(width):
    KerasMLPRegressor(build_model, n_neurons=width, epochs=2).fit(wine.x_train[:100], wine.y_train[:100])
    return psutil.Process().memory_info().rss / 1e6
for width in range(61, 65):
    before = train(width)
print(max(train(width) for width in range(1, 61)) - before)
"""


@pytest.mark.slow
def test_sixty_architectures_leave_no_memory_behind():
    command = [sys.executable, "-c", SIXTY_FITS, str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) < 200
