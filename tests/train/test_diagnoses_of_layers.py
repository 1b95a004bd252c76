"""What a training is told of its layers: specs that show an illness, and specs that do not."""

from __future__ import annotations

import pytest

from tests.train.told import CROSS_ENTROPY, DIGITS, adam, deep, sgd, told

HEALTHY = {
    "deep": (DIGITS, deep(32, "relu", 3), CROSS_ENTROPY, adam(1e-3), "epochs = 4\nbatch = 64"),
    "tanh": (DIGITS, deep(32, "tanh", 8), CROSS_ENTROPY, adam(1e-3), "epochs = 4\nbatch = 64"),
}
"""By name, trainings that nothing ails."""

ILL = {
    "vanishing-gradients": (DIGITS, deep(32, "sigmoid", 8), CROSS_ENTROPY, sgd(0.1), "epochs = 3\nbatch = 64"),
    "exploding-gradients": (
        DIGITS,
        deep(32, "tanh", 15, "{ normal = 1.5 }"),
        CROSS_ENTROPY,
        sgd(1e-5),
        "epochs = 3\nbatch = 64",
    ),
    "dead-units": (DIGITS, deep(32, "relu", 2), CROSS_ENTROPY, adam(0.3), "epochs = 3\nbatch = 64"),
    "saturated-units": (
        DIGITS,
        deep(32, "sigmoid", 2, "{ normal = 5.0 }"),
        CROSS_ENTROPY,
        sgd(0.1),
        "epochs = 3\nbatch = 64",
    ),
}
"""By what they are to be told of, trainings that it ails."""

WORDS = {
    "vanishing-gradients": ("dense1 gets a gradient of", "relu"),
    "exploding-gradients": ("gets a gradient of", "clip = "),
    "dead-units": ("dense2", "leaky_relu"),
    "saturated-units": ("results lie at the ends", "initial values"),
}
"""By illness, what the evidence says, and what may help."""


@pytest.mark.parametrize("code", ILL)
def test_an_ill_training_is_told_so_in_a_line(code: str) -> None:
    alerts = [alert for alert in told(ILL[code]) if alert.code == code]
    evidence, remedy = WORDS[code]
    assert len(alerts) == 1
    assert evidence in alerts[0].message
    assert remedy in alerts[0].help
    assert "\n" not in alerts[0].message + alerts[0].help


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_training_is_told_of_nothing(name: str) -> None:
    assert told(HEALTHY[name]) == []
