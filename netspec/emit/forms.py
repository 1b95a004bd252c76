"""Calls in the words that a person would write: `x @ kernel.T` rather than a function that does it.

Each form does the same operations in the same order as the function that it stands for, and so gives the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netspec.graph.graph import Node
from netspec.spec.call import Call, call

__all__ = ["joined", "levelled", "plain_form", "public_name", "simplified"]


def public_name(name: str) -> str:
    """A call's name as it is written under the usual imports; that of a copied function is its last part.

    >>> public_name("jax.nn.relu"), public_name("netspec.nn.activations.step")
    ('nnx.relu', 'step')
    """
    import jax
    from flax import nnx

    module, _, last = name.rpartition(".")
    if module == "jax.nn" and getattr(nnx, last, None) is getattr(jax.nn, last, ...):
        module = "flax.nnx"
    if module == "jax.nn.initializers":
        module = "flax.nnx.initializers"
    if module.startswith("netspec."):
        return last
    for long, short in (("flax.nnx", "nnx"), ("jax.numpy", "jnp")):
        if module == long or module.startswith(f"{long}."):
            return f"{short}{module.removeprefix(long)}.{last}"
    return f"{module}.{last}"


def simplified(of: Call, node: Node) -> Call:
    """The plainest call that does the same for what the layer reads."""
    if of.name == "netspec.nn.dense.unembed":
        return call("netspec.nn.dense.tied")
    if of.name != "netspec.nn.pooling.avg_pool":
        return of
    given = dict(of.keywords)
    window, padding, x = given["window_shape"], given["padding"], node.inputs[0].shape
    unpadded = padding in ("VALID", "SAME") or all(p == (0, 0) for p in padding)
    if unpadded and window == given["strides"] and all(n % w == 0 for n, w in zip(x.spatial, window, strict=True)):
        return call("netspec.nn.pooling.mean_of_tiles", window)
    counted = {} if padding == "VALID" else {"count_include_pad": False}
    return call("flax.nnx.avg_pool", window, strides=given["strides"], padding=padding, **counted)


def plain_form(
    name: str, rank: int, inputs: Sequence[str], arguments: Sequence[str], keywords: Mapping[str, str]
) -> str | None:
    """What a call is without a function of netspec's; None where the function is copied.

    Args:
        rank: the axes of one example of what it reads.
        inputs: the texts of what it reads.
        arguments, keywords: as they are written.
    """
    form = _FORMS.get(name)
    x = inputs[0]
    if name == "netspec.nn.dense.tied" and rank > 1:
        return None
    if form is None or "mask" in keywords or (form.count("{x}") > 1 and not x.isidentifier()):
        return None
    if name == "netspec.nn.shapes.permute":
        axes = arguments[0].strip("(,)").split(", ")
        return f"{x}.transpose(0, {', '.join(str(1 + int(a)) for a in axes)})" if "self" not in arguments[0] else None
    if name == "netspec.nn.pooling.max_pool" and keywords["padding"] == '"VALID"':
        form = "nnx.max_pool({x}, {window_shape}, strides={strides})"
    inside = [a.strip("(,)") for a in arguments]
    return form.format(*inside, x=x, y=inputs[-1], **keywords)


_FORMS: Mapping[str, str] = {
    "jax.nn.identity": "{x}",
    "netspec.nn.dense.tied": "{x} @ {y}.T",
    "netspec.nn.pooling.global_avg_pool": "jnp.mean({x}, axis=1)",
    "netspec.nn.pooling.global_max_pool": "jnp.max({x}, axis=1)",
    "netspec.nn.pooling.max_pool": "nnx.max_pool({x}, {window_shape}, strides={strides}, padding={padding})",
    "netspec.nn.shapes.flatten": "{x}.reshape({x}.shape[0], -1)",
    "netspec.nn.shapes.permute": "",
    "netspec.nn.shapes.reshape": "{x}.reshape({x}.shape[0], {0})",
    "netspec.nn.shapes.reverse": "{x}[:, ::-1]",
    "netspec.nn.shapes.take": "{x}[:, {0}]",
}


# -- joins -------------------------------------------------------------------------------------------------------------


def joined(kind: str, names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> str:
    """What becomes of several values; those with fewer axes count at every position.

    Args:
        kind: "add", "concat", …
        shapes: of one example of each.
    """
    given = levelled(names, shapes)
    if kind in _BETWEEN:
        return f" {_BETWEEN[kind]} ".join(given)
    if kind == "mean":
        return f"({' + '.join(given)}) / {len(given)}"
    if kind == "max":
        text = given[0]
        for other in given[1:]:
            text = f"jnp.maximum({text}, {other})"
        return text
    if kind == "dot":
        return f"jnp.sum({' * '.join(given)}, axis=-1, keepdims=True)"
    assert kind == "concat", kind
    return f"jnp.concatenate([{', '.join(_broadcast(given, names, shapes))}], axis=-1)"


_BETWEEN = {"add": "+", "subtract": "-", "multiply": "*"}


def levelled(names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> list[str]:
    """The names, each with as many axes as the one with most."""
    most = max(len(s) for s in shapes)
    missing = [most - len(s) for s in shapes]
    return [f"{n}[:, {', '.join(['None'] * m)}]" if m else n for n, m in zip(names, missing, strict=True)]


def _broadcast(given: Sequence[str], names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> list[str]:
    """The names, each at all positions that any of them has."""
    most = max(len(s) for s in shapes)
    level = [(*(1,) * (most - len(s)), *s) for s in shapes]
    wide = tuple(max(axis) for axis in zip(*(s[:-1] for s in level), strict=True))
    reference = next((n for n, s in zip(names, level, strict=True) if s[:-1] == wide and len(s) == most), None)
    around = f"*{reference}.shape[:-1]" if reference else f"{names[0]}.shape[0], {', '.join(map(str, wide))}"
    return [
        text if s[:-1] == wide else f"jnp.broadcast_to({text}, ({around}, {s[-1]}))"
        for text, s in zip(given, level, strict=True)
    ]
