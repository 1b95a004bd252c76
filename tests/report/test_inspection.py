from __future__ import annotations

import re
import subprocess
import sys

import jax
import pytest
from rich.console import Console

from netspec import document
from netspec.diagnostics import SpecError
from netspec.graph.facts import Facts
from netspec.report.inspection.inspect import Inspection, inspect, to_json
from netspec.report.inspection.view import view
from netspec.spec.call import Shape
from netspec.spec.decode import decode

LENET = """\
name = "lenet5"
[data]
source = "digits"
[model]
layers = [
  { conv = 6, kernel = 5, padding = 2, activation = "tanh" },
  { avg_pool = 2 },
  { conv = 16, kernel = 5, padding = 0, activation = "tanh" },
  { avg_pool = 2 },
  "flatten",
  { dense = 120, activation = "tanh" },
  { dense = 84, activation = "tanh" },
  { dense = "$classes" },
]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "adam"
learning_rate = 1e-3
clip = { global_norm = 1.0 }
[schedule]
kind = "cosine"
warmup = "5%"
[train]
epochs = 30
batch = 64
"""

BLOCKS = """\
name = "blocks"
[block.unit]
args = { width = "int", stride = 1 }
layers = [
  { residual = [{ conv = "$width", stride = "$stride", bias = false }, "batch_norm"], shortcut = "projection" },
  "relu",
]
[model]
input = [8, 8, 3]
layers = [{ unit = 4, stride = 2 }, { unit = 4, times = 2 }, "global_avg_pool", { dense = 10, freeze = true }]
"""

DIGITS = Facts.of(Shape((28, 28, 1)), tuple("0123456789"), examples={"train": 1258, "validation": 180, "test": 359})


def inspected(text: str, facts: Facts | None = None) -> Inspection:
    return inspect(decode(document.parse(text, "spec.toml")), facts)


def shown(inspection: Inspection, width: int, **options: object) -> list[str]:
    """What a terminal of that width shows, and of no more columns than it has."""
    console = Console(width=width, no_color=True)
    with console.capture() as capture:
        console.print(view(inspection, width, colour=False, **options))  # type: ignore[arg-type]
    return capture.get().splitlines()


def test_the_public_shape_of_a_whole_spec() -> None:
    data = to_json(inspected(LENET, DIGITS))
    layers = data.pop("layers")
    rates = data["schedule"].pop("learning_rate")
    (phase,) = data.pop("phases")
    assert (phase["steps"], phase["optimizer"], phase["changes"]) == (570, data["optimizer"], [])
    assert data == {
        "name": "lenet5",
        "inputs": {"input": [28, 28, 1]},
        "outputs": {"output": [10]},
        "parameters": {"trainable": 61706, "frozen": 0, "statistics": 0},
        "flops": {"forward": 833040},
        "memory": {
            "parameters": 4 * 61706,
            "gradients": 4 * 61706,
            "optimizer": 2 * 4 * 61706 + 2 * 4,  # two moments, the count of steps, and that of the schedule
            "activations": 4041216,
            "total": 4 * 4 * 61706 + 8 + 4041216,
        },
        "batch": 64,
        "steps": 570,
        "steps_per_epoch": 19,
        "optimizer": ["clip_by_global_norm(1.0)", "adam(learning_rate=0.001)"],
        "schedule": {
            "written": "cosine, warmup = 5%",
            "calls": ["linear_schedule(0.0, 1.0, 28)", "cosine_decay_schedule(1.0, 542, alpha=0.0)"],
            "follows": None,
        },
        "members": 1,
    }
    assert [layer["path"] for layer in layers] == [
        *("conv1", "avg_pool1", "conv2", "avg_pool2", "flatten1", "dense1", "dense2", "dense3")
    ]
    assert layers[2] == {
        "path": "conv2",
        "kind": "conv",
        "output": [10, 10, 16],
        "parameters": 16 * (5 * 5 * 6 + 1),
        "statistics": 0,
        "frozen": False,
        "flops": 2 * 10 * 10 * 16 * 5 * 5 * 6,
        "receptive_field": [14, 14],  # 5 + (2 - 1) + (5 - 1) * 2
        "shares": None,
        "repeats": 1,
        "groups": [],
    }
    assert rates[0] == [0, 0.0]
    assert [28, 0.001] in rates
    assert rates[-1] == [570, 0.0]


