"""`python -m authoring calibrate [notebook …]`: every claim of a notebook on seeds that nobody has seen, into a ledger.

A notebook is executed again and again, each time from another COURSE_SEED and with four times its seeds (side by side
they cost half), and what each claim found is kept seed by seed. That takes an hour for 200 seeds, so it may be
interrupted at any time: what was found stands in `.calibration/`, and the next call goes on. `lessons/ledger.json`
holds the sums, and `lessons/LEDGER.md` is made from it.
"""

from __future__ import annotations

import collections
import copy
import datetime
import hashlib
import json
import platform
import re
import tempfile
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import nbformat
import numpy as np
from scipy.stats import binom, binomtest

from authoring.notebooks import LESSONS, execute

__all__ = ["Entry", "break_probability", "broken_groups", "calibrate", "page", "read_ledger"]

LEDGER, PAGE = LESSONS / "ledger.json", LESSONS / "LEDGER.md"
FOUND = LESSONS.parent / ".calibration"
FIRST_SEED, N_SEEDS = 100_000, 200  # far from what authors look at
PER_RUN = 5  # seeds of a notebook, as in `seeds(5)`
AT_ONCE = 4  # times as many in one execution here, unless a notebook uses its seeds together (an average of five)
CELL_TIMEOUT = 1800  # seconds
MOST_OFTEN = 0.01  # how often one claim may fail on five fresh seeds
VERSIONS = ("tensorflow", "keras", "numpy", "scikit-learn")
# Executed before the notebook's own cells. In its own file, so that the package knows nothing of ledgers.
LISTEN = """
import json, pathlib
import course_utils.evidence as evidence
_printed = %r
def _listened(statement, per_seed, _claim=evidence.claim, **options):
    found = _claim(statement, per_seed, **options)
    line = {"statement": statement, "per_seed": found.per_seed, "at_least": found.at_least, "effect": found.effect}
    line["per_run"] = _printed.get(statement, found.of)
    with pathlib.Path(%r).open("a", encoding="utf8") as file:
        file.write(json.dumps(line) + "\\n")
    return found
evidence.claim = _listened
evidence.seeds = lambda n, _seeds=evidence.seeds: _seeds(n * %d)
"""
HELD = re.compile(r"^[✔✘] (?P<statement>.*) — held in .* of (?P<of>\d+) seeds$", re.MULTILINE)  # what `claim` prints


@dataclass(frozen=True)
class Entry:
    """What is known of one claim.

    Attributes
    ----------
    statement : str
    held, of : int
        In how many of how many fresh seeds it held.
    at_least : int
        In how many of `per_run` the notebook asks it to hold.
    per_run : int
        Seeds of one execution of the notebook.
    effect : tuple of float or None
        Median, and the ends of the middle 90 % over the seeds, of the difference that the claim is about.
    """

    statement: str
    held: int
    of: int
    at_least: int
    per_run: int = PER_RUN
    effect: tuple[float, float, float] | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of 95 % for the share of seeds in which it holds (Wilson 1927)."""
        found = binomtest(self.held, self.of).proportion_ci(0.95, method="wilson")
        return float(found.low), float(found.high)

    @property
    def is_safe(self) -> bool:
        """Whether even the low end of the interval breaks the notebook in at most one of a hundred runs."""
        return break_probability(self.interval[0], at_least=self.at_least, seeds=self.per_run) <= MOST_OFTEN


def break_probability(share: float, *, at_least: int, seeds: int = PER_RUN) -> float:
    """How often a claim that holds in `share` of all seeds holds in fewer than `at_least` of so many fresh ones."""
    return float(binom.cdf(at_least - 1, seeds, share))


def calibrate(path: Path, *, seeds: int = N_SEEDS, first: int = FIRST_SEED, at_once: int = AT_ONCE) -> list[Entry]:
    """Run a notebook until every claim has been tried on so many seeds, and put what was found into the ledger.

    Parameters
    ----------
    path : pathlib.Path
    seeds : int
        In blocks of five times `at_once`; those that were run before are not run again.
    first : int
        The first of them.
    at_once : int
        How many times the notebook's own number of seeds one execution takes; 1 for a notebook that uses its seeds
        together, as in an average of five networks.

    Returns
    -------
    list of Entry
        In the order of the notebook.

    Raises
    ------
    FileNotFoundError
        If there is no such notebook.
    RuntimeError
        If a cell fails; what earlier runs found is kept.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"There is no notebook {path}.")
    notebook = nbformat.read(path, as_version=4)
    # Another version of the notebook, or other blocks, is another experiment: what was found for it is not mixed in.
    folder = FOUND / path.stem / f"{_fingerprint(notebook)}-{at_once}"
    folder.mkdir(parents=True, exist_ok=True)
    block = PER_RUN * at_once
    starts = range(first, first + seeds, block)
    for number, start in enumerate(starts, start=1):
        found = folder / f"{start}.jsonl"
        if not found.exists():
            _run(path, notebook, start, found, at_once)
            print(f"{path.name}: {number} of {len(starts)} runs", flush=True)
    runs = [_by_claim(folder / f"{start}.jsonl") for start in starts]
    entries = _sums(runs)
    _write(path, entries, broken=broken_groups(runs, at_once), seeds=len(starts) * block, first=first)
    return entries


