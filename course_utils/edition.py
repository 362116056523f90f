"""A lesson as a student begins it: nothing run, each Reading folded, the code of claims hidden.

Needs the standard library only; `student_copy` writes these editions to a folder and keeps them up to date.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import quote, unquote

__all__ = ["edition", "student_edition"]

READING = re.compile(r"\*Reading\b")
FOLDED = "<details><summary>Reading (open it after the run)</summary>\n\n{}\n\n</details>"
LINK = re.compile(r"""(\]\(|\b(?:src|href)=")([^)#"\s]+)""")


def student_edition(notebook: dict) -> dict:
    """Take out of a notebook what gives the answers away.

    JupyterLab hides the source of a code cell, but never that of rendered text: a Reading becomes an HTML element that
    folds.

    Parameters
    ----------
    notebook : dict
        A notebook of format 4, as `json` reads it. It is not changed.

    Returns
    -------
    dict
        The same cells, without outputs and numbers of execution.
    """
    notebook = json.loads(json.dumps(notebook))
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
            cell["metadata"].pop("execution", None)
            if "claim" in cell["metadata"].get("tags", []):
                cell["metadata"].setdefault("jupyter", {})["source_hidden"] = True
        elif cell["cell_type"] == "markdown" and READING.match(source):
            cell["source"] = FOLDED.format(source.strip()).splitlines(keepends=True)
    return notebook


def edition(lessons: Path, copy: Path, name: str, copied: Collection[str]) -> bytes:
    """What the student's file `name` holds, whose links lead on from where it will lie.

    Parameters
    ----------
    lessons, copy : pathlib.Path
        The course's folder, and the student's.
    name : str
        A file in both, such as `further/03_dropout.ipynb`: a notebook or a page.
    copied : collection of str
        The names of all files that the student gets. A link to anything else leads back to the course's folder.

    Raises
    ------
    ValueError
        If the notebook is damaged.
    OSError
        If it cannot be read.
    """
    folder = (lessons / name).parent

    def moved(match: re.Match) -> str:
        target = Path(os.path.normpath(folder / unquote(match[2])))
        inside = target.relative_to(lessons).as_posix() if target.is_relative_to(lessons) else ""
        if ":" in match[2] or match[2].startswith("/") or inside in copied or not target.exists():
            return match[0]
        return match[1] + quote(Path(os.path.relpath(target, (copy / name).parent)).as_posix())

    text = (lessons / name).read_text(encoding="utf8")
    if not name.endswith(".ipynb"):
        return LINK.sub(moved, text).encode("utf8")
    try:
        notebook = student_edition(json.loads(text))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = LINK.sub(moved, "".join(cell["source"])).splitlines(keepends=True)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{name} is no notebook of Jupyter's format 4: {error!r}") from error
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode("utf8")
