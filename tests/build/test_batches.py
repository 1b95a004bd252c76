"""How long a training is in batches of any size; the mistakes are in tests/specs/invalid."""

from __future__ import annotations

import pytest

from netspec.build import build
from netspec.build.program import Program
from netspec.document import parse
from netspec.graph.facts import Facts
from netspec.spec.call import Shape
from netspec.spec.decode import decode

SPEC = """
[model]
layers = [{ dense = "$classes" }]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "sgd"
learning_rate = 0.1
"""


def program(rest: str, examples: int = 100) -> Program:
    facts = Facts.of(Shape((2,)), ("a", "b"), examples={"train": examples, "validation": 0})
    return build(decode(parse(SPEC + rest, "x.toml")), facts)


TURNS: dict[str, tuple[str, int, list[tuple[int, int, int, int]]]] = {
    "one size": ("epochs = 3\nbatch = 30", 9, [(0, 0, 30, 3)]),
    "all": ('epochs = 3\nbatch = "all"', 3, [(0, 0, 100, 1)]),
    "in passes": (
        'epochs = 5\nbatch = { step = [10, 30, 100], at = ["2 epochs", "3 epochs"] }',
        10 + 10 + 3 + 1 + 1,
        [(0, 0, 10, 10), (20, 2, 30, 3), (23, 3, 100, 1)],
    ),
    "in percent of the passes": (
        'epochs = 4\nbatch = { step = [10, 30], at = ["50%"] }',
        26,
        [(0, 0, 10, 10), (20, 2, 30, 3)],
    ),
    "percent that meet no whole pass": (
        'epochs = 5\nbatch = { step = [10, 30], at = ["30%"] }',
        10 + 10 + 9,
        [(0, 0, 10, 10), (20, 2, 30, 3)],
    ),
    "smaller ones": ('epochs = 2\nbatch = { step = [50, 20], at = ["1 epochs"] }', 7, [(0, 0, 50, 2), (2, 1, 20, 5)]),
    "in steps, which cut a pass short": (
        "steps = 20\nbatch = { step = [10, 50], at = [13] }",
        20,
        [(0, 0, 10, 10), (13, 2, 50, 2)],
    ),
    "in percent of the steps": (
        'steps = 40\nbatch = { step = [20, 50], at = ["25%"] }',
        40,
        [(0, 0, 20, 5), (10, 2, 50, 2)],
    ),
    "steps, and sizes in passes": (
        'steps = 25\nbatch = { step = [10, 50], at = ["2 epochs"] }',
        25,
        [(0, 0, 10, 10), (20, 2, 50, 2)],
    ),
}


@pytest.mark.parametrize("name", TURNS)
def test_sizes_take_their_turns(name: str) -> None:
    rest, steps, stretches = TURNS[name]
    found = program(f"[train]\n{rest}")
    assert found.clock.steps == found.steps == steps
    assert [(s.step, s.epoch, s.batch, s.per_epoch) for s in found.clock.stretches] == stretches
    assert found.clock.per_epoch == stretches[0][3]
    assert found.batch == max(size for _, _, size, _ in stretches)


def test_each_phase_has_its_own_clock() -> None:
    found = program("""
[train]
epochs = 2
batch = 20
[[phase]]
[[phase]]
steps = 7
batch = "all"
[[phase]]
name = "last"
epochs = 3
batch = { step = [10, 25], at = ["50%"] }
""")
    assert [(p.name, p.clock.steps, p.clock.per_epoch) for p in found.phases] == [
        ("phase1", 10, 5),
        ("phase2", 7, 1),
        ("last", 10 + 10 + 4, 10),
    ]
    assert found.steps == 10 + 7 + 24
    assert found.batch == 100


def test_examples_that_fill_no_batch_are_left_out_of_a_pass() -> None:
    assert program("[train]\nepochs = 2\nbatch = 40", 100).clock.per_epoch == 2
