"""The networks that are trained, each as a spec and as a hand-written Flax module, on random data of their shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from netspec.build import Program, build
from netspec.document import parse
from netspec.graph.facts import Facts
from netspec.spec.call import Shape
from netspec.spec.decode import decode

__all__ = ["PROBLEMS", "Part", "Parts", "Problem"]

EXAMPLES = 4_096
CLASSES = 10

Path = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Examples in memory."""

    inputs: Mapping[str, np.ndarray[Any, Any]]
    targets: Mapping[str, np.ndarray[Any, Any]]

    def __len__(self) -> int:
        return len(self.targets["target"])

    def take(self, indices: Any) -> tuple[Any, Any]:
        return {"input": self.inputs["input"][indices]}, {"target": self.targets["target"][indices]}


@dataclass(frozen=True, slots=True)
class Parts:
    train: Part
    validation: Part
    test: Part


@dataclass(frozen=True, slots=True)
class Problem:
    """A network and its training, written twice.

    Args:
        input: the shape of an example.
        spec: the network, its loss and its optimizer as TOML; the training's length is `steps`.
        module: the same network by hand.
        optimizer: the same optimizer by hand.
        spec_path: of a parameter or statistic of the module, its path in the spec's network.
    """

    name: str
    input: tuple[int, ...]
    batch: int
    spec: str
    module: Callable[[nnx.Rngs], nnx.Module]
    optimizer: Callable[[], optax.GradientTransformation]
    spec_path: Callable[[Path], str]

    def parts(self) -> Parts:
        """Random examples, the same at every call."""
        random = np.random.default_rng(0)
        inputs = random.standard_normal((EXAMPLES, *self.input), np.float32)
        targets = random.integers(0, CLASSES, EXAMPLES, np.int32)
        few = Part({"input": inputs[: self.batch]}, {"target": targets[: self.batch]})
        return Parts(Part({"input": inputs}, {"target": targets}), few, few)

    def program(self, steps: int) -> Program:
        """The spec, built for a training of so many steps, with one evaluation at its end."""
        train = f'[train]\nsteps = {steps}\nbatch = {self.batch}\nevaluate = "100%"\nsave = "100%"\n'
        examples = {"train": EXAMPLES, "validation": self.batch, "test": self.batch}
        facts = Facts.of(Shape(self.input), tuple("0123456789"), examples=examples)
        return build(decode(parse(self.spec + train, f"{self.name}.toml")), facts)


