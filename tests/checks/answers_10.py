"""Right and wrong answers to the exercises of lesson 10."""

import json
import math
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.checks.cases import Cases

TARGET, LITRES = "Miles_per_Gallon", "Litres_per_100km"


def clean(frame):
    frame = frame.drop(columns=["Number", "Wheels", LITRES]).drop_duplicates().dropna(subset=TARGET)
    frame["Horsepower"] = frame["Horsepower"].replace(-1, np.nan)
    return frame


def clean_in_another_order(frame):
    frame.loc[frame["Horsepower"] < 0, "Horsepower"] = np.nan
    frame = frame[frame[TARGET].notna()]
    frame = frame.loc[~frame.duplicated([c for c in frame if c != "Number"], keep="last")]
    return frame[[c for c in frame.columns if c not in ("Number", "Wheels", LITRES)]].reset_index(drop=True)


def clean_by_measuring(frame):
    numbers = frame.select_dtypes("number")
    goes_along = numbers.corrwith(1 / frame[TARGET]).abs().drop(TARGET)
    counts = [c for c in numbers if numbers[c].is_unique and numbers[c].diff().eq(1).iloc[1:].all()]
    same = [c for c in frame if frame[c].nunique() == 1]
    frame = frame.drop(columns=[goes_along.idxmax(), *counts, *same]).drop_duplicates()
    return frame.dropna(subset=[TARGET]).assign(Horsepower=lambda f: f["Horsepower"].where(f["Horsepower"] > 0))


def without(step):
    def wrong(frame):
        drop = ["Number", "Wheels", LITRES]
        if step == "copies":
            frame = frame.dropna(subset=TARGET)
            return frame.drop(columns=drop).replace({"Horsepower": {-1: np.nan}})
        if step == "copies first":
            frame = frame.drop_duplicates()
        frame = frame.drop(columns=[c for c in drop if c != step])
        if step != "copies first":
            names = [c for c in frame if c != "Number"]
            frame = frame[~frame.duplicated(names)]
        if step != "target":
            frame = frame.dropna(subset=TARGET)
        if step == "filled":
            return frame.replace({"Horsepower": {-1: frame["Horsepower"].median()}})
        if step == "sentinel":
            return frame
        frame = frame.replace({"Horsepower": {-1: np.nan}})
        return frame.dropna() if step == "gaps" else frame.drop(columns="Name") if step == "name" else frame

    return wrong


def prepare(train, other, *, medians=None, both=False, ddof=0, keep=False):
    medians = train.median() if medians is None else medians
    gaps = [name for name in train if train[name].isna().any()]

    def inputs(rows):
        x = rows.fillna(medians)
        for name in gaps:
            x[f"{name} missing"] = rows[name].isna().astype(float)
        return x

    x, z = inputs(train), inputs(other)
    by = pd.concat([x, z]) if both else x
    mean, deviation = by.mean(), by.std(ddof=ddof)
    deviation = deviation if keep else deviation.replace(0, 1)
    return ((x - mean) / deviation).to_numpy(), ((z - mean) / deviation).to_numpy()


def prepare_by_scikit(train, other):
    steps = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    return steps.fit_transform(train), steps.transform(other)


def prepare_in_numpy(train, other):
    a, b = train.to_numpy(), other.to_numpy()
    gaps, medians = np.isnan(a).any(axis=0), np.nanmedian(a, axis=0)
    a, b = (np.hstack([np.where(np.isnan(m), medians, m), np.isnan(m)[:, gaps]]) for m in (a, b))
    mean, deviation = a.mean(axis=0), a.std(axis=0)
    deviation[deviation == 0] = 1
    return (a - mean) / deviation, (b - mean) / deviation


def without_flags(train, other):
    x, z = train.fillna(train.median()), other.fillna(train.median())
    mean, deviation = x.mean(), x.std(ddof=0).replace(0, 1)
    return (x - mean) / deviation, (z - mean) / deviation


def each_for_itself(train, other):
    gaps = [name for name in train if train[name].isna().any()]
    tables = [
        pd.concat([t.fillna(train.median()), t[gaps].isna().astype(float).add_suffix("?")], axis=1)
        for t in (train, other)
    ]
    return [(t - t.mean()) / t.std(ddof=0).replace(0, 1) for t in tables]


def errors_by_name(model, x, y, names, n):
    error = np.zeros(len(y))
    for train, fold in GroupKFold(n).split(x, groups=names):
        error[fold] = abs(model.fit(x[train], y[train]).predict(x[fold]) - y[fold])
    return error


def errors_by_scikit(model, x, y, names, n):
    return abs(cross_val_predict(model, x, y, groups=names, cv=GroupKFold(n)) - y)


def errors_by_hand(model, x, y, names, n):
    codes = pd.factorize(names)[0] % n
    error = np.empty(len(y))
    for fold in range(n):
        fitted = clone(model).fit(x[codes != fold], y[codes != fold])
        error[codes == fold] = np.abs(y[codes == fold] - fitted.predict(x[codes == fold]))
    return error


