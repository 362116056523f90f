"""`Explorer`: sliders that retrain a real Keras network and draw its learning curves while it learns."""

from __future__ import annotations

import atexit
import base64
import threading
from collections.abc import Sequence

from IPython import get_ipython

from course_utils.data import Dataset
from course_utils.experiment import Settings
from course_utils.explorer.controls import CONTROLS, Setup, check_names, neighbours, start_setup
from course_utils.explorer.curves import Curves
from course_utils.explorer.figure import still_png
from course_utils.explorer.painter import Painter
from course_utils.explorer.progress import Progress, Trained
from course_utils.explorer.state import ExplorerState
from course_utils.explorer.widgets import Widgets
from course_utils.explorer.worker import CLOSED, Worker
from course_utils.validation import check_choice, check_integer

__all__ = ["Explorer"]


class Explorer:
    """Sliders, a network that is trained anew at every move, and its curves.

    Show it by naming it in the last line of a cell. Training takes place in a thread of its own: a move while it runs
    stops that run at its next epoch, and the newest values win. Settings that were trained before are shown at once.

    Parameters
    ----------
    data : Dataset
    controls : sequence of str
        Names in `explorer.controls.CONTROLS`: any of width, depth, dropout, batch_norm, activation, optimizer,
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
        self._changed = threading.Condition(threading.RLock())
        self._last_moved, self._closed = self.controls[0], False
        self.worker = Worker(data, listen=self._listen, neighbours=self._neighbours, shuffle=shuffle)
        self._state = ExplorerState(self.worker.datasets, self._start, self.controls, shuffle=shuffle)
        self.widgets = Widgets(
            self.controls,
            self._start,
            with_rate=self._state.with_rate,
            change=self._moved,
            press=self._pressed,
            complain=self._complain,
        )
        self._painter = Painter(
            self.widgets,
            data,
            changed=self._changed,
            with_rate=self._state.with_rate,
            is_newest=lambda number: number == self.worker.number,
        )
        atexit.register(self.close)  # a thread that ends in the middle of TensorFlow would take the process with it
        self._ask((self._start,))

    @property
    def settings(self) -> Settings:
        """The settings that the controls stand at."""
        return self._state.setup.settings

    @property
    def data(self) -> Dataset:
        """The data set that the controls stand at."""
        return self._state.data

    @property
    def runs(self) -> list[Trained]:
        """All finished runs, oldest first."""
        return self.worker.runs

    @property
    def status(self) -> str:
        """One of "preparing", "training", "finished", "stopped", "failed" or "closed"."""
        return "closed" if self._closed else self._state.progress.status

    @property
    def sentence(self) -> str:
        """What stands under the picture: settings, number of parameters, and what came of them."""
        with self._changed:
            return self._state.sentence

    def shown(self) -> Curves:
        """What the picture shows."""
        with self._changed:
            return self._state.curves()

    def set(self, **settings: object) -> Explorer:
        """Change settings, whether there is a control for them or not, and train; returns the explorer itself.

        Raises
        ------
        ValueError
            If a name is unknown or a value is not allowed; nothing changes then.
        """
        with self._changed:
            before, progress = self._state.setup, self._state.progress
            known = [*Settings.__dataclass_fields__, *dict(before.data)]
            for name, value in settings.items():
                check_choice("setting", name, known)
                if name in self.controls:
                    CONTROLS[name].check(value)
            setup = before.changed(**settings)
            if setup != before or not progress.is_finished or len(progress.runs) > 1:
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
                raise TimeoutError(f"Still {self.status} after {timeout:g} seconds. Wait longer, or .stop().")
            if self._closed:
                raise RuntimeError(CLOSED)
            progress = self._state.progress
            if progress.error is not None:
                raise progress.error
            return progress.runs[0] if len(progress.runs) == 1 else list(progress.runs)

    def _is_over(self) -> bool:
        return self._closed or (self._state.progress.is_over and self._painter.is_done)

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
            self._state.pin()
            self._refresh()

    def repeat_seeds(self, n: int = 5) -> Explorer:
        """Train the same settings from `n` starting points, and show median and range; returns the explorer."""
        check_integer("n", n, at_least=1, at_most=50)
        setup = self._state.setup
        self._ask([setup.changed(seed=setup.settings.seed + i) for i in range(n)])
        return self

    def reset(self) -> Explorer:
        """Go back to the first settings, with nothing else in the picture; returns the explorer."""
        with self._changed:
            self._ask((self._start,))
            self._state.forget()
            self._refresh()
        return self

    def code(self) -> str:
        """Plain Keras code of the settings that the controls stand at."""
        with self._changed:
            return self._state.code()

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
        self.widgets.disable()
        self.widgets.show_status("closed", "closed")

    def __repr__(self) -> str:
        return f"<Explorer of {self.worker.datasets.given.name}, {self.status}: {self._state.settings_text}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        # No number that was measured, so that a recorded notebook can be compared on any machine.
        line = f"Explorer of {self.worker.datasets.given.name}: {self._state.settings_text}"
        if has_front_end():
            self.worker.prepare()
            view = {"version_major": 2, "version_minor": 0, "model_id": self.widgets.root.model_id}
            return {"text/plain": line, "application/vnd.jupyter.widget-view+json": view}
        self.wait()
        state = self._state
        with self._changed:
            seen = state.curves(), state.setup, state.data, state.sentence
        picture = still_png(*seen, with_rate=state.with_rate)
        return {"text/plain": line, "image/png": base64.b64encode(picture).decode()}

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
            self._state.shows_code = not self._state.shows_code
            self._refresh()

    def _complain(self, error: Exception) -> None:
        """Show what went wrong until the next move."""
        with self._changed:
            self._state.message = str(error) or type(error).__name__
            self._refresh()

    # To the worker, and back; and to the screen

    def _ask(self, setups: Sequence[Setup]) -> None:
        with self._changed:
            progress = self.worker.request(setups)
            self._state.start_request(setups, number=self.worker.number)
            if progress is not None:
                self._state.update(progress)
            self.widgets.show_setup(self._state.setup)
            self._refresh()

    def _listen(self, progress: Progress) -> None:
        with self._changed:
            if progress.number == self.worker.number and not self._closed:
                self._state.update(progress)
                self._refresh()

    def _neighbours(self) -> list[Setup]:
        with self._changed:
            return neighbours(self._state.setup, self.controls, moved=self._last_moved)

    def _refresh(self) -> None:
        """Have the state painted as it is now; whoever calls this holds the lock."""
        self._painter.show(self._state.scene())


def has_front_end() -> bool:
    """Whether somebody may be looking at widgets.

    nbval, nbconvert and the like run a notebook with nobody to answer a question (`input`), and say so to the kernel.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False))
