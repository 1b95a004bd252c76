"""What netspec's own functions give for a spec, to be held against what its emitted source gives.

python own.py FOLDER …: each holds `job.json`, which names the spec, and `given.npz`; `own.npz` is written there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from netspec.build import Network, Program, build
from netspec.build.program import Phase
from netspec.build.start import expected, matched
from netspec.commands.specs import load, looked_at
from netspec.document import parse
from netspec.emit import Emitted, emit
from netspec.emit.start import their_names
from netspec.graph import calls
from netspec.graph.calls import Mode
from netspec.graph.facts import Facts
from netspec.graph.fill import fill_sections
from netspec.graph.graph import Graph
from netspec.graph.resolve import resolve
from netspec.spec.call import Shape
from netspec.spec.decode import decode
from netspec.spec.sections import Spec
from netspec.train.step import make_update

STEPS = 3
BATCH = 4
MOST_CALLS, MOST_PARAMETERS, MOST_PRODUCTS = 70, 3_000_000, 100_000_000
"""Of a network that is run."""


def with_source(specs: Path) -> list[Path]:
    """The specs in a folder that become source; those of points are no networks."""
    return sorted(p for p in specs.glob("*.toml") if not p.match("valley_*"))


@dataclass(frozen=True)
class Case:
    """A spec to be compiled.

    Args:
        path: of its file; or
        text: all of it.
        settings: values that take the place of the file's.
        padded: the type of an input's numbers [length, …], where it is a sequence that may be shorter.
        compare: "all", "outputs" only, or the "shapes" of what is not run.
    """

    name: str
    path: str = ""
    text: str = ""
    settings: tuple[str, ...] = ()
    padded: str = ""
    compare: str = "all"


@dataclass(frozen=True)
class Compiled:
    """A spec, and all that becomes of it."""

    network: Network
    program: Program | None
    emitted: Emitted


def compiled(case: Case) -> Compiled:
    """All that becomes of a spec; without the training where its data is not there."""
    spec, facts = _read(case)
    if facts is not None and spec.losses and spec.optimizer and spec.train:
        program = build(spec, facts)
        return Compiled(program.network, program, emit(program.spec, program.network.graph, program))
    filled = fill_sections(spec, facts)
    graph = resolve(filled, facts)
    return Compiled(Network(graph), None, emit(filled, graph))


def _read(case: Case) -> tuple[Spec, Facts | None]:
    if case.path:
        return looked_at(load(case.path, case.settings), ())
    spec = decode(parse(case.text, f"{case.name}.toml"))
    if not case.padded:
        return spec, None
    shape = Shape(spec.document.values["model"]["input"])
    found = Facts.of(shape, dtype=case.padded).to_json()  # type: ignore[arg-type]
    found["inputs"]["input"]["padded"] = True
    return spec, Facts.from_json(found)


# -- what both sides are given -----------------------------------------------------------------------------------------


def write_job(folder: Path, case: Case) -> None:
    """What both sides need to do the same; of a network that is too large to be run, only the shapes are looked at."""
    found = compiled(case)
    if case.compare == "all" and _is_large(found.network.graph):
        case = replace(case, compare="shapes")
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(found.emitted.source, encoding="utf-8")
    inputs, targets = _batch(found)
    graph = found.network.graph
    job = {
        "case": asdict(case),
        "network": found.emitted.networks[""],
        "paths": found.emitted.paths,
        "inputs": list(inputs),
        "targets": list(targets),
        "outputs": list(_named(graph.outputs)),
        "evaluated": case.compare == "outputs" or (case.compare == "all" and bool(graph.statistics)),
        "trained": case.compare == "all" and found.program is not None,
        "weighted": case.compare == "all" and found.program is None,
        "begins": _write_start(folder, found),
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    arrays = {f"input:{n}": v for n, v in inputs.items()} | {f"target:{n}": v for n, v in targets.items()}
    if case.compare != "shapes":
        arrays |= _numbers(graph)
    if job["weighted"]:
        random = np.random.default_rng(2)
        for name, shape in _named(graph.output_shapes).items():
            arrays[f"weight:{name}"] = random.normal(size=(BATCH, *shape)).astype(np.float32)
    np.savez(folder / "given.npz", **arrays)


def _write_start(folder: Path, found: Compiled) -> bool:
    """Whether there are weights to begin with; these, under the names that they have where they are from."""
    if found.program is None or found.program.spec.start is None:
        return False
    graph, random = found.network.graph, np.random.default_rng(3)
    names = their_names(found.program.spec, expected(found.program.spec, graph))
    arrays = graph.parameters | graph.statistics
    np.savez(
        folder / "start.npz", **{name: 0.1 * random.normal(size=arrays[path].shape) for path, name in names.items()}
    )
    return True


def _is_large(graph: Graph) -> bool:
    parameters = sum(prod(a.shape) for a in graph.parameters.values())
    calls = sum(len(leaf.steps) for leaf in graph.leaves())
    return calls > MOST_CALLS or parameters > MOST_PARAMETERS or graph.multiply_adds > MOST_PRODUCTS


def _numbers(graph: Graph) -> dict[str, Any]:
    """Parameters and statistics, none of them the same everywhere."""
    random = np.random.default_rng(0)
    found = {}
    for name, array in graph.parameters.items():
        deviation = prod(array.shape[:-1]) ** -0.5 if len(array.shape) > 1 else 0.3
        found[name] = (deviation * random.normal(size=array.shape)).astype(array.dtype)
    for name, array in graph.statistics.items():
        found[name] = (0.5 + np.abs(random.normal(size=array.shape))).astype(array.dtype)
    return found


def _batch(found: Compiled) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and targets."""
    random = np.random.default_rng(1)
    graph = found.network.graph
    sizes = [leaf.steps[0].call.arguments[0] for leaf in graph.leaves() if leaf.kind == "embed"]
    inputs = {}
    for name, value in graph.inputs.items():
        if value.dtype == "int32":
            shape = (BATCH, *value.shape)
            drawn: Any = random.integers(bool(value.padded), min(sizes, default=2), shape).astype(np.int32)
        else:
            drawn = random.normal(size=(BATCH, *value.shape)).astype(np.float32)
        if value.padded:
            drawn[0, -2:] = 0 if value.dtype == "int32" else np.nan
        inputs[name] = drawn
    phases = () if found.program is None else found.program.phases
    terms = [term for phase in phases for term in phase.objective.terms]
    targets = {}
    for name in dict.fromkeys(t.aim.target for t in terms if t.aim.of_data):
        target = found.program.facts.targets[name]  # type: ignore[union-attr]
        shape = (BATCH, *target.shape)
        if target.kind == "class":
            drawn = random.integers(-1 if target.padded else 0, len(target.labels), shape).astype(np.int32)
        else:
            drawn = random.normal(size=shape).astype(np.float32)
        targets[name] = drawn
    return inputs, targets


