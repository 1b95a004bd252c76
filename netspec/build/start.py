"""Which of some weights a network begins with: names mapped, shapes held against each other. Reads no file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from netspec.diagnostics import Diagnostic, Place, SpecError
from netspec.graph.graph import Graph, Node, matches
from netspec.spec.call import Shape
from netspec.spec.layers.load import LoadedLayers
from netspec.spec.sections import Spec
from netspec.spec.start import Start

__all__ = ["Started", "check_start", "expected", "loads", "matched", "of_load", "renamed"]

MOST_TOLD = 100
"""Misfits that are told one by one."""


@dataclass(frozen=True, slots=True)
class Started:
    """What a network begins with in place of its own initial values.

    Args:
        arrays: parameters and statistics by path, of the network's own shapes and types.
        remark: what was taken and what was left, in a sentence.
    """

    arrays: Mapping[str, np.ndarray[Any, Any]]
    remark: str


def loads(graph: Graph) -> tuple[Node, ...]:
    """The blocks that are layers of earlier runs, those within one another left out."""
    found: list[Node] = []
    for node in graph.every():
        inside = any(node.path.startswith(f"{around.path}/") for around in found)
        if isinstance(node.layer, LoadedLayers) and not node.shared and not inside:
            found.append(node)
    return tuple(found)


def of_load(node: Node, graph: Graph, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Started:
    """What a block of an earlier run's layers begins with.

    Args:
        arrays: parameters and statistics of that run, by path.

    Raises:
        SpecError: the run has changed, and has others.
    """
    prefix, source = f"{node.owner}/", getattr(node.layer, "load", "")
    wanted = {p.removeprefix(prefix): own for p, own in _every(graph).items() if p.startswith(prefix)}
    misfits = [said for path, own in wanted.items() if (said := _misfit(path, own, arrays.get(path)))]
    if misfits:
        message = f"{node.path} cannot begin with {source}, which is another one than it was"
        raise SpecError(Diagnostic("start", message, node.place, note="; ".join(misfits[:MOST_TOLD])))
    taken = {prefix + path: np.asarray(arrays[path], own.dtype) for path, own in wanted.items()}
    learned = sum(prefix + path in graph.parameters for path in wanted)
    return Started(taken, f"{node.path} begins with {_parameters(learned)} of {source}")


def check_start(spec: Spec, graph: Graph) -> None:
    """See that `[start]` asks for parameters that the network has.

    Raises:
        SpecError: a pattern matches none.
    """
    if spec.start is not None:
        _wanted(spec, spec.start, graph)


def expected(spec: Spec, graph: Graph) -> tuple[str, ...]:
    """The paths of the parameters and statistics that `[start]` has a network begin with."""
    return () if spec.start is None else tuple(_wanted(spec, spec.start, graph))


def matched(spec: Spec, graph: Graph, arrays: Mapping[str, np.ndarray[Any, Any]], source: str) -> Started:
    """What of some weights the network begins with, as `[start]` says.

    Args:
        arrays: parameters and statistics, by their own names.
        source: where they are from, for messages.

    Raises:
        SpecError: a pattern matches nothing, or something that is wanted is not there, or of another shape.
    """
    start = spec.start
    assert start is not None
    wanted = _wanted(spec, start, graph)
    by_path = _by_path(spec, start, arrays, wanted)
    misfits = [said for path, own in wanted.items() if (said := _misfit(path, own, by_path.get(path)))]
    if misfits:
        raise SpecError(_not_fitting(_place(spec, start), misfits, wanted, by_path, source))
    taken = {path: np.asarray(by_path[path], own.dtype) for path, own in wanted.items()}
    return Started(taken, _remark(graph, wanted, by_path, source))


def _place(spec: Spec, start: Start) -> Place:
    return spec.document.value_place(spec.at("start", "run" if start.run is not None else "weights"))


def _wanted(spec: Spec, start: Start, graph: Graph) -> dict[str, Any]:
    """The parameters and statistics that are to be found, with their shapes."""
    every = _every(graph)
    if start.only is None:
        return {path: own for path, own in every.items() if not path.startswith(_begun(graph))}
    for i, pattern in enumerate(start.only):
        if not any(matches(pattern, path) for path in every):
            at = spec.at("start", "only")
            place = spec.document.value_place((*at, i) if (*at, i) in spec.document.places else at)
            message = f"'{pattern}' matches no parameter of the network"
            raise SpecError(Diagnostic("unmatched", message, place, note=f"there are: {_some(every)}"))
    return {path: own for path, own in every.items() if any(matches(pattern, path) for pattern in start.only)}


def _begun(graph: Graph) -> tuple[str, ...]:
    """What the paths of parameters begin with that earlier runs' layers bring along."""
    return tuple(f"{node.owner}/" for node in loads(graph))


def _every(graph: Graph) -> dict[str, Any]:
    """The shape of every parameter and statistic, by path."""
    return {**graph.parameters, **graph.statistics}


