"""An optimizer in words: its chain in turn, what is around it, and its groups."""

from __future__ import annotations

from netspec.build.optimizer import build_optimizer
from netspec.document import parse
from netspec.graph.resolve import resolve
from netspec.report.inspection.inspect import inspect, to_json
from netspec.report.inspection.optimizer_lines import groups_of, lines
from netspec.spec.clock import Clock
from netspec.spec.decode import decode

SPEC = """
[model]
input = [2]
layers = [{ dense = 3 }, { dense = 1 }]
[optimizer]
kind = "adamw"
learning_rate = 0.01
b1 = { linear = [0.8, 0.9], over = "50%" }
clip = { global_norm = 1.0 }
apply_if_finite = 5
lookahead = { sync_period = 6, slow_step_size = 0.5 }
[[optimizer.group]]
match = "**/bias"
weight_decay = 0.0
[[optimizer.group]]
match = "dense1"
freeze = true
[schedule]
kind = "cosine"
"""


def test_the_chain_and_the_groups_in_words() -> None:
    spec = decode(parse(SPEC, "x.toml"))
    updater = build_optimizer(spec, Clock(100, 10), resolve(spec))
    assert lines(updater.call) == (
        "clip_by_global_norm(1.0)",
        "adamw(learning_rate=0.01, b1=linear_schedule(0.8, 0.9, 50, 0))",
        "inside lookahead(sync_period=6, slow_step_size=0.5)",
        "inside apply_if_finite(max_consecutive_errors=5)",
    )
    first, second = groups_of(spec.optimizer, updater)
    assert (first.match, first.paths) == (("**/bias",), ("dense1/bias", "dense2/bias"))
    assert first.optimizer == "adamw(learning_rate=0.01, b1=linear_schedule(0.8, 0.9, 50, 0), weight_decay=0.0)"
    assert (second.optimizer, second.paths) == ("", ("dense1/kernel",))


def test_each_layer_says_its_groups() -> None:
    layers = to_json(inspect(decode(parse(SPEC, "x.toml")), None))["layers"]
    assert [layer["groups"] for layer in layers] == [["group1", "group2"], ["group1", "rest"]]
