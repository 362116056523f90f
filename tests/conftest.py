"""Fixtures for the unit tests: a few rows of the real data, and a quiet TensorFlow."""

import dataclasses
import os

import matplotlib
import matplotlib.pyplot as plt
import pytest


def pytest_configure():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    matplotlib.use("Agg")  # not through the environment, which the notebooks' kernels would inherit


LONGEST = ("further", "checks", "lessons", "browser", "solutions", "exercises")  # folders, the longest files first


def pytest_collection_modifyitems(items):
    """Begin with long files, so that no process is alone with one at the end; within a file nothing changes."""
    ranks = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.parent.name, len(ranks)))


@pytest.fixture(autouse=True)
def _close_figures():
    """No test finds the figures of another one, such as those of code that the explorer shows."""
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def wine():
    """100 training and 40 validation wines."""
    from course_utils.data import load_red_wine  # noqa: PLC0415

    full = load_red_wine()
    few = {f"{axis}_{part}": getattr(full, f"{axis}_{part}")[:n] for axis in "xy" for part, n in SIZES.items()}
    return dataclasses.replace(full, **few)


SIZES = {"train": 100, "valid": 40}


@pytest.fixture(scope="session")
def mnist():
    """100 training and 50 validation digits."""
    from course_utils.data import load_mnist  # noqa: PLC0415

    return load_mnist(n_train=100, n_valid=50, n_test=0)
