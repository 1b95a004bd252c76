"""Layers out of an earlier run: its spec read and resolved, and what is taken of it written down as plain layers.

A run is told by two of its files, `spec.toml` and `resolved.json`. A run that loads another one keeps a copy of those
two, so that it can be read when the other is gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from netspec.diagnostics import Diagnostic, Place, SpecError, nearest
from netspec.document import read
from netspec.graph.facts import Facts
from netspec.graph.fill import fill_sections
from netspec.graph.graph import Graph, Node, Value
from netspec.spec.activations import Identity
from netspec.spec.blocks import UserBlock
from netspec.spec.call import Branches, Mismatch
from netspec.spec.decode import decode
from netspec.spec.layer import Layer
from netspec.spec.layers.load import Load, LoadedLayers
from netspec.spec.layers.structure import Block, Share
from netspec.spec.sections import Spec

__all__ = ["COPIES", "FILES", "Taken", "check_taken", "copy_name", "folder_of", "taken_layers"]

COPIES = "loaded"
"""The folder of a run that holds what it needs of others."""

FILES = ("spec.toml", "resolved.json")

DEEPEST = 8
"""Runs that load one another, at the most."""

LARGEST = 2**26
"""Bytes of what a run says of its data, at the most."""

Resolve = Callable[[Spec, Facts, tuple[Path, ...]], Graph]


@dataclass(frozen=True, slots=True)
class Taken:
    """What is taken of a run.

    Args:
        layer: a block of it.
        graph: the run's own network.
        nodes: those of its nodes that are taken, in turn.
        input: the name of its input; empty where no layer asks for it by name.
    """

    layer: LoadedLayers
    graph: Graph
    nodes: tuple[Node, ...]
    input: str


def taken_layers(
    load: Load, x: Value, place_of: Callable[[str], Place], within: tuple[Path, ...], resolve: Resolve
) -> Taken:
    """The layers that a `load` stands for.

    Args:
        x: what they are to read.
        place_of: gives the place of one of its keys; relative paths start beside that text.
        within: the runs that are being loaded.
        resolve: makes a graph of a spec and what its data told.

    Raises:
        Mismatch: the run reads something else.
        SpecError: there is no such run or no such layer in it, or its spec has mistakes.
    """
    place = place_of("load")
    folder = folder_of(load.load, place)
    if folder is None:
        raise _no_run(load.load, place)
    if (here := folder.resolve()) in within or len(within) >= DEEPEST:
        what = "inside itself" if here in within else f"inside {DEEPEST} others"
        raise SpecError(Diagnostic("recursive-load", f"the run {load.load} is {what}", place, label="without end"))
    spec, facts = _read(folder, load.load, place)
    graph = resolve(fill_sections(spec, facts), facts, (*within, here))
    name, value = _input(graph, load.load, place)
    if (value.shape, value.dtype, value.padded) != (x.shape, x.dtype, x.padded):
        found, there = (f"{v.shape} of {v.dtype}{', padded' * v.padded}" for v in (x, value))
        raise Mismatch(f"reads {found}, and {load.load} was trained on {there}", "load")
    nodes = _kept(graph.nodes[: _end(load, graph, place_of("upto")) + 1])
    asked = any(name in node.sources for node in _every(nodes))
    layers = (*([Identity(name=name)] if asked else []), *_plain(nodes))
    given: dict[str, Any] = {key: getattr(load, key) for key in Layer.model_fields}
    return Taken(LoadedLayers(load=load.load, layers=layers, **given), graph, nodes, name if asked else "")


def _input(graph: Graph, run: str, place: Place) -> tuple[str, Value]:
    if len(graph.inputs) != 1:
        message = f"load takes runs of one input, and {run} has {len(graph.inputs)}"
        raise SpecError(Diagnostic("unsupported", message, place))
    ((name, value),) = graph.inputs.items()
    return name, value


def _end(load: Load, graph: Graph, place: Place) -> int:
    """Which node of a graph is the last one that is taken."""
    names = [node.name for node in graph.nodes]
    if load.upto is None:
        main = next(iter(graph.outputs.values()))
        return next((i for i, node in enumerate(graph.nodes) if node.path == main), len(names) - 1)
    if load.upto not in names:
        guess = nearest(load.upto, names)
        note = f"there are: {', '.join(names[:8])}{', …' if len(names) > 8 else ''}"
        label = f"did you mean '{guess}'?" if guess else ""
        message = f"no layer of {load.load} is called '{load.upto}'"
        raise SpecError(Diagnostic("unknown-name", message, place, label=label, note=note))
    return names.index(load.upto)


# -- files -------------------------------------------------------------------------------------------------------------


def copy_name(written: str) -> str:
    """The name of the folder that a run keeps another one's files in."""
    return quote(written, safe="")


def folder_of(written: str, place: Place, *, copies: bool = True) -> Path | None:
    """The directory of the run that a text names: beside the text, or as on the command line; None if there is none.

    Args:
        copies: whether what a run has kept of the other will do.
    """
    beside = Path(place.source.name).parent
    kept = [beside / COPIES / copy_name(written)] if copies else []
    for folder in (*kept, beside / written, Path(written), Path("runs") / written):
        try:
            if all((folder / name).is_file() for name in FILES):
                return folder
        except (OSError, ValueError):  # what cannot be the name of a file
            continue
    return None


