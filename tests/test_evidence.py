"""Seeds come from the environment, repeats give tidy tables, and a claim is one line that never varies."""

import dataclasses
from pathlib import Path

import keras
import nbformat
import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from course_utils.evidence import by_seed, claim, curves, own_rate, repeat, seeds, tabulate
from course_utils.experiment import Settings, run

QUICK = Settings(width=4, depth=1, epochs=2)


def history_of(**metrics):
    history = keras.callbacks.History()
    history.history = metrics
    return history


@pytest.fixture(autouse=True)
def no_course_seed(monkeypatch):
    monkeypatch.delenv("COURSE_SEED", raising=False)


def test_seeds_start_at_0():
    assert seeds(3) == [0, 1, 2]


@pytest.mark.parametrize("text", ["1000", " 1000 "])
def test_seeds_start_at_the_course_seed(monkeypatch, text):
    monkeypatch.setenv("COURSE_SEED", text)
    assert seeds(2) == [1000, 1001]


@pytest.mark.parametrize("text", ["-1", "1.5", "many", "", str(2**32), str(2**32 - 1)])
def test_course_seed_that_is_no_number_is_named(monkeypatch, text):
    monkeypatch.setenv("COURSE_SEED", text)
    with pytest.raises(ValueError, match="COURSE_SEED") as error:
        seeds(2)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize("n", [0, -1, 2.0])
def test_number_of_seeds_is_checked(n):
    with pytest.raises(ValueError, match=f"n={n}"):
        seeds(n)


def test_function_of_a_seed_is_called_for_every_seed_and_combination():
    table = repeat(lambda seed, a, b: 100 * a + 10 * b + seed, seeds=[4, 5], a=[1, 2], b=(3, 6, 9))
    assert list(table.columns) == ["a", "b", "seed", "value"]
    assert len(table) == 2 * 3 * 2
    assert (table["value"] == 100 * table["a"] + 10 * table["b"] + table["seed"]).all()
    assert table.drop_duplicates(["a", "b", "seed"]).shape == table.shape


def test_single_values_need_no_list():
    table = repeat(lambda seed, name, a, b: a, seeds=[4], name="relu", a=7, b=[1, 2])
    assert table[["name", "a", "b", "seed", "value"]].to_numpy().tolist() == [
        ["relu", 7, 1, 4, 7],
        ["relu", 7, 2, 4, 7],
    ]


def test_functions_get_the_data_if_there_is_one(wine):
    assert repeat(lambda seed, data: len(data.x_train), seeds=[4], data=wine)["value"].tolist() == [100]
    assert repeat(lambda seeds, data: [len(data.x_train)], seeds=[4], data=wine)["value"].tolist() == [100]


def test_function_of_seeds_is_called_once_for_every_combination():
    calls = []

    def measure(*, seeds, a):
        calls.append((seeds, a))
        return ({"double": 2 * seed, "sum": seed + a} for seed in seeds)

    table = repeat(measure, seeds=[4, 5], a=[10, 20])
    assert calls == [([4, 5], 10), ([4, 5], 20)]
    assert table["double"].tolist() == [8, 10, 8, 10]
    assert table["sum"].tolist() == [14, 15, 24, 25]


def test_without_a_grid_there_is_one_row_for_each_seed():
    assert repeat(lambda seed: seed**2, seeds=range(3)).to_dict("list") == {"seed": [0, 1, 2], "value": [0, 1, 4]}


def test_a_history_gives_its_last_values_and_its_best_epoch():
    table = repeat(lambda seed: history_of(loss=[3, 2, 1], val_loss=[5, 4, 6]), seeds=[0])
    row = table.drop(columns="history").iloc[0].to_dict()
    assert row == {"seed": 0, "best_epoch": 2, "best_val_loss": 4, "loss": 1, "val_loss": 6}