def test_statistics_and_frozen_parameters_are_not_learned() -> None:
    found = inspected(BLOCKS)
    # Three units of 3×3 convolution and batch norm, the first with a projection; a frozen dense layer of 4 by 10.
    units = (9 * 3 * 4 + 8) + (3 * 4 + 8) + 2 * (9 * 4 * 4 + 8)
    assert (found.parameters.trainable, found.parameters.frozen, found.parameters.statistics) == (units, 50, 4 * 8)
    assert found.memory.parameters == 4 * (units + 50 + 32)
    assert found.memory.gradients == 4 * units


def test_a_network_alone_is_inspected_as_far_as_it_goes() -> None:
    data = to_json(inspected(BLOCKS))
    assert (data["batch"], data["steps"], data["optimizer"], data["schedule"]) == (1, None, [], None)
    assert data["memory"]["optimizer"] == 0
    assert [layer["path"] for layer in data["layers"]][:5] == [
        "unit1/residual1/conv1",
        "unit1/residual1/batch_norm1",
        "unit1/residual1/shortcut/conv1",
        "unit1/residual1/shortcut/batch_norm1",
        "unit1/relu1",
    ]


def test_a_schedule_is_known_by_its_words_where_the_data_is_not() -> None:
    text = LENET.replace("[model]", "[model]\ninput = [28, 28, 1]").replace('"$classes"', "10")
    found = inspected(text)
    schedule = found.phases[0].schedule
    assert schedule is not None
    assert (schedule.written, schedule.rates) == ("cosine, warmup = 5%", ())
    assert found.batch == 64
    assert "schedule                 cosine, warmup = 5%" in shown(found, 80)


def test_nothing_is_allocated() -> None:
    wide = 'name = "wide"\n[model]\ninput = [200_000]\nlayers = [{ dense = 200_000, bias = false }]\n'
    found = inspected(wide + '[optimizer]\nkind = "adam"\nlearning_rate = 1e-3\n')
    assert found.memory.optimizer == 2 * 4 * 200_000**2 + 4
    assert all(array.size < 10**6 for array in jax.live_arrays())


def test_a_spec_that_does_not_fit_its_data_is_told() -> None:
    with pytest.raises(SpecError, match="a batch of 6400 is more than the 1258 training examples"):
        inspected(LENET.replace("batch = 64", "batch = 6400"), DIGITS)


def test_blocks_are_a_tree() -> None:
    lines = shown(inspected(BLOCKS), 80)
    assert lines[:16] == [
        "blocks  [8, 8, 3] → [10] · 13 layers",
        "",
        "layer              kind             output     parameters  multiply-adds",
        "unit1              unit             [4, 4, 4]         136          1,920",
        "├ residual1        residual         [4, 4, 4]         136          1,920",
        "│ ├ conv1          conv             [4, 4, 4]         108          1,728",
        "│ ├ batch_norm1    batch_norm       [4, 4, 4]           8              0",
        "│ └ shortcut       shortcut         [4, 4, 4]          20            192",
        "│   ├ conv1        conv             [4, 4, 4]          12            192",
        "│   └ batch_norm1  batch_norm       [4, 4, 4]           8              0",
        "└ relu1            relu             [4, 4, 4]           0              0",
        "unit2              unit             [4, 4, 4]         152          2,304",
        "├ residual1        residual         [4, 4, 4]         152          2,304",
        "│ ├ conv1          conv             [4, 4, 4]         144          2,304",
        "│ └ batch_norm1    batch_norm       [4, 4, 4]           8              0",
        "└ relu1            relu             [4, 4, 4]           0              0",
    ]


def test_folded_blocks_are_rows_with_their_sums() -> None:
    assert shown(inspected(BLOCKS), 90, depth=1)[2:] == [
        "layer             kind             output     parameters  multiply-adds  activations",
        "unit1             unit             [4, 4, 4]         136          1,920       1.3 kB",
        "unit2             unit             [4, 4, 4]         152          2,304        768 B",
        "unit3             unit             [4, 4, 4]         152          2,304        768 B",
        "global_avg_pool1  global_avg_pool  [4]                 0              0         16 B",
        "dense1            dense · frozen   [10]               50             40         40 B",
        "",
        "trainable parameters       440",
        "frozen parameters           50",
        "statistics                  32  running averages, not learned",
        "multiply-adds            6,568  forward, one example",
        "",
        "memory, batch 1             7.5 kB  to train",
        "  parameters, statistics    2.1 kB  ███████",
        "  gradients                 1.8 kB  ██████",
        "  optimizer state                0",
        "  activations               3.6 kB  ████████████",
    ]


