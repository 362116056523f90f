"""Fixtures of the search's tests."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def words(wine):
    """The wines' qualities in words."""
    quality = wine.y_train + wine.target_mean
    return np.where(quality > 6.5, "good", np.where(quality < 5.5, "poor", "fair"))


@pytest.fixture(scope="session")
def serial(wine):
    """The search that all backends must repeat, run in this process."""
    from tests.search.shared import random_search  # noqa: PLC0415

    return random_search().fit(wine.x_train, wine.y_train)
