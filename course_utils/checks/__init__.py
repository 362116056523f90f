"""Checks of the exercises: `check("01.1", answer)` in a notebook, pure functions by lesson beneath it."""

import course_utils.quiet  # first: TensorFlow's log lines stay out of the page

from course_utils.checks.asking import check, find_check
from course_utils.checks.hidden import fresh_seeds, my_rng
from course_utils.checks.verdict import Verdict

__all__ = ["Verdict", "check", "find_check", "fresh_seeds", "my_rng"]
