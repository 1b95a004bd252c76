"""Runs emitted files in an interpreter that has no netspec: python stranger.py FOLDER …

A folder holds `model.py`, `job.json` (names and places) and `given.npz` (parameters and a batch); `emitted.npz` is
written there.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

sys.modules["netspec"] = None  # type: ignore[assignment]

import jax  # noqa: E402
import numpy as np  # noqa: E402
from flax import nnx  # noqa: E402

STEPS = 3


def at(model: Any, path: list[Any]) -> Any:
    for part in path:
        model = model[part] if isinstance(part, int) else getattr(model, part)
    return model


def abstract(module: Any, job: dict[str, Any]) -> Any:
    """The network without its arrays: drawing them takes longer than all the rest."""
    model = nnx.eval_shape(lambda: getattr(module, job["network"])(rngs=nnx.Rngs(0)))
    model.set_attributes(deterministic=True, raise_if_not_found=False)
    return model


def made(module: Any, job: dict[str, Any], given: dict[str, Any]) -> Any:
    """The network with the given parameters, and nothing random in it."""
    model = abstract(module, job)
    for name, path in job["paths"].items():
        at(model, path).set_value(jax.numpy.asarray(given[name]))
    for _, variable in nnx.to_flat_state(nnx.state(model, nnx.RngState)):
        is_key = isinstance(variable, nnx.RngKey)
        variable.set_value(jax.random.key(0) if is_key else jax.numpy.zeros((), "uint32"))
    return model


def named(outputs: Any) -> dict[str, Any]:
    return outputs if isinstance(outputs, dict) else {"output": outputs}


def arrays(model: Any, job: dict[str, Any], kind: str) -> dict[str, Any]:
    return {f"{kind}:{name}": at(model, path)[...] for name, path in job["paths"].items()}


def slopes(gradient: Any, job: dict[str, Any]) -> dict[str, Any]:
    names = {tuple(path): name for name, path in job["paths"].items()}
    return {f"gradient:{names[tuple(path)]}": value[...] for path, value in nnx.to_flat_state(gradient)}


def shapes(module: Any, job: dict[str, Any], inputs: list[Any]) -> dict[str, Any]:
    """Of all parameters, statistics and results; nothing is allocated."""
    model = abstract(module, job)
    there = nnx.to_flat_state(nnx.state(model, nnx.Any(nnx.Param, nnx.BatchStat)))
    names = {tuple(path): name for name, path in job["paths"].items()}
    found = {f"shape:{names.get(tuple(path), path)}": variable.get_value().shape for path, variable in there}
    model.eval()
    results = named(nnx.eval_shape(lambda model, *values: model(*values), model, *inputs))
    return found | {f"result:{name}": results[name].shape[1:] for name in job["outputs"]}


def evaluated(module: Any, job: dict[str, Any], given: dict[str, Any], inputs: list[Any]) -> dict[str, Any]:
    model = made(module, job, given)
    model.eval()
    outputs = named(nnx.jit(lambda model, *values: model(*values))(model, *inputs))
    return {f"evaluated:{name}": outputs[name] for name in job["outputs"]}


def weighted(module: Any, job: dict[str, Any], given: dict[str, Any], inputs: list[Any]) -> dict[str, Any]:
    """A sum over the outputs in training, where the spec has no loss; its gradient, and the statistics after."""
    model = made(module, job, given)
    weights = {name: jax.numpy.asarray(given[f"weight:{name}"]) for name in job["outputs"]}

    def loss(model: Any, weights: dict[str, Any], *inputs: Any) -> Any:
        outputs = named(model(*inputs))
        return sum((outputs[name] * weight).sum() for name, weight in weights.items()), outputs

    (_, outputs), gradient = nnx.jit(nnx.value_and_grad(loss, has_aux=True))(model, weights, *inputs)
    found = {f"trained:{name}": outputs[name] for name in job["outputs"]}
    return found | slopes(gradient, job) | arrays(model, job, "after")


def trained(
    module: Any, job: dict[str, Any], given: dict[str, Any], batch: list[Any], start: Path | None
) -> dict[str, Any]:
    """Of each phase, the loss and its gradient, and all parameters and statistics after some steps."""
    model = made(module, job, given)
    if start is not None:
        module.begin(model, start)
    found = {}
    for i, phase in enumerate(getattr(module, "PHASES", [None])):
        # What phases have in common is in no phase, and a single one has no table.
        kind = getattr(phase, "trainable", getattr(module, "trainable", nnx.Param))
        loss = getattr(phase, "loss", getattr(module, "loss", None))
        own = [phase.loss] if hasattr(phase, "loss") else []
        gradient = nnx.jit(nnx.value_and_grad(loss, argnums=nnx.DiffState(0, kind)))
        value, slope = gradient(nnx.clone(model), *batch)
        make = getattr(phase, "make_optimizer", getattr(module, "make_optimizer", None))
        optimizer = nnx.Optimizer(model, make(), wrt=kind)
        for _ in range(STEPS):
            last = module.train_step(model, optimizer, *own, *batch)
        results = {"loss": value, "last": last} | slopes(slope, job) | arrays(model, job, "after")
        found |= {f"{i}:{name}": value for name, value in results.items()}
    return found


def run(folder: Path) -> None:
    job = json.loads((folder / "job.json").read_text("utf-8"))
    given = dict(np.load(folder / "given.npz"))
    specification = importlib.util.spec_from_file_location(f"emitted_{folder.name}", folder / "model.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    inputs = [jax.numpy.asarray(given[f"input:{n}"]) for n in job["inputs"]]
    found = shapes(module, job, inputs)
    if job["evaluated"]:
        found |= evaluated(module, job, given, inputs)
    if job["trained"]:
        targets = [jax.numpy.asarray(given[f"target:{n}"]) for n in job["targets"]]
        start = folder / "start.npz" if job["begins"] else None
        found |= trained(module, job, given, [*inputs, *targets], start)
    if job["weighted"]:
        found |= weighted(module, job, given, inputs)
    np.savez(folder / "emitted.npz", **{name: np.asarray(value) for name, value in found.items()})


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        run(Path(argument))
