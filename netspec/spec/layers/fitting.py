"""What layers ask of the shapes that they are given, and how a misfit is told."""

from netspec.spec.activations import Activation
from netspec.spec.call import Call, Mismatch, Shape
from netspec.spec.layer import Lowered

__all__ = ["each", "needs_axes", "needs_channels", "then", "window_padding"]

AXES = (2, 3, 4)
FORMS = "[length, channels], [height, width, channels] or [depth, height, width, channels]"


def then(first: Call, activation: Activation | None, x: Shape) -> Lowered:
    return first if activation is None else (first, activation.lower(x))


def needs_axes(x: Shape, kind: str) -> int:
    """How many spatial axes an input has, if it has any."""
    if len(x) not in AXES:
        lost = f"'flatten' and global pooling take the axes away: '{kind}' stands before them" if len(x) == 1 else ""
        raise Mismatch(f"needs {FORMS}, and gets {x}", label=f"gets {x}", help=lost)
    return len(x) - 1


def each(value: int | tuple[int, ...], axes: int, key: str, x: Shape) -> tuple[int, ...]:
    """One number for each spatial axis."""
    if isinstance(value, int):
        return (value,) * axes
    if len(value) != axes:
        given = "one number" if len(value) == 1 else f"{len(value)} numbers"
        there = "one spatial axis" if axes == 1 else f"{axes} spatial axes"
        message = f"has {given} for {key}, and its input {x} has {there}"
        raise Mismatch(message, key, label="one number for each axis, or one for all")
    return value


def window_padding(value: str | int | tuple[int, ...], axes: int, x: Shape) -> str | tuple[tuple[int, int], ...]:
    if isinstance(value, str):
        return value.upper()
    return tuple((p, p) for p in each(value, axes, "padding", x))


def needs_channels(x: Shape) -> int:
    """The width of the last axis, of an input that has one."""
    if not x:
        raise Mismatch("needs at least one axis, and gets a single number")
    return x.channels
