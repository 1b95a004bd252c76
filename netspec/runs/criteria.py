"""What a run has to be, to be among those asked for: by its name, state, tags, metrics and the values of its spec."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

import tomli

from netspec.diagnostics import Diagnostic, NetspecError, RunError, nearest
from netspec.document import parse, read
from netspec.runs.directory import SPEC, State
from netspec.runs.glance import Glance

__all__ = ["STATES", "Criterion", "by_metric", "by_name", "by_states", "by_tag", "by_value", "metric_of", "specs_of"]

STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that a run has to be.

    Args:
        said: what runs that fit do, after "runs that": "are done".
        fits: whether a run does.
    """

    said: str
    fits: Callable[[Glance], bool]


def by_name(pattern: str) -> Criterion:
    """Runs whose name fits a pattern with `*`, `?` and `[…]`."""
    return Criterion(f"are named {pattern!r}", lambda run: fnmatchcase(run.name, pattern))


def by_states(states: Sequence[str]) -> Criterion:
    """Runs in one of some states.

    Raises:
        RunError: there is no such state.
    """
    for state in states:
        if state not in STATES:
            meant = nearest(state, STATES)
            note, help_ = f"the states: {', '.join(STATES)}", f"did you mean {meant!r}?" if meant else ""
            raise RunError(Diagnostic("state", f"no run is ever {state!r}", note=note, help=help_))
    return Criterion(f"are {' or '.join(states)}", lambda run: run.state in states)


def by_tag(tag: str) -> Criterion:
    """Runs that have a tag."""
    return Criterion(f"are tagged {tag!r}", lambda run: tag in run.tags)


# -- metrics -----------------------------------------------------------------------------------------------------------


_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}

_PARTS = ("validation", "test", "train")
"""Where a metric is looked for that is named without its part, after the part that decides."""


def by_metric(text: str, runs: Sequence[Glance]) -> Criterion:
    """Runs that reached something: "accuracy>0.9", "test/loss<=0.1".

    Args:
        text: a metric as "part/metric", or without the part; a sign; a number.
        runs: all that there are: one of them at least was measured by that.

    Raises:
        RunError: it is written otherwise, or no run was measured by that.
    """
    found = re.fullmatch(r"\s*([^\s<>=]+)\s*(>=|<=|>|<)\s*([^\s<>=]+)\s*", text)
    bound = _number(found[3]) if found else None
    if found is None or bound is None:
        message = f"expected a metric, a sign and a number, found {text!r}"
        raise RunError(Diagnostic("metric", message, help="such as 'accuracy>0.9'; signs are >, >=, < and <="))
    name, compares = found[1], _SIGNS[found[2]]
    if runs and all(metric_of(run, name) is None for run in runs):
        raise RunError(_unmeasured(name, runs))

    def fits(run: Glance) -> bool:
        value = metric_of(run, name)
        return value is not None and compares(value, bound)

    return Criterion(f"have {name} {found[2]} {found[3]}", fits)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def metric_of(run: Glance, name: str) -> float | None:
    """What a run reached in a metric: at best where that decides which step was best, else in the end.

    Args:
        name: "part/metric", or without the part: the part that decides then, else validation, test or train.
    """
    decides = run.metric or ""
    part, _, measured = decides.partition("/")
    if name in (decides, measured):
        return run.best if run.best is not None else run.metrics.get(decides)
    if "/" in name:
        return run.metrics.get(name)
    return next((run.metrics[key] for p in (part, *_PARTS) if (key := f"{p}/{name}") in run.metrics), None)


def _unmeasured(name: str, runs: Sequence[Glance]) -> Diagnostic:
    known = {key for run in runs for key in (*run.metrics, run.metric) if key}
    if "/" not in name:
        known = {key.rpartition("/")[2] for key in known}
    meant = nearest(name, known)
    return Diagnostic(
        "no-metric",
        f"no run was measured by {name!r}",
        note=f"what runs were measured by: {', '.join(sorted(known))}" if known else "no run was measured yet",
        help=f"did you mean {meant!r}?" if meant else "",
    )


# -- values of the spec ------------------------------------------------------------------------------------------------


Values = Mapping[str, Any]

_ABSENT: Any = object()


def specs_of(runs: Sequence[Glance]) -> tuple[dict[Path, Values], list[Diagnostic]]:
    """The values of runs' specs, with the seeds that they were trained with; a warning for each that is damaged."""
    found: dict[Path, Values] = {}
    damages: list[Diagnostic] = []
    known: dict[bytes, Values] = {}
    for run in runs:
        try:
            values = _spec(run.path / SPEC, known)
        except RunError as error:
            damages += [replace(d, severity="warning") for d in error.diagnostics]
        else:
            found[run.path] = values if run.seed is None else {**values, "seed": run.seed}
    return found, damages