def standard_error(gain, names):
    off = pd.Series(gain - np.mean(gain)).groupby(names).sum()
    return (off**2).sum() ** 0.5 / len(gain)


def standard_error_by_loop(gain, names):
    off = np.asarray(gain) - np.mean(gain)
    return math.sqrt(sum(off[names == name].sum() ** 2 for name in set(names))) / len(off)


def rows_needed(gain, deviation):
    return math.ceil((2 * deviation / gain) ** 2)


def rows_by_counting(gain, deviation):
    rows = 1
    while 2 * deviation / rows**0.5 > gain + 1e-12:
        rows += 1
    return rows


def save(folder, network, numbers):
    network.save(Path(folder) / "network.keras")
    ready = {k: v.to_dict() if isinstance(v, pd.Series) else v for k, v in numbers.items()}
    (Path(folder) / "numbers.json").write_text(json.dumps(ready))


def loaded(folder):
    numbers = json.loads((Path(folder) / "numbers.json").read_text())
    series = {k: pd.Series(v) if isinstance(v, dict) else v for k, v in numbers.items()}
    return keras.models.load_model(Path(folder) / "network.keras"), series


def answer(folder, rows):
    network, numbers = loaded(folder)
    z = (rows.fillna(numbers["medians"]) - numbers["mean"]) / numbers["deviation"]
    return network.predict(z.to_numpy("float32"), verbose=0)[:, 0] + numbers["target_mean"]


def save_by_pickle(folder, network, numbers):
    network.save(f"{folder}/model.keras")
    pd.to_pickle(numbers, f"{folder}/numbers.pickle")


def answer_by_pickle(folder, rows):
    numbers = pd.read_pickle(f"{folder}/numbers.pickle")
    network = keras.saving.load_model(f"{folder}/model.keras")
    x = rows.fillna(numbers["medians"])
    return numbers["target_mean"] + np.asarray(network(((x - numbers["mean"]) / numbers["deviation"]).to_numpy("f4")))


def save_one_model(folder, network, numbers):
    columns = keras.Input((3,))
    scale = keras.layers.Normalization(mean=numbers["mean"].to_numpy(), variance=numbers["deviation"].to_numpy() ** 2)
    shifted = keras.layers.Rescaling(1.0, offset=numbers["target_mean"])(network(scale(columns)))
    keras.Model(columns, shifted).save(f"{folder}/all.keras")
    numbers["medians"].to_json(f"{folder}/medians.json")


def answer_one_model(folder, rows):
    medians = pd.read_json(f"{folder}/medians.json", typ="series")
    x = rows.fillna(medians).to_numpy("float32")
    return keras.models.load_model(f"{folder}/all.keras").predict(x, verbose=0)[:, 0]


def answered(change):
    def wrong(folder, rows):
        network, numbers = loaded(folder)
        if change == "own median":
            numbers["medians"] = rows.median()
        if change == "own scale":
            numbers |= {"mean": rows.mean(), "deviation": rows.std(ddof=0)}
        if change == "no scale":
            numbers |= {"mean": 0.0, "deviation": 1.0}
        if change == "no filler":
            numbers["medians"] = numbers["medians"] * np.nan
        z = (rows.fillna(numbers["medians"]) - numbers["mean"]) / numbers["deviation"]
        found = network.predict(z.to_numpy("float32"), verbose=0)[:, 0]
        return found if change == "no mean" else found + numbers["target_mean"]

    return wrong


MEMORY = {}


def save_in_memory(folder, network, numbers):
    MEMORY.update(numbers, network=network)


def answer_from_memory(folder, rows):
    z = (rows.fillna(MEMORY["medians"]) - MEMORY["mean"]) / MEMORY["deviation"]
    return MEMORY["network"].predict(z.to_numpy("float32"), verbose=0)[:, 0] + MEMORY["target_mean"]


def errors_of_cars(shift):
    rng = np.random.default_rng(5)
    names = rng.choice([f"car {n}" for n in range(40)], 60)
    plane = rng.gamma(2, 1.3, 60)
    return pd.DataFrame({"name": names, "plane": plane, "network": abs(plane - shift + rng.normal(0, 1, 60))})


def summary_of(errors, **changed):
    gain = (errors["plane"] - errors["network"]).to_numpy()
    error = standard_error(gain, errors["name"].to_numpy())
    sign = "network better" if gain.mean() > 0 else "plane better"
    return {
        "rows": len(errors),
        "plane": errors["plane"].mean(),
        "network": errors["network"].mean(),
        "gain": gain.mean(),
        "error": error,
        "verdict": sign if abs(gain.mean()) > 2 * error else "not decided",
    } | changed


CLEAR, CLOSE, LOST = errors_of_cars(0.8), errors_of_cars(0.0), errors_of_cars(-1.0)
LOOSE = (CLEAR["plane"] - CLEAR["network"]).std() * 3 / 60**0.5

