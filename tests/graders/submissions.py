"""Three students hand in lesson 01: one is right in other ways than the solutions, one is wrong, one did nothing."""

from pathlib import Path

import nbformat

from authoring.notebooks import LESSONS

NAME = "01_generalization"
SOLUTIONS = LESSONS / "solutions" / f"{NAME}.ipynb"
RIGHT = """
def updates(rows, batch, epochs):
    return sum(len(range(0, rows, batch)) for _ in range(epochs))


def last_batch(rows, batch):
    return rows - (-(-rows // batch) - 1) * batch
"""
WRONG = """
def updates(rows, batch, epochs):
    return rows // batch * epochs


def last_batch(rows, batch):
    return rows % batch


def check(*answers):
    return 2
"""
HALF = """
def updates(rows, batch, epochs):
    return -(-rows // batch) * epochs


def last_batch(rows, batch):
    return rows % batch
"""
# by student: the answer to the first exercise, and its points
STUDENTS = {"right": (RIGHT, 2), "half": (HALF, 1), "wrong": (WRONG, 0), "untouched": (None, 0)}


def hand_in(assignment: Path, student: str, place: Path) -> Path:
    """Write what a student makes of an assignment; only the first exercise is touched."""
    notebook = nbformat.read(assignment, as_version=4)
    answer, _ = STUDENTS[student]
    if answer is not None:
        first = next(cell for cell in notebook.cells if cell.source.startswith("def updates("))
        first.source = answer.strip()
    place.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, place)
    return place
