"""Optimizers as they are read off Optax's source are those that run."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import optax
import pytest
from optax import contrib

from netspec.build.optimizer import build_optimizer
from netspec.document import parse
from netspec.spec.clock import Clock
from netspec.spec.decode import decode
from netspec.spec.optimizers import NEED_MORE, optimizer_kind, optimizer_names, optimizer_signature


def live(name: str) -> Any:
    """What Optax itself has of that name."""
    return getattr(contrib, name, None) or getattr(optax, name)


def makes_an_optimizer(name: str, found: Any) -> bool:
    """Whether what Optax has of that name takes a learning rate, and is neither its own business nor on its way out."""
    function = getattr(found, "func", found)
    if not inspect.isfunction(function) or name.startswith(("_", "scale_by_")):
        return False
    return "learning_rate" in inspect.signature(found).parameters and "DeprecationW" not in inspect.getsource(function)


def test_every_optimizer_of_optax_is_allowed_or_needs_more() -> None:
    everything = {**vars(optax), **vars(contrib)}
    found = {name for name, value in everything.items() if makes_an_optimizer(name, value)}
    assert len(found) > 40
    assert found - {*optimizer_names(), *NEED_MORE} == set()


def test_what_needs_more_is_there_and_refused() -> None:
    for name in NEED_MORE:
        assert callable(live(name))
        assert optimizer_kind(name) is None
    assert not NEED_MORE.keys() & set(optimizer_names())


@pytest.mark.parametrize("name", optimizer_names())
def test_signatures_are_those_at_run_time(name: str) -> None:
    read = optimizer_signature(name)
    assert read is not None
    parameters = inspect.signature(live(name)).parameters
    partial = getattr(live(name), "keywords", {})
    assert [a.name for a in read.arguments] == [n for n in parameters if n not in partial]
    for argument in read.arguments:
        default = parameters[argument.name].default
        if default is inspect.Parameter.empty:
            assert argument.default is ...
        elif isinstance(default, int | float | str | tuple | None):
            assert argument.default == default


@pytest.mark.parametrize("name", optimizer_names())
def test_each_takes_a_step_from_gradients_alone(name: str) -> None:
    kind = optimizer_kind(name)
    assert kind is not None
    rate = "learning_rate = 0.1" if kind.model_fields["learning_rate"].is_required() else ""
    document = parse(f'[model]\ninput = [2]\nlayers = ["relu"]\n[optimizer]\nkind = "{name}"\n{rate}', "a.toml")
    updater = build_optimizer(decode(document), Clock(10, 5))
    parameters = {"kernel": jnp.ones((4, 3)), "bias": jnp.zeros(3)}
    gradients = jax.tree.map(lambda p: jnp.full(p.shape, 0.5), parameters)
    updates, _ = updater.transformation.update(gradients, updater.transformation.init(parameters), parameters)
    assert jax.tree.map(jnp.shape, updates) == jax.tree.map(jnp.shape, parameters)
    assert all(bool(jnp.isfinite(u).all()) for u in jax.tree.leaves(updates))


def test_reading_signatures_imports_neither_optax_nor_jax() -> None:
    code = "import sys; from netspec.spec.optimizers import *; optimizer_names(); sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
