"""Every check accepts several right answers, and refuses what students get wrong, with the hint for that mistake."""

import importlib
import inspect
from pathlib import Path

import pytest

from course_utils.checks import find_check
from course_utils.checks.asking import lessons

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("answers_*.py"))
ANSWERS = {
    exercise: cases
    for module in MODULES
    for exercise, cases in importlib.import_module(f"tests.checks.{module}").ANSWERS.items()
}
MOST_HINT = 300
NONSENSE = {"text": "nonsense", "number": -1, "list": [], "dict": {}, "nan": float("nan"), "object": object()}


def each(kind):
    for exercise, cases in ANSWERS.items():
        for name, case in getattr(cases, kind).items():
            marks = [pytest.mark.slow] if name in cases.slow else []
            yield pytest.param(exercise, case, id=f"{exercise}-{name}", marks=marks)


@pytest.mark.parametrize(("exercise", "answer"), each("right"))
def test_a_right_answer_gets_all_points(exercise, answer):
    verdict = find_check(exercise)(*answer)
    assert verdict.is_right, verdict.hint


@pytest.mark.parametrize(("exercise", "case"), each("wrong"))
def test_a_wrong_answer_gets_the_hint_for_its_mistake(exercise, case):
    answer, part = case
    verdict = find_check(exercise)(*answer)
    assert verdict.is_attempted
    assert not verdict.is_right
    assert part in verdict.hint, verdict.hint
    assert verdict.more
    assert len(verdict.hint) <= MOST_HINT


@pytest.mark.parametrize("lesson", lessons())
def test_every_check_has_enough_answers(lesson):
    checks = importlib.import_module(f"course_utils.checks.lesson_{lesson}").CHECKS
    assert len(checks) == 5
    for number in range(1, len(checks) + 1):
        cases = ANSWERS[f"{lesson}.{number}"]
        assert len(cases.right) >= 3, number
        assert len(cases.wrong) >= 4, number


@pytest.mark.parametrize("exercise", ANSWERS)
def test_nothing_is_no_answer(exercise):
    check = find_check(exercise)
    n = len([p for p in inspect.signature(check).parameters.values() if p.default is inspect.Parameter.empty])
    for nothing in (None, ...):
        verdict = check(*[nothing] * n)
        assert (verdict.points, verdict.is_attempted) == (0, False)


@pytest.mark.parametrize("exercise", ANSWERS)
@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
def test_a_check_never_raises(exercise, answer):
    check = find_check(exercise)
    n = len([p for p in inspect.signature(check).parameters.values() if p.default is inspect.Parameter.empty])
    verdict = check(*[answer] * n)
    assert verdict.points < verdict.of
