"""What works on this computer, as a table to paste into a mail: `python3 course.py doctor`.

Each row says `ok` and what was found, or `TO DO` and what to do. A check that fails in an unexpected way is a row, too:
there is never a traceback. On a hub, type `python -m course_utils.doctor`.
"""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path

from course_utils.cores import cores, memory_limit

__all__ = ["CHECKS", "Advice", "examine"]

ROOT = Path(__file__).resolve().parent.parent
GIGABYTE = 1e9
LEAST_MEMORY, LEAST_DISK = 2 * GIGABYTE, 0.5 * GIGABYTE
KNOWN_LOSS, TOLERANCE = 0.49030, 0.0005  # of `training`
PATIENCE = 120  # seconds that a kernel or a slider may take
AGAIN = "Type `python3 course.py start`, which installs what is missing. If that does not help, send this table."


class Advice(Exception):  # noqa: N818  # no error of the program: something for the reader to do
    """What was found, and what to do about it."""


def examine(checks: dict[str, Callable[[], str]]) -> bool:
    """Print a row for each check, as soon as it is known; whether all were ok.

    Parameters
    ----------
    checks : dict
        The name of each row, and what looks: returns what it found, raises `Advice` with what to do.
    """
    all_ok = True
    for name, look in checks.items():
        try:
            words, verdict = look(), "ok"
        except Advice as advice:
            words, verdict = str(advice), "TO DO"
        except Exception as error:  # whatever it is, the table goes on
            words, verdict = f"{type(error).__name__}: {' '.join(str(error).split())[:300]} {AGAIN}", "TO DO"
        all_ok &= verdict == "ok"
        print(f"{name:<15}{verdict:<7}{words}", flush=True)
    return all_ok


def python() -> str:
    """Version of Python."""
    return f"{platform.python_version()}, {platform.machine()}"


def version(package: str) -> str:
    """Version of a package as it says itself: TensorFlow has several names to install it by (`tensorflow-cpu`)."""
    if package == "tensorflow":
        importlib.import_module("course_utils.quiet")  # without its log lines
    try:
        return importlib.import_module(package).__version__
    except ModuleNotFoundError as missing:
        raise Advice(f"{missing.name} is not installed. {AGAIN}") from None


def processor() -> str:
    """Cores that this process has."""
    return f"{cores()} of {os.cpu_count()} cores" + (", which is slow" if cores() < 2 else "")


def memory() -> str:
    """Memory, and what of it is free."""
    import psutil  # noqa: PLC0415  # where it is missing, this row says so, and the others are printed

    found = psutil.virtual_memory()
    total = min(found.total, memory_limit() or found.total)
    words = f"{total / GIGABYTE:.1f} GB, {min(found.available, total) / GIGABYTE:.1f} GB free"
    if min(found.available, total) < LEAST_MEMORY:
        raise Advice(f"{words}. A lesson needs {LEAST_MEMORY / GIGABYTE:.0f} GB: close other programs and notebooks.")
    return words


def disk() -> str:
    """Free disk in the course's folder."""
    free = shutil.disk_usage(ROOT).free
    if free < LEAST_DISK:
        raise Advice(f"{free / GIGABYTE:.1f} GB free. Notebooks may not be saved: make room.")
    return f"{free / GIGABYTE:.1f} GB free"


def browser() -> str:
    """The browser that JupyterLab will open."""
    try:
        return getattr(webbrowser.get(), "name", None) or "found"
    except webbrowser.Error:
        raise Advice(
            "None was found. Type the address that `start` prints into your browser (on a hub: no need)."
        ) from None


def kernel() -> str:
    """Whether a notebook's kernel starts and answers."""
    from jupyter_client.manager import start_new_kernel  # noqa: PLC0415

    began, nowhere = time.perf_counter(), subprocess.DEVNULL
    manager, client = start_new_kernel(PATIENCE, "python3", stdout=nowhere, stderr=nowhere)
    try:
        answer = client.execute_interactive("import course_utils", timeout=PATIENCE, output_hook=lambda _: None)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    if answer["content"]["status"] != "ok":
        raise Advice(f"The kernel does not find the course ({answer['content'].get('evalue')}). {AGAIN}")
    return f"answers after {time.perf_counter() - began:.1f} s"


def training() -> str:
    """Whether a training gives the numbers that it gives everywhere: all rows in each batch, and fixed weights."""
    import keras  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    from course_utils.data import load_red_wine  # noqa: PLC0415

    began = time.perf_counter()
    data, draw = load_red_wine(), np.random.RandomState(1)  # whose numbers never change
    model = keras.Sequential([keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)])
    model.build((None, data.x_train.shape[1]))
    model.set_weights([0.3 * draw.standard_normal(weights.shape) for weights in model.get_weights()])
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    target = data.y_train - data.y_train.mean()
    history = model.fit(data.x_train, target, batch_size=len(target), epochs=20, shuffle=False, verbose=0)
    loss = history.history["loss"][-1]
    if not abs(loss - KNOWN_LOSS) < TOLERANCE:
        raise Advice(f"It ends at {loss:.5f} instead of {KNOWN_LOSS:.5f}. Please send this table to the authors.")
    return f"loss {loss:.5f}, as expected; {time.perf_counter() - began:.1f} s"


def slider() -> str:
    """Whether the explorer trains and draws when a slider is moved, and how soon."""
    from course_utils.data import load_red_wine  # noqa: PLC0415
    from course_utils.explorer import Explorer  # noqa: PLC0415

    explorer = Explorer(load_red_wine(), epochs=10, batch_size=256)
    try:
        seconds = []
        for width in (32, 48, 32):
            began = time.perf_counter()
            explorer.set(width=width).wait(PATIENCE)
            seconds.append(time.perf_counter() - began)
    finally:
        explorer.close()
    return (
        f"first move {seconds[0]:.1f} s, then {seconds[1]:.1f} s (new width) and {seconds[2]:.1f} s (one seen before)"
    )


CHECKS: dict[str, Callable[[], str]] = {
    "Python": python,
    "processor": processor,
    "memory": memory,
    "disk": disk,
    "browser": browser,
    "TensorFlow": lambda: version("tensorflow"),
    "Keras": lambda: version("keras"),
    "JupyterLab": lambda: version("jupyterlab"),
    "kernel": kernel,
    "training": training,
    "slider": slider,
}

if __name__ == "__main__":
    sys.exit(0 if examine(CHECKS) else 1)
