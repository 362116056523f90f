"""Twelve small tables of the kinds that readers bring along."""

import numpy as np
import pandas as pd

__all__ = ["TABLES", "flats", "make"]


def flats(n=300, seed=0):
    """Rents in hundreds, with numbers, texts, gaps, a constant column and copies."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "size": rng.normal(60, 20, n).round(1),
            "rooms": rng.integers(1, 6, n),
            "kind": rng.choice(["flat", "house", "attic"], n),
            "heating": rng.choice(["gas", "oil", None], n),
            "country": "Utopia",
        }
    )
    frame["rent"] = (frame["size"] / 10 + frame["rooms"] / 2 + rng.normal(0, 0.2, n)).round(3)
    frame.loc[rng.choice(n, n // 10, replace=False), "size"] = np.nan
    return pd.concat([frame, frame.iloc[:7]], ignore_index=True)


def _numbers(n=120, columns=4, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, columns))
    return pd.DataFrame(x, columns=[f"x{i}" for i in range(columns)])


def _regression():
    frame = _numbers()
    return frame.assign(y=frame["x0"] - 2 * frame["x1"] + 5)


def _classes(n_classes):
    frame = _numbers(40 * n_classes)
    names = np.array([f"class {i}" for i in range(n_classes)])
    return frame.assign(y=names[np.argsort(np.argsort(frame["x0"])) // 40])


def _sixty_rows():
    return _regression().iloc[:60]


def _wide():
    frame = _numbers(5000, 200)
    return frame.assign(y=frame["x0"])


def _all_categories():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.choice(list("abcd"), 200) for name in ("one", "two", "three", "four", "five")})
    return frame.assign(y=np.where(frame["one"] == "a", "yes", "no"))


def _gaps_everywhere():
    frame, rng = flats().drop(columns="country"), np.random.default_rng(1)
    for name in frame.columns.drop("rent"):
        frame.loc[rng.random(len(frame)) < 0.3, name] = None
    return frame.rename(columns={"rent": "y"})


def _spaces():
    frame = _regression().rename(columns={"x0": "first value", "x1": ' "quoted" '})
    return frame.assign(colour=np.random.default_rng(0).choice([" dark red", "dark red ", "light blue"], len(frame)))


def _other_letters():
    frame = _regression().rename(columns={"x0": "Größe (m²)", "x1": "温度"})
    return frame.assign(città=np.random.default_rng(0).choice(["Zürich", "東京", "Åre"], len(frame)))


TABLES = {
    "regression": _regression,
    "two classes": lambda: _classes(2),
    "ten classes": lambda: _classes(10),
    "60 rows": _sixty_rows,
    "5,000 rows × 200 columns": _wide,
    "all categories": _all_categories,
    "gaps everywhere": _gaps_everywhere,
    "a constant column": lambda: _regression().assign(x2=3),
    "a leak": lambda: _regression().assign(leak=lambda frame: frame["y"] * 2 + 1),
    "copies": lambda: pd.concat([_regression(), _regression().iloc[:30]], ignore_index=True),
    "texts with spaces": _spaces,
    "other letters": _other_letters,
}


def make(name):
    """The table of this name; its target is `y`."""
    return TABLES[name]()
