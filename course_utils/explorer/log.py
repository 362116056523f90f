"""The table of runs under the curves: a row for every run, or group of seeds, that was finished."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from course_utils.explorer.controls import Setup
from course_utils.explorer.progress import Group
from course_utils.explorer.verdict import verdict_text
from course_utils.explorer.words import last_accuracies, legend_text, spread

__all__ = ["row"]


def row(key: int, group: Group, *, start: Setup, controls: Sequence[str]) -> dict[str, object]:
    """What never changes in a row of `BrowserSide.runs`: everything but its look.

    Parameters
    ----------
    key : int
        Number of the group, from 1: it stands on its curve, too.
    """
    best = [run.history["val_loss"][run.best_epoch - 1] for run in group if run.best_epoch]
    ends = [run.history["val_loss"][-1] for run in group if run.history.get("val_loss")]
    accuracies = last_accuracies(group)
    epochs = [run.best_epoch for run in group if run.best_epoch]
    return {
        "key": key,
        "settings": f"{key}: {legend_text(group[:1], start=start, controls=controls)}",
        "best": spread(best) if best else "",
        "epoch": f"{np.median(epochs):.0f}" if epochs else "",
        "end": spread(ends) if ends else "",
        "train": spread([run.train_loss for run in group]),
        "accuracy": spread(accuracies) if accuracies else "",
        "verdict": verdict_text(group),
        "seeds": str(len(group)) if len(group) > 1 else "1",
    }
