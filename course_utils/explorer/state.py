"""What has been seen in the explorer so far, and the scene that comes of it. Knows no thread, no lock and no widget."""

from __future__ import annotations

from collections.abc import Sequence

from course_utils.baselines import guessing_loss, linear_loss
from course_utils.data import Dataset
from course_utils.experiment import Settings
from course_utils.explorer import log
from course_utils.explorer.anatomy import Anatomy
from course_utils.explorer.control import Control
from course_utils.explorer.controls import Datasets, Setup, by_seed
from course_utils.explorer.own_code import own_code
from course_utils.explorer.progress import Group, Progress
from course_utils.explorer.scene import Curves, Scene, highest_loss, rate_powers, shows_rate
from course_utils.explorer.sweep import SWEPT, Sweep, finished_groups, sweep_status, sweep_summary
from course_utils.explorer.verdict import why
from course_utils.explorer.words import (
    COMPARED,
    MEASURES,
    comparison,
    is_held_against_seeds,
    legend_text,
    settings_text,
    status_text,
    summary,
)
from course_utils.palette import FAINT, PARTS, PIN_COLORS
from course_utils.source import code

__all__ = ["ExplorerState"]

Ends = tuple[int, float, tuple[int, int]]
EARLIER, PINS = 5, len(PIN_COLORS)
ROWS = 50  # of the table, the newest ones


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
        What was asked for last; with several seeds, the first of them; of a sweep, where the controls stand.
    progress : Progress
        What has come of it.
    message : str
        Stands above the sentence until the next request: what went wrong with a control or a button.
    note : str
        Stands there as well: what was done.
    moved : str
        The control that was moved last.
    shows_code : bool
        Whether the code stands below the sentence.
    with_rate : bool
        Whether the picture has the panel of the learning rates.
    """

    def __init__(self, datasets: Datasets, start: Setup, controls: Sequence[str], *, shuffle: bool = True) -> None:
        self.setup, self.progress, self.message, self.shows_code = start, Progress(0, "preparing"), "", False
        self.note, self.moved = "", controls[0]
        self.with_rate = shows_rate(controls, start)
        self._datasets, self._start, self._controls, self._shuffle = datasets, start, tuple(controls), shuffle
        given = datasets.given
        self._task, self._guess, self._plane = given.task, guessing_loss(given), linear_loss(given)
        self._loss_label, self._measure = given.loss_label, MEASURES[given.task]
        self._anatomy: Anatomy | None = None  # of the last network of the reader's that was built
        if start.network is not None:  # then they are known when the first one is built
            self._guess, self._plane, self._loss_label, self._measure = float("nan"), float("nan"), "loss", "loss"
        self._seeds = 1
        self._swept: tuple[Control, tuple[Setup, ...]] | None = None  # and all that it trains
        self._sweep: Sweep | None = None  # the last one that was made of it
        self._earlier: list[Group] = []
        self._last_seen: Group = ()  # in front until the newest request, and faint until it has a curve
        self._pinned: list[Group] = []
        self._finished: list[Group] = []  # all that ever were, in their order: the table of runs
        self._texts: list[dict[str, object]] = []  # of their rows; a scene is made fifty times a second
        self._held: Ends | None = None  # of the axes, where they are not to follow

    @property
    def data(self) -> Dataset:
        """The data set of what was asked for."""
        return self._datasets.of(self.setup)

    @property
    def settings_text(self) -> str:
        """What was asked for; no number that was measured."""
        swept = "" if self._swept is None else self._swept[0].name
        return settings_text(self.setup, self.data, start=self._start, controls=self._controls, without=swept)

    @property
    def sentence(self) -> str:
        """What was asked for, and what came of it."""
        parts, progress, sweep = [self.settings_text], self.progress, self.sweep
        if sweep is not None:
            parts = [sweep_summary(sweep, self._measure, self.settings_text)]
        if progress.status == "failed":
            parts.append(f"failed: {progress.error}")
        is_told = progress.is_finished or (progress.status == "stopped" and progress.epochs)
        if sweep is None and is_told:
            is_over, average = progress.is_finished, progress.average
            parts.append(summary(progress.runs, self.data, with_verdict=is_over, average=average))
            if self._compared:
                parts.insert(1, comparison(progress.runs, self._compared, name=self._name(self._compared)))
        return " · ".join(filter(None, parts))

    @property
    def sweep(self) -> Sweep | None:
        """What has come of a sweep, if one was asked for last."""
        if self._swept is None:
            return None
        groups, known = finished_groups(self.progress, self._seeds), self._sweep
        if known is None or known.groups != groups:  # it is asked for at every epoch, and its words take a while
            control, setups = self._swept
            self._sweep = Sweep(
                control,
                tuple(setup.value(control.name) for setup in setups[:: self._seeds]),
                groups,
                seeds=self._seeds,
                task=self._task,
                loss_label=self._loss_label,
                guess=self._guess,
                plane=self._plane,
            )
        return self._sweep

    @property
    def to_sweep(self) -> Control | None:
        """What the button Sweep takes: the slider that was moved last, or the first one."""
        known = (self._start.controls[name] for name in (self.moved, *self._controls))
        return next((control for control in known if control.is_slider), None)

    @property
    def _front(self) -> Group:
        """The runs in front; none while a sweep is in their place."""
        return self.progress.runs if self._swept is None else ()

    @property
    def _compared(self) -> Group:
        """The runs that were pinned last, if they are not those in front."""
        return self._pinned[-1] if self._pinned and self._front not in ((), self._pinned[-1]) else ()

    def _name(self, group: Group) -> str:
        """What finished runs are called in words: as in the table."""
        return f"run {self._finished.index(group) + 1}"

    @property
    def line(self) -> str:
        """The call that shows the explorer again as it stands."""
        own, network = self.setup.settings, self.setup.network
        defaults = vars(Settings()) if network is None else network.defaults
        arguments = [self.data.source or "data", f"controls={self._controls!r}"]
        if network is not None:
            arguments[1:1] = [
                f"build_model={network.name}",
                *([f"ranges={network.ranges!r}"] if network.ranges else []),
            ]
        changed = [name for name, value in vars(own).items() if value != defaults[name]]
        arguments += [f"{name}={getattr(own, name)!r}" for name in changed]
        return f"Explorer({', '.join(arguments + ([] if self._shuffle else ['shuffle=False']))})"

    def code(self) -> str:
        """Plain Keras code of what was asked for."""
        if self.setup.network is not None:
            return own_code(self.setup.settings, self.data, shuffle=self._shuffle)
        return code(self.setup.settings, self.data, shuffle=self._shuffle)

    def _code_or_why_not(self) -> str:
        """The code; where there is none, as a comment, the reason."""
        try:
            return self.code()
        except ValueError as error:
            return f"# {error}"

    def start_request(self, setups: Sequence[Setup], *, number: int, swept: Control | None = None) -> None:
        """Turn to the request with this number, of one setup per seed; what was in front goes behind.

        A sweep trains the values of `swept` one after the other, and leaves the controls where they are.
        """
        before = self.progress
        if self._swept is None:
            if before.is_finished and before.runs not in self._pinned:
                self._earlier.append(before.runs)
            self._last_seen = before.runs_with_curve or self._last_seen
        self.message, self.note, self._seeds = "", "", len(by_seed(setups)[0])
        self._swept, self._sweep = (None if swept is None else (swept, tuple(setups))), None
        if swept is None:
            self.setup = setups[0]
        self.progress = Progress(number, "preparing")

    def update(self, progress: Progress) -> None:
        """Take in what has come of the request."""
        self.progress = progress
        if progress.runs and progress.runs[-1].anatomy not in (None, self._anatomy):
            self._take(progress.runs[-1].anatomy)
        if self._swept is not None:
            finished = finished_groups(progress, self._seeds)
            # Those that were over while the last of them was reported are stored by now.
            finished = finished if progress.has_ended else finished[: len(progress.runs) // self._seeds - 1]
        else:
            finished = (progress.runs,) if progress.is_finished else ()
            self._earlier = [group for group in self._earlier if group not in finished]
        for group in finished:
            if group not in self._finished:
                self._record(group)

    def _take(self, anatomy: Anatomy) -> None:
        self._anatomy, self._guess, self._plane = anatomy, anatomy.guess, anatomy.plane
        self._loss_label, self._measure, self._sweep = anatomy.label, anatomy.measure, None

    def group(self, key: int) -> Group:
        """The runs in this row of the table, counted from 1; `ValueError` if there is no such row."""
        if not 1 <= key <= len(self._finished):
            raise ValueError(f"There is no run {key}. Choose from 1 to {len(self._finished)}.")
        return self._finished[key - 1]

    def pin(self, group: Group | None = None) -> None:
        """Keep these runs, or those in front, from now on; or let them go, if they are pinned.

        Raises
        ------
        ValueError
            If they are not finished, or as many are pinned as there are colours.
        """
        if group is None:
            group = self._front
        if group not in self._finished:
            raise ValueError("There is no finished run to pin. Wait until training is over.")
        if group in self._pinned:
            self._pinned.remove(group)
        elif len(self._pinned) == PINS:
            raise ValueError(f"{PINS} runs are pinned already. Untick one of them in the table, or press Reset.")
        else:
            self._pinned.append(group)

    @property
    def kept(self) -> tuple[tuple[Group, ...], dict[str, object]]:
        """The rows of the table, and which of them are pinned, faint and in front; for a file.

        Raises
        ------
        ValueError
            If nothing has been finished yet.
        """
        if not self._finished:
            raise ValueError("There is no finished run to save. Wait until training is over.")
        place = self._finished.index
        pinned, earlier = (tuple(map(place, groups)) for groups in (self._pinned, self._earlier[-EARLIER:]))
        front = place(self._front) if self._front in self._finished else len(self._finished) - 1
        return tuple(self._finished), {"pinned": pinned, "earlier": earlier, "front": front}

    def remember(self, groups: Sequence[Group], *, pinned: Sequence[int], earlier: Sequence[int]) -> None:
        """Take these for the rows of the table."""
        for group in groups:
            self._record(group)
        self._pinned, self._earlier = ([self._finished[i] for i in places] for places in (pinned, earlier))

    def _record(self, group: Group) -> None:
        """Give these runs a row in the table."""
        self._finished.append(group)
        self._texts.append(log.row(len(self._finished), group, start=self._start, controls=self._controls))

    def hold_axes(self, is_held: bool) -> None:
        """Keep all axes where they end now, or let them follow what is shown again."""
        self._held = self._ends_of_axes() if is_held else None

    def forget(self) -> None:
        """Leave nothing in the picture but the runs in front; the table keeps all of them."""
        self._earlier, self._pinned, self._last_seen = [], [], ()

    def curves(self) -> Curves:
        """What the picture shows."""
        runs = self.progress.runs_with_curve if self._swept is None else ()
        # The run in the picture is drawn in front, not a second time behind.
        earlier = tuple(group for group in self._earlier if group != self._front)[-EARLIER:]
        if not runs and self._last_seen and self._last_seen not in (*earlier, *self._pinned):
            earlier = (*earlier, self._last_seen)  # stopped by the newest request; gone with its first curve
        pinned = [(group, legend_text(group, start=self._start, controls=self._controls)) for group in self._pinned]
        behind = (*earlier, *self._pinned)
        epochs, top, rates = self._held or self._ends_of_axes()
        return Curves(
            self._task,
            runs,
            is_finished=self.progress.has_ended,
            earlier=earlier,
            pinned=tuple(pinned),
            numbers=tuple(self._finished.index(group) + 1 if group in self._finished else 0 for group in behind),
            epochs=epochs,
            top=top,
            rates=rates,
            guess=self._guess,
            plane=self._plane,
            setup=self.setup if self.with_rate else None,
            loss_label=self._loss_label,
            average=self.progress.average if len(runs) > 1 else (),
        )

    def rows(self) -> tuple[dict[str, object], ...]:
        """The table of runs, newest first."""
        pairs = zip(self._finished[-ROWS:], self._texts[-ROWS:], strict=True)
        return tuple({**texts, **self._look(group)} for group, texts in pairs)[::-1]

    def _look(self, group: Group) -> dict[str, object]:
        """Of a row in the table: its colour, that of its curve or transparent, and whether it is pinned and shown."""
        is_shown, is_pinned = group == self._front, group in self._pinned
        color = PARTS["validation"]["color"] if is_shown or group in self._earlier[-EARLIER:] else "transparent"
        if not is_shown:  # what is in front has the colour of its curve there, though it is pinned
            color = PIN_COLORS[self._pinned.index(group)] if is_pinned else (FAINT if color != "transparent" else color)
        return {"color": color, "is_pinned": is_pinned, "is_shown": is_shown}

    def _ends_of_axes(self) -> Ends:
        """Last epoch, highest loss and the learning rates' powers of ten.

        They follow the runs in front and those that are pinned; the faint ones are followed by the rates alone.
        """
        followed = [*self._pinned, *([self._front] if self.progress.has_ended else [])]
        epochs = [self.setup.settings.epochs, *(group[0].settings.epochs for group in followed if group)]
        curves = [run.history.get(name) for group in followed for run in group for name in ("loss", "val_loss")]
        top = highest_loss(self._task, self._guess, ends=[values[-1] for values in curves if values])
        starts = [
            self.setup.settings,
            *(run.settings for group in (*followed, *self._earlier[-EARLIER:]) for run in group),
        ]
        rates = [1e-3] if self.setup.network is not None else [settings.learning_rate for settings in starts]
        return max(epochs), top, rate_powers(rates)

    def _why(self) -> str:
        """The rule behind the verdict, and behind the comparison."""
        if self._swept is not None:
            return SWEPT
        reason, runs = why(self.progress.runs), self.progress.runs
        return f"{reason} {COMPARED}" if is_held_against_seeds(runs, self._compared) else reason

    def scene(self) -> Scene:
        """Everything that is to be seen: picture, status, sentence, table and code."""
        progress, settings, sweep = self.progress, self.setup.settings, self.sweep
        words, total = status_text(progress, settings, seeds=self._seeds), settings.epochs * self._seeds
        if sweep is not None:
            words, total = sweep_status(sweep, progress), sum(one.settings.epochs for one in self._swept[1])
        failure = f"This training failed: {progress.error}" if progress.status == "failed" else ""
        return Scene(
            number=progress.number,
            setup=self.setup,
            curves=self.curves(),
            status=progress.status,
            status_words=words,
            done=sum(run.epochs for run in progress.runs),
            of=0 if progress.has_ended or (self._seeds == 1 and sweep is None) else total,
            sentence=self.settings_text if failure else self.sentence,
            is_final=progress.is_finished and sweep is None,
            why=self._why() if progress.is_finished else "",
            error=self.message or failure,
            rows=self.rows(),
            code=self._code_or_why_not() if self.shows_code else None,
            line=self.line if self.shows_code else "",
            can_pin=progress.is_finished and sweep is None,
            is_pinned=self._front in self._pinned,
            sweep=sweep,
            anatomy=self._anatomy,
            sweeps=self.to_sweep.label if self.to_sweep else "",
            note=self.note,
        )
