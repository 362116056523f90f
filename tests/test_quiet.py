"""`course_utils.quiet` keeps TensorFlow's log lines out of a notebook that no kernel of ours runs."""

from course_utils.quiet import LEVEL
import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

PACKAGE = Path(__file__).resolve().parent.parent / "course_utils"
TRAIN = "import keras; keras.Sequential([keras.layers.Dense(1)]).predict(keras.ops.ones((2, 3)), verbose=0)"


def errors_of(code: str, **environment: str) -> str:
    """What a new process writes to its standard error."""
    plain = {name: value for name, value in os.environ.items() if name != LEVEL}
    done = subprocess.run(
        [sys.executable, "-c", code], env=plain | environment, capture_output=True, text=True, timeout=300, check=False
    )
    return done.stderr


@pytest.mark.slow
def test_nothing_is_written_when_it_comes_first():
    if not errors_of(TRAIN):
        pytest.skip("this TensorFlow is quiet by itself")
    assert errors_of(f"import course_utils.quiet; {TRAIN}") == ""
    assert errors_of(f"import course_utils.quiet; {TRAIN}", **{LEVEL: "3"}) == ""


@pytest.mark.slow
def test_errors_are_shown_as_ever():
    said = errors_of("import course_utils.quiet, sys, os; print('one', file=sys.stderr); os.write(2, b'two'); 1 / 0")
    assert said.startswith("one")
    assert "two" in said
    assert said.rstrip().endswith("ZeroDivisionError: division by zero")


def test_processes_that_it_starts_are_told():
    code = f"import course_utils.quiet, os; raise SystemExit(os.environ[{LEVEL!r}])"
    assert errors_of(code).strip() == "3"


def test_whoever_sets_the_level_gets_the_log():
    """And then TensorFlow is not even loaded."""
    told = f"[os.environ[{LEVEL!r}], 'tensorflow' in sys.modules]"
    code = f"import course_utils.quiet, os, sys; raise SystemExit(str({told}))"
    assert errors_of(code, **{LEVEL: "1"}).strip() == "['1', False]"


def first_imports(path):
    """Names of the modules that a file imports at its top, in order."""
    for statement in ast.parse(path.read_text(encoding="utf8")).body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module != "__future__":
            yield statement.module


def test_every_module_that_brings_tensorflow_is_quiet_first():
    heavy, loud = 0, []
    for path in PACKAGE.rglob("*.py"):
        names = list(first_imports(path))
        if path.name != "quiet.py" and {"keras", "tensorflow"} & {name.split(".")[0] for name in names}:
            entered_by = list(first_imports(path.parent / "__init__.py")) if path.parent != PACKAGE else []
            heavy += 1
            loud += [path] if "course_utils.quiet" not in (names[0], *entered_by[:1]) else []
    assert heavy > 10
    assert loud == []


@pytest.fixture
def plain_kernel(monkeypatch):
    """Run cells in a kernel as `pip install` leaves it, and return what they wrote to stderr."""
    for name in (LEVEL, "PYTEST_CURRENT_TEST"):  # with the second one, ipykernel does not listen to file descriptors
        monkeypatch.delenv(name, raising=False)
    manager = KernelManager(kernel_name="python3")
    manager.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.start_kernel(stderr=subprocess.DEVNULL, cwd=PACKAGE.parent)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)

    def run(*cells):
        said = []

        def hear(message):
            content = message["content"]
            if message["msg_type"] == "error" or content.get("name") == "stderr":
                said.append(content.get("text") or content["evalue"])

        for cell in cells:
            client.execute_interactive(cell, timeout=120, output_hook=hear)
        client.execute_interactive("import time; time.sleep(1)", timeout=120, output_hook=hear)  # what comes late
        return "".join(said)

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "cells",
    [
        ("from course_utils.explorer import Explorer", "explorer = Explorer(wine, epochs=2)", "explorer.wait(60)"),
        ("from course_utils.experiment import Settings, run", "run(Settings(epochs=2), wine)"),
        ("from course_utils.search import KerasMLPRegressor",),
    ],
    ids=["explorer", "experiment", "search"],
)
def test_a_plain_kernel_shows_no_red_box(plain_kernel, cells):
    assert plain_kernel("from course_utils.data import load_red_wine; wine = load_red_wine()", *cells) == ""


@pytest.mark.slow
def test_a_plain_kernel_would_show_what_is_written(plain_kernel):
    assert plain_kernel("import os; os.write(2, b'red')") == "red"