def _by_path(spec: Spec, start: Start, arrays: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays under the paths that they are to have in the network."""
    rules = start.rename or {}
    found: dict[str, Any] = {}
    names: dict[str, str] = {}
    used: set[str] = set()
    at = spec.at("start", "rename")
    for name, array in arrays.items():
        rule, path = renamed(name, rules)
        used.add(rule)
        if path in names and path in wanted:
            message = f"'{names[path]}' and '{name}' would both be '{path}'"
            place = spec.document.key_place((*at, rule) if rule else at)
            raise SpecError(Diagnostic("duplicate-name", message, place))
        names[path], found[path] = name, array
    for rule in rules:
        if rule not in used:
            place, note = spec.document.key_place((*at, rule)), f"there are: {_some(arrays)}"
            message = f"'{rule}' matches no name of the weights" + _before(rule, rules, arrays)
            raise SpecError(Diagnostic("unmatched", message, place, note=note))
    return found


def _before(rule: str, rules: Mapping[str, str], arrays: Iterable[str]) -> str:
    """Why a pattern is never used although a name fits it."""
    shadowed = any(renamed(name, {rule: rules[rule]})[0] for name in arrays)
    return " that an earlier pattern has not taken" if shadowed else ""


def _misfit(path: str, own: Any, given: Any) -> str:
    """What is wrong with an array that is to begin a parameter; empty where nothing is."""
    shape = Shape(own.shape)
    if given is None:
        return f"{path} {shape} is not there"
    if tuple(given.shape) != tuple(own.shape):
        return f"{path} is {shape} here and {Shape(given.shape)} there"
    if not _castable(given.dtype, own.dtype):
        return f"{path} is {own.dtype} here and {given.dtype} there"
    if jnp.issubdtype(given.dtype, jnp.floating) and not np.isfinite(np.asarray(given, np.float64)).all():
        return f"{path} holds numbers there that are not finite"
    return ""


def _castable(given: Any, own: Any) -> bool:
    return given == own or bool(jnp.issubdtype(given, jnp.floating) and jnp.issubdtype(own, jnp.floating))


def _not_fitting(
    place: Place, misfits: Sequence[str], wanted: Mapping[str, Any], by_path: Mapping[str, Any], source: str
) -> Diagnostic:
    more = [f"and {len(misfits) - MOST_TOLD:,} more"] if len(misfits) > MOST_TOLD else []
    unused = [path for path in by_path if path not in wanted]
    has = f"; unused there: {_some(unused)}" if unused else ""
    message = f"{len(misfits):,} of {_parameters(len(wanted))} cannot begin with {source}"
    note = "; ".join([*misfits[:MOST_TOLD], *more]) + has
    help_ = 'only = "…" takes some of them, and rename = { "theirs" = "own" } maps their names'
    return Diagnostic("start", message, place, note=note, help=help_)


def _remark(graph: Graph, wanted: Mapping[str, Any], by_path: Mapping[str, Any], source: str) -> str:
    own = graph.parameters
    taken = [path for path in own if path in wanted]
    statistics = len(wanted) - len(taken)
    left = [path for path in own if path not in wanted and not path.startswith(_begun(graph))]
    unused = [path for path in by_path if path not in wanted]
    kept = f" and {statistics:,} running statistics" if statistics else ""
    said = [f"started {len(taken):,} of {_parameters(len(own))}{kept} from {source}"]
    said += [f"as without: {_some(left)}"] if left else []
    said += [f"not used of it: {_some(unused)}"] if unused else []
    return "; ".join(said)


def _parameters(count: int) -> str:
    return f"{count:,} parameter{'s' * (count != 1)}"


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:8]) + (f", … ({len(listed):,})" if len(listed) > 8 else "")


# -- names -------------------------------------------------------------------------------------------------------------


def renamed(name: str, rules: Mapping[str, str]) -> tuple[str, str]:
    """The pattern that fits a name first, and what the name becomes by it; "" and the name itself where none does.

    >>> renamed("net/block1/conv/kernel", {"net/**/conv/*": "**/conv1/*"})
    ('net/**/conv/*', 'block1/conv1/kernel')
    """
    for pattern, becomes in rules.items():
        held = _held(pattern.split("/"), name.split("/"))
        if held is not None:
            return pattern, _filled(becomes, held)
    return "", name


def _held(pattern: Sequence[str], parts: Sequence[str]) -> list[str] | None:
    """What each star of a pattern stands for, in turn; None where the pattern does not fit.

    A `**` that stands for nothing holds "".
    """
    # fits[i][j]: whether the pattern from its part i on fits what there is from part j on; worked out from the ends.
    fits = [[False] * (len(parts) + 1) for _ in range(len(pattern) + 1)]
    fits[-1][-1] = True
    for i in range(len(pattern) - 1, -1, -1):
        for j in range(len(parts), -1, -1):
            if pattern[i] == "**":
                fits[i][j] = fits[i + 1][j] or (j < len(parts) and fits[i][j + 1])
            else:
                fits[i][j] = j < len(parts) and fits[i + 1][j + 1] and matches(pattern[i], parts[j])
    if not fits[0][0]:
        return None
    held: list[str] = []
    j = 0
    for i, part in enumerate(pattern):
        first = j
        if part == "**":
            j = next(k for k in range(j, len(parts) + 1) if fits[i + 1][k])
            held.append("/".join(parts[first:j]))
        else:
            held += _held_in(part, parts[j])
            j += 1
    return held


def _held_in(pattern: str, word: str) -> list[str]:
    """What each `*` of a part stands for, of a word that it fits."""
    pieces = pattern.split("*")
    end = len(word) - len(pieces[-1])
    at, held = len(pieces[0]), []
    for piece in pieces[1:-1]:
        found = word.index(piece, at, end)
        held.append(word[at:found])
        at = found + len(piece)
    return [*held, word[at:end]] if len(pieces) > 1 else []


def _filled(becomes: str, held: Sequence[str]) -> str:
    """A pattern with its stars replaced."""
    stars = iter(held)
    parts: list[str] = []
    for part in becomes.split("/"):
        if part == "**":
            parts += filter(None, [next(stars)])
        else:
            first, *rest = part.split("*")
            parts.append(first + "".join(next(stars) + piece for piece in rest))
    return "/".join(parts)
