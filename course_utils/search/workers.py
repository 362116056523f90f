"""For `LocalCluster(preload="course_utils.search.workers")`: Dask calls `dask_setup` in each worker as it starts.

A worker then has TensorFlow at hand when the search begins, with as many threads as the worker itself, and the lines
that TensorFlow logs while it is imported do not end up under a cell of the notebook.

A worker may die during a search, and the result is the same, if the others have the rows too:
`parallel_config(backend="dask", scatter=[x, y])`. Otherwise joblib gives them to one worker, from which the others
fetch them; if that one dies first, the search ends with Dask's error.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Worker

__all__ = ["dask_setup"]


def dask_setup(worker: Worker) -> None:
    """Import what a search needs, quietly, and give TensorFlow the threads of the worker."""
    with _without_stderr():
        import tensorflow as tf  # noqa: PLC0415

        # Too late where a script has the course imported at its top: each worker runs that first.
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(worker.state.nthreads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.zeros(1)  # TensorFlow looks for its devices now; then, threads cannot be set any more
        import course_utils.search.estimators  # noqa: F401, PLC0415
    gc.freeze()  # what stays for good need not be searched for garbage: a tenth of the time of small fits


@contextlib.contextmanager
def _without_stderr() -> Iterator[None]:
    """Drop what is written to stderr, by C++ too; an exception comes out after that."""
    sys.stderr.flush()
    before, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, 2)
        os.close(nowhere)
        os.close(before)
