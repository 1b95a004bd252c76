"""What netspec's own functions give for a spec, to be held against what its emitted source gives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from netspec.build import Network, Program
from netspec.commands.specs import Opened, facts_of, load, program_of
from netspec.diagnostics import NetspecError
from netspec.emit import Emitted, emit
from netspec.graph import calls
from netspec.graph.calls import Mode
from netspec.graph.fill import fill_sections, needs_facts
from netspec.graph.resolve import resolve

STEPS = 3
BATCH = 4


@dataclass(frozen=True)
class Compiled:
    network: Network
    program: Program | None
    emitted: Emitted


def compiled(path: Path, settings: Sequence[str] = ()) -> Compiled:
    opened: Opened = load(path, settings)
    try:
        facts = facts_of(opened)
    except NetspecError:
        if needs_facts(opened.spec):
            raise
        facts = None
    spec = fill_sections(opened.spec, facts)
    trainable = facts is not None and spec.losses and spec.optimizer and spec.train
    program = program_of(opened.spec, facts) if trainable else None
    graph = resolve(spec, facts) if program is None else program.network.graph
    return Compiled(Network(graph), program, emit(opened.spec if program is None else program.spec, graph, program))


def given(found: Compiled) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Parameters and statistics, none of them a plain number everywhere; inputs and targets of a batch."""
    random = np.random.default_rng(0)
    graph = found.network.graph
    parameters, statistics = found.network.initialise(jax.random.key(0))
    for arrays in (parameters, statistics):
        for name, value in arrays.items():
            noise = 0.1 * random.normal(size=value.shape)
            arrays[name] = jnp.asarray(np.asarray(value) + (abs(noise) if name in statistics else noise), value.dtype)
    inputs = {}
    for name, value in graph.inputs.items():
        shape = (BATCH, *value.shape)
        if value.dtype == "int32":
            drawn = random.integers(1 if value.padded else 0, _lookup(graph, name), size=shape).astype(np.int32)
            padding: Any = 0
        else:
            drawn, padding = random.normal(size=shape).astype(np.float32), np.nan
        if value.padded:
            drawn[0, -2:] = padding
        inputs[name] = jnp.asarray(drawn)
    return parameters, statistics, inputs, _targets(found, random)


def _lookup(graph: Any, name: str) -> int:
    sizes = [leaf.steps[0].call.arguments[0] for leaf in graph.leaves() if leaf.kind == "embed"]
    return min(sizes, default=2)


def _targets(found: Compiled, random: Any) -> dict[str, Any]:
    if found.program is None:
        return {}
    read = dict.fromkeys(t.aim.target for t in found.program.objective.terms if not t.aim.of_input)
    targets = {}
    for name in read:
        target = found.program.facts.targets[name]
        shape = (BATCH, *target.shape)
        if target.kind == "class":
            drawn: Any = random.integers(0, len(target.labels), size=shape).astype(np.int32)
            if target.padded:
                drawn[0, -2:] = -1
        else:
            drawn = random.normal(size=shape).astype(np.float32)
        targets[name] = jnp.asarray(drawn)
    return targets


def write_job(folder: Path, found: Compiled, values: Any, *, deep: bool) -> None:
    """What a stranger needs to do the same."""
    parameters, statistics, inputs, targets = values
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(found.emitted.source, encoding="utf-8")
    job = {
        "network": found.emitted.networks[""],
        "paths": found.emitted.paths,
        "inputs": list(inputs),
        "targets": list(targets),
        "deep": deep,
    }
    (folder / "job.json").write_text(json.dumps(job))
    arrays = {**parameters, **statistics}
    arrays |= {f"input:{n}": v for n, v in inputs.items()} | {f"target:{n}": v for n, v in targets.items()}
    np.savez(folder / "given.npz", **{name: np.asarray(value) for name, value in arrays.items()})


def expected(found: Compiled, values: Any, patch: pytest.MonkeyPatch, *, deep: bool) -> dict[str, Any]:
    """What the stranger should find."""
    parameters, statistics, inputs, _ = values
    network, made = found.network, {}
    plain = calls._modes

    def still(call: Any, mode: Mode, key: Any) -> dict[str, Any]:
        flags = plain(call, replace(mode), None)
        return {n: True if n == "deterministic" else v for n, v in flags.items() if n != "rngs"}

    patch.setattr(calls, "_modes", still)

    def forward(training: bool) -> Any:
        return jax.jit(lambda p, s, x: network.apply(p, s, x, mode=Mode(training))[:2])(parameters, statistics, inputs)

    made |= {f"evaluated:{n}": v for n, v in _named(forward(False)[0]).items()}
    if deep:
        outputs, after = forward(True)
        made |= {f"trained:{n}": v for n, v in _named(outputs).items()}
        made |= {f"after:{n}": v for n, v in (parameters | after).items()}
    if deep and found.program is not None:
        made |= _trained(found.program, values)
    return {name: np.asarray(value) for name, value in made.items()}


def _named(outputs: dict[str, Any]) -> dict[str, Any]:
    return {"output": next(iter(outputs.values()))} if len(outputs) == 1 else outputs


def _trained(program: Program, values: Any) -> dict[str, Any]:
    parameters, statistics, inputs, targets = values
    network, objective, transformation = program.network, program.objective, program.updater.transformation
    frozen = {n: v for n, v in parameters.items() if n in network.graph.frozen}
    moving = {n: v for n, v in parameters.items() if n not in network.graph.frozen}

    # Whatever is given has to be an argument: constants are folded, and their bits are others.
    def gradient(moving: Any, frozen: Any, statistics: Any, inputs: Any, targets: Any) -> Any:
        def loss(moving: Any) -> Any:
            every = moving | frozen
            result = network.apply(every, statistics, inputs, mode=Mode(True), also=objective.also)
            return objective.value(every, result, inputs, targets), result.statistics

        return jax.value_and_grad(loss, has_aux=True)(moving)

    (value, _), slopes = jax.jit(gradient)(moving, frozen, statistics, inputs, targets)
    made = {"loss": value} | {f"gradient:{n}": v for n, v in slopes.items()}

    @jax.jit
    def step(moving: Any, frozen: Any, statistics: Any, state: Any, inputs: Any, targets: Any) -> Any:
        (value, statistics), slopes = gradient(moving, frozen, statistics, inputs, targets)
        updates, state = transformation.update(slopes, state, moving)
        return optax.apply_updates(moving, updates), statistics, state, value

    state = transformation.init(moving)
    for _ in range(STEPS):
        moving, statistics, state, value = step(moving, frozen, statistics, state, inputs, targets)
    made["last"] = value
    return made | {f"trained:{n}": v for n, v in (moving | frozen | statistics).items()}
