"""An optimizer in disguise: it multiplies every learning rate by a secret factor, and counts its trainings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from course_utils.checks.hidden import my_rng
from course_utils.checks.pictures import small_pictures
from course_utils.checks.promises import valid_losses
from course_utils.experiment import Settings
from course_utils.validation import check_number

__all__ = ["DISGUISED", "Disguised"]

DISGUISED = Settings(width=32, depth=1, epochs=4, batch_size=32, optimizer="momentum")
TRIAL_SEEDS = (0, 1, 2)
DECADES = 1.5  # the factor lies up to so many powers of ten from 1, on both sides


class Disguised:
    """Trains small digits with an optimizer that multiplies your learning rate by a factor of its own.

    Parameters
    ----------
    student : int
        Student number: each student has another factor.

    Attributes
    ----------
    tried : dict of float to float
        The loss for each rate that was trained; a rate that stands here is not trained again.
    """

    def __init__(self, student: int) -> None:
        self._factor = 10 ** my_rng(student, exercise="05.4").uniform(-DECADES, DECADES)
        self.tried: dict[float, float] = {}

    def train(self, rate: float) -> float:
        """Train at this rate; return the median of the final validation losses of three seeds, in nats.

        Raises
        ------
        ValueError
            If `rate` is not above 0.
        """
        rate = check_number("rate", rate, above=0)
        if rate not in self.tried:
            self.tried[rate] = round(float(np.median(self.losses(rate, TRIAL_SEEDS))), 3)
        return self.tried[rate]

    def losses(self, rate: float, seeds: tuple[int, ...] | list[int], *, is_disguised: bool = True) -> np.ndarray:
        """Final validation losses, one for each seed; without the disguise, at `rate` itself."""
        rate = rate * self._factor if is_disguised else rate
        return valid_losses(replace(DISGUISED, learning_rate=rate), small_pictures(n_train=1024), seeds=seeds)
