"""The ledger: claims of a notebook on many seeds."""

import json

import nbformat
import pytest

from authoring import calibrate as ledger
from authoring.__main__ import main
from authoring.calibrate import Entry, break_probability

CELLS = [
    "from course_utils.evidence import claim, seeds",
    "claim('seeds grow', [s / 1000 for s in seeds(5)], above=0)",
    "claim('seeds are even', [s % 2 == 0 for s in seeds(5)], at_least=1)",
]


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """A notebook with two claims, in a course of its own."""
    for name, path in {"LEDGER": "ledger.json", "PAGE": "LEDGER.md", "FOUND": ".calibration"}.items():
        monkeypatch.setattr(ledger, name, tmp_path / path)
    path = tmp_path / "01_tiny.ipynb"
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    printed = "✔ seeds grow — held in at least 4 of 5 seeds\n✔ seeds are even — held in at least 1 of 5 seeds\n"
    cells[-1].outputs = [nbformat.v4.new_output("stream", text=printed)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.mark.slow
def test_claims_are_counted_seed_by_seed_over_all_runs(notebook, tmp_path):
    grow, even = ledger.calibrate(notebook, seeds=40, first=100_000)
    assert (grow.held, grow.of, grow.at_least, grow.per_run) == (40, 40, 4, 5)
    assert grow.effect[0] == pytest.approx(100.0195)  # the median of 100.000 to 100.039
    assert (even.held, even.of, even.effect) == (20, 40, None)
    (name,) = ledger.read_ledger()
    assert ledger.read_ledger()[name]["claims"] == [grow, even]
    told = (tmp_path / "LEDGER.md").read_text(encoding="utf8")
    assert "| seeds are even | 20 of 40 |" in told
    assert "0 of 8 runs break a claim" in told


@pytest.mark.slow
def test_what_was_run_is_not_run_again_unless_the_code_has_changed(notebook, monkeypatch):
    ledger.calibrate(notebook, seeds=20)
    runs = []
    monkeypatch.setattr(ledger, "_run", lambda path, own, start, found, at_once: runs.append(start) or found.touch())
    ledger.calibrate(notebook, seeds=40, first=ledger.FIRST_SEED)
    assert runs == [ledger.FIRST_SEED + 20]
    changed = nbformat.read(notebook, as_version=4)
    changed.cells[0].source += "\n1 + 1"
    nbformat.write(changed, notebook)
    ledger.calibrate(notebook, seeds=20)
    assert runs == [ledger.FIRST_SEED + 20, ledger.FIRST_SEED]
    ledger.calibrate(notebook, seeds=10, at_once=1)  # other blocks: those of twenty are not mixed in
    assert runs[2:] == [ledger.FIRST_SEED, ledger.FIRST_SEED + 5]


@pytest.mark.slow
def test_a_run_that_fails_is_named_and_leaves_nothing_behind(notebook, tmp_path):
    broken = nbformat.read(notebook, as_version=4)
    broken.cells.append(nbformat.v4.new_code_cell("1 / 0"))
    nbformat.write(broken, notebook)
    with pytest.raises(RuntimeError, match="COURSE_SEED=100000"):
        ledger.calibrate(notebook, seeds=20)
    assert not list((tmp_path / ".calibration").rglob("*.jsonl"))


@pytest.mark.slow
def test_the_command_names_what_is_not_safe(notebook, capsys):
    assert main(["calibrate", str(notebook), "--seeds", "20"]) == 1
    said = capsys.readouterr().out
    assert "01_tiny.ipynb: needs mending (2 claims on 20 seeds)" in said
    assert "  - seeds are even: held in 10 of 20 seeds" in said


def test_groups_of_seeds_that_break_a_claim_are_counted():
    def run(**held):
        return {(name, 1): {"per_seed": found, "at_least": 2} for name, found in held.items()}

    steady, other = [1, 1, 0, 1, 1, 0], [0, 1, 1, 0, 0, 1]  # two groups of three: the second breaks the other claim
    assert ledger.broken_groups([run(steady=steady)], 2) == (0, 2)
    assert ledger.broken_groups([run(steady=steady, other=other), run(steady=steady)], 2) == (1, 4)
    assert ledger.broken_groups([run(steady=other, other=other)], 2) == (1, 2)  # one run, however many claims it breaks
    assert ledger.broken_groups([run(other=other)], 1) == (0, 1)


def test_a_claim_is_safe_when_even_the_low_end_of_its_interval_is():
    assert Entry("", held=200, of=200, at_least=4).is_safe
    assert not Entry("", held=190, of=200, at_least=4).is_safe
    assert Entry("", held=190, of=200, at_least=2).is_safe
    assert not Entry("", held=5, of=5, at_least=4).is_safe  # five seeds say little


def test_how_often_five_fresh_seeds_break_a_claim():
    assert break_probability(1.0, at_least=4) == 0
    assert break_probability(0.5, at_least=4) == pytest.approx(1 - 6 / 32)  # a coin: 4 or 5 heads in 6 of 32 cases
    assert break_probability(0.5, at_least=1, seeds=3) == pytest.approx(1 / 8)


def test_wilsons_interval():
    low, high = Entry("", held=20, of=20, at_least=4).interval
    assert (low, high) == (pytest.approx(0.8389, abs=1e-4), 1)


def test_the_ledger_of_the_course_holds_safe_claims_only():
    unsafe = [
        f"{name}: {claim.statement} ({claim.held} of {claim.of})"
        for name, one in ledger.read_ledger().items()
        for claim in one["claims"]
        if not claim.is_safe
    ]
    assert unsafe == []


def test_the_ledger_holds_what_the_notebooks_print():
    for name, one in ledger.read_ledger().items():
        cells = nbformat.read(ledger.LESSONS / f"{name}.ipynb", as_version=4).cells
        texts = [output.get("text", "") for cell in cells for output in cell.get("outputs", [])]
        printed = [line for text in texts for line in text.splitlines() if line.startswith("✔")]
        assert printed == [
            f"✔ {claim.statement} — held in at least {claim.at_least} of {claim.per_run} seeds"
            for claim in one["claims"]
        ]


def test_the_page_is_the_one_made_from_the_ledger():
    if ledger.LEDGER.is_file():
        assert ledger.PAGE.read_text(encoding="utf8") == ledger.page(ledger.read_ledger())


@pytest.mark.slow
def test_the_ledger_is_a_readable_file(notebook):
    ledger.calibrate(notebook, seeds=20)
    (one,) = json.loads(ledger.LEDGER.read_text(encoding="utf8")).values()
    assert (one["seeds"], [claim["statement"] for claim in one["claims"]]) == (20, ["seeds grow", "seeds are even"])
