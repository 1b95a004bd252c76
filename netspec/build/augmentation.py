"""What a spec's augmentations become: one function of a key, inputs and targets, for a training's step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from netspec.diagnostics import Diagnostic, Place, SpecError
from netspec.document import Path
from netspec.graph.calls import Arrays, lookup
from netspec.graph.facts import Facts
from netspec.graph.graph import Graph
from netspec.nn.augmentation import Mixed, sometimes
from netspec.spec.augmentations import Augmentation
from netspec.spec.call import Mismatch, Shape
from netspec.spec.sections import Spec

__all__ = ["Augment", "Weighted", "augmentation_of"]

Weighted = tuple[tuple[Any, Arrays], ...]
"""Targets, and by how much the loss of each set counts; they sum to 1."""

Augment = Callable[[jax.Array, Arrays, Arrays], tuple[Arrays, Weighted]]
"""(key, inputs, targets) by name, [batch, …], to inputs and the targets that they have then."""


@dataclass(frozen=True, slots=True)
class _Change:
    """One augmentation.

    Args:
        function: of a key and images; gives images, or where it mixes a `Mixed`.
    """

    function: Callable[[jax.Array, jax.Array], Any]
    chance: float
    mixes: bool


def augmentation_of(spec: Spec, graph: Graph, facts: Facts) -> Augment | None:
    """What is done to each training batch; None where the spec asks for nothing.

    Inputs that are no images stay as they are. Each image input is changed by a key of its own, but what mixes examples
    mixes all inputs of an example with those of the same other one.

    Raises:
        SpecError: no input is an image, or an augmentation cannot take one.
    """
    if spec.data is None or not spec.data.augment:
        return None
    at = (*spec.at("data"), "augment")
    images = {name: value.shape for name, value in graph.inputs.items() if _is_image(value.shape, value.dtype)}
    if not images:
        raise _no_image(spec, at, graph)
    for i, augmentation in enumerate(spec.data.augment):
        _check(augmentation, images, graph, spec, (*at, i))
    changes = tuple(
        _Change(partial(lookup(call.name), **dict(call.keywords)), augmentation.chance, augmentation.mixes)
        for augmentation in spec.data.augment
        for call in (augmentation.lower(),)
    )
    return partial(_augmented, changes, tuple(images))


def _is_image(shape: Shape, dtype: str) -> bool:
    return len(shape) == 3 and dtype == "float32"


def _no_image(spec: Spec, at: Path, graph: Graph) -> SpecError:
    given = ", ".join(str(value.shape) for value in graph.inputs.values())
    message = f"augmentations are for images, [height, width, channels], and the data gives {given}"
    flattened = spec.data is not None and any(t.kind == "flatten" for t in spec.data.transform)
    help_ = 'put "flatten" into the layers instead of transform' if flattened else "leave 'augment' out"
    return SpecError(Diagnostic("shape", message, spec.document.value_place(at), help=help_))


def _check(augmentation: Augmentation, images: Mapping[str, Shape], graph: Graph, spec: Spec, at: Path) -> None:
    """See that an augmentation can take every image, and where it mixes examples, every input."""
    try:
        for shape in images.values():
            augmentation.check(shape)
        if augmentation.mixes:
            _check_mixes(images, graph)
    except Mismatch as error:
        place = _place(spec, at, augmentation.kind, error.key)
        message = f"{augmentation.kind} {error.message}"
        raise SpecError(Diagnostic("shape", message, place, label=error.label, help=error.help)) from None


def _check_mixes(images: Mapping[str, Shape], graph: Graph) -> None:
    other = next((name for name in graph.inputs if name not in images), None)
    if other is not None:
        raise Mismatch(f"mixes whole examples, and cannot mix '{other}', which is no image")
    if len({shape.spatial for shape in images.values()}) > 1:
        raise Mismatch(f"needs images of one height and width, and gets {', '.join(map(str, images.values()))}")


def _place(spec: Spec, at: Path, kind: str, key: str | None) -> Place:
    for word in filter(None, (key, kind)):
        if (*at, word) in spec.document.places:
            return spec.document.value_place((*at, word))
    return spec.document.value_place(at)


def _augmented(
    changes: tuple[_Change, ...], images: tuple[str, ...], key: jax.Array, inputs: Arrays, targets: Arrays
) -> tuple[Arrays, Weighted]:
    weighted: Weighted = ((1.0, targets),)
    for i, change in enumerate(changes):
        own = jax.random.fold_in(key, i)
        if change.mixes:
            inputs, weighted = _mixed(change, own, inputs, weighted)
            continue
        keys = [own] if len(images) == 1 else jax.random.split(own, len(images))
        changed = {name: _changed(change, k, inputs[name]) for name, k in zip(images, keys, strict=True)}
        inputs = {**inputs, **changed}
    return inputs, weighted


def _changed(change: _Change, key: jax.Array, x: Any) -> Any:
    if change.chance == 1.0:
        return change.function(key, x)
    whether, how = jax.random.split(key)
    return sometimes(whether, x, change.function(how, x), change.chance)


def _mixed(change: _Change, key: jax.Array, inputs: Arrays, weighted: Weighted) -> tuple[Arrays, Weighted]:
    """A batch mixed with itself in another order: each set of targets becomes two."""
    whether, how = jax.random.split(key)
    # One key for every input, and their sizes are equal: share and order come out the same for all.
    found: dict[str, Mixed] = {name: change.function(how, x) for name, x in inputs.items()}
    _, share, order = next(iter(found.values()))
    mixed = {name: one.x for name, one in found.items()}
    if change.chance < 1.0:
        happens = jax.random.bernoulli(whether, change.chance)
        mixed = {name: jnp.where(happens, x, inputs[name]) for name, x in mixed.items()}
        share = jnp.where(happens, share, 1.0)
    others = tuple((weight * (1.0 - share), {n: t[order] for n, t in targets.items()}) for weight, targets in weighted)
    return mixed, (*((weight * share, targets) for weight, targets in weighted), *others)