def test_a_history_without_validation_has_no_best_epoch():
    table = repeat(lambda seed: history_of(loss=[3, 2]), seeds=[0])
    assert list(table.columns) == ["seed", "loss", "history"]


def test_settings_are_trained_like_single_runs(wine):
    table = repeat(QUICK, seeds=[3, 8], data=wine, width=[4, 6])
    assert table[["width", "seed"]].to_numpy().tolist() == [[4, 3], [4, 8], [6, 3], [6, 8]]
    for _, row in table.iterrows():
        single = run(dataclasses.replace(QUICK, width=row["width"], seed=row["seed"]), wine)
        assert row["best_epoch"] == single.best_epoch
        assert (row["loss"], row["val_loss"]) == pytest.approx(
            (single.history["loss"][-1], single.history["val_loss"][-1]), abs=1e-5
        )


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_the_table_keeps_the_learning_rate_that_was_set(wine, schedule):
    settings = dataclasses.replace(QUICK, schedule=schedule)
    table = repeat(settings, seeds=[0], data=wine, learning_rate=[0.1, 0.01])
    assert table["learning_rate"].tolist() == [0.1, 0.01]
    assert curves(table)["epoch"].tolist() == [1, 2, 1, 2]


def test_results_that_are_there_already_make_the_same_table():
    made = tabulate([history_of(loss=[seed, 1]) for seed in (4, 5)], seeds=[4, 5], width=64)
    repeated = repeat(lambda seed, width: history_of(loss=[seed, 1]), seeds=[4, 5], width=[64])
    for make in (curves, lambda table: table.drop(columns="history")):
        pd.testing.assert_frame_equal(make(made), make(repeated))
    with pytest.raises(ValueError, match="1 results for 2 seeds"):
        tabulate([3], seeds=[4, 5])


def test_curves_have_a_row_for_every_epoch():
    table = repeat(
        lambda seed, width: history_of(loss=[width, seed], val_loss=[width + 1, seed + 1]), seeds=[7, 8], width=[4, 64]
    )
    by_epoch = curves(table)
    assert list(by_epoch.columns) == ["width", "seed", "epoch", "loss", "val_loss"]
    assert by_epoch.iloc[:4].to_numpy().tolist() == [[4, 7, 1, 4, 5], [4, 7, 2, 7, 8], [4, 8, 1, 4, 5], [4, 8, 2, 8, 9]]
    assert by_epoch["width"].tolist() == [4] * 4 + [64] * 4


def test_curves_of_runs_that_stopped_early_have_their_own_lengths():
    table = repeat(lambda seed: history_of(loss=[1.0] * (seed + 1)), seeds=[0, 2])
    assert curves(table)[["seed", "epoch"]].to_numpy().tolist() == [[0, 1], [2, 1], [2, 2], [2, 3]]


def test_a_history_is_short_in_a_printed_table():
    table = repeat(lambda seed: history_of(loss=[0.125] * 50), seeds=[0])
    assert "<50 epochs>" in table.to_string()
    assert "0.125, 0.125" not in table.to_string()


def test_two_settings_can_be_compared_seed_by_seed():
    table = repeat(lambda seed, width: {"loss": width + seed}, seeds=[0, 1], width=[10, 20])
    losses = by_seed(table, "width", "loss")
    assert list(losses[20] - losses[10]) == [10, 10]
    assert list(losses.index) == [0, 1]


def at_rates(losses):
    """A table of the losses of three seeds, by width and rate."""
    rows = [(w, r, seed, loss) for (w, r), some in losses.items() for seed, loss in enumerate(some)]
    return pd.DataFrame(rows, columns=["width", "rate", "seed", "val_loss"])


def test_each_setting_is_judged_at_the_rate_with_its_lowest_median():
    table = at_rates({(2, 0.1): [3, 3, 3], (2, 1.0): [1, 2, 9], (64, 0.1): [1, 1, 1], (64, 1.0): [0, 2, 2]})
    own = own_rate(table, "width", "val_loss")
    assert by_seed(own, "width").to_dict("list") == {2: [1, 2, 9], 64: [1, 1, 1]}
    renamed = own_rate(table.rename(columns={"rate": "learning_rate"}), "width", "val_loss", rate="learning_rate")
    assert renamed["learning_rate"].tolist() == own["rate"].tolist()


