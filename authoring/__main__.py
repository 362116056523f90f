"""The command line: `python -m authoring record|check|calibrate|exercises|export [notebook …]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat

from authoring.calibrate import AT_ONCE, N_SEEDS, calibrate
from authoring.exercises import make_exercises, solutions
from authoring.form import minutes, unsupported_numbers
from authoring.graders import GRADERS, export
from authoring.notebooks import check, find_notebooks, record

__all__ = ["main"]

Found = tuple[str, list[str]]  # a word to add to the notebook's line, and what needs mending


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 if all went well."""
    parser = argparse.ArgumentParser(prog="python -m authoring", description=__doc__)
    parser.add_argument("command", choices=["record", "check", "calibrate", "exercises", "export"])
    everything = "all under lessons/ if none is given; for exercises and export, those with solutions"
    parser.add_argument("notebooks", nargs="*", type=Path, help=everything)
    parser.add_argument("--seeds", type=int, default=N_SEEDS, help="for calibrate: on how many (%(default)s)")
    together = "for calibrate: times five seeds in one execution (%(default)s); 1 where a notebook averages its five"
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help=together)
    parser.add_argument("--to", nargs=2, metavar=("GRADER", "FOLDER"), help=f"for export: {' or '.join(GRADERS)}")
    options = parser.parse_intermixed_args(arguments)  # notebooks may follow --to
    if options.command == "export" and (options.to is None or options.to[0] not in GRADERS):
        parser.error(f"export needs --to {'|'.join(GRADERS)} FOLDER")
    do: dict[str, Callable[[Path], Found]] = {
        "record": _record,
        "check": _check,
        "calibrate": lambda path: _calibrate(path, seeds=options.seeds, at_once=options.at_once),
        "exercises": _exercises,
        "export": lambda path: (f": {export(path, options.to[0], options.to[1])}", []),
    }
    find = solutions if options.command in ("exercises", "export") else find_notebooks
    failed = False
    for path in options.notebooks or find():
        try:
            words, problems = do[options.command](path)
        except (RuntimeError, FileNotFoundError, ValueError) as error:
            words, problems = "", [str(error)]
        failed = failed or bool(problems)
        print(f"{path.name}: {'ok' if not problems else 'needs mending'}{words}")
        for problem in problems:
            print(f"  - {problem}")
    return int(failed)


def _record(path: Path) -> Found:
    seconds = record(path)
    numbers, problems = _check(path)
    needed = minutes(nbformat.read(path, as_version=4), waiting=seconds)
    return f" ({seconds:.0f} s; {needed:.0f} minutes of a class){numbers}", problems


def _check(path: Path) -> Found:
    problems = check(path)
    numbers = unsupported_numbers(nbformat.read(path, as_version=4))  # a question: many are read off a figure
    return f"; in no output: {', '.join(numbers)}" if numbers else "", problems


def _exercises(path: Path) -> Found:
    made, is_new = make_exercises(path)
    return ("" if is_new else " (no change)"), check(made)


def _calibrate(path: Path, *, seeds: int, at_once: int) -> Found:
    entries = calibrate(path, seeds=seeds, at_once=at_once)
    unsafe = [f"{one.statement}: held in {one.held} of {one.of} seeds" for one in entries if not one.is_safe]
    return f" ({len(entries)} claims on {seeds} seeds)", unsafe


if __name__ == "__main__":
    sys.exit(main())
