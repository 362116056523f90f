"""`predict`: a prediction, made before an experiment, locked by one click and held against the result.

The face of `predictions`, which knows no widget. In the notebook of a reader it is a small form; where nobody can
answer (nbval, nbconvert, GitHub) it is the question in words, and the result a line without numbers.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes

from course_utils.frontend import has_front_end
from course_utils.keys import KeepKeys
from course_utils.palette import STATUS_COLORS
from course_utils.predictions import FILE_NAME, SUREST, Keeper, Prediction, Question, outcome, pooled, summary

__all__ = ["Asked", "draw_class", "predict", "score"]

STYLE = """<style>
.quiz { border-left: 3px solid var(--jp-brand-color1, #1976d2); padding: 4px 0 4px 14px; max-width: 720px; }
.quiz .widget-html-content { line-height: 1.45; white-space: normal; }
.quiz :is(button, input, select):focus-visible {
  outline: 2px solid var(--jp-brand-color0, #0d47a1); outline-offset: 1px; }
</style>"""
WIDE = widgets.Layout(width="auto", max_width="100%")
SHORT = widgets.Layout(width="auto", align_self="flex-start")
DESCRIBED = {"description_width": "initial"}


def predict(
    text: str,
    *,
    name: str,
    choices: Sequence[object] = (),
    order: bool = False,
    within: float = 1.5,
    keeper: Keeper | None = None,
) -> Asked:
    """Ask for a prediction; as the last line of a cell, it is a form.

    Parameters
    ----------
    text : str
        The question, in one or two sentences.
    name : str
        Of the lesson and the question, such as `"02-widths"`. What is answered is kept under it.
    choices : sequence
        The answers. Without them, a number above 0 is asked for.
    order : bool
        Ask for all choices in an order, the lowest first.
    within : float
        Of a number: right if it is at most so many times too large or too small.
    keeper : Keeper, optional
        Where answers are kept: `my_predictions.json` beside the notebook by default.

    Returns
    -------
    Asked
        Its `reveal` holds the prediction against what came out.

    Raises
    ------
    ValueError
        If there is one choice, or two are alike; or the name does not begin with a lesson.

    Examples
    --------
    >>> asked = predict("Which width ends lowest?", name="02-widths", choices=[2, 16, 64])
    >>> print(asked)
    Predict: Which width ends lowest? (2, 16 or 64)
    """
    return Asked(Question(name, text, tuple(map(str, choices)), order, within), keeper or Keeper())


class Asked:
    """A question with its form; made by `predict`."""

    def __init__(self, question: Question, keeper: Keeper) -> None:
        self.question, self._keeper = question, keeper
        self._form: _Form | None = None

    def answer(self, answer: object, *, sure: float) -> None:
        """Predict, as the form does. What was locked once stays.

        Raises
        ------
        ValueError
            If it was answered before, or the answer or its probability cannot be given.
        """
        if self._keeper.get(self.question) is not None:
            raise ValueError(f"{self.question.name} is locked: you have predicted already.")
        self._keeper.keep(Prediction(self.question, answer, sure))

    def reveal(self, truth: object | Iterable[object]) -> Revealed:
        """Hold the prediction against what came out.

        Parameters
        ----------
        truth : object or iterable of them
            One of the choices, a list of them in an order, or a number: of one experiment, or of each seed in turn.

        Raises
        ------
        ValueError
            If it is nothing that could have been predicted.
        """
        many = _one_for_each_seed(truth, self.question)
        truths = tuple(map(self.question.check, many))
        if not truths:
            raise ValueError("truth is empty: pass what came out for each seed.")
        if not has_front_end():
            return Revealed(f"Compare: {self}")
        try:
            mine = self._keeper.get(self.question)
            if mine is None:
                return Revealed(f"You made no prediction here. It was {outcome(truths)}.")
            mine = Prediction(self.question, mine.answer, mine.sure, truths)
            self._keeper.keep(mine)
        except (ValueError, OSError) as error:
            return Revealed(str(error), is_right=False)
        return Revealed(f"{mine.told()} ({mine.loss:.2f} nats)", is_right=2 * mine.right > len(truths))

    def __str__(self) -> str:
        choices = self.question.choices
        if not choices:
            return f"Predict: {self.question.text} (a number)"
        order = "; order them, lowest first" if self.question.is_order else ""
        return f"Predict: {self.question.text} ({', '.join(choices[:-1])} or {choices[-1]}{order})"

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        if not has_front_end():
            return {"text/plain": str(self)}
        if self._form is None:
            self._form = _Form(self, self._keeper)
        view = {"version_major": 2, "version_minor": 0, "model_id": self._form.root.model_id}
        return {"text/plain": str(self), "application/vnd.jupyter.widget-view+json": view}


class Revealed:
    """What `Asked.reveal` found, as a line."""

    def __init__(self, line: str, *, is_right: bool | None = None) -> None:
        self.line, self.is_right = line, is_right

    def __repr__(self) -> str:
        return self.line

    def _repr_html_(self) -> str:
        mark = {None: "", True: "✔ ", False: "✘ "}[self.is_right]
        return f'<p role="status">{mark}{html.escape(self.line)}</p>'


class _Form:
    """The widgets of one question: an answer, how sure, and a button that locks both."""

    def __init__(self, asked: Asked, keeper: Keeper) -> None:
        self._asked, question = asked, asked.question
        self._fields = _fields(question)
        lowest = 5 * int(np.ceil(20 / question.possible))  # guessing, in steps of five
        self.sure = widgets.BoundedIntText(
            value=max(lowest, 60),
            min=lowest,
            max=round(100 * SUREST),
            step=5,
            description=f"How sure, in percent ({lowest} is guessing)",
            style=DESCRIBED,
        )
        self.lock = widgets.Button(description="Lock my prediction", icon="lock", button_style="primary", layout=SHORT)
        self.lock.on_click(lambda _: self._locked())
        self.line = widgets.HTML()
        text = widgets.HTML(f"{STYLE}<b>Predict.</b> {html.escape(question.text)}")
        self.root = widgets.VBox([text, *self._fields, self.sure, self.lock, self.line, KeepKeys(selector=".quiz")])
        self.root.add_class("quiz")
        try:
            mine = keeper.get(question)
        except ValueError as error:
            self._say(str(error), "bad")
        else:
            if mine is not None:
                self._show(mine)

    def _locked(self) -> None:
        try:
            values = [field.value for field in self._fields]
            if None in values or values == [0.0]:
                raise ValueError("Choose your answer first; then lock it.")
            answer = values if self._asked.question.is_order else values[0]
            prediction = Prediction(self._asked.question, answer, self.sure.value / 100)
            self._asked.answer(answer, sure=prediction.sure)
            self._show(prediction)
        except (ValueError, OSError) as error:
            self._say(str(error), "bad")

    def _show(self, prediction: Prediction) -> None:
        values = prediction.answer if isinstance(prediction.answer, list) else [prediction.answer]
        for field, value in zip(self._fields, values, strict=True):
            field.value = value
        self.sure.value = round(100 * prediction.sure)
        for widget in (*self._fields, self.sure, self.lock):
            widget.disabled = True
        self.lock.description = "Locked"
        self._say(f"{Prediction(prediction.question, prediction.answer, prediction.sure).told()} Now run on.", "good")

    def _say(self, line: str, status: str) -> None:
        self.line.value = f'<span role="status" style="color: {COLORS[status]}">{html.escape(line)}</span>'


COLORS = {"good": "inherit", "bad": STATUS_COLORS["failed"]}


def _fields(question: Question) -> list[widgets.Widget]:
    if not question.choices:
        return [widgets.FloatText(value=0.0, description="A number above 0", style=DESCRIBED)]
    if not question.is_order:
        options = list(question.choices)
        return [widgets.RadioButtons(options=options, value=None, description="Your answer", layout=WIDE)]
    places = ["lowest", *[f"{place}." for place in range(2, len(question.choices))], "highest"]
    return [
        widgets.Dropdown(
            options=[("choose", None), *[(choice, choice) for choice in question.choices]], description=place
        )
        for place in places
    ]


def _one_for_each_seed(truth: object, question: Question) -> list:
    if isinstance(truth, str) or not isinstance(truth, Iterable):
        return [truth]
    many = list(truth)
    is_one_order = question.is_order and many and (isinstance(many[0], str) or not isinstance(many[0], Iterable))
    return [many] if is_one_order else many


def score(lesson: str, *, keeper: Keeper | None = None) -> Revealed:
    """How the predictions of a lesson fared, in two sentences.

    Parameters
    ----------
    lesson : str
        Its number, such as `"02"`.
    """
    if not has_front_end():
        return Revealed("Your predictions, held against the results, stand here when you run the lesson.")
    try:
        mine = [one for one in (keeper or Keeper()).all() if one.question.lesson == lesson]
    except ValueError as error:
        return Revealed(str(error), is_right=False)
    return Revealed(summary(mine))


def draw_class(name: str, folder: str | Path, *, ax: Axes | None = None) -> Axes:
    """What a class predicted, as bars: one file for each student, in a folder.

    Parameters
    ----------
    name : str
        Of the question, such as `"02-widths"`.
    folder : str or pathlib.Path
        Searched with its subfolders for files whose names end in `my_predictions.json`.

    Raises
    ------
    ValueError
        If there are no such files, or none of them answers the question.
    """
    files = sorted(Path(folder).rglob(f"*{FILE_NAME}"))
    if not files:
        raise ValueError(f"No file called …{FILE_NAME} in {os.fspath(folder)!r}. Collect those of your students there.")
    table = pooled(name, files)
    counts = table["answer"].value_counts().rename_axis("answer").reset_index(name="students")
    ax = plt.subplots()[1] if ax is None else ax
    sns.barplot(counts, y="answer", x="students", color="C0", ax=ax)
    for place, answer in enumerate(counts["answer"]):
        sure = table.loc[table["answer"] == answer, "sure"].median()
        ax.text(counts["students"][place], place, f" {sure:.0%} sure", va="center")
    ax.set(xlabel="students", ylabel="", title=f"{name}: what {len(table)} students predict")
    ax.margins(x=0.15)
    return ax