def _no_run(written: str, place: Place) -> SpecError:
    beside = Path(place.source.name).parent
    known: list[str] = []
    for parent in {(beside / written).parent, Path(written).parent, Path("runs")}:
        with suppress(OSError, ValueError):
            known += [one.name for one in parent.iterdir() if (one / FILES[1]).is_file()]
    guess = nearest(Path(written).name, known)
    label = f"did you mean '{Path(written).with_name(guess)}'?" if guess else ""
    note = "looked for beside this file, here, and in runs/"
    return SpecError(Diagnostic("no-run", f"there is no run '{written}'", place, label=label, note=note))


def _read(folder: Path, written: str, place: Place) -> tuple[Spec, Facts]:
    spec = decode(read(folder / FILES[0]))
    if spec.model is None or spec.is_point:
        message = f"load takes runs of one network, and {written} is none"
        raise SpecError(Diagnostic("unsupported", message, place))
    path = folder / FILES[1]
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError("is too large")
        facts = Facts.from_json(json.loads(path.read_bytes())["facts"])
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise SpecError(Diagnostic("run-damaged", f"cannot read {path}: {error!r}", place)) from error
    return spec, facts


# -- what is taken -----------------------------------------------------------------------------------------------------


def _kept(nodes: Sequence[Node], read: set[str] | None = None) -> tuple[Node, ...]:
    """The nodes of a list that its last one needs: heads and side paths that nothing reads are left out.

    Args:
        read: the paths of all that is read by name further on; those that the nodes read are added.
    """
    read = set() if read is None else read
    found: list[Node] = []
    flows = True
    for node in reversed(nodes):
        if node.path not in read and (node.aside or not flows):
            continue
        if not node.aside:
            flows = False
        if not node.sources:
            flows = True
        branches = {name: _kept(listed, read) for name, listed in node.branches.items()}
        read.update(node.sources, [node.owner], *({path.rpartition("/")[0] for path in s.borrowed} for s in node.steps))
        found.append(replace(node, branches=branches))
    return tuple(reversed(found))


def _every(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        for listed in node.branches.values():
            yield from _every(listed)


def _plain(nodes: Sequence[Node]) -> tuple[Layer, ...]:
    """The layers that become the same nodes once more: no expression, no repetition, no block of the run's own."""
    return tuple(_layer(node) for node in nodes)


def _layer(node: Node) -> Layer:
    names = tuple(source.rpartition("/")[2] for source in node.sources)
    plain: dict[str, Any] = {"name": node.name, "times": 1, "output": None, "from_": names or None}
    if node.shared:
        return Share(share=node.owner.rpartition("/")[2]).model_copy(update=plain)
    if isinstance(node.layer, UserBlock):
        return Block(block=_plain(node.branches[""]), freeze=node.layer.freeze).model_copy(update=plain)
    if isinstance(node.layer, LoadedLayers):
        inner = {"layers": _plain(node.branches[""])}
        return node.layer.model_copy(update={**plain, **inner})
    if node.layer.joins:
        plain |= {"from_": None, node.kind: names}
    return node.layer.model_copy(update={**plain, **_lists(node)})


def _lists(node: Node) -> dict[str, Any]:
    """By field, the lists of layers that an item of the language itself holds."""
    if not node.branches:
        return {}
    lowered = node.layer.lower(*(value.shape for value in node.inputs))
    assert isinstance(lowered, Branches)
    found: dict[str, Any] = {}
    for name, branch in lowered.lists.items():
        if not isinstance(branch.layers, tuple):
            continue  # worked out of shapes, which are the same
        field, *number = branch.at
        if number:
            listed = list(found.get(str(field), getattr(node.layer, str(field))))
            listed[int(number[0])] = _plain(node.branches[name])
            found[str(field)] = tuple(listed)
        else:
            found[str(field)] = _plain(node.branches[name])
    return found


def check_taken(node: Node, taken: Taken) -> None:
    """See that the layers became what they were: nodes that read the same, and hold arrays of the same shapes.

    Raises:
        Mismatch: they did not.
    """
    prefix, owner = f"{node.path}/", f"{node.owner}/"
    again = [n for n in _every(node.branches[""]) if not (taken.input and n.path == prefix + taken.input)]
    before = list(_every(taken.nodes))
    if len(again) == len(before) and all(
        new.path == prefix + old.path
        and new.owner == owner + old.owner
        and new.sources == tuple(prefix + source for source in old.sources)
        and new.output == old.output
        and _arrays(new) == {owner + path: shape for path, shape in _arrays(old).items()}
        for new, old in zip(again, before, strict=True)
    ):
        return
    raise Mismatch(f"cannot take over the layers of {taken.layer.load}: a name in it stands for several layers", "load")


def _arrays(node: Node) -> dict[str, tuple[int, ...]]:
    both = (*node.arrays("parameters"), *node.arrays("statistics"))
    return {path: tuple(array.shape) for path, array in both}
