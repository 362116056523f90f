"""Right and wrong answers to the exercises of lesson 09."""

import keras
import numpy as np

from tests.checks.cases import Cases

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def with_new_head(base, classes, activation=None, frozen=True, skip=1):
    for layer in base.layers:
        layer.trainable = not frozen
    kept = base.layers[: len(base.layers) - skip]
    head = keras.layers.Dense(classes, activation=activation)
    return keras.Sequential([keras.Input(base.input_shape[1:]), *kept, head])


def functional_head(base, classes):
    base.trainable = False
    return keras.Model(base.inputs, keras.layers.Dense(classes)(base.layers[-2].output))


def nested_head(base, classes):
    trunk = keras.Sequential([keras.Input(base.input_shape[1:]), *base.layers[:-1]])
    trunk.trainable = False
    return keras.Sequential([keras.Input(base.input_shape[1:]), trunk, keras.layers.Dense(classes)])


def frozen_head(base, classes):
    model = with_new_head(base, classes)
    model.trainable = False
    return model


def popped(base, classes):
    base.pop()
    return with_new_head(base, classes, skip=0)


def cloned(base, classes):
    return with_new_head(keras.models.clone_model(base), classes)


def old_if_it_fits(base, classes):
    model = with_new_head(base, classes)
    if model.layers[-1].units == base.layers[-1].units:
        model.layers[-1].set_weights(base.layers[-1].get_weights())
    return model


def features(base, x, kept, **mode):
    for layer in base.layers[:kept]:
        norm = isinstance(layer, keras.layers.BatchNormalization | keras.layers.Dropout)
        x = layer(x, **mode) if norm else layer(x)
    return np.array(x)


def features_by_model(base, x, kept):
    return keras.Sequential([keras.Input(base.input_shape[1:]), *base.layers[:kept]]).predict(x, verbose=0)


def features_by_output(base, x, kept):
    return keras.Model(base.inputs, base.layers[kept - 1].output)(x, training=False)


def dropped(base, x, kept):
    for layer in base.layers[:kept]:
        x = layer(x, training=True) if isinstance(layer, keras.layers.Dropout) else layer(x)
    return x


def join(base, head, kept):
    return keras.Sequential([keras.Input(base.input_shape[1:]), *base.layers[:kept], *head.layers])


def join_functional(base, head, kept):
    return keras.Model(base.inputs, head(base.layers[kept - 1].output))


def join_nested(base, head, kept):
    return keras.Sequential([*base.layers[:kept], head])


def weighty(model):
    norm = keras.layers.BatchNormalization
    return [layer for layer in model.layers if layer.weights and not isinstance(layer, norm)]


def fine_tune(model, k, rate, chosen=None, again=True, loss=LOSS):
    chosen = weighty(model)[-k:] if chosen is None else chosen
    for layer in model.layers:
        layer.trainable = layer in chosen
    if again:
        model.compile(keras.optimizers.Adam(rate), loss=loss)
    return model


def counting_down(model, k, rate):
    model.trainable = True
    for layer in model.layers[::-1]:
        if not layer.weights:
            continue
        norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = k > 0 and not norm
        k -= not norm
    model.compile(keras.optimizers.Adam(rate), loss=LOSS, metrics=["accuracy"])
    return model


def freeze_first(model, k, rate):
    model.trainable = False
    for layer in weighty(model)[-k:]:
        layer.trainable = True
    model.trainable = True
    return fine_tune(model, k, rate)


def never_frozen(model, k, rate):
    for layer in weighty(model)[-k:]:
        layer.trainable = True
    model.compile(keras.optimizers.Adam(rate), loss=LOSS)
    return model


def whole_frozen(model, k, rate):
    model.trainable = False
    for layer in weighty(model)[-k:]:
        layer.trainable = True
    model.compile(keras.optimizers.Adam(rate), loss=LOSS)
    return model


def not_again(model, k, rate):
    return fine_tune(model, k, rate, again=not model.compiled)


def own(table, start, column="val_loss"):
    medians = table[table["start"] == start].groupby("rate")[column].median()
    rate = medians.idxmin()
    return rate, medians.index[0] < rate < medians.index[-1]


