"""The explorer on a table of one's own: units and names, the lines to beat, the verdict, and the code."""

import dataclasses

import numpy as np
import pytest

from course_utils.baselines import guessing_loss, linear_loss
from course_utils.data import Dataset, load_mnist
from course_utils.explorer import Explorer
from tests.tables import flats


@pytest.fixture
def explore():
    """A function that makes an explorer of a table, which is closed at the end of the test."""
    made = []

    def make(data, **options):
        made.append(Explorer(data, **{"epochs": 3, "width": 8, "depth": 1, "batch_size": 64, **options}))
        return made[-1]

    yield make
    for explorer in made:
        explorer.close()


def test_numbers_are_explored_in_their_unit_with_both_lines_to_beat(explore, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flats().to_csv("flats.csv", index=False)
    data = Dataset.from_frame(flats(), target="rent", source="flats.csv", unit="100 €")
    explorer = explore(data, shuffle=False, epochs=30, learning_rate=0.01)
    run = explorer.wait(60)
    shown = explorer.shown()
    assert (shown.loss_label, shown.guess, shown.plane) == ("MAE (100 €)", guessing_loss(data), linear_loss(data))
    assert shown.plane < shown.guess
    assert "Explorer of flats: width 8" in explorer._repr_mimebundle_()["text/plain"]
    assert "validation MAE" in explorer.sentence
    assert explorer.sentence.count(" · ") >= 4  # with the verdict
    names = {}
    exec(explorer.code().replace("batch_size=", "verbose=0, batch_size="), names)
    np.testing.assert_allclose(names["history"].history["val_loss"], run.history["val_loss"], rtol=1e-4)
    assert 'plt.ylabel("MAE (100 €)")' in explorer.code()
    assert "Explorer(Dataset.from_frame(pd.read_csv(" in explorer.line()
    assert "target='rent'" in explorer.line()


def test_classes_are_explored_with_the_line_of_guessing(explore):
    data = Dataset.from_frame(flats(), target="kind")
    explorer = explore(data)
    explorer.wait(60)
    shown = explorer.shown()
    assert shown.guess == pytest.approx(guessing_loss(data))
    assert np.isnan(shown.plane)
    assert shown.loss_label == "cross-entropy (nats)"
    assert "validation accuracy" in explorer.sentence
    assert "# frame = pd.read_csv" in explorer.code()


def test_digits_that_were_changed_are_not_loaded_again(explore):
    digits = load_mnist(n_train=60, n_valid=20, n_test=0)
    some = digits.y_train < 2
    few = dataclasses.replace(digits, x_train=digits.x_train[some], y_train=digits.y_train[some])
    with pytest.raises(ValueError, match="needs data from load_mnist"):
        explore(few, controls=("n_train",))
    assert len(explore(few).data.x_train) == some.sum()
