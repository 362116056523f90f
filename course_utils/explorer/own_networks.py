"""Networks that a `build_model` of the reader's makes: built for every run, and trained on graphs that are kept."""

from __future__ import annotations

import keras
import numpy as np

from course_utils.building import call
from course_utils.data import Dataset
from course_utils.experiment import training_loss
from course_utils.explorer.anatomy import anatomy_of, judge_of_own
from course_utils.explorer.average import Judge
from course_utils.explorer.follow import AfterEpoch, Follow
from course_utils.explorer.own import OwnSettings
from course_utils.training import TensorSets, fit_tensors

__all__ = ["BuiltNetwork", "build_own"]

AT_ONCE = 500  # rows whose outputs are computed at a time: those of a convolution take much memory
LONGEST = 300  # letters of another error, in a message


def build_own(settings: OwnSettings, data: Dataset) -> keras.Model:
    """The compiled and built model of these settings.

    Raises
    ------
    ValueError
        If the function fails, or its model does not fit the data; the message says what to do.
    """
    network = settings.network
    line, arguments = network.call_line(settings, data), network.arguments(settings, data)
    try:
        model = call(network.build_model, arguments, input_shape=data.input_shape, seed=settings.seed)
    except Exception as error:
        is_ours = isinstance(error, ValueError) and str(error).startswith("build_model ")
        words = str(error).replace("build_model", network.name, 1) if is_ours else _short(error)
        raise ValueError(words if is_ours else f"{line} raised {type(error).__name__}: {words}") from error
    _check_ends(model, data, network.name)
    return model


def _check_ends(model: keras.Model, data: Dataset, name: str) -> None:
    """That there is one input of the data's shape, and one output of as many numbers as the task asks for."""
    for end in ("input", "output"):
        tensors = getattr(model, f"{end}s", None)
        if tensors is not None and len(tensors) != 1:
            raise ValueError(
                f"The model of {name} has {len(tensors)} {end}s, and the explorer trains models with one input and one "
                f"output. Leave the other {end}s out."
            )
    wanted, found = data.input_shape, _shape_of(model, "input")
    if found is not None and (
        len(found) != len(wanted) or any(a not in (None, b) for a, b in zip(found, wanted, strict=True))
    ):
        way_out = " Or load the digits in another shape: load_mnist(…, flatten=…)." if data.name == "MNIST" else ""
        raise ValueError(
            f"The model of {name} takes inputs of shape {found}, but an example of {data.name} has {wanted}. Begin it "
            f"with keras.Input({wanted}).{way_out}"
        )
    if found is None:
        try:
            found = tuple(model.compute_output_shape((None, *wanted)))[1:]
        except Exception:  # a model that does not say; training will
            return
    else:
        found = _shape_of(model, "output")
    allowed = {(data.n_outputs,)} | ({(1,)} if data.n_outputs == 2 else set())
    if found is not None and found not in allowed:
        numbers = "1 number" if data.n_outputs == 1 else f"{data.n_outputs} numbers, one per class"
        raise ValueError(
            f"The model of {name} gives an output of shape {found} for each example, but {data.name} asks for "
            f"{numbers}. End it with keras.layers.Dense({data.n_outputs})."
        )


def _shape_of(model: keras.Model, end: str) -> tuple | None:
    tensors = getattr(model, f"{end}s", None)
    return tuple(tensors[0].shape[1:]) if tensors else None


def _short(error: Exception) -> str:
    """The first lines of an error; those of Keras may be long."""
    words = " ".join(str(error).split())
    return words if len(words) <= LONGEST else f"{words[:LONGEST]} …"


class BuiltNetwork:
    """One model of a `build_model`, to be trained once.

    Parameters
    ----------
    settings : OwnSettings
    data : Dataset

    Attributes
    ----------
    anatomy : Anatomy
    """

    def __init__(self, settings: OwnSettings, data: Dataset) -> None:
        self._model, self._data = build_own(settings, data), data
        self.anatomy = anatomy_of(self._model, data)
        self._judge = judge_of_own(self._model, data)

    def judge(self, data: Dataset) -> Judge | None:
        """What makes one prediction of several models like this one."""
        return self._judge

    def outputs(self) -> np.ndarray:
        """What it gives for the validation rows, shape (1, rows, units)."""
        x = self._data.x_valid
        parts = [self._model(x[start : start + AT_ONCE], training=False) for start in range(0, len(x), AT_ONCE)]
        return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])[np.newaxis]

    def train(
        self,
        each: tuple[OwnSettings],
        data: Dataset,
        sets: TensorSets,
        *,
        after_epoch: AfterEpoch = lambda logs: True,
        shuffle: bool = True,
    ) -> list[float]:
        """Train it as `training.fit` does; parameters and result as in `networks.Network.train`."""
        (settings,) = each
        try:
            fit_tensors(
                self._model,
                sets,
                epochs=settings.epochs,
                batch_size=settings.batch_size,
                callbacks=[Follow(after_epoch)],
                shuffle=shuffle,
                seed=settings.seed,
            )
            return [training_loss(self._model, data)]
        except Exception as error:
            line = settings.network.call_line(settings, data)
            raise ValueError(
                f"The model of {line} could not be trained: {type(error).__name__}: {_short(error)} "
                "Does its loss fit the targets? Classes are whole numbers: sparse_categorical_crossentropy."
                if data.task == "classification"
                else f"The model of {line} could not be trained: {type(error).__name__}: {_short(error)}"
            ) from error
