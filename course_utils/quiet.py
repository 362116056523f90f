"""Import this before anything that brings TensorFlow: its log lines stay out of the page.

The modules of the course do so. Whoever imports `keras` or `tensorflow` before them types this line first.

While TensorFlow is loaded and looks for devices, it writes some lines to the process's standard error, which a notebook
shows in a red box; part of them no setting switches off, TF_CPP_MIN_LOG_LEVEL=3 neither. So they are let go while this
module is imported. Who sets that variable to less than 3 wants to read them, and nothing is let go. Errors in Python
are shown as ever.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from course_utils.cores import limit_threads

__all__: list[str] = []

LEVEL = "TF_CPP_MIN_LOG_LEVEL"


@contextlib.contextmanager
def _no_standard_error() -> Iterator[None]:
    """Let go what is written to file descriptor 2 in here; `sys.stderr` of a notebook is something else."""
    try:
        kept = os.dup(2)
    except OSError:  # a program without a terminal may have none, and then nothing is written
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


limit_threads()  # which is heard before TensorFlow is loaded, and not after that
if os.environ.setdefault(LEVEL, "3") == "3":  # for later, too, and for processes that this one starts
    with _no_standard_error():
        import tensorflow as tf

        tf.config.list_logical_devices()  # which looks for a graphics card
