"""What an example of each class counts in a loss: `class_weights` and `ignore`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from netspec.diagnostics import Diagnostic, Place, SpecError, nearest
from netspec.document import Path
from netspec.graph.facts import TargetFacts
from netspec.spec.losses import OfClasses, Weighed
from netspec.spec.sections import Spec

__all__ = ["weights_by_class"]


def weights_by_class(loss: OfClasses, target: TargetFacts, spec: Spec, at: Path) -> tuple[float, ...]:
    """A number for each class, 0 for those that are ignored; none where all count the same.

    Raises:
        SpecError: a label is unknown, there are too few or too many numbers, or no class is left.
    """
    ignored = _ignored(loss, target, spec, at)
    given = loss.class_weights if isinstance(loss, Weighed) else None
    if not ignored and given is None:
        return ()
    if len(ignored) == len(target.labels):
        place = spec.document.value_place((*at, "ignore"))
        raise SpecError(Diagnostic("value", f"{loss.kind} ignores every class, and none is left", place))
    return tuple(0.0 if i in ignored else w for i, w in enumerate(_given(given, ignored, target, spec, at)))


def _ignored(loss: OfClasses, target: TargetFacts, spec: Spec, at: Path) -> frozenset[int]:
    found = set()
    for j, label in enumerate(loss.ignore or ()):
        listed = (*at, "ignore", j)
        place = spec.document.value_place(listed if listed in spec.document.places else listed[:-1])
        if isinstance(label, str):
            found.add(_index(label, target, place))
        elif label < len(target.labels):
            found.add(label)
        else:
            message = f"there is no class {label}: they are numbered from 0 to {len(target.labels) - 1}"
            raise SpecError(Diagnostic("unknown-name", message, place))
    return frozenset(found)


def _index(label: str, target: TargetFacts, place: Place) -> int:
    if label not in target.labels:
        _unknown(label, target, place)
    return target.labels.index(label)


def _unknown(label: str, target: TargetFacts, place: Place) -> NoReturn:
    guess = nearest(label, target.labels)
    help_ = f"did you mean '{guess}'?" if guess else ""
    shown = target.labels[:10]
    note = f"there are: {', '.join(shown)}{', …' if len(target.labels) > len(shown) else ''}"
    raise SpecError(Diagnostic("unknown-name", f"no class is called '{label}'", place, label=help_, note=note))


def _given(
    given: str | tuple[float, ...] | Mapping[str, float] | None,
    ignored: frozenset[int],
    target: TargetFacts,
    spec: Spec,
    at: Path,
) -> tuple[float, ...]:
    place = spec.document.value_place((*at, "class_weights"))
    if given is None:
        return (1.0,) * len(target.labels)
    if isinstance(given, str):
        return _balanced(target, ignored)
    if isinstance(given, Mapping):
        for label in given:
            if label not in target.labels:
                _unknown(label, target, spec.document.key_place((*at, "class_weights", label)))
        return tuple(given.get(label, 1.0) for label in target.labels)
    if len(given) != len(target.labels):
        numbers = f"{len(given)} number{'s' * (len(given) != 1)}"
        message = f"'class_weights' has {numbers}, and there are {len(target.labels)} classes"
        raise SpecError(Diagnostic("value", message, place, note=f"in order: {', '.join(target.labels[:10])}"))
    return given


def _balanced(target: TargetFacts, ignored: frozenset[int]) -> tuple[float, ...]:
    """N / (classes n_c), of the classes that count and have examples; 1 for others, and before examples were read."""
    counts = {i: n for i, n in enumerate(target.counts) if n and i not in ignored}
    examples = sum(counts.values())
    return tuple(examples / (len(counts) * counts[i]) if i in counts else 1.0 for i in range(len(target.labels)))
