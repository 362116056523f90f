"""A search on two Dask workers: the numbers of the serial one, and quiet workers that are ready for it."""

import os
import sys
import threading
import time
from types import SimpleNamespace

import joblib
import numpy as np
import psutil
import pytest
import tensorflow as tf
from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import cross_val_score

from course_utils.search.progress_bar import _counting
from course_utils.search.workers import dask_setup
from tests.search.shared import assert_same_search, random_search

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def worker_log(tmp_path_factory):
    """The file to which the workers write their stderr."""
    return tmp_path_factory.mktemp("dask") / "stderr.txt"


@pytest.fixture(scope="module")
def cluster(worker_log):
    """Two Dask workers on this machine, which hear of no variable that would keep TensorFlow quiet."""
    quiet = os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
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
    if quiet is not None:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = quiet
    with local, Client(local):
        yield local


def test_dask_gives_the_serial_numbers(wine, serial, cluster):
    with parallel_config(backend="dask"):
        assert_same_search(random_search().fit(wine.x_train, wine.y_train), serial)


def test_dask_workers_are_ready_with_one_thread_each_and_write_nothing(cluster, worker_log):
    def threads():
        assert "course_utils.search.estimators" in sys.modules
        return sys.modules["tensorflow"].config.threading.get_intra_op_parallelism_threads()

    found = Client.current().run(threads)
    assert list(found.values()) == [1, 1]
    assert worker_log.read_text() == ""


def test_a_worker_in_which_tensorflow_runs_already_is_made_ready_all_the_same():
    """As where a script has the course imported at its top, which each worker runs first."""
    tf.zeros(1)
    dask_setup(SimpleNamespace(state=SimpleNamespace(nthreads=3)))
    assert tf.config.threading.get_intra_op_parallelism_threads() != 3


def test_progress_counts_the_fits_of_the_workers(cluster):
    with parallel_config(backend="dask"), _counting() as count:
        joblib.Parallel()(joblib.delayed(time.sleep)(0.01) for _ in range(4))
        assert count.done == 4
        cross_val_score(DummyRegressor(), np.eye(12), np.arange(12.0), cv=2)
        assert count.done == 6


def test_dask_listens_on_this_machine_only(cluster):
    pids = [process.pid for process in (psutil.Process(), *psutil.Process().children(recursive=True))]
    open_ports = [c.laddr.ip for c in psutil.net_connections() if c.pid in pids and c.status == psutil.CONN_LISTEN]
    assert len(open_ports) > 2
    assert set(open_ports) == {"127.0.0.1"}


def test_the_result_is_the_same_if_a_worker_dies(wine, serial, cluster):
    victim = next(iter(Client.current().run(os.getpid).values()))

    def end_worker(count):
        while not count.done:
            time.sleep(0.01)
        ended.append(count.done)
        psutil.Process(victim).kill()

    ended = []
    search = random_search()
    # Without `scatter`, the rows would lie on one worker, and be lost with it.
    with parallel_config(backend="dask", scatter=[wine.x_train, wine.y_train]), _counting() as count:
        thread = threading.Thread(target=end_worker, args=[count])
        thread.start()
        search.fit(wine.x_train, wine.y_train)
        thread.join()
    assert ended[0] < 9
    assert not psutil.pid_exists(victim)
    assert_same_search(search, serial)
