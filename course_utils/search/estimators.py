"""Estimators of scikit-learn around a Keras network of your own, for searches over its hyperparameters.

The estimators take `build_model`, a function that returns a compiled network, and read its hyperparameters from its
signature. So the network stays plain Keras, written out where it is taught, and a search names its arguments as they
are: `n_neurons`, not `model__n_neurons`. scikit-learn's rule that every parameter stands in the constructor is kept in
its purpose: `get_params`, `set_params` and `clone` know all of them.
"""

from __future__ import annotations

import course_utils.quiet  # first: TensorFlow's log lines stay out of the page
import inspect
import os
from collections.abc import Callable
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import Tags, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from course_utils.building import build, hyperparameters_of
from course_utils.experiment import best_epoch
from course_utils.search.storing import restore, store
from course_utils.training import TensorSets, fit_tensors
from course_utils.validation import check_choice, check_integer, check_number

__all__ = ["KerasMLPClassifier", "KerasMLPRegressor"]

SETTINGS = ("batch_size", "epochs", "patience", "validation_fraction", "seed")
OWN_PARAMETERS = ("build_model", *SETTINGS)  # all others are hyperparameters, of `build_model`
HANDED_OVER = ("n_inputs", "n_outputs", *SETTINGS)  # to `build_model`, where it asks for them
PREDICTED_ROWS = 10_000  # at a time
PROCESS = os.getpid()  # that has TensorFlow's threads; a process that is forked from it has none


class _KerasMLP(BaseEstimator):
    """What regressor and classifier share: their parameters, the training, and how they are stored."""

    def __init__(
        self,
        build_model: Callable[..., keras.Model],
        *,
        batch_size: int = 32,
        epochs: int = 100,
        patience: int | None = 10,
        validation_fraction: float = 0.2,
        seed: int = 0,
        **hyperparameters: object,
    ) -> None:
        self.build_model = build_model
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.seed = seed
        self._hyperparameters: dict[str, object] = {}
        self.set_params(**hyperparameters)  # which refuses what `build_model` does not know

    def get_params(self, deep: bool = True) -> dict[str, object]:
        """Settings and hyperparameters by name."""
        own = {name: getattr(self, name) for name in OWN_PARAMETERS}
        if not callable(self.build_model):  # `fit` refuses it
            return {**own, **self._hyperparameters}
        defaults = hyperparameters_of(self.build_model, HANDED_OVER)
        values = {name: self._hyperparameters.get(name, default) for name, default in defaults.items()}
        return {**own, **{name: value for name, value in values.items() if value is not inspect.Parameter.empty}}

    def set_params(self, **params: object) -> _KerasMLP:
        """Change settings and hyperparameters, and return the estimator.

        Raises
        ------
        ValueError
            If there is no parameter of such a name; the message lists those there are.
        """
        build_model = params.get("build_model", self.build_model)
        if callable(build_model):  # `fit` refuses anything else
            choices = [*OWN_PARAMETERS, *hyperparameters_of(build_model, HANDED_OVER)]
            for name in params:
                hint = "A search finds those of a pipeline's step under `step__parameter`."
                check_choice("parameter", name, choices, hint=hint)
        for name, value in params.items():
            if name in OWN_PARAMETERS:
                setattr(self, name, value)
            else:
                self._hyperparameters[name] = value
        return self

    def _train(self, x: np.ndarray, y: np.ndarray, n_outputs: int, *, stratify: np.ndarray | None) -> None:
        """Split, build and train; `y` has the shape and type that the loss wants."""
        train = valid = np.arange(len(x))
        callbacks = []
        if self.patience is None:
            valid = valid[:0]
        else:
            train, valid = self._held_out(len(x), stratify)
            callbacks.append(keras.callbacks.EarlyStopping(patience=self.patience, restore_best_weights=True))
        parts = [tuple(tf.constant(some[rows]) for some in (x, y)) for rows in (train, valid)]
        self._build = self._builder(x.shape[1], n_outputs)
        self.model_ = self._build()
        history = fit_tensors(  # folds and repeats of one architecture share a graph
            self.model_,
            TensorSets(*parts),
            epochs=int(self.epochs),  # searches draw numbers of NumPy
            batch_size=int(self.batch_size),
            callbacks=callbacks,
            seed=int(self.seed),
        )
        self.history_ = history.history
        self.n_epochs_ = len(self.history_["loss"])
        self.best_epoch_ = self.n_epochs_ if self.patience is None else best_epoch(self.history_)
        if self.best_epoch_ is None or not np.isfinite(self.history_["loss"][self.best_epoch_ - 1]):
            raise ValueError(
                "The loss is not a number: the training diverged. Lower the learning rate, or scale the inputs first "
                "(`make_pipeline(StandardScaler(), …)`)."
            )

    def _held_out(self, rows: int, classes: np.ndarray | None) -> list[np.ndarray]:
        """Row numbers for training and for early stopping."""
        way_out = "Pass more rows, or patience=None for training without early stopping."
        if rows < 2:
            raise ValueError(f"n_samples={rows} cannot be split into training and validation rows. {way_out}")
        if classes is not None and np.bincount(classes).min() < 2:
            rare = self.classes_[np.bincount(classes).argmin()]
            raise ValueError(f"The class {rare!r} has one row only, which cannot be split. {way_out}")
        return train_test_split(
            np.arange(rows), test_size=self.validation_fraction, random_state=self.seed, stratify=classes
        )

    def _builder(self, n_inputs: int, n_outputs: int) -> Callable[[], keras.Model]:
        """`build_model` with all that it asks for, whatever the parameters are changed to later."""
        handed = {"n_inputs": n_inputs, "n_outputs": n_outputs, **{name: getattr(self, name) for name in SETTINGS}}
        units = (1, 2) if is_classifier(self) and n_outputs == 2 else (n_outputs,)
        values = {**self.get_params(), **handed}
        return partial(build, self.build_model, values, n_inputs=n_inputs, units=units, seed=int(self.seed))

    def _outputs(self, X: ArrayLike) -> np.ndarray:  # noqa: N803
        """What the network says of each row, shape (rows, outputs)."""
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype="float32")
        starts = range(0, len(x), PREDICTED_ROWS)
        return np.concatenate([self.model_(x[i : i + PREDICTED_ROWS], training=False) for i in starts]).astype(float)

    def __getstate__(self) -> dict[str, object]:
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = store(self.model_)
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        super().__setstate__(state)
        if "model_" in state:
            self.model_ = self._build()
            restore(self.model_, state["model_"])

    def _check_settings(self) -> None:
        if os.getpid() != PROCESS:
            raise RuntimeError(
                "This process was forked from one that had imported TensorFlow, and would wait for its threads for "
                "ever. Use joblib's own backend, loky, instead of multiprocessing: parallel_config(backend='loky')."
            )
        check_integer("batch_size", self.batch_size, at_least=1)
        check_integer("epochs", self.epochs, at_least=1)
        check_integer("seed", self.seed, at_least=0)
        check_number("validation_fraction", self.validation_fraction, above=0, below=1, hint="0.2 is usual.")
        if self.patience is not None:
            check_integer("patience", self.patience, at_least=0, hint="None switches early stopping off.")