def test_the_lesson_that_writes_it_out_does_the_same():
    notebook = nbformat.read(Path(__file__).resolve().parent.parent / "lessons" / "02_model_size.ipynb", as_version=4)
    (source,) = (cell.source for cell in notebook.cells if cell.source.startswith("def own_rate("))
    exec(source, written_out := {})
    table = at_rates({(2, 0.1): [3, 3, 3], (2, 1.0): [1, 2, 9], (64, 0.1): [1, 1, 1], (64, 1.0): [0, 2, 2]})
    assert written_out["own_rate"](table, "width", "val_loss").equals(own_rate(table, "width", "val_loss"))


def test_a_rate_at_which_runs_diverge_is_nobodys_own():
    nan = float("nan")
    table = at_rates({(2, 0.1): [3, 3, 3], (2, 1.0): [1, nan, nan]})
    assert set(own_rate(table, "width", "val_loss")["rate"]) == {0.1}
    with pytest.raises(ValueError, match="width=2 has no rate at which 'val_loss' is a number: try lower rates"):
        own_rate(table.assign(val_loss=nan), "width", "val_loss")
    with pytest.raises(ValueError, match="'learning_rate' is not a column"):
        own_rate(table, "width", "val_loss", rate="learning_rate")


@pytest.mark.parametrize(
    ("setting", "column", "named"),
    [
        ("widht", "loss", r"'widht' is not a column.*'width'"),
        ("width", "val_loss", r"'val_loss' is not a column.*'loss'"),
        ("width", "loss", r"several rows for one seed and width"),
    ],
)
def test_what_cannot_be_compared_by_seed_is_named(setting, column, named):
    table = repeat(lambda seed, width, rate: {"loss": 0.0}, seeds=[0, 1], width=[10, 20], rate=[1, 2])
    with pytest.raises(ValueError, match=named):
        by_seed(table, setting, column)


def test_a_claim_asks_for_four_seeds_unless_told_otherwise(capsys):
    claim("it holds", [True] * 4 + [False])
    assert "at least 4 of 5" in capsys.readouterr().out


def test_a_history_of_own_metrics_can_be_printed():
    table = repeat(lambda seed: history_of(accuracy=[0.1, 0.2]), seeds=[0])
    assert "<2 epochs>" in table.to_string()


def test_a_setting_called_epoch_is_refused_in_a_table_by_epoch():
    with pytest.raises(ValueError, match="'epoch'"):
        curves(repeat(lambda seed, epoch: history_of(loss=[1, 2]), seeds=[0], epoch=[3]))


def test_tables_of_others_have_no_curves():
    with pytest.raises(ValueError, match="no history"):
        curves(pd.DataFrame({"seed": [0], "history": [1.5]}))


def test_curves_need_histories():
    with pytest.raises(ValueError, match="history"):
        curves(repeat(lambda seed: seed, seeds=[0]))


@pytest.mark.parametrize(
    ("experiment", "options", "named"),
    [
        (QUICK, {}, "load_red_wine"),
        (QUICK, {"data": "wine", "widht": [4]}, "widht.*width"),
        (QUICK, {"data": "wine", "seed": [4]}, "seed"),
        (QUICK, {"data": "wine", "width": [0]}, "width=0"),
        (QUICK, {"data": "wine", "width": []}, "width has no values"),
        (lambda seed: 1, {"seeds": []}, "seeds is empty"),
        (lambda seed: 1, {"seeds": [0, -1]}, "seeds=-1"),
        (lambda width: 1, {"width": [4]}, "`seed`"),
        (lambda seeds: [1], {}, "1 results for 2 seeds"),
        (lambda seeds: [1, 2, 3], {}, "3 results for 2 seeds"),
    ],
)
def test_what_cannot_be_repeated_is_named(wine, experiment, options, named):
    options = {name: wine if value == "wine" else value for name, value in options.items()}
    with pytest.raises(ValueError, match=named):
        repeat(experiment, **{"seeds": [0, 1], **options})


