"""The two commands, without installing anything."""

import ast
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent

TWO = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")


@pytest.fixture
def course(tmp_path, monkeypatch):
    """`course.py` in a folder of its own: `calls` holds what it would have run, `codes` what comes of that."""
    spec = importlib.util.spec_from_file_location("course", ROOT / "course.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    environment = tmp_path / ".venv"
    (tmp_path / "requirements.txt").write_text("numpy\n")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\npytest\n")
    paths = {
        "ROOT": tmp_path,
        "ENVIRONMENT": environment,
        "PYTHON": environment / "bin" / "python",
        "INSTALLED": environment / "installed.txt",
        "KERNEL": environment / "kernel.json",
        "LOG": environment / "pip.log",
    }
    for name, path in paths.items():
        monkeypatch.setattr(module, name, path)

    def create(folder, **_):
        module.calls.append(("venv", "again" if module.PYTHON.exists() else "anew"))
        module.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        module.PYTHON.touch()
        module.KERNEL.write_text(json.dumps({"argv": ["python", "-m", "ipykernel_launcher"]}))

    def popen(arguments, *, cwd, **_):
        command = tuple(map(str, arguments[1:]))
        module.calls.append((*command, Path(cwd).name))
        code = next((code for part, code in module.codes.items() if part in command), 0)
        return SimpleNamespace(wait=lambda *_: code, poll=lambda: code, returncode=code)

    module.calls, module.codes = [], {}
    monkeypatch.setattr(module.venv, "create", create)
    errors = {name: getattr(subprocess, name) for name in ("CalledProcessError", "TimeoutExpired")}
    monkeypatch.setattr(module, "subprocess", SimpleNamespace(Popen=popen, **errors))
    return module


def started(course, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["course.py", *arguments])
    return course.main()


@pytest.mark.parametrize("arguments", [(), ("foo",), ("--help",)])
def test_an_unknown_command_shows_the_two_there_are(course, monkeypatch, capsys, arguments):
    assert started(course, monkeypatch, *arguments) == 2
    assert "course.py start" in capsys.readouterr().out
    assert course.calls == []


@pytest.mark.parametrize(
    ("computer", "words"),
    [
        ({"version_info": (3, 9, 1)}, "too old"),
        ({"version_info": (3, 14, 0)}, "python3.13 course.py start"),
        ({"version_info": (3, 14, 0), "platform": "win32"}, "py -3.13 course.py start"),
        ({"maxsize": 2**31 - 1}, "64-bit"),
        ({"platform": "darwin", "machine": "x86_64"}, "Intel"),
        ({"platform": "win32", "machine": "ARM64"}, "Windows on ARM"),
        ({"platform": "win32", "machine": "AMD64", "longest": 3}, "too long for Windows"),
        ({"free": 1e9}, "only 1.0 GB"),
    ],
)
def test_what_the_course_cannot_run_with_is_said_before_anything_is_installed(
    course, monkeypatch, capsys, computer, words
):
    for name in computer.keys() & {"version_info", "maxsize", "platform"}:
        monkeypatch.setattr(course.sys, name, computer[name])
    if "machine" in computer:
        monkeypatch.setattr(course.platform, "machine", lambda: computer["machine"])
    if "free" in computer:
        monkeypatch.setattr(course.shutil, "disk_usage", lambda _: SimpleNamespace(free=computer["free"]))
    monkeypatch.setattr(course, "LONGEST", computer.get("longest", 1000))
    assert started(course, monkeypatch, "start") == 2
    assert words in capsys.readouterr().out
    assert course.calls == []


def test_a_folder_that_was_moved_or_has_another_python_is_installed_anew(course, monkeypatch):
    started(course, monkeypatch, "start")
    course.INSTALLED.write_text(course.INSTALLED.read_text().replace(str(course.ROOT), "elsewhere"))
    del course.calls[:]
    started(course, monkeypatch, "start")
    assert course.calls[0] == ("venv", "anew")
    del course.calls[:]
    course.PYTHON.unlink()  # an upgrade took it away
    started(course, monkeypatch, "start")
    assert [call[0] for call in course.calls] == ["venv", "-m", "-m", "-m"]


def test_onedrive_is_warned_of(course, monkeypatch, capsys):
    monkeypatch.setattr(course, "ROOT", course.ROOT / "OneDrive")
    course.ROOT.mkdir()
    for name in ("requirements.txt", "requirements-dev.txt"):
        (course.ROOT / name).write_text("numpy\n")
    assert started(course, monkeypatch, "start") == 0
    assert "OneDrive, which would upload" in capsys.readouterr().out


def test_a_course_that_is_not_complete_is_explained(tmp_path):
    shutil.copy(ROOT / "course.py", tmp_path)
    done = subprocess.run(
        [sys.executable, "course.py", "start"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Is the course complete" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_old_python_can_read_the_file_that_refuses_it():
    ast.parse((ROOT / "course.py").read_text(encoding="utf8"), feature_version=(3, 7))


def test_a_python_without_venv_is_explained(course, monkeypatch, capsys):
    def refuse(*_, **__):
        raise subprocess.CalledProcessError(1, "ensurepip")

    monkeypatch.setattr(course.venv, "create", refuse)
    assert started(course, monkeypatch, "start") == 2
    assert "python3-venv" in capsys.readouterr().out


def test_ctrl_c_is_left_to_jupyterlab(course, monkeypatch):
    pressed = iter([KeyboardInterrupt, None])

    def wait():
        if error := next(pressed):
            raise error
        return 3

    monkeypatch.setattr(course.subprocess, "Popen", lambda *_, **__: SimpleNamespace(wait=wait))
    assert course.call("-m", "jupyter") == 3


def test_an_environment_of_somebody_else_is_left_alone(course, monkeypatch, capsys):
    course.ENVIRONMENT.mkdir()
    (course.ENVIRONMENT / "pyvenv.cfg").touch()
    assert started(course, monkeypatch, "start") == 2
    assert "not made by this course" in capsys.readouterr().out
    assert course.calls == []


def test_an_installation_that_failed_is_explained_and_goes_on_the_next_time(course, monkeypatch, capsys):
    course.codes = {"pip": 1}
    assert started(course, monkeypatch, "start") == 2
    assert "--find-links" in capsys.readouterr().out
    course.codes = {}
    del course.calls[:]
    assert started(course, monkeypatch, "start") == 0
    assert course.calls[0] == ("venv", "again")


def test_a_folder_that_cannot_be_written_is_explained(course, monkeypatch, capsys):
    def refuse(*_, **__):
        raise PermissionError("read-only")

    monkeypatch.setattr(course.venv, "create", refuse)
    assert started(course, monkeypatch, "start") == 2
    assert "Copy the course" in capsys.readouterr().out


def test_wheels_from_a_folder(course, monkeypatch, capsys, tmp_path):
    assert started(course, monkeypatch, "start", "--find-links", "nowhere") == 2
    assert "no such folder" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path.parent)  # pip is run in the course's folder
    assert started(course, monkeypatch, "start", "--find-links", tmp_path.name, "--no-browser") == 0
    _, install, _, lab = course.calls
    assert install[3:7] == ("install", "--no-index", "--find-links", str(tmp_path))
    assert lab[-2] == "--no-browser"


def test_start_installs_and_opens_jupyterlab_in_the_students_copy(course, monkeypatch):
    assert started(course, monkeypatch, "start", "--no-browser") == 0
    (made, _), install, copied, lab = course.calls
    assert made == "venv"
    assert install[-3:-1] == ("-r", "requirements.txt")
    assert copied == ("-m", "course_utils.student_copy", course.ROOT.name)
    opened = "--LabApp.default_url=/lab/tree/my_course"
    assert lab == ("-m", "jupyter", "lab", opened, "--no-browser", course.ROOT.name)


def test_start_with_outputs_opens_the_recorded_edition(course, monkeypatch):
    assert started(course, monkeypatch, "start", "--no-browser", "--with-outputs") == 0
    assert course.calls[2:] == [("-m", "jupyter", "lab", "--no-browser", "lessons")]


def test_jupyterlab_is_not_opened_where_the_copy_cannot_be_made(course, monkeypatch):
    course.codes = {"course_utils.student_copy": 2}
    assert started(course, monkeypatch, "start") == 2
    assert "jupyter" not in course.calls[-1]


def test_what_is_installed_is_not_installed_again_until_the_requirements_change(course, monkeypatch):
    started(course, monkeypatch, "start")
    del course.calls[:]
    started(course, monkeypatch, "start")
    assert [call[1] for call in course.calls] == ["course_utils.student_copy", "jupyter"]
    (course.ROOT / "requirements.txt").write_text("numpy\npandas\n")
    del course.calls[:]
    started(course, monkeypatch, "start")
    assert [call[0] for call in course.calls] == ["venv", "-m", "-m", "-m"]
    expected = hashlib.sha256(b"numpy\npandas\n").hexdigest()
    assert course.INSTALLED.read_text().startswith(f"requirements.txt {expected}")


def test_a_student_installs_less_than_a_developer(course, monkeypatch):
    started(course, monkeypatch, "start")
    assert [call[-2] for call in course.calls if "pip" in call] == ["requirements.txt"]
    started(course, monkeypatch, "test")
    assert [call[-2] for call in course.calls if "pip" in call] == ["requirements.txt", "requirements-dev.txt"]
    started(course, monkeypatch, "start")
    started(course, monkeypatch, "test")
    assert sum("pip" in call for call in course.calls) == 2
    (course.ROOT / "requirements-dev.txt").write_text("-r requirements.txt\npytest\nruff\n")
    course.codes = {"pip": 1}
    assert started(course, monkeypatch, "start") == 0
    assert started(course, monkeypatch, "test") == 2
    assert started(course, monkeypatch, "start") == 0  # what a student needs is there still


PIP = """Obtaining file:///course
Collecting tensorflow<2.22,>=2.18 (from -r requirements.txt (line 2))
  Downloading tensorflow-2.19.0-cp312-cp312-win_amd64.whl.metadata (4.1 kB)
Collecting numpy
"""


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", "packages found: 0"),
        (PIP, "packages found: 2"),
        ("Processing ./wheels/keras-3.8-py3-none-any.whl", "packages found: 1"),
        (PIP + "Downloading tensorflow-2.19.0.whl (644.9 MB)\n", "packages found: 2, loading tensorflow (644.9 MB)"),
        (PIP + "Installing collected packages: numpy, keras, tensorflow\n", "2 of 3 packages unpacked"),
    ],
)
def test_progress_is_said_in_a_few_words(course, log, words):
    assert course.progress(log, 2) == words


