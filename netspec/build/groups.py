"""Which parameters an optimizer's patterns mean: those of its groups, and those of masks among its arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from netspec.diagnostics import Diagnostic, SpecError, nearest
from netspec.document import Path
from netspec.graph.graph import covers
from netspec.spec.optimizers import Optimizer
from netspec.spec.sections import Spec

__all__ = ["Patterns", "members_of", "number_in", "path_of"]


def number_in(shapes: Mapping[str, Any]) -> int:
    """How many numbers arrays of these shapes hold."""
    return sum(prod(shape.shape) for shape in shapes.values())


@dataclass(frozen=True, slots=True)
class Patterns:
    """Patterns over the paths of parameters.

    Args:
        shapes: of all parameters, by path.
        unknown: whether nothing is known of them, and no pattern is to blame.
    """

    spec: Spec
    shapes: Mapping[str, Any]
    unknown: bool

    def meant(self, patterns: Sequence[str]) -> tuple[str, ...]:
        """The paths that any of some patterns means.

        Raises:
            SpecError: one means none.
        """
        for pattern in patterns:
            if not self.unknown and not any(covers(pattern, path) for path in self.shapes):
                raise SpecError(self.unmatched(pattern))
        return tuple(path for path in self.shapes if any(covers(pattern, path) for pattern in patterns))

    def unmatched(self, pattern: str) -> Diagnostic:
        known = list(self.shapes)
        guess = nearest(pattern, {part for path in known for part in (path, path.partition("/")[0])})
        label = f"did you mean '{guess}'?" if guess else ""
        note = f"there are: {', '.join(known[:8])}{', …' if len(known) > 8 else ''}"
        place = self.spec.document.value_place(path_of(self.spec, pattern))
        return Diagnostic("unmatched", f"'{pattern}' matches no layer or parameter", place, label=label, note=note)


def path_of(spec: Spec, wanted: Any) -> Path:
    """Where a value stands within `[optimizer]`; the section where it is written in another way."""
    at = spec.at("optimizer")
    value: Any = spec.document.values
    for part in at:
        value = value[part]
    return (*at, *(_within(value, wanted) or ()))


def _within(value: Any, wanted: Any) -> Path | None:
    if value == wanted and type(value) is type(wanted):
        return ()
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        if (found := _within(part, wanted)) is not None:
            return (key, *found)
    return None


def members_of(patterns: Patterns, optimizer: Optimizer) -> tuple[tuple[str, ...], ...]:
    """The paths of the parameters of each group; the first group that means one has it.

    Raises:
        SpecError: a pattern means nothing, or nothing that the groups before left.
    """
    left = list(patterns.shapes)
    found = []
    for i, group in enumerate(optimizer.group):
        meant = set(patterns.meant(group.match))
        members = tuple(path for path in left if path in meant)
        if not members and not patterns.unknown:
            place = patterns.spec.document.value_place((*patterns.spec.at("optimizer"), "group", i, "match"))
            message = "groups before this one have all the parameters that it matches"
            help_ = "of several groups the first counts: put the narrower pattern first"
            raise SpecError(Diagnostic("unmatched", message, place, help=help_))
        left = [path for path in left if path not in meant]
        found.append(members)
    return tuple(found)
