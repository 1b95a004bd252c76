"""What a training is told of its loss: specs that show an illness, and specs that do not."""

from __future__ import annotations

import pytest

from tests.train.told import CROSS_ENTROPY, DIABETES, DIGITS, IRIS, SQUARED_ERROR, adam, deep, sgd, told

HEALTHY = {
    "shallow": (DIGITS, deep(32, "relu", 1), CROSS_ENTROPY, adam(1e-2), "epochs = 8\nbatch = 64"),
    "steep": (DIABETES, "{ dense = 1 }", SQUARED_ERROR, sgd(0.1), 'steps = 40\nbatch = "all"'),
    "iris": (IRIS, deep(8, "tanh", 1), CROSS_ENTROPY, sgd(0.5), 'steps = 200\nbatch = "all"'),
}
"""By name, trainings that nothing ails."""

ILL = {
    "oscillation": (IRIS, deep(8, "tanh", 1), CROSS_ENTROPY, sgd(5.0), 'steps = 60\nbatch = "all"'),
    "divergence": (DIABETES, "{ dense = 1 }", SQUARED_ERROR, sgd(0.26), 'steps = 60\nbatch = "all"'),
    "crawl": (DIGITS, '{ dense = "$classes" }', CROSS_ENTROPY, sgd(0.01), "epochs = 8\nbatch = 64"),
    "plateau": (DIGITS, deep(32, "sigmoid", 4), CROSS_ENTROPY, sgd(0.1), "epochs = 6\nbatch = 64"),
    "convergence": (
        DIABETES,
        "{ dense = 1, init = { bias = 152.0 } }",
        f"{SQUARED_ERROR}\npenalties = [{{ l2 = 1.0 }}]",
        sgd(0.1),
        'steps = 300\nbatch = "all"',
    ),
    "overfitting": (
        DIABETES,
        '{ dense = 128, activation = "relu", times = 2 }, { dense = 1, init = { bias = 152.0 } }',
        SQUARED_ERROR,
        adam(1e-2),
        "epochs = 80\nbatch = 32",
    ),
}
"""By what they are to be told of, trainings that it ails."""

WORDS = {
    "oscillation": ("times in the last", "5 → 2"),
    "divergence": ("the loss has grown to", "0.26 → 0.09"),
    "crawl": ("falls steadily", "0.01 → 0.1"),
    "plateau": ("has stood at 2.3", "momentum"),
    "convergence": ("has stood still at", "stop = "),
    "overfitting": ("the validation loss rose from", "keep = "),
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