def test_the_optimizer_and_its_schedule_are_shown() -> None:
    lines = shown(inspected(LENET, DIGITS), 80)
    at = next(i for i, line in enumerate(lines) if line.startswith("steps"))
    assert lines[at : at + 7] == [
        "steps                    570 of 64 examples, 30 epochs of 19",
        "optimizer                clip_by_global_norm(1.0)",
        "                         adam(learning_rate=0.001)",
        "schedule                 cosine, warmup = 5%",
        "                         × linear_schedule(0.0, 1.0, 28), then",
        "                           cosine_decay_schedule(1.0, 542, alpha=0.0)",
        "                         0 at step 0 → 0.001 at step 28 → 0 at step 570",
    ]
    assert lines[at + 8].endswith("learning rate")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_it_fits_and_keeps_to_ascii_where_asked(width: int) -> None:
    for text, facts in ((LENET, DIGITS), (BLOCKS, None)):
        plain = view(inspected(text, facts), width, ascii=True).lines
        assert all(line.cell_len <= width for line in plain)
        assert all(line.plain.isascii() for line in plain)
        # Counts are never cut, whatever else has to go.
        assert re.search(r"10,164|136", "\n".join(line.plain for line in plain))


TOWERS = """\
name = "towers"
[model.inputs]
left = [8, 8, 1]
right = [8, 8, 1]
[model]
layers = [
  { block = [{ conv = 4 }, { max_pool = 2 }, "flatten"], name = "tower", from = "left" },
  { share = "tower", from = "right", name = "other" },
  { subtract = ["tower", "other"] },
  { dense = 16, name = "hidden" },
  { dense = 1, name = "same" },
  { dense = 10, from = "hidden", name = "digit" },
]
outputs = ["same", "digit"]
"""


def test_shared_layers_and_several_inputs_are_told() -> None:
    found = inspected(TOWERS)
    assert shown(found, 120)[:11] == [
        "towers  left [8, 8, 1], right [8, 8, 1] → same [1], digit [10] · 10 layers",
        "",
        "layer        kind                  output     parameters  multiply-adds  activations  receptive field",
        "tower        block                 [64]               40          2,304       1.5 kB  all",
        "├ conv1      conv                  [8, 8, 4]          40          2,304       1.0 kB  3 × 3",
        "├ max_pool1  max_pool              [4, 4, 4]           0              0        256 B  4 × 4",
        "└ flatten1   flatten               [64]                0              0        256 B  all",
        "other        block · shares tower  [64]                0          2,304       1.5 kB  all",
        "├ conv1      conv                  [8, 8, 4]           0          2,304       1.0 kB  3 × 3",
        "├ max_pool1  max_pool              [4, 4, 4]           0              0        256 B  4 × 4",
        "└ flatten1   flatten               [64]                0              0        256 B  all",
    ]
    assert shown(found, 60)[:3] == [
        "towers  10 layers",
        "inputs   left [8, 8, 1], right [8, 8, 1]",
        "outputs  same [1], digit [10]",
    ]
    assert [layer["shares"] for layer in to_json(found)["layers"]][:4] == [None, None, None, "tower/conv1"]


def test_every_model_is_a_block_and_cells_say_how_often_they_run() -> None:
    text = """\
name = "two"
[models.writer]
input = [16]
layers = [{ dense = 24 }, { reshape = [12, 2] }, { cell = [{ dense = 3 }], state = 3 }]
[models.reader]
input = [12, 3]
layers = ["flatten", { dense = 1 }]
"""
    lines = shown(inspected(text), 80)
    assert lines[:3] == [
        "two  5 layers",
        "inputs   writer/input [16], reader/input [12, 3]",
        "outputs  writer [12, 3], reader [1]",
    ]
    # A cell reads its input beside its state: (2 + 3 + 1) 3 parameters, (2 + 3) 3 products at each of 12 positions.
    assert [" ".join(line.split()[:-2]) for line in lines[5:12]] == [
        "writer writer [12, 3] 426 564",
        "├ dense1 dense [24] 408 384",
        "├ reshape1 reshape [12, 2] 0 0",
        "└ cell1 cell × 12 [12, 3] 18 180",
        "└ dense1 dense [3] 18 180",
        "reader reader [1] 37 36",
        "├ flatten1 flatten [36] 0 0",
    ]


def test_reports_are_imported_without_jax() -> None:
    code = "import sys, netspec.report.{0}, netspec.report.{1}, netspec.report.{2}; sys.exit('jax' in sys.modules)"
    command = [sys.executable, "-c", code.format("inspection.view", "comparison.view", "run_list")]
    assert subprocess.run(command, check=False).returncode == 0
