"""Warnings: what each says, what just misses it, and that what it says of a network is so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from netspec.build import Program
from netspec.commands import check, load
from netspec.diagnostics import render
from netspec.graph.calls import Mode
from netspec.lint import RULES
from netspec.spec.lint import WARNINGS
from tests.command import netspec

FOLDER = Path(__file__).parent / "specs" / "warned"
WARNED = sorted(FOLDER.glob("*.toml"))


def told(path: Path) -> str:
    return "\n\n".join(render(diagnostic) for diagnostic in check(path))


@pytest.mark.parametrize("path", WARNED, ids=lambda p: p.stem)
def test_what_is_most_likely_wrong_gets_a_warning(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    assert f"{told(Path(path.name))}\n" == path.with_suffix(".txt").read_text("utf-8")


def test_every_rule_has_its_code_and_its_fixture() -> None:
    assert list(RULES) == list(WARNINGS)
    texts = "".join(path.with_suffix(".txt").read_text("utf-8") for path in WARNED)
    assert [code for code in RULES if f"warning[{code}]" not in texts] == []
    readme = (FOLDER.parents[2] / "README.md").read_text("utf-8").partition("## Warnings")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(.*)` \| (.*) \|$", readme, re.MULTILINE) == list(WARNINGS.items())


# -- what just misses a rule, and what just does not -------------------------------------------------------------------

TRAINED = """
[data]
source = {source}
{data}

[model]
layers = [{layers}]

[loss]
kind = "{loss}"
penalties = [{penalties}]

[optimizer]
kind = "{optimizer}"
learning_rate = {rate}
{decay}

