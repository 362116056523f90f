"""Make `data/tuning-errors.npz`: what 40 settings × 10 seeds do to each of 272 wines, so that a search can be replayed.

`python docs/tuning_errors.py` from the top folder, about two minutes; the loader is `course_utils.data.tuning_errors`.
Another machine may end in another last digit: if the file is made anew, its sha256 there and in `data/README.md` has to
be replaced, and the thresholds in `course_utils/checks/lesson_06.py` are to be looked at again.
"""

import course_utils.quiet
from pathlib import Path

import numpy as np

from course_utils.data import load_red_wine
from course_utils.experiment import Settings, run_seeds

NETWORKS = ((1, 8), (1, 64), (2, 16), (2, 64))  # (layers, units)
RATES = (0.0003, 0.0006, 0.0012, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
SEEDS = range(10)
EPOCHS = 12


def main() -> None:
    """Train them all, and store the absolute error of each validation wine."""
    wine, errors = load_red_wine(), []
    for layers, units in NETWORKS:
        for rate in RATES:
            settings = Settings(depth=layers, width=units, learning_rate=rate, epochs=EPOCHS, batch_size=64)
            runs = run_seeds(settings, wine, seeds=SEEDS)
            errors.append([abs(run.model(wine.x_valid).numpy().ravel() - wine.y_valid) for run in runs])
            print(layers, units, rate, np.mean(errors[-1]).round(3))
    layers, units, rates = zip(*[(*network, rate) for network in NETWORKS for rate in RATES], strict=True)
    np.savez_compressed(
        Path(__file__).resolve().parent.parent / "data" / "tuning-errors.npz",
        errors=np.array(errors).clip(max=9).astype("float16"),  # (40, 10, 272)
        layers=np.array(layers, "uint8"),
        units=np.array(units, "uint8"),
        rate=np.array(rates, "float32"),
    )


if __name__ == "__main__":
    main()
