"""What is measured besides the loss: metrics that follow from the form of a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import exp
from typing import Any

import jax
import jax.numpy as jnp

from netspec.build.targets import Aim
from netspec.nn.ctc import label_errors

__all__ = ["Measured", "main_of", "measures_of", "probabilities_of"]


@dataclass(frozen=True, slots=True)
class Measured:
    """Something measured on what a loss judges.

    Args:
        each: of the outputs and the encoded target, a number for each example, or for each position of each.
        finish: of the mean over all that count.
        higher_is_better: whether more of it is better.
        weights: of what the loss compares and the target as it is, what each of these numbers counts; None: the same.
    """

    each: Callable[..., Any]
    finish: Callable[[float], float] = lambda mean: mean
    higher_is_better: bool = False
    weights: Callable[[Aim, Any], Any] = Aim.counts


def measures_of(aim: Aim, loss: Callable[..., Any]) -> dict[str, Measured]:
    """The metrics of what a loss compares, "loss" first.

    Args:
        loss: of the outputs and the encoded target.
    """
    found = {"loss": Measured(loss, weights=Aim.weights), **_MEASURES[aim.form]}
    if aim.whole and aim.form in _OVERLAPS:
        found["dice"] = Measured(_OVERLAPS[aim.form], higher_is_better=True, weights=Aim.weights)
    elif aim.form == "index" and aim.facts.shape:
        found["perplexity"] = Measured(loss, lambda mean: exp(min(mean, 700.0)))
    return found


def main_of(form: str) -> str:
    """The metric that people judge by."""
    return _MAIN.get(form, "accuracy")


_MAIN: Mapping[str, str] = {
    "number": "root_mean_squared_error",
    "symbols": "label_error",
    **dict.fromkeys(("distribution", "group", "pair", "nothing"), "loss"),
}


def probabilities_of(form: str) -> Callable[[Any], Any] | None:
    """Of an output, one number a class; None where it holds none."""
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
    "symbols": {"label_error": Measured(label_errors, weights=Aim.lengths)},
    "distribution": {},
    "group": {},
    "pair": {},
    "nothing": {},
}


# -- how far regions overlap -------------------------------------------------------------------------------------------


def _overlap(said: Any, wanted: Any, counts: Any) -> Any:
    """2 |A ∩ B| / (|A| + |B|), the mean over the regions that there are; 1 where there is none.

    Args:
        said, wanted: whether a position is in a region, [batch, …, regions].
        counts: whether it counts at all, [batch, …, 1].
    """
    positions = tuple(range(1, said.ndim - 1))
    both, either = (
        jnp.sum(jnp.where(counts, x, 0), axis=positions).astype(jnp.float32)
        for x in (said & wanted, said.astype(jnp.int32) + wanted)
    )
    share, there = 2.0 * both / jnp.maximum(either, 1.0), either > 0
    return jnp.where(there.any(axis=-1), jnp.sum(share, axis=-1) / jnp.maximum(jnp.sum(there, axis=-1), 1), 1.0)


def _of_one_region(outputs: Any, targets: Any) -> Any:
    return _overlap(outputs > 0, targets > 0.5, targets >= 0)


def _of_regions(outputs: Any, targets: Any) -> Any:
    classes = outputs.shape[-1]
    said = jax.nn.one_hot(jnp.argmax(outputs, axis=-1), classes, dtype=bool)
    return _overlap(said, jax.nn.one_hot(targets, classes, dtype=bool), (targets >= 0)[..., None])


_OVERLAPS: Mapping[str, Callable[[Any, Any], Any]] = {"zero_one": _of_one_region, "index": _of_regions}


# -- probabilities -----------------------------------------------------------------------------------------------------


def _two_classes(outputs: Any) -> Any:
    positive = jax.nn.sigmoid(outputs)
    return jnp.concatenate([1.0 - positive, positive], axis=-1)


_softmax = partial(jax.nn.softmax, axis=-1)

_PROBABILITIES: Mapping[str, Callable[[Any], Any]] = {
    "index": _softmax,
    "zero_one": _two_classes,
    # A margin is no probability; the side of the boundary is all that such a loss says.
    "plus_minus": lambda outputs: jnp.concatenate([outputs <= 0, outputs > 0], axis=-1).astype(jnp.float32),
    "distribution": _softmax,
    "symbols": _softmax,
}
