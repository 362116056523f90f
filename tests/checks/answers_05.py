"""Right and wrong answers to the exercises of lesson 05."""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd

from course_utils.checks.disguise import Disguised
from course_utils.checks.steps import adam_step, momentum_step
from course_utils.experiment import Settings
from tests.checks.cases import Cases


def sgd(weight, gradient, rate):
    return weight - rate * gradient


def sgd_in_place(weight, gradient, rate):
    weight -= rate * gradient
    return weight


def by_keras(make):
    """The new weight, by an optimizer of Keras whose state was set."""

    def stepped(weight, gradient, t=1, **state):
        variable = keras.Variable(np.atleast_1d(weight).astype("float32"))
        optimizer = make()
        optimizer.build([variable])
        optimizer.iterations.assign(t - 1)
        for name, value in state.items():
            getattr(optimizer, name)[0].assign(np.atleast_1d(value))
        optimizer.apply([keras.ops.convert_to_tensor(np.atleast_1d(gradient).astype("float32"))])
        new = [variable, *(getattr(optimizer, name)[0] for name in state)]
        return tuple(np.reshape(np.asarray(one), np.shape(weight)) for one in new)

    return stepped


def keras_sgd(weight, gradient, rate):
    return by_keras(lambda: keras.optimizers.SGD(rate))(weight, gradient)[0]


def keras_momentum(weight, last, gradient, rate):
    return by_keras(lambda: keras.optimizers.SGD(rate, momentum=0.9))(weight, gradient, momentums=last)


def keras_adam(weight, mean, square, t, gradient, rate):
    step = by_keras(lambda: keras.optimizers.Adam(rate))
    return step(weight, gradient, t, _momentums=mean, _velocities=square)


def paper_adam(weight, mean, square, t, gradient, rate):
    mean += 0.1 * (gradient - mean)
    square += 0.001 * (gradient * gradient - square)
    size = rate * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t)
    return [weight - size * mean / (square**0.5 + 1e-8), mean, square]


def uncorrected(weight, mean, square, t, gradient, rate):
    mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
    return weight - rate * mean / (np.sqrt(square) + 1e-7), mean, square


def no_root(weight, mean, square, t, gradient, rate):
    mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
    return weight - rate * mean / (1 - 0.9**t) / (square / (1 - 0.999**t) + 1e-7), mean, square


def keeps_corrected(weight, mean, square, t, gradient, rate):
    weight, mean, square = adam_step(weight, mean, square, t, gradient, rate)
    return weight, mean / (1 - 0.9**t), square / (1 - 0.999**t)


def curvatures(x):
    return np.linalg.eigvalsh(2 * x.T @ x / len(x))


def edge(x, y):
    return 2 / curvatures(x).max()


def fastest(x, y):
    return 2 / (curvatures(x).max() + curvatures(x).min())


def edge_by_halving(x, y):
    def diverges(rate):
        w = np.ones(x.shape[1])
        for _ in range(3000):
            w = w - rate * 2 * x.T @ (x @ w - y) / len(x)
            if not np.abs(w).max() < 1e6:
                return True
        return False

    low, high = 0.0, 10.0
    while high - low > 0.003 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if diverges(middle) else (middle, high)
    return low


def fastest_by_list(x, y):
    rates = np.linspace(0, edge(x, y), 2000)
    return rates[np.abs(1 - rates[:, None] * curvatures(x)).max(axis=1).argmin()]


class Falling(keras.callbacks.Callback):
    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = self.rate * 0.9**epoch


class AtTheEnd(Falling):
    def on_epoch_begin(self, epoch, logs=None):
        pass

    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) * 0.9


class Assigning(Falling):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate.assign(self.rate * 0.9**epoch)


class Early(Falling):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) * 0.9


class OwnAttribute(Falling):
    def on_epoch_begin(self, epoch, logs=None):
        self.learning_rate = self.rate * 0.9**epoch


class Straight(Falling):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = self.rate * (1 - 0.1 * epoch)


def scheduler(rate):
    return keras.callbacks.LearningRateScheduler(lambda epoch: rate * 0.9**epoch)


def scheduler_of_two(rate):
    return keras.callbacks.LearningRateScheduler(lambda epoch, now: now if epoch == 0 else now * 0.9)


def early_scheduler(rate):
    return keras.callbacks.LearningRateScheduler(lambda epoch, now: now * 0.9)


