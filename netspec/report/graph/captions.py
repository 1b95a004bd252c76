"""What stands in the box of a layer, and what kind of box it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from netspec.spec.activations import Activation
from netspec.spec.blocks import UserBlock, field_of
from netspec.spec.kind import Kind

if TYPE_CHECKING:
    from netspec.graph.graph import Node
    from netspec.spec.call import Call
    from netspec.spec.layer import Layer

__all__ = ["about", "caption", "join_caption", "role"]

_WINDOW_KINDS = frozenset({"depthwise_conv", "max_pool", "avg_pool"})
"""Kinds whose principal argument is the window, which stands before their name."""

_UNSAID = frozenset({"kernel", "stride", "padding", "bias", "activation", "tie", "init", "shortcut", "gate", "state"})
"""Keys that a caption says in a way of its own, or not at all."""

_JOINS: Mapping[str, str] = {"add": "+", "multiply": "×", "subtract": "−", "gated": "gated sum", "dot": "dot product"}


def caption(node: Node) -> str:
    """A layer as a figure of a paper calls it: "3×3 conv, 64, /2 · relu"; a block with its arguments.

    A layer that the spec gives a name has that before all else.
    """
    layer = node.layer
    if isinstance(layer, UserBlock):
        said = " ".join([layer.kind, ", ".join(_arguments(layer))]).strip()
    elif layer.joins:
        said = _JOINS.get(layer.kind, layer.kind)
    else:
        said = _leaf(node) if node.steps and not node.branches else _words(layer.kind)
    # A layer that is used again goes by the name of that use.
    name = node.name if node.shared and layer.name else layer.name
    if name is None:
        return said
    if name == layer.kind == "point":
        return said
    return name if layer.kind == "block" else f"{name}: {said}" if len(said) > 1 else f"{name} ({said})"


def join_caption(call: Call) -> str:
    """What the join of several lists does."""
    kind = call.name.rpartition(".")[2]
    return _JOINS.get(kind, kind)


def about(node: Node) -> str:
    """A line for who looks closer at the box."""
    parameters = (
        0 if node.shared else sum(prod(a.shape) for leaf in node.leaves() for _, a in leaf.arrays("parameters"))
    )
    counted = f", {parameters:,} parameter{'s' * (parameters != 1)}" if parameters else ""
    return (
        f"{node.path}: {node.kind}, gives {node.output.shape}{counted}{', frozen' * (node.frozen and parameters > 0)}"
    )


def role(node: Node) -> str:
    """What a layer is drawn as: a key of `styles.ROLES`."""
    if node.branches:
        return "block"
    if isinstance(node.layer, Activation):
        return "activation"
    if node.layer.joins:
        return "join"
    endings = (name for end, name in _ENDINGS.items() if node.kind.endswith(end))
    return _ROLES.get(node.kind) or next(endings, "other")


_ENDINGS: Mapping[str, str] = {
    "conv": "convolution",
    "pool": "pooling",
    "norm": "normalisation",
    "attention": "attention",
}
_ROLES: Mapping[str, str] = {
    "conv_transposed": "convolution",
    **dict.fromkeys(("dropout", "stochastic_depth", "noise", "dropconnect"), "noise"),
    **dict.fromkeys(("dense", "unembed"), "dense"),
    **dict.fromkeys(("embed", "positions", "tokens"), "embedding"),
    **dict.fromkeys(("rnn", "lstm", "gru"), "recurrent"),
}


def _leaf(node: Node) -> str:
    layer, call = node.layer, node.steps[0].call
    given = dict(call.keywords)
    window = given.get("kernel_size") or given.get("window_shape")
    if node.kind == "conv_transposed":
        window = call.arguments[2]
    wide = len(window or ()) > 1
    said = " ".join([_by(window), _words(node.kind)]) if wide else _words(node.kind)
    kernel = [f"kernel {window[0]}"] if window and not wide else []
    parts = [*_principal(layer), *kernel, *_further(layer), *_stride(tuple(given.get("strides") or ()))]
    comma = ", " if window else " "
    said += comma * bool(parts) + ", ".join(parts)
    activation = getattr(layer, "activation", None)
    return said if activation is None else f"{said} · {_words(activation.kind)}"


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _by(sizes: Iterable[int] | None) -> str:
    """Sizes along some axes.

    >>> _by((3, 5)), _by(None)
    ('3×5', '')
    """
    return "×".join(map(str, sizes or ()))


def _stride(strides: tuple[int, ...]) -> list[str]:
    if not any(s != 1 for s in strides):
        return []
    return [f"/{strides[0]}" if len(set(strides)) == 1 else f"/{_by(strides)}"]


def _principal(layer: Layer) -> list[str]:
    key = layer.principal()
    value = getattr(layer, key) if key else None
    if layer.kind == "point":
        return [f"({', '.join(map(_written, value or ()))})"]
    return [] if value is None or layer.kind in _WINDOW_KINDS or isinstance(value, bool) else [_written(value)]


def _further(layer: Layer) -> list[str]:
    """The keys that the spec says and that are not as they would be anyway."""
    said = []
    for key in type(layer).keys():  # noqa: SIM118  (of a kind, and not of a mapping)
        field = type(layer).model_fields.get(key)
        if field is None or key in _UNSAID or key not in layer.model_fields_set:
            continue
        value = getattr(layer, key)
        if value != field.default and not isinstance(value, Kind):
            said.append(_setting(key, value))
    return said


def _arguments(layer: UserBlock) -> list[str]:
    """A block's arguments: those that must be given by their values, others by name where the default is another."""
    said = []
    for name, value in layer.values().items():
        field = type(layer).model_fields[field_of(name)]
        if field.is_required():
            said.append(_written(value))
        elif value != field.default:
            said.append(_setting(name, value))
    return said


def _setting(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return _words(key) if value else f"no {_words(key)}"
    return f"{_words(key)} {_written(value)}"


def _written(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "×".join(map(_written, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
