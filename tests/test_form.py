"""The rules of form, on notebooks that break one each."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from authoring import notebooks as authoring
from authoring.form import CORE, FURTHER, WHOLE, minutes, problems_of_form, unsupported_numbers

PICTURE = new_output("display_data", data={"image/png": "", "text/plain": "<Figure>"})


def code(source="1", *, figure=False, text="", **metadata):
    outputs = [PICTURE] * figure + ([new_output("stream", text=text)] if text else [])
    return new_code_cell(source, outputs=outputs, metadata=metadata)


def prose(words=48, *, start=""):
    return new_markdown_cell(start + " ".join(["word"] * words))


def lesson(n=16, **other):
    """A core that keeps to the rules, with `other` cells in place of those of that number."""
    cells = [prose(10, start="# Title\n"), *(prose(10, start="## Part\n") for _ in range(4))]
    for _ in range(n):
        cells += [prose(), code()]
    for place, cell in other.items():
        cells[int(place[1:])] = cell
    return new_notebook(cells=cells)


def test_a_core_that_keeps_to_the_rules():
    assert list(problems_of_form(lesson(), CORE)) == []


def test_the_code_of_claims_may_be_hidden_and_is_not_counted():
    claims = {f"c{place}": code("claim('it holds', [True])\n" * 12, tags=["claim"]) for place in range(6, 36, 2)}
    assert list(problems_of_form(lesson(**claims), CORE)) == []


@pytest.mark.parametrize(("forms", "problems"), [(10, []), (11, ["11 predictions, not 0 to 10"])])
def test_a_form_counts_as_a_prediction_alone(forms, problems):
    asked = code('asked = predict(\n"Up?",\nname="01-up",\nchoices="ab")\nasked', tags=["predict"])
    notebook = lesson(n=22)
    notebook.cells += [asked] * forms
    assert list(problems_of_form(notebook, CORE)) == problems


def test_marks_are_no_words():
    marks = prose(300, start="\n".join(["| ✔ |", "- —"] * 100))
    assert list(problems_of_form(lesson(c5=marks), CORE)) == []


def test_words_of_tables_and_formulas_count():
    table = prose(300, start="| a | $x + 1$ |\n" * 50)
    assert "words of prose" in next(problems_of_form(lesson(c5=table), CORE))


@pytest.mark.parametrize(
    ("notebook", "problem"),
    [
        (lesson(c0=prose()), "no title"),
        (lesson(n=23), "23 code cells, not 15 to 22"),
        (lesson(c1=prose(), c2=prose()), "2 second-level headings"),
        (lesson(c5=prose(600)), "1,375 words of prose, not 700 to 1,200"),
        (lesson(**{f"c{place}": code("1\n" * 21) for place in range(6, 22, 2)}), "155 lines of code, not 0 to 150"),
        (lesson(**{f"c{place}": prose(start="**Predict** it. ") for place in range(5, 27, 2)}), "11 predictions"),
        (lesson(**{f"c{n}": code(figure=True, alt="A line") for n in range(6, 28, 2)}), "11 figures"),
        (lesson(**{f"c{place}": code("1\n" * 11) for place in range(6, 26, 2)}), "half of the cells have over 11"),
        (lesson(**{f"c{place}": code("1\n" * 11) for place in range(6, 22, 2)}), "fewer than 60%"),
        (lesson(c5=code(), c7=code(), c9=code(), c11=code()), "prose before"),
        (lesson(c6=new_code_cell("1", outputs=[PICTURE] * 2, metadata={"alt": "A line"})), "more than one figure"),
        (lesson(c6=code("claim('it holds', [True])")), "code cell 1 makes a claim"),
        (lesson(c6=code("predict('Up?', name='01-up')")), "asks for or reveals a prediction"),
        (lesson(c6=code("score('01')")), "asks for or reveals a prediction"),
        (lesson(c6=code("asked.reveal(1)")), "asks for or reveals a prediction"),
        (lesson(c6=code("model.predict(x)", tags=["predict"])), "is tagged as a prediction"),
        (lesson(c6=code("1", tags=["claim"])), "code cell 1 is tagged as a claim"),
        (lesson(c6=code("claim('a', [True])", figure=True, tags=["claim"], alt="A line")), "makes a claim and draws"),
        (lesson(c6=code(figure=True)), "without alternative text"),
        (lesson(c5=prose(start="So: *Reading.* ")), "does not begin its cell"),
        (lesson(c5=prose(start="*Reading.* It fell. **Predict** more. ")), "the next prompt stand in one cell"),
    ],
)
def test_what_breaks_a_rule_is_named(notebook, problem):
    found = list(problems_of_form(notebook, CORE))
    assert any(problem in one for one in found), found


def test_a_lesson_that_holds_everything_may_be_longer():
    assert list(problems_of_form(lesson(n=30), WHOLE)) == []
    assert list(problems_of_form(lesson(n=36), WHOLE)) != []


def test_the_limits_depend_on_what_stands_beside_a_lesson(tmp_path, monkeypatch):
    monkeypatch.setattr(authoring, "LESSONS", tmp_path)
    path, further = tmp_path / "01_tiny.ipynb", tmp_path / "further" / "01_tiny.ipynb"
    nbformat.write(new_notebook(), path)
    assert any("15 to 35" in problem for problem in authoring.check(path))
    further.parent.mkdir()
    nbformat.write(new_notebook(), further)
    assert any("15 to 22" in problem for problem in authoring.check(path))
    assert any("5 to 22" in problem for problem in authoring.check(further))
    assert FURTHER.cells == (5, 22)


def test_minutes_of_a_class():
    cells = [prose(260), *(prose(0, start="**Predict** it") for _ in range(6)), code("1\n" * 48, figure=True)]
    cells.append(code("Explorer(wine)"))
    words = sum(len(re.findall(r"\S+", cell.source)) for cell in cells if cell.cell_type == "markdown")
    expected = words / 130 + 49 / 24 + 1 + 4 * 3.5 + 2 + 10 + 3 + 0.5
    assert minutes(new_notebook(cells=cells), waiting=30) == pytest.approx(expected)


def test_numbers_that_no_output_shows_are_listed():
    cells = [
        code("rate = 3e-2", text="loss 0.4567"),
        prose(start="0.9 is no Reading. "),
        prose(start="*Reading.* It ends at 0.46, at rate 0.03, not at 0.47. "),
        prose(start="## Summary\n0.7 [exercise 1.2](exercises/01.ipynb#Exercise-1.2) "),
    ]
    assert unsupported_numbers(new_notebook(cells=cells)) == ["0.47", "0.7"]
