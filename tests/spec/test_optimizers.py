"""Optimizers as they are read off Optax's source are those that run, and every one of Optax can be said."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import optax
import pytest
from optax import contrib, experimental, transforms
from pydantic import TypeAdapter, ValidationError

from netspec.nn import optimizers as own
from netspec.spec.optimizers import (
    OPEN,
    Chain,
    Transformation,
    optimizer_kind,
    optimizer_names,
    signature,
    transformation_kind,
)
from netspec.spec.optimizers.arguments import form, type_of
from netspec.spec.optimizers.ranges import range_of
from netspec.spec.optimizers.signatures import Unwritten, names_of_transformations

GROUPS = "[[optimizer.group]] parts parameters by patterns"
CHAIN = "`chain` puts parts in turn"
FUNCTION = "it takes a function, and a spec is data"
INNER = "of the inside of Optax: it changes nothing"

UNREACHED: Mapping[str, str] = {
    "MultiSteps": "`accumulate` of [train] does it",
    "chain": CHAIN,
    "conditionally_mask": FUNCTION,
    "conditionally_transform": FUNCTION,
    "freeze": GROUPS,
    "inject_hyperparams": "any number may change over time",
    "inject_stateful_hyperparams": "any number may change over time",
    "masked": GROUPS,
    "measure_with_ema": FUNCTION,
    "monitor": FUNCTION,
    "multi_transform": GROUPS,
    "named_chain": CHAIN,
    "optimistic_adam": "Optax is about to take it away",
    "partition": GROUPS,
    "scale_by_muon": "it has to be told the axes of each array, and muon tells it",
    "selective_transform": GROUPS,
    "snapshot": FUNCTION,
    "stateless": FUNCTION,
    "stateless_with_tree_map": FUNCTION,
    "with_extra_args_support": INNER,
}
"""What makes a gradient transformation in Optax and has no name in a spec, and why."""


def makes_a_transformation(found: Any) -> bool:
    """Whether something of Optax gives a gradient transformation, as far as its signature or its source tell."""
    function = getattr(found, "func", found)
    if isinstance(found, type):
        return hasattr(found, "gradient_transformation")
    if not inspect.isfunction(function):
        return False
    said = inspect.signature(function).return_annotation
    if said is not inspect.Signature.empty:
        return "GradientTransformation" in str(said)
    last = inspect.getsource(function).rpartition("return ")[2]
    return "GradientTransformation" in last or ".chain(" in last


def test_every_transformation_of_optax_can_be_said_or_is_listed_with_the_reason() -> None:
    everything = {**vars(optax), **vars(contrib), **vars(transforms), **vars(experimental)}
    public = {name: value for name, value in everything.items() if not name.startswith("_")}
    found = {name for name, value in public.items() if makes_a_transformation(value)}
    assert len(found) > 120
    reached = {name for names, _ in OPEN.values() for name in names()}
    assert found - reached == set(UNREACHED)


def live(name: str) -> Any:
    """What runs under that name."""
    return getattr(own, name, None) or getattr(contrib, name, None) or getattr(optax, name)


PLAIN = int | float | str | tuple | None
"""Defaults that a source writes as they are."""


@pytest.mark.parametrize("name", names_of_transformations())
def test_signatures_are_those_at_run_time(name: str) -> None:
    read = signature(name)
    assert read is not None
    parameters = inspect.signature(live(name)).parameters
    partial = getattr(live(name), "keywords", {})
    assert [a.name for a in read.arguments] == [n for n in parameters if n not in partial]
    for argument in read.arguments:
        default = parameters[argument.name].default
        if form(argument) in ("number", "whole") and isinstance(default, int | float):
            assert default in range_of(argument, form(argument) == "whole")
        if default is inspect.Parameter.empty:
            assert argument.default is ...
        elif isinstance(default, optax.GradientTransformation) or not isinstance(default, PLAIN):
            assert isinstance(argument.default, Unwritten)
        else:
            assert argument.default == default


ARGUMENTS = {
    ("adam", "learning_rate"): "number",
    ("adam", "nesterov"): "switch",
    ("adam", "mu_dtype"): "dtype",
    ("adamw", "mask"): "patterns",
    ("adopt", "clip_value_fn"): None,
    ("dpsgd", "seed"): "key",
    ("galore", "rank"): "whole",
    ("galore", "weight_dimension_numbers"): None,
    ("lbfgs", "linesearch"): "transformation",
    ("lookahead", "sync_period"): "whole",
    ("lookahead", "slow_step_size"): "number",
    ("muon", "preconditioning"): "word",
    ("prodigy", "betas"): "numbers",
    ("scale_by_schedule", "step_size_fn"): "course",
    ("sophia", "verbose"): None,
}


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_arguments_are_told_by_their_signatures(name: str, argument: str) -> None:
    found = signature(name)
    assert found is not None
    assert form(found.argument(argument)) == ARGUMENTS[name, argument]


RANGES: Mapping[tuple[str, str], tuple[list[float], list[float]]] = {
    ("sgd", "momentum"): ([-0.5, 0, 0.9, 1], [-1.1, 5]),
    ("adam", "b1"): ([0, 0.9], [-0.1, 1, 1.5]),
    ("adam", "b2"): ([0.999], [1]),
    ("scale_by_sm3", "b2"): ([0.999, 1], [1.1]),
    ("adam", "eps"): ([0, 1e-8], [-1e-8]),
    ("adamw", "weight_decay"): ([0, 5], [-1e-4]),
    ("rmsprop", "decay"): ([0.9], [-0.1, 1.5]),
    ("rprop", "eta_minus"): ([0.5], [0, 1]),
    ("clip_by_global_norm", "max_norm"): ([0.1, 100], [0, -1]),
    ("lbfgs", "memory_size"): ([1, 30], [0, -1]),
    ("polyak_sgd", "f_min"): ([-10, 0, 10], []),
}
"""By function and argument: numbers that may be said, and ones that may not."""


@pytest.mark.parametrize(("name", "argument"), RANGES)
def test_numbers_that_are_surely_wrong_are_refused(name: str, argument: str) -> None:
    found = signature(name)
    assert found is not None
    field: Any = TypeAdapter(type_of(found.argument(argument), Transformation))
    right, wrong = RANGES[name, argument]
    assert [field.validate_python(value) for value in right] == right
    for value in wrong:
        with pytest.raises(ValidationError):
            field.validate_python(value)


def test_whole_optimizers_are_parts_of_chains_too() -> None:
    assert all(transformation_kind(name) is not None for name in optimizer_names())
    assert Chain.kind not in optimizer_names()


def test_parts_of_optimizers_are_no_whole_ones() -> None:
    parts = set(OPEN[Transformation][0]()) - set(optimizer_names())
    assert {"clip", "scale_by_adam", "trace"} <= parts
    assert [name for name in (*parts, "nonesuch") if optimizer_kind(name) is not None] == []


def test_one_optimizer_is_found_without_reading_all_of_optax() -> None:
    code = (
        "import sys; from netspec.spec.optimizers import optimizer_kind, signatures\n"
        "optimizer_kind('adam'); sys.exit(signatures._tree.cache_info().currsize > 8)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_reading_signatures_imports_neither_optax_nor_jax() -> None:
    code = (
        "import sys; from netspec.spec.optimizers import OPEN; from netspec.spec.families import members\n"
        "[members(family) for family in OPEN]; sys.exit('jax' in sys.modules or 'optax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
