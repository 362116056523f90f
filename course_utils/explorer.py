"""`Explorer`: sliders that retrain a real Keras network and draw its learning curves while it learns."""

from __future__ import annotations

import atexit
import base64
import threading
from collections.abc import Sequence

from IPython import get_ipython

from course_utils.data import Dataset
from course_utils.experiment import Settings, code
from course_utils.explorer_controls import CONTROLS, Setup, check_names, start_setup
from course_utils.explorer_face import Face
from course_utils.explorer_painter import Painter, Scene
from course_utils.explorer_rates import shows_rate
from course_utils.explorer_text import settings_text, summary
from course_utils.explorer_view import Curves, highest_loss, still_png
from course_utils.explorer_worker import Progress, Trained, Worker, guessing_loss
from course_utils.validation import check_choice, check_integer

__all__ = ["Explorer"]

EARLIER, PINS, SEEDS = 5, 6, 5
OVER = ("finished", "stopped", "failed")
NEEDS_GRAPH = ("width", "depth", "dropout", "batch_norm", "activation", "optimizer")


class Explorer:
    """Sliders, a network that is trained anew at every move, and its curves.

    Show it by naming it in the last line of a cell. Training takes place in a thread of its own: a move while it runs
    stops that run at its next epoch, and the newest values win. Settings that were trained before are shown at once.

    Parameters
    ----------
    data : Dataset
    controls : sequence of str
        Names in `explorer_controls.CONTROLS`: any of width, depth, dropout, batch_norm, activation, optimizer,
        learning_rate, schedule, batch_size, epochs, and, for data from `load_mnist`, n_train and label_noise.
        With "schedule" among them, or a schedule other than "constant" to start with, the picture has a second panel
        with the learning rate of every epoch.
    shuffle : bool
        Draw a new order of the training rows for every epoch.
    **fixed
        Any field of `Settings`: where a control starts, or what stays as it is.

    Raises
    ------
    ValueError
        If a control or a setting is unknown, or a value is not allowed; the message names it and the choices.

    Examples
    --------
    >>> explorer = Explorer(load_red_wine(), epochs=100, batch_size=256)  # doctest: +SKIP
    >>> explorer.set(width=256).wait()  # doctest: +SKIP
    """

    def __init__(
        self,
        data: Dataset,
        *,
        controls: Sequence[str] = ("width", "depth", "dropout"),
        shuffle: bool = True,
        **fixed: object,
    ) -> None:
        if not isinstance(data, Dataset):
            raise ValueError(f"data={data!r} is not a Dataset. Pass load_red_wine() or load_mnist().")
        check_choice("shuffle", shuffle, (True, False))
        self.controls, self._start = check_names(controls, data), start_setup(data, fixed)
        for name in self.controls:
            CONTROLS[name].check(self._start.value(name))
        self._setup, self._guess, self._shuffle = self._start, guessing_loss(data), shuffle
        self._changed = threading.Condition(threading.RLock())
        self._progress, self._message = Progress(0, "preparing"), ""
        self._earlier: list[tuple[Trained, ...]] = []
        self._last_seen: tuple[Trained, ...] = ()  # in front until the newest request, and faint until it has a curve
        self._pinned: list[tuple[Trained, ...]] = []
        self._is_wide, self._shows_code, self._last_moved = False, False, self.controls[0]
        self._asked, self._closed, self._code = 1, False, (None, "")
        self.worker = Worker(data, listen=self._listen, neighbours=self._neighbours, shuffle=shuffle)
        self._with_rate = shows_rate(self.controls, self._start)
        self.face = Face(
            self.controls,
            self._start,
            with_rate=self._with_rate,
            change=self._moved,
            press=self._pressed,
            complain=self._complain,
        )
        self._painter = Painter(
            self.face,
            data,
            changed=self._changed,
            with_rate=self._with_rate,
            is_newest=lambda number: number == self.worker.number,
        )
        atexit.register(self.close)  # a thread that ends in the middle of TensorFlow would take the process with it
        self._ask((self._start,))

    @property
    def settings(self) -> Settings:
        """The settings that the controls stand at."""
        return self._setup.settings

    @property
    def data(self) -> Dataset:
        """The data set that the controls stand at."""
        return self.worker.datasets.of(self._setup)

    @property
    def runs(self) -> list[Trained]:
        """All finished runs, oldest first."""
        return self.worker.runs

    @property
    def status(self) -> str:
        """One of "preparing", "training", "finished", "stopped", "failed" or "closed"."""
        return "closed" if self._closed else self._progress.status

    @property
    def sentence(self) -> str:
        """What stands under the picture: settings, number of parameters, and what came of them."""
        with self._changed:
            words = settings_text(self._setup, self.data, start=self._start, controls=self.controls)
            progress = self._progress
        if progress.status == "failed":
            return f"{words} · failed: {progress.error}"
        if progress.status == "finished":
            return f"{words} · {summary(progress.runs, self.data)}"
        return words

    def set(self, **settings: object) -> Explorer:
        """Change settings, whether there is a control for them or not, and train; returns the explorer itself.

        Raises
        ------
        ValueError
            If a name is unknown or a value is not allowed; nothing changes then.
        """
        with self._changed:
            known = [*Settings.__dataclass_fields__, *dict(self._setup.data)]
            for name, value in settings.items():
                check_choice("setting", name, known)
                if name in self.controls:
                    CONTROLS[name].check(value)
            setup = self._setup.changed(**settings)
            if setup != self._setup or self._progress.status != "finished" or len(self._progress.runs) > 1:
                self._ask((setup,))
        return self

    def wait(self, timeout: float | None = None) -> Trained | list[Trained]:
        """Wait until training is over and the picture is drawn.

        Returns
        -------
        Trained or list of Trained
            The run in the picture, stopped or finished; a list after `repeat_seeds`.

        Raises
        ------
        TimeoutError
            If it takes longer than `timeout` seconds.
        Exception
            Whatever made the training fail.
        """
        with self._changed:
            if not self._changed.wait_for(self._is_over, timeout):
                raise TimeoutError(f"Still {self._progress.status} after {timeout:g} seconds. Wait longer, or .stop().")
            if self._closed:
                raise RuntimeError("This explorer is closed. Make a new one: Explorer(data, …).")
            if self._progress.error is not None:
                raise self._progress.error
            return self._progress.runs[0] if len(self._progress.runs) == 1 else list(self._progress.runs)

    def _is_over(self) -> bool:
        return self._closed or (self._progress.status in OVER and self._painter.is_done)

    def stop(self) -> None:
        """Stop training at the end of the epoch."""
        self.worker.stop()

    def pin(self) -> None:
        """Keep the run in the picture, in a colour of its own; or let it go, if it is pinned.

        Raises
        ------
        ValueError
            If nothing has been finished yet, or the picture holds as many pinned runs as it can.
        """
        with self._changed:
            group = self._progress.runs
            if self._progress.status != "finished":
                raise ValueError("There is no finished run to pin. Wait until training is over.")
            if group in self._pinned:
                self._pinned.remove(group)
            elif len(self._pinned) == PINS:
                raise ValueError(
                    f"{PINS} runs are pinned already. Go back to one of them and unpin it, or press Reset."
                )
            else:
                self._pinned.append(group)
            self._refresh()

    def repeat_seeds(self, n: int = SEEDS) -> Explorer:
        """Train the same settings from `n` starting points, and show median and range; returns the explorer."""
        first = self._setup.settings.seed
        check_integer("n", n, at_least=1, at_most=50)
        self._ask([self._setup.changed(seed=first + i) for i in range(n)])
        return self

    def reset(self) -> Explorer:
        """Go back to the first settings, with nothing else in the picture; returns the explorer."""
        with self._changed:
            self._ask((self._start,))
            self._earlier, self._pinned, self._last_seen, self._is_wide = [], [], (), False
            self._refresh()
        return self

    def code(self) -> str:
        """Plain Keras code of the settings that the controls stand at."""
        return code(self._setup.settings, self.data, shuffle=self._shuffle)

    def close(self) -> None:
        """End all threads; the picture stays, and nothing can be moved any more."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        atexit.unregister(self.close)
        self.worker.close()
        self._painter.close()
        self.face.disable()
        self.face.show_status("closed", "closed")

    def __repr__(self) -> str:
        return f"<Explorer of {self.worker.datasets.given.name}, {self.status}: {self._stable_line()}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        line = f"Explorer of {self.worker.datasets.given.name}: {self._stable_line()}"
        if has_front_end():
            self.worker.prepare()
            view = {"version_major": 2, "version_minor": 0, "model_id": self.face.root.model_id}
            return {"text/plain": line, "application/vnd.jupyter.widget-view+json": view}
        self.wait()
        with self._changed:
            curves, setup = self.shown(), self._setup
        picture = still_png(curves, setup, self.data, self.sentence, with_rate=self._with_rate)
        return {"text/plain": line, "image/png": base64.b64encode(picture).decode()}

    def _stable_line(self) -> str:
        """The settings; no number that was measured, so that a recorded notebook can be compared on any machine."""
        return settings_text(self._setup, self.data, start=self._start, controls=self.controls)

    # From the widgets

    def _moved(self, name: str, value: object) -> None:
        try:
            self._last_moved = name
            self.set(**{name: value})
        except Exception as error:
            self._complain(error)

    def _pressed(self, button: str) -> None:
        actions = {"stop": self.stop, "pin": self.pin, "seeds": self.repeat_seeds, "reset": self.reset}
        try:
            actions.get(button, self._toggle_code)()
        except Exception as error:
            self._complain(error)

    def _toggle_code(self) -> None:
        with self._changed:
            self._shows_code = not self._shows_code
            self._refresh()

    def _complain(self, error: Exception) -> None:
        """Show what went wrong until the next move."""
        with self._changed:
            self._message = str(error) or type(error).__name__
            self._refresh()

    # To the worker, and back

    def _ask(self, setups: Sequence[Setup]) -> None:
        with self._changed:
            before = self._progress
            progress = self.worker.request(setups)
            if before.status == "finished" and before.runs not in self._pinned:
                self._earlier = [*(group for group in self._earlier if group != before.runs), before.runs]
            self._last_seen = self._runs_with_curve() or self._last_seen
            self._setup, self._asked = setups[0], len(setups)
            self._message = ""
            self._progress = Progress(self.worker.number, "preparing")
            self.face.show_setup(self._setup)
            if progress is None:
                self._refresh()
            else:
                self._listen(progress)

    def _listen(self, progress: Progress) -> None:
        with self._changed:
            if progress.number != self.worker.number or self._closed:
                return
            self._progress = progress
            if progress.status == "finished":
                self._earlier = [group for group in self._earlier if group != progress.runs][-EARLIER:]
                top = highest_loss(self.data.task, self._guess)
                ends = [run.history["val_loss"][-1] for run in progress.runs if "val_loss" in run.history]
                self._is_wide |= any(not end < top for end in ends)
            self._refresh()

    def _neighbours(self) -> list[Setup]:
        """What the next move is likely to ask for: first the control that was moved last, nearest values first."""
        with self._changed:
            setup, moved = self._setup, self._last_moved
        names = sorted((name for name in self.controls if name in NEEDS_GRAPH), key=lambda name: name != moved)
        found = []
        for name in names:
            control, value = CONTROLS[name], setup.value(name)
            at = control.nearest(value) if control.is_slider else control.values.index(value)
            steps = (1, -1, 2) if name == moved and name != "dropout" else (1, -1)
            found += [
                setup.changed(**{name: control.values[at + step]})
                for step in steps
                if 0 <= at + step < len(control.values)
            ]
        return found

    # To the screen

    def _refresh(self) -> None:
        with self._changed:
            self._painter.show(self._scene())

    def shown(self) -> Curves:
        """What the picture shows."""
        progress, task, runs = self._progress, self.data.task, self._runs_with_curve()
        names = [*self.controls[:4], *(name for name in self.controls[4:])]
        pinned = tuple((group, _words(group, names, self._start)) for group in self._pinned)
        # The run in the picture is drawn in front, not a second time behind.
        earlier = tuple(
            group for group in self._earlier[-EARLIER:] if group != progress.runs and group not in self._pinned
        )
        if not runs and self._last_seen and self._last_seen not in (*earlier, *self._pinned):
            earlier = (*earlier, self._last_seen)  # stopped by the newest request; gone with its first curve
        shown = [group[0].settings.epochs for group in (*earlier, *self._pinned)]
        return Curves(
            task,
            runs,
            is_finished=progress.status in OVER,
            earlier=earlier,
            pinned=pinned,
            epochs=max([self._setup.settings.epochs, *shown]),
            top=highest_loss(task, self._guess, wide=self._is_wide),
            guess=self._guess,
            setup=self._setup if self._with_rate else None,
        )

    def _runs_with_curve(self) -> tuple[Trained, ...]:
        """The current runs, once there is more to draw of them than one point."""
        progress = self._progress
        epochs, of = (progress.runs[-1].epochs, progress.runs[-1].settings.epochs) if progress.runs else (0, 0)
        has_curve = progress.status in OVER or epochs >= min(2, of) or len(progress.runs) > 1
        return progress.runs if has_curve else ()

    def _scene(self) -> Scene:
        progress, settings, seeds = self._progress, self._setup.settings, self._asked
        epochs = progress.runs[-1].epochs if progress.runs else 0
        seed = f"seed {max(1, len(progress.runs))} of {seeds} · " if seeds > 1 else ""
        place = f"{seed}epoch {epochs} of {settings.epochs}"
        words = {
            "preparing": f"{seed}preparing …",
            "training": place,
            "stopped": f"stopped at {place}" if epochs else "stopped before the first epoch",
        }
        is_over, is_finished = progress.status in OVER, progress.status == "finished"
        if self._shows_code and self._code[0] != self._setup:
            self._code = self._setup, self.code()
        return Scene(
            number=progress.number,
            setup=self._setup,
            curves=self.shown(),
            status=progress.status,
            status_words=words.get(progress.status, progress.status),
            done=sum(run.epochs for run in progress.runs),
            of=0 if is_over or seeds == 1 else settings.epochs * seeds,
            sentence=self._message or self.sentence,
            is_error=bool(self._message) or progress.status == "failed",
            is_final=is_finished and not self._message,
            code=self._code[1] if self._shows_code else None,
            can_pin=is_finished,
            is_pinned=progress.runs in self._pinned,
        )


def has_front_end() -> bool:
    """Whether somebody may be looking at widgets.

    nbval, nbconvert and the like run a notebook with nobody to answer a question (`input`), and say so to the kernel.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False))


def _words(group: Sequence[Trained], names: Sequence[str], start: Setup) -> str:
    """A pinned run in the legend: its settings, or with many controls those that were moved."""
    setup = group[0].setup
    moved = [name for name in names if setup.value(name) != start.value(name)]
    words = setup.describe(names if len(names) <= 4 else moved) or "first settings"
    return words + (f" · {len(group)} seeds" if len(group) > 1 else "")
