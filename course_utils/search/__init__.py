"""Searches over the hyperparameters of a Keras network: estimators of scikit-learn, and a progress bar."""

from course_utils.search.estimators import KerasMLPClassifier, KerasMLPRegressor
from course_utils.search.progress_bar import progress

__all__ = ["KerasMLPClassifier", "KerasMLPRegressor", "progress"]
