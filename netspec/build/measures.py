"""What is measured besides the loss: metrics that follow from the form of a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import exp
from typing import Any

import jax
import jax.numpy as jnp

__all__ = ["Measured", "main_of", "measures_of", "probabilities_of"]


@dataclass(frozen=True, slots=True)
class Measured:
    """Something measured on one output.

    Args:
        each: of the output and the encoded target, a number for each example, or for each position of each.
        finish: of the mean over all that count.
        higher_is_better: whether more of it is better.
    """

    each: Callable[[Any, Any], Any]
    finish: Callable[[float], float] = lambda mean: mean
    higher_is_better: bool = False


def measures_of(form: str, *, positions: bool, loss: Callable[[Any, Any], Any]) -> dict[str, Measured]:
    """The metrics of an output, "loss" first.

    Args:
        form: of the target, as the loss takes it: "index", "zero_one", "plus_minus", "number".
        positions: whether there is a class for each position of a sequence.
        loss: of the output and the encoded target.
    """
    perplexity = {"perplexity": Measured(loss, lambda mean: exp(min(mean, 700.0)))} if positions else {}
    return {"loss": Measured(loss), **_MEASURES[form], **(perplexity if form == "index" else {})}


def main_of(form: str) -> str:
    """The metric that people judge by."""
    return "root_mean_squared_error" if form == "number" else "accuracy"


def probabilities_of(form: str) -> Callable[[Any], Any] | None:
    """Of an output, one number a class; None where numbers are predicted."""
    return _PROBABILITIES.get(form)


def _right(outputs: Any, targets: Any, threshold: float) -> Any:
    """1 for each example whose one logit is on its target's side; a logit of exactly 0 is on neither."""
    side = jnp.where(targets > threshold, 1.0, -1.0)
    return (outputs * side > 0.0).all(axis=-1).astype(jnp.float32)


def _right_class(outputs: Any, targets: Any) -> Any:
    return (jnp.argmax(outputs, axis=-1) == targets).astype(jnp.float32)


def _of_classes(right: Callable[[Any, Any], Any]) -> dict[str, Measured]:
    wrong = Measured(lambda outputs, targets: 1.0 - right(outputs, targets))
    return {"accuracy": Measured(right, higher_is_better=True), "error": wrong}


def _each_mean(numbers: Any) -> Any:
    return numbers.mean(axis=tuple(range(1, numbers.ndim)))


_OF_NUMBERS = {
    "mean_absolute_error": Measured(lambda outputs, targets: _each_mean(jnp.abs(outputs - targets))),
    "root_mean_squared_error": Measured(
        lambda outputs, targets: _each_mean(jnp.square(outputs - targets)), lambda mean: mean**0.5
    ),
}

_MEASURES: Mapping[str, Mapping[str, Measured]] = {
    "index": _of_classes(_right_class),
    "zero_one": _of_classes(partial(_right, threshold=0.5)),
    "plus_minus": _of_classes(partial(_right, threshold=0.0)),
    "number": _OF_NUMBERS,
}


def _two_classes(outputs: Any) -> Any:
    positive = jax.nn.sigmoid(outputs)
    return jnp.concatenate([1.0 - positive, positive], axis=-1)


_PROBABILITIES: Mapping[str, Callable[[Any], Any]] = {
    "index": partial(jax.nn.softmax, axis=-1),
    "zero_one": _two_classes,
    # A margin is no probability; the side of the boundary is all that such a loss says.
    "plus_minus": lambda outputs: jnp.concatenate([outputs <= 0, outputs > 0], axis=-1).astype(jnp.float32),
}
