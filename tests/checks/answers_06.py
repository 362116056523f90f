"""Right and wrong answers to the exercises of lesson 06."""

import itertools
import math

import keras
import numpy as np
import pandas as pd
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder

from tests.checks.cases import Cases


def grid(sizes, folds, refit):
    return math.prod(sizes) * folds + refit


def halving(candidates, folds, rounds):
    total = 0
    for _ in range(rounds):
        total += candidates * folds
        candidates = math.ceil(candidates / 3)
    return total


def nested(candidates, inner, outer):
    return outer * (candidates * inner + 1)


def counted_grid(sizes, folds, refit):
    candidates = list(itertools.product(*map(range, sizes)))
    return len([0 for _ in candidates for _ in range(folds)]) + (1 if refit else 0)


def recursive(candidates, folds, rounds):
    return 0 if rounds == 0 else candidates * folds + recursive(-(-candidates // 3), folds, rounds - 1)


def scaled(x, y):
    return cross_val_predict(make_pipeline(StandardScaler(), Ridge()), x, y, cv=KFold(5))


def scaled_by_hand(x, y):
    found = np.empty(len(y))
    for train, valid in KFold(5).split(x):
        mean, deviation = x[train].mean(axis=0), x[train].std(axis=0)
        model = Ridge().fit((x[train] - mean) / deviation, y[train])
        found[valid] = model.predict((x[valid] - mean) / deviation)
    return found


def selected(x, y):
    return cross_val_predict(make_pipeline(SelectKBest(f_regression, k=5), LinearRegression()), x, y, cv=KFold(5))


def selected_by_correlation(x, y):
    found = np.empty(len(y))
    for train, valid in KFold(5, shuffle=True, random_state=0).split(x):
        best = abs(np.corrcoef(x[train].T, y[train])[-1, :-1]).argsort()[-5:]
        found[valid] = LinearRegression().fit(x[train][:, best], y[train]).predict(x[valid][:, best])
    return found


def encoded(city, y):
    found = np.empty(len(y))
    for train, valid in KFold(5).split(y):
        means = pd.Series(y[train]).groupby(city[train]).mean()
        found[valid] = pd.Series(city[valid]).map(means).fillna(y[train].mean())
    return found


def encoded_by_keras_free_loop(city, y):
    found = []
    for train, valid in KFold(5).split(y):
        for one in city[valid]:
            same = y[train][city[train] == one]
            found.append(same.mean() if len(same) else y[train].mean())
    return found


def encoded_by_scikit(city, y):
    model = make_pipeline(TargetEncoder(smooth=1.0, random_state=0, target_type="continuous"), LinearRegression())
    return cross_val_predict(model, city[:, None], y, cv=KFold(5))


def leaky_scaled(x, y):
    return cross_val_predict(Ridge(), StandardScaler().fit_transform(x), y, cv=KFold(5))


def leaky_selected(x, y):
    return cross_val_predict(LinearRegression(), SelectKBest(f_regression, k=5).fit_transform(x, y), y, cv=KFold(5))


def leaky_encoded(city, y):
    return pd.Series(y).groupby(city).transform("mean").to_numpy()


def encoded_with_leaky_filler(city, y):
    found = np.empty(len(y))
    for train, valid in KFold(5).split(y):
        means = pd.Series(y[train]).groupby(city[train]).mean()
        found[valid] = pd.Series(city[valid]).map(means).fillna(y.mean())
    return found


def encoded_without_filler(city, y):
    found = np.empty(len(y))
    for train, valid in KFold(5).split(y):
        found[valid] = pd.Series(city[valid]).map(pd.Series(y[train]).groupby(city[train]).mean())
    return found


def expected_best(maes, n):
    lows, k = np.sort(maes), len(maes)
    return sum(low * math.comb(k - i - 1, n - 1) for i, low in enumerate(lows)) / math.comb(k, n)


def expected_by_tails(maes, n):
    lows, k = np.sort(maes), len(maes)
    tail = np.array([math.comb(k - i, n) / math.comb(k, n) for i in range(k)])  # none of the i lowest is drawn
    return lows[0] + np.diff(lows) @ tail[1:]


def expected_by_recursion(maes, n):
    lows, left, total = np.sort(maes), 1.0, 0.0
    for i, low in enumerate(lows):
        share = min(n / (len(lows) - i), 1.0)
        total, left = total + left * share * low, left * (1 - share)
    return total


def replay(maes, n, rng):
    return np.array([rng.choice(maes, n, replace=False).min() for _ in range(1000)])


def replay_by_shuffling(maes, n, rng):
    return [rng.permutation(maes)[:n].min() for _ in range(2000)]


def replay_at_once(maes, n, rng):
    return rng.permuted(np.tile(maes, (1000, 1)), axis=1)[:, :n].min(axis=1)


def with_replacement(maes, n):
    k = len(maes)
    return sum(m * (((k - i) / k) ** n - ((k - i - 1) / k) ** n) for i, m in enumerate(np.sort(maes)))


BET = {"coarse to fine": 0.5, "tie": 0.3, "random": 0.2}


def winner(errors, n, rng):
    drawn = errors[rng.choice(40, n, replace=False)]
    wines = rng.permutation(272)
    scores = drawn[:, wines[:136]].mean(axis=1)
    best = scores.argmin()
    return scores[best], drawn[best, wines[136:]].mean()


def winner_as_in_the_lesson(errors, n, rng):
    drawn = rng.permutation(rng.permutation(errors)[:n], axis=1)
    here, there = drawn[:, :136].mean(axis=1), drawn[:, 136:].mean(axis=1)
    return here.min(), there[here.argmin()]


def winner_by_mask(errors, n, rng):
    chosen = np.zeros(272, bool)
    chosen[rng.choice(272, 136, replace=False)] = True
    rows = rng.permutation(40)[:n]
    best = min(rows, key=lambda row: errors[row, chosen].mean())
    return [errors[best, chosen].mean(), errors[best, ~chosen].mean()]


def best_on_both(errors, n, rng):
    drawn = rng.permutation(rng.permutation(errors)[:n], axis=1)
    return drawn[:, :136].mean(axis=1).min(), drawn[:, 136:].mean(axis=1).min()


def not_mixed(errors, n, rng):
    here, there = errors[:, :136].mean(axis=1)[:n], errors[:, 136:].mean(axis=1)[:n]
    return here.min(), there[here.argmin()]


def all_choose(errors, n, rng):
    drawn = rng.permutation(rng.permutation(errors)[:n], axis=1)
    best = drawn.mean(axis=1).argmin()
    return drawn.mean(axis=1)[best], drawn[best, 136:].mean()


def turned_round(errors, n, rng):
    return winner(errors, n, rng)[::-1]


def network(layers=2, units=64, rate=0.003, loss="mae", outputs=1):
    def build_model():
        model = keras.Sequential([keras.Input((11,))])
        for _ in range(layers):
            model.add(keras.layers.Dense(units, activation="relu"))
        model.add(keras.layers.Dense(outputs))
        model.compile(keras.optimizers.Adam(rate), loss=loss)
        return model

    return build_model


def with_schedule_and_decay():
    model = keras.Sequential([keras.Input((11,)), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(1)])
    rate = keras.optimizers.schedules.CosineDecay(0.01, 15 * 17)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.1), loss="mae")
    return model


