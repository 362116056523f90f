"""The output that is seen when the kernel is gone."""

import base64

import pytest
from IPython.display import DisplayHandle

from course_utils.explorer.asleep import WAKE, Asleep


@pytest.fixture
def outputs(monkeypatch):
    """What was displayed and updated, in order."""
    outputs = []
    monkeypatch.setattr(DisplayHandle, "display", lambda self, data, **_: outputs.append(("display", data)))
    monkeypatch.setattr(DisplayHandle, "update", lambda self, data, **_: outputs.append(("update", data)))
    return outputs


def test_it_says_how_to_wake_the_sliders_before_anything_was_trained(outputs):
    Asleep("red wine")
    ((how, data),) = outputs
    assert how == "display"
    assert WAKE in data["text/html"]
    assert "<img" not in data["text/html"]


def test_it_shows_the_last_picture_and_its_sentence(outputs):
    asleep = Asleep("red wine")
    asleep.update(b"a picture", "train < 0.5")
    how, data = outputs[-1]
    assert how == "update"
    assert base64.b64encode(b"a picture").decode() in data["text/html"]
    assert data["text/html"].count("train &lt; 0.5") == 2  # under the picture, and in its place for who cannot see it
    assert 'alt="Learning curves on red wine.' in data["text/html"]


def test_the_page_hides_it_beside_a_live_explorer_only(outputs):
    Asleep("red wine")
    html = outputs[0][1]["text/html"]
    assert ".explorer:not(.jupyter-widgets-disconnected)) .explorer-asleep { display: none; }" in html
