"""`Augmenter`: sliders that shift, turn and zoom ten digits at once, and a button that trains with and without."""

from __future__ import annotations

import course_utils.quiet  # first: TensorFlow's log lines stay out of the page
import base64
import html
import io
import threading
from dataclasses import replace

import ipywidgets as widgets
import keras
import numpy as np
from matplotlib.figure import Figure

from course_utils.data import Dataset
from course_utils.explorer.threads import Service
from course_utils.frontend import has_front_end
from course_utils.palette import STATUS_COLORS
from course_utils.training import fit
from course_utils.validation import check_integer, check_number

__all__ = ["Augmenter"]

HIGHEST = {"shift": 0.4, "rotation": 0.5, "zoom": 0.5}  # of the sliders; 0.5 is half a turn to both sides
PLAIN = (0.0, 0.0, 0.0)
SHOWN = 10  # digits
Strengths = tuple[float, float, float]


class Augmenter(Service):
    """As the last line of a cell: augmented pictures under sliders, and two validation curves under a button.

    Moving a slider draws the pictures anew. **Train** trains a small network (14×14 pixels, 64 units, Adam at 0.01) on
    plain pictures and one on augmented ones, drawn anew in every epoch, in a thread of its own. A newer request
    replaces one that is under way. Finished trainings are kept.

    Parameters
    ----------
    data : Dataset
        Pictures with classes, `x_train` of shape (rows, height, width, 1), as from `load_mnist(flatten=False)`.
    shift, rotation, zoom : float
        Largest change: shares of the picture's size (to 0.4), a full turn (to 0.5, both sides), the size (to 0.5).
    epochs : int
        At least 1.
    seed : int
        Of starting weights, orders and changes.

    Raises
    ------
    ValueError
        If the data are no pictures with classes, or a number is out of its range.
    """

    def __init__(
        self,
        data: Dataset,
        *,
        shift: float = 0.0,
        rotation: float = 0.0,
        zoom: float = 0.0,
        epochs: int = 40,
        seed: int = 0,
    ) -> None:
        super().__init__("augmenter train", threading.Condition(threading.RLock()))
        shape = data.x_train.shape
        if data.task != "classification" or len(shape) != 4 or not len(data.x_valid):
            raise ValueError(
                f"data are a {data.task} with inputs of shape {shape} and {len(data.x_valid)} validation rows. "
                "Pass pictures with classes and a validation set, for instance load_mnist(flatten=False)."
            )
        given = {"shift": shift, "rotation": rotation, "zoom": zoom}
        given = {name: check_number(name, value, at_least=0, at_most=HIGHEST[name]) for name, value in given.items()}
        self.data, self._seed = data, check_integer("seed", seed, at_least=0)
        self._epochs = check_integer("epochs", epochs, at_least=1)
        self._wanted, self._is_busy = None, False  # strengths to be trained
        self.curves: dict[Strengths, list[float]] = {}  # validation loss by epoch, of finished trainings
        self.sliders = {
            name: widgets.FloatSlider(value=value, max=HIGHEST[name], step=0.01, description=name)
            for name, value in given.items()
        }
        for slider in self.sliders.values():
            slider.observe(lambda _: self._redraw(), names="value")
        self.pictures, self.losses = widgets.Image(format="png"), widgets.Image(format="png")
        self.pictures.layout.max_width = self.losses.layout.max_width = "100%"
        self.pictures.layout.width, self.losses.layout.width = "720px", "540px"  # a column would stretch them
        self.losses.layout.display = "none"
        self.button = widgets.Button(description="Train", button_style="primary")
        self.button.on_click(lambda _: self.train())
        self.status = widgets.HTML()
        self.root = widgets.VBox([self.pictures, *self.sliders.values(), self.button, self.status, self.losses])
        self._redraw()

    @property
    def strengths(self) -> Strengths:
        """Shift, rotation and zoom, as the sliders stand."""
        return tuple(round(slider.value, 4) for slider in self.sliders.values())

    def augmented(self, images: np.ndarray, strengths: Strengths, *, seed: int = 0) -> np.ndarray:
        """Changed copies of `images`; the same seed changes them in the same way."""
        shift, rotation, zoom = strengths
        paper = {"fill_mode": "constant", "fill_value": 0.0, "seed": seed}
        moved = keras.layers.RandomTranslation(shift, shift, **paper)(images, training=True)
        turned = keras.layers.RandomRotation(rotation, **paper)(moved, training=True)
        zoomed = keras.layers.RandomZoom(zoom, **paper)(turned, training=True)
        return np.array(zoomed if any(strengths) else images)

    def train(self) -> None:
        """Train with and without, in the place of what is being trained; returns at once."""
        with self._changed:
            self._wanted, self._is_busy = self.strengths, True
            self.start()
            self._changed.notify_all()

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until nothing is being trained; whether that came true within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_busy, timeout=timeout)

    def _serve(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._wanted is not None)
            strengths, self._wanted = self._wanted, None
        if self._closed:
            return
        try:
            curves = [self._curve(some) for some in (PLAIN, strengths)]
            if None not in curves:
                self._show(*curves, strengths)
        except Exception as error:
            self._say(str(error), failed=True)
        with self._changed:
            self._is_busy = self._wanted is not None
            self._changed.notify_all()

    def _curve(self, strengths: Strengths) -> list[float] | None:
        """Validation loss by epoch; None where something newer was asked for."""
        if strengths in self.curves:
            return self.curves[strengths]
        model, losses = self._network(), []
        for epoch in range(self._epochs):
            if self._wanted is not None or self._closed:
                return None
            self._say(f"Training {_text(strengths)}: epoch {epoch + 1} of {self._epochs}")
            seed = self._seed + 10_000 * epoch
            seen = replace(self.data, x_train=self.augmented(self.data.x_train, strengths, seed=seed))
            losses += fit(model, seen, epochs=1, batch_size=64, seed=seed).history["val_loss"]
        return self.curves.setdefault(strengths, losses)

    def _network(self) -> keras.Sequential:
        start = [keras.initializers.GlorotUniform(seed=self._seed + place) for place in (1, 2)]
        shrink = [keras.Input(self.data.input_shape), keras.layers.AveragePooling2D(2), keras.layers.Flatten()]
        hidden = keras.layers.Dense(64, activation="relu", kernel_initializer=start[0])
        output = keras.layers.Dense(self.data.n_outputs, kernel_initializer=start[1])
        model = keras.Sequential([*shrink, hidden, output])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(0.01), loss=loss)
        return model

    def _show(self, plain: list[float], changed: list[float], strengths: Strengths) -> None:
        figure = Figure(figsize=(6, 3), dpi=90, layout="constrained")
        ax = figure.subplots()
        ax.plot(range(1, len(plain) + 1), plain, "k--", label="plain")
        ax.plot(range(1, len(changed) + 1), changed, "C0-", label=_text(strengths))
        ax.set(xlabel="epoch", ylabel="validation cross-entropy (nats)", ylim=(0, None))
        ax.legend()
        self.losses.value = _png(figure)
        self.losses.layout.display = ""
        self._say(f"Lowest validation loss: {min(plain):.3f} plain, {min(changed):.3f} with {_text(strengths)}.")

    def _redraw(self) -> None:
        try:
            images = self.augmented(self.data.x_train[:SHOWN], self.strengths, seed=self._seed)
            figure = Figure(figsize=(8, 0.9), dpi=90)
            for ax, image in zip(figure.subplots(1, len(images), squeeze=False)[0], images, strict=True):
                ax.imshow(image[..., 0], cmap="gray_r", vmin=0, vmax=1)
                ax.axis("off")
            self.pictures.value = _png(figure)
        except Exception as error:
            self._say(str(error), failed=True)

    def _say(self, line: str, *, failed: bool = False) -> None:
        style = f' style="color: {STATUS_COLORS["failed"]}"' if failed else ""
        self.status.value = f'<span role="status"{style}>{html.escape(line)}</span>'

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        line = f"Augmenter of {self.data.name}: {_text(self.strengths)}"
        if has_front_end():
            view = {"version_major": 2, "version_minor": 0, "model_id": self.root.model_id}
            return {"text/plain": line, "application/vnd.jupyter.widget-view+json": view}
        return {"text/plain": line, "image/png": base64.b64encode(bytes(self.pictures.value)).decode()}


def _text(strengths: Strengths) -> str:
    return " · ".join(f"{name} {value:g}" for name, value in zip(HIGHEST, strengths, strict=True))


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()
