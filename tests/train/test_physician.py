"""What is remembered of a training, and how often it is told of the same."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.runs.events import Alerted, Evaluated, Stepped
from netspec.train.diagnoses.condition import Health
from netspec.train.diagnoses.descent import _reversals
from netspec.train.diagnoses.finding import larger, shown, smaller
from netspec.train.diagnoses.history import Patient
from netspec.train.diagnoses.pages import find
from netspec.train.diagnoses.physician import RULES, Physician

STEPS, EVERY = 400, 10


def patient(**changed: Any) -> Patient:
    return Patient(
        **{
            "steps": STEPS,
            "steps_per_epoch": EVERY,
            "metric": "validation/loss",
            "higher_is_better": False,
            "examples": 1000,
            **changed,
        }
    )


def stepped(step: int, loss: float, norm: float = 1.0) -> Stepped:
    return Stepped(0.0, step, step / EVERY, loss, 0.1, norm, 1.0)


def evaluated(step: int, loss: float) -> Evaluated:
    return Evaluated(0.0, step, step / EVERY, {"validation/loss": loss}, 0.0, False)


def events(losses: Sequence[float], first: int = 0) -> list[Stepped | Evaluated]:
    """A record a step, and an evaluation every ten, whose loss is twice that of training."""
    found: list[Stepped | Evaluated] = []
    for i, loss in enumerate(losses, 1):
        found.append(stepped(first + i, loss))
        if i % EVERY == 0:
            found.append(evaluated(first + i, 2.0 * loss))
    return found


def alerts(physician: Physician, seen: Sequence[Stepped | Evaluated]) -> list[Alerted]:
    return [a for e in seen for a in (physician.stepped(e) if isinstance(e, Stepped) else physician.evaluated(e))]


T = np.arange(1, STEPS + 1) / STEPS
NOISE = np.random.default_rng(0).normal(0.0, 0.1, STEPS)

CURVES = {
    "falls": (2.0 * np.exp(-8.0 * T) + 0.1, set()),
    "falls, with noise": (2.0 * np.exp(-8.0 * T) + 0.3 + NOISE, set()),
    "falls below 0": (-5.0 + 7.0 * np.exp(-8.0 * T), set()),
    "falls late": (2.0 / (1.0 + np.exp(40.0 * (T - 0.3))) + 0.1, set()),
    "one bad stretch": (2.0 * np.exp(-8.0 * T) + 0.1 + 1.5 * np.exp(-(((T - 0.5) / 0.02) ** 2)), set()),
    "leaps, and arrives": (np.array([24.0, 5.0, 1400.0, 0.05, 0.3, *[0.0] * 395]), set()),
    "swings": (1.0 + np.exp(-8.0 * T) + 0.8 * np.sin(60.0 * T), {"oscillation"}),
    "lost again": (np.where(T < 0.3, 2.0 * np.exp(-8.0 * T), 1.8), {"oscillation"}),
    "grows": (2.0 * np.exp(8.0 * T), {"divergence"}),
    "falls in a line": (2.0 - 0.2 * T + 0.01 * NOISE, {"crawl"}),
    "stands still": (2.0 + 0.0 * T + 0.01 * NOISE, {"plateau"}),
}
"""Curves of the loss, and what they are told of."""


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_is_told_of_what_it_shows_and_of_nothing_else(name: str) -> None:
    losses, codes = CURVES[name]
    assert {a.code for a in alerts(Physician(patient()), events(losses.tolist()))} == codes


@pytest.mark.parametrize("name", [n for n, (_, codes) in CURVES.items() if codes])
def test_a_resumed_training_is_told_of_as_one_that_was_not_broken_off(name: str) -> None:
    seen = events(CURVES[name][0].tolist())
    whole, broken = Physician(patient()), Physician(patient())
    for event in seen:
        wanted = alerts(whole, [event])
        broken = Physician.from_json(json.loads(json.dumps(broken.to_json())), patient())
        assert alerts(broken, [event]) == wanted
    assert broken.to_json() == whole.to_json()


def test_what_does_not_compare_losses_says_nothing_of_them() -> None:
    seen = events(CURVES["swings"][0].tolist())
    assert alerts(Physician(patient(comparable=False)), seen) == []


def test_a_phase_is_told_of_by_its_own_steps() -> None:
    losses = CURVES["falls in a line"][0].tolist()
    first = alerts(Physician(patient()), events(losses))
    later = alerts(Physician(patient(first=1000)), events(losses, first=1000))
    assert [(a.code, a.step + 1000, a.message) for a in first] == [(a.code, a.step, a.message) for a in later]


def test_memory_is_bounded_however_long_a_training_is() -> None:
    physician = Physician(patient(steps=10**6, steps_per_epoch=1))
    alerts(physician, events([2.0 + math.sin(i) for i in range(20_000)]))
    assert len(json.dumps(physician.to_json())) < 12_000


def test_numbers_that_are_not_finite_are_borne() -> None:
    seen: list[Stepped | Evaluated] = [stepped(i, 1e38, math.inf if i % 3 else math.nan) for i in range(1, 100)]
    seen += [evaluated(100, math.nan), evaluated(110, math.inf)]
    physician = Physician(patient(layers=("a", "b", "c")))
    alerts(physician, seen)
    nothing = {"a": math.nan, "b": math.inf, "c": 0.0}
    physician.evaluated(evaluated(120, 1.0), Health(1000, math.nan, math.inf, nothing, nothing, {"a": 0.0}, {"b": 0.0}))
    assert Physician.from_json(json.loads(json.dumps(physician.to_json())), patient()).examines(500)


# Examinations ---------------------------------------------------------------------------------------------------------


def examined(physician: Physician, step: int, **found: Any) -> list[str]:
    """What is told of after an examination, in a word and the layers."""
    health = Health(**{"examples": 1000, "loss": 1.0, "gradient": 1.0, **found})
    return [f"{a.code}: {a.message}" for a in physician.evaluated(evaluated(step, 1.0), health)]


def test_an_illness_is_told_of_once_and_again_when_it_came_back() -> None:
    physician = Physician(patient())
    shares = [0.7, 0.2, 0.7, 0.7, 0.5, 0.7, 0.7, 0.2, 0.7, 0.7, *[0.2, 0.7, 0.7] * 3]
    told = [i for i, share in enumerate(shares) if examined(physician, i, dead={"dense1": share})]
    # Twice in a row, then not before it fell to under half of the threshold; three times in all.
    assert told == [3, 9, 12]


def test_layers_that_fall_ill_at_once_share_a_line_and_one_that_does_later_has_its_own() -> None:
    physician = Physician(patient())
    sick = {"a": 0.7, "b": 0.9, "c": 0.8, "d": 0.7, "e": 0.7}
    examined(physician, 10, dead={**sick, "f": 0.1})
    (first,) = examined(physician, 20, dead={**sick, "f": 0.9})
    (second,) = examined(physician, 30, dead={**sick, "f": 0.9})
    assert first == "dead-units: 90 % of b's units are 0 for each of 1,000 examples; likewise c, a, d and 1 more"
    assert second == "dead-units: 90 % of f's units are 0 for each of 1,000 examples"


def test_few_examples_say_nothing_of_units_unless_they_are_all() -> None:
    for examples, codes in ((1000, []), (8, ["dead-units"])):
        physician = Physician(patient(examples=examples))
        examined(physician, 10, examples=8, dead={"a": 1.0})
        assert [told.partition(":")[0] for told in examined(physician, 20, examples=8, dead={"a": 1.0})] == codes


GRADIENTS = {
    "even": ((1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0), []),
    "vanishing": ((1e-5, 1e-4, 1e-2, 1.0), (1.0, 1.0, 1.0, 1.0), ["vanishing-gradients"]),
    "exploding": ((1e5, 1e4, 1e2, 1.0), (1.0, 1.0, 1.0, 1.0), ["exploding-gradients"]),
    "as large as the weights": ((1e-5, 1e-4, 1e-2, 1.0), (1e-5, 1e-4, 1e-2, 1.0), []),
    "none at all": ((0.0, 0.0, 0.0, 0.0), (1.0, 1.0, 1.0, 1.0), []),
    "none in front": ((0.0, 0.0, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0), ["vanishing-gradients"]),
}
"""The norms of four layers' gradients and of their parameters, and what is told of them."""


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_are_taken_beside_the_parameters(name: str) -> None:
    gradients, parameters, codes = GRADIENTS[name]
    layers = ("a", "b", "c", "d")
    physician = Physician(patient(layers=layers))
    found = {"gradients": dict(zip(layers, gradients, strict=True))}
    found["parameters"] = dict(zip(layers, parameters, strict=True))
    examined(physician, 10, **found)
    assert [told.partition(":")[0] for told in examined(physician, 20, **found)] == codes


