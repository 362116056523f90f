"""Finished runs for the tests of what is said and drawn of them; nothing is trained."""

import pytest

from course_utils.explorer.progress import ExplorerRun


@pytest.fixture
def make_run():
    """A function that makes a run of these losses; the one place that knows how a run is recorded."""

    def make_run(setup, loss, val_loss=None, *, train_loss=None, guess=float("nan"), **metrics):
        history = {"loss": [float(value) for value in loss]}
        if val_loss is not None:
            history["val_loss"] = [float(value) for value in val_loss]
        history |= {name: [float(value) for value in values] for name, values in metrics.items()}
        end = history["loss"][-1] if train_loss is None and len(loss) else float("nan")
        return ExplorerRun.of(setup, history, train_loss=end if train_loss is None else train_loss, guess=guess)

    return make_run