def own_by_loop(table, start):
    rows = table.query("start == @start")
    rates = sorted(set(rows["rate"]))
    medians = [np.median(rows.loc[rows["rate"] == rate, "val_loss"]) for rate in rates]
    best = int(np.argmin(medians))
    return [rates[best], 0 < best < len(rates) - 1]


def own_by_pivot(table, start):
    medians = table.pivot_table(index="start", columns="rate", values="val_loss", aggfunc="median").loc[start].dropna()
    return np.array([medians.idxmin(), medians.idxmin() not in (medians.index[0], medians.index[-1])])


def lucky(table, start):
    rows = table[table["start"] == start]
    rate = rows.sort_values("val_loss")["rate"].iloc[0]
    return rate, rows["rate"].min() < rate < rows["rate"].max()


def by_mean(table, start):
    means = table[table["start"] == start].groupby("rate")["val_loss"].mean()
    return means.idxmin(), means.index[0] < means.idxmin() < means.index[-1]


def judged(table, start, column="test_loss"):
    rows = table[(table["start"] == start) & (table["rate"] == own(table, start)[0])]
    return rows.set_index("seed")[column]


def gain(table, column="test_loss"):
    less = judged(table, "from scratch", column) - judged(table, "frozen base", column)
    return less.mean(), less.sem()


def gain_by_loop(table):
    a, b = judged(table, "from scratch").to_dict(), judged(table, "frozen base").to_dict()
    less = np.array([a[seed] - b[seed] for seed in a])
    return less.mean(), np.sqrt(((less - less.mean()) ** 2).sum() / (len(less) - 1) / len(less))


def gain_by_order(table):
    a, b = (judged(table, start).sort_index().to_numpy() for start in ("from scratch", "frozen base"))
    return [np.mean(a - b), np.std(a - b, ddof=1) / len(a) ** 0.5]


def unpaired(table):
    parts = [judged(table, start) for start in ("from scratch", "frozen base")]
    return gain(table)[0], np.sqrt(sum(part.var() / len(part) for part in parts))


def by_place(table):
    less = judged(table, "from scratch").to_numpy() - judged(table, "frozen base").to_numpy()
    return less.mean(), less.std(ddof=1) / np.sqrt(len(less))


def keep(base, folder):
    base.save(f"{folder}/base.keras")


def fresh(folder, classes):
    return with_new_head(keras.models.load_model(f"{folder}/base.keras"), classes)


def fresh_functional(folder, classes):
    return functional_head(keras.models.load_model(f"{folder}/base.keras"), classes)


def keep_parts(base, folder):
    with open(f"{folder}/base.json", "w") as file:
        file.write(base.to_json())
    base.save_weights(f"{folder}/base.weights.h5")


def fresh_from_parts(folder, classes):
    with open(f"{folder}/base.json") as file:
        base = keras.models.model_from_json(file.read())
    base.load_weights(f"{folder}/base.weights.h5")
    return with_new_head(base, classes)


def keep_frozen(base, folder):
    base.trainable = False
    keep(base, folder)


MEMORY = {}


def keep_in_memory(base, folder):
    keep(base, folder)
    MEMORY[folder] = base


def load_once(folder, classes):
    if folder not in MEMORY:
        MEMORY[folder] = keras.models.load_model(f"{folder}/base.keras")
    return with_new_head(MEMORY[folder], classes)


