import pytest

from course_utils.experiment import Run
from course_utils.explorer.controls import start_setup
from course_utils.explorer.progress import ExplorerRun, Progress


def test_a_run_knows_what_it_depended_on(mnist):
    setup = start_setup(mnist, {"width": 8, "label_noise": 0.2})
    run = ExplorerRun.of(setup, {"loss": [0.5, 0.4]}, train_loss=0.3)
    assert (run.setup, run.settings, run.epochs, run.train_loss, run.model) == (setup, setup.settings, 2, 0.3, None)
    assert isinstance(run, Run)


@pytest.mark.parametrize(
    ("status", "trained", "of", "is_seen"),
    [
        ("preparing", (), 30, False),
        ("training", (1,), 30, False),
        ("training", (2,), 30, True),
        ("training", (1,), 1, True),
        ("training", (30, 0), 30, True),
        ("preparing", (0, 0), 30, False),
        ("training", (1, 1), 30, False),
        ("training", (2, 2), 30, True),
        ("stopped", (1,), 30, True),
    ],
)
def test_runs_have_a_curve_from_the_second_epoch_on(wine, status, trained, of, is_seen):
    setup = start_setup(wine, {"epochs": of})
    runs = tuple(ExplorerRun.of(setup, {"loss": [0.5] * epochs}) for epochs in trained)
    assert Progress(1, status, runs).runs_with_curve == (runs if is_seen else ())
