"""How layers are written, what they become, and what padded sequences may pass through."""

from __future__ import annotations

from typing import Any

import pytest

from netspec.diagnostics import SpecError
from netspec.document import parse
from netspec.graph.resolve import resolve
from netspec.spec.call import Call, Mismatch, Shape, call
from netspec.spec.decode import decode
from netspec.spec.layer import Layer
from netspec.spec.layers.noise import Dropout
from netspec.spec.layers.normalisation import GroupNorm

PADDED = {
    "kept": "rms_norm layer_norm local_response_norm dropout dropconnect noise stochastic_depth scale shift rbf maxout",
    "used": "take global_avg_pool global_max_pool",
    "refused": "flatten permute max_pool avg_pool upsample batch_norm group_norm instance_norm product depthwise_conv",
}

# Items in turn, and the shape after each.
NETWORK: list[tuple[str, tuple[int, ...]]] = [
    ('{ conv = 8, norm = "weight", activation = "maxout" }', (16, 16, 4)),
    ('{ conv = 8, norm = "spectral", stride = 1 }', (16, 16, 8)),
    ('{ depthwise_conv = 3, multiplier = "$n", stride = 2 }', (8, 8, 16)),
    ("{ conv_transposed = 8, kernel = 4, stride = 2 }", (16, 16, 8)),
    ("{ conv_transposed = 8, kernel = 5, stride = 3, padding = 2 }", (46, 46, 8)),
    ('"local_response_norm"', (46, 46, 8)),
    ("{ group_norm = 4 }", (46, 46, 8)),
    ('"instance_norm"', (46, 46, 8)),
    ('"rms_norm"', (46, 46, 8)),
    ('{ pad = [["$n", 1], 1], mode = "reflect" }', (49, 48, 8)),
    ('{ crop = ["$n * 10", [0, "$n"]] }', (9, 46, 8)),
    ('{ residual = [{ conv = "$channels" }, { scale = 0.1 }, { stochastic_depth = 0.1 }] }', (9, 46, 8)),
    ('"shift"', (9, 46, 8)),
    ("{ noise = 0.2 }", (9, 46, 8)),
    ("{ dropout = 0.1, channels = true }", (9, 46, 8)),
    ('{ upsample = [2, 1], method = "bilinear" }', (18, 46, 8)),
    ("{ permute = [1, 0, 2] }", (46, 18, 8)),
    ('{ reshape = [-1, "$channels * n"] }', (414, 16)),
    ("{ conv = 8, causal = true, dilation = 2 }", (414, 8)),
    ("{ take = -1 }", (8,)),
    ('{ dropconnect = 8, activation = "relu" }', (8,)),
    ('{ rbf = 8, width = 2.0, init = { centers = "kmeans", widths = 1.0 } }', (8,)),
    ('{ dense = 8, norm = "weight" }', (8,)),
    ('{ dense = 8, norm = "spectral", bias = false }', (8,)),
    ('{ dense = 8, activation = "swiglu", init = { sparse = 2, std = 0.1 } }', (4,)),
    ('{ leaves = 4, init = { means = "sample" } }', (4, 4)),
    ("{ product = 2 }", (2, 4)),
    ('{ sum = 4, init = { kernel = "zeros" } }', (2, 4)),
    ("{ product = 2 }", (1, 4)),
    ('"flatten"', (4,)),
    ("{ sum = 3 }", (3,)),
]


def spec(*items: str) -> Any:
    layers = ",\n  ".join(items)
    let = "[let]\nn = 2\n" if "$n" in layers else ""
    return decode(parse(f"{let}[model]\ninput = [16, 16, 4]\nlayers = [\n  {layers}\n]\n", "a.toml"))


def test_each_layer_gives_the_shape_that_its_page_says() -> None:
    graph = resolve(spec(*(item for item, _ in NETWORK)))
    assert [tuple(node.output.shape) for node in graph.nodes] == [shape for _, shape in NETWORK]


