"""Checks of the exercises of lesson 03, dropout."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace

import keras
import numpy as np
import pandas as pd

from course_utils.checks.bets import check_promise
from course_utils.checks.guarded import Guarded
from course_utils.checks.hidden import fresh_seeds, hidden_rng
from course_utils.checks.pictures import small_pictures
from course_utils.checks.training import train_again
from course_utils.checks.verdict import NotYet, Wrong, graded
from course_utils.experiment import Settings, run, training_loss
from course_utils.validation import check_number

__all__ = ["CHECKS", "FRAME", "LONG", "NOISY"]

FRAME = Settings(width=64, depth=2, learning_rate=3e-3, batch_size=50, epochs=25)
LONG = replace(FRAME, learning_rate=1e-2, epochs=60)
NOISY = {"n_train": 200, "label_noise": 0.4}
SEEDS = 10  # of the claim: two trainings of each take four seconds


@graded(of=2, praise="Each row has a mask of its own, the mean stays, and inference changes nothing: as Keras' layer.")
def inverted_dropout(drop: Callable[[np.ndarray, float, np.random.Generator, bool], np.ndarray]) -> None:
    """Exercise 03.1: what a dropout layer computes."""
    if not callable(drop):
        raise Wrong("drop is no function.", "Write it as: def drop(x, rate, rng, training):")
    rng = hidden_rng("03.1")
    for rate in (0.2, 0.5, 0.8, float(rng.uniform(0.1, 0.9))):
        x = rng.uniform(1, 2, (400, 50))
        state, changed = int(rng.integers(2**31)), []

        def found(training: bool, x: np.ndarray = x, rate: float = rate, state: int = state) -> np.ndarray:
            given = x.copy()
            answer = drop(given, rate, np.random.default_rng(state), training)
            if answer is None or answer is ...:
                raise NotYet
            changed.append(not np.array_equal(given, x))  # noqa: B023
            return np.asarray(answer, float)

        _check_masks(x, rate, found(True), found(True))
        if not np.allclose(found(False), x):
            raise Wrong("In inference the numbers change. What does the layer do then?", "training=False: return x.")
        if any(changed):
            raise Wrong("The array x itself has changed. Who else may need it?", "Return a new array: x * mask.")
        other = drop(x, rate, np.random.default_rng(state + 1), True)
        if np.array_equal(other, found(True)):
            raise Wrong("Another rng gives the same mask.", "Draw the mask from rng, once for each call.")
    x = rng.normal(size=(20, 8))
    if not np.allclose(drop(x, 0.0, rng, True), x):
        raise Wrong("With rate 0 something is dropped or scaled.", "Then every unit stays, divided by 1.")


def _check_masks(x: np.ndarray, rate: float, dropped: np.ndarray, again: np.ndarray) -> None:
    if dropped.shape != x.shape:
        raise Wrong(f"x has shape {x.shape}, and the answer {dropped.shape}.", "Multiply x by a mask of its shape.")
    gone = dropped == 0
    if (gone == gone[0]).all() and x.shape[0] > 1:
        raise Wrong("All rows lose the same units. Does the layer draw once, or for each example?", "Mask: x.shape.")
    if (gone == gone[:, :1]).all():
        raise Wrong("A row loses all of its numbers, or none. Does each unit have its own draw?", "Mask: x.shape.")
    if not np.array_equal(dropped, again):
        raise Wrong("The same state of rng gives two results.", "Draw from rng, not from np.random.")
    sigma = math.sqrt(rate * (1 - rate) / x.size)
    # Five deviations: less than one right answer in a million fails.
    if abs(gone.mean() - rate) > 5 * sigma:
        if abs(gone.mean() - (1 - rate)) <= 5 * sigma:
            raise Wrong(
                f"With rate {rate:.2g}, {gone.mean():.0%} are 0. Is the rate the share that stays, or that goes?",
                "A unit stays if rng.random() >= rate.",
            )
        raise Wrong(f"With rate {rate:.2g}, {gone.mean():.0%} are 0.", "Each is 0 with probability rate, by itself.")
    kept = dropped[~gone] / x[~gone]
    if np.allclose(kept, 1):
        raise Wrong("Those that stay keep their size. Is the mean still x?", "Divide them by 1 - rate.")
    if np.allclose(kept, 1 - rate):
        raise Wrong("Those that stay become smaller. Should the mean stay the same?", "Divide by 1 - rate.")
    if not np.allclose(kept, 1 / (1 - rate)):
        raise Wrong(f"Those that stay are multiplied by {kept.mean():.3g}.", "Divide them by 1 - rate.")


@graded(of=2, praise="Your three losses are right, and the order turns round where you say.")
def two_losses(losses: Callable, below: float, above: float, promise: int) -> str:
    """Exercise 03.2: the training loss with dropout on and off, and where its order with validation turns round."""
    _check_losses(losses)
    below, above = (
        check_number(name, rate, at_least=0, below=1) for name, rate in (("below", below), ("above", above))
    )
    if not 0 < above - below <= 0.3 + 1e-9:
        raise Wrong("losses is right. below and above must be at most 0.3 apart, below first.", points=1)
    promised, times = check_promise(promise, of=SEEDS), 0
    seeds, data = fresh_seeds(SEEDS, exercise="03.2"), small_pictures(n_train=300)
    pairs = zip(*(_gaps(replace(FRAME, dropout=rate), data, seeds) for rate in (below, above)), strict=True)
    times = sum(low < 0 < high for low, high in pairs)
    told = f"It held in {times} of {SEEDS} seeds; you promised {promised}."
    if times < promised:
        raise Wrong(
            f"losses is right. The promise was not kept. {told} Is one of the rates near the turning point?",
            f"{told} Train some rates with five seeds; choose two as far from the turning point as you may.",
            points=1,
        )
    if promised < SEEDS:
        more = f"{told} Can you choose rates for which you dare more?"
        hint = f"{told} That earns {promised}/{SEEDS} of a point. How many would you dare?"
        raise Wrong(hint, more, points=1 + promised / SEEDS)
    return told


def _gaps(settings: Settings, data: object, seeds: list[int]) -> list[float]:
    """Training loss with dropout on, minus the validation loss, after the last epoch."""
    # 0.4 and 0.7 held in 100 of 100 calibration seeds: from -0.34 to -0.12 nats, and from 0.10 to 0.38.
    trained = train_again(settings, data, seeds=seeds)
    return [_loss(model, data, "train", True) - history["val_loss"][-1] for model, history in trained]


def _loss(model: keras.Model, data: object, part: str, on: bool) -> float:
    x, y = getattr(data, f"x_{part}"), getattr(data, f"y_{part}")
    return float(model.compute_loss(y=y, y_pred=model(x, training=on)))


def _check_losses(losses: Callable) -> None:
    if not callable(losses):
        raise Wrong("losses is no function.", "Write it as: def losses(model, data):")
    data = small_pictures(n_train=200)
    model = next(train_again(replace(FRAME, dropout=0.5, epochs=15), data, seeds=[1]))[0]
    weights = model.get_weights()
    answer = losses(model, data)
    if answer is None or answer is ...:
        raise NotYet
    if np.shape(answer) != (3,):
        raise Wrong("losses returns no three numbers.", "Return on, off, valid: three losses.")
    on, off, valid = (float(one) for one in answer)
    seeds = len(model.non_trainable_variables)
    after = model.get_weights()
    if not all(np.array_equal(a, b) for a, b in zip(weights[:-seeds], after[:-seeds], strict=True)):
        raise Wrong("The model has changed. Does a measurement train?", "Call the model, or compute_loss: not fit.")
    true_off, true_valid = training_loss(model, data), _loss(model, data, "valid", False)
    passes = [_loss(model, data, "train", True) for _ in range(8)]
    # One pass over 200 digits varies by 0.03 nats; on and off are 0.3 apart.
    near = 8 * np.std(passes) + 0.02

    def is_(found: float, true: float) -> bool:
        return math.isclose(found, true, rel_tol=1e-3, abs_tol=1e-4)

    if is_(on, true_off) and is_(off, true_off):
        raise Wrong("on equals off. How does a layer know that it shall drop?", "Call model(x, training=True).")
    if abs(off - np.mean(passes)) < near and is_(on, true_off):
        raise Wrong("on and off have changed places. Which of them should be larger?", "training=True is on.")
    if abs(on - np.mean(passes)) > near:
        raise Wrong("on is not the training loss with dropout on.", "model(data.x_train, training=True), once.")
    if not is_(off, true_off):
        raise Wrong("off is not the training loss in inference.", "The training rows, with training=False.")
    if abs(valid - true_valid) > 1e-3 * abs(true_valid):
        raise Wrong("valid is not right. Which rows, and is dropout on there?", "data.x_valid, with training=False.")


@graded(of=2, praise="One wins by loss, the other by accuracy: say by which you choose before you tune.")
def two_winners(by_loss: float, by_accuracy: float) -> str:
    """Exercise 03.3: two dropout rates, one better by the last loss, the other by the last accuracy."""
    rates = [
        check_number(name, rate, at_least=0, below=1)
        for name, rate in (("by_loss", by_loss), ("by_accuracy", by_accuracy))
    ]
    if rates[0] == rates[1]:
        raise Wrong("These are the same rate. Can it win against itself?", "Look for a rate which believes too little.")
    # 0.8 against 0 in 20 of 20 calibration seeds: losses of 2.04 to 2.27 and 2.83 to 3.52, accuracies of 0.15 to 0.29
    # and 0.44 to 0.51.
    data, seeds = small_pictures(**NOISY), fresh_seeds(5, exercise="03.3")
    ends = [[h for _, h in train_again(replace(LONG, dropout=rate), data, seeds=seeds)] for rate in rates]
    loss, accuracy = (np.array([[h[name][-1] for h in one] for one in ends]) for name in ("val_loss", "val_accuracy"))
    if np.median(accuracy, axis=1).min() < 0.12:
        raise Wrong("One of them only guesses: its accuracy is near 0.1.", "Lower that rate until it learns.")
    times = int((loss[0] < loss[1]).sum()), int((accuracy[1] > accuracy[0]).sum())
    told = (
        f"By loss, the rate {rates[0]:g} is better in {times[0]} of 5 seeds; "
        f"by accuracy, the rate {rates[1]:g} in {times[1]} of 5."
    )
    if max(times) <= 1:
        raise Wrong(f"{told} Have they changed places?", f"{told} The first is the one with the lower loss.")
    for count, name, words in zip(times, ("loss", "accuracy"), ("lower", "higher"), strict=True):
        if count < 4:
            raise Wrong(
                f"{told} By {name}, it should win in 4. Are the two far enough apart?",
                f"{told} One must end with a {words} {name} than the other. Compare 0 with a rate that is too high.",
            )
    return told


@graded(of=2, praise="The test set was read once for each network, and stopping gives the best weights back.")
def stop_and_test(final: Callable, table: pd.DataFrame) -> None:
    """Exercise 03.4: early stopping, the test set read once, and a table of two times two cells."""
    if not callable(final):
        raise Wrong("final is no function.", "Write it as: def final(settings, data, stops):")
    data, found = small_pictures(**NOISY), []
    for seed in fresh_seeds(2, exercise="03.4"):
        settings = replace(LONG, epochs=30, seed=seed)
        curve = run(settings, data).history["val_loss"]
        found.append((curve, *(_tested(final, settings, data, stops) for stops in (True, False))))
    best = [np.log(stopped / min(curve)) for curve, stopped, _ in found]
    late = [np.log(stopped / curve[min(np.argmin(curve) + 5, len(curve) - 1)]) for curve, stopped, _ in found]
    whole = [np.log(rest / curve[-1]) for curve, _, rest in found]
    if all(abs(math.log(stopped / rest)) < 0.02 for _, stopped, rest in found):
        raise Wrong("stops=True and stops=False give the same.", "Pass callbacks=[stop] if stops, and [] if not.")
    if np.mean(whole) < -0.2:
        raise Wrong("With stops=False the training stops early, too.", "Then it is to train all epochs: no callback.")
    # Five epochs later the loss was 1.1 to 1.4 times the lowest, in 20 of 20 seeds: the nearer one tells which it was.
    if abs(np.mean(best)) > abs(np.mean(late)):
        raise Wrong(
            "With stops=True the loss is that of some epochs after the best one. Which weights has the model then?",
            "EarlyStopping(…, restore_best_weights=True) gives back those of the best epoch.",
        )
    if table is None or table is ...:
        raise Wrong("final is right. The table is not made yet.", points=1)
    _check_cells(table)


def _tested(final: Callable, settings: Settings, data: object, stops: bool) -> float:
    # The test rows are those of validation, so that the right answer can be read off the curve.
    guarded = Guarded.of(replace(data, x_test=data.x_valid, y_test=data.y_valid))
    answer = final(settings, guarded, stops)
    if answer is None or answer is ...:
        raise NotYet
    if np.ndim(answer) != 0:
        raise Wrong("final returns more than one number.", "evaluate returns [loss, accuracy]: return the first.")
    if guarded.reads != 1:
        raise Wrong(
            f"final reads x_test {guarded.reads} times for one network. How often may a test set be used?",
            "Once, after the training: validation rows are for stopping, x_test is for one evaluate at the end.",
        )
    return float(answer)


def _check_cells(table: pd.DataFrame) -> None:
    columns = ["dropout", "stops", "seed", "test_loss"]
    if not isinstance(table, pd.DataFrame) or not set(columns) <= set(table):
        raise Wrong(f"final is right. table needs the columns {', '.join(columns)}.", points=1)
    cells = table.groupby(["dropout", "stops"])["seed"].agg(lambda some: tuple(sorted(some)))
    if len(cells) != 4 or table["dropout"].nunique() != 2 or 0 not in set(table["dropout"]):
        hint = f"final is right. The table has {len(cells)} cells. Which are the four?"
        raise Wrong(hint, "Dropout 0 and 0.5, each with and without stopping.", points=1)
    if cells.nunique() != 1 or len(set(cells.iloc[0])) < 3:
        raise Wrong("final is right. The cells do not have the same three seeds.", "Three rows per cell.", points=1)


@graded(of=2, praise="One field decides whether dropout helps: so never say 'dropout helps' without the rest.")
def minimal_pair(helps: Settings, hurts: Settings) -> str:
    """Exercise 03.5: two settings that differ in one field; dropout 0.3 helps in one and hurts in the other."""
    if not isinstance(helps, Settings) or not isinstance(hurts, Settings):
        raise Wrong("helps and hurts are Settings.", "Such as Settings(width=64, depth=2, epochs=30).")
    for one in (helps, hurts):
        if one.width > 128 or one.depth > 2 or one.epochs > 60 or one.batch_size < 20:
            raise Wrong("Too large for the check.", "At most 128 units, 2 layers, 60 epochs; batches of 20 or more.")
    names = [field.name for field in fields(Settings) if field.name not in ("seed", "dropout")]
    differing = [name for name in names if getattr(helps, name) != getattr(hurts, name)]
    if len(differing) != 1:
        raise Wrong(
            f"They differ in {len(differing)} fields ({', '.join(differing)}). Which one would then have decided?",
            "One field only; the check sets dropout itself, to 0 and 0.3.",
        )
    # 60 and 3 epochs at rate 0.003, in 40 of 40 calibration seeds: 0.3 gains 0.46 to 0.86 nats, and loses 0.04 to 0.17.
    # Both rates start from the same weights here; in `run` they do not, and 0.3 lost -0.03 to 0.20, in 19 of 20 seeds.
    data, seeds = small_pictures(**NOISY), fresh_seeds(5, exercise="03.5")
    losses = {}
    for name, one in {"helps": helps, "hurts": hurts}.items():
        for rate in (0.0, 0.3):
            trained = train_again(replace(one, dropout=rate), data, seeds=seeds)
            losses[name, rate] = np.array([history["val_loss"][-1] for _, history in trained])
    guessing = math.log(10)
    for name in ("helps", "hurts"):  # the better of each pair must have learned something
        if not min(np.median(losses[name, rate]) for rate in (0.0, 0.3)) < guessing:
            raise Wrong(f"{name}: the better network ends above guessing, 2.30 nats. Trained too little, or too much?")
    times = {
        "helps": int((losses["helps", 0.3] < losses["helps", 0.0]).sum()),
        "hurts": int((losses["hurts", 0.3] > losses["hurts", 0.0]).sum()),
    }
    told = (
        f"Dropout 0.3 lowers the loss in {times['helps']} of 5 seeds with helps, "
        f"and raises it in {times['hurts']} of 5 with hurts."
    )
    if max(times.values()) <= 1:
        raise Wrong(f"{told} Have the two changed places?", f"{told} Exchange them.")
    for name, count in times.items():
        if count < 4:
            more = f"{told} Dropout helps against learning by heart: where is there much, or little, of it?"
            raise Wrong(f"{told} Is the difference in {name} large enough?", more)
    return told


CHECKS = (inverted_dropout, two_losses, two_winners, stop_and_test, minimal_pair)
