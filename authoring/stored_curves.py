"""Trains the curves of exercise 01.2, eight pairs with three seeds each, and stores them: half a minute.

`python -m authoring.stored_curves` from the top folder. They are stored, because a bet needs no training, and so that
everybody judges the same curves.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from course_utils.checks.curves_01 import FILE, OUTCOMES, PAIRS
from course_utils.data import Dataset, load_mnist
from course_utils.experiment import Settings, run_seeds

__all__ = ["train_pairs"]

SEEDS = (0, 1, 2)


def train_pairs() -> pd.DataFrame:
    """A row for each pair, seed and epoch, with both losses."""
    digits = load_mnist(n_train=1000, n_valid=1000, n_test=0)
    noisy = load_mnist(n_train=1000, n_valid=1000, n_test=0, label_noise=0.4)
    copied = replace(digits, x_valid=digits.x_train[::2], y_valid=digits.y_train[::2])
    start = Settings(batch_size=64, epochs=40, learning_rate=3e-3, depth=1)
    trained: dict[str, tuple[Dataset, Settings]] = {
        "decay 10": (digits, replace(start, width=64, weight_decay=10.0)),
        "decay 30": (digits, replace(start, width=64, weight_decay=30.0)),
        "rate too small": (digits, replace(start, learning_rate=3e-5)),
        "64 units": (digits, replace(start, width=64, depth=2)),
        "64 units, wrong labels": (noisy, replace(start, width=64)),
        "validation copied": (copied, replace(start, width=32, learning_rate=1e-3)),
        "dropout": (digits, replace(start, width=32, depth=2, dropout=0.7)),
        "decay 10, wrong labels": (noisy, replace(start, width=64, weight_decay=10.0)),
    }
    rows = []
    for pair, (data, settings) in trained.items():
        for seed, run in zip(SEEDS, run_seeds(settings, data, seeds=SEEDS), strict=True):
            table = pd.DataFrame({name: run.history[name] for name in ("loss", "val_loss")}).round(3)
            rows.append(table.assign(pair=pair, seed=seed, epoch=table.index + 1))
    return pd.concat(rows)[["pair", "seed", "epoch", "loss", "val_loss"]]


if __name__ == "__main__":
    table = train_pairs()
    unknown = set(table["pair"]) ^ set(PAIRS) or set(PAIRS.values()) - set(OUTCOMES)
    if unknown:
        raise SystemExit(f"these pairs have no truth, or no curves: {unknown}")
    table.to_csv(FILE, index=False)
