"""`course_utils.quiet` keeps TensorFlow's log lines out of a notebook that no kernel of ours runs."""

import os
import subprocess
import sys

import pytest

from course_utils.quiet import LEVEL

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