class KerasMLPRegressor(RegressorMixin, _KerasMLP):
    """A network that predicts numbers.

    Parameters
    ----------
    build_model : callable
        `build_model(**hyperparameters)` returns a compiled Keras model for rows of numbers; without `keras.Input`, it
        is built for the columns of `X`. What it calls `n_inputs`, `n_outputs` (columns of `X`; targets, or classes),
        `batch_size`, `epochs`, `patience`, `validation_fraction` or `seed` is handed to it; its other parameters are
        the hyperparameters.
    batch_size, epochs : int
        At least 1.
    patience : int or None
        Training ends when the validation loss has not improved for so many epochs; the weights of the best epoch are
        kept. None trains on all rows for all epochs and keeps the last weights.
    validation_fraction : float
        Share of the rows given to `fit` that is held out for early stopping, in (0, 1).
    seed : int
        Of starting weights, dropout, order of batches, and of the rows held out.
    **hyperparameters
        Of `build_model`; those not given have the defaults of its signature.

    Attributes
    ----------
    model_ : keras.Model
        The trained network.
    history_ : dict of str to list of float
        As in `keras.callbacks.History.history`.
    n_epochs_, best_epoch_ : int
        Epochs that were run, and the one (from 1) whose weights `model_` has.
    n_features_in_, feature_names_in_
        As in all estimators.

    Notes
    -----
    A fitted estimator can be pickled, and dumped by `joblib`, if `build_model` can. Weights and optimizer values are
    stored, and `build_model` is called when they are read: it must be there, and make the same network as then.

    With `n_jobs`, all backends of joblib give the same numbers, but `multiprocessing` where it forks: TensorFlow does
    not survive that, and `fit` refuses it.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> KerasMLPRegressor:  # noqa: N803
        """Train a new network on `X`, shape (rows, columns), and `y`, shape (rows,) or (rows, targets).

        Raises
        ------
        ValueError
            If a setting or the data are not valid, `build_model` returns something else than a network with one output
            per target, or the training diverges.
        """
        self._check_settings()
        x, y = validate_data(self, X, y, dtype="float32", multi_output=True, y_numeric=True)
        self._train(x, y.astype("float32"), 1 if y.ndim == 1 else y.shape[1], stratify=None)
        self._one_target = y.ndim == 1
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:  # noqa: N803
        """Predictions of the shape of `y`, float64."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._one_target else outputs

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True  # depends on the network
        return tags


class KerasMLPClassifier(ClassifierMixin, _KerasMLP):
    """A network that tells classes apart; parameters and attributes are those of `KerasMLPRegressor`.

    The loss that `build_model` compiles is a sparse cross-entropy with one output for each class, or for two classes a
    binary one with a single output. Whether the outputs are probabilities or logits is read from the loss.

    Attributes
    ----------
    classes_ : numpy.ndarray
        The labels, in the order of the outputs.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> KerasMLPClassifier:  # noqa: N803
        """Train a new network on `X`, shape (rows, columns), and the labels `y`, shape (rows,), of any type.

        Raises
        ------
        ValueError
            If a setting or the data are not valid, `build_model` returns something else than a network with one output
            per class, or the training diverges.
        """
        self._check_settings()
        x, y = validate_data(self, X, y, dtype="float32")
        check_classification_targets(y)
        self.classes_, numbers = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}: pass rows of at least two classes.")
        self._train(x, numbers.astype("int32"), len(self.classes_), stratify=numbers)
        return self

    def predict_proba(self, X: ArrayLike) -> np.ndarray:  # noqa: N803
        """Probability of each class, shape (rows, classes), in the order of `classes_`."""
        outputs = self._outputs(X)
        loss = self.model_.loss
        from_logits = isinstance(loss, keras.losses.Loss) and loss.get_config().get("from_logits", False)
        if outputs.shape[1] == 1:
            second = expit(outputs) if from_logits else outputs
            return np.hstack([1 - second, second])
        return softmax(outputs, axis=1) if from_logits else outputs / outputs.sum(axis=1, keepdims=True)

    def predict(self, X: ArrayLike) -> np.ndarray:  # noqa: N803
        """The most probable label of each row."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # depends on the network
        return tags
