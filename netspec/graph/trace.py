"""What a call does to shapes, and what it costs, worked out by JAX; no shape rule is written twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import jax
import jax.numpy as jnp

from netspec.graph.calls import Arrays, Mode, apply, is_module, module_of
from netspec.spec.call import Call, Mismatch, Shape

__all__ = ["Traced", "trace"]


@dataclass(frozen=True, slots=True)
class Traced:
    """What a call gives for one example.

    Args:
        output: the shape of its result.
        dtype: the type of the result's numbers.
        parameters: the shapes of its parameters, by path within the call's module.
        statistics: likewise, of what it remembers but does not learn.
        multiply_adds: of its matrix products and convolutions.
    """

    output: Shape
    dtype: str
    parameters: Arrays
    statistics: Arrays
    multiply_adds: int


@cache
def trace(call: Call, inputs: tuple[Shape, ...], dtype: str, borrowed: tuple[Shape, ...] = ()) -> Traced:
    """Trace a call on inputs of some shapes; remembered, so that a repeated block is worked out once.

    Args:
        borrowed: the shapes of other layers' parameters, which the call takes after its inputs.

    Raises:
        Mismatch: the call cannot take such inputs.
    """
    parameters, statistics = (module_of(call).parameters, module_of(call).statistics) if is_module(call) else ({}, {})
    examples = [jax.ShapeDtypeStruct((1, *shape), jnp.dtype(dtype)) for shape in inputs]
    examples += [jax.ShapeDtypeStruct(shape, jnp.dtype("float32")) for shape in borrowed]

    def run(parameters: Arrays, statistics: Arrays, *inputs: Any) -> Any:
        # Training changes no shape, and takes longer to trace.
        return apply(call, inputs, parameters, statistics, Mode())[0]

    try:
        jaxpr, result = jax.make_jaxpr(run, return_shape=True)(parameters, statistics, *examples)
    except (TypeError, ValueError, OverflowError) as error:
        raise Mismatch(f"cannot take {', '.join(map(str, inputs))}: {str(error).splitlines()[0]}") from error
    output = Shape(result.shape[1:])
    if 0 in output:
        raise Mismatch(
            f"leaves nothing of {inputs[0]}: its result would be {output}",
            label=f"the window is larger than {inputs[0]}",
            help="a smaller window, less stride before it, or padding",
        )
    return Traced(output, str(result.dtype), parameters, statistics, _multiply_adds(jaxpr.jaxpr))


def _multiply_adds(jaxpr: Any) -> int:
    total = 0
    for equation in jaxpr.eqns:
        out: Any = equation.outvars[0].aval if equation.outvars else None
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            total += prod(out.shape) * prod(equation.invars[0].aval.shape[i] for i in contracted)
        elif equation.primitive.name == "conv_general_dilated":
            kernel = equation.invars[1].aval
            channels = kernel.shape[equation.params["dimension_numbers"].rhs_spec[0]]
            total += prod(out.shape) * prod(kernel.shape) // channels
        else:
            times = equation.params["length"] if equation.primitive.name == "scan" else 1
            total += times * sum(_multiply_adds(inner) for inner in _inner(equation.params))
    return total


def _inner(parameters: dict[str, Any]) -> Iterator[Any]:
    for value in parameters.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            found = getattr(part, "jaxpr", part)
            if hasattr(found, "eqns"):
                yield found
