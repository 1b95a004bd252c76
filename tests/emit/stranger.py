"""Runs emitted files in an interpreter that has no netspec: python stranger.py FOLDER …

A folder holds `model.py`, `job.json` (names and places) and `given.npz` (parameters and a batch); `found.npz` is
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


def arrays(model: Any) -> dict[tuple[Any, ...], Any]:
    found = nnx.to_flat_state(nnx.state(model, nnx.Any(nnx.Param, nnx.BatchStat)))
    return {tuple(path): variable for path, variable in found}


def made(module: Any, job: dict[str, Any], given: dict[str, Any]) -> Any:
    """The network with the given parameters, and nothing random in it."""
    model = getattr(module, job["network"])(rngs=nnx.Rngs(0))
    wanted = {tuple(path) for path in job["paths"].values()}
    assert set(arrays(model)) == wanted, set(arrays(model)) ^ wanted
    for name, path in job["paths"].items():
        variable = at(model, path)
        assert variable[...].shape == given[name].shape, (name, variable[...].shape, given[name].shape)
        variable[...] = jax.numpy.asarray(given[name])
    model.set_attributes(deterministic=True, raise_if_not_found=False)
    return model


def named(outputs: Any) -> dict[str, Any]:
    return outputs if isinstance(outputs, dict) else {"output": outputs}


def kept(found: dict[str, Any], kind: str, model: Any, job: dict[str, Any]) -> None:
    for name, path in job["paths"].items():
        found[f"{kind}:{name}"] = at(model, path)[...]


def run(folder: Path) -> None:
    job = json.loads((folder / "job.json").read_text())
    given = dict(np.load(folder / "given.npz"))
    specification = importlib.util.spec_from_file_location(f"emitted_{folder.name}", folder / "model.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    inputs = [jax.numpy.asarray(given[f"input:{n}"]) for n in job["inputs"]]
    batch = [*inputs, *(jax.numpy.asarray(given[f"target:{n}"]) for n in job["targets"])]
    found: dict[str, Any] = {}

    model = made(module, job, given)
    model.eval()
    forward = nnx.jit(lambda model, *values: named(model(*values)))
    for name, value in forward(model, *inputs).items():
        found[f"evaluated:{name}"] = value
    if job["deep"]:
        model.train()
        model.set_attributes(deterministic=True, raise_if_not_found=False)
        for name, value in forward(model, *inputs).items():
            found[f"trained:{name}"] = value
        kept(found, "after", model, job)
    if job["deep"] and hasattr(module, "loss"):
        model = made(module, job, given)
        filtered = getattr(module, "trainable", nnx.Param)
        gradient = nnx.jit(lambda m, *b: nnx.value_and_grad(module.loss, argnums=nnx.DiffState(0, filtered))(m, *b))
        found["loss"], slopes = gradient(model, *batch)
        places = {tuple(path): name for name, path in job["paths"].items()}
        for path, value in nnx.to_flat_state(slopes):
            found[f"gradient:{places[tuple(path)]}"] = value[...]
        model = made(module, job, given)
        optimizer = nnx.Optimizer(model, module.make_optimizer(), wrt=filtered)
        for _ in range(STEPS):
            found["last"] = module.train_step(model, optimizer, *batch)
        kept(found, "trained", model, job)
    np.savez(folder / "found.npz", **{name: np.asarray(value) for name, value in found.items()})


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        run(Path(argument))
