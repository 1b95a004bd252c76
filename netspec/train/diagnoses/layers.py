"""How each layer is: vanishing and exploding gradients, dead and saturated units."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from netspec.train.diagnoses.condition import Health
from netspec.train.diagnoses.finding import Finding, all_of, shown
from netspec.train.diagnoses.history import History, Patient
from netspec.train.diagnoses.thresholds import (
    BEGINNING,
    DEAD,
    ENOUGH,
    FEWEST_LAYERS,
    ORDERS,
    SATURATED_UNITS,
)

__all__ = ["dead_units", "exploding_gradients", "saturated_units", "vanishing_gradients"]


def vanishing_gradients(patient: Patient, history: History, health: Health | None) -> Iterator[Finding]:
    """The gradient vanishes on its way back: the first layers hardly learn.

    The gradient of each layer is taken beside the layer's parameters, and the middle one of the first third of the
    layers is compared with that of the last third.
    """
    if health is None or (compared := _ends(patient, health)) is None:
        return
    (first, front), (last, back) = compared
    orders = _orders(back, front)
    evidence = f"{first} gets a gradient of {shown(front)} of its weights, {last} one of {shown(back)}"
    remedy = 'relu in place of sigmoid or tanh, batch_norm, residual connections, or init = { kernel = "he_normal" }'
    yield Finding(orders / ORDERS, evidence, remedy)


def exploding_gradients(patient: Patient, history: History, health: Health | None) -> Iterator[Finding]:
    """The gradient explodes on its way back: the first layers are thrown about.

    The gradients of the first and last layers are compared, as for gradients that vanish.
    """
    if health is None or (compared := _ends(patient, health)) is None:
        return
    (first, front), (last, back) = compared
    orders = _orders(front, back)
    evidence = f"{first} gets a gradient of {shown(front)} of its weights, {last} one of {shown(back)}"
    clip = "" if patient.clips else "clip = { global_norm = 1.0 }, "
    yield Finding(orders / ORDERS, evidence, f"{clip}smaller initial values, or batch_norm")


def dead_units(patient: Patient, history: History, health: Health | None) -> Iterator[Finding]:
    """Rectified units are 0 for every example: no gradient reaches them any more.

    The share of such units in each layer whose activation is relu, over all examples that are looked at.
    """
    if health is None or health.examples < min(ENOUGH, patient.examples):
        return
    for layer, share in health.dead.items():
        evidence = f"{100.0 * share:.0f} % of {layer}'s units are 0 for each of {health.examples:,} examples"
        remedy = 'a smaller learning_rate, leaky_relu, or init = { kernel = "he_normal" }'
        yield Finding(share / DEAD, evidence, remedy, layer)


def saturated_units(patient: Patient, history: History, health: Health | None) -> Iterator[Finding]:
    """Sigmoids or tanhs lie at the ends of their range, where they have next to no slope: learning has to wait.

    The share of such results in each layer but the outputs, while the loss is still high.
    """
    if health is None or not history.start:
        return
    remaining = history.level / abs(history.start) / BEGINNING if patient.comparable else True
    for layer, share in health.saturated.items():
        evidence = f"{100.0 * share:.0f} % of {layer}'s results lie at the ends of their range, where there is no slope"
        remedy = 'smaller initial values, standardised inputs, a smaller learning_rate, batch_norm, or "relu"'
        yield Finding(all_of(share / SATURATED_UNITS, remaining), evidence, remedy, layer)


def _ends(patient: Patient, health: Health) -> tuple[tuple[str, float], tuple[str, float]] | None:
    """The middle layers of the first and the last third, with their gradients beside their parameters."""
    pulls = [
        (layer, health.gradients[layer] / norm)
        for layer in patient.layers
        if (norm := health.parameters.get(layer, 0.0)) > 0.0
    ]
    if len(pulls) < FEWEST_LAYERS or not all(math.isfinite(pull) for _, pull in pulls):
        return None
    third = len(pulls) // 3
    return _middle(pulls[:third]), _middle(pulls[-third:])


def _orders(large: float, small: float) -> float:
    """How many orders of magnitude lie between two numbers from 0 upwards."""
    if large == 0.0:
        return 0.0
    return math.log10(large / small) if small > 0.0 else math.inf


def _middle(pulls: Sequence[tuple[str, float]]) -> tuple[str, float]:
    return sorted(pulls, key=lambda pair: pair[1])[(len(pulls) - 1) // 2]
