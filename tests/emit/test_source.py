"""How emitted source reads, and what the command does with it."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx
from own import with_source

from netspec import nn
from netspec.build import Network
from netspec.commands import compiled
from netspec.diagnostics import SpecError
from netspec.document import parse
from netspec.emit import emit
from netspec.emit.copied import definitions, imports_of
from netspec.emit.layout import lay_out
from netspec.emit.start import their_names
from netspec.graph.fill import fill_sections
from netspec.graph.resolve import resolve
from netspec.spec.decode import decode
from netspec.spec.start import Start
from tests.command import netspec

HERE = Path(__file__).parent
SPECS = HERE.parents[1] / "specs"

RESNET = """\
# A small residual network.
name = "small_resnet"

[block.conv_norm]
args = { width = "int", kernel = 3, stride = 1 }
layers = [
  { conv = "$width", kernel = "$kernel", stride = "$stride", padding = "$kernel // 2", bias = false },
  "batch_norm",
]

[block.bottleneck]             # three convolutions, and a way around them
args = { width = "int", stride = 1 }
layers = [
  { residual = [
    { conv_norm = ["$width", 1] }, "relu",
    { conv_norm = "$width", stride = "$stride" }, "relu",
    { conv_norm = ["$width * 4", 1] },
  ], shortcut = "projection" },
  "relu",
]

