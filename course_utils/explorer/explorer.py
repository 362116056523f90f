"""`Explorer`: sliders that retrain a real Keras network and draw its learning curves while it learns."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import pandas as pd

from course_utils.data import Dataset
from course_utils.experiment import Settings
from course_utils.explorer.asleep import Asleep
from course_utils.explorer.beginning import Beginning, begin, begin_again
from course_utils.explorer.controls import available, seeds_of
from course_utils.explorer.figure import still_png
from course_utils.explorer.hands import Hands
from course_utils.explorer.own import OwnSettings
from course_utils.explorer.page import PAGE
from course_utils.explorer.progress import ExplorerRun
from course_utils.explorer.saved import free_path
from course_utils.explorer.scene import Curves, shows_rate
from course_utils.explorer.session import CLOSED, Session, weakly
from course_utils.explorer.sweep import setups_of
from course_utils.explorer.widgets import Widgets
from course_utils.frontend import has_front_end
from course_utils.validation import check_choice, check_integer

__all__ = ["Explorer"]


class Explorer(Hands):
    """Sliders, a network that is trained anew at every move, and its curves.

    Show it by naming it in the last line of a cell. Training takes place in a thread of its own: a move while it runs
    stops that run at its next epoch, and the newest values win. Settings that were trained before are shown at once.

    It lives as long as somebody holds it, or its cell shows it: when that cell runs again, its threads end.

    Parameters
    ----------
    data : Dataset
    controls : sequence of str or None
        None is width, depth and dropout. Names in `explorer.controls.CONTROLS`: any of width, depth, dropout,
        batch_norm, activation, optimizer, learning_rate, weight_decay, schedule, batch_size, epochs, and, for data from
        `load_mnist`, n_train and label_noise.
        With "schedule" among them, or a schedule other than "constant" to start with, the picture has a second panel
        with the learning rate of every epoch.
        With `build_model`, its parameters, epochs, batch_size and seed; None is all of them.
    build_model : callable or None
        A function of your own that returns a compiled Keras model with one input and one output. Its parameters become
        controls, by their annotations (`int`, `float`, `bool`, `Literal`) or else by their defaults; what it calls
        `n_inputs`, `n_outputs`, `input_shape`, `epochs`, `batch_size` or `seed` is handed to it. It is called for every
        run, under the seed of that run; curves and sentence show the loss that it compiles.
    ranges : mapping or None
        For its parameters: a list of values, or a tuple (lowest, highest), as in
        `{"filters": [4, 8, 16], "dropout": (0.0, 0.8)}`.
    shuffle : bool
        Draw a new order of the training rows for every epoch.
    **fixed
        Any field of `Settings`, or any parameter of `build_model`: where a control starts, or what stays as it is.

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
        controls: Sequence[str] | None = None,
        build_model: Callable[..., keras.Model] | None = None,
        ranges: Mapping[str, Sequence[object]] | None = None,
        shuffle: bool = True,
        **fixed: object,
    ) -> None:
        self._begin(begin(data, controls, build_model=build_model, ranges=ranges, shuffle=shuffle, fixed=fixed))

    def _begin(self, beginning: Beginning) -> None:
        data, names, start, shuffle, saved = beginning
        self.controls, self._start = names, start
        self._file: Path | None = None
        self.widgets = Widgets(
            self.controls,
            self._start,
            with_rate=shows_rate(self.controls, self._start),
            change=weakly(self._moved),
            press=weakly(self._pressed),
            switch=weakly(self._switched),
            copy=weakly(self._copied),
            hear=weakly(self._heard),
            complain=weakly(self._complain),
        )
        self._session = Session(data, self._start, self.controls, self.widgets, shuffle=shuffle, saved=saved)
        self._state = self._session.state

    @classmethod
    def load(
        cls,
        path: str | Path,
        data: Dataset | None = None,
        *,
        build_model: Callable[..., keras.Model] | None = None,
        ranges: Mapping[str, Sequence[object]] | None = None,
    ) -> Explorer:
        """The explorer that was saved in this file: settings, curves, table and pins, without training them again.

        Moves train as usual from then on.

        Parameters
        ----------
        path : str or Path
        data : Dataset or None
            The data set that it explored; None loads it again, if a loader of the course made it.
        build_model, ranges
            As it was made with.

        Raises
        ------
        ValueError
            If the file is none, is damaged, or is of other data or of another network.
        """
        explorer = cls.__new__(cls)
        explorer._begin(begin_again(Path(path), data, build_model=build_model, ranges=ranges))
        return explorer

    def save(self, path: str | Path | None = None) -> Path:
        """Write all runs of the table to a small file of JSON, for `Explorer.load`; returns its path.

        Parameters
        ----------
        path : str or Path or None
            A file that is there already is replaced. None is a new file in the folder of the notebook, and from the
            second time on the same one again.

        Raises
        ------
        ValueError
            If nothing has been finished yet, or the folder does not exist.
        """
        if path is None:
            self._file = path = self._file or free_path(self._session.worker.datasets.given.name)
        self._session.save(Path(path))
        return Path(path)

    @property
    def settings(self) -> Settings | OwnSettings:
        """The settings that the controls stand at."""
        return self._state.setup.settings

    @property
    def data(self) -> Dataset:
        """The data set that the controls stand at."""
        return self._state.data

    @property
    def runs(self) -> list[ExplorerRun]:
        """All finished runs, oldest first."""
        return self._session.worker.runs

    @property
    def status(self) -> str:
        """One of "preparing", "training", "finished", "stopped", "failed" or "closed"."""
        return "closed" if self._session.ended else self._state.progress.status

    @property
    def sentence(self) -> str:
        """What stands under the picture: settings, number of parameters, and what came of them; or what went wrong."""
        with self._session.locked():
            return self._state.message or self._state.sentence

    @property
    def error(self) -> Exception | None:
        """What went wrong since the last move, in training or in showing it; `raise explorer.error` shows where."""
        return self._session.error

    def shown(self) -> Curves:
        """What the picture shows."""
        with self._session.locked():
            return self._state.curves()

    def set(self, **settings: object) -> Explorer:
        """Change settings, whether there is a control for them or not, and train; returns the explorer itself.

        Raises
        ------
        ValueError
            If a name is unknown or a value is not allowed; nothing changes then.
        """
        with self._session.open():
            before, progress = self._state.setup, self._state.progress
            known = list(before.values)
            for name, value in settings.items():
                check_choice("setting", name, known)
                if name in self.controls:
                    before.controls[name].check(value)
            setup = before.changed(**settings)
            if setup != before or not progress.is_finished or len(progress.runs) > 1 or self._state.sweep is not None:
                self._session.ask((setup,))
        return self

    def wait(self, timeout: float | None = None) -> ExplorerRun | list[ExplorerRun] | pd.DataFrame:
        """Wait until training is over and the picture is drawn.

        Returns
        -------
        ExplorerRun or list of ExplorerRun or pandas.DataFrame
            The run in the picture, stopped or finished; a list after `repeat_seeds`; after `sweep` a table with a row
            for each finished run: the value, "seed", and the "best" and the "last" validation loss.

        Raises
        ------
        TimeoutError
            If it takes longer than `timeout` seconds.
        RuntimeError
            If the explorer is closed, or was made in the process that this one was forked from.
        Exception
            Whatever made the training fail.
        """
        runs = self._session.wait(timeout)
        if isinstance(runs, pd.DataFrame):
            return runs
        return runs[0] if len(runs) == 1 else list(runs)

    def stop(self) -> None:
        """Stop training at the end of the epoch."""
        self._session.worker.stop()

    def pin(self) -> None:
        """Keep the run in the picture, in a colour of its own; or let it go, if it is pinned.

        Raises
        ------
        ValueError
            If nothing has been finished yet, or the picture holds as many pinned runs as it can.
        """
        with self._session.open():
            self._state.pin()
            self._session.refresh()

    def hold_axes(self, is_held: bool = True) -> None:
        """Keep both axes as they are, whatever is shown; or let them follow what is shown again."""
        check_choice("is_held", is_held, (True, False))
        with self._session.open():
            self._state.hold_axes(is_held)
            self._session.refresh()

    def repeat_seeds(self, n: int = 5) -> Explorer:
        """Train the same settings from `n` starting points, and show median and range; returns the explorer.

        They are trained five at a time, side by side; with "on plateau", or where they are large, one after the other.
        """
        check_integer("n", n, at_least=1, at_most=50)
        with self._session.open():
            self._session.ask(seeds_of(self._state.setup, n))
        return self

    def sweep(self, name: str | None = None, *, n: int = 5) -> Explorer:
        """Train the values of a slider from `n` starting points each, and draw the loss against them.

        It trains ten values or so of its range, beginning at the lowest, with all other settings as they are; `wait()`
        returns a table. What is best in it was chosen on the validation rows.

        Parameters
        ----------
        name : str or None
            Of a control that is a slider, whether it is shown or not; None is the slider that was moved last.
        n : int
            Seeds of each value.

        Raises
        ------
        ValueError
            If there is no such slider, or `n` is not between 1 and 20.
        """
        check_integer("n", n, at_least=1, at_most=20)
        with self._session.open():
            control = self._state.to_sweep
            if name is not None:
                known, given = self._start.controls, self._session.worker.datasets.given
                sliders = [one for one in available(given, self._start.network) if known[one].is_slider]
                control = known[check_choice("name", name, sliders)]
            if control is None:
                raise ValueError(
                    "None of the controls is a slider: name one to sweep, such as explorer.sweep('width')."
                )
            self._session.ask(setups_of(self._state.setup, control, n), swept=control)
        return self

    def reset(self) -> Explorer:
        """Go back to the first settings, with nothing else in the picture; returns the explorer."""
        with self._session.open():
            self._session.ask((self._start,))
            self._state.forget()
            self._session.refresh()
        return self

    def code(self) -> str:
        """Plain Keras code of the settings that the controls stand at."""
        with self._session.locked():
            return self._state.code()

    def line(self) -> str:
        """The call that shows the explorer again as it stands."""
        with self._session.locked():
            return self._state.line

    def close(self) -> None:
        """End all threads; the picture stays, and nothing can be moved any more."""
        self._session.end(CLOSED)

    def __repr__(self) -> str:
        return f"<{self._name}, {self.status}: {self._state.settings_text}>"

    @property
    def _name(self) -> str:
        return f"Explorer of {self._session.worker.datasets.given.name}"

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        # No number that was measured, so that a recorded notebook can be compared on any machine.
        line = f"{self._name}: {self._state.settings_text}"
        if self._session.ended:
            return {"text/plain": f"{line}. {self._session.ended}"}
        PAGE.show(self, self._session.end)
        if has_front_end():
            self._session.prepare()
            self._session.watch_over(Asleep(self._session.worker.datasets.given.name))
            view = {"version_major": 2, "version_minor": 0, "model_id": self.widgets.root.model_id}
            return {"text/plain": line, "application/vnd.jupyter.widget-view+json": view}
        self.wait()
        with self._session.locked():
            state = self._state
            seen, scene = (state.curves(), state.setup, state.data, state.sentence), state.scene()
        picture = still_png(*seen, with_rate=state.with_rate, anatomy=scene.anatomy)
        return {"text/plain": line, "image/png": base64.b64encode(picture).decode()}
