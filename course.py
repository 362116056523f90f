"""The two commands of the course: `python3 course.py start` and `python3 course.py test`.

Both make a virtual environment in `.venv`, install what they need into it and use nothing else: `start` opens
JupyterLab in `my_course/`, a copy of the lessons for you to work in (`start --with-outputs`: in `lessons/`, where every
result is stored); `test` runs the linter, the unit tests and all notebooks, `test --all` the slow tests, too.

When something does not work: `python3 course.py doctor` prints a table to send to your teacher.
Without a network: `python3 course.py kit FOLDER` collects the packages on a computer that has one, and
`python3 course.py start --find-links FOLDER` installs from there. Needs Python 3.10 to 3.13.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
INSTALLED = ENVIRONMENT / "installed.txt"
LOG = ENVIRONMENT / "pip.log"
KERNEL = ENVIRONMENT / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
STUDENT, DEVELOPER = "requirements.txt", "requirements-dev.txt"  # the second holds the first

OLDEST, NEWEST = (3, 10), (3, 13)  # for which TensorFlow has wheels
SPACE = 4e9  # bytes that the environment and pip's downloads need
LONGEST = 90  # of the folder's path on Windows, where a file's whole path may have 260 characters
TICK = 5  # seconds between two lines of progress
# Each takes whole files: the cells of a notebook share a kernel, the tests of a module their fixtures.
TWO_PROCESSES = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]  # tests/conftest.py says the order


def main() -> int:
    """Run one of the commands; return its exit code."""
    command, *rest = [*sys.argv[1:], ""][:1] + sys.argv[2:]
    if command not in ("start", "test", "doctor", "kit"):
        print(__doc__)
        return 2
    if command == "doctor":
        return doctor()
    if command == "kit":
        return call("-m", "course_utils.kit", *rest, python=sys.executable)
    wheels = ""
    if "--find-links" in rest:
        place = rest.index("--find-links")
        wheels, rest = "".join(rest[place + 1 : place + 2]), rest[:place] + rest[place + 2 :]
        if not Path(wheels).is_dir() or not wheels:
            print(f"--find-links {wheels}: there is no such folder. It should hold what `course.py kit` collected.")
            return 2
        wheels = str(Path(wheels).resolve())
    trouble = problem() or install(STUDENT if command == "start" else DEVELOPER, wheels)
    if trouble:
        print(trouble)
        return 2
    return start(*rest) if command == "start" else test(*rest)


def start(*options: str) -> int:
    """Open JupyterLab in the student's copy, which is made or brought up to date before; or in the recorded edition."""
    if "--with-outputs" in options:
        others = [option for option in options if option != "--with-outputs"]
        return call("-m", "jupyter", "lab", *others, folder="lessons")
    # From the course's folder, so that links from `my_course` to what is not copied can be followed.
    lab = ["-m", "jupyter", "lab", "--LabApp.default_url=/lab/tree/my_course"]
    return call("-m", "course_utils.student_copy") or call(*lab, *options)


def test(*options: str) -> int:
    """Run the linter, then pytest with these options; the first that fails gives the exit code."""
    tier = [] if "--all" in options else ["-m", "not slow"]
    tests = [*TWO_PROCESSES, *tier, *(option for option in options if option != "--all")]
    style = call("-m", "ruff", "check") or call("-m", "ruff", "format", "--check")
    return style or call("-m", "pytest", *tests, TF_NUM_INTRAOP_THREADS="1")  # one thread each: they share two cores


def doctor() -> int:
    """Print a table of what works on this computer; each row says ok, or what to do."""
    trouble = problem()
    print(row("this computer", f"TO DO  {trouble}" if trouble else f"ok     {platform.platform()}"))
    if not PYTHON.is_file():
        print(row("Python", f"{'TO DO' if trouble else 'ok   '}  {sys.version.split()[0]}"))
        print(row("environment", "TO DO  The course is not installed here yet. Type: python3 course.py start"))
        return 1
    found = INSTALLED.read_text(encoding="utf8") if INSTALLED.is_file() else ""
    ready = stamp(STUDENT) in found and found.endswith(here())
    again = "It is half made, or was made for another folder, Python or edition. Type: python3 course.py start"
    print(row("environment", "ok     installed" if ready else f"TO DO  {again}"), flush=True)
    try:
        code = call("-m", "course_utils.doctor")
    except OSError as error:
        code, trouble = 1, f"{error}"
        print(
            row("its Python", f"TO DO  It does not run ({error}). Delete the folder .venv, then type: course.py start")
        )
    if code not in (0, 1):
        advice = "An old processor (without AVX) does that to TensorFlow: use a hub, or another computer."
        print(row("the last check", f"TO DO  It ended the whole program (code {code}). {advice}"))
    return int(bool(code or trouble or not ready))


def row(name: str, words: str) -> str:
    """One line of the doctor's table, as `course_utils.doctor` prints them, too."""
    return f"{name:<15}{words}"


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