def broken_groups(runs: list[dict[tuple[str, int], dict]], at_once: int) -> tuple[int, int]:
    """How many groups of seeds, each as one reader runs them, break a claim; and how many groups there are.

    The same number can be computed from the claims one by one, as if they failed independently of one another. These
    were really run.
    """
    broken = []
    for run in runs:
        for i in range(at_once):
            sizes = ((line, len(line["per_seed"]) // at_once) for line in run.values())
            broken.append(any(sum(line["per_seed"][i * n : (i + 1) * n]) < line["at_least"] for line, n in sizes))
    return sum(broken), len(broken)


def read_ledger() -> dict[str, dict]:
    """By notebook: `seeds`, `first`, `date`, `versions`, `broken` and `claims`, a list of `Entry`; empty without any.

    `broken` is what `broken_groups` found, and absent where that was not counted yet.
    """
    if not LEDGER.is_file():
        return {}
    notebooks = json.loads(LEDGER.read_text(encoding="utf8"))
    for one in notebooks.values():
        one["claims"] = [Entry(**{**claim, "effect": _triple(claim["effect"])}) for claim in one["claims"]]
    return notebooks


def page(ledger: dict[str, dict]) -> str:
    """The ledger as Markdown, for readers."""
    lines = [
        "# Ledger of claims",
        "",
        "Every line with a ✔ in the notebooks below was tried on seeds that nobody had looked at. *Held* says in how",
        "many of them the sentence was true, *interval* what that says about all seeds (Wilson, 95 %), *effect* the",
        "number that the sentence is about (median, middle 90 % of the seeds), *breaks* how often five fresh seeds",
        "would turn ✔ into ✘. What held in fewer than 199 of 200 asks for three of five since then, or is no claim any",
        "more. This page is made by `python -m authoring calibrate`.",
    ]
    safe = 1.0
    for name, one in ledger.items():
        versions = ", ".join(f"{package} {version}" for package, version in one["versions"].items())
        lines += ["", f"## {name}", "", f"{one['seeds']} seeds from {one['first']:,}, {one['date']}, {versions}.", ""]
        lines += ["| claim | held | interval | effect (middle 90 %) | breaks |", "|---|---|---|---|---|"]
        for claim in one["claims"]:
            low, high = claim.interval
            breaks = break_probability(claim.held / claim.of, at_least=claim.at_least, seeds=claim.per_run)
            safe *= 1 - breaks
            effect = "" if claim.effect is None else "{:.3g} ({:.3g} to {:.3g})".format(*claim.effect)
            lines.append(
                f"| {claim.statement} | {claim.held} of {claim.of} | {low:.3f}–{high:.3f} | {effect} | {breaks:.4f} |"
            )
        if "broken" in one:
            lines += [
                "",
                "Five seeds at a time, as a reader runs them: {} of {} runs break a claim.".format(*one["broken"]),
            ]
    if ledger:
        lines += ["", f"On five fresh seeds, these notebooks together would fail in {1 - safe:.1%} of all runs."]
    return "\n".join(lines) + "\n"


def _run(path: Path, notebook: nbformat.NotebookNode, start: int, found: Path, at_once: int) -> None:
    """Execute the notebook from this seed and keep what its claims found; all of it, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        heard = Path(folder) / "claims.jsonl"
        heard.touch()
        listen = nbformat.v4.new_code_cell(LISTEN % (_printed(notebook), str(heard), at_once))
        listening = nbformat.from_dict({**notebook, "cells": [listen]})
        listening.cells += copy.deepcopy(notebook.cells)  # a run must not overwrite what the notebook printed
        try:
            execute(listening, path.parent, timeout=CELL_TIMEOUT, COURSE_SEED=str(start))
        except Exception as error:  # of whatever kind: a night's work names the seed, and goes on from there
            raise RuntimeError(f"{path.name} failed with COURSE_SEED={start}:\n{error}") from error
        found.write_text(heard.read_text(encoding="utf8"), encoding="utf8")


def _printed(notebook: nbformat.NotebookNode) -> dict[str, int]:
    """Of how many seeds each claim spoke when the notebook was recorded."""
    texts = (output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    return {found["statement"]: int(found["of"]) for text in texts for found in HELD.finditer(text)}


def _by_claim(file: Path) -> dict[tuple[str, int], dict]:
    """What one execution found: a statement that stands twice in a notebook is two claims, in their order."""
    found, times = {}, collections.Counter()
    for line in map(json.loads, file.read_text(encoding="utf8").splitlines()):
        times[line["statement"]] += 1
        found[line["statement"], times[line["statement"]]] = line
    return found


def _sums(runs: list[dict[tuple[str, int], dict]]) -> list[Entry]:
    """One entry for each claim. The last run says which there are, and in how many seeds they must hold."""
    entries = []
    for claim, last in (runs[-1] if runs else {}).items():
        lines = [run[claim] for run in runs]
        held = [value for line in lines for value in line["per_seed"]]
        effects = [value for line in lines for value in line["effect"] or ()]
        middle = tuple(float(value) for value in np.nanquantile(effects, [0.5, 0.05, 0.95])) if effects else None
        statement, _ = claim
        entries.append(Entry(statement, sum(held), len(held), last["at_least"], per_run=last["per_run"], effect=middle))
    return entries


def _write(path: Path, entries: list[Entry], *, broken: tuple[int, int], seeds: int, first: int) -> None:
    ledger = read_ledger()
    ledger[path.stem if path.parent == LESSONS else f"{path.parent.name}/{path.stem}"] = {
        "seeds": seeds,
        "first": first,
        "date": datetime.date.today().isoformat(),
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in VERSIONS}},
        "broken": broken,
        "claims": entries,
    }
    ledger = dict(sorted(ledger.items()))
    plain = {name: {**one, "claims": [asdict(claim) for claim in one["claims"]]} for name, one in ledger.items()}
    LEDGER.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", encoding="utf8")
    PAGE.write_text(page(ledger), encoding="utf8")


def _fingerprint(notebook: nbformat.NotebookNode) -> str:
    """Short name of the notebook's code; its texts and outputs do not count."""
    sources = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256(sources.encode()).hexdigest()[:8]


def _triple(effect: list[float] | None) -> tuple[float, float, float] | None:
    return None if effect is None else tuple(effect)
