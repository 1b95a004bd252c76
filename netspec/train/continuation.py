"""A text continued by a network that was trained to: one token after the other, each drawn from what it says of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build.ensemble import combined
from netspec.build.program import Program
from netspec.graph.calls import Arrays
from netspec.train.measure import outputs_for
from netspec.train.state import Weights

__all__ = ["Writer"]


class Writer:
    """A network, or an ensemble, that says which token comes next, compiled once for its window.

    Args:
        special: the first numbers, which stand for no token (the unknown one, padding) and are never drawn.
    """

    def __init__(self, program: Program, parameters: Arrays, statistics: Arrays, special: int) -> None:
        (self._name,) = program.network.graph.inputs
        self._program = program
        self._weights = (parameters, statistics)
        self._special = special
        self.window: int = program.network.graph.inputs[self._name].shape[0]
        output = program.network.graph.output_shapes[program.objective.terms[0].aim.output]
        self.every = len(output) == 2
        """Whether it speaks at every position of the window, or after the last alone."""
        self._logits = jax.jit(self._after)
        self._next = jax.jit(self._drawn)

    def looks_ahead(self, prompt: np.ndarray[Any, Any]) -> bool:
        """Whether what it says after a prompt depends on what fills the window up behind the prompt."""
        if not self.every or len(prompt) >= self.window:
            return False
        first, second = (self._logits(*self._weights, *self._in_window(prompt, fill)) for fill in (0, 1))
        return not np.allclose(first, second, rtol=1e-3, atol=1e-3)

    def tokens(self, prompt: np.ndarray[Any, Any], count: int, temperature: float, seed: int) -> Iterator[int]:
        """So many tokens that follow a prompt.

        Args:
            prompt: tokens, at least one; where the network speaks after the last position alone, at least a window.
            temperature: what logits are divided by before a token is drawn; at 0 the likeliest one is taken.
            seed: of the draws.
        """
        known = [int(token) for token in prompt[-self.window :]]
        key = jax.random.key(seed)
        for i in range(count):
            filled, last = self._in_window(np.asarray(known), 0)
            drawn = self._next(*self._weights, filled, last, jax.random.fold_in(key, i), temperature)
            known = [*known, int(drawn)][-self.window :]
            yield known[-1]

    def _in_window(self, tokens: np.ndarray[Any, Any], fill: int) -> tuple[np.ndarray[Any, Any], int]:
        """The last tokens in a window that is filled up behind them, [1, window], and the position of the last one."""
        known = tokens[-self.window :]
        filled = np.full((1, self.window), fill, np.int32)
        filled[0, : len(known)] = known
        return filled, len(known) - 1

    def _after(self, parameters: Arrays, statistics: Arrays, filled: Any, last: Any) -> Any:
        """The logits of the token after a position."""
        program = self._program
        outputs = outputs_for(program.last, program.members)(Weights(parameters, statistics), {self._name: filled})
        if program.members is not None:
            outputs = combined(program.objective, outputs)
        logits = outputs[program.objective.terms[0].aim.output][0]
        return logits[last] if self.every else logits

    def _drawn(self, parameters: Arrays, statistics: Arrays, filled: Any, last: Any, key: Any, temperature: Any) -> Any:
        logits = self._after(parameters, statistics, filled, last)
        logits = jnp.where(jnp.arange(len(logits)) < self._special, -jnp.inf, logits)
        drawn = jax.random.categorical(key, logits / jnp.maximum(temperature, 1e-6))
        return jnp.where(temperature > 0, drawn, jnp.argmax(logits))
