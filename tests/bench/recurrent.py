"""`python -m tests.bench.recurrent`: time the recurrent layers against those of Flax, forward and with the gradient.

The forms take turns in each round, since the machine may be busier in one round than in the next: a ratio compares
turns of the same round, and what is shown is the median over the rounds. A ratio above 1 is Flax's time over ours.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from netspec.nn.recurrent import GRU, LSTM, RNN


class Size(NamedTuple):
    """How much a layer is given to do."""

    batch: int
    length: int
    channels: int
    units: int


SIZES = (
    Size(50, 64, 64, 128),
    Size(128, 28, 28, 64),
    Size(64, 32, 32, 32),
    Size(32, 128, 256, 256),
    Size(16, 100, 128, 512),
    Size(1, 100, 64, 128),
)

LAYERS: dict[str, tuple[type, tuple[type, ...]]] = {
    "lstm": (LSTM, (nnx.LSTMCell, nnx.OptimizedLSTMCell)),
    "gru": (GRU, (nnx.GRUCell,)),
    "rnn": (RNN, (nnx.SimpleCell,)),
}
"""Ours, and the cells of Flax that do the same."""

Run = Callable[[], Any]


def main() -> None:
    options = _options()
    for kind, (ours, cells) in LAYERS.items():
        if options.only not in (None, kind):
            continue
        for size in SIZES:
            x = jax.random.normal(jax.random.key(0), (size.batch, size.length, size.channels))
            layers: dict[str, Any] = {"ours": ours(size.channels, size.units, rngs=nnx.Rngs(0))}
            for cell in cells:
                layers[cell.__name__] = nnx.RNN(cell(size.channels, size.units, rngs=nnx.Rngs(0)), rngs=False)
            for task, made in (("forward", _forward), ("gradient", _gradient)):
                times = _times({name: made(layer, x) for name, layer in layers.items()}, options)
                print(f"{kind:5s}{task:9s}{_described(size)}  {_compared(times)}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.recurrent", description=__doc__)
    parser.add_argument("--only", choices=LAYERS, help="one kind of layer")
    parser.add_argument("--rounds", type=int, default=10, help="of turns; 10 unless said otherwise")
    parser.add_argument("--seconds", type=float, default=0.15, help="of a turn; 0.15 unless said otherwise")
    return parser.parse_args()


def _applied(layer: Any) -> tuple[Callable[..., jax.Array], Any]:
    definition, parameters = nnx.split(layer)

    def run(parameters: Any, x: jax.Array) -> jax.Array:
        arguments = {"rngs": nnx.Rngs(0)} if isinstance(layer, nnx.RNN) else {}
        return nnx.merge(definition, parameters)(x, **arguments)

    return run, parameters


def _forward(layer: Any, x: jax.Array) -> Run:
    run, parameters = _applied(layer)
    compiled = jax.jit(run).lower(parameters, x).compile()
    return lambda: compiled(parameters, x)


def _gradient(layer: Any, x: jax.Array) -> Run:
    run, parameters = _applied(layer)
    of_both = jax.grad(lambda parameters, x: jnp.sum(jnp.sin(run(parameters, x))), (0, 1))
    compiled = jax.jit(of_both).lower(parameters, x).compile()
    return lambda: compiled(parameters, x)


def _times(runs: dict[str, Run], options: argparse.Namespace) -> dict[str, list[float]]:
    """Milliseconds a run, in each round."""
    counts = {name: max(1, round(options.seconds / _turn(run, 2))) for name, run in runs.items()}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.rounds):
        for name, run in runs.items():
            times[name].append(1e3 * _turn(run, counts[name]))
    return times


def _turn(run: Run, count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        jax.block_until_ready(run())
    return (time.perf_counter() - began) / count


def _described(size: Size) -> str:
    return f"{size.batch:4d} x {size.length:3d}, {size.channels:3d} to {size.units:3d}"


def _compared(times: dict[str, list[float]]) -> str:
    ours = times["ours"]
    parts = [f"ours {median(ours):7.2f} ms"]
    for name, theirs in times.items():
        if name != "ours":
            ratio = median(t / o for t, o in zip(theirs, ours, strict=True))
            parts.append(f"{name} {median(theirs):7.2f} ms ({ratio:.2f})")
    return "  ".join(parts)


if __name__ == "__main__":
    main()