def test_not_every_one_of_very_many_evaluations_is_an_examination() -> None:
    physician, looks = Physician(patient(steps=5000)), 0
    for step in range(1, 5001):
        if physician.examines(step):
            looks += 1
            examined(physician, step)
    assert 50 <= looks <= 101
    assert physician.examines(5000)


# Words ----------------------------------------------------------------------------------------------------------------


def test_numbers_are_shown_as_a_spec_has_them() -> None:
    numbers = (0.30000001, 12345.6, 0.0000123, 4.2e30, 0.0, -2.0, math.inf)
    assert [shown(n) for n in numbers] == ["0.3", "12,346", "1.23e-5", "4.2e30", "0", "-2", "inf"]
    assert smaller(0.3) == "a smaller learning_rate: 0.3 → 0.1"
    assert larger(1e-5) == "a larger learning_rate: 1e-5 → 1e-4"
    assert smaller(0.0) == "a smaller learning_rate"


def test_turns_are_counted_by_their_size() -> None:
    assert _reversals([0.0, 3.0, 2.9, 3.1, 0.0, 2.0], 1.0) == 2
    assert _reversals([3.0, 2.0, 1.0, 0.0], 0.5) == 0
    assert _reversals([1.0, 1.0, 1.0], 0.0) == 0


@pytest.mark.parametrize("code", RULES)
def test_the_manual_has_a_page_for_each_with_its_numbers(code: str) -> None:
    (page,) = find(code)
    assert all(f"- {threshold}: {threshold.why}" in page.text for threshold in RULES[code].thresholds)
    assert code in find("diagnoses")[0].kinds


def test_the_readme_lists_each_in_order() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text().partition("## Diagnoses")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", text, re.M) == list(RULES)
