"""Predictions as plain data: what may be asked, what a prediction is worth, and the file that keeps it.

No widget here: `quiz` is the face. The score is lesson 01's own loss. A prediction says how sure you are, and costs
-ln(the probability that you gave to what happened), in nats: 0 if you were certain and right, much if you were certain
and wrong.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

__all__ = ["FILE_NAME", "SUREST", "Keeper", "Prediction", "Question", "outcome", "pooled", "summary", "words"]

FILE_NAME = "my_predictions.json"
SUREST = 0.99
MOST_ORDERED = 6


@dataclass(frozen=True)
class Question:
    """What is asked before an experiment.

    Attributes
    ----------
    name : str
        Of the lesson and the question, such as `"02-widths"`; a prediction is kept under it.
    text : str
    choices : tuple of str
        One of them is the answer, or, if `is_order`, all of them in an order; none for a number.
    is_order : bool
    within : float
        A number counts as right if it is at most so many times too large or too small.

    Raises
    ------
    ValueError
        If the name has no lesson in it, the choices are fewer than two or not all different, or `within` is not
        above 1.
    """

    name: str
    text: str
    choices: tuple[str, ...] = ()
    is_order: bool = False
    within: float = 1.5

    def __post_init__(self) -> None:
        lesson, _, rest = self.name.partition("-")
        if not (lesson.isdigit() and rest):
            raise ValueError(f'name={self.name!r} does not begin with a lesson: call it for instance "02-widths".')
        if self.choices and (len(self.choices) < 2 or len(set(self.choices)) < len(self.choices)):
            raise ValueError(f"choices={list(self.choices)} are not at least two different answers.")
        if self.is_order and not 2 <= len(self.choices) <= MOST_ORDERED:
            raise ValueError(f"{len(self.choices)} choices to be ordered: give 2 to {MOST_ORDERED}.")
        if not self.within > 1:
            raise ValueError(f"within={self.within!r} is not above 1: 1.5 counts 2 and 3 as right where 2.5 comes out.")

    @property
    def lesson(self) -> str:
        """The number of the lesson, such as `"02"`."""
        return self.name.partition("-")[0]

    @property
    def possible(self) -> int:
        """How many answers there are; of a number, two: near enough or not."""
        if not self.choices:
            return 2
        return math.factorial(len(self.choices)) if self.is_order else len(self.choices)

    def check(self, answer: object) -> object:
        """The answer in the form that is kept: a choice, a list of choices, or a number.

        Raises
        ------
        ValueError
            If it is none of the answers that may be given.
        """
        if not self.choices:
            with contextlib.suppress(TypeError, ValueError):
                if float(answer) > 0 and math.isfinite(float(answer)):
                    return float(answer)
            raise ValueError(f"{answer!r} is not a number above 0.")
        if self.is_order:
            given = [str(part) for part in answer] if isinstance(answer, (list, tuple)) else answer
            if not isinstance(given, list) or sorted(given) != sorted(self.choices):
                raise ValueError(f"{answer!r} does not hold each of {', '.join(self.choices)} once, in your order.")
            return given
        if str(answer) not in self.choices:
            raise ValueError(f"{answer!r} is not one of {', '.join(self.choices)}.")
        return str(answer)

    def is_right(self, answer: object, truth: object) -> bool:
        """Whether a prediction came true."""
        if self.choices:
            return answer == truth
        return max(answer / truth, truth / answer) <= self.within


@dataclass(frozen=True)
class Prediction:
    """What somebody predicted, and, once it is known, what came out.

    Attributes
    ----------
    question : Question
    answer : str, list of str or float
    sure : float
        The probability that the answer is right, as it was felt: above that of guessing, at most 0.99.
    truths : tuple
        What came out, one for each seed; empty before the experiment.

    Raises
    ------
    ValueError
        If the answer cannot be given, or `sure` is out of its range.
    """

    question: Question
    answer: object
    sure: float
    truths: tuple = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "answer", self.question.check(self.answer))
        object.__setattr__(self, "truths", tuple(map(self.question.check, self.truths)))
        if not 1 / self.question.possible <= self.sure <= SUREST:
            raise ValueError(
                f"sure={self.sure!r} is not between {1 / self.question.possible:.2f}, which is guessing, and {SUREST}."
            )

    @property
    def right(self) -> int:
        """In how many of the seeds it came true."""
        return sum(self.question.is_right(self.answer, truth) for truth in self.truths)

    @property
    def loss(self) -> float:
        """Cross-entropy in nats, the mean over the seeds; guessing costs ln(number of possible answers)."""
        wrong = (1 - self.sure) / (self.question.possible - 1)
        hits = (self.question.is_right(self.answer, truth) for truth in self.truths)
        return sum(-math.log(self.sure if hit else wrong) for hit in hits) / len(self.truths)

    def told(self) -> str:
        """One sentence: what was said, and what it was."""
        said = f"You said {words(self.answer)}, {self.sure:.0%} sure"
        return f"{said}; it was {outcome(self.truths)}." if self.truths else f"{said}."


def words(answer: object) -> str:
    """An answer as it stands in a sentence."""
    if isinstance(answer, float):
        return f"{answer:.3g}"
    return " < ".join(answer) if isinstance(answer, list) else str(answer)


def outcome(truths: Sequence[object]) -> str:
    """What came out in the seeds, as it stands in a sentence."""
    if len(truths) == 1:
        return words(truths[0])
    if isinstance(truths[0], float):
        return f"{words(min(truths))} to {words(max(truths))} in {len(truths)} seeds"
    (most, times), *others = Counter(map(words, truths)).most_common()
    return f"{most} in {times} of {len(truths)} seeds" + "".join(f", {other} in {n}" for other, n in others)


class Keeper:
    """Predictions of one person in a file beside the notebooks, so that a new kernel knows them.

    Parameters
    ----------
    path : pathlib.Path, optional
        `my_predictions.json` in the current folder, which is that of the notebook, by default.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = Path(FILE_NAME) if path is None else path

    def get(self, question: Question) -> Prediction | None:
        """What was predicted, or None; None as well if the question was another when it was answered."""
        kept = self._read().get(question.name)
        if kept is None or kept["question"] != _plain(question):
            return None
        return Prediction(question, kept["answer"], kept["sure"], tuple(kept["truths"]))

    def keep(self, prediction: Prediction) -> None:
        """Write it down, in the place of what was predicted before.

        Raises
        ------
        ValueError
            If the file cannot be read, or belongs to something else; it is left as it is.
        OSError
            If it cannot be written.
        """
        kept = self._read()
        kept[prediction.question.name] = {**asdict(prediction), "question": _plain(prediction.question)}
        text = json.dumps(kept, indent=1, ensure_ascii=False)
        # A file that is written half is worse than none: write another one, and put it in its place.
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf8", dir=self.path.parent, prefix=self.path.name, suffix=".part", delete=False
        ) as file:
            file.write(text)
        os.replace(file.name, self.path)

    def all(self) -> list[Prediction]:
        """Everything that is kept, in the order of the questions' names."""
        return [
            Prediction(_question(kept["question"]), kept["answer"], kept["sure"], tuple(kept["truths"]))
            for _, kept in sorted(self._read().items())
        ]

    def _read(self) -> dict[str, dict]:
        if not self.path.exists():
            return {}
        try:
            kept = json.loads(self.path.read_text(encoding="utf8"))
            for one in kept.values():
                Prediction(_question(one["question"]), one["answer"], one["sure"], tuple(one["truths"]))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(
                f"{self.path} cannot be read as predictions ({error}). Nothing was changed in it. "
                "Move it to another folder to begin anew."
            ) from error
        return kept


