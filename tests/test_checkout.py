"""What git makes of the files on Windows, and what a wheel brings along."""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from course_utils.data import SHA256

ROOT = Path(__file__).resolve().parent.parent
GIT = shutil.which("git")
UNCHANGED = (
    *(
        ".gitattributes",
        ".ci/run",
        "binder/start",
        "course.py",
        "docs/explorer.png",
        "course_utils/explorer/browser.js",
    ),
    *("lessons/08_ensembles.ipynb", "lessons/GLOSSARY.md", "lessons/ledger.json"),
)
LISTED = re.compile(r"^([a-z][\w-]*)", re.MULTILINE)
NAMES = {"IPython": "ipykernel", "PIL": "pillow", "sklearn": "scikit-learn", "traitlets": "ipywidgets"}
PROGRAM = """
from course_utils.data import load_mnist, load_red_wine
import course_utils.data, course_utils.explorer, course_utils.search, course_utils.training
print(course_utils.data.__file__, len(load_red_wine().x_train), len(load_mnist(n_train=50).x_train))
"""


def git(folder, *arguments):
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run([GIT, *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def windows_clone(tmp_path):
    """A clone by a git that turns LF into CRLF, as Git for Windows is installed, of the files that must not change."""
    if GIT is None:
        pytest.skip("no git")
    source, clone = tmp_path / "source", tmp_path / "clone"
    names = [*UNCHANGED, *(f"data/{name}" for name in SHA256)]
    for name in names:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    git(source, "init", "-q")
    git(source, "add", ".")
    git(source, "commit", "-q", "-m", "files")
    git(tmp_path, "-c", "core.autocrlf=true", "clone", "-q", str(source), str(clone))
    git(clone, "config", "core.autocrlf", "true")
    return clone


def test_a_windows_clone_changes_no_byte_of_the_data(windows_clone):
    for name, expected in SHA256.items():
        assert hashlib.sha256((windows_clone / "data" / name).read_bytes()).hexdigest() == expected
    for name in UNCHANGED:
        assert (windows_clone / name).read_bytes() == (ROOT / name).read_bytes()


def test_what_the_error_message_tells_to_do_brings_the_data_back(windows_clone):
    damaged = windows_clone / "data" / "winequality-red.csv"
    damaged.write_bytes(b"damaged")
    git(windows_clone, "checkout", "--", "data/winequality-red.csv")
    assert hashlib.sha256(damaged.read_bytes()).hexdigest() == SHA256[damaged.name]


def listed(file: str) -> set[str]:
    return set(LISTED.findall((ROOT / file).read_text(encoding="utf8")))


def imported(source: str) -> set[str]:
    """The packages, by their names in requirements, that a program imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
    return {NAMES.get(name, name.replace("_", "-")) for name in found - sys.stdlib_module_names}


def test_a_student_has_all_that_the_course_and_the_lessons_import():
    sources = [path.read_text(encoding="utf8") for path in (ROOT / "course_utils").rglob("*.py")]
    for path in (ROOT / "lessons").rglob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf8"))["cells"]
        sources += ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    needed = set().union(*map(imported, sources)) - {"course-utils"}
    assert needed >= {"keras", "pandas", "scikit-learn"}
    # jupyter_client comes with ipykernel, tensorboard, pillow and JupyterLab are used without an import.
    assert needed - {"jupyter-client"} <= listed("requirements.txt")
    assert not needed & listed("requirements-dev.txt")
    assert "-r requirements.txt" in (ROOT / "requirements-dev.txt").read_text(encoding="utf8").splitlines()


def test_the_wheel_names_every_folder_of_the_package():
    named = (ROOT / "pyproject.toml").read_text(encoding="utf8")
    for folder in (ROOT / "course_utils").rglob("__init__.py"):
        assert f'"{".".join(folder.parent.relative_to(ROOT).parts)}"' in named


@pytest.mark.slow
def test_a_wheel_works_outside_of_the_checkout(tmp_path):
    source, wheels, target = tmp_path / "source", tmp_path / "wheels", tmp_path / "site"
    for name in ("course_utils", "data"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "wheel", *offline, "--wheel-dir", wheels, source], check=True)
    (wheel,) = wheels.glob("*.whl")
    files = {path.relative_to(source).as_posix() for path in (source / "course_utils").rglob("*.*") if path.is_file()}
    files |= {f"course_utils/datafiles/{path.name}" for path in (ROOT / "data").iterdir()}
    assert files <= set(zipfile.ZipFile(wheel).namelist())
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", target, wheel], check=True)
    environment = {**os.environ, "PYTHONPATH": str(target), "TF_CPP_MIN_LOG_LEVEL": "3"}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    path, *rows = run.stdout.split()
    assert Path(path).is_relative_to(target)
    assert rows == ["815", "50"]
