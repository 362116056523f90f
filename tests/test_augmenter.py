import numpy as np
import pytest

from course_utils.augmenter import Augmenter
from course_utils.data import load_mnist, load_red_wine


@pytest.fixture(scope="module")
def digits():
    return load_mnist(n_train=64, n_valid=32, n_test=0, flatten=False)


@pytest.fixture
def small(digits):
    made = Augmenter(digits, shift=0.1, epochs=2)
    yield made
    made.close()


def test_moving_a_slider_draws_other_pictures(small):
    before = bytes(small.pictures.value)
    small.sliders["rotation"].value = 0.2
    assert bytes(small.pictures.value) != before


def test_strength_0_changes_nothing_and_a_seed_repeats(small, digits):
    images = digits.x_train[:4]
    assert np.array_equal(small.augmented(images, (0.0, 0.0, 0.0)), images)
    one, two = (small.augmented(images, (0.1, 0.1, 0.1), seed=3) for _ in range(2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, images)


def test_train_trains_with_and_without_and_keeps_both(small):
    small.button.click()
    assert small.wait()
    assert {key: len(losses) for key, losses in small.curves.items()} == {(0.0, 0.0, 0.0): 2, (0.1, 0.0, 0.0): 2}
    assert bytes(small.losses.value).startswith(b"\x89PNG")
    assert "Lowest validation loss" in small.status.value


def test_the_newest_request_wins(digits):
    many = Augmenter(digits, shift=0.1, epochs=30)
    many.train()
    many.sliders["shift"].value = 0.2
    many.train()
    assert many.wait()
    many.close()
    assert (0.1, 0.0, 0.0) not in many.curves
    assert (0.2, 0.0, 0.0) in many.curves


def test_an_error_of_the_training_stands_in_the_widget(small, monkeypatch):
    monkeypatch.setattr(small, "_network", lambda: 1 / 0)
    small.train()
    assert small.wait()
    assert "division by zero" in small.status.value


def test_without_a_front_end_it_is_a_line_and_a_picture(small):
    bundle = small._repr_mimebundle_()
    assert bundle["text/plain"] == "Augmenter of MNIST: shift 0.1 · rotation 0 · zoom 0"
    assert "image/png" in bundle
    assert "application/vnd.jupyter.widget-view+json" not in bundle


def test_errors_name_the_value():
    with pytest.raises(ValueError, match=r"regression.*load_mnist\(flatten=False\)"):
        Augmenter(load_red_wine())
    with pytest.raises(ValueError, match=r"shift=0\.9"):
        Augmenter(load_mnist(n_train=4, n_valid=4, n_test=0, flatten=False), shift=0.9)