ANSWERS = {
    "10.1": Cases(
        right={"pandas": (clean,), "another order": (clean_in_another_order,), "measured": (clean_by_measuring,)},
        wrong={
            "copies stay": ((without("copies"),), "stand in it twice"),
            "copies, the number in them": ((without("copies first"),), "stand in it twice"),
            "no target": ((without("target"),), "no target"),
            "horsepower -1": ((without("sentinel"),), "lowest values"),
            "filled before the split": ((without("filled"),), "split already"),
            "gaps dropped": ((without("gaps"),), "good cars are gone"),
            "number stays": ((without("Number"),), "numbers the rows"),
            "wheels stay": ((without("Wheels"),), "same in all rows"),
            "litres stay": ((without(LITRES),), "only together with the target"),
            "name dropped": ((without("name"),), "The column Name"),
        },
    ),
    "10.2": Cases(
        right={"pandas": (prepare,), "scikit-learn": (prepare_by_scikit,), "NumPy": (prepare_in_numpy,)},
        wrong={
            "median of all": (
                (lambda t, o: prepare(t, o, medians=pd.concat([t, o]).median()),),
                "rows did the median see",
            ),
            "scale of all": ((lambda t, o: prepare(t, o, both=True),), "mean and deviation see"),
            "own scale": ((each_for_itself,), "By whose mean"),
            "mean": ((lambda t, o: prepare(t, o, medians=t.mean()),), "With what"),
            "zero": ((lambda t, o: prepare(t, o, medians=t.median() * 0),), "usual value"),
            "deviation 0": ((lambda t, o: prepare(t, o, keep=True),), "never changes"),
            "ddof": ((lambda t, o: prepare(t, o, ddof=1),), "Which deviation"),
            "no flags": ((without_flags,), "say where a number is missing"),
        },
    ),
    "10.3": Cases(
        right={
            "as in the lesson": (errors_by_name, standard_error, rows_needed),
            "scikit-learn": (errors_by_scikit, standard_error_by_loop, rows_by_counting),
            "by hand": (errors_by_hand, standard_error, lambda g, d: -int(-((2 * d / g) ** 2) // 1)),
        },
        wrong={
            "rows, not names": (
                (
                    lambda m, x, y, names, n: abs(cross_val_predict(m, x, y, cv=KFold(n)) - y),
                    standard_error,
                    rows_needed,
                ),
                "stand in two folds",
            ),
            "training rows": (
                (lambda m, x, y, names, n: abs(m.fit(x, y).predict(x) - y), standard_error, rows_needed),
                "stand in two folds",
            ),
            "one number": (
                (lambda *a: errors_by_name(*a).mean(), standard_error, rows_needed),
                "one error for each",
            ),
            "rows as draws": (
                (errors_by_name, lambda gain, names: gain.std() / len(gain) ** 0.5, rows_needed),
                "count as two draws",
            ),
            "not centred": (
                (
                    errors_by_name,
                    lambda g, names: (pd.Series(g).groupby(names).sum() ** 2).sum() ** 0.5 / len(g),
                    rows_needed,
                ),
                "subtracted before",
            ),
            "one standard error": (
                (errors_by_name, standard_error, lambda g, d: math.ceil((d / g) ** 2)),
                "one standard error",
            ),
            "no root": ((errors_by_name, standard_error, lambda g, d: math.ceil(2 * d / g)), "half of it"),
            "rounded down": ((errors_by_name, standard_error, lambda g, d: int((2 * d / g) ** 2)), "one row missing"),
        },
    ),
    "10.4": Cases(
        right={
            "JSON": (save, answer),
            "pickle": (save_by_pickle, answer_by_pickle),
            "one model": (save_one_model, answer_one_model),
        },
        wrong={
            "from memory": ((save_in_memory, answer_from_memory), "saved last"),
            "no mean of the target": ((save, answered("no mean")), "how far above the mean"),
            "own median": ((save, answered("own median")), "of which rows"),
            "own scale": ((save, answered("own scale")), "By which mean"),
            "no scale": ((save, answered("no scale")), "In which units"),
            "no filler": ((save, answered("no filler")), "no number"),
        },
        slow={"JSON", "one model", "no filler", "own scale"},
    ),
    "10.5": Cases(
        right={
            "network better": (CLEAR, summary_of(CLEAR)),
            "not decided": (CLOSE, summary_of(CLOSE)),
            "plane better, rounded": (
                LOST,
                {k: round(v, 2) if isinstance(v, float) else v for k, v in summary_of(LOST).items()},
            ),
        },
        wrong={
            "sign": ((CLEAR, summary_of(CLEAR, gain=-summary_of(CLEAR)["gain"])), "gain is positive"),
            "not paired": ((CLEAR, summary_of(CLEAR, error=LOOSE)), "Pair first"),
            "wins by a hair": ((CLOSE, summary_of(CLOSE, verdict="network better")), "two standard errors"),
            "too modest": ((CLEAR, summary_of(CLEAR, verdict="not decided")), "two standard errors"),
            "rows": ((CLEAR, summary_of(CLEAR, rows=200)), "How many cars"),
            "one entry": ((CLEAR, {"gain": 0.3}), "needs these entries"),
        },
    ),
}
