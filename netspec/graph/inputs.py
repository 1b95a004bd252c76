"""What a model reads: its inputs by name, from the spec and from the data."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from netspec.diagnostics import Diagnostic, SpecError, nearest
from netspec.document import Path
from netspec.graph.facts import NOTHING, Facts
from netspec.graph.fill import fill
from netspec.graph.graph import Value
from netspec.spec.blocks import UserBlock
from netspec.spec.call import Shape
from netspec.spec.layer import Layer
from netspec.spec.sections import Model, Spec

__all__ = ["MOST_NUMBERS", "inputs_of"]

MOST_NUMBERS = 10**13
"""Parameters of a network, or numbers of one input or activation, at the most."""


def inputs_of(spec: Spec, model: Model, at: Path, facts: Facts | None) -> dict[str, Value]:
    """The inputs of a model, by name.

    Raises:
        SpecError: the spec says none and there is no data, or both speak of different ones.
    """
    document = spec.document
    names = {**spec.let, **(facts.constants if facts else {})}
    section = "[model]" if at == ("model",) else f"[models.{at[-1]}]"
    filled = fill(model, names, at, section, document, ())
    facts = NOTHING if model.point is not None else facts
    written = {n: Shape(s) for n, s in (filled.inputs or {}).items()}
    if model.input is not None:
        assert filled.input is not None
        written = {_only(facts): Shape(filled.input)}
    # What one of several models says that it reads may be another's result, or drawn: the data is not asked.
    told = {} if facts is None or (written and at != ("model",)) else facts.inputs
    known = {n: Value(i.shape, i.dtype, i.padded, i.vocabulary) for n, i in told.items()}
    if not written and not known:
        place = document.key_place(at)
        message = f"{section} needs 'input', since no [data] tells it"
        raise SpecError(Diagnostic("missing-key", message, place, help="input = [28, 28, 1]"))
    for name, shape in written.items():
        _check(name, shape, known, spec, (*at, *(("input",) if model.input else ("inputs", name))))
    if not written:
        return known
    return {n: known[n] if n in known else Value(s, _type(n, len(written), model.layers)) for n, s in written.items()}


def _only(facts: Facts | None) -> str:
    """The name of what `input` says."""
    return next(iter(facts.inputs)) if facts is not None and len(facts.inputs) == 1 else "input"


def _check(name: str, shape: Shape, known: Mapping[str, Value], spec: Spec, at: Path) -> None:
    place = spec.document.value_place(at)
    if prod(shape) > MOST_NUMBERS:
        raise SpecError(Diagnostic("too-large", f"an input would hold {prod(shape):,} numbers", place))
    if known and name not in known:
        guess = nearest(name, known)
        label = f"did you mean '{guess}'?" if guess else ""
        message = f"the data has no input '{name}'"
        raise SpecError(Diagnostic("unknown-name", message, place, label=label, note=f"it has: {', '.join(known)}"))
    if known and known[name].shape != shape:
        message = f"the spec says that an input is {shape}, and the data gives {known[name].shape}"
        raise SpecError(Diagnostic("shape", message, place, help="leave it out: it follows the data"))


def _type(name: str, inputs: int, layers: tuple[Layer, ...]) -> str:
    """The type of an input's numbers, where no data tells: what the layer that reads it asks for."""
    reader: Layer | None = next((layer for layer in layers if name in layer.reads()), None)
    if reader is None and inputs == 1:
        reader = layers[0]
    seen: set[str] = set()
    while reader is not None and isinstance(reader, UserBlock) and reader.layers and reader.kind not in seen:
        seen.add(reader.kind)
        reader = reader.layers[0]
    return reader.consumes if reader is not None else "float32"
