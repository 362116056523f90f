"""A table becomes a data set: what is done, told and refused, and the code that does the same."""

import dataclasses
import datetime
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from course_utils.dataset import Dataset
from course_utils.experiment import Settings, make_model
from course_utils.source import code
from course_utils.training import fit
from tests.tables import TABLES, flats, make

NAMES = ("x_train", "y_train", "x_valid", "y_valid", "x_test", "y_test")
QUICK = Settings(width=6, depth=1, epochs=1, batch_size=64)


def run_recipe(data, **given):
    """The arrays that the printed code makes."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec("\n".join([*data.recipe.imports, *data.recipe.lines]), given)
    return {name: given[name] for name in NAMES}


@pytest.mark.parametrize("name", TABLES)
def test_every_table_trains_and_its_code_makes_the_same_arrays(name):
    frame = make(name)
    before = frame.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = Dataset.from_frame(frame, target="y")
    pd.testing.assert_frame_equal(frame, before)
    assert data.task == ("classification" if "classes" in name or "categories" in name else "regression")
    rows = len(frame.drop_duplicates())
    assert sum(map(len, (data.y_train, data.y_valid, data.y_test))) == rows
    assert abs(len(data.y_train) - 0.6 * rows) <= 2
    assert len(data.feature_names) == len(set(data.feature_names)) == data.input_shape[0]
    for key, values in run_recipe(data, frame=frame).items():
        np.testing.assert_array_equal(values, getattr(data, key), err_msg=key)
        assert values.dtype == getattr(data, key).dtype
    pd.testing.assert_frame_equal(frame, before)
    history = fit(make_model(QUICK, data), data, epochs=1).history
    assert np.isfinite(history["val_loss"]).all()


@pytest.mark.parametrize("options", [{}, {"sep": ";"}, {"sep": ";", "decimal": ","}, {"sep": "\t"}])
def test_with_a_file_the_code_is_complete(tmp_path, options):
    path = tmp_path / "my flats.csv"
    flats().to_csv(path, index=False, **options)
    data = Dataset.from_frame(pd.read_csv(path, **options), target="rent", source=str(path), seed=3)
    assert data.name == "my flats"
    for key, values in run_recipe(data).items():
        np.testing.assert_array_equal(values, getattr(data, key), err_msg=key)
    again = eval(data.source, {"Dataset": Dataset, "pd": pd})
    np.testing.assert_array_equal(again.x_test, data.x_test)


def test_values_of_columns_that_are_dropped_may_differ_from_the_file(tmp_path):
    frame = flats().assign(day="2026-11-28")
    frame.to_csv(tmp_path / "flats.csv", index=False)
    frame["day"] = pd.to_datetime(frame["day"])
    data = Dataset.from_frame(frame, target="rent", drop=["day"], source=str(tmp_path / "flats.csv"))
    np.testing.assert_array_equal(run_recipe(data)["x_valid"], data.x_valid)


@pytest.mark.parametrize("target", ["rent", "kind"])
def test_the_printed_code_gives_the_history_of_the_run(tmp_path, monkeypatch, target):
    monkeypatch.chdir(tmp_path)
    flats().to_csv("flats.csv", index=False)
    data = Dataset.from_frame(flats(), target=target, source="flats.csv")
    source = code(QUICK, data, shuffle=False)
    assert "course_utils" not in source
    names = {}
    exec(source.replace("batch_size=", "verbose=0, batch_size="), names)
    expected = fit(make_model(QUICK, data), data, epochs=1, batch_size=64, shuffle=False).history
    for name, values in expected.items():
        np.testing.assert_allclose(names["history"].history[name], values, rtol=1e-5, atol=1e-5, err_msg=name)


def test_without_a_file_the_code_says_where_the_table_goes():
    frame = flats()
    source = code(QUICK, Dataset.from_frame(frame, target="rent"), shuffle=False)
    assert "# frame = pd.read_csv(" in source
    names = {"frame": frame}
    exec(source.replace("batch_size=", "verbose=0, batch_size="), names)
    assert names["score"]["loss"] > 0


def test_code_of_arrays_that_were_changed_is_refused():
    data = Dataset.from_frame(flats(), target="rent")
    assert code(QUICK, dataclasses.replace(data, name="other"))
    with pytest.raises(ValueError, match=r"your table were changed.*Dataset\.from_frame again"):
        code(QUICK, dataclasses.replace(data, x_train=data.x_train * 2))


@pytest.mark.parametrize("part", ["valid", "test"])
def test_nothing_is_fitted_on_other_rows_than_those_of_training(part):
    """Poisoned: other numbers, gaps and categories in the rows of one set; the other sets do not change."""
    frame = flats().drop_duplicates().reset_index(drop=True)
    clean = Dataset.from_frame(frame.assign(row=frame.index), target="rent", drop=["row"])
    rows = rows_of(frame)[part]
    poisoned = frame.copy()
    poisoned.loc[rows, "size"] = [1e6 if i % 2 else np.nan for i in range(len(rows))]
    poisoned.loc[rows, "rooms"] = range(1000, 1000 + len(rows))
    poisoned.loc[rows, "kind"] = [f"tent {i % 9}" for i in range(len(rows))]
    poisoned.loc[rows, "rent"] = 1e5 + np.arange(len(rows))
    found = Dataset.from_frame(poisoned, target="rent")
    assert found.feature_names == clean.feature_names
    assert found.target_mean == clean.target_mean
    for other in {"train", "valid", "test"} - {part}:
        np.testing.assert_array_equal(getattr(found, f"x_{other}"), getattr(clean, f"x_{other}"))
        np.testing.assert_array_equal(getattr(found, f"y_{other}"), getattr(clean, f"y_{other}"))
    kinds = [i for i, name in enumerate(found.feature_names) if name.startswith("kind=")]
    assert not getattr(found, f"x_{part}")[:, kinds].any()  # a category that training does not know


def rows_of(frame, seed=0):
    """Which rows stand in which set: a column that numbers them is standardized, and so it can be read back."""
    data = Dataset.from_frame(frame.assign(row=np.arange(len(frame), dtype=float)), target="rent", seed=seed)
    at, found = data.feature_names.index("row"), {}
    values = {part: getattr(data, f"x_{part}")[:, at].astype(float) for part in ("train", "valid", "test")}
    every = np.sort(np.concatenate(list(values.values())))
    for part, some in values.items():
        found[part] = np.searchsorted(every, some)
    return found


def test_no_row_stands_in_two_sets_and_the_seed_decides():
    frame = flats().drop_duplicates().reset_index(drop=True)
    rows = rows_of(frame)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(frame)))
    other = rows_of(frame, seed=1)
    assert set(rows["test"]) != set(other["test"])
    assert all((rows[part] == rows_of(frame)[part]).all() for part in rows)


def test_numbers_are_standardized_and_gaps_filled_and_marked():
    frame = flats().drop_duplicates().reset_index(drop=True)
    data, rows = Dataset.from_frame(frame, target="rent"), rows_of(frame)
    train = frame.loc[rows["train"]]
    for part, where in rows.items():
        sizes = frame.loc[where, ["size"]]
        filled = StandardScaler().fit(train[["size"]]).transform(sizes.fillna(train["size"].median()))
        np.testing.assert_allclose(getattr(data, f"x_{part}")[:, 0], filled[:, 0], atol=1e-5)
        marks = getattr(data, f"x_{part}")[:, data.feature_names.index("size missing")]
        np.testing.assert_array_equal(marks, sizes["size"].isna())
        heating = getattr(data, f"x_{part}")[:, data.feature_names.index("heating=missing")]
        np.testing.assert_array_equal(heating, frame.loc[where, "heating"].isna())
        np.testing.assert_allclose(getattr(data, f"y_{part}") + data.target_mean, frame.loc[where, "rent"], atol=1e-5)
    assert data.target_mean == pytest.approx(train["rent"].mean())
    assert data.loss_label == "MAE (rent)"
    assert Dataset.from_frame(frame, target="rent", unit="100 €").loss_label == "MAE (100 €)"


def test_classes_keep_their_names_and_shares():
    frame = make("ten classes").iloc[:-20]  # one class is rarer
    data = Dataset.from_frame(frame, target="y")
    assert data.class_names == tuple(f"class {i}" for i in range(10))
    assert data.n_outputs == 10
    for part, share in (("train", 0.6), ("valid", 0.2), ("test", 0.2)):
        counts = np.bincount(getattr(data, f"y_{part}"), minlength=10)
        np.testing.assert_allclose(counts, share * frame["y"].value_counts().sort_index(), atol=1)
    first = data.x_train[:, data.feature_names.index("x0")]
    assert first[data.y_train == 0].max() < first[data.y_train == 9].min()  # the labels are those of the rows


@pytest.mark.parametrize(
    ("values", "task", "names"),
    [
        (["b", "a"], "classification", ("a", "b")),
        ([True, False], "classification", ("False", "True")),
        ([3, 5, 8], "classification", ("3", "5", "8")),
        ([3.0, 5.0], "classification", ("3", "5")),
        (pd.Categorical(["small", "large"], categories=["small", "large"]), "classification", ("large", "small")),
        (list(range(11)), "regression", ()),
        ([0.5, 1.5], "regression", ()),
    ],
)
def test_the_task_is_chosen_by_the_values(values, task, names):
    frame = pd.DataFrame({"x": np.arange(110.0), "y": pd.Series(values).take(np.arange(110) % len(values)).array})
    data = Dataset.from_frame(frame, target="y")
    assert (data.task, data.class_names) == (task, names)
    run_recipe(data, frame=frame)
    if pd.api.types.is_numeric_dtype(frame["y"]):
        other = {"classification": "regression", "regression": "classification"}[task]
        assert Dataset.from_frame(frame, target="y", task=other).task == other


def test_types_of_pandas_that_scikit_learn_does_not_take_are_converted():
    frame = flats()
    frame["rooms"] = frame["rooms"].astype("Int64").where(frame.index % 7 > 0)
    frame["lift"] = pd.array([True, False, None] * len(frame), dtype="boolean")[: len(frame)]
    frame["size"] = frame["size"].astype("float32")
    frame["kind"] = frame["kind"].astype("category")
    frame["floor"] = pd.Series([1, "ground", None] * len(frame), dtype=object)[: len(frame)]
    frame["parts"] = pd.Series([1, 2, None] * len(frame), dtype=object)[: len(frame)]
    data = Dataset.from_frame(frame, target="rent")
    assert {"rooms missing", "lift missing", "parts", "floor=1", "floor=ground", "floor=missing"} <= set(
        data.feature_names
    )
    for key, values in run_recipe(data, frame=frame).items():
        np.testing.assert_array_equal(values, getattr(data, key), err_msg=key)


def test_columns_without_text_names_work():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 4)))
    data = Dataset.from_frame(frame, target=3)
    assert data.feature_names == ("0", "1", "2")
    np.testing.assert_array_equal(run_recipe(data, frame=frame)["x_test"], data.x_test)


def test_notes_tell_what_was_done():
    notes = "\n".join(Dataset.from_frame(flats(), target="rent", drop=["rooms"]).notes)
    for words in (
        "307 rows and 5 columns",
        "Left out as you asked: rooms.",
        "same value: country.",
        "dropped before the split: 7; 300",
        "180 training, 60 validation, 60 test",
        "size (30)",
        "kind (3), heating (3)",
        "'missing': heating",
    ):
        assert words in notes
    counted = flats().assign(rent=lambda f: f["rooms"], id=lambda f: f.index + 1)
    notes = "\n".join(Dataset.from_frame(counted, target="rent").notes)
    for words in ("with 5 classes: 0 = 1, 1 = 2", 'task="regression"', "teaches nothing: drop=['id']"):
        assert words in notes
    assert "/ 1e3" in "\n".join(Dataset.from_frame(flats().assign(rent=lambda f: f["rent"] * 500), target="rent").notes)


def test_copies_are_kept_if_asked():
    data = Dataset.from_frame(flats(), target="rent", keep_copies=True)
    assert sum(map(len, (data.y_train, data.y_valid, data.y_test))) == 307
    np.testing.assert_array_equal(run_recipe(data, frame=flats())["x_train"], data.x_train)


@pytest.mark.parametrize("names", [(), ("age", "height", "weight")])
def test_arrays_become_a_data_set_and_code(names):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 3)), np.repeat(["no", "yes"], 40)
    data = Dataset.from_arrays(x, y, feature_names=names, seed=2)
    assert data.feature_names == (names or ("x1", "x2", "x3"))
    assert data.class_names == ("no", "yes")
    for key, values in run_recipe(data, x=x, y=y).items():
        np.testing.assert_array_equal(values, getattr(data, key), err_msg=key)
    again = eval(data.source, {"Dataset": Dataset, "x": x, "y": y})
    np.testing.assert_array_equal(again.x_valid, data.x_valid)
    assert Dataset.from_arrays(pd.DataFrame(x, columns=["a", "b", "y"]), y).feature_names == ("a", "b", "y")


DAYS = [datetime.date(2026, 1, 1) + datetime.timedelta(days=i) for i in range(300)]
WRONG = {
    "not a table": (lambda f: f.to_dict(), {}, ["frame is a dict", "pd.read_csv"]),
    "no such target": (lambda f: f, {"target": "rnt"}, ["target='rnt'", "Did you mean 'rent'"]),
    "nothing like it": (lambda f: f, {"target": "qqq"}, ["target='qqq'", "'size', 'rooms'"]),
    "no such column": (lambda f: f, {"drop": ["sise"]}, ["drop='sise'", "'size'"]),
    "one name": (lambda f: f, {"drop": "size"}, ["drop=['size']"]),
    "target dropped": (lambda f: f, {"drop": ["rent"]}, ["'rent' out of drop"]),
    "two of a name": (lambda f: f.rename(columns={"rooms": "size"}), {}, ["two columns 'size'"]),
    "unknown task": (lambda f: f, {"task": "ranking"}, ["task='ranking'", "'regression'"]),
    "seed": (lambda f: f, {"seed": -1}, ["seed=-1"]),
    "few rows": (lambda f: f.iloc[:19], {}, ["19 rows", "20 are the fewest"]),
    "no rows": (lambda f: f.iloc[:0], {}, ["no rows"]),
    "copies": (lambda f: f.iloc[[0, 1] * 30], {}, ["2 rows after 58 copies", "keep_copies=True"]),
    "constant target": (lambda f: f.assign(rent=5), {}, ["target 'rent' is the same in every row", "another column"]),
    "gaps in the target": (lambda f: f.assign(rent=f["rent"].where(f.index > 2)), {}, ["'rent'", "3 of 300", "dropna"]),
    "target of dates": (lambda f: f.assign(rent=DAYS), {}, ["target 'rent'", "dates", ".dt.days"]),
    "target of texts": (lambda f: f.assign(rent="n" + f["rent"].astype(str)), {}, ["'rent'", "100 classes"]),
    "regression of texts": (lambda f: f, {"target": "kind", "task": "regression"}, ["'kind'", "no numbers", "'"]),
    "rare class": (lambda f: f.assign(kind=["tent"] * 3 + ["flat"] * 297), {"target": "kind"}, ["'tent'", "3 rows"]),
    "infinite target": (lambda f: f.assign(rent=np.inf), {}, ["'rent' has 300 infinite"]),
    "infinite": (lambda f: f.assign(size=f["size"].where(f.index > 0, np.inf)), {}, ["'size'", "np.nan"]),
    "dates": (lambda f: f.assign(day=pd.to_datetime(DAYS)), {}, ["'day'", "dates", "drop=['day']", ".dt.month"]),
    "dates of Python": (lambda f: f.assign(day=DAYS), {}, ["'day'", "dates"]),
    "dates as texts": (lambda f: f.assign(day=[f"{d:%d.%m.%Y}" for d in DAYS]), {}, ["'day'", "dates"]),
    "free text": (lambda f: f.assign(note=[f"note {i}" for i in f.index]), {}, ["300 different", "drop=['note']"]),
    "numbers as texts": (lambda f: f.assign(n=[f"{i},5" for i in f.index]), {}, ["'n'", "'0,5'", "pd.to_numeric"]),
    "lists": (lambda f: f.assign(tags=[["a"], ["b", "c"]] * 150), {}, ["'tags'", "list"]),
    "complex": (lambda f: f.assign(z=1j * f["rent"]), {}, ["'z'", "complex"]),
    "nothing left": (lambda f: f[["country", "rent"]], {}, ["No column is left", "'rent'"]),
    "no file": (lambda f: f, {"source": "nowhere.csv"}, ["source='nowhere.csv'", "no file"]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_trained_on_is_refused_with_the_way_out(name):
    change, options, words = WRONG[name]
    frame = change(flats().iloc[:300].drop_duplicates())
    with pytest.raises(ValueError, match=r"\w") as error:
        Dataset.from_frame(frame, **{"target": "rent", **options})
    for some in words:
        assert some in str(error.value)


def test_a_table_beyond_memory_is_refused(monkeypatch):
    monkeypatch.setattr("course_utils.tables.MOST_NUMBERS", 2000)
    with pytest.raises(ValueError, match=r"307 rows × 9 inputs, 2,763 numbers.*frame\.sample\(222, random_state=0\)"):
        Dataset.from_frame(flats(), target="rent")


def test_a_column_without_a_value_in_training_is_refused():
    frame = make("regression")
    valid = Dataset.from_frame(frame.assign(row=np.arange(120.0)), target="y")
    first = np.argsort(np.concatenate([valid.x_train[:, -1], valid.x_valid[:, -1], valid.x_test[:, -1]])).argsort()[-1]
    frame["rare"] = np.where(np.arange(120) == first, 1.0, np.nan)
    with pytest.raises(ValueError, match=r"'rare' has no value in any of the 72 training rows.*drop=\['rare'\]"):
        Dataset.from_frame(frame, target="y")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.iloc[:-1], "306 in the file, 307|307 in the file, 306"),
        (lambda f: f.drop(columns="kind"), "it has the column 'kind'"),
        (lambda f: f.assign(more=1), "it has no column 'more'"),
        (lambda f: f.assign(rooms=f["rooms"] + 1), "values differ in the column 'rooms'"),
        (lambda f: f[[*f.columns[1:], "size"]], "another order"),
    ],
)
def test_a_file_with_another_table_is_refused(tmp_path, change, words):
    path = tmp_path / "flats.csv"
    flats().to_csv(path, index=False)
    with pytest.raises(ValueError, match=words):
        Dataset.from_frame(change(flats()), target="rent", source=str(path))


@pytest.mark.parametrize(
    ("x", "y", "options", "words"),
    [
        (np.zeros((60, 8, 8)), np.zeros(60), {}, r"\(60, 8, 8\).*reshape\(len\(x\), -1\)"),
        (np.zeros((60, 8)), np.zeros(50), {}, r"\(60, 8\) and y has shape \(50,\)"),
        (np.zeros((60, 8)), np.zeros((60, 3)), {}, "choose one"),
        (np.zeros((60, 2)), np.zeros(60), {"feature_names": ["a"]}, "1 names, and x has 2 columns"),
    ],
)
def test_arrays_of_other_shapes_are_refused(x, y, options, words):
    with pytest.raises(ValueError, match=words):
        Dataset.from_arrays(x, y, **options)