def _named(outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"output": next(iter(outputs.values()))} if len(outputs) == 1 else dict(outputs)


# -- netspec's side ----------------------------------------------------------------------------------------------------


def still(plain: Any) -> Any:
    """Nothing is random; the rest is as in training or evaluation."""

    def modes(call: Any, mode: Mode, key: Any) -> dict[str, Any]:
        flags = {n: v for n, v in plain(call, mode, None).items() if n != "rngs"}
        return flags | ({"deterministic": True} if "deterministic" in flags else {})

    return modes


def evaluated(network: Network, arrays: Any, inputs: Any) -> dict[str, Any]:
    outputs = jax.jit(lambda p, s, x: network.apply(p, s, x).outputs)(*arrays, inputs)
    return {f"evaluated:{n}": v for n, v in _named(outputs).items()}


def weighted(network: Network, arrays: Any, inputs: Any, weights: Any) -> dict[str, Any]:
    def loss(parameters: Any, statistics: Any, inputs: Any, weights: Any) -> Any:
        result = network.apply(parameters, statistics, inputs, mode=Mode(True))
        outputs = _named(result.outputs)
        return sum((outputs[n] * weight).sum() for n, weight in weights.items()), (outputs, result.statistics)

    (_, (outputs, after)), slopes = jax.jit(jax.value_and_grad(loss, has_aux=True))(*arrays, inputs, weights)
    found = {f"trained:{n}": v for n, v in outputs.items()} | {f"gradient:{n}": v for n, v in slopes.items()}
    return found | {f"after:{n}": v for n, v in (arrays[0] | after).items()}