def install(requirements: str, wheels: str = "") -> str:
    """Install these requirements, unless these very ones are here already; say what went wrong, or ""."""
    found = INSTALLED.read_text(encoding="utf8") if INSTALLED.is_file() else ""
    if stamp(requirements) in found and found.endswith(here()) and PYTHON.is_file():
        return ""
    trouble = no_room(found)
    if trouble:
        return trouble
    print(f"Installing into {ENVIRONMENT}, once: a few minutes, or more where the network is slow.", flush=True)
    if "OneDrive" in ROOT.parts:
        print("This folder is in OneDrive, which would upload 3 GB. Better move it out (Ctrl + C stops).", flush=True)
    source = ["--no-index", "--find-links", wheels] if wheels else []
    try:
        if not found.endswith(here()):
            shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        ENVIRONMENT.mkdir(exist_ok=True)
        kept = [stamp(STUDENT)] if stamp(STUDENT) in found and found.endswith(here()) else ["unfinished"]
        INSTALLED.write_text("\n".join([*kept, here()]), encoding="utf8")
        venv.create(ENVIRONMENT, with_pip=True)
        failed = pip("install", *source, "-r", requirements)
        if not failed:
            quiet_kernel()
            done = [stamp(name) for name in dict.fromkeys((STUDENT, requirements))]
            INSTALLED.write_text("\n".join([*done, here()]), encoding="utf8")
    except OSError as error:
        return f"{ENVIRONMENT} cannot be made: {error}. Is the folder read-only? Copy the course to one of your own."
    except subprocess.CalledProcessError:
        return f"This Python ({sys.executable}) cannot make environments. On Debian: apt-get install python3-venv"
    if failed:
        return (
            "The packages could not be installed; the reason stands above. No network? Try again when there is one; "
            "what is here already is kept. Or get a folder of wheels from somebody, and add: --find-links FOLDER"
        )
    return ""


def no_room(found: str) -> str:
    """Say why nothing can be installed here, where `found` is the stamp of what is installed; or ""."""
    if ENVIRONMENT.exists() and not found and any(ENVIRONMENT.iterdir()):
        return f"{ENVIRONMENT} was not made by this course. Rename it or delete it, then try again."
    free = shutil.disk_usage(ROOT).free
    if free < SPACE:
        return (
            f"The course needs {SPACE / 1e9:.0f} GB of disk; only {free / 1e9:.1f} GB are free here. Make room first."
        )
    return ""


def here() -> str:
    """The folder and the Python; with others, an environment does not work any more."""
    return f"{ROOT} {sys.version}"


def stamp(requirements: str) -> str:
    """One line that says which edition of the requirements this is."""
    names = [STUDENT] if requirements == STUDENT else [STUDENT, requirements]
    content = b"".join((ROOT / name).read_bytes() for name in names)
    return f"{requirements} {hashlib.sha256(content).hexdigest()}"


def pip(*arguments: str) -> int:
    """Run pip with a line of progress every few seconds, and what it complains of; return its exit code."""
    began, before, shown = time.monotonic(), packages(), ""
    command = [PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments]
    with LOG.open("w", encoding="utf8") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log)
        while process.poll() is None:
            try:
                process.wait(TICK)
            except subprocess.TimeoutExpired:
                words = progress(LOG.read_text(encoding="utf8", errors="replace"), packages() - before)
                if words != shown:
                    minutes, seconds = divmod(int(time.monotonic() - began), 60)
                    print(f"  {minutes}:{seconds:02d} min  {words}", flush=True)
                    shown = words
    return process.returncode


def packages() -> int:
    """How many packages the environment holds."""
    folders = [*ENVIRONMENT.glob("Lib/site-packages"), *ENVIRONMENT.glob("lib/python*/site-packages")]
    return max((len(list(folder.glob("*.dist-info"))) for folder in folders), default=0)


def progress(log: str, unpacked: int) -> str:
    """What pip is at, in a few words, from what it wrote and the number of packages that it unpacked."""
    lines = [line.strip() for line in log.splitlines()]
    installing = [line for line in lines if line.startswith("Installing collected packages:")]
    if installing:
        total = installing[-1].count(",") + 1
        return f"{min(unpacked, total)} of {total} packages unpacked"
    words = f"packages found: {sum(line.startswith(('Collecting ', 'Processing ')) for line in lines)}"
    loading = [line for line in lines if line.startswith("Downloading ") and ".metadata" not in line]
    if loading:
        file = loading[-1].split()[1].rsplit("/", 1)[-1]
        words += f", loading {file.split('-')[0]} {loading[-1][loading[-1].rfind('(') :]}"
    return words


def quiet_kernel() -> None:
    """Send the log lines that TensorFlow writes while it is imported to the terminal, not into a student's notebook."""
    spec = json.loads(KERNEL.read_text(encoding="utf8"))
    option = "--IPKernelApp.capture_fd_output=False"
    if option not in spec["argv"]:
        spec["argv"].append(option)
        KERNEL.write_text(json.dumps(spec, indent=1), encoding="utf8")


def call(*arguments: str, folder: str = ".", python: str = "", **variables: str) -> int:
    """Run a Python, that of the environment by default, in a folder of the course and return its exit code.

    The variables are set unless they are set already. Ctrl + C is left to the program that runs.
    """
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **variables, **os.environ}
    process = subprocess.Popen([python or PYTHON, *arguments], cwd=ROOT / folder, env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Stopped. The same command goes on where it was.")
    except OSError as problem_of_a_file:
        sys.exit(
            f"{problem_of_a_file}. Is the course complete, and may you write in its folder? Else download it again."
        )
