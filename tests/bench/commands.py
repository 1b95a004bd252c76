"""How long the commands take that people wait for, as whole processes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path

__all__ = ["COMMANDS", "MANY_SEEDS", "ONE_SEED", "command_seconds"]

_MISSPELT = """
name = "lenet5"
[data]
source = "digits"
[model]
layers = [{ conv = 6, kernal = 5 }, "relu", "flatten", { dense = "$classes" }]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "adam"
[train]
epochs = 1
"""

_RESNET50 = """
name = "resnet50"
[block.conv_norm]
args = { width = "int", kernel = "int", stride = 1 }
layers = [{ conv = "$width", kernel = "$kernel", stride = "$stride", bias = false }, "batch_norm"]
[block.bottleneck]
args = { width = "int", stride = 1 }
layers = [
  { residual = [
    { conv_norm = ["$width", 1] }, "relu",
    { conv_norm = ["$width", 3], stride = "$stride" }, "relu",
    { conv_norm = ["$width * 4", 1] },
  ], shortcut = "projection" },
  "relu",
]
[model]
input = [224, 224, 3]
layers = [
  { conv_norm = [64, 7], stride = 2 }, "relu",
  { max_pool = 3, stride = 2, padding = 1 },
  { bottleneck = 64, times = 3 },
  { bottleneck = 128, stride = 2 }, { bottleneck = 128, times = 3 },
  { bottleneck = 256, stride = 2 }, { bottleneck = 256, times = 5 },
  { bottleneck = 512, stride = 2 }, { bottleneck = 512, times = 2 },
  "global_avg_pool",
  { dense = 1000 },
]
"""

_PERCEPTRON = """
name = "perceptron"
[data]
source = "digits"
transform = ["scale", "flatten"]
[model]
layers = [{ dense = 64, activation = "relu" }, { dense = "$classes" }]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "adam"
learning_rate = 1e-3
[train]
epochs = 60
batch = 32
"""

ONE_SEED, MANY_SEEDS = "netspec train (a small perceptron)", "netspec train --seeds 16 (the same)"

COMMANDS = {
    "netspec --help": (["--help"], None, 0),
    "netspec check (a misspelt key)": (["check"], _MISSPELT, 2),
    "netspec inspect (ResNet-50)": (["inspect"], _RESNET50, 0),
    ONE_SEED: (["train"], _PERCEPTRON, 0),
    MANY_SEEDS: (["train", "--seeds", "16"], _PERCEPTRON, 0),
}
"""By name: the arguments, the spec that follows them, the exit code that is right."""


def command_seconds(name: str, times: int) -> list[float] | None:
    """How long each of some calls took; None where there is no command line yet.

    Raises:
        RuntimeError: the command did not end as it should.
    """
    if importlib.util.find_spec("netspec.cli") is None:
        return None
    arguments, spec, code = COMMANDS[name]
    with tempfile.TemporaryDirectory() as folder:
        if spec is not None:
            path = Path(folder, "spec.toml")
            path.write_text(spec, encoding="utf-8")
            arguments = [*arguments, str(path)]
        return [_timed(arguments, code, folder) for _ in range(times)]


def _timed(arguments: list[str], code: int, folder: str) -> float:
    """Seconds of a call, made in a folder; what it compiles is kept by JAX from one call to the next."""
    began = time.perf_counter()
    command = [sys.executable, "-c", "from netspec.cli import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    seconds = time.perf_counter() - began
    if done.returncode != code:
        raise RuntimeError(f"netspec {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
    return seconds
