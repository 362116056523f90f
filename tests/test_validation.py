"""The checks return what is valid, and say what is not."""

import re
from fractions import Fraction

import numpy as np
import pytest

from course_utils.validation import check_choice, check_integer, check_number


@pytest.mark.parametrize("value", [1, 5, np.int64(3)])
def test_whole_numbers_in_the_range_come_back_as_int(value):
    checked = check_integer("width", value, at_least=1, at_most=5)
    assert (checked, type(checked)) == (value, int)


@pytest.mark.parametrize("value", [0, 6, -1, 2.0, True, "3", None, float("nan")])
def test_other_values_are_no_whole_numbers_in_the_range(value):
    with pytest.raises(ValueError, match="width") as error:
        check_integer("width", value, at_least=1, at_most=5, hint="Take 2.")
    assert all(part in str(error.value) for part in (f"width={value!r}", ">= 1", "<= 5", "Take 2."))


def test_whole_numbers_without_an_upper_limit():
    assert check_integer("epochs", 10**9, at_least=1) == 10**9


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.25), Fraction(1, 3)])
def test_numbers_in_the_range_come_back_as_float(value):
    checked = check_number("dropout", value, at_least=0, below=1)
    assert (checked, type(checked)) == (float(value), float)


@pytest.mark.parametrize("value", [1, -0.1, float("nan"), float("inf"), "0.5", None])
def test_other_values_are_no_numbers_in_the_range(value):
    with pytest.raises(ValueError, match="dropout") as error:
        check_number("dropout", value, at_least=0, below=1, hint="Take 0.5.")
    assert all(part in str(error.value) for part in (f"dropout={value!r}", ">= 0", "< 1", "Take 0.5."))


@pytest.mark.parametrize("value", [True, False, np.True_])
def test_true_and_false_are_no_numbers(value):
    with pytest.raises(ValueError, match="share"):
        check_number("share", value, at_least=0, at_most=1)


def test_open_and_closed_ends_of_a_range():
    assert check_number("rate", 1, above=0, at_most=1) == 1
    for value in (0, 1.001):
        with pytest.raises(ValueError, match=f"rate={value}"):
            check_number("rate", value, above=0, at_most=1)


def test_choice_is_taken():
    assert check_choice("split", "clean", ("clean", "tutorial")) == "clean"
    assert check_choice("flatten", False, (True, False)) is False


@pytest.mark.parametrize(("value", "choice"), [(np.str_("clean"), "clean"), (np.True_, True), (np.int64(32), 32)])
def test_choices_of_numpy_come_back_as_those_of_python(value, choice):
    found = check_choice("split", value, ("clean", True, 32))
    assert (found, type(found)) == (choice, type(choice))


@pytest.mark.parametrize("value", ["foo", "", None, 1, ["clean"]])
def test_other_values_are_no_choice(value):
    with pytest.raises(ValueError, match="split") as error:
        check_choice("split", value, ("clean", "tutorial"), hint="Take clean.")
    assert all(part in str(error.value) for part in (f"split={value!r}", "'clean', 'tutorial'", "Take clean."))


@pytest.mark.parametrize("value", [0, 1, 1.0, np.int64(1)])
def test_numbers_are_not_taken_for_true_and_false(value):
    with pytest.raises(ValueError, match=re.escape(f"batch_norm={value!r}")):
        check_choice("batch_norm", value, (True, False))
