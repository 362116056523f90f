"""The two commands of the course: `python3 course.py start` and `python3 course.py test`.

Both make a virtual environment in `.venv`, install `requirements.txt` into it and use nothing else: `start` opens
JupyterLab in `lessons/`, `test` runs the linter, the unit tests and all notebooks, `test --all` the slow tests, too.
Needs Python 3.10 or newer.
"""

import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
INSTALLED = ENVIRONMENT / "installed.txt"
# Each takes whole files: the cells of a notebook share a kernel, the tests of a module their fixtures.
TWO_PROCESSES = ["-n", "2", "--dist", "loadfile"]
KERNEL = ENVIRONMENT / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"


def main() -> int:
    """Run one of the commands; return its exit code."""
    if sys.version_info < (3, 10):  # noqa: UP036 (an older Python is what this line is for)
        print("The course needs Python 3.10 or newer; this is", sys.version.split()[0])
        return 2
    command, *rest = [*sys.argv[1:], ""][:1] + sys.argv[2:]
    if command not in ("start", "test"):
        print(__doc__)
        return 2
    install()
    if command == "start":
        return call("-m", "jupyter", "lab", *rest, folder=ROOT / "lessons")
    tier = [] if "--all" in rest else ["-m", "not slow"]
    tests = [*TWO_PROCESSES, *tier, *(argument for argument in rest if argument != "--all")]
    style = call("-m", "ruff", "check") or call("-m", "ruff", "format", "--check")
    return style or call("-m", "pytest", *tests, TF_NUM_INTRAOP_THREADS="1")  # one thread each: they share two cores


def install() -> None:
    """Install the requirements, unless these very ones are installed already."""
    wanted = hashlib.sha256((ROOT / "requirements.txt").read_bytes()).hexdigest()
    if INSTALLED.is_file() and INSTALLED.read_text() == wanted:
        return
    print(f"Installing the course into {ENVIRONMENT}: a minute or two, the first time only.", flush=True)
    venv.create(ENVIRONMENT, with_pip=True)
    subprocess.check_call([PYTHON, "-m", "pip", "install", "--quiet", "-r", "requirements.txt"], cwd=ROOT)
    quiet_kernel()
    INSTALLED.write_text(wanted)


def quiet_kernel() -> None:
    """Send the log lines that TensorFlow writes while it is imported to the terminal, not into a student's notebook."""
    spec = json.loads(KERNEL.read_text(encoding="utf8"))
    option = "--IPKernelApp.capture_fd_output=False"
    if option not in spec["argv"]:
        spec["argv"].append(option)
        KERNEL.write_text(json.dumps(spec, indent=1), encoding="utf8")


def call(*arguments: str, folder: Path = ROOT, **variables: str) -> int:
    """Run the environment's Python, with variables that this process may replace, and return its exit code."""
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **variables, **os.environ}
    return subprocess.call([PYTHON, *arguments], cwd=folder, env=environment)


if __name__ == "__main__":
    sys.exit(main())
