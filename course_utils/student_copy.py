"""The student's copy of the lessons, which is brought up to date and never loses what the student wrote.

`python -m course_utils.student_copy` makes `my_course/` from `lessons/`. Later on, a file that the student left alone
is replaced by its new edition; beside one that was changed, the new edition is laid under a name of its own. Needs the
standard library only.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from course_utils.edition import edition

__all__ = ["update"]

ROOT = Path(__file__).resolve().parent.parent
LESSONS, COPY = ROOT / "lessons", ROOT / "my_course"
MANIFEST = ".course.json"
PAGES = ("GLOSSARY.md", "INDEX.md")
KEPT_BACK = "solutions"
Shas = dict[str, str]  # name of a file in the copy: sha256 of what was written there (`_sha`)


def update(lessons: Path = LESSONS, copy: Path = COPY) -> list[str]:
    """Make the copy, or bring it up to date, and keep everything that the student changed.

    Parameters
    ----------
    lessons : pathlib.Path
        The course as its authors store it.
    copy : pathlib.Path
        The student's folder; made where there is none.

    Returns
    -------
    list of str
        What the student should know, a sentence each.

    Raises
    ------
    ValueError
        If the copy cannot be a folder, or there are no lessons.
    OSError
        If it cannot be written.
    """
    if copy.exists() and not copy.is_dir():
        raise ValueError(f"{copy} is a file, where the folder for your notebooks should be. Rename it, then try again.")
    names = _given_to_students(lessons)
    if not names:
        raise ValueError(f"{lessons} holds no notebooks. Is this the whole course? Download it again.")
    given, beside, said = _read_manifest(copy)
    recorded = given | {}, beside | {}
    for name in names:
        try:
            content = edition(lessons, copy, name, names)
        except ValueError:
            said.append(f"lessons/{name} is damaged, so your copy of it stays as it is. Download the course again.")
            continue
        said += _hand_over(copy, name, content, given.get(name), beside)
        given[name] = _sha(content)
    for name in given.keys() - set(names):
        said += _take_away(copy, name, given.pop(name))
    manifest = json.dumps({"given": given, "beside": beside}, indent=1, sort_keys=True, ensure_ascii=False)
    if (given, beside) != recorded:
        _write(copy / MANIFEST, manifest.encode("utf8"))
    return said


def _given_to_students(lessons: Path) -> list[str]:
    """Names of the files that a student gets, in order: all notebooks that hold no solutions, and what they link to."""
    paths = (path.relative_to(lessons) for path in lessons.rglob("*.ipynb"))
    names = [
        path.as_posix()
        for path in paths
        if KEPT_BACK not in path.parts and not any(part.startswith(".") for part in path.parts)
    ]
    return [*sorted(names), *(name for name in PAGES if names and (lessons / name).is_file())]


def _hand_over(copy: Path, name: str, content: bytes, before: str | None, beside: Shas) -> list[str]:
    """Write one file, or lay it beside the student's own."""
    new, mine = _sha(content), _sha_of(copy / name)
    if mine is None or mine == before:  # missing, or left alone
        if mine != new:
            _write(copy / name, content)
        return []
    if new in (mine, before):  # changed by the student, while the course has nothing newer
        return []
    place, number = _beside(name), 2
    while _sha_of(copy / place) not in (None, new, beside.get(place)):  # the student works in that one, too
        place, number = _beside(name, number), number + 1
    _write(copy / place, content)
    beside[place] = new
    return [f"You changed {name}, so it stays as it is. The new edition lies beside it: {Path(place).name}"]


def _beside(name: str, number: int = 1) -> str:
    """The name of a new edition: `03_dropout (new edition).ipynb`."""
    path, nth = Path(name), f" {number}" if number > 1 else ""
    return path.with_name(f"{path.stem} (new edition{nth}){path.suffix}").as_posix()


def _take_away(copy: Path, name: str, written: str) -> list[str]:
    """Remove what the course does not hold any more, unless the student changed it."""
    mine = _sha_of(copy / name)
    if mine == written:
        (copy / name).unlink()
    if mine in (written, None):
        return []
    return [f"{name} is not part of the course any more. You changed it, so it stays."]


def _read_manifest(copy: Path) -> tuple[Shas, Shas, list[str]]:
    """What was written so far, and what to say if nobody knows."""
    path = copy / MANIFEST
    if not path.exists():
        return {}, {}, []
    try:
        found = json.loads(path.read_text(encoding="utf8"))
        given, beside = dict(found["given"]), dict(found["beside"])
        if all((copy / name).resolve().is_relative_to(copy.resolve()) for name in [*given, *beside]):
            return given, beside, []
    except (ValueError, OSError, TypeError, KeyError):
        pass
    return {}, {}, [f"{path} is damaged, so each notebook that differs from the course's counts as changed by you."]


def _sha(content: bytes) -> str:
    """The sha256 of a file; of a notebook, that of its cells alone.

    JupyterLab writes the version of the kernel into a notebook that somebody only opened.
    """
    try:
        cells = json.loads(content)["cells"]
        content = json.dumps([cell | {"source": "".join(cell["source"])} for cell in cells], sort_keys=True).encode()
    except (ValueError, TypeError, KeyError):
        pass  # no notebook, or a damaged one: every byte counts
    return hashlib.sha256(content).hexdigest()


def _sha_of(path: Path) -> str | None:
    """That of a file, None if there is none."""
    return _sha(path.read_bytes()) if path.is_file() else None


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


def main() -> int:
    """Bring `my_course/` up to date; say on the terminal what matters."""
    try:
        said = update()
    except ValueError as error:
        print(error)
        return 2
    except OSError as error:
        print(f"{COPY} cannot be written: {error}. Is the folder read-only, or the disk full?")
        return 2
    print(*said, sep="\n", end="\n" if said else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
