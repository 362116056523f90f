"""The kit for a room without a network."""

import os
import subprocess
import sys
import zipfile

import pytest

from course_utils import kit
from course_utils.kit import arguments_of_pip

KERNEL = '{"argv": ["python"]}'


def wheel(folder, name, version="99", **files):
    """A wheel with these files that nothing but pip needs to read."""
    info = f"{name}-{version}.dist-info"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
        for path, content in files.items():
            file.writestr(path, content)


@pytest.fixture
def index(tmp_path):
    """What stands for the network: a folder with a package, its kernel, and what builds the course."""
    kernel = {"tiny-99.data/data/share/jupyter/kernels/python3/kernel.json": KERNEL, "tiny.py": "x = 1"}
    wheel(tmp_path / "index", "tiny", **kernel)
    for name in ("setuptools", "wheel"):
        wheel(tmp_path / "index", name)
    return tmp_path / "index"


def test_pip_is_asked_for_the_packages_and_for_what_builds_the_course():
    asked = arguments_of_pip("# words\n-e .\nnumpy>=2,<3  # why\n\nkeras\n")
    assert asked == ["numpy>=2,<3", "keras", "setuptools>=68", "wheel"]


def test_for_other_computers_with_what_only_they_need():
    asked = arguments_of_pip("numpy", ["win_amd64"], "3.12")
    assert asked[:3] == ["--only-binary=:all:", "--platform=win_amd64", "--python-version=3.12"]
    assert {"numpy", "pywinpty", "colorama"} <= set(asked)
    assert "pywinpty" not in arguments_of_pip("numpy", ["macosx_12_0_arm64"])
    assert "appnope" in arguments_of_pip("numpy", ["macosx_12_0_arm64"])
    assert not [word for word in arguments_of_pip("numpy", [], "3.12") if word.startswith("--platform")]


def test_the_command_needs_a_folder(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["kit"])
    with pytest.raises(SystemExit):
        kit.main()
    assert "folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"), [(OSError("full"), "cannot be filled"), (subprocess.CalledProcessError(1, "x"), "no pip")]
)
def test_what_is_in_the_way_is_said(monkeypatch, capsys, tmp_path, error, words):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(kit, "collect", refuse)
    monkeypatch.setattr(sys, "argv", ["kit", str(tmp_path)])
    assert kit.main() == 2
    assert words in capsys.readouterr().out


@pytest.mark.slow
def test_what_the_kit_collected_installs_without_a_network(tmp_path, index, monkeypatch, capfd):
    requirements, wheels = tmp_path / "requirements.txt", tmp_path / "for the room"
    requirements.write_text("tiny>=1\n")
    offline = ["--no-index", "--find-links", str(index)]
    assert kit.collect(wheels, requirements=requirements, options=offline) == 0
    assert len(list(wheels.glob("*.whl"))) == 3
    index.rename(tmp_path / "gone")

    source = (kit.ROOT / "course.py").read_text(encoding="utf8")
    (tmp_path / "course.py").write_text(source.replace('return start(*rest) if command == "start"', "return 7 if 1"))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # where nobody answers
    start = [sys.executable, "course.py", "start", "--find-links", wheels.name]
    assert subprocess.run(start, cwd=tmp_path, check=False).returncode == 7
    python = tmp_path / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    assert subprocess.run([python, "-c", "import tiny"], check=False).returncode == 0
    kernel = tmp_path / ".venv" / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    assert "capture_fd_output" in kernel.read_text()

    requirements.write_text("tiny>=100\n")
    assert subprocess.run(start, cwd=tmp_path, check=False).returncode == 2
    said = capfd.readouterr()
    assert "tiny>=100" in said.err  # pip's reason
    assert "what is here already is kept" in said.out
