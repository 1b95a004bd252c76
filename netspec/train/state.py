"""The whole state of a training, as plain arrays: what a step changes and a checkpoint holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build.program import Program
from netspec.diagnostics import Diagnostic, RunError
from netspec.graph.calls import Arrays
from netspec.train.feed import Examples

__all__ = ["Keys", "State", "begin", "from_arrays", "shapes", "to_arrays"]


class State(NamedTuple):
    """What one step takes and gives.

    Args:
        parameters: those that learn, by path.
        frozen: those that don't.
        statistics: what the network remembers but does not learn.
        optimizer: Optax's state.
        step: steps made, as a number on the device.
    """

    parameters: Arrays
    frozen: Arrays
    statistics: Arrays
    optimizer: Any
    step: Any


class Keys(NamedTuple):
    """The keys of everything random, all from the one seed."""

    initial: jax.Array
    order: jax.Array
    noise: jax.Array

    @classmethod
    def of(cls, seed: int) -> Keys:
        """The keys that a seed gives."""
        root = jax.random.key(seed)
        return cls(*(jax.random.fold_in(root, i) for i in range(3)))


def begin(program: Program, keys: Keys, examples: Examples) -> State:
    """The state before the first step.

    Args:
        examples: to learn from; some of them are looked at where initial values are made of the data.
    """
    state = _first(program, keys.initial)
    return _from_data(program, state, examples) if program.network.from_data else state


MOST_LOOKED_AT = 10_000
"""Training examples that initial values are made of, at the most."""


def _from_data(program: Program, state: State, examples: Examples) -> State:
    """The same state with the parameters that begin as the data says."""
    rows = np.random.default_rng(program.spec.seed).permutation(len(examples))[:MOST_LOOKED_AT]
    inputs, _ = examples.take(np.sort(rows))
    parameters = state.parameters | state.frozen
    found = program.network.initialise_from_data(parameters, state.statistics, inputs, program.spec.seed)
    learned = {path: found.get(path, value) for path, value in state.parameters.items()}
    frozen = {path: found.get(path, value) for path, value in state.frozen.items()}
    return state._replace(parameters=learned, frozen=frozen, optimizer=program.updater.transformation.init(learned))


def shapes(program: Program) -> State:
    """The shapes of a program's state, in its place; nothing is allocated."""
    graph = program.network.graph
    learned, frozen = _parted(program, graph.parameters)
    optimizer = jax.eval_shape(program.updater.transformation.init, learned)
    return State(learned, frozen, graph.statistics, optimizer, jax.ShapeDtypeStruct((), jnp.int32))


def _first(program: Program, key: jax.Array) -> State:
    parameters, statistics = program.network.initialise(key)
    learned, frozen = _parted(program, parameters)
    optimizer = jax.jit(program.updater.transformation.init)(learned)
    return State(learned, frozen, statistics, optimizer, jnp.zeros((), jnp.int32))


def _parted(program: Program, parameters: Arrays) -> tuple[Arrays, Arrays]:
    """The parameters that learn, and those that don't."""
    frozen = program.network.graph.frozen
    return {p: v for p, v in parameters.items() if p not in frozen}, {
        p: parameters[p] for p in parameters if p in frozen
    }


def to_arrays(state: State) -> dict[str, np.ndarray[Any, Any]]:
    """The state on the host, each array under the path of its place in the state."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(state)
    plain = [_plain(leaf) for _, leaf in leaves]
    return dict(zip((_name(path) for path, _ in leaves), jax.device_get(plain), strict=True))


def from_arrays(like: State, arrays: Mapping[str, np.ndarray[Any, Any]]) -> State:
    """The state that `to_arrays` made arrays of.

    Args:
        like: a state of the same program, or its shapes.

    Raises:
        RunError: the arrays are of another program.
    """
    leaves, structure = jax.tree_util.tree_flatten_with_path(like)
    return jax.tree_util.tree_unflatten(structure, [_restored(_name(path), leaf, arrays) for path, leaf in leaves])  # type: ignore[no-any-return]


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")


def _plain(leaf: Any) -> Any:
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def _restored(name: str, leaf: Any, arrays: Mapping[str, np.ndarray[Any, Any]]) -> jax.Array:
    is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    shape, dtype = (leaf.shape, leaf.dtype) if not is_key else (None, np.dtype("uint32"))
    found = arrays.get(name)
    if found is None or (shape is not None and found.shape != shape) or found.dtype != dtype:
        what = (
            "is missing" if found is None else f"is {found.dtype} {list(found.shape)}, not {dtype} {list(shape or ())}"
        )
        raise RunError(Diagnostic("checkpoint", f"the checkpoint does not fit the spec: '{name}' {what}"))
    # A copy of its own: the step gives its buffers away, and one that NumPy still holds cannot be given.
    array = jnp.array(found, copy=True)
    return jax.random.wrap_key_data(array) if is_key else array