[train]
epochs = 5
batch = {batch}
{keep}
"""

DEFAULTS = {
    "source": '"digits"',
    "data": 'transform = ["scale", "flatten"]',
    "loss": "cross_entropy",
    "penalties": "",
    "optimizer": "adam",
    "rate": "1e-3",
    "decay": "",
    "batch": "32",
    "keep": 'keep = { best = "validation/accuracy" }',
}

IRIS = {"source": '"iris"', "data": 'transform = ["standardize"]'}
TUMOURS = {"source": '"breast_cancer"', "data": 'transform = ["standardize"]'}
CLASSES = '{ dense = "$classes" }'
SMALL = '{ dense = 32, activation = "relu" }, { dense = "$classes" }'
MANY = '{ dense = 256, activation = "relu" }, { dense = "$classes" }'
NO_KEEP = {"keep": ""}
INPUT = {"data": 'target = "input"\ntransform = ["scale", "flatten"]', "loss": "squared_error", "keep": ""}


def trained(layers: str, **changes: str) -> str:
    return TRAINED.format(layers=layers, **{**DEFAULTS, **changes})


def model(layers: str, shape: str = "[16]") -> str:
    return f"[model]\ninput = {shape}\nlayers = [{layers}]\n"


SILENT = [
    ("linear-chain", model('{ dense = 64, activation = "relu" }, { dense = 10 }')),
    ("linear-chain", model("{ dense = 4 }, { dense = 16 }")),
    ("linear-chain", model("{ dense = 64 }, 'layer_norm', { dense = 10 }")),
    ("linear-chain", model("{ dense = 64, freeze = true }, { dense = 10 }")),
    ("linear-chain", model('{ dense = 64, output = "code" }, { dense = 10 }')),
    ("linear-chain", model('{ dense = 64, name = "code" }, { dense = 16, tie = "code" }')),
    ("linear-chain", model('{ dense = 16, name = "a" }, { share = "a" }')),
    ("linear-chain", model("{ residual = [{ dense = 16 }] }, { residual = [{ dense = 16 }] }")),
    ("linear-chain", model("{ depthwise_conv = 3 }, { conv = 32, kernel = 1 }", "[8, 8, 16]")),
    ("linear-chain", model("{ conv = 16, groups = 16 }, { conv = 32, kernel = 1 }", "[8, 8, 16]")),
    ("linear-chain", model("{ conv = 16, kernel = [1, 3] }, { conv = 16, kernel = [3, 1] }", "[8, 8, 16]")),
    ("linear-chain", model("{ conv = 21, kernel = 1 }, { conv_transposed = 21, stride = 2 }", "[8, 8, 64]")),
    ("linear-chain", model("{ conv = 16 }, 'max_pool', { conv = 32 }", "[8, 8, 3]")),
    ("linear-chain", model("{ embed = 8, vocabulary = 9 }, { dense = 10 }")),
    ("logits", trained('{ dense = "$classes", activation = "leaky_relu" }')),
    ("logits", trained(f'"softmax", {CLASSES}')),
    ("logits", trained('{ dense = 1, activation = "tanh" }', loss="hinge", **TUMOURS)),
    ("logits", trained('{ reshape = [8, 8, 1] }, { conv = "$classes", activation = "relu" }, "global_avg_pool"')),
    ("bias-before-norm", model("{ dense = 8, bias = false }, 'batch_norm'")),
    ("bias-before-norm", model("{ dense = 8 }, 'layer_norm'")),
    ("bias-before-norm", model("{ conv = 8 }, { group_norm = 2 }", "[8, 8, 3]")),
    ("bias-before-norm", model("{ dense = 8, activation = 'relu' }, 'batch_norm'")),
    ("bias-before-norm", model("{ dense = 8, freeze = true }, 'batch_norm'")),
    ("bias-before-norm", model("{ conv = 8 }, { residual = ['batch_norm', 'relu'] }", "[8, 8, 3]")),
    ("constant-initial", trained('{ dense = "$classes", init = "zeros" }')),
    ("constant-initial", trained('{ dense = 32, activation = "relu" }, { dense = "$classes", init = "zeros" }')),
    ("constant-initial", trained(f'{{ dense = 32, init = {{ bias = 0.1 }}, activation = "relu" }}, {CLASSES}')),
    ("constant-initial", trained(f'{{ dense = 32, init = "ones", freeze = true }}, "relu", {CLASSES}')),
    ("constant-initial", trained(f'{{ dense = 32, init = {{ kernel = 1, bias = "normal" }} }}, "relu", {CLASSES}')),
    ("constant-initial", trained(f'{{ residual = [{{ dense = 64, init = "zeros" }}] }}, "relu", {CLASSES}')),
    ("constant-initial", model('{ dense = 2, init = "ones", activation = "step" }, { dense = 1, init = "ones" }')),
    ("vanishing", model('{ dense = 8, activation = "sigmoid", times = 4 }, { dense = 1 }')),
    ("vanishing", model('{ dense = 8, activation = "tanh", times = 17 }, { dense = 1 }')),
    ("vanishing", model('{ block = [{ dense = 8, bias = false }, "batch_norm", "sigmoid"], times = 9 }')),
    ("vanishing", model('{ residual = [{ dense = 16, activation = "sigmoid" }], times = 9 }')),
    ("overparametrised", trained('{ dense = 6, activation = "relu" }, { dense = "$classes" }', keep="")),
    ("overparametrised", trained(MANY)),
    ("overparametrised", trained(MANY, penalties="{ l2 = 1e-4 }", **NO_KEEP)),
    ("overparametrised", trained(MANY, optimizer="adamw", **NO_KEEP)),
    ("overparametrised", trained(f'{{ dense = 256, activation = "relu" }}, {{ dropout = 0.5 }}, {CLASSES}', keep="")),
    ("overparametrised", trained(f'{{ dense = 256, bias = false }}, "batch_norm", "relu", {CLASSES}', keep="")),
    ("overparametrised", trained(f'{{ dense = 256, freeze = true }}, {{ dense = 1 }}, "relu", {CLASSES}', keep="")),
    ("overparametrised", trained('{ dense = 64, activation = "relu" }, { dense = "$features" }', **INPUT)),
    ("out-of-range", trained('{ dense = 8 }, { dense = "$features", activation = "sigmoid" }', **INPUT)),
    ("dropout-last", trained(f"{{ dropout = 0.5 }}, {CLASSES}")),
    ("dropout-last", trained(f"{CLASSES}, {{ dropout = 0 }}")),
    ("dropout-last", trained('{ dense = "$classes" }, { residual = ["relu", { stochastic_depth = 0.2 }] }')),
    ("remainder", trained(SMALL, **IRIS)),
    ("remainder", trained(SMALL, batch='"all"', **IRIS)),
    ("learning-rate", trained(SMALL, rate="0.1")),
    ("learning-rate", trained(SMALL, optimizer="sgd", rate="1.0")),
    ("learning-rate", trained(CLASSES, rate="1.0")),
    ("decay-twice", trained(SMALL, penalties="{ l2 = 1e-4 }")),
    ("decay-twice", trained(SMALL, penalties="{ l1 = 1e-4 }", optimizer="adamw")),
    ("decay-twice", trained(SMALL, penalties="{ l2 = 1e-4 }", optimizer="adamw", decay="weight_decay = 0.0")),
    ("no-gradient", trained(f'{{ dense = 32, activation = "step", freeze = true }}, {CLASSES}')),
    ("no-gradient", trained(f'"step", {CLASSES}')),
    ("no-gradient", model('{ dense = 2, activation = "step" }, { dense = 1, activation = "step" }')),
    ("not-judged", trained('{ dense = "$classes", activation = "step" }')),
    ("not-judged", trained(f'{{ dense = 32, activation = "relu", output = "code" }}, {CLASSES}')),
    ("not-judged", trained(f'{{ side = [{{ dense = 3 }}], freeze = true, output = "aside" }}, {CLASSES}')),
    ("constant-result", model('{ dense = 2, activation = "softmax" }')),
    ("constant-result", trained(f'{{ reshape = [8, 8, 1] }}, "batch_norm", "flatten", {CLASSES}', batch="1")),
]  # fmt: skip

LOUD = [
    ("linear-chain", model('{ dense = 64, activation = "identity" }, { dense = 10 }')),
    ("linear-chain", model("{ conv = 16 }, 'global_avg_pool', { dense = 10 }", "[8, 8, 3]")),
    ("logits", trained('{ dense = 1, activation = "sigmoid" }', loss="hinge", **TUMOURS)),
    ("bias-before-norm", model("{ conv = 8 }, 'instance_norm'", "[8, 8, 3]")),
    ("bias-before-norm", model("{ shift = 0.5 }, 'batch_norm'", "[8, 8, 3]")),
    ("constant-initial", trained(f'{{ dense = 32, init = 0.1, activation = "relu" }}, {CLASSES}')),
    ("vanishing", model('{ dense = 8, activation = "sigmoid", times = 5 }, { dense = 1 }')),
    ("vanishing", model('{ dense = 8, activation = "tanh", times = 18 }, { dense = 1 }')),
    ("overparametrised", trained(MANY, optimizer="adamw", decay="weight_decay = 0.0", **NO_KEEP)),
    ("no-gradient", trained('{ dense = "$classes", activation = "step" }')),
    ("dropout-last", model("{ dense = 8 }, { noise = 0.1 }, 'tanh'")),
    ("constant-result", trained(f'{{ dense = 4, bias = false }}, "batch_norm", "relu", {CLASSES}', batch="1")),
    ("constant-result", model("{ dense = 1 }, 'layer_norm'")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "text", "is_given"),
    [*((c, t, False) for c, t in SILENT), *((c, t, True) for c, t in LOUD)],
    ids=[f"{c}-{i}" for i, (c, _) in enumerate([*SILENT, *LOUD])],
)
def test_the_edge_of_a_rule(code: str, text: str, is_given: bool, tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(text)
    found = check(tmp_path / "spec.toml")
    assert [d for d in found if d.severity == "error"] == []
    assert (code in [d.code for d in found]) == is_given


@pytest.mark.parametrize(
    ("values", "source", "is_given"),
    [
        ([0.0, 1.0], '{ npz = "d.npz" }', True),
        ([-1.0, 1.0], '{ npz = "d.npz" }', True),
        ([0.0, 1.0, 2.0], '{ npz = "d.npz" }', False),
        ([1.0, 2.0], '{ npz = "d.npz" }', False),
        ([0.0, 1.0], '{ csv = "d.csv", task = "regress" }', False),
    ],
)
def test_two_classes_taken_for_numbers(values: list[float], source: str, is_given: bool, tmp_path: Path) -> None:
    """Unless the spec says that they are meant as numbers."""
    y = np.tile(np.array(values, np.float32), 30)
    x = np.linspace(0, 1, 2 * len(y), dtype=np.float32).reshape(-1, 2)
    np.savez(tmp_path / "d.npz", x=x, y=y)
    (tmp_path / "d.csv").write_text("a,b,y\n" + "".join(f"{a},{b},{c:g}\n" for (a, b), c in zip(x, y, strict=True)))
    text = trained("{ dense = 1 }", source=source, data="", loss="squared_error", batch='"all"', **NO_KEEP)
    (tmp_path / "spec.toml").write_text(text)
    assert [d.code for d in check(tmp_path / "spec.toml")] == ["target"] * is_given


# -- that it is so ---------------------------------------------------------------------------------------------------


def program_of(name: str) -> tuple[Program, dict[str, Any], dict[str, Any]]:
    program = load(FOLDER / f"{name}.toml").build()
    return program, *program.network.initialise(jax.random.key(0))


def batch_for(program: Program) -> tuple[dict[str, Any], dict[str, Any]]:
    draw = np.random.default_rng(0)
    x = {n: draw.normal(size=(16, *i.shape)).astype(np.float32) for n, i in program.facts.inputs.items()}
    y = {n: draw.integers(0, len(t.labels), 16) for n, t in program.facts.targets.items()}
    return x, y


def gradients(program: Program, parameters: Mapping[str, Any], statistics: dict[str, Any]) -> dict[str, Any]:
    x, y = batch_for(program)

    def loss(parameters: dict[str, Any]) -> Any:
        result = program.network.apply(parameters, statistics, x, mode=Mode(training=True), key=jax.random.key(1))
        return program.objective.value(parameters, result, x, y)

    return jax.jit(jax.grad(loss))(parameters)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "moved"),
    [("no_gradient", {"dense2"}), ("not_judged", {"dense1", "dense2", "dense3"})],
)
def test_what_is_said_to_learn_nothing_gets_no_gradient(name: str, moved: set[str]) -> None:
    program, parameters, statistics = program_of(name)
    found = gradients(program, parameters, statistics)
    assert {path.rpartition("/")[0] for path, g in found.items() if np.any(g != 0)} == moved


def test_a_bias_before_a_norm_changes_nothing() -> None:
    from netspec.build.network import Network

    network = Network(load(FOLDER / "bias_before_norm.toml").resolve())
    parameters, statistics = network.initialise(jax.random.key(0))
    x = {"input": np.random.default_rng(0).normal(size=(4, 32, 32, 3)).astype(np.float32)}
    run = jax.jit(lambda p: network.apply(p, statistics, x, mode=Mode(training=True)).outputs["output"])
    before = run(parameters)
    moved = {p: v + 3.0 if p.endswith("conv1/bias") else v for p, v in parameters.items()}
    after = run(moved)
    assert sum(p.endswith("conv1/bias") for p in parameters) == 3
    np.testing.assert_allclose(before, after, atol=1e-4)


@pytest.mark.parametrize("name", ["linear_chain", "linear_convolutions"])
def test_a_linear_chain_is_linear_in_evaluation(name: str) -> None:
    """f(a + b) - f(b) = f(a) - f(0), behind the relu that the one of them begins with."""
    from netspec.build.network import Network

    network = Network(load(FOLDER / f"{name}.toml").resolve())
    parameters, statistics = network.initialise(jax.random.key(0))
    draw = np.random.default_rng(0)
    # Inputs that the first relu leaves as they are: its weights are made positive.
    positive = {p: jnp.abs(v) if p.startswith("dense") and name == "linear_chain" else v for p, v in parameters.items()}
    a, b = (draw.uniform(size=(4, *network.graph.inputs["input"].shape)).astype(np.float32) for _ in range(2))

    @jax.jit
    def f(x: Any) -> Any:
        return network.apply(positive, statistics, {"input": x}).outputs["output"]

    np.testing.assert_allclose(f(a + b) - f(b), f(a) - f(0 * a), rtol=1e-3, atol=1e-4)


def test_units_that_begin_as_one_stay_one() -> None:
    """dense1 and dense3 through 20 steps of Adam; dense2, whose relu is dead, does not move at all."""
    program, parameters, statistics = program_of("constant_initial")
    optimizer = optax.adam(0.01)
    state = optimizer.init(parameters)
    begun = dict(parameters)
    step = jax.jit(lambda p, s: optimizer.update(gradients(program, p, statistics), s, p))
    for _ in range(20):
        updates, state = step(parameters, state)
        parameters = optax.apply_updates(parameters, updates)
    assert np.array_equal(parameters["dense2/kernel"], begun["dense2/kernel"])
    for name in ("dense1", "dense3"):
        kernel = np.asarray(parameters[f"{name}/kernel"])
        np.testing.assert_allclose(kernel, np.broadcast_to(kernel[:, :1], kernel.shape), rtol=1e-5)


def test_the_bounds_of_probabilities() -> None:
    """The 23 % and 50 % of the messages, from logits that go as far as they can."""
    best = jax.nn.softmax(jnp.array([1.0] + [0.0] * 9))[0]
    assert f"{best:.0%}".replace("%", " %") in (FOLDER / "logits.txt").read_text("utf-8")
    least = jax.nn.sigmoid(jnp.array(0.0))
    assert f"{least:.0%}".replace("%", " %") in (FOLDER / "logits_of_two_classes.txt").read_text("utf-8")


def test_how_steep_a_tanh_is() -> None:
    """0.68 is the root mean square of its slope over a normal input of variance 1."""
    from netspec.lint.layers import SLOPES

    slope = jax.vmap(jax.grad(jnp.tanh))(jax.random.normal(jax.random.key(0), (200_000,)))
    assert float(jnp.sqrt(jnp.mean(slope**2))) == pytest.approx(SLOPES["jax.nn.tanh"], abs=0.005)


# -- the commands ----------------------------------------------------------------------------------------------------


def test_check_warns_and_is_content(tmp_path: Path) -> None:
    spec = FOLDER / "dropout_last.toml"
    result = netspec(tmp_path, "check", spec)
    assert (result.code, result.out) == (0, f"{spec}: good, 2,410 parameters, 220 steps of 32, 1 warning\n")
    assert result.err.startswith("warning[dropout-last]: ")


def test_strict_makes_warnings_mistakes(tmp_path: Path) -> None:
    result = netspec(tmp_path, "check", "--strict", FOLDER / "dropout_last.toml")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error[dropout-last]: ")
    (tmp_path / "good.toml").write_text(model("{ dense = 2 }"))
    assert netspec(tmp_path, "check", "--strict", "good.toml").code == 0


@pytest.mark.parametrize(("strict", "code", "severity"), [((), 0, "warning"), (("--strict",), 2, "error")])
def test_as_data_a_warning_says_that_it_is_one(
    strict: tuple[str, ...], code: int, severity: str, tmp_path: Path
) -> None:
    result = netspec(tmp_path, "check", "--json", *strict, FOLDER / "dropout_last.toml")
    found = result.json()
    assert (result.code, result.err, found["ok"]) == (code, "", code == 0)
    assert [(d["code"], d["severity"], d["line"]) for d in found["diagnostics"]] == [("dropout-last", severity, 10)]


def test_train_warns_in_a_line(tmp_path: Path) -> None:
    settings = ("--set", "train.epochs=1", "--set", "train.batch=479")
    spec = FOLDER / "dropout_last.toml"
    result = netspec(tmp_path, "train", spec, *settings)
    assert result.code == 0
    warned = "warning[dropout-last]: dropout2 stands after the last layer that learns, dense2"
    assert result.err == f"{warned} ({spec}:10)\n"
    assert netspec(tmp_path, "train", spec, *settings, "--json").err == ""


def test_what_is_allowed_is_a_code(tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(model("{ dense = 2 }") + '[lint]\nallow = ["dropout-lst", "logits"]\n')
    (found,) = check(path)
    assert (found.code, found.severity, found.label) == ("value", "error", "did you mean 'dropout-last'?")
    assert found.place is not None
    assert (found.place.line, found.place.column) == (5, 10)


def test_what_a_spec_allows_that_others_start_from_need_not_be_there(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(model("{ dense = 8 }, { dense = 2 }") + '[lint]\nallow = ["linear-chain"]\n')
    assert check(tmp_path / "base.toml") == ()
    over = tmp_path / "over.toml"
    over.write_text('extends = "base.toml"\n[model]\nlayers = [{ dense = 2 }]\n')
    assert check(over) == ()
    assert [found.code for found in check(over, ['lint.allow=["logits"]'])] == ["unused"]
    over.write_text(over.read_text() + '[lint]\nallow = ["logits"]\n')
    assert [found.code for found in check(over)] == ["unused"]
