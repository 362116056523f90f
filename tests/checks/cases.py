"""What a check must accept, and what it must refuse with which hint."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cases:
    """Answers to one exercise.

    `right` holds, by name, the arguments of the check in a tuple; `wrong` holds such a tuple and a part of the hint
    that this mistake must get.
    """

    right: dict
    wrong: dict
    slow: set = field(default_factory=set)  # names of answers whose check takes more than two seconds
