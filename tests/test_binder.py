"""What repo2docker takes from `binder/`, as far as that can be tried without a container."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils.cores import THREADS, cores

ROOT = Path(__file__).resolve().parent.parent
BINDER = ROOT / "binder"
BASH = shutil.which("bash") if os.name != "nt" else None

pytestmark = pytest.mark.skipif(BASH is None, reason="no bash")


def run(script, *arguments, folder, **variables):
    """Run a script as repo2docker does, where `python` is the one that has the packages."""
    kept = {name: value for name, value in os.environ.items() if name not in THREADS}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**kept, "PATH": path, "PYTHONPATH": str(folder), **variables}
    return subprocess.run(
        [BINDER / script, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_the_packages_are_those_of_a_student():
    lines = (BINDER / "requirements.txt").read_text(encoding="utf8").splitlines()
    (included,) = [line.split()[1] for line in lines if line.startswith("-r")]
    assert (BINDER / included).resolve() == ROOT / "requirements.txt"
    version = (BINDER / "runtime.txt").read_text(encoding="utf8").strip()
    assert version in {"python-3.10", "python-3.11", "python-3.12", "python-3.13"}


def test_the_build_makes_the_students_copy(tmp_path):
    for name in ("course_utils", "lessons"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    run("postBuild", folder=tmp_path)
    assert (tmp_path / "my_course" / "03_dropout.ipynb").is_file()


def test_the_server_starts_with_a_thread_for_each_core():
    print_threads = ["python", "-c", f"import os; print([os.environ[name] for name in {THREADS}])"]
    assert run("start", *print_threads, folder=ROOT).strip() == str([str(cores())] * 3)
    assert run("start", *print_threads, folder=ROOT, OMP_NUM_THREADS="7").strip().endswith("'7']")