@pytest.mark.parametrize("held", [[True] * 5, [True, True, False, True, True], np.array([True] * 4 + [False])])
def test_a_claim_that_holds_prints_the_same_line_however_often(capsys, held):
    claim("dropout 0.5 ends lower than no dropout", held, at_least=4)
    assert capsys.readouterr().out == "✔ dropout 0.5 ends lower than no dropout — held in at least 4 of 5 seeds\n"


@pytest.mark.parametrize(
    "held", [[False] * 5, [True, False, True, True, False], pd.Series([False, False] + [True] * 3)]
)
def test_a_claim_that_does_not_hold_says_so(capsys, held):
    claim("wider is better", held, at_least=4)
    assert capsys.readouterr().out == "✘ wider is better — held in fewer than 4 of 5 seeds\n"


def test_a_claim_returns_what_it_found_and_a_notebook_shows_it_once():
    found = claim("wider is better", np.array([True, True, False]), at_least=2, effect=pd.Series([0.2, 0.1, -0.1]))
    assert (found.held, found.of, bool(found)) == (2, 3, True)
    assert (found.per_seed, found.effect) == ((True, True, False), (0.2, 0.1, -0.1))
    assert not claim("wider is better", [True, False, False], at_least=2)
    shell = InteractiveShell.instance()
    assert shell.display_formatter.format(found) == ({}, {})
    InteractiveShell.clear_instance()


def test_a_claim_with_effects_for_other_seeds_is_refused():
    with pytest.raises(ValueError, match="effect has 1 values for 2 seeds"):
        claim("it holds", [True, True], at_least=1, effect=[0.5])


def test_a_run_that_diverged_holds_for_no_comparison(capsys):
    diverged, other = np.array([np.nan] * 5), np.ones(5)
    for held in (diverged < other, diverged >= other, diverged == other):
        claim("it holds", held, at_least=1)
    assert capsys.readouterr().out.count("✘") == 3


@pytest.mark.parametrize(
    ("held", "at_least", "named"),
    [
        ([1, 0, 1], 2, r"\[1, 0, 1\]"),
        ([0.5, True], 1, r"0\.5"),
        ([True, None], 1, "None"),
        ([], 1, "empty"),
        (True, 1, "one value"),
        ([True, True], 3, "at_least=3.*2 seeds"),
        ([True, True], 0, "at_least=0"),
    ],
)
def test_a_claim_about_something_else_is_refused(capsys, held, at_least, named):
    with pytest.raises(ValueError, match=named):
        claim("it holds", held, at_least=at_least)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("side", "held"), [({"above": 0.5}, 2), ({"below": 0.5}, 1), ({"above": -9}, 4)])
def test_numbers_are_held_against_a_line(side, held):
    found = claim("it holds", [0.4, 0.5, 0.6, np.float32(0.7), float("nan")], at_least=1, **side)
    assert (found.held, found.of) == (held, 5)
    assert found.effect[:3] == (0.4, 0.5, 0.6)


@pytest.mark.parametrize(
    ("values", "options", "named"),
    [
        ([0.1], {"above": 0, "below": 1}, "pass one of them"),
        ([0.1], {"above": 0, "effect": [0.1]}, "no effect"),
        ([True], {"above": 0}, "one number for each seed"),
        (["a"], {"below": 0}, "one number for each seed"),
        ([0.1, 0.2], {}, "True or False"),
    ],
)
def test_numbers_without_a_line_are_refused(values, options, named):
    with pytest.raises(ValueError, match=named):
        claim("it holds", values, at_least=1, **options)
