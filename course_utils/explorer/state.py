"""What has been seen in the explorer so far, and the scene that comes of it. Knows no thread, no lock and no widget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from course_utils.data import Dataset
from course_utils.experiment import code
from course_utils.explorer.controls import Datasets, Setup
from course_utils.explorer.curves import Curves, highest_loss
from course_utils.explorer.progress import Group, Progress, guessing_loss
from course_utils.explorer.rates import shows_rate
from course_utils.explorer.words import legend_text, settings_text, status_text, summary
from course_utils.palette import PIN_COLORS

__all__ = ["ExplorerState", "Scene"]

EARLIER, PINS = 5, len(PIN_COLORS)


@dataclass(frozen=True)
class Scene:
    """What is to be seen.

    Attributes
    ----------
    number : int
        Of the request that it belongs to.
    setup : Setup
        For the drawing of the network.
    curves : Curves
    status, status_words : str
    done, of : int
        For the progress bar, which is hidden where `of` is 0.
    sentence : str
    is_error, is_final : bool
        Whether the sentence is an error message, and whether its last part is a verdict.
    code : str or None
        What Show code shows, if it does.
    can_pin, is_pinned : bool
    """

    number: int
    setup: Setup
    curves: Curves
    status: str
    status_words: str
    done: int
    of: int
    sentence: str
    is_error: bool
    is_final: bool
    code: str | None
    can_pin: bool
    is_pinned: bool


class ExplorerState:
    """What was asked for, what came of it, and what of all that is in the picture.

    Whoever calls it from several threads takes a lock around each call.

    Parameters
    ----------
    datasets : Datasets
    start : Setup
        Where the controls stand at first.
    controls : sequence of str
        Names of the controls there are.
    shuffle : bool
        Whether training draws a new order of the rows for every epoch; for the code.

    Attributes
    ----------
    setup : Setup
        What was asked for last; with several seeds, the first of them.
    progress : Progress
        What has come of it.
    message : str
        Stands in the place of the sentence until the next request: what went wrong with a control or a button.
    shows_code : bool
        Whether the code stands below the sentence.
    with_rate : bool
        Whether the picture has the panel of the learning rates.
    """

    def __init__(self, datasets: Datasets, start: Setup, controls: Sequence[str], *, shuffle: bool = True) -> None:
        self.setup, self.progress, self.message, self.shows_code = start, Progress(0, "preparing"), "", False
        self.with_rate = shows_rate(controls, start)
        self._datasets, self._start, self._controls, self._shuffle = datasets, start, tuple(controls), shuffle
        self._task, self._guess = datasets.given.task, guessing_loss(datasets.given)
        self._seeds = 1
        self._earlier: list[Group] = []
        self._last_seen: Group = ()  # in front until the newest request, and faint until it has a curve
        self._pinned: list[Group] = []
        self._is_wide = False
        self._code: tuple[Setup | None, str] = (None, "")

    @property
    def data(self) -> Dataset:
        """The data set of what was asked for."""
        return self._datasets.of(self.setup)

    @property
    def settings_text(self) -> str:
        """What was asked for; no number that was measured."""
        return settings_text(self.setup, self.data, start=self._start, controls=self._controls)

    @property
    def sentence(self) -> str:
        """What was asked for, and what came of it."""
        if self.progress.status == "failed":
            return f"{self.settings_text} · failed: {self.progress.error}"
        if self.progress.is_finished:
            return f"{self.settings_text} · {summary(self.progress.runs, self.data)}"
        return self.settings_text

    def code(self) -> str:
        """Plain Keras code of what was asked for; kept until the next request, as it takes a moment to make."""
        if self._code[0] != self.setup:
            self._code = self.setup, code(self.setup.settings, self.data, shuffle=self._shuffle)
        return self._code[1]

    def _code_or_why_not(self) -> str:
        """The code; where there is none, as a comment, the reason."""
        try:
            return self.code()
        except ValueError as error:
            return f"# {error}"

    def start_request(self, setups: Sequence[Setup], *, number: int) -> None:
        """Turn to the request with this number, of one setup per seed; what was in front goes behind."""
        before = self.progress
        if before.is_finished and before.runs not in self._pinned:
            self._earlier.append(before.runs)
        self._last_seen = before.runs_with_curve or self._last_seen
        self.setup, self._seeds, self.message = setups[0], len(setups), ""
        self.progress = Progress(number, "preparing")

    def update(self, progress: Progress) -> None:
        """Take in what has come of the request."""
        self.progress = progress
        if progress.is_finished:
            self._earlier = [group for group in self._earlier if group != progress.runs][-EARLIER:]
            top = highest_loss(self._task, self._guess)
            ends = [run.history["val_loss"][-1] for run in progress.runs if "val_loss" in run.history]
            self._is_wide |= any(not end < top for end in ends)

    def pin(self) -> None:
        """Keep the runs in front from now on; or let them go, if they are pinned.

        Raises
        ------
        ValueError
            If they are not finished, or as many are pinned as there are colours.
        """
        group = self.progress.runs
        if not self.progress.is_finished:
            raise ValueError("There is no finished run to pin. Wait until training is over.")
        if group in self._pinned:
            self._pinned.remove(group)
        elif len(self._pinned) == PINS:
            raise ValueError(f"{PINS} runs are pinned already. Go back to one of them and unpin it, or press Reset.")
        else:
            self._pinned.append(group)

    def forget(self) -> None:
        """Forget everything but the runs in front."""
        self._earlier, self._pinned, self._last_seen, self._is_wide = [], [], (), False

    def curves(self) -> Curves:
        """What the picture shows."""
        runs = self.progress.runs_with_curve
        # The run in the picture is drawn in front, not a second time behind.
        earlier = tuple(group for group in self._earlier[-EARLIER:] if group != self.progress.runs)
        if not runs and self._last_seen and self._last_seen not in (*earlier, *self._pinned):
            earlier = (*earlier, self._last_seen)  # stopped by the newest request; gone with its first curve
        pinned = [(group, legend_text(group, start=self._start, controls=self._controls)) for group in self._pinned]
        behind = [group[0].settings.epochs for group in (*earlier, *self._pinned)]
        return Curves(
            self._task,
            runs,
            is_finished=self.progress.is_over,
            earlier=earlier,
            pinned=tuple(pinned),
            epochs=max([self.setup.settings.epochs, *behind]),
            top=highest_loss(self._task, self._guess, wide=self._is_wide),
            guess=self._guess,
            setup=self.setup if self.with_rate else None,
        )

    def scene(self) -> Scene:
        """Everything that is to be seen: picture, status, sentence and code."""
        progress, settings = self.progress, self.setup.settings
        return Scene(
            number=progress.number,
            setup=self.setup,
            curves=self.curves(),
            status=progress.status,
            status_words=status_text(progress, settings, seeds=self._seeds),
            done=sum(run.epochs for run in progress.runs),
            of=0 if progress.is_over or self._seeds == 1 else settings.epochs * self._seeds,
            sentence=self.message or self.sentence,
            is_error=bool(self.message) or progress.status == "failed",
            is_final=progress.is_finished and not self.message,
            code=self._code_or_why_not() if self.shows_code else None,
            can_pin=progress.is_finished,
            is_pinned=progress.runs in self._pinned,
        )