def _spec(path: Path, known: dict[bytes, Values]) -> Values:
    """A spec's values; what many runs have in common is parsed once."""
    try:
        with path.open("rb") as file:
            text = file.read(2**20)
        if text not in known:
            known[text] = tomli.loads(text.decode())
        return known[text]
    except (OSError, ValueError, RecursionError):
        pass
    try:
        return read(path).values  # which says where it is wrong
    except NetspecError as error:
        raise RunError(*error.diagnostics) from error


def by_value(text: str, specs: Mapping[Path, Values]) -> Criterion:
    """Runs whose spec says something: "optimizer.kind=adam", "optimizer.learning_rate<=1e-3", "model.layers.0.conv=6".

    Args:
        text: a dotted key of TOML, in which a number means an element of a list; a sign; a value of TOML, or a bare
            word, which is taken as a string.
        specs: of all runs that there are: one of them at least has such a key.

    Raises:
        RunError: it is written otherwise, or no spec has such a key.
    """
    path, sign, value = _condition(text)
    if specs and all(_at(values, path) is _ABSENT for values in specs.values()):
        raise RunError(_unknown(".".join(path), specs))
    compares = _COMPARISONS[sign]

    def fits(run: Glance) -> bool:
        found = _at(specs.get(run.path, {}), path)
        return found is not _ABSENT and compares(found, value)

    return Criterion(f"have {text}", fits)


_KEY = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^"'<>=!])+"""
_CONDITION = re.compile(rf"({_KEY}?)(>=|<=|!=|=|>|<)(.*)")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.+/ -]*")


def _condition(text: str) -> tuple[tuple[str, ...], str, Any]:
    """The key, the sign and the value of a condition."""
    found = _CONDITION.fullmatch(text)
    path, value = (_path(found[1]), _value(found[3].strip())) if found else ((), _ABSENT)
    if found is None or not path or value is _ABSENT:
        message = f"expected a key of a spec, a sign and a value, found {text!r}"
        help_ = "such as optimizer.kind=adam or 'optimizer.learning_rate<=1e-3'; signs are =, !=, >, >=, < and <="
        raise RunError(Diagnostic("where", message, help=help_))
    if found[2] in _SIGNS and not _is_number(value):
        raise RunError(Diagnostic("where", f"{found[2]} compares numbers, and {found[3].strip()!r} is none"))
    return path, found[2], value


def _path(key: str) -> tuple[str, ...]:
    node = _table(f"{key} = 0")
    path: list[str] = []
    while isinstance(node, dict):
        if len(node) != 1:
            return ()
        [(part, node)] = node.items()
        path.append(part)
    return tuple(path)


def _value(text: str) -> Any:
    table = _table(f"value = {text}")
    if table.keys() == {"value"}:
        return table["value"]
    return text if _WORD.fullmatch(text) else _ABSENT


def _table(text: str) -> dict[str, Any]:
    try:
        return parse(text, "--where").values
    except NetspecError:
        return {}


def _at(values: Any, path: Sequence[str]) -> Any:
    """The value at a path; `_ABSENT` where there is none."""
    for part in path:
        if isinstance(values, Mapping):
            values = values.get(part, _ABSENT)
        elif isinstance(values, list) and re.fullmatch("[0-9]{1,9}", part) and int(part) < len(values):
            values = values[int(part)]
        else:
            return _ABSENT
    return values


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_alike(a: Any, b: Any) -> bool:
    """Whether two values are the same in TOML, except that a whole number may be written as a fraction."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_is_alike(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_is_alike, a, b))
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def _ordered(compares: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda found, value: _is_number(found) and compares(found, value)


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": _is_alike,
    "!=": lambda found, value: not _is_alike(found, value),
    **{sign: _ordered(compares) for sign, compares in _SIGNS.items()},
}


def _unknown(key: str, specs: Mapping[Path, Values]) -> Diagnostic:
    keys = {known for values in specs.values() for known in _keys(values)}
    last = key.rpartition(".")[2]
    meant = next((known for known in sorted(keys) if known.rpartition(".")[2] == last), None) or nearest(key, keys)
    return Diagnostic(
        "no-key",
        f"no run's spec says {key!r}",
        note="a key that a spec leaves out is not looked for under its default",
        help=f"did you mean {meant!r}?" if meant else "",
    )


def _keys(node: Any, prefix: str = "") -> Iterator[str]:
    """The dotted keys of values, elements of lists among them."""
    inner = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        path = f"{prefix}.{key}" if prefix else str(key)
        yield path
        yield from _keys(value, path)
