"""The form of a prediction: locked once, kept, held against the result; and what stands where nobody can answer."""

import doctest

import matplotlib.pyplot as plt
import pytest

from course_utils import quiz
from course_utils.predictions import FILE_NAME, Keeper, Prediction
from course_utils.quiz import draw_class, predict, score

WIDTHS = {"text": "Which width ends lowest?", "name": "02-widths", "choices": [2, 16, 64]}
ORDER = {"text": "In which order?", "name": "02-order", "choices": "abc", "order": True}
NUMBER = {"text": "How many times the epochs?", "name": "03-epochs"}


@pytest.fixture
def keeper(tmp_path):
    return Keeper(tmp_path / FILE_NAME)


@pytest.fixture
def seen(monkeypatch):
    monkeypatch.setattr(quiz, "has_front_end", lambda: True)


def form_of(asked):
    assert "application/vnd.jupyter.widget-view+json" in asked._repr_mimebundle_()
    return asked._form


def fill(form, *values, sure=70):
    for field, value in zip(form._fields, values, strict=True):
        field.value = value
    form.sure.value = sure
    form.lock.click()


@pytest.mark.parametrize(
    ("options", "values", "answer"),
    [(WIDTHS, ["16"], "16"), (ORDER, ["b", "a", "c"], ["b", "a", "c"]), (NUMBER, [3.0], 3.0)],
)
def test_a_click_locks_and_keeps_the_answer(seen, keeper, options, values, answer):
    asked = predict(**options, keeper=keeper)
    form = form_of(asked)
    fill(form, *values)
    kept = keeper.get(asked.question)
    assert (kept.answer, kept.sure) == (answer, 0.7)
    assert all(widget.disabled for widget in (*form._fields, form.sure, form.lock))
    assert "70% sure. Now run on." in form.line.value


@pytest.mark.parametrize(
    ("options", "values", "told"),
    [
        (WIDTHS, [None], "Choose your answer first"),
        (ORDER, ["a", None, "c"], "Choose your answer first"),
        (ORDER, ["a", "a", "c"], "each of a, b, c once"),
        (NUMBER, [0.0], "Choose your answer first"),
        (NUMBER, [-1.0], "not a number above 0"),
    ],
)
def test_half_an_answer_is_explained_and_can_be_mended(seen, keeper, options, values, told):
    form = form_of(predict(**options, keeper=keeper))
    fill(form, *values)
    assert told in form.line.value
    assert not form.lock.disabled
    assert not keeper.path.exists()


def test_a_new_kernel_shows_what_was_locked(seen, keeper):
    predict(**WIDTHS, keeper=keeper).answer("64", sure=0.8)
    form = form_of(predict(**WIDTHS, keeper=Keeper(keeper.path)))
    assert (form._fields[0].value, form.sure.value, form.lock.disabled) == ("64", 80, True)


def test_what_is_locked_stays(seen, keeper):
    asked = predict(**WIDTHS, keeper=keeper)
    asked.answer("64", sure=0.8)
    with pytest.raises(ValueError, match="02-widths is locked"):
        asked.answer("16", sure=0.8)


def test_the_result_is_held_against_the_prediction(seen, keeper):
    asked = predict(**WIDTHS, keeper=keeper)
    asked.answer("16", sure=0.7)
    found = asked.reveal([64, 64, 16, 64, 64])
    assert found.line.startswith("You said 16, 70% sure; it was 64 in 4 of 5 seeds, 16 in 1. (")
    assert "✘" in found._repr_html_()
    assert keeper.get(asked.question).right == 1
    assert "✔" in asked.reveal(16)._repr_html_()


@pytest.mark.parametrize(("truth", "right"), [(["b", "a", "c"], 1), ([["b", "a", "c"], ["a", "b", "c"]], 1)])
def test_an_order_is_one_truth_and_many_orders_are_many(seen, keeper, truth, right):
    asked = predict(**ORDER, keeper=keeper)
    asked.answer(["b", "a", "c"], sure=0.7)
    asked.reveal(truth)
    assert keeper.get(asked.question).right == right


def test_without_a_prediction_the_result_is_told(seen, keeper):
    assert predict(**NUMBER, keeper=keeper).reveal([3.1, 4]).line == (
        "You made no prediction here. It was 3.1 to 4 in 2 seeds."
    )


@pytest.mark.parametrize("truth", ["32", [], ["64", "32"]])
def test_a_truth_that_could_not_be_predicted_is_refused(seen, keeper, truth):
    with pytest.raises(ValueError, match=r"32|empty"):
        predict(**WIDTHS, keeper=keeper).reveal(truth)


def test_a_damaged_file_is_explained_in_the_form_and_in_the_result(seen, keeper):
    keeper.path.write_text("{")
    asked = predict(**WIDTHS, keeper=keeper)
    form = form_of(asked)
    assert "Nothing was changed in it" in form.line.value
    fill(form, "16")
    assert "Nothing was changed in it" in form.line.value
    assert "Nothing was changed in it" in asked.reveal("16").line
    assert "Nothing was changed in it" in score("02", keeper=keeper).line
    assert keeper.path.read_text() == "{"


def test_where_nobody_can_answer_stand_the_question_and_a_stable_line(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Keeper().keep(Prediction(predict(**WIDTHS).question, "16", 0.7))
    asked = predict(**WIDTHS)
    line = "Predict: Which width ends lowest? (2, 16 or 64)"
    assert asked._repr_mimebundle_() == {"text/plain": line}
    assert repr(asked.reveal([64, 16])) == f"Compare: {line}"
    assert Keeper().get(asked.question).truths == ()
    assert "70" not in repr(score("02"))
    assert str(predict(**ORDER)) == "Predict: In which order? (a, b or c; order them, lowest first)"
    assert str(predict(**NUMBER)) == "Predict: How many times the epochs? (a number)"


def test_the_score_of_a_lesson_leaves_other_lessons_out(seen, keeper):
    for options, answer, truth in ((WIDTHS, "16", "16"), (NUMBER, 3, 30)):
        asked = predict(**options, keeper=keeper)
        asked.answer(answer, sure=0.9)
        asked.reveal(truth)
    assert score("02", keeper=keeper).line.startswith("Right in 1 of 1; 0.11 nats")
    assert score("04", keeper=keeper).line == "No prediction has been compared with its result yet."


def test_what_a_class_predicts_is_drawn(seen, tmp_path):
    for student, answer in (("ann", "16"), ("ben", "64"), ("cho", "64")):
        (tmp_path / student).mkdir()
        predict(**WIDTHS, keeper=Keeper(tmp_path / student / FILE_NAME)).answer(answer, sure=0.8)
    ax = draw_class("02-widths", tmp_path)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["64", "16"]
    assert [bar.get_width() for bar in ax.patches] == [2, 1]
    plt.close("all")
    with pytest.raises(ValueError, match=r"No file called …my_predictions\.json"):
        draw_class("02-widths", tmp_path / "ann" / "nowhere")


def test_the_example_in_the_docstring():
    assert doctest.testmod(quiz).failed == 0