def functional():
    wine = keras.Input((11,))
    hidden = keras.layers.Dense(32, activation="tanh")(wine)
    model = keras.Model(wine, keras.layers.Dense(1)(hidden))
    model.compile("adam", loss="mse")
    return model


ANSWERS = {
    "06.1": Cases(
        right={
            "formulas": (grid, halving, nested),
            "counting": (counted_grid, recursive, lambda n, inner, outer: n * inner * outer + outer),
            "NumPy": (
                lambda sizes, folds, refit: np.prod(sizes) * folds + int(refit),
                lambda n, folds, rounds: folds * sum(-(-n // 3**i) for i in range(rounds)),
                nested,
            ),
        },
        wrong={
            "adds the lists": ((lambda s, f, r: sum(s) * f + r, halving, nested), "How many pairs"),
            "no refit": ((lambda s, f, r: math.prod(s) * f, halving, nested), "refit is True"),
            "refit in folds": ((lambda s, f, r: (math.prod(s) + r) * f, halving, nested), "in each fold"),
            "no folds": ((lambda s, f, r: math.prod(s) + r, halving, nested), "how many folds"),
            "rounds down": (
                (grid, lambda n, f, r: f * sum(n // 3**i for i in range(r)), nested),
                "one candidate lost",
            ),
            "all survive": ((grid, lambda n, f, r: n * f * r, nested), "reach the second round"),
            "winner not trained": ((grid, halving, lambda n, i, o: n * i * o), "scored on the outer fold"),
            "one search": ((grid, halving, lambda n, i, o: n * i + o), "serve all outer folds"),
        },
    ),
    "06.2": Cases(
        right={
            "pipelines": (scaled, selected, encoded),
            "by hand": (scaled_by_hand, selected_by_correlation, encoded_by_keras_free_loop),
            "TargetEncoder": (scaled, selected, encoded_by_scikit),
        },
        wrong={
            "scaler outside": ((leaky_scaled, selected, encoded), "inputs of row"),
            "choice outside": ((scaled, leaky_selected, encoded), "selected leaks"),
            "means outside": ((scaled, selected, leaky_encoded), "encoded leaks"),
            "filler outside": ((scaled, selected, encoded_with_leaky_filler), "encoded leaks"),
            "no filler": ((scaled, selected, encoded_without_filler), "no number"),
            "scores instead": ((lambda x, y: np.zeros(5), selected, encoded), "one prediction for each"),
            "not scaled": (
                (lambda x, y: cross_val_predict(Ridge(), x, y, cv=KFold(5)), selected, encoded),
                "every column standardized",
            ),
            "nothing chosen": (
                (scaled, lambda x, y: cross_val_predict(LinearRegression(), x, y, cv=KFold(5)), encoded),
                "5 best columns",
            ),
        },
    ),
    "06.3": Cases(
        right={
            "order statistics": (expected_best, replay, BET),
            "tails": (expected_by_tails, replay_by_shuffling, {"coarse to fine": 0, "tie": 1, "random": 0}),
            "one after the other": (expected_by_recursion, replay_at_once, dict.fromkeys(BET, 1 / 3)),
        },
        wrong={
            "with replacement": ((with_replacement, replay, BET), "drawn twice"),
            "the best of all": ((lambda maes, n: np.min(maes), replay, BET), "Do n draws"),
            "one search": ((lambda maes, n: maes[:n].min(), replay, BET), "one search"),
            "the mean": ((lambda maes, n: maes.mean(), replay, BET), "mean of one draw"),
            "replay with replacement": (
                (expected_best, lambda m, n, rng: np.array([rng.choice(m, n).min() for _ in range(1000)]), BET),
                "drawn twice",
            ),
            "replay's mean": ((expected_best, lambda m, n, rng: replay(m, n, rng).mean(), BET), "of shape ()"),
            "bet of 90 %": ((expected_best, replay, {**BET, "tie": 0.2}), "add up to"),
            "bet without a name": ((expected_best, replay, {"tie": 1.0}), "one probability for each"),
        },
    ),
    "06.4": Cases(
        right={
            "all, half": (winner, "better", (40, 136)),
            "as in the lesson": (winner_as_in_the_lesson, "better", (40, 110)),
            "fewer": (winner_by_mask, "better", (30, 150)),
        },
        wrong={
            "best on both": ((best_on_both, "better", (40, 136)), "chosen anew"),
            "not mixed": ((not_mixed, "better", (40, 136)), "Every draw is the same"),
            "all wines choose": ((all_choose, "better", (40, 136)), "do all wines choose"),
            "turned round": ((turned_round, "better", (40, 136)), "first number"),
            "flattery taken for harm": ((winner, "worse", (40, 136)), "second number"),
            "few settings": ((winner, "better", (3, 136)), "more settings"),
            "few wines choose": ((winner, "better", (40, 30)), "enough wines choose"),
            "few wines left": ((winner, "better", (40, 240)), "left for it"),
        },
    ),
    "06.5": Cases(
        right={
            "two layers": (network(), 15, 64, (0.45, 0.54), 3),
            "schedule and decay": (with_schedule_and_decay, 15, 64, (0.46, 0.54), 3),
            "functional, tanh": (functional, 30, 32, (0.46, 0.55), 3),
        },
        wrong={
            "not trained": ((network(rate=1e-6), 2, 64, (0.45, 0.54), 3), "Had training finished"),
            "narrow": ((network(), 15, 64, (0.49, 0.5), 3), "by luck alone"),
            "wide": ((network(), 15, 64, (0.3, 0.8), 3), "nearly everybody"),
            "training rows": ((network(), 15, 64, (0.2, 0.29), 3), "which rows"),
            "turned round": ((network(), 15, 64, (0.54, 0.45), 3), "is empty"),
            "eleven outputs": ((network(outputs=11), 15, 64, (0.45, 0.54), 3), "outputs of shape"),
        },
        slow={"two layers", "schedule and decay", "functional, tanh", "narrow", "wide", "training rows"},
    ),
}