def trained(program: Program, arrays: Any, inputs: Any, targets: Any) -> dict[str, Any]:
    """The steps of all phases, one after the other."""
    found = {}
    for i, phase in enumerate(program.phases):
        arrays, results = in_phase(phase, arrays, inputs, targets)
        found |= {f"{i}:{name}": value for name, value in results.items()}
    return found


def in_phase(phase: Phase, arrays: Any, inputs: Any, targets: Any) -> tuple[Any, dict[str, Any]]:
    """Parameters and statistics after some steps; and all that is looked at."""
    network, objective, update = phase.network, phase.objective, make_update(phase)
    frozen = {n: v for n, v in arrays[0].items() if n in network.graph.frozen}
    moving = {n: v for n, v in arrays[0].items() if n not in network.graph.frozen}
    statistics = arrays[1]

    # Whatever is given has to be an argument: constants are folded, and their bits are others.
    def gradient(moving: Any, frozen: Any, statistics: Any, inputs: Any, targets: Any) -> Any:
        def loss(moving: Any) -> Any:
            every = moving | frozen
            result = network.apply(every, statistics, inputs, mode=Mode(True), also=objective.also)
            return objective.value(every, result, inputs, targets), result.statistics

        return jax.value_and_grad(loss, has_aux=True)(moving)

    @jax.jit
    def step(moving: Any, frozen: Any, statistics: Any, state: Any, inputs: Any, targets: Any) -> Any:
        def at(moving: Any) -> Any:
            return gradient(moving, frozen, statistics, inputs, targets)

        (value, after), slopes = at(moving)
        updates, state = update(at, value, slopes, state, moving)
        return optax.apply_updates(moving, updates), after, state, value

    (value, _), slopes = jax.jit(gradient)(moving, frozen, statistics, inputs, targets)
    state = phase.updater.transformation.init(moving)
    for _ in range(STEPS):
        moving, statistics, state, last = step(moving, frozen, statistics, state, inputs, targets)
    after = {f"after:{n}": v for n, v in (moving | frozen | statistics).items()}
    results = {"loss": value, "last": last} | {f"gradient:{n}": v for n, v in slopes.items()} | after
    return (moving | frozen, statistics), results


def begun(program: Program, arrays: Any, folder: Path) -> Any:
    """The arrays, some of them as those begin that `[start]` names."""
    given = dict(np.load(folder / "start.npz"))
    taken = matched(program.spec, program.network.graph, given, "start.npz").arrays
    assert taken
    return tuple({n: jnp.asarray(taken.get(n, v)) for n, v in part.items()} for part in arrays)


def shapes(graph: Graph) -> dict[str, Any]:
    arrays = graph.parameters | graph.statistics
    found = {f"shape:{name}": array.shape for name, array in arrays.items()}
    return found | {f"result:{n}": tuple(shape) for n, shape in _named(graph.output_shapes).items()}


def run(folder: Path) -> None:
    job = json.loads((folder / "job.json").read_text("utf-8"))
    given = {name: jnp.asarray(value) for name, value in np.load(folder / "given.npz").items()}
    case = Case(**{**job["case"], "settings": tuple(job["case"]["settings"])})
    found = compiled(case)
    graph = found.network.graph
    results = shapes(graph)
    if case.compare == "shapes":
        np.savez(folder / "own.npz", **{name: np.asarray(value) for name, value in results.items()})
        return
    arrays = {n: given[n] for n in graph.parameters}, {n: given[n] for n in graph.statistics}
    inputs = {n: given[f"input:{n}"] for n in job["inputs"]}
    if job["evaluated"]:
        results |= evaluated(found.network, arrays, inputs)
    if job["trained"]:
        assert found.program is not None
        arrays = begun(found.program, arrays, folder) if job["begins"] else arrays
        results |= trained(found.program, arrays, inputs, {n: given[f"target:{n}"] for n in job["targets"]})
    if job["weighted"]:
        weights = {n: given[f"weight:{n}"] for n in job["outputs"]}
        results |= weighted(found.network, arrays, inputs, weights)
    np.savez(folder / "own.npz", **{name: np.asarray(value) for name, value in results.items()})


if __name__ == "__main__":
    calls._modes = still(calls._modes)
    for argument in sys.argv[1:]:
        run(Path(argument))