ANSWERS = {
    "09.1": Cases(
        right={"sequential": (with_new_head,), "functional": (functional_head,), "nested": (nested_head,)},
        wrong={
            "not frozen": ((lambda base, classes: with_new_head(base, classes, frozen=False),), "numbers can learn"),
            "head frozen": ((frozen_head,), "Nothing can learn"),
            "old head kept": ((lambda base, classes: with_new_head(base, classes, skip=0),), "base's old head"),
            "one layer too few": ((lambda base, classes: with_new_head(base, classes, skip=2),), "numbers can learn"),
            "softmax": ((lambda base, classes: with_new_head(base, classes, "softmax"),), "probabilities"),
            "relu": ((lambda base, classes: with_new_head(base, classes, "relu"),), "below 0"),
            "popped": ((popped,), "lost or gained"),
            "cloned": ((cloned,), "learned weights"),
            "old weights": ((old_if_it_fits,), "old one"),
            "the base itself": ((lambda base, classes: base,), "the shape"),
        },
    ),
    "09.2": Cases(
        right={
            "layer by layer": (features, join),
            "predict": (features_by_model, join_functional),
            "output of a layer": (features_by_output, join_nested),
        },
        wrong={
            "training": ((lambda base, x, kept: features(base, x, kept, training=True), join), "averages moved"),
            "dropout": ((dropped, join), "inference mode"),
            "one too many": ((lambda base, x, kept: features(base, x, kept + 1), join), "one layer too many"),
            "the whole base": ((lambda base, x, kept: base(x), join), "whole base"),
            "kept forgotten": ((lambda base, x, kept: features(base, x, -1), join), "whatever `kept` says"),
            "head only": ((features, lambda base, head, kept: head), "Where is the base"),
            "on the whole base": ((features, lambda base, head, kept: join(base, head, 6)), "whole base"),
            "a function": ((features, lambda base, head, kept: lambda x: head(features(base, x, kept))), "no network"),
        },
    ),
    "09.3": Cases(
        right={"chosen": (fine_tune,), "counting down": (counting_down,), "in two steps": (freeze_first,)},
        wrong={
            "batch norm learns": (
                (lambda model, k, rate: fine_tune(model, k, rate, [la for la in model.layers if la.weights][-k:]),),
                "BatchNormalization can learn",
            ),
            "counts all layers": (
                (
                    lambda model, k, rate: fine_tune(
                        model, k, rate, [la for la in model.layers[-k:] if la in weighty(model)]
                    ),
                ),
                "Which layers did you count",
            ),
            "the first": ((lambda model, k, rate: fine_tune(model, k, rate, weighty(model)[:k]),), "the first layers"),
            "all": ((lambda model, k, rate: fine_tune(model, k, rate, weighty(model)),), "whatever they were before"),
            "never frozen": ((never_frozen,), "can learn"),
            "model frozen": ((whole_frozen,), "as a whole"),
            "not compiled": ((lambda model, k, rate: fine_tune(model, k, rate, again=False),), "not compiled"),
            "not compiled again": ((not_again,), "optimizer of before"),
            "rate": ((lambda model, k, rate: fine_tune(model, k, 1e-2),), "rate is"),
            "loss": (
                (lambda model, k, rate: fine_tune(model, k, rate, loss="sparse_categorical_crossentropy"),),
                "cross-entropy of these logits",
            ),
        },
    ),
    "09.4": Cases(
        right={
            "pandas": (own, gain),
            "loops": (own_by_loop, gain_by_loop),
            "pivot": (own_by_pivot, gain_by_order),
        },
        wrong={
            "by test": ((lambda table, start: own(table, start, "test_loss"), gain), "best on test rows"),
            "lucky run": ((lucky, gain), "best single run"),
            "mean": ((by_mean, gain), "lowest mean"),
            "inside always": ((lambda table, start: (own(table, start)[0], True), gain), "not inside"),
            "sign": ((own, lambda table: (-gain(table)[0], gain(table)[1])), "sign"),
            "validation": ((own, lambda table: gain(table, "val_loss")), "chose the rates"),
            "unpaired": ((own, unpaired), "hard for both"),
            "by place": ((own, by_place), "same seed"),
            "one difference": (
                (own, lambda table: (gain(table)[0], gain(table)[1] * table["seed"].nunique() ** 0.5)),
                "deviation of one",
            ),
        },
    ),
    "09.5": Cases(
        right={
            "as in the lesson": (keep, fresh),
            "functional": (keep, fresh_functional),
            "weights and layers": (keep_parts, fresh_from_parts),
        },
        wrong={
            "not frozen": (
                (keep, lambda f, n: with_new_head(keras.models.load_model(f"{f}/base.keras"), n, frozen=False)),
                "numbers can learn",
            ),
            "old head kept": (
                (keep, lambda f, n: with_new_head(keras.models.load_model(f"{f}/base.keras"), n, skip=0)),
                "old head",
            ),
            "frozen in memory": ((keep_frozen, fresh), "keep has changed"),
            "from memory": ((keep_in_memory, load_once), "base in memory"),
            "loaded once": ((keep, load_once), "share their layers"),
            "the base": ((keep, lambda f, n: keras.models.load_model(f"{f}/base.keras")), "the shape"),
            "nothing saved": (
                (lambda base, folder: MEMORY.update({folder: base}), load_once),
                "is empty",
            ),
        },
    ),
}
