"""The doctor's table: a row for each check, whatever it meets, and never a traceback."""

import webbrowser
from types import SimpleNamespace

import psutil
import pytest

from course_utils import doctor


def raises(error):
    def check():
        raise error

    return check


def test_every_check_is_a_row_whatever_it_meets(capsys):
    checks = {
        "fine": lambda: "all of it",
        "advice": raises(doctor.Advice("Make room.")),
        "surprise": raises(OSError("one\ntwo")),
        "last": lambda: "still looked at",
    }
    assert not doctor.examine(checks)
    fine, advice, surprise, last = capsys.readouterr().out.splitlines()
    assert fine.split() == ["fine", "ok", "all", "of", "it"]
    assert "TO DO  Make room." in advice
    assert "TO DO  OSError: one two" in surprise
    assert "still looked at" in last
    assert doctor.examine({"fine": lambda: ""})


def test_a_package_that_is_missing_is_said():
    with pytest.raises(doctor.Advice, match=r"no-such-package is not installed.*course.py start"):
        doctor.version("no-such-package")
    assert doctor.version("numpy")[0].isdigit()


@pytest.mark.parametrize(("limit", "available"), [(None, 1e9), (1e9, 8e9)])
def test_too_little_memory_is_said(monkeypatch, limit, available):
    assert "GB free" in doctor.memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=16e9, available=available))
    monkeypatch.setattr(doctor, "memory_limit", lambda: limit)
    with pytest.raises(doctor.Advice, match="close other programs"):
        doctor.memory()


def test_too_little_disk_is_said(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e8))
    with pytest.raises(doctor.Advice, match=r"0\.1 GB free"):
        doctor.disk()


def test_a_browser_that_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(webbrowser, "get", raises(webbrowser.Error("none")))
    with pytest.raises(doctor.Advice, match="Type the address"):
        doctor.browser()


def test_the_training_has_the_numbers_that_it_has_everywhere(monkeypatch):
    assert "0.490" in doctor.training()
    monkeypatch.setattr(doctor, "KNOWN_LOSS", 0.4915)
    with pytest.raises(doctor.Advice, match=r"instead of 0\.4915"):
        doctor.training()


def test_a_slider_is_moved():
    assert doctor.slider().startswith("first move")


@pytest.mark.slow
def test_a_kernel_starts():
    assert "answers after" in doctor.kernel()
