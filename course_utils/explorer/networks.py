"""Networks of the explorer, with the graphs that train them: kept for the next run, which gives them a new start.

They are kept in the one cache (`training.cache`), for all explorers of the process. What is kept is ready: nobody has
to ask how much of it is traced.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from course_utils.data import Dataset
from course_utils.experiment import Settings, make_model, training_loss
from course_utils.explorer.average import Judge, judge_of
from course_utils.explorer.controls import NEEDS_GRAPH
from course_utils.explorer.follow import AfterEpoch, Follow
from course_utils.explorer.own import OwnSettings
from course_utils.explorer.own_networks import BuiltNetwork
from course_utils.explorer.restart import optimizer_start, restart, set_dropout, values_of, with_live_dropout
from course_utils.models import count_parameters
from course_utils.schedules import learning_rates, schedule_callbacks
from course_utils.training import GRAPHS, CompiledEpoch, SeedStack, TensorSets, batch_orders, bytes_of, train_epochs

__all__ = ["Network", "NetworkStack", "UnwantedError", "borrow", "can_be_stacked", "graph_key", "is_ready", "size_of"]

OF_HIDDEN_LAYERS = ("width", "dropout", "batch_norm", "activation")


class UnwantedError(Exception):
    """Nobody waits any more for the network that was being made."""


def graph_key(each: Sequence[Settings], data: Dataset) -> tuple:
    """What must be equal for two runs, or two groups of seeds, to share their graphs."""
    settings = each[0]
    if isinstance(settings, OwnSettings):  # whose graphs are kept by `training.fit`
        return "explorer", settings
    values = {name: getattr(settings, name) for name in NEEDS_GRAPH}
    values["dropout"] = settings.dropout > 0  # the rate is a variable (`LiveDropout`)
    if settings.depth == 0:
        values = {name: value for name, value in values.items() if name not in OF_HIDDEN_LAYERS}
    shape = data.task, data.input_shape, data.n_outputs, data.x_train.dtype.str, data.y_train.dtype.str
    return "explorer", len(each), shape, tuple(values.items())


def size_of(each: Sequence[Settings], data: Dataset) -> float:
    """Bytes of a network with its graphs, roughly, or of a stack of them."""
    own = each[0]
    parameters = count_parameters(data, width=own.width, depth=own.depth, batch_norm=own.batch_norm)
    return len(each) * bytes_of(parameters, 1 + own.depth * (2 if own.batch_norm else 1))


def can_be_stacked(each: Sequence[Settings], data: Dataset) -> bool:
    """Whether these seeds may be trained together: at the same rates, and small enough to be kept."""
    if isinstance(each[0], OwnSettings):
        return False  # nobody knows before they are built; and those that take long gain little by it
    # "on plateau" lowers the rate of each run at another epoch.
    return each[0].schedule != "on plateau" and size_of(each, data) <= GRAPHS.most_bytes


def is_ready(each: Sequence[Settings], data: Dataset) -> bool:
    """Whether what trains these is traced, and nobody else has it."""
    return graph_key(each, data) in GRAPHS


@contextlib.contextmanager
def borrow(
    each: Sequence[Settings], data: Dataset, *, go_on: Callable[[], bool] = lambda: True
) -> Iterator[Network | NetworkStack | BuiltNetwork]:
    """Lend what trains `each`, one setting or one per seed: as it was kept, or made now.

    Raises
    ------
    UnwantedError
        If `go_on` says no before it is there; this is asked between two steps of up to half a second.
    """
    if isinstance(each[0], OwnSettings):
        _check_wanted(go_on)
        network = BuiltNetwork(each[0], data)
        _check_wanted(go_on)
        yield network
        return
    make = Network if len(each) == 1 else NetworkStack
    # A network too large to be kept beside others is kept alone: the next move may be one of its learning rate.
    size = min(size_of(each, data), GRAPHS.most_bytes)
    with GRAPHS.borrow(graph_key(each, data), lambda: make(each, data, go_on), size=size, wait=go_on) as network:
        yield network


class Network:
    """One network with its traced graphs, and what it takes to start it anew.

    Parameters
    ----------
    each : sequence of one Settings
    data : Dataset
        Of which only the shapes matter.
    go_on : callable
        As in `borrow`.
    """

    def __init__(self, each: Sequence[Settings], data: Dataset, go_on: Callable[[], bool] = lambda: True) -> None:
        (settings,), sets = each, _few_rows(data)
        _check_wanted(go_on)
        plain = make_model(settings, data)
        self._seed, self._start = settings.seed, values_of(plain)
        self._model = with_live_dropout(plain, settings, data)
        self._graphs = CompiledEpoch(self._model, sets)
        self._optimizer_start = optimizer_start(self._model)
        for trace in (lambda: self._graphs.train(np.arange(0), 1), lambda: self._graphs.validate(1)):
            _check_wanted(go_on)
            trace()  # without rows, no weight moves

    anatomy = None  # it is known from the settings

    def judge(self, data: Dataset) -> Judge:
        """What makes one prediction of several networks like this one."""
        return judge_of(data)

    def outputs(self) -> np.ndarray:
        """While it trains: what it gives for the validation rows, shape (1, rows, units)."""
        return np.asarray(self._model(self._graphs.sets.valid[0], training=False))[np.newaxis]

    def train(
        self,
        each: Sequence[Settings],
        data: Dataset,
        sets: TensorSets,
        *,
        after_epoch: AfterEpoch = lambda logs: True,
        shuffle: bool = True,
    ) -> list[float]:
        """Train from the start, as `experiment.run` does.

        Parameters
        ----------
        each : sequence of one Settings
        data : Dataset
        sets : TensorSets
            Of the same data.
        after_epoch : callable
            Given a list with the metrics of the network; returns whether to go on.
        shuffle : bool
            Draw a new order of the training rows for every epoch.

        Returns
        -------
        list of one float
            Loss on the training set at the end, in inference mode.
        """
        (settings,) = each
        if settings.seed != self._seed:
            self._seed, self._start = settings.seed, values_of(make_model(settings, data))
        restart(self._model, settings, self._start, self._optimizer_start)
        follow = schedule_callbacks(settings.schedule, learning_rate=settings.learning_rate, epochs=settings.epochs)
        orders = batch_orders(len(data.x_train), shuffle=shuffle, seed=settings.seed)
        size = {"epochs": settings.epochs, "batch_size": settings.batch_size}
        self._graphs.sets = sets
        train_epochs(self._graphs, orders, callbacks=[*follow, Follow(after_epoch)], **size)
        self._graphs.sets = TensorSets(sets.train, sets.train)
        train_loss = self._graphs.validate(settings.batch_size)["loss"]
        self._graphs.sets = _few_rows(data)  # or every kept network would keep a data set in memory
        return [train_loss]


class NetworkStack:
    """One network per seed, trained side by side, and what it takes to start them anew.

    Parameters
    ----------
    each : sequence of Settings
        Equal but for their seeds.
    data : Dataset
        Of which only the shapes matter.
    go_on : callable
        As in `borrow`.
    """

    def __init__(self, each: Sequence[Settings], data: Dataset, go_on: Callable[[], bool] = lambda: True) -> None:
        self._models, self._starts = [], {}
        for settings in each:
            _check_wanted(go_on)
            self._models.append(make_model(settings, data))
            self._models[-1].optimizer.build(self._models[-1].trainable_variables)
            self._starts[settings.seed] = values_of(self._models[-1])
        self._optimizer_start = optimizer_start(self._models[0])
        template = with_live_dropout(make_model(each[0], data), each[0], data)
        self._stack = SeedStack(template, len(each), _few_rows(data))
        _check_wanted(go_on)
        self._stack.trace()

    anatomy = None

    def judge(self, data: Dataset) -> Judge:
        """What makes one prediction of several networks like these."""
        return judge_of(data)

    def outputs(self) -> np.ndarray:
        """While they train: what they give for the validation rows, shape (networks, rows, units)."""
        return self._stack.outputs.numpy()

    def train(
        self,
        each: Sequence[Settings],
        data: Dataset,
        sets: TensorSets,
        *,
        after_epoch: AfterEpoch = lambda logs: True,
        shuffle: bool = True,
    ) -> list[float]:
        """Train all from the start, as `experiment.run_seeds` does; see `Network.train`."""
        self._starts = {one.seed: self._starts.get(one.seed) or values_of(make_model(one, data)) for one in each}
        for model, one in zip(self._models, each, strict=True):
            restart(model, one, self._starts[one.seed], self._optimizer_start)
        settings, rates = each[0], None
        set_dropout(self._stack.template, settings.dropout)
        if settings.schedule != "constant":
            rates = learning_rates(settings.schedule, learning_rate=settings.learning_rate, epochs=settings.epochs)
        self._stack.fit(
            self._models,
            sets,
            [batch_orders(len(data.x_train), shuffle=shuffle, seed=one.seed) for one in each],
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            rates=rates,
            on_epoch=after_epoch,
        )
        return [training_loss(model, data) for model in self._models]


def _check_wanted(go_on: Callable[[], bool]) -> None:
    if not go_on():
        raise UnwantedError


def _few_rows(data: Dataset) -> TensorSets:
    """Enough of the data to trace graphs, which then serve any number of rows."""
    some = tf.constant(data.x_train[:2]), tf.constant(data.y_train[:2])
    return TensorSets(some, some)