[model]
input = [32, 32, 3]
layers = [
  { conv_norm = 16, stride = 2 }, "relu",
  { bottleneck = 16, times = 3 },
  { bottleneck = 32, stride = 2 },
  "global_avg_pool",
  { dense = 10 },
]
"""

EXPECTED = '''\
"""A small residual network."""

import jax
import jax.numpy as jnp
from flax import nnx


class ConvNorm(nnx.Module):
    """conv_norm: conv, batch_norm."""

    def __init__(
        self,
        channels: int,
        width: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        rngs: nnx.Rngs,
    ) -> None:
        self.conv1 = nnx.Conv(
            channels,
            width,
            kernel_size=(kernel, kernel),
            strides=stride,
            padding=kernel // 2,
            use_bias=False,
            rngs=rngs,
        )
        self.batch_norm1 = nnx.BatchNorm(width, momentum=0.9, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.conv1(x)
        return self.batch_norm1(x)


class Bottleneck(nnx.Module):
    """Three convolutions, and a way around them."""

    def __init__(
        self, channels: int, width: int, stride: int = 1, *, rngs: nnx.Rngs
    ) -> None:
        self.conv_norm1 = ConvNorm(channels, width, kernel=1, rngs=rngs)
        self.conv_norm2 = ConvNorm(width, width, stride=stride, rngs=rngs)
        self.conv_norm3 = ConvNorm(width, width * 4, kernel=1, rngs=rngs)
        if stride != 1 or channels != width * 4:
            self.shortcut = nnx.Sequential(
                nnx.Conv(
                    channels,
                    width * 4,
                    kernel_size=(1, 1),
                    strides=stride,
                    padding=0,
                    use_bias=False,
                    rngs=rngs,
                ),
                nnx.BatchNorm(width * 4, momentum=0.9, rngs=rngs),
            )
        else:
            self.shortcut = None

    def __call__(self, x: jax.Array) -> jax.Array:
        y = nnx.relu(self.conv_norm1(x))
        y = nnx.relu(self.conv_norm2(y))
        y = self.conv_norm3(y)
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return nnx.relu(shortcut + y)


class SmallResnet(nnx.Module):
    """[32, 32, 3] to [10]."""

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.conv_norm1 = ConvNorm(3, 16, stride=2, rngs=rngs)
        self.bottlenecks1 = nnx.List(
            [Bottleneck(16 if i == 0 else 64, 16, rngs=rngs) for i in range(3)]
        )
        self.bottleneck4 = Bottleneck(64, 32, stride=2, rngs=rngs)
        self.dense1 = nnx.Linear(128, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.relu(self.conv_norm1(x))
        for bottleneck in self.bottlenecks1:
            x = bottleneck(x)
        x = self.bottleneck4(x)
        x = jnp.mean(x, axis=(1, 2))
        return self.dense1(x)
'''


def source(text: str) -> str:
    spec = fill_sections(decode(parse(text, "x.toml")), None)
    return emit(spec, resolve(spec, None)).source


def test_a_residual_network_reads_as_if_a_person_had_written_it() -> None:
    assert source(RESNET) == EXPECTED


def test_every_path_of_the_spec_leads_to_an_attribute() -> None:
    spec = fill_sections(decode(parse(RESNET, "x.toml")), None)
    graph = resolve(spec, None)
    paths = emit(spec, graph).paths
    assert set(paths) == set(graph.parameters) | set(graph.statistics)
    assert paths["bottleneck2/residual1/conv_norm3/conv1/kernel"] == (
        "bottlenecks1", 1, "conv_norm3", "conv1", "kernel",
    )  # fmt: skip
    assert paths["bottleneck4/residual1/shortcut/batch_norm1/mean"] == (
        "bottleneck4", "shortcut", "layers", 1, "mean",
    )  # fmt: skip


LONG = (Path(__file__).parent / "long_lines.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize("line", LONG)
def test_lines_are_broken_as_ruff_breaks_them(line: str) -> None:
    body = "    pass" if line.startswith("def") else ""
    printed = "\n".join([*lay_out(line), *([body] if body else [])]) + "\n"
    command = ["ruff", "format", "--isolated", "-"]
    one_line = f"{line}\n{body}\n" if body else f"{line}\n"
    assert printed == subprocess.run(command, input=one_line, capture_output=True, text=True, check=True).stdout


def test_no_two_definitions_that_may_be_copied_share_a_name() -> None:
    modules = [f"netspec.nn.{module.name}" for module in pkgutil.iter_modules(nn.__path__)]
    names = [name for module in modules for name in definitions(module)]
    assert len(names) == len(set(names)) > 100


def test_imports_are_in_ruffs_order() -> None:
    lines = ["import jax", "from math import prod", "from flax import nnx", "import sys", "from math import pi"]
    assert imports_of(lines) == ["import sys", "from math import pi, prod", "", "import jax", "from flax import nnx"]


@pytest.mark.parametrize("form", ["forms", "trained", "specs"])
def test_files_are_formatted_and_clean(form: str, tmp_path: Path) -> None:
    for path in with_source(SPECS) if form == "specs" else (HERE / form).glob("*.toml"):
        text = source(path.read_text("utf-8")) if form == "forms" else compiled(path).source
        (tmp_path / f"{path.stem}.py").write_text(text, "utf-8")
    for command in (["format", "--diff"], ["check", "--line-length", "120", "--select", "E4,E5,E7,E9,F,I,W"]):
        options = ["--isolated", "--target-version", "py311", str(tmp_path)]
        done = subprocess.run(["ruff", *command, *options], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]


WITHOUT_SOURCE = {
    "[train]\nepochs = 2\nema = 0.9": ("[train] cannot be compiled: 'ema' has no source", 13),
    "[train]\nepochs = 2\n[[phase]]\n[[phase]]\nema = 0.9": ("[[phase]] cannot be compiled: 'ema' has no source", 15),
    "[train]\nepochs = 2\n[[phase]]\nfreeze = 'batch_norm1'": ("batch_norm1 cannot be compiled: it is frozen", 5),
    "[train]\nepochs = 2\n[[phase]]\noptimizer = { kind = 'sgd', learning_rate = 1, sam = { rho = 0.1 } }": (
        "[optimizer] cannot be compiled: sam asks for the loss or its gradient again", 14,
    ),
    "[train]\nepochs = 2\n[start]\nrun = 'a'\nonly = '*/kernel'\nrename = { 'dense1/**' = 'old/**' }": (
        "[start] cannot be compiled: what 'dense1/kernel' is called there does not follow from 'rename'", 16,
    ),
}  # fmt: skip


@pytest.mark.parametrize("training", WITHOUT_SOURCE)
def test_a_training_that_has_no_source_says_what_has_none_and_where(training: str, tmp_path: Path) -> None:
    message, line = WITHOUT_SOURCE[training]
    (tmp_path / "x.toml").write_text(TRAINED + training, "utf-8")
    with pytest.raises(SpecError) as caught:
        compiled(tmp_path / "x.toml")
    [found] = caught.value.diagnostics
    assert (found.code, found.place and found.place.line) == ("compile", line)
    assert found.message.startswith(message)


TRAINED = """\
[data]
source = "iris"

