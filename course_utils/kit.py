"""Packages for a room without a network: `python3 course.py kit FOLDER`.

Collects what `requirements.txt` asks for, and what pip needs to install the course itself, as wheels in a folder:
`python3 course.py start --find-links FOLDER` installs from there. For computers of another kind than this one, add
`--platform win_amd64`, or `--python 3.12`, or both, as `pip download` names them. Needs the standard library only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

__all__ = ["arguments_of_pip", "collect"]

ROOT = Path(__file__).resolve().parent.parent
BUILD = ("setuptools>=68", "wheel")  # with which pip installs the course's own folder
# Which packages only some computers need, pip asks of the one it runs on. These are what the others ask for.
SOMETIMES = (
    *("appnope", "colorama", "exceptiongroup", "importlib-metadata", "overrides", "pexpect", "ptyprocess", "tomli"),
    *("typing-extensions", "tzdata", "zipp"),
)
WINDOWS = ("pywin32", "pywinpty")


def collect(
    folder: Path,
    *,
    requirements: Path = ROOT / "requirements.txt",
    platforms: Sequence[str] = (),
    python: str = "",
    options: Sequence[str] = (),
) -> int:
    """Load all wheels into a folder, by a pip of its own.

    Parameters
    ----------
    folder : pathlib.Path
        Made where there is none. Wheels that are there already are not loaded again.
    requirements : pathlib.Path
    platforms : sequence of str
        Of the other computers, such as "win_amd64" or "macosx_12_0_arm64"; of this one, if there are none.
    python : str
        Version on the other computers, such as "3.12"; that of this one by default.
    options : sequence of str
        Passed on to `pip download`.

    Returns
    -------
    int
        The exit code of pip.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        tools = Path(place) / "tools"
        venv.create(tools, with_pip=True)
        pip = tools / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        arguments = arguments_of_pip(requirements.read_text(encoding="utf8"), platforms, python)
        command = [pip, "-m", "pip", "--disable-pip-version-check", "download", "--dest", folder]
        return subprocess.call([*command, *options, *arguments])


def arguments_of_pip(requirements: str, platforms: Sequence[str] = (), python: str = "") -> list[str]:
    """What `pip download` is to be called with: the packages, and the computer they are for."""
    lines = [line.partition("#")[0].strip() for line in requirements.splitlines()]
    packages = [*(line for line in lines if line and not line.startswith("-")), *BUILD]
    if not platforms and not python:
        return packages
    packages += SOMETIMES
    packages += WINDOWS if any(platform.startswith("win") for platform in platforms) else ()
    other = ["--only-binary=:all:", *(f"--platform={platform}" for platform in platforms)]
    return [*other, *([f"--python-version={python}"] if python else []), *packages]


def main() -> int:
    """Collect what the command line asks for; say what came of it."""
    parser = argparse.ArgumentParser(prog="course.py kit", description="Collect packages for a room without a network.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--platform", action="append", default=[], help="of the other computers, such as win_amd64")
    parser.add_argument("--python", default="", help="version of Python on the other computers, such as 3.12")
    options, rest = parser.parse_known_args()
    try:
        code = collect(options.folder, platforms=options.platform, python=options.python, options=rest)
    except OSError as error:
        print(f"{options.folder} cannot be filled: {error}. Name a folder of your own, on a disk with 2 GB free.")
        return 2
    except subprocess.CalledProcessError:
        print(f"This Python ({sys.executable}) has no pip. On Debian: apt-get install python3-venv")
        return 2
    if code:
        print("Not everything could be collected; the reason stands above. What is in the folder is kept.")
        return code
    files = list(options.folder.iterdir())
    size = sum(file.stat().st_size for file in files) / 1e9
    print(
        f"{len(files)} packages, {size:.2f} GB. Take the course's folder and this one to the other computer, and type:"
    )
    print(f'python3 course.py start --find-links "{options.folder}"')
    return 0


if __name__ == "__main__":
    sys.exit(main())
