"""Calling a `build_model` function: what its hyperparameters are, what is handed to it, and under which seed."""

from __future__ import annotations

import course_utils.quiet  # first: TensorFlow's log lines stay out of the page
import contextlib
import inspect
import random
import threading
from collections.abc import Callable, Collection, Iterator, Mapping

import keras
import numpy as np

__all__ = ["build", "call", "hyperparameters_of"]

# One thread at a time: the generators belong to all. It may enter again: a `build_model` may read a trained network.
_building = threading.RLock()


def hyperparameters_of(build_model: Callable[..., keras.Model], handed_over: Collection[str]) -> dict[str, object]:
    """The parameters of `build_model` but those handed over, with their defaults (`inspect.Parameter.empty`: none)."""
    if not callable(build_model):
        return {}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(build_model).parameters
    return {name: p.default for name, p in parameters.items() if p.kind in named and name not in handed_over}


def call(
    build_model: Callable[..., keras.Model],
    values: Mapping[str, object],
    *,
    input_shape: tuple[int, ...],
    seed: int,
    way_out: str = "",
) -> keras.Model:
    """Call `build_model` with those of `values` that it has parameters for.

    Parameters
    ----------
    build_model : callable
    values : mapping of str to object
        By name; numbers of NumPy become Python's, for Keras refuses `Dense(np.int64(30))`.
    input_shape : tuple of int
        Of one example, for which the model is built, if it is not.
    seed : int
        Of its starting weights and dropout: those that it has after `keras.utils.set_random_seed(seed)`.
    way_out : str
        What to do where a parameter has neither a default nor a value; "{name}" stands for it.

    Returns
    -------
    keras.Model
        Compiled and built.

    Raises
    ------
    ValueError
        If `build_model` is no function (but for example the model that it returns), a value is missing, or the result
        is no model, or not compiled.
    """
    if not callable(build_model) or isinstance(build_model, keras.Model):
        raise ValueError(
            f"build_model={build_model!r} is not a function. Pass the function itself, which returns a compiled model."
        )
    asked = inspect.signature(build_model).parameters
    arguments = {name: _as_python(value) for name, value in values.items() if name in asked}
    own = hyperparameters_of(build_model, ())
    missing = [name for name in own if name not in arguments and own[name] is inspect.Parameter.empty]
    if missing:
        raise ValueError(f"build_model needs a value for {missing[0]!r}: {way_out.format(name=missing[0])}")
    with _seeded(seed):
        model = build_model(**arguments)
        if not isinstance(model, keras.Model):
            raise ValueError(f"build_model returned {model!r}, which is no keras.Model. End it with `return model`.")
        if not model.compiled:
            raise ValueError("build_model returned a model that is not compiled. Call model.compile(…) before that.")
        if not model.built:
            model.build((None, *input_shape))
    return model


def build(
    build_model: Callable[..., keras.Model],
    values: Mapping[str, object],
    *,
    n_inputs: int,
    units: Collection[int],
    seed: int,
) -> keras.Model:
    """`call` for an estimator: with a check of the output.

    Parameters
    ----------
    build_model, values, seed
        As in `call`.
    n_inputs : int
        Columns for which the model is built, if it is not.
    units : collection of int
        Widths that its output may have.

    Raises
    ------
    ValueError
        As in `call`, or if the output has another width.
    """
    way_out = "pass {name}=… to the estimator."
    model = call(build_model, values, input_shape=(n_inputs,), seed=seed, way_out=way_out)
    found = model.compute_output_shape((None, n_inputs))[-1]
    if found not in units:
        raise ValueError(
            f"The last layer of build_model has {found} units, but y asks for {max(units)}. Give build_model a "
            "parameter n_outputs, which is handed to it, and end with Dense(n_outputs)."
        )
    return model


def _as_python(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the process while a network is built, and let the generators of Python and NumPy go on as before.

    Otherwise every fit would restart the generators from which a search, or the lesson around it, draws.
    `keras.utils.set_random_seed` would seed `tf.random` too, which Keras' layers do not use, and with it empty
    TensorFlow's cache of kernels: that took a fifth of a small fit.
    """
    with _building, _keras_draws_from(random.Random(seed)):
        python, numpy = random.getstate(), np.random.get_state()
        random.seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@contextlib.contextmanager
def _keras_draws_from(generator: random.Random) -> Iterator[None]:
    """Keep the seeds of layers, which Keras draws with `random.randint`, from what other threads draw meanwhile.

    To seed `random` is not enough: in a Dask worker another thread draws from it some ten times a second, to estimate
    the size of lists, and every draw would change the starting weights of the layers after it. Keras takes seeds from
    nowhere else. So this thread gets a generator of its own, and the others keep theirs
    (`test_other_threads_that_draw_numbers_change_nothing`).
    """
    thread, randint = threading.get_ident(), random.randint

    def randint_of_the_thread(low: int, high: int) -> int:
        return (generator.randint if threading.get_ident() == thread else randint)(low, high)

    random.randint = randint_of_the_thread
    try:
        yield
    finally:
        random.randint = randint