[model]
layers = [{ dense = 8 }, "batch_norm", { dense = "$classes" }]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "sgd"
learning_rate = 0.1
"""


def test_names_of_weights_follow_from_the_rules_that_rename_them() -> None:
    rules = {"encoder/**": "**", "head/w": "dense2/kernel", "dense3/*": "unused/*"}
    start = Start(run="a", rename=rules)
    spec = replace(decode(parse("[model]\ninput = [2]\nlayers = [{ dense = 2 }]", "x.toml")), start=start)
    paths = ["dense1/kernel", "dense2/bias", "dense2/kernel", "unused/bias"]
    found = their_names(spec, paths)
    assert found == {
        "dense1/kernel": "encoder/dense1/kernel",
        "dense2/bias": "encoder/dense2/bias",
        "dense2/kernel": "encoder/dense2/kernel",
        "unused/bias": "encoder/unused/bias",
    }


REFUSED = {
    "{ cell = [{ dense = 3 }, { dropout = 0.5 }], state = 3 }": "cell1/dropout1 cannot be compiled: it draws random",
    "{ block = [{ dense = 3, output = 'a' }], name = 'b' }, { dense = 2 }": "b/dense1 cannot be compiled: it is",
    "{ dense = 3, name = 'a', times = 2 }, { dense = 3, tie = 'a2' }": "it takes 'a2/kernel', which is inside",
}


@pytest.mark.parametrize("layers", REFUSED)
def test_what_has_no_source_is_told(layers: str) -> None:
    with pytest.raises(SpecError) as caught:
        source(f"[model]\ninput = [4, 3]\nlayers = [{layers}]")
    assert REFUSED[layers] in caught.value.diagnostics[0].message


def test_parameters_begin_as_the_spec_says() -> None:
    text = (Path(__file__).parent / "forms" / "initial_values.toml").read_text("utf-8")
    spec = fill_sections(decode(parse(text, "x.toml")), None)
    graph = resolve(spec, None)
    emitted = emit(spec, graph)
    module: dict[str, Any] = {}
    exec(compile(emitted.source, "x.py", "exec"), module)
    model = module[emitted.networks[""]](rngs=nnx.Rngs(0))
    wanted, _ = Network(graph).initialise(jax.random.key(0))
    chosen = {f"{leaf.path}/{name}" for leaf in graph.leaves() for name in leaf.initial}
    assert len(chosen) == 14
    for path in chosen:
        variable = model
        for part in emitted.paths[path]:
            variable = variable[part] if isinstance(part, int) else getattr(variable, part)
        np.testing.assert_array_equal(variable[...], wanted[path], err_msg=path)


def test_a_comment_cannot_become_code() -> None:
    text = (
        '# """\n# import os """ + \\\n[block.b] # "\nlayers = [{ dense = 2 }]\n[model]\ninput = [2]\nlayers = ["b"]\n'
    )
    found = source(text)
    compile(found, "x.py", "exec")
    assert found.count('"""') % 2 == 0
    assert "import os" in found.splitlines()[0]


def test_an_emitted_file_trains_by_itself(tmp_path: Path) -> None:
    (tmp_path / "xor.py").write_text(compiled(SPECS / "xor.toml").source, "utf-8")
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    np.savez(tmp_path / "xor.npz", input=x, target=np.array([0, 1, 1, 0]))
    command = [sys.executable, "-I", "xor.py", "xor.npz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    losses = [float(line.rpartition(" ")[2]) for line in done.stdout.splitlines()]
    assert len(losses) == 10
    assert losses[-1] < 0.5 * losses[0] < 0.3


def test_an_emitted_file_with_phases_trains_by_itself_from_given_weights(tmp_path: Path) -> None:
    (tmp_path / "phases.py").write_text(compiled(HERE / "trained" / "phases.toml").source, "utf-8")
    random = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", input=random.normal(size=(120, 4)), target=random.integers(0, 3, 120))
    shapes = {"dense1/bias": 8, "dense1/weight": (4, 8), "layer_norm1/scale": 8}
    shapes |= {"dense2/bias": 3, "dense2/weight": (8, 3)}
    np.savez(tmp_path / "begun.npz", **{f"net/{name}": np.zeros(shape) for name, shape in shapes.items()})
    command = [sys.executable, "-I", "phases.py", "data.npz", "begun.npz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["phase1"] * 10 + ["features"] * 14 + ["search"] * 10
    np.savez(tmp_path / "begun.npz", **{f"net/{name}": np.zeros((1, 1)) for name in shapes})
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "net/dense1/bias has another shape" in done.stderr


def test_the_command_writes_no_file_twice_unless_asked(tmp_path: Path) -> None:
    spec, path = str(SPECS / "xor.toml"), tmp_path / "xor.py"
    printed = netspec(tmp_path, "compile", spec)
    assert printed.code == 0
    assert netspec(tmp_path, "compile", spec, "-o", str(path)).code == 0
    assert path.read_text("utf-8") == printed.out
    refused = netspec(tmp_path, "compile", spec, "-o", str(path), "--set", "model.layers=[{dense=1}]")
    assert refused.code == 2
    assert "--overwrite" in refused.err
    assert path.read_text("utf-8") == printed.out
    assert (
        netspec(tmp_path, "compile", spec, "-o", str(path), "--overwrite", "--set", "model.layers=[{dense=1}]").code
        == 0
    )
    assert path.read_text("utf-8") != printed.out
