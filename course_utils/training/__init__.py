"""Training for data that fits into memory: `fit`, one model; `fit_together`, several of one architecture side by side.

Both give the numbers of `model.fit`, in a fraction of its time: an epoch is one TensorFlow graph (`epochs`), and graphs
are kept for the next model of the same architecture (`cache`).
"""

import course_utils.quiet  # first: TensorFlow's log lines stay out of the page

from course_utils.training.cache import GRAPHS, GraphCache, bytes_of
from course_utils.training.epochs import CompiledEpoch, TensorSets, batch_orders, train_epochs
from course_utils.training.fitting import fit, fit_tensors
from course_utils.training.stack import SeedStack
from course_utils.training.together import fit_together

__all__ = [
    "GRAPHS",
    "CompiledEpoch",
    "GraphCache",
    "SeedStack",
    "TensorSets",
    "batch_orders",
    "bytes_of",
    "fit",
    "fit_tensors",
    "fit_together",
    "train_epochs",
]