def summary(predictions: Sequence[Prediction]) -> str:
    """Two sentences on those whose truth is known: how many were right, and the surest that was wrong."""
    known = [one for one in predictions if one.truths]
    if not known:
        return "No prediction has been compared with its result yet."
    hits = [one for one in known if 2 * one.right > len(one.truths)]
    mean = sum(one.loss for one in known) / len(known)
    guess = sum(math.log(one.question.possible) for one in known) / len(known)
    told = [f"Right in {len(hits)} of {len(known)}; {mean:.2f} nats a prediction (guessing: {guess:.2f})."]
    wrong = [one for one in known if one not in hits]
    if wrong:
        surest = max(wrong, key=lambda one: one.sure)
        told.append(f"Surest and wrong: {surest.question.text} {surest.told()}")
    return " ".join(told)


def pooled(question: str, files: Sequence[Path]) -> pd.DataFrame:
    """What a class predicted: one row for each file that answers the question called so.

    Returns
    -------
    pandas.DataFrame
        Columns `answer` (in words), `sure`, and `file`.

    Raises
    ------
    ValueError
        If a file cannot be read, or no file answers the question.
    """
    rows = []
    for file in files:
        for one in Keeper(file).all():
            if one.question.name == question:
                rows.append({"answer": words(one.answer), "sure": one.sure, "file": str(file)})
    if not rows:
        raise ValueError(f"None of {len(files)} files has a prediction for {question!r}.")
    return pd.DataFrame(rows)


def _plain(question: Question) -> dict:
    return {**asdict(question), "choices": list(question.choices)}


def _question(plain: Mapping) -> Question:
    return Question(**{**plain, "choices": tuple(plain["choices"])})
