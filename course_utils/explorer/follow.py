"""`Follow`: tells the worker of every epoch, and stops the training when nobody waits for it any more."""

from __future__ import annotations

from collections.abc import Callable

import keras

__all__ = ["AfterEpoch", "Follow"]

AfterEpoch = Callable[[list[dict[str, float]]], bool]  # given the metrics of each network, returns whether to go on


class Follow(keras.callbacks.Callback):
    """Calls `after_epoch` with the metrics of the one network that it follows."""

    def __init__(self, after_epoch: AfterEpoch) -> None:
        super().__init__()
        self._after_epoch = after_epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Hand the metrics on."""
        if not self._after_epoch([logs or {}]):
            self.model.stop_training = True
