"""Rules about layers, whatever they are trained for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import floor, log10, prod

from netspec.diagnostics import Diagnostic
from netspec.lint.calls import DENSE, FLAT, LINEAR, NORMS, RANDOM, SAME_SHAPE, keyword
from netspec.lint.flow import Operation, back_from
from netspec.lint.subject import Subject, count, warning
from netspec.spec.call import Call
from netspec.spec.courses import Course

__all__ = ["bias_before_norm", "constant_result", "dropout_last", "linear_chain", "vanishing"]


# -- linear layers in a row --------------------------------------------------------------------------------------------


def linear_chain(subject: Subject) -> Iterator[Diagnostic]:
    """Linear layers that are one linear layer: no nonlinearity, and no bottleneck, is between them."""
    next_one = {first: second for first in subject.flow if (second := _linear_next(first, subject)) is not None}
    later = set(next_one.values())
    for first in next_one:
        if first in later:
            continue
        chain = [first]
        while chain[-1] in next_one:
            chain.append(next_one[chain[-1]])
        yield _one_linear_layer(chain)


def _one_linear_layer(chain: list[Operation]) -> Diagnostic:
    first, second, last, names = chain[0], chain[1], chain[-1], [o.node.path for o in chain]
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    if len(names) > 4:
        listed = f"{', '.join(names[:3])} and {len(names) - 3:,} more"
    pairs = list(pairwise(chain))
    if all(o.name in DENSE for o in chain) and not any(_flattened(*pair) for pair in pairs):
        what = "linear layer"
        note = f"whatever they can learn, one layer from {first.reads.channels} to {last.gives.channels} can"
    else:
        what, note = "linear map", "a linear map of a linear map is linear: one more of them learns nothing more"
    norms = [o.node.name for pair in pairs for o in _between(*pair) if o.name in NORMS]
    note += f"; in evaluation {norms[0]} is linear, too" if norms else ""
    who = first.node.name if len(chain) == 2 else "all but the last"
    return warning(
        "linear-chain",
        f"{listed} have no nonlinearity between them: they are one {what}",
        first.node.place,
        f"{second.node.name} (line {second.node.place.line}) is next",
        note,
        f'an activation after {who}, such as "relu"; or leave one of them out',
    )


def _linear_next(first: Operation, subject: Subject) -> Operation | None:
    """The linear layer that makes one of itself and this one, if there is one."""
    if not _whole(first, subject):
        return None
    second = first.after
    while second is not None and second.name in SAME_SHAPE | FLAT:
        second = second.after
    return second if second is not None and _whole(second, subject) and _restricts_nothing(first, second) else None


def _whole(operation: Operation, subject: Subject) -> bool:
    """Whether it is a free linear layer: every output of every input channel, parameters of its own, all learned."""
    if operation.name not in LINEAR or operation.node.frozen or operation.node.owner in subject.shared:
        return False
    kernel = keyword(operation, "kernel_size", ())
    # Windows along one axis only are halves of a separable convolution.
    square = not isinstance(kernel, tuple) or len(set(kernel)) <= 1
    return square and keyword(operation, "feature_group_count", 1) == 1


def _restricts_nothing(first: Operation, second: Operation) -> bool:
    """Whether the middle is as wide as one of the ends: a narrower one is a factorisation of low rank."""
    flat = _flattened(first, second)
    before = prod(first.reads) if flat else first.reads.channels
    return second.reads.channels >= min(before, second.gives.channels)


def _between(first: Operation, second: Operation) -> Iterator[Operation]:
    found = first.after
    while found is not None and found is not second:
        yield found
        found = found.after


def _flattened(first: Operation, second: Operation) -> bool:
    return any(o.name == "netspec.nn.shapes.flatten" for o in _between(first, second))


# -- biases --------------------------------------------------------------------------------------------------------


BIASED = LINEAR | {
    "netspec.nn.transposed_convolution.ConvTranspose",
    "netspec.nn.dense.TiedLinear",
    "netspec.nn.units.Shift",
}

CENTERING = {"flax.nnx.BatchNorm": "over the batch", "flax.nnx.InstanceNorm": "over all positions"}
"""What subtracts each channel's own mean, over what; a layer or group norm's mean is of several channels."""


def bias_before_norm(subject: Subject) -> Iterator[Diagnostic]:
    """A number added to a channel whose mean is subtracted next."""
    for operation in subject.flow:
        biases = [s for name, s in operation.parameters.items() if name in ("bias", "shift")]
        node, norm = operation.node, operation.after
        if not biases or operation.name not in BIASED or norm is None or norm.name not in CENTERING:
            continue
        if node.frozen or node.owner in subject.shared:
            continue
        shift = node.kind == "shift"
        what, whole = ("what {} adds", "all that it adds") if shift else ("the bias of {}", "its bias")
        yield warning(
            "bias-before-norm",
            f"{norm.node.name} subtracts {what.format(node.name)}",
            subject.place(node, "bias"),
            note=f"it takes each channel's mean {CENTERING[norm.name]} away, and {whole} is in that mean: "
            f"{count(prod(biases[0].shape), 'parameter')} that change nothing",
            help="leave it out" if shift else "bias = false",
        )


# -- dropout -------------------------------------------------------------------------------------------------------


def dropout_last(subject: Subject) -> Iterator[Diagnostic]:
    """Dropout or noise on the results themselves."""
    judged = [j.operation for j in subject.judged]
    for end in judged or subject.flow.outputs.values():
        found, learned = _random_at_the_end(end)
        if found is None or learned is None:
            continue
        share = _strength(found.call) if found.call is not None else 0
        dropped = f"in training each result becomes 0 with a probability of {share:g}"
        added = f"in training it adds numbers of deviation {share:g} to the results"
        yield warning(
            "dropout-last",
            f"{found.node.name} stands after the last layer that learns, {learned.node.name}",
            found.node.place,
            note=f"{added if found.node.kind == 'noise' else dropped}, and no layer is left to make up for it",
            help=f"put it before {learned.node.name}, or leave it out",
        )


def _strength(random: Call) -> float:
    """A rate or a deviation; of one that changes over time, the most that it is."""
    course = next((v for _, v in random.keywords if isinstance(v, Course)), None)
    return float(random.arguments[0]) if course is None else max(course.numbers)


def _random_at_the_end(end: Operation | None) -> tuple[Operation | None, Operation | None]:
    """The random operation after the last that learns, and that one."""
    found = None
    for operation in back_from(end):
        if operation.step is None or operation.paths:
            return found, operation
        if operation.name in RANDOM and _strength(operation.step.call):
            found = operation
    return None, None


# -- results that are always the same ------------------------------------------------------------------------------


def constant_result(subject: Subject) -> Iterator[Diagnostic]:
    """A norm of a single number, or a softmax of one: 0 and 1, whatever comes in."""
    for operation in subject.flow:
        why = _alone(operation, subject)
        if why is not None:
            name = operation.name.rpartition(".")[2]
            what = "the softmax" if name == "softmax" else "it"
            yield warning(
                "constant-result",
                f"{operation.node.name} gives the same for every input",
                subject.place_of_call(operation),
                note=why,
                help=_INSTEAD.get(operation.name, f"leave {what} out"),
            )


_INSTEAD = {
    "jax.nn.softmax": '"sigmoid" is for one channel; before a loss that takes logits, neither',
    "flax.nnx.BatchNorm": 'a larger batch, or "layer_norm"',
}


def _alone(operation: Operation, subject: Subject) -> str | None:
    """Why a result is always the same; None where it is not."""
    channels, positions = operation.gives.channels, prod(operation.gives.spatial)
    match operation.name:
        case "jax.nn.softmax" if channels == 1:
            return "the softmax of one channel is always 1"
        case "flax.nnx.LayerNorm" if channels == 1:
            return "one channel less its own mean is always 0"
        case "flax.nnx.InstanceNorm" if positions == 1:
            return "there is one position: each channel less its own mean is always 0"
        case "flax.nnx.GroupNorm" if positions == 1 and operation.call and operation.call.arguments[1] == channels:
            return "each group is one number, which less its own mean is always 0"
        case "flax.nnx.BatchNorm" if positions == 1 and subject.program is not None and subject.program.batch == 1:
            return "a batch of 1 is its own mean: in training, what is left is always 0"
    return None


# -- vanishing gradients -------------------------------------------------------------------------------------------


SLOPES = {"jax.nn.sigmoid": 0.25, "jax.nn.hard_sigmoid": 1 / 6, "jax.nn.tanh": 0.68}
"""Of a sigmoid, the largest; of a tanh, the root mean square over a normal input of variance 1."""

WHY = {
    "jax.nn.sigmoid": "a sigmoid's slope is 0.25 at the most",
    "jax.nn.hard_sigmoid": "a hard sigmoid's slope is 1/6 at the most",
    "jax.nn.tanh": "a tanh's slope is 1 at 0, and 0.68 in the root mean square where its input has variance 1",
}

LEAST = 1e-3
"""Of the gradient: less than this share of it is too little."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Bent operations in a row, on the path that bends least.

    Args:
        slope: the product of their slopes, its logarithm to base 10.
        counts: how many there are of each.
    """

    first: Operation
    last: Operation
    slope: float
    counts: tuple[tuple[str, int], ...]


def vanishing(subject: Subject) -> Iterator[Diagnostic]:
    """Sigmoids and tanhs in a row, with no way around them and no normalisation between."""
    into: dict[Operation, _Stretch | None] = {}
    longest: dict[Operation, _Stretch] = {}
    for operation in subject.flow:
        stretch = _least([None if i is None else into[i] for i in operation.inputs])
        if operation.name in NORMS or operation.step is None:
            stretch = None
        if operation.name in SLOPES:
            stretch = _longer(stretch, operation)
            if stretch.first not in longest or stretch.slope < longest[stretch.first].slope:
                longest[stretch.first] = stretch
        into[operation] = stretch
    for stretch in longest.values():
        if stretch.slope < log10(LEAST):
            yield _vanishes(stretch, subject)


def _least(stretches: list[_Stretch | None]) -> _Stretch | None:
    """The one along which the most of a gradient gets back."""
    if any(s is None for s in stretches):
        return None
    return max((s for s in stretches if s is not None), key=lambda s: s.slope)


def _longer(stretch: _Stretch | None, operation: Operation) -> _Stretch:
    name, slope = operation.name, SLOPES[operation.name]
    if stretch is None:
        return _Stretch(operation, operation, log10(slope), ((name, 1),))
    counts = dict(stretch.counts)
    counts[name] = counts.get(name, 0) + 1
    return _Stretch(stretch.first, operation, stretch.slope + log10(slope), tuple(counts.items()))


def _power(logarithm: float) -> str:
    """A power of 10 with two digits: 1.5e-5."""
    whole = floor(logarithm)
    return f"{10 ** (logarithm - whole):.1f}e{whole}"


def _vanishes(stretch: _Stretch, subject: Subject) -> Diagnostic:
    words = {name: name.rpartition(".")[2] for name, _ in stretch.counts}
    listed = " and ".join(f"{n} {words[name]}s" for name, n in stretch.counts)
    powers = " · ".join(f"{SLOPES[name]:.2g}^{n}" for name, n in stretch.counts)
    share = f"{'about' if 'jax.nn.tanh' in words else 'at most'} {powers} = {_power(stretch.slope)}"
    why = "; ".join(WHY[name] for name, _ in stretch.counts)
    first, last = stretch.first.node, stretch.last.node
    return warning(
        "vanishing",
        f"{listed} in a row: of the gradient, {share} gets to {first.name}",
        subject.place_of_call(stretch.first),
        f"the first of them; the last is in {last.path}, line {last.place.line}",
        f"{why}; each multiplies the gradient by its slope, and only large weights could make up for that",
        '"relu"; or a residual, or a norm such as "batch_norm", every few layers',
    )
