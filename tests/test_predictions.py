"""A prediction is one of the answers, costs what lesson 01's loss says, and outlives the kernel that took it."""

import json
import math

import pytest

from course_utils.predictions import FILE_NAME, Keeper, Prediction, Question, outcome, pooled, summary

WIDTHS = Question("02-widths", "Which width ends lowest?", ("2", "16", "64"))
ORDER = Question("02-order", "In which order do they end?", ("a", "b", "c"), is_order=True)
NUMBER = Question("02-epochs", "How many times the epochs?", within=1.5)


@pytest.fixture
def keeper(tmp_path):
    return Keeper(tmp_path / FILE_NAME)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"name": "widths"}, '"02-widths"'),
        ({"choices": ("2",)}, r"\['2'\]"),
        ({"choices": ("2", "2")}, "different"),
        ({"choices": tuple("abcdefg"), "is_order": True}, "7 choices"),
        ({"is_order": True}, "0 choices"),
        ({"within": 1}, "within=1"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(options, told):
    with pytest.raises(ValueError, match=told):
        Question(**{"name": "02-x", "text": "?", **options})


@pytest.mark.parametrize(
    ("question", "answer", "told"),
    [
        (WIDTHS, "32", "'32' is not one of 2, 16, 64"),
        (ORDER, ["a", "b", "b"], "each of a, b, c once"),
        (ORDER, "abc", "each of a, b, c once"),
        (NUMBER, "many", "'many' is not a number above 0"),
        (NUMBER, 0, "0 is not a number"),
        (NUMBER, math.nan, "nan is not a number"),
    ],
)
def test_an_answer_that_cannot_be_given_is_refused(question, answer, told):
    with pytest.raises(ValueError, match=told):
        Prediction(question, answer, 0.6)


@pytest.mark.parametrize("sure", [0.3, 1.0, math.nan])
def test_how_sure_lies_between_guessing_and_almost_certain(sure):
    with pytest.raises(ValueError, match=r"between 0\.33, which is guessing, and 0\.99"):
        Prediction(WIDTHS, "16", sure)


@pytest.mark.parametrize(
    ("question", "answer", "truth", "right"),
    [
        (WIDTHS, 16, "16", True),
        (WIDTHS, "16", 64, False),
        (ORDER, ["b", "a", "c"], ["b", "a", "c"], True),
        (ORDER, ["b", "a", "c"], ["a", "b", "c"], False),
        (NUMBER, 3, 2.01, True),
        (NUMBER, 2, 2.99, True),
        (NUMBER, 3, 1.99, False),
        (NUMBER, 2, 3.01, False),
    ],
)
def test_what_counts_as_right(question, answer, truth, right):
    assert Prediction(question, answer, 0.6, (truth,)).right == right


def test_the_loss_is_cross_entropy_and_guessing_costs_the_logarithm_of_the_answers():
    assert Prediction(WIDTHS, "16", 0.7, ("16",)).loss == pytest.approx(-math.log(0.7))
    assert Prediction(WIDTHS, "16", 0.7, ("64",)).loss == pytest.approx(-math.log(0.15))
    assert Prediction(WIDTHS, "16", 1 / 3, ("16", "64")).loss == pytest.approx(math.log(3))
    assert Prediction(ORDER, ["a", "b", "c"], 0.5, (["b", "a", "c"],)).loss == pytest.approx(-math.log(0.1))


def test_what_came_out_is_told():
    assert outcome(("64",)) == "64"
    assert outcome(("64", "16", "64")) == "64 in 2 of 3 seeds, 16 in 1"
    assert outcome((2.0, 3.14159)) == "2 to 3.14 in 2 seeds"
    five = Prediction(WIDTHS, 32 // 2, 0.7, ("64",) * 5)
    assert five.told() == "You said 16, 70% sure; it was 64 in 5 of 5 seeds."


def test_a_new_keeper_knows_what_was_kept(keeper):
    mine = Prediction(ORDER, ["b", "a", "c"], 0.5, (["b", "a", "c"],))
    keeper.keep(Prediction(WIDTHS, "16", 0.7))
    keeper.keep(mine)
    assert Keeper(keeper.path).get(ORDER) == mine
    assert [one.question.name for one in Keeper(keeper.path).all()] == ["02-order", "02-widths"]
    assert [file.name for file in keeper.path.parent.iterdir()] == [FILE_NAME]  # nothing half written


def test_what_answered_another_question_is_not_shown(keeper):
    keeper.keep(Prediction(WIDTHS, "16", 0.7))
    assert keeper.get(Question("02-widths", "Which width ends highest?", ("2", "16", "64"))) is None
    assert keeper.get(NUMBER) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"02-x": {}}', json.dumps({"02-x": {"question": {"name": 1}}})])
def test_a_file_that_is_none_of_ours_is_left_alone(keeper, text):
    keeper.path.write_text(text)
    for touch in (lambda: keeper.get(WIDTHS), lambda: keeper.keep(Prediction(WIDTHS, "16", 0.7)), keeper.all):
        with pytest.raises(ValueError, match="Nothing was changed in it"):
            touch()
    assert keeper.path.read_text() == text


def test_the_summary_counts_the_right_ones_and_names_the_surest_that_was_wrong():
    right, wrong = Prediction(NUMBER, 2, 0.8, (2,)), Prediction(WIDTHS, "2", 0.9, ("16",) * 5)
    told = summary([right, wrong, Prediction(WIDTHS, "16", 0.4, ("64",)), Prediction(ORDER, list("abc"), 0.2)])
    assert told.startswith("Right in 1 of 3; ")
    assert "guessing: 0.96" in told  # (ln 2 + 2 ln 3) / 3
    assert "Surest and wrong: Which width ends lowest? You said 2, 90% sure; it was 16 in 5 of 5 seeds." in told
    assert summary([]) == "No prediction has been compared with its result yet."


def test_the_files_of_a_class_are_pooled(tmp_path):
    files = [tmp_path / name for name in ("ann.json", "ben.json", "none.json")]
    for file, answer in zip(files, ("16", "64"), strict=False):
        Keeper(file).keep(Prediction(WIDTHS, answer, 0.7))
    table = pooled("02-widths", files)
    assert table[["answer", "sure"]].to_numpy().tolist() == [["16", 0.7], ["64", 0.7]]
    with pytest.raises(ValueError, match="None of 3 files has a prediction for '02-heights'"):
        pooled("02-heights", files)
