"""The whole state of a training, as plain arrays: what a step changes and a checkpoint holds.

Networks that are trained side by side ("abreast": the members of an ensemble, or one spec with several seeds) have one
state, whose arrays have an axis for them in front.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build.program import Phase, Program
from netspec.diagnostics import Diagnostic, RunError
from netspec.graph.calls import Arrays
from netspec.train.feed import Examples

__all__ = [
    "ABREAST",
    "Keys",
    "State",
    "Weights",
    "begin",
    "enter",
    "evaluated",
    "from_arrays",
    "one_of",
    "shapes",
    "stacked",
    "to_arrays",
]


class State(NamedTuple):
    """What one step takes and gives.

    Args:
        parameters: those that learn, by path.
        frozen: those that don't.
        statistics: what the network remembers but does not learn.
        optimizer: Optax's state.
        step: steps made in this phase, as a number on the device.
        average: the moving sums of parameters and statistics; nothing where no average is asked for.
    """

    parameters: Arrays
    frozen: Arrays
    statistics: Arrays
    optimizer: Any
    step: Any
    average: Any = ()


_AXES: Any = (0, 0, 0, 0, None, 0)
ABREAST = State(*_AXES)
"""The axes of a state of networks abreast, for `jax.vmap`."""


class Weights(NamedTuple):
    """What a network computes with.

    Args:
        parameters: all, by path.
        statistics: by path.
    """

    parameters: Arrays
    statistics: Arrays


class Keys(NamedTuple):
    """The keys of everything random, all from one seed.

    Args:
        seed: for what is drawn with NumPy.
    """

    initial: jax.Array
    order: jax.Array
    noise: jax.Array
    seed: int

    @classmethod
    def of(cls, seed: int, member: int | None = None) -> Keys:
        """The keys that a seed gives; to each member of an ensemble its own."""
        root = jax.random.key(seed)
        if member is not None:
            root = jax.random.fold_in(root, 3 + member)
        initial, order, noise = (jax.random.fold_in(root, i) for i in range(3))
        return cls(initial, order, noise, seed + (member or 0))

    def of_phase(self, i: int) -> Keys:
        """The keys of a later phase, which has its own orders and its own noise."""
        if i == 0:
            return self
        last = 2**32 - 2 - i  # epochs and steps, which are folded in elsewhere, do not come that far
        return self._replace(order=jax.random.fold_in(self.order, last), noise=jax.random.fold_in(self.noise, last))

    @property
    def optimizer(self) -> jax.Array:
        """The key of what an optimizer draws in a phase."""
        return jax.random.fold_in(self.noise, 2**32 - 1)


def stacked(trees: Sequence[Any]) -> Any:
    """Several trees of arrays as one, with an axis for them in front."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def one_of(tree: Any, i: int) -> Any:
    """One of those that are abreast in a tree of arrays."""
    return jax.tree.map(lambda leaf: leaf[i], tree)


MOST_LOOKED_AT = 10_000
"""Training examples that initial values are made of, at the most."""


def begin(program: Program, keys: Keys, examples: Examples, start: Mapping[str, Any] | None = None) -> Weights:
    """The weights before the first step, of one network.

    Args:
        examples: to learn from; some of them are looked at where initial values are made of the data.
        start: weights from elsewhere by path, in the place of initial ones.
    """
    parameters, statistics = program.network.initialise(keys.initial)
    if program.network.from_data:
        rows = np.random.default_rng(keys.seed).permutation(len(examples))[:MOST_LOOKED_AT]
        inputs, _ = examples.take(np.sort(rows))
        parameters |= program.network.initialise_from_data(parameters, statistics, inputs, keys.seed)
    given = {path: jnp.asarray(array) for path, array in (start or {}).items()}
    return Weights(
        {path: given.get(path, value) for path, value in parameters.items()},
        {path: given.get(path, value) for path, value in statistics.items()},
    )


def enter(phase: Phase, weights: Weights, abreast: int | None = None, key: Any = None) -> State:
    """The state before the first step of a phase.

    Args:
        abreast: how many networks the weights are of; None for one, with no axis for it.
        key: what an optimizer draws with that draws; of networks abreast, one for each.
    """
    learned, frozen = _parted(phase, weights.parameters)
    init, seeded = phase.updater.transformation.init, phase.updater.seeded
    optimizer = jax.jit(init if abreast is None else jax.vmap(init))(learned)
    if seeded is not None and key is not None:
        optimizer = (seeded if abreast is None else jax.vmap(seeded))(optimizer, key)
    average = _zeros_of(learned, weights.statistics) if phase.train.ema is not None else ()
    return State(learned, frozen, weights.statistics, optimizer, jnp.zeros((), jnp.int32), average)


def _zeros_of(*trees: Any) -> Any:
    return jax.jit(lambda kept: jax.tree.map(jnp.zeros_like, kept))(trees)


def shapes(phase: Phase, abreast: int | None = None) -> State:
    """The shapes of a phase's state, in its place; nothing is allocated."""
    graph = phase.network.graph
    front = () if abreast is None else (abreast,)

    def widened(arrays: Mapping[str, Any]) -> Arrays:
        return {path: jax.ShapeDtypeStruct((*front, *a.shape), a.dtype) for path, a in arrays.items()}

    weights = Weights(widened(graph.parameters), widened(graph.statistics))
    return jax.eval_shape(lambda w: enter(phase, w, abreast), weights)  # type: ignore[no-any-return]


def _parted(phase: Phase, parameters: Arrays) -> tuple[Arrays, Arrays]:
    """The parameters that learn, and those that don't."""
    frozen = phase.network.graph.frozen
    return {p: v for p, v in parameters.items() if p not in frozen}, {
        p: parameters[p] for p in parameters if p in frozen
    }


def evaluated(phase: Phase, abreast: int | None = None) -> Callable[[State], Weights]:
    """The function that gives the weights that are evaluated and kept: averages, where the phase asks for them."""
    of, ema = phase.updater.evaluated, phase.train.ema
    if ema is None and of is None:
        return lambda state: Weights(state.parameters | state.frozen, state.statistics)

    @jax.jit
    def weights(state: State) -> Weights:
        parameters, statistics = state.parameters, state.statistics
        if ema is not None:
            share = jnp.where(state.step > 0, 1.0 - ema ** state.step.astype(jnp.float32), 1.0)
            whole = (parameters, statistics)
            parameters, statistics = jax.tree.map(
                lambda moving, now: jnp.where(state.step > 0, moving / share, now).astype(now.dtype),
                state.average,
                whole,
            )
        elif of is not None:
            parameters = (of if abreast is None else jax.vmap(of))(state.optimizer, parameters)
        return Weights(parameters | state.frozen, statistics)

    return weights


def to_arrays(state: State) -> dict[str, np.ndarray[Any, Any]]:
    """The state on the host, each array under the path of its place in the state."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(state)
    plain = [_plain(leaf) for _, leaf in leaves]
    return dict(zip((_name(path) for path, _ in leaves), jax.device_get(plain), strict=True))


def from_arrays(like: State, arrays: Mapping[str, np.ndarray[Any, Any]]) -> State:
    """The state that `to_arrays` made arrays of.

    Args:
        like: a state of the same phase, or its shapes.

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
