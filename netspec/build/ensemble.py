"""What networks that are trained side by side say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from netspec.build.objective import Objective
from netspec.graph.calls import Arrays

__all__ = ["OF_MARGINS", "combined"]


def combined(objective: Objective, outputs: Arrays) -> Arrays:
    """The outputs of an ensemble, of its members'.

    Where an output is judged as logits, the members' probabilities are averaged, and given as logits again; any other
    output, margins among them, is averaged as it is.

    Args:
        outputs: by name, [members, …].
    """
    forms = {t.aim.output: "" if t.kind in OF_MARGINS else t.form for t in reversed(objective.terms)}
    return {name: _COMBINE.get(forms.get(name, ""), _mean)(array) for name, array in outputs.items()}


_mean: Callable[[Any], Any] = partial(jnp.mean, axis=0)


def _classes(logits: Any) -> Any:
    """Log of the mean of the members' softmax."""
    return jax.nn.logsumexp(jax.nn.log_softmax(logits, axis=-1), axis=0) - jnp.log(logits.shape[0])


def _two_classes(logits: Any) -> Any:
    """The logit of the mean of the members' σ, without rounding either end to 0 or 1."""
    positive = jax.nn.logsumexp(jax.nn.log_sigmoid(logits), axis=0)
    return positive - jax.nn.logsumexp(jax.nn.log_sigmoid(-logits), axis=0)


_COMBINE: Mapping[str, Callable[[Any], Any]] = {
    "index": _classes,
    "distribution": _classes,
    "symbols": _classes,
    "zero_one": _two_classes,
}

OF_MARGINS = ("multiclass_hinge", "multiclass_perceptron")
"""Losses of a class's index whose outputs are no logits."""