class Perceptron(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.dense1 = nnx.Linear(784, 512, rngs=rngs)
        self.dense2 = nnx.Linear(512, 512, rngs=rngs)
        self.dense3 = nnx.Linear(512, CLASSES, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.relu(self.dense1(x))
        x = nnx.relu(self.dense2(x))
        return self.dense3(x)


class LeNet5(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(1, 6, (5, 5), padding=2, rngs=rngs)
        self.conv2 = nnx.Conv(6, 16, (5, 5), padding="VALID", rngs=rngs)
        self.dense1 = nnx.Linear(400, 120, rngs=rngs)
        self.dense2 = nnx.Linear(120, 84, rngs=rngs)
        self.dense3 = nnx.Linear(84, CLASSES, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        pool = partial(nnx.avg_pool, window_shape=(2, 2), strides=(2, 2))
        x = pool(nnx.tanh(self.conv1(x)))
        x = pool(nnx.tanh(self.conv2(x)))
        x = x.reshape(x.shape[0], -1)
        x = nnx.tanh(self.dense1(x))
        x = nnx.tanh(self.dense2(x))
        return self.dense3(x)


class BasicBlock(nnx.Module):
    def __init__(self, channels: int, width: int, stride: int, rngs: nnx.Rngs) -> None:
        self.stride, self.extra = stride, width - channels
        conv = partial(nnx.Conv, kernel_size=(3, 3), padding="SAME", use_bias=False, rngs=rngs)
        self.conv1, self.conv2 = conv(channels, width, strides=stride), conv(width, width)
        self.norm1, self.norm2 = _norm(width, rngs), _norm(width, rngs)

    def __call__(self, x: Any) -> Any:
        y = nnx.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        shortcut = x[:, :: self.stride, :: self.stride]
        shortcut = shortcut if self.extra == 0 else _pad_channels(shortcut, self.extra)
        return nnx.relu(y + shortcut)


class ResNet20(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(3, 16, (3, 3), padding="SAME", use_bias=False, rngs=rngs)
        self.norm = _norm(16, rngs)
        widths = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
        self.blocks = nnx.List([BasicBlock(c, w, 1 if c == w else 2, rngs) for c, w in pairwise(widths)])
        self.dense = nnx.Linear(64, CLASSES, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.relu(self.norm(self.conv(x)))
        for block in self.blocks:
            x = block(x)
        return self.dense(x.mean(axis=(1, 2)))


class Separable(nnx.Module):
    def __init__(self, channels: int, width: int, stride: int, rngs: nnx.Rngs) -> None:
        conv = partial(nnx.Conv, use_bias=False, rngs=rngs)
        self.conv1 = conv(channels, channels, (3, 3), strides=stride, feature_group_count=channels)
        self.conv2 = conv(channels, width, (1, 1))
        self.norm1, self.norm2 = _norm(channels, rngs), _norm(width, rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.relu6(self.norm1(self.conv1(x)))
        return nnx.relu6(self.norm2(self.conv2(x)))


class MobileNet(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(3, 32, (3, 3), strides=2, use_bias=False, rngs=rngs)
        self.norm = _norm(32, rngs)
        widths = [32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]
        strides = [1, 2, 1, 2, 1, 2, *[1] * 5, 2, 1]
        pairs = zip(pairwise(widths), strides, strict=True)
        self.blocks = nnx.List([Separable(c, w, stride, rngs) for (c, w), stride in pairs])
        self.dense = nnx.Linear(1024, CLASSES, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.relu6(self.norm(self.conv(x)))
        for block in self.blocks:
            x = block(x)
        return self.dense(x.mean(axis=(1, 2)))


def _norm(width: int, rngs: nnx.Rngs) -> nnx.BatchNorm:
    return nnx.BatchNorm(width, momentum=0.9, epsilon=1e-5, rngs=rngs)


def _pad_channels(x: Any, extra: int) -> Any:
    return jnp.pad(x, ((0, 0), (0, 0), (0, 0), (0, extra)))


def _same(path: Path) -> str:
    return "/".join(map(str, path))


def _resnet_path(path: Path) -> str:
    match path:
        case ("blocks", int(block), layer, variable):
            return f"basic{block + 1}/residual1/{layer.replace('norm', 'batch_norm')}/{variable}"
        case ("conv" | "norm" as layer, variable):
            return f"{layer.replace('norm', 'batch_norm')}1/{variable}"
    return "/".join(("dense1", *map(str, path[1:])))


def _mobilenet_path(path: Path) -> str:
    match path:
        case ("blocks", int(block), layer, variable):
            return f"separable{block + 1}/{layer.replace('norm', 'batch_norm')}/{variable}"
    return _resnet_path(path)


_PERCEPTRON = """
name = "perceptron"
[model]
layers = [
  { dense = 512, activation = "relu" },
  { dense = 512, activation = "relu" },
  { dense = "$classes" },
]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "adam"
learning_rate = 1e-3
"""

_LENET5 = """
name = "lenet5"
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
"""

_RESNET20 = """
name = "resnet20"
[block.basic]
args = { width = "int", stride = 1 }
layers = [
  { residual = [
    { conv = "$width", stride = "$stride", bias = false }, "batch_norm", "relu",
    { conv = "$width", bias = false }, "batch_norm",
  ], shortcut = "pad" },
  "relu",
]
[model]
layers = [
  { conv = 16, bias = false }, "batch_norm", "relu",
  { basic = 16, times = 3 },
  { basic = 32, stride = 2 }, { basic = 32, times = 2 },
  { basic = 64, stride = 2 }, { basic = 64, times = 2 },
  "global_avg_pool",
  { dense = "$classes" },
]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "sgd"
learning_rate = 0.1
momentum = 0.9
"""

# Its first gradients are so ill-conditioned (in float32 they are right to some 1e-3) that a larger rate would part the
# losses of the forms by more than these may differ.
_MOBILENET = """
name = "mobilenet"
[block.separable]
args = { width = "int", stride = 1 }
layers = [
  { conv = "$channels", stride = "$stride", groups = "$channels", bias = false }, "batch_norm", "relu6",
  { conv = "$width", kernel = 1, bias = false }, "batch_norm", "relu6",
]
[model]
layers = [
  { conv = 32, stride = 2, bias = false }, "batch_norm", "relu6",
  { separable = 64 },
  { separable = 128, stride = 2 }, { separable = 128 },
  { separable = 256, stride = 2 }, { separable = 256 },
  { separable = 512, stride = 2 }, { separable = 512, times = 5 },
  { separable = 1024, stride = 2 }, { separable = 1024 },
  "global_avg_pool",
  { dense = "$classes" },
]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "sgd"
learning_rate = 1e-6
momentum = 0.9
"""

PROBLEMS: Mapping[str, Problem] = {
    problem.name: problem
    for problem in (
        Problem("perceptron", (784,), 128, _PERCEPTRON, Perceptron, partial(optax.adam, 1e-3), _same),
        Problem("lenet5", (28, 28, 1), 128, _LENET5, LeNet5, partial(optax.adam, 1e-3), _same),
        Problem("resnet20", (32, 32, 3), 64, _RESNET20, ResNet20, partial(optax.sgd, 0.1, momentum=0.9), _resnet_path),
        Problem(
            "mobilenet",
            (48, 48, 3),
            16,
            _MOBILENET,
            MobileNet,
            partial(optax.sgd, 1e-6, momentum=0.9),
            _mobilenet_path,
        ),
    )
}
