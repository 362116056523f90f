"""A data set that counts how often its test set is read."""

from __future__ import annotations

from dataclasses import fields

from course_utils.data import Dataset

__all__ = ["Guarded"]


class Guarded(Dataset):
    """The same data; `reads` says how often `x_test` was read since it was made."""

    reads = 0

    @classmethod
    def of(cls, data: Dataset) -> Guarded:
        """A guarded data set of the same arrays."""
        guarded = cls(**{field.name: getattr(data, field.name) for field in fields(Dataset)})
        object.__setattr__(guarded, "reads", 0)  # making it has read them
        return guarded

    def __getattribute__(self, name: str) -> object:
        if name == "x_test":
            object.__setattr__(self, "reads", object.__getattribute__(self, "reads") + 1)
        return object.__getattribute__(self, name)
