"""A training in phases, followed through its events and through every checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_step import Part

from netspec.build import Program, build
from netspec.document import parse
from netspec.graph.facts import Facts
from netspec.runs.events import Alerted, Entered, Evaluated, Event, Finished, Saved, Started, Stepped
from netspec.spec.call import Shape
from netspec.spec.decode import decode
from netspec.train.checkpoint import Checkpoint, newest
from netspec.train.loop import train

# Five steps are a pass. Labels are drawn at random, so that what is learned of them makes the validation part worse.
SPEC = """
name = "staged"
[model]
layers = [
  { dense = 16, activation = "tanh", name = "hidden" }, { batch_norm = true, name = "norm" },
  { dense = "$classes", name = "head" },
]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "adam"
learning_rate = 0.1
[train]
epochs = 30
batch = 8
save = 5

[[phase]]
name = "body"
freeze = "head"
keep = { best = "validation/loss" }
stop = { patience = 2 }

[[phase]]
name = "head"
steps = 7
train = ["head"]
batch = 20

[[phase]]
epochs = 1
loss = { kind = "multiclass_hinge" }
optimizer = { kind = "sgd", learning_rate = 0.01 }
"""


@dataclass(frozen=True)
class Parts:
    train: Part
    validation: Part
    test: Part


def parts() -> Parts:
    random = np.random.default_rng(0)

    def part(examples: int) -> Part:
        x = random.standard_normal((examples, 1, 1, 4), np.float32).reshape(examples, 4)
        return Part({"input": x}, {"target": random.integers(0, 3, examples).astype(np.int32)})

    return Parts(part(40), part(20), part(10))


def program(text: str) -> Program:
    facts = Facts.of(Shape((4,)), ("a", "b", "c"), examples={"train": 40, "validation": 20, "test": 10})
    return build(decode(parse(text, "staged.toml")), facts)


@dataclass(frozen=True)
class Followed:
    """A training's events, and what each of its checkpoints held."""

    events: list[Event]
    saved: list[Checkpoint]

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def phase(self, index: int) -> list[Checkpoint]:
        return [checkpoint for checkpoint in self.saved if checkpoint.meta["phase"] == index]


def followed(text: str, run: Path) -> Followed:
    events, saved = [], []
    for event in train(program(text), parts(), run=run):
        events.append(event)
        if isinstance(event, Saved):
            found, _ = newest(run)
            assert found is not None
            saved.append(found)
    return Followed(events, saved)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    return followed(SPEC, tmp_path_factory.mktemp("run"))


def arrays(checkpoint: Checkpoint, *under: str) -> Mapping[str, bytes]:
    """The arrays of the network, by path, as bytes; those of the state unless said otherwise."""
    places = under or ("state/parameters/", "state/frozen/", "state/statistics/")
    return {
        name.removeprefix(place): array.tobytes()
        for name, array in checkpoint.arrays.items()
        for place in places
        if name.startswith(place)
    }


def changed(before: Checkpoint, after: Checkpoint) -> set[str]:
    """The layers that have other bits, statistics included."""
    was, now = arrays(before), arrays(after)
    assert was.keys() == now.keys()
    return {path.partition("/")[0] for path in was if was[path] != now[path]}


def test_what_is_frozen_stays_to_the_bit_and_all_else_changes(staged: Followed) -> None:
    first, second, third = (staged.phase(i) for i in range(3))
    assert changed(first[0], first[-1]) == {"hidden", "norm"}
    assert changed(second[0], second[-1]) == {"head"}
    assert changed(third[0], third[-1]) == {"hidden", "norm", "head"}
    # The running mean and variance of a frozen normalisation, too.
    assert {path for path in arrays(second[0]) if path.startswith("norm/")} == {
        f"norm/{name}" for name in ("mean", "var", "scale", "bias")
    }


def test_a_phase_begins_with_the_best_of_the_one_before(staged: Followed) -> None:
    first, second = staged.phase(0)[-1], staged.phase(1)[0]
    best = first.meta["best_step"]
    end = staged.of(Entered)[1].step
    assert best == end - 2 * 5
    assert arrays(second) == arrays(first, "best/parameters/", "best/statistics/")
    assert arrays(second) == arrays(next(one for one in staged.saved if one.step == best))
    assert arrays(second) != arrays(first)