def decay(rate, steps, staircase=True):
    return keras.optimizers.schedules.ExponentialDecay(rate, steps, 0.9, staircase=staircase)


def schedule(rate, rows, batch):
    return decay(rate, int(np.ceil(rows / batch)))


def constants(rate, rows, batch):
    n = -(-rows // batch)
    ends = [n * epoch - 1 for epoch in range(1, 50)]
    return keras.optimizers.schedules.PiecewiseConstantDecay(ends, [rate * 0.9**epoch for epoch in range(50)])


class Own(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, rate, updates):
        self.rate, self.updates = rate, updates

    def __call__(self, step):
        return self.rate * 0.9 ** (step // self.updates)


def swept(*rates, student=0):
    """A disguised optimizer that was trained at these rates, given as multiples of its secret factor's inverse."""
    optimizer = Disguised(student)
    optimizer.tried = {rate / optimizer._factor: 1.0 for rate in rates}
    return optimizer


def at(optimizer, rate):
    return optimizer, rate / optimizer._factor


BASE = Settings(width=32, depth=1, optimizer="momentum")
SMALL = replace(BASE, batch_size=32, learning_rate=0.1, epochs=4)
LARGE = replace(BASE, batch_size=512, learning_rate=0.3, epochs=4)
FEW = replace(SMALL, epochs=1)
LONG = replace(LARGE, epochs=16)


def tried(small, large, rates=(1 / 9, 1 / 3, 3)):
    """A table in which both rates are the best of three, unless `rates` puts them at the edge."""
    rows = [
        {"batch_size": one.batch_size, "learning_rate": one.learning_rate * k, "val_loss": loss}
        for one in (small, large)
        for k, loss in zip(rates, (1.5, 1.2, 1.4), strict=True)
    ]
    rows += [
        {"batch_size": one.batch_size, "learning_rate": one.learning_rate, "val_loss": 1.0} for one in (small, large)
    ]
    return pd.DataFrame(rows)


TABLE = tried(SMALL, LARGE)
EDGE = tried(SMALL, LARGE, rates=(3, 9, 27))

ANSWERS = {
    "05.1": Cases(
        right={
            "as in the lesson": (sgd, momentum_step, adam_step),
            "Keras itself": (keras_sgd, keras_momentum, keras_adam),
            "in place, and the paper's short form": (sgd_in_place, momentum_step, paper_adam),
        },
        wrong={
            "uphill": ((lambda w, g, r: w + r * g, momentum_step, adam_step), "downhill"),
            "all of the last step": (
                (sgd, lambda w, last, g, r: (w + last - r * g, last - r * g), adam_step),
                "How much of the last step",
            ),
            "a sum of gradients": (
                (sgd, lambda w, last, g, r: (w - r * (0.9 * last + g), 0.9 * last + g), adam_step),
                "a sum of gradients",
            ),
            "no correction": ((sgd, momentum_step, uncorrected), "How long is the first step"),
            "keeps the corrected means": ((sgd, momentum_step, keeps_corrected), "does the next update need"),
            "no root": ((sgd, momentum_step, no_root), "root"),
        },
    ),
    "05.2": Cases(
        right={
            "eigenvalues": (edge, fastest),
            "by halving, and by a list of rates": (edge_by_halving, fastest_by_list),
            "by singular values": (
                lambda x, y: len(x) / np.linalg.norm(x, 2) ** 2,
                lambda x, y: len(x) / (np.linalg.norm(x, 2) ** 2 + np.linalg.norm(x, -2) ** 2),
            ),
        },
        slow={"by halving, and by a list of rates"},
        wrong={
            "without the 2 of the square": ((lambda x, y: 2 * edge(x, y), fastest), "has a factor"),
            "one over": ((lambda x, y: edge(x, y) / 2, fastest), "jumps to the minimum"),
            "the flattest direction": ((lambda x, y: 2 / curvatures(x).min(), fastest), "diverges first"),
            "a sum over the rows": ((lambda x, y: edge(x, y) / len(x), fastest), "a mean"),
            "covariance": (
                (lambda x, y: 1 / np.linalg.eigvalsh(np.atleast_2d(np.cov(x.T, bias=True))).max(), fastest),
                "columns with mean 0",
            ),
            "fastest: steepest only": ((edge, lambda x, y: edge(x, y) / 2), "best for the steepest"),
            "fastest: mean": ((edge, lambda x, y: 1 / curvatures(x).mean()), "in between"),
        },
    ),
    "05.3": Cases(
        right={
            "as in the lesson": (Falling, scheduler, schedule),
            "at the end, from the last rate, by constants": (AtTheEnd, scheduler_of_two, constants),
            "assign, and a schedule of one's own": (
                Assigning,
                scheduler,
                lambda rate, rows, batch: Own(rate, -(-rows // batch)),
            ),
        },
        wrong={
            "first epoch lowered": ((Early, scheduler, schedule), "first epoch"),
            "an attribute of the callback": ((OwnAttribute, scheduler, schedule), "never changes"),
            "a straight line": ((Straight, scheduler, schedule), "Ten per cent of what"),
            "Keras' scheduler": (
                (keras.callbacks.LearningRateScheduler, scheduler, schedule),
                "own scheduler",
            ),
            "scheduler lowers the first epoch": ((Falling, early_scheduler, schedule), "first epoch"),
            "each update": ((Falling, scheduler, lambda rate, rows, batch: decay(rate, 1)), "each update"),
            "smooth": (
                (Falling, scheduler, lambda rate, rows, batch: decay(rate, -(-rows // batch), staircase=False)),
                "inside an epoch",
            ),
            "rounds down": ((Falling, scheduler, lambda rate, rows, batch: decay(rate, rows // batch)), "left over"),
            "rows": ((Falling, scheduler, lambda rate, rows, batch: decay(rate, rows)), "one row"),
        },
    ),
    "05.4": Cases(
        right={
            "powers of ten, then both sides": at(swept(0.001, 0.01, 0.1, 1, 0.03, 0.3), 0.1),
            "in steps of three": at(swept(0.01, 0.03, 0.1, 0.3, student=7), 0.03),
            "between two rates": at(swept(0.01, 0.1, student=60), 0.06),
        },
        slow={"powers of ten, then both sides", "in steps of three", "between two rates"},
        wrong={
            "no training": ((Disguised(0), 0.1), "Nothing was trained"),
            "at the lower edge": (at(swept(0.1, 0.3, 1), 0.1), "Nothing lower"),
            "at the upper edge": (at(swept(0.001, 0.01, 0.03), 0.03), "Nothing higher"),
            "too low": (at(swept(0.001, 0.01, 0.1), 0.01), "far lower"),
            "too high": (at(swept(0.01, 0.1, 1, 10), 1), "far lower"),
            "ten trainings": (at(swept(*np.geomspace(0.001, 1, 10)), 0.1), "10 trainings"),
            "no optimizer": ((0.1, 0.1), "no disguised"),
        },
    ),
    "05.5": Cases(
        right={
            "equal epochs": ("equal epochs", SMALL, LARGE, TABLE, 32, 20),
            "equal updates": ("equal updates", FEW, LONG, TABLE, 512, 20),
            "other networks": (
                "equal epochs",
                *(replace(one, width=16, depth=2, epochs=3) for one in (SMALL, LARGE)),
                TABLE,
                32,
                20,
            ),
        },
        slow={"equal epochs", "equal updates", "other networks"},
        wrong={
            "unequal epochs": (("equal epochs", SMALL, LONG, TABLE, 32, 20), "Equal epochs?"),
            "unequal updates": (("equal updates", SMALL, LARGE, TABLE, 32, 20), "Equal updates?"),
            "another width": (
                ("equal epochs", SMALL, replace(LARGE, width=64), TABLE, 32, 20),
                "differ in width",
            ),
            "two rates": (
                ("equal epochs", SMALL, LARGE, TABLE[~TABLE["val_loss"].isin([1.2, 1.4])], 32, 20),
                "at 2 rates",
            ),
            "edge": (("equal epochs", SMALL, LARGE, EDGE, 32, 20), "edge"),
            "not the best": (
                ("equal epochs", replace(SMALL, learning_rate=0.3), LARGE, TABLE, 32, 20),
                "best of your table",
            ),
            "the other way round": (("equal epochs", SMALL, LARGE, TABLE, 512, 20), "held in 0"),
            "modest": (("equal epochs", SMALL, LARGE, TABLE, 32, 15), "bolder"),
            "21 of 20": (("equal epochs", SMALL, LARGE, TABLE, 32, 21), "from 1 to 20"),
        },
    ),
}