@pytest.mark.parametrize(("padded", "kinds"), PADDED.items())
def test_what_padding_passes_through(padded: str, kinds: str) -> None:
    assert {kind: Layer.kinds[kind].padded for kind in kinds.split()} == dict.fromkeys(kinds.split(), padded)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("item", "shape", "becomes"),
    [
        ("{ conv = 4 }", (9, 2), "netspec.nn.sequence_convolution.SequenceConv"),
        ("{ conv = 4, stride = 2 }", (9, 2), "flax.nnx.Conv"),
        ("{ conv = 4 }", (9, 9, 2), "flax.nnx.Conv"),
        ('{ conv = 4, norm = "weight" }', (9, 2), "netspec.nn.normalisation.WeightNormConv"),
        ('{ conv = 4, norm = "spectral" }', (9, 9, 2), "netspec.nn.normalisation.SpectralNormConv"),
        ("{ dense = 4 }", (9, 2), "flax.nnx.Linear"),
        ('{ dense = 4, norm = "weight" }', (9, 2), "netspec.nn.normalisation.WeightNormLinear"),
        ('{ dense = 4, norm = "spectral" }', (2,), "netspec.nn.normalisation.SpectralNormLinear"),
        ('"global_avg_pool"', (9, 2), "netspec.nn.pooling.global_avg_pool"),
        ('"global_avg_pool"', (9, 9, 2), "jax.numpy.mean"),
        ('"global_max_pool"', (9, 2), "netspec.nn.pooling.global_max_pool"),
        ('"global_max_pool"', (9, 9, 2), "jax.numpy.max"),
    ],
)
def test_what_a_layer_becomes(item: str, shape: tuple[int, ...], becomes: str) -> None:
    (layer,) = spec(item).model.layers
    lowered = layer.lower(Shape(shape))
    assert isinstance(lowered, Call)
    assert lowered.name == becomes


def test_what_is_dropped_together_is_said_by_axes() -> None:
    assert Dropout(channels=True).lower(Shape((9, 9, 2))) == call("flax.nnx.Dropout", 0.5, broadcast_dims=(1, 2))


def test_groups_must_part_the_channels() -> None:
    with pytest.raises(Mismatch, match="cannot split 6 channels into 4 groups"):
        GroupNorm(group_norm=4).lower(Shape((6,)))


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("{ reshape = 4 }", "'reshape' must be a list of 1 to 8 whole numbers, one of which may be -1, not 4"),
        ("{ reshape = [4, 1.5] }", "one of which may be -1, not [4, 1.5]"),
        ("{ reshape = [4, -2] }", "one of which may be -1, not [4, -2]"),
        ("{ permute = [true] }", "'permute' must be a list of the input's axes, counted from 0, not [true]"),
        ("{ crop = [1, [2]] }", "such a number or [before, after], not [1, [2]]"),
        ("{ pad = -1 }", "'pad' must be a whole number from 0"),
        ("{ pad = [[1, 2, 3]] }", "such a number or [before, after], not [[1, 2, 3]]"),
        ('{ pad = 1, mode = "reflected" }', "must be one of 'zeros', 'edge', 'reflect', 'wrap', not \"reflected\""),
        ('{ upsample = 2, method = "linear" }', "must be one of 'nearest', 'bilinear', not \"linear\""),
        ('{ conv = 4, norm = "batch" }', "must be one of 'weight', 'spectral', not \"batch\""),
        ('{ dense = 4, norm = "batch" }', "must be one of 'weight', 'spectral', not \"batch\""),
        ('{ dense = 3, name = "a" }, { dense = 4, tie = "a", norm = "weight" }', "cannot norm a kernel that is"),
        ("{ noise = 0.0 }", "'noise' must be above 0"),
        ("{ stochastic_depth = 1.0 }", "'stochastic_depth' must be below 1"),
        ('{ dense = 3, init = { weights = "normal" } }', "dense1 has no parameter 'weights'"),
        ("{ dense = 3, init = { norml = 0.1 } }", "no initial value is called 'norml'"),
        ('{ dense = 3, init = { bias = "he_normal" } }', "he_normal is for 2 axes or more"),
        ('{ rbf = 3, init = { widths = "kmeans" } }', "kmeans is for 2 axes or more"),
        ('{ conv = 3, init = "sample" }', "sample gives rows or columns"),
        ('{ dense = 3, activation = "maxout" }', "3 channels do not part into pieces of 2"),
    ],
)
def test_a_mistake_is_told(item: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        resolve(spec(item))
    assert message in str(caught.value)