def test_without_keep_it_begins_with_the_last(staged: Followed) -> None:
    second, third = staged.phase(1), staged.phase(2)
    assert second[-1].step == third[0].step - 2
    assert changed(second[-1], third[0]) == {"head"}
    assert not any(name.startswith("best/") for one in (*second, *third) for name in one.arrays)


def test_an_optimizer_begins_anew(staged: Followed) -> None:
    for index in (0, 1):
        last = staged.phase(index)[-1]
        moments = [a for name, a in last.arrays.items() if name.startswith("state/optimizer/") and a.ndim]
        assert moments
        assert all(np.any(array) for array in moments)
    for index in (1, 2):
        entered = staged.phase(index)[0]
        assert int(entered.arrays["state/step"]) == 0
        optimizer = [a for name, a in entered.arrays.items() if name.startswith("state/optimizer/")]
        assert not any(np.any(array) for array in optimizer)
    # Adam's moments are of what learns in the phase.
    moments = {name for name in staged.phase(1)[0].arrays if name.startswith("state/optimizer/") and "kernel" in name}
    assert moments
    assert all("head" in name for name in moments)


def test_phases_are_told_as_they_are_entered(staged: Followed) -> None:
    entered = staged.of(Entered)
    kernel, norm, head = 4 * 16 + 16, 2 * 16, 16 * 3 + 3
    assert [(e.phase, e.number, e.parameters, e.batch, e.steps_per_epoch) for e in entered] == [
        ("body", 1, kernel + norm, 8, 5),
        ("head", 2, head, 20, 2),
        ("phase3", 3, kernel + norm + head, 8, 5),
    ]
    assert [e.keep for e in entered] == [True, False, False]
    started, order = staged.of(Started)[0], [type(e) for e in staged.events[:2]]
    assert (order, started.phases) == ([Started, Entered], 3)


def test_a_phase_that_ends_early_shortens_the_whole(staged: Followed) -> None:
    started, entered = staged.of(Started)[0], staged.of(Entered)
    early = entered[1].step
    (why,) = (e for e in staged.of(Alerted) if e.code == "stopped")
    assert (why.step, why.message[:37]) == (early, "stopped early: validation/loss was no")
    assert early < 30 * 5
    assert started.steps == entered[0].steps == 150 + 7 + 5
    assert entered[1].steps == entered[2].steps == early + 7 + 5
    assert staged.of(Finished)[0].step == early + 7 + 5


def test_steps_and_passes_are_counted_on(staged: Followed) -> None:
    early = staged.of(Entered)[1].step
    assert [e.step for e in staged.of(Stepped)] == list(range(1, early + 13))
    passes = {e.step: e.epoch for e in [*staged.of(Stepped), *staged.of(Evaluated), *staged.of(Finished)]}
    for step, epoch in passes.items():
        behind, of_head = min(step, early), min(max(0, step - early), 7)
        assert epoch == pytest.approx(behind / 5 + of_head / 2 + (step - behind - of_head) / 5), step
    ends = [*range(5, early + 1, 5), early + 2, early + 4, early + 6, early + 7, early + 12]
    assert [e.step for e in staged.of(Evaluated)] == ends


def test_the_last_phase_says_what_is_measured_in_the_end(staged: Followed) -> None:
    finished, evaluated = staged.of(Finished)[0], staged.of(Evaluated)[-1]
    assert finished.metrics["validation/loss"] == evaluated.metrics["validation/loss"]
    last = staged.phase(2)[-1]
    weights = {name.rpartition("parameters/")[2]: a.astype(np.float64) for name, a in last.arrays.items()}
    part = parts().validation
    hidden = np.tanh(part.inputs["input"] @ weights["hidden/kernel"] + weights["hidden/bias"])
    mean, variance = (last.arrays[f"state/statistics/norm/{name}"] for name in ("mean", "var"))
    normal = (hidden - mean) / np.sqrt(variance + 1e-5) * weights["norm/scale"] + weights["norm/bias"]
    scores, y = normal @ weights["head/kernel"] + weights["head/bias"], part.targets["target"]
    rows = np.arange(len(y))
    others = np.where(np.arange(3) == y[:, None], -np.inf, scores).max(axis=1)
    hinge = np.maximum(0, 1 + others - scores[rows, y]).mean()
    assert finished.metrics["validation/loss"] == pytest.approx(hinge, rel=1e-4)
    assert math.isfinite(finished.metrics["test/accuracy"])
