"""A front end is there where somebody could answer a question, and in Voilà."""

import subprocess
import sys
from types import SimpleNamespace

import IPython
import pytest
from ipykernel.kernelbase import Kernel
from jupyter_client.manager import start_new_kernel

from course_utils.frontend import has_front_end


@pytest.fixture
def run_in(monkeypatch):
    """Pretend to be run by such a shell."""
    monkeypatch.delenv("SERVER_SOFTWARE", raising=False)
    return lambda shell: monkeypatch.setattr(IPython, "get_ipython", lambda: shell)


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        (None, False),  # a script
        (SimpleNamespace(), False),  # IPython in a terminal
        (SimpleNamespace(kernel=None), False),
        (SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=True)), True),  # JupyterLab
        (SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=False)), False),  # nbval, nbconvert
        (SimpleNamespace(kernel=SimpleNamespace()), True),  # another kernel than ipykernel
    ],
)
def test_front_end_is_where_somebody_could_answer(run_in, shell, expected):
    run_in(shell)
    assert has_front_end() is expected


@pytest.mark.parametrize(("software", "expected"), [("voila/0.5.8", True), ("gunicorn/20.0", False)])
def test_voila_shows_widgets_though_it_takes_no_answers(run_in, monkeypatch, software, expected):
    run_in(SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=False)))
    monkeypatch.setenv("SERVER_SOFTWARE", software)
    assert has_front_end() is expected
    run_in(None)
    assert not has_front_end()


def test_ipykernel_still_has_the_attribute():
    assert hasattr(Kernel, "_allow_stdin")


def test_a_real_kernel_knows_whether_somebody_could_answer(monkeypatch):
    monkeypatch.delenv("SERVER_SOFTWARE", raising=False)
    manager, client = start_new_kernel(kernel_name="python3", extra_arguments=["--IPKernelApp.log_level=ERROR"])
    said = []
    try:
        for somebody in (True, False):
            client.execute_interactive(
                "from course_utils.frontend import has_front_end; print(has_front_end())",
                allow_stdin=somebody,
                output_hook=lambda message: said.append(message["content"].get("text")),
                timeout=60,
            )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert [text.strip() for text in said if text] == ["True", "False"]


def test_nothing_is_imported_for_it():
    code = "from course_utils.frontend import has_front_end; print(has_front_end()); import sys; print(*sys.modules)"
    answer, modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert answer == "False"
    assert not {"IPython", "ipywidgets", "tensorflow"} & set(modules.split())
