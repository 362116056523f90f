"""Whether a student's function shifts pictures, for exercise 07.3: what each picture did is read off its pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from course_utils.checks.hidden import hidden_rng
from course_utils.checks.verdict import NotYet, Wrong

__all__ = ["check_shifted"]

SIDES = (9, 7)  # not square, so that a mixed-up axis shows
PICTURES = 600  # of 25 places, the rarest then has about 24: it is missing once in 10^10 gradings


def check_shifted(shifted: Callable[[np.ndarray, int, np.random.Generator], np.ndarray]) -> None:
    """Return if the function does what it should.

    Raises
    ------
    NotYet, Wrong
        If it does nothing yet, or something else.
    """
    if not callable(shifted):
        raise Wrong(f"shifted is {shifted!r}, not a function.", "Write it as: def shifted(images, most, rng):")
    rng = hidden_rng("07.3")
    seed = int(rng.integers(2**31))
    images = rng.uniform(0.1, 1, size=(PICTURES, *SIDES))
    given = images.copy()
    found = shifted(given, 2, np.random.default_rng(seed))
    if found is None or found is ...:
        raise NotYet
    found = np.asarray(found, dtype=float)
    if found.shape != images.shape:
        raise Wrong(
            f"Pictures of shape {images.shape} come back as {found.shape}.", "Cut or fill: the shape stays the same."
        )
    if not np.array_equal(given, images):
        raise Wrong(
            "After the call, the original pictures are changed. What does the next epoch start from?",
            "Write into a new array: np.zeros_like(images).",
        )
    places = [_place(one, other, 2) for one, other in zip(images, found, strict=True)]
    if None in places:
        one, other = images[places.index(None)], found[places.index(None)]
        raise Wrong(*_other_way(one, other))
    seen = Counter(places)
    if len(seen) == 1:
        raise Wrong(
            "All pictures went the same way. Does each draw its own shift?",
            "Draw inside of the loop over pictures, or one number for each: rng.integers(…, size=len(images)).",
        )
    for axis, name in enumerate(("down and up", "right and left")):
        steps = {place[axis] for place in seen}
        missing = sorted(set(range(-2, 3)) - steps)
        if missing:
            raise Wrong(
                f"With most=2, {name}: never by {missing}. Which numbers can rng.integers give?",
                "rng.integers(low, high) leaves out high: rng.integers(-most, most + 1).",
            )
    if len(seen) < 25:
        raise Wrong(
            "Down and right always go together. Are the two drawn one by one?", "Draw two numbers for each picture."
        )
    _check_generator(shifted, images, seed, found)


def _check_generator(shifted: Callable, images: np.ndarray, seed: int, found: np.ndarray) -> None:
    """Whether chance comes from the generator that was given, and whether no shift is possible."""
    again = shifted(images.copy(), 2, np.random.default_rng(seed))
    if not np.array_equal(again, found):
        raise Wrong(
            "The same generator state gave other pictures. Where does your chance come from?",
            "Use rng.integers, not np.random.",
        )
    if np.array_equal(shifted(images.copy(), 2, np.random.default_rng(seed + 1)), found):
        raise Wrong("Another generator gave the same pictures. Is rng used?", "Draw with rng.integers.")
    if not np.array_equal(shifted(images.copy(), 0, np.random.default_rng(seed)), images):
        raise Wrong("With most=0, pictures change.", "A shift by 0 leaves a picture as it is: look at your slices.")


def _moved(image: np.ndarray, down: int, right: int) -> np.ndarray:
    height, width = image.shape
    new = np.zeros_like(image)
    new[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = image[
        max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return new


def _place(image: np.ndarray, found: np.ndarray, most: int) -> tuple[int, int] | None:
    """How far a picture was moved down and right, or None if it was not."""
    steps = range(-most, most + 1)
    return next(
        ((down, right) for down in steps for right in steps if np.allclose(_moved(image, down, right), found)), None
    )


def _other_way(image: np.ndarray, found: np.ndarray) -> tuple[str, str]:
    """Hints for a picture that was not moved as it should be."""
    steps = range(-2, 3)
    rolled = (np.roll(image, (down, right), axis=(0, 1)) for down in steps for right in steps)
    if any(np.allclose(one, found) for one in rolled):
        return (
            "What leaves the picture on one side comes in on the other. Is that paper?",
            "np.roll wraps around: set the rows and columns that came in to 0, or pad with zeros and cut.",
        )
    if _place(image, found, 6) is not None:
        return "A picture moved by more than most=2 pixels.", "rng.integers(-most, most + 1) gives −most to most."
    if np.allclose(np.sort(image, axis=None), np.sort(found, axis=None)):
        return "The pixels of a picture are mixed up, not moved.", "Move all pixels of a picture by the same step."
    return (
        "A picture came back that is no shift of its original with zeros coming in.",
        "Try one picture by hand: np.arange(1, 10).reshape(3, 3) moved down by 1 begins with a row of zeros.",
    )
