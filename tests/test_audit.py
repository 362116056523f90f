"""The audit finds what was planted, and nothing in a table that is clean."""

import numpy as np
import pandas as pd
import pytest

from course_utils.audit import audit
from tests.tables import TABLES, flats, make


def clean(n=300):
    """Three columns of numbers, one of texts, and a target that they predict in part."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    frame["kind"] = rng.choice(["flat", "house"], n)
    return frame.assign(y=frame["a"] + frame["b"] + rng.normal(size=n))


def planted(frame, **options):
    """The findings as (column, what was found) pairs; the last column always says what to do."""
    found = audit(frame, **{"target": "y", **options})
    assert list(found.columns) == ["column", "found", "what to do"]
    assert found["what to do"].str.len().min() > 5 or found.empty
    return list(zip(found["column"], found["found"], strict=True))


def test_a_clean_table_has_no_findings():
    assert planted(clean()) == []
    assert planted(clean().assign(y=lambda f: np.where(f["y"] > 0, "yes", "no"))) == []


PLANTED = {
    "copies": (lambda f: pd.concat([f, f.iloc[:7]]), "(rows)", "exact copies of other rows: 7"),
    "copies but for a number": (
        lambda f: pd.concat([f, f.iloc[:7]]).assign(id=range(len(f) + 7)),
        "(rows)",
        "copies of other rows, but for 'id': 7",
    ),
    "near copies": (
        lambda f: pd.concat([f, f.iloc[:7].assign(a=lambda g: g["a"] + 1e-4)]),
        "(rows)",
        "almost copies of another one: 14",
    ),
    "torn": (lambda f: pd.concat([f, f.iloc[:7].assign(y=0.5)]), "(rows)", "but another target: 14"),
    "constant": (lambda f: f.assign(b=3), "b", "is constant: 3"),
    "constant text": (lambda f: f.assign(kind="flat"), "kind", "is constant: flat"),
    "empty": (lambda f: f.assign(b=np.nan), "b", "no value at all"),
    "gaps": (lambda f: f.assign(b=f["b"].where(f.index > 29)), "b", "30 values are missing (10%)"),
    "gaps in texts": (lambda f: f.assign(kind=f["kind"].where(f.index > 2)), "kind", "3 values are missing (1%)"),
    "a leak": (lambda f: f.assign(b=f["y"] * 3 + 1), "b", "predicts 'y' on its own"),
    "a bent leak": (lambda f: f.assign(b=np.exp(-f["y"])), "b", "predicts 'y' on its own"),
    "a leak of classes": (
        lambda f: f.assign(y=np.where(f["y"] > 0, "yes", "no"), b=lambda g: (g["y"] == "yes") * 2.5),
        "b",
        "predicts 'y' on its own",
    ),
    "a leak in texts": (
        lambda f: f.assign(y=np.where(f["y"] > 0, "yes", "no"), kind=lambda g: "paid " + g["y"]),
        "kind",
        "predicts 'y' on its own",
    ),
    "numbers of the rows": (lambda f: f.assign(b=f.index + 1000), "b", "another value in every row"),
    "names of the rows": (lambda f: f.assign(kind=[f"no. {i}" for i in f.index]), "kind", "another value in every"),
    "a rare class": (
        lambda f: f.assign(y=["rare"] * 9 + list("no") * 145 + ["n"]),
        "y",
        "'rare' has 9 rows",
    ),
    "one large class": (lambda f: f.assign(y=[1] * 280 + [0] * 20), "y", "93% of the rows are '1'"),
    "skew": (lambda f: f.assign(y=np.exp(f["y"])), "y", "the target is skewed (+"),
    "a large unit": (lambda f: f.assign(y=f["y"] * 1e5), "y", "the deviation of the target is 1."),
    "no target": (lambda f: f.assign(y=f["y"].where(f.index > 4)), "y", "the target is missing in 5 rows"),
    "one target": (lambda f: f.assign(y=1), "y", "the same in every row"),
    "a date": (lambda f: f.assign(kind=pd.date_range("2026-01-01", periods=75).repeat(4)), "kind", "holds dates"),
    "free text": (lambda f: f.assign(kind=[f"n. {i // 2}" for i in f.index]), "kind", "150 different texts"),
    "infinity": (lambda f: f.assign(b=f["b"].where(f.index > 0, np.inf)), "b", "has 1 infinite"),
    "lists": (lambda f: f.assign(kind=[["a"], ["b", "c"]] * 150), "kind", "values of the type list"),
    "spaces": (lambda f: f.assign(kind=["flat", "flat ", "Flat"] * 100), "kind", "2 texts differ from another by"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_planted_is_found_and_nothing_else(name):
    change, column, words = PLANTED[name]
    found = planted(change(clean()))
    assert [one for one in found if one[0] == column and words in one[1]], found
    assert len(found) == (2 if name == "copies but for a number" else 1), found


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_audited(name):
    found = planted(make(name))
    texts = " ".join(f"{column} {words}" for column, words in found)
    expected = {
        "a constant column": "x2 is constant",
        "a leak": "leak predicts",
        "copies": "exact copies of other rows: 30",
        "gaps everywhere": "size ",
        "ten classes": "x0 predicts",
        "texts with spaces": "colour 1 texts",
    }
    assert expected.get(name, "") in texts


@pytest.mark.parametrize(("noise", "is_leak"), [(0.05, True), (0.3, False)])
def test_a_good_column_is_no_leak(noise, is_leak):
    frame = clean()
    frame["b"] = frame["y"] + noise * np.random.default_rng(1).normal(size=len(frame))
    assert bool(planted(frame)) == is_leak


def test_the_table_is_not_changed():
    frame = flats()
    before = frame.copy()
    audit(frame, target="rent")
    pd.testing.assert_frame_equal(frame, before)


def test_a_target_that_is_no_column_is_named():
    with pytest.raises(ValueError, match=r"target='rnt' is no column.*Did you mean 'rent'"):
        audit(flats(), target="rnt")


def test_a_table_without_rows_is_said_to_have_none():
    assert planted(clean().iloc[:0]) == [("(rows)", "the table has no rows")]
