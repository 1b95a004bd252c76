"""A spec as Flax source: what `compile` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.commands.specs import Opened, looked_at
from netspec.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from netspec.emit import Emitted

__all__ = ["compiled"]


def compiled(spec: Opened | str | Path, settings: Sequence[str] = ()) -> Emitted:
    """The source of a network; and of its training, where the spec says how, and its data can be read.

    Args:
        spec: a spec, its file, or a run's directory.

    Raises:
        NetspecError: a mistake of the spec, data that it needs and that cannot be read, or a part without source.
    """
    from netspec.build import build
    from netspec.emit import emit
    from netspec.graph.fill import fill_sections
    from netspec.graph.resolve import resolve

    read, facts = looked_at(spec, settings)
    if read.is_point:
        place = read.document.key_place(("model", "point"))
        raise SpecError(Diagnostic("compile", "a point is no network, and becomes no source", place))
    trained = read.model is not None and read.losses and read.optimizer is not None and read.train is not None
    if facts is not None and trained:
        program = build(read, facts)
        return emit(program.spec, program.network.graph, program)
    filled = fill_sections(read, facts)
    return emit(filled, resolve(filled, facts))
