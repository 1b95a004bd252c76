"""How much of the input one position of a layer's output sees.

The window of layers in turn is r ← r + (k - 1) d j, and then the step between two windows is j ← j s, for a kernel k,
dilation d and stride s, from r = j = 1 (Araujo, Norris and Sim, 2019). Of several paths the widest counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netspec.spec.activations import Activation
from netspec.spec.call import Call

if TYPE_CHECKING:
    from netspec.graph.graph import Graph, Node, Value

__all__ = ["WINDOWS", "receptive_fields"]


@dataclass(frozen=True, slots=True)
class _Axis:
    """What positions see along one axis of the input.

    Where layers made `factor` positions of each, as a decoder does, the windows after them span so many of the new
    positions; these come from one old position more than they would fill, at the most.

    Args:
        size: what an old position sees.
        jump: positions of the input from an old one to the next.
        factor: new positions for each old one.
        span: new positions from the first to the last of a window.
        step: new positions from a window to the next.
    """

    size: int = 1
    jump: int = 1
    factor: int = 1
    span: int = 0
    step: int = 1

    @property
    def seen(self) -> int:
        return self.size + -(-self.span // self.factor) * self.jump

    def windows(self, reach: int, stride: int) -> _Axis:
        """Windows of `reach` positions from the first to the last, `stride` apart."""
        slid = replace(self, span=self.span + reach * self.step, step=self.step * stride)
        return slid if slid.step % slid.factor else _Axis(slid.seen, self.jump * slid.step // slid.factor)

    def more(self, factor: int, reach: int) -> _Axis:
        """So many positions for each, whose windows reach so many of the new ones further."""
        if self.step % factor == 0:
            return replace(self, span=self.span + reach * self.step // factor, step=self.step // factor)
        return replace(self, factor=self.factor * factor, span=self.span * factor + reach * self.step)


_Field = tuple[_Axis, ...] | None
"""One for each spatial axis; None where a position may see everything."""


def receptive_fields(graph: Graph) -> dict[str, tuple[int, ...] | None]:
    """The window of every layer and block, one number for each spatial axis, by path; None for all of the input."""
    fields = {name: _start(value) for name, value in graph.inputs.items()}
    first = next(iter(fields.values()))
    _list(graph.nodes, first, fields)
    return {path: None if field is None else tuple(axis.seen for axis in field) for path, field in fields.items()}


def _start(value: Value) -> _Field:
    # Whole numbers, which are looked up, have no channels.
    axes = value.shape if value.dtype == "int32" else value.shape.spatial
    return tuple(_Axis() for _ in axes) or None


def _list(nodes: Iterable[Node], x: _Field, fields: dict[str, _Field]) -> _Field:
    for node in nodes:
        read = [fields[source] for source in node.sources] or [x]
        fields[node.path] = field = _block(node, _widest(read), fields) if node.branches else _layer(node, read)
        x = x if node.aside else field
    return x


def _block(node: Node, x: _Field, fields: dict[str, _Field]) -> _Field:
    if node.state is not None:
        x = None
    return _widest([_list(nodes, x, fields) for nodes in node.branches.values()])


def _layer(node: Node, read: list[_Field]) -> _Field:
    field = _widest(read)
    if field is None or len(node.output.shape) != len(field) + 1:
        return None
    if node.kind in WINDOWS:
        return WINDOWS[node.kind](field, node.steps[0].call)
    return field if isinstance(node.layer, Activation) or node.kind in _ONE_BY_ONE else None


def _widest(fields: Iterable[_Field]) -> _Field:
    found = list(fields)
    known = [field for field in found if field is not None]
    if len(known) < len(found) or len({len(field) for field in known}) > 1:
        return None
    return tuple(max(axis, key=lambda a: (a.seen, a.jump)) for axis in zip(*known, strict=True))


# -- what layers do ----------------------------------------------------------------------------------------------------

_Axes = tuple[_Axis, ...]


def _convolved(field: _Axes, call: Call) -> _Axes:
    given = dict(call.keywords)
    reach = _reach(given["kernel_size"], given.get("kernel_dilation"))
    return tuple(axis.windows(far, s) for axis, far, s in zip(field, reach, given["strides"], strict=True))


def _pooled(field: _Axes, call: Call) -> _Axes:
    given = dict(call.keywords)
    reach = _reach(given["window_shape"])
    return tuple(axis.windows(far, s) for axis, far, s in zip(field, reach, given["strides"], strict=True))


def _spread(field: _Axes, call: Call) -> _Axes:
    """Of a transposed convolution: a new position sees the old ones whose windows, `stride` apart, hold it."""
    sizes, strides = call.arguments[2:4]
    reach = _reach(sizes, dict(call.keywords).get("kernel_dilation"))
    return tuple(axis.more(s, far - s + 1) for axis, far, s in zip(field, reach, strides, strict=True))


def _more(field: _Axes, call: Call) -> _Axes:
    between = call.name.endswith("bilinear")
    return tuple(axis.more(n, n if between and n > 1 else 0) for axis, n in zip(field, call.arguments[0], strict=True))


def _fewer(field: _Axes, call: Call) -> _Axes:
    return tuple(axis.windows(0, s) for axis, s in zip(field, call.arguments[0], strict=True))


def _reach(sizes: Sequence[int], dilations: Sequence[int] | None = None) -> list[int]:
    return [(size - 1) * dilation for size, dilation in zip(sizes, dilations or (1,) * len(sizes), strict=True)]


WINDOWS: Mapping[str, Callable[[_Axes, Call], _Axes]] = {
    "conv": _convolved,
    "depthwise_conv": _convolved,
    "conv_transposed": _spread,
    "max_pool": _pooled,
    "avg_pool": _pooled,
    "upsample": _more,
    "subsample": _fewer,
}
"""Kinds of layers that look at windows: what each makes of what its input sees."""

_ONE_BY_ONE = frozenset(
    {
        *("batch_norm", "layer_norm", "rms_norm", "local_response_norm"),
        *("dropout", "stochastic_depth", "noise", "dropconnect", "scale", "shift"),
        *("dense", "embed", "unembed", "positions", "pad", "crop"),
        *("concat", "add", "subtract", "multiply", "mean", "max", "dot"),
    }
)
"""Kinds of layers, besides activations, of which each position sees what the same position of the input does."""
