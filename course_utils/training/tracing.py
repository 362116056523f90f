"""One function traced by TensorFlow, to be called with the variables of one model after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import keras
import tensorflow as tf

__all__ = ["TracedGraph"]


def _unoptimized() -> bytes:
    """Options under which TensorFlow runs a graph as it was traced.

    On networks of this size its graph optimizer costs more than it saves: about 0.2 s of each graph's first call, and
    nothing changes in the time of the later ones. `tf.config.optimizer` would switch it off for the whole process.
    """
    options = tf.compat.v1.ConfigProto()
    options.graph_options.rewrite_options.disable_meta_optimizer = True
    return options.SerializeToString()


class TracedGraph:
    """A graph that does not belong to the model it was traced with.

    A graph takes the variables that it reads and writes as inputs, which TensorFlow fills in by itself when a
    `tf.function` is called. Here they are filled in by whoever calls: any model of the same architecture will do, and
    the one that it was traced with can be forgotten.

    Parameters
    ----------
    function : callable
        Takes tensors of `signature` and returns a list of tensors.
    signature : sequence of tf.TensorSpec
    variables : sequence of keras.Variable
        Those that callers may exchange.
    """

    def __init__(
        self,
        function: Callable[..., list[tf.Tensor]],
        signature: Sequence[tf.TensorSpec],
        variables: Callable[[], Sequence[keras.Variable]] = tuple,
    ) -> None:
        # Without autograph, as in model.fit: nothing here is written for it, and tracing is quicker.
        # TensorFlow warns of a method that it traces for many objects; it does not for a `partial` of each.
        traced = tf.function(partial(function), input_signature=signature, autograph=False)
        self._graph = traced.get_concrete_function()
        places = {id(handle): place for place, handle in enumerate(handles(variables()))}
        captured = self._graph.captured_inputs
        self._places = [places.get(id(tensor)) for tensor in captured]
        self._fixed = [None if id(tensor) in places else tensor for tensor in captured]
        self._types = [output.dtype for output in self._graph.outputs]
        self._options = _unoptimized()

    @property
    def is_free(self) -> bool:
        """Whether every variable that it uses can be exchanged."""
        return all(tensor is None for tensor in self._fixed)

    def __call__(self, *inputs: tf.Tensor, variables: Sequence[tf.Tensor] = ()) -> list[tf.Tensor]:
        """Run the graph on `inputs`, and on variables by their handles, in the order of those it was traced with."""
        pairs = zip(self._places, self._fixed, strict=True)
        captured = [variables[place] if fixed is None else fixed for place, fixed in pairs]
        return tf.raw_ops.StatefulPartitionedCall(
            args=[*inputs, *captured], Tout=self._types, f=self._graph, config_proto=self._options
        )


def handles(variables: Sequence[keras.Variable]) -> list[tf.Tensor]:
    """TensorFlow's references to variables, which a graph takes as inputs."""
    return [variable.value.handle for variable in variables]
