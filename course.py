"""The two commands of the course: `python3 course.py start` and `python3 course.py test`.

Both make a virtual environment in `.venv`, install `requirements.txt` into it and use nothing else: `start` opens
JupyterLab in `my_course/`, a copy of the lessons for you to work in (`start --with-outputs`: in `lessons/`, where every
result is stored); `test` runs the linter, the unit tests and all notebooks, `test --all` the slow tests, too.
Where there is no network, `--find-links FOLDER` installs from a folder of wheels. Needs Python 3.10 to 3.13.
"""

import hashlib
import json
import os
import platform
import shutil
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


OLDEST, NEWEST = (3, 10), (3, 13)  # for which TensorFlow has wheels
SPACE = 4e9  # bytes that the environment and pip's downloads need
LONGEST = 90  # of the folder's path on Windows, where a file's whole path may have 260 characters


def main() -> int:
    """Run one of the commands; return its exit code."""
    command, *rest = [*sys.argv[1:], ""][:1] + sys.argv[2:]
    if command not in ("start", "test"):
        print(__doc__)
        return 2
    wheels = ""
    if "--find-links" in rest:
        place = rest.index("--find-links")
        wheels, rest = "".join(rest[place + 1 : place + 2]), rest[:place] + rest[place + 2 :]
        if not Path(wheels).is_dir() or not wheels:
            print(f"--find-links {wheels}: there is no such folder. It should hold the wheels of requirements.txt.")
            return 2
    trouble = problem() or install(wheels)
    if trouble:
        print(trouble)
        return 2
    if command == "start":
        return start(*rest)
    tier = [] if "--all" in rest else ["-m", "not slow"]
    tests = [*TWO_PROCESSES, *tier, *(argument for argument in rest if argument != "--all")]
    style = call("-m", "ruff", "check") or call("-m", "ruff", "format", "--check")
    return style or call("-m", "pytest", *tests, TF_NUM_INTRAOP_THREADS="1")  # one thread each: they share two cores


def start(*options: str) -> int:
    """Open JupyterLab in the student's copy, which is made or brought up to date before; or in the recorded edition."""
    if "--with-outputs" in options:
        others = [option for option in options if option != "--with-outputs"]
        return call("-m", "jupyter", "lab", *others, folder="lessons")
    # From the course's folder, so that links from `my_course` to what is not copied can be followed.
    lab = ["-m", "jupyter", "lab", "--LabApp.default_url=/lab/tree/my_course"]
    return call("-m", "course_utils.student_copy") or call(*lab, *options)


def problem() -> str:
    """Say what on this computer the course cannot run with, and what to do; "" if nothing is in the way."""
    version, here = sys.version_info[:2], sys.version.split()[0]
    if not OLDEST <= version <= NEWEST:
        age = "new" if version > NEWEST else "old"
        use = "py -3.13 course.py start" if sys.platform == "win32" else "python3.13 course.py start"
        return (
            f"The course needs Python 3.10 to 3.13; this is {here}, too {age} for TensorFlow. "
            f"Install Python 3.13 beside it, then type: {use}"
        )
    if sys.maxsize < 2**32:
        return "This is a 32-bit Python; TensorFlow needs a 64-bit one. Install the 64-bit Python 3.13."
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        return (
            "TensorFlow has no current version for Macs with an Intel processor. Use a hub, or another computer. "
            "(Has your Mac an Apple chip? Then its Python was made for Intel: install another one.)"
        )
    if sys.platform == "win32" and platform.machine().upper() == "ARM64":
        return "TensorFlow has no version for Windows on ARM. Install the x64 Python 3.13, which runs there, too."
    if sys.platform == "win32" and len(str(ROOT)) > LONGEST:
        return f"This folder's path is too long for Windows ({len(str(ROOT))} characters). Move it, say to C:\\course."
    return ""


def install(wheels: str = "") -> str:
    """Install the requirements, unless these very ones are here already; say what went wrong, or ""."""
    requirements = hashlib.sha256((ROOT / "requirements.txt").read_bytes()).hexdigest()
    place = f"{ROOT} {sys.version}"  # another folder or Python: the environment does not work any more
    wanted = f"{requirements}\n{place}"
    found = INSTALLED.read_text(encoding="utf8") if INSTALLED.is_file() else ""
    if found == wanted and PYTHON.is_file():
        return ""
    if ENVIRONMENT.exists() and not found and any(ENVIRONMENT.iterdir()):
        return f"{ENVIRONMENT} was not made by this course. Rename it or delete it, then try again."
    free = shutil.disk_usage(ROOT).free
    if free < SPACE:
        return (
            f"The course needs {SPACE / 1e9:.0f} GB of disk; only {free / 1e9:.1f} GB are free here. Make room first."
        )
    print(f"Installing the course into {ENVIRONMENT}: a few minutes, the first time only.", flush=True)
    if "OneDrive" in ROOT.parts:
        print("This folder is in OneDrive, which would upload 3 GB. Better move it out (Ctrl + C stops).", flush=True)
    source = ["--no-index", "--find-links", wheels] if wheels else []
    try:
        if not found.endswith(place):
            shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        ENVIRONMENT.mkdir(exist_ok=True)
        INSTALLED.write_text(f"unfinished\n{place}", encoding="utf8")
        venv.create(ENVIRONMENT, with_pip=True)
        subprocess.check_call([PYTHON, "-m", "pip", "install", "-q", *source, "-r", "requirements.txt"], cwd=ROOT)
        quiet_kernel()
        INSTALLED.write_text(wanted, encoding="utf8")
    except OSError as error:
        return f"{ENVIRONMENT} cannot be made: {error}. Is the folder read-only? Copy the course to one of your own."
    except subprocess.CalledProcessError:
        return (
            "The packages could not be installed; the reason stands above. No network? Try again when there is one; "
            "what is here already is kept. Or get a folder of wheels from somebody, and add: --find-links FOLDER"
        )
    return ""


def quiet_kernel() -> None:
    """Send the log lines that TensorFlow writes while it is imported to the terminal, not into a student's notebook."""
    spec = json.loads(KERNEL.read_text(encoding="utf8"))
    option = "--IPKernelApp.capture_fd_output=False"
    if option not in spec["argv"]:
        spec["argv"].append(option)
        KERNEL.write_text(json.dumps(spec, indent=1), encoding="utf8")


def call(*arguments: str, folder: str = ".", **variables: str) -> int:
    """Run the environment's Python in a folder of the course and return its exit code.

    The variables are set unless they are set already.
    """
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **variables, **os.environ}
    return subprocess.call([PYTHON, *arguments], cwd=ROOT / folder, env=environment)


if __name__ == "__main__":
    sys.exit(main())