def test_pip_is_run_with_progress_and_its_complaints(course, monkeypatch, capfd):
    course.ENVIRONMENT.mkdir()
    monkeypatch.setattr(course, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(course, "TICK", 0.02)
    monkeypatch.setattr(course, "subprocess", subprocess)
    assert course.pip("download", "--no-index", "there-is-no-such-package") != 0
    said = capfd.readouterr()
    assert "min  packages found: 0" in said.out
    assert "there-is-no-such-package" in said.err


def test_the_kernel_is_made_quiet_once(course):
    course.ENVIRONMENT.mkdir()
    course.KERNEL.write_text(json.dumps({"argv": ["python"]}))
    course.quiet_kernel()
    course.quiet_kernel()
    assert json.loads(course.KERNEL.read_text())["argv"] == ["python", "--IPKernelApp.capture_fd_output=False"]


def test_test_runs_what_a_change_needs_and_with_all_the_rest(course, monkeypatch):
    started(course, monkeypatch, "test", "-x")
    assert course.calls[-1][:-1] == ("-m", "pytest", *TWO, "-m", "not slow", "-x")
    assert [call[1:-1] for call in course.calls[-3:-1]] == [("ruff", "check"), ("ruff", "format", "--check")]
    started(course, monkeypatch, "test", "--all", "-x")
    assert course.calls[-1][:-1] == ("-m", "pytest", *TWO, "-x")


@pytest.mark.parametrize("part", ["check", "--check", "pytest"])
def test_the_first_tool_that_fails_ends_the_test_with_its_code(course, monkeypatch, part):
    course.codes = {part: 5}  # pytest's own 5 says that nothing was collected
    assert started(course, monkeypatch, "test") == 5
    assert part in course.calls[-1]


def test_ci_runs_exactly_the_command_of_the_readme():
    command = "python3 course.py test --all"
    assert (ROOT / ".ci" / "run").read_text(encoding="utf8").rstrip().endswith(command)
    assert command in (ROOT / "README.md").read_text(encoding="utf8")


def table(course, monkeypatch, capsys):
    code = started(course, monkeypatch, "doctor")
    return code, capsys.readouterr().out


def test_the_doctor_says_when_nothing_is_installed_yet(course, monkeypatch, capsys):
    code, said = table(course, monkeypatch, capsys)
    assert code == 1
    assert "ok     " in said
    assert "not installed here yet. Type: python3 course.py start" in said
    assert course.calls == []
    monkeypatch.setattr(course.sys, "version_info", (3, 14, 0))
    assert "TO DO  The course needs Python 3.10 to 3.13" in table(course, monkeypatch, capsys)[1]


def test_the_doctor_looks_at_what_is_installed(course, monkeypatch, capsys):
    started(course, monkeypatch, "start")
    assert table(course, monkeypatch, capsys)[0] == 0
    assert course.calls[-1][:2] == ("-m", "course_utils.doctor")
    course.codes = {"course_utils.doctor": -4}  # an illegal instruction
    code, said = table(course, monkeypatch, capsys)
    assert code == 1
    assert "without AVX" in said
    course.codes = {}
    course.INSTALLED.write_text("unfinished")
    code, said = table(course, monkeypatch, capsys)
    assert code == 1
    assert "TO DO  It is half made" in said


def test_the_doctor_says_when_the_environments_python_does_not_run(course, monkeypatch, capsys):
    def refuse(*_, **__):
        raise OSError("Exec format error")

    started(course, monkeypatch, "start")
    monkeypatch.setattr(course.subprocess, "Popen", refuse)
    code, said = table(course, monkeypatch, capsys)
    assert code == 1
    assert "Delete the folder .venv" in said
