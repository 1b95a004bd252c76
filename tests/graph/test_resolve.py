"""Networks as they come out of specs: paths, shapes, counts, against numbers that others published."""

from __future__ import annotations

from collections import Counter
from math import prod
from pathlib import Path

import pytest

from netspec.diagnostics import SpecError
from netspec.document import parse
from netspec.graph.facts import Facts
from netspec.graph.fill import needs_facts
from netspec.graph.graph import Graph, matches
from netspec.graph.resolve import resolve
from netspec.spec.call import Shape
from netspec.spec.decode import decode

SPECS = Path(__file__).parents[2] / "specs"

RESNET50, VGG16, MOBILENET = ((SPECS / f"{name}.toml").read_text() for name in ("resnet50", "vgg16", "mobilenet"))

LABELS = tuple("0123456789")
DIGITS = Facts.of(Shape((28, 28, 1)), LABELS, examples={"train": 100, "validation": 0, "test": 0})


def graph(text: str, facts: Facts | None = None) -> Graph:
    return resolve(decode(parse(text, "net.toml")), facts)


def layers(text: str, shape: str = "[8, 8, 3]") -> Graph:
    return graph(f"[model]\ninput = {shape}\nlayers = [{text}]")


def size(arrays: dict[str, object]) -> int:
    return sum(prod(a.shape) for a in arrays.values())  # type: ignore[attr-defined]


# Parameters and multiply-adds (in billions) as published with the papers, and as other libraries count them.
PUBLISHED = {
    "resnet50": (RESNET50, 25_557_032, 4.09),
    "vgg16": (VGG16, 138_357_544, 15.5),
    "mobilenet": (MOBILENET, 4_231_976, 0.569),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_the_published_ones(name: str) -> None:
    text, parameters, billions = PUBLISHED[name]
    found = graph(text)
    assert size(found.parameters) == parameters
    assert found.multiply_adds / 1e9 == pytest.approx(billions, rel=0.03)


def test_running_averages_are_not_parameters() -> None:
    assert size(graph(MOBILENET).statistics) == 21_888


@pytest.mark.parametrize(("name", "facts", "parameters"), [("lenet5", DIGITS, 61_706), ("resnet20", None, 269_722)])
def test_specs_have_the_published_counts(name: str, facts: Facts | None, parameters: int) -> None:
    facts = facts or Facts.of(Shape((32, 32, 3)), LABELS, examples=DIGITS.examples)
    spec = decode(parse((SPECS / f"{name}.toml").read_text(), name))
    assert size(resolve(spec, facts).parameters) == parameters


def test_paths_grow_inside_blocks_and_count_by_kind() -> None:
    paths = [leaf.path for leaf in graph(RESNET50).leaves()]
    assert paths[:3] == ["conv_norm1/conv1", "conv_norm1/batch_norm1", "relu1"]
    assert "bottleneck4/residual1/conv_norm2/conv1" in paths
    assert "bottleneck4/residual1/shortcut/conv1" in paths
    assert "bottleneck2/residual1/shortcut/conv1" not in paths  # its shapes agree
    assert not [p for p, n in Counter(paths).items() if n > 1]


@pytest.mark.parametrize(
    ("layer", "shape", "output", "parameters", "multiply_adds"),
    [
        ("{ conv = 4, kernel = 3 }", "[10, 3]", (10, 4), 3 * 3 * 4 + 4, 10 * 4 * 9),
        ("{ conv = 4, kernel = [3, 5], stride = [1, 2], padding = 0 }", "[8, 9, 3]", (6, 3, 4), 184, 6 * 3 * 4 * 45),
        ("{ conv = 4, kernel = 3, dilation = 2, padding = 'valid' }", "[8, 8, 3]", (4, 4, 4), 112, 16 * 4 * 27),
        ("{ conv = 6, groups = 3, bias = false }", "[4, 4, 3]", (4, 4, 6), 54, 16 * 6 * 9),
        ("{ conv = 2, kernel = 2, stride = 2 }", "[4, 4, 4, 1]", (2, 2, 2, 2), 18, 8 * 2 * 8),
        ("{ max_pool = 3, stride = 2, padding = 1 }", "[7, 7, 2]", (4, 4, 2), 0, 0),
        ("{ avg_pool = [2, 4] }", "[8, 8, 2]", (4, 2, 2), 0, 0),
        ("'global_max_pool'", "[8, 8, 2]", (2,), 0, 0),
        ("{ dense = 7 }", "[5, 3]", (5, 7), 28, 5 * 3 * 7),
        ("{ embed = 8, vocabulary = 30 }", "[12]", (12, 8), 240, 0),
        ("'batch_norm'", "[4, 6]", (4, 6), 12, 0),
        ("{ layer_norm = true, bias = false }", "[4, 6]", (4, 6), 6, 0),
        ("{ prelu = 0.1 }", "[4]", (4,), 1, 0),
        ("{ dense = 4, activation = 'prelu' }", "[3]", (4,), 17, 12),
        ("'flatten'", "[2, 3, 4]", (24,), 0, 0),
    ],
)
def test_a_layers_shape_and_cost(
    layer: str, shape: str, output: tuple[int, ...], parameters: int, multiply_adds: int
) -> None:
    found = layers(layer, shape)
    assert found.output_shapes["output"] == output
    assert (size(found.parameters), found.multiply_adds) == (parameters, multiply_adds)


def test_a_layer_reads_what_it_names() -> None:
    with pytest.raises(SpecError, match="nothing reads what dense1 gives"):
        layers("{ dense = 4, name = 'a' }, { dense = 5 }, { dense = 7, from = 'a' }", "[3]")
    found = layers("{ dense = 4, name = 'a' }, { dense = 5 }, { residual = [{ dense = 9 }, { dense = 5 }] }", "[3]")
    assert found.output_shapes["output"] == (5,)
    named = layers(
        "{ dense = 4, name = 'a' }, { residual = [{ dense = 2, from = 'a' }, { dense = 4 }], from = 'a' }", "[3]"
    )
    assert [leaf.sources for leaf in named.leaves()] == [(), ("a",), ()]


def test_times_repeats_with_parameters_of_their_own() -> None:
    found = layers("{ dense = '$channels * 2', times = 3 }", "[1]")
    assert [p.shape for n, p in found.parameters.items() if n.endswith("kernel")] == [(1, 2), (2, 4), (4, 8)]
    assert [leaf.path for leaf in layers("{ dense = 2, name = 'x', times = 2 }", "[1]").leaves()] == ["x1", "x2"]


def test_frozen_parts_are_told_apart() -> None:
    found = layers("{ block = [{ dense = 2 }, { dense = 3 }], freeze = true }, { dense = 4 }", "[1]")
    assert found.frozen == {f"block1/dense{i}/{p}" for i in (1, 2) for p in ("kernel", "bias")}


def test_zeros_pad_a_shortcut() -> None:
    found = layers("{ residual = [{ conv = 8, stride = 2 }], shortcut = 'pad' }", "[9, 9, 4]")
    assert found.output_shapes["output"] == (5, 5, 8)
    assert size(found.parameters) == 9 * 4 * 8 + 8


@pytest.mark.parametrize(
    ("pattern", "path", "wanted"),
    [
        ("**", "a/b/c", True),
        ("**/kernel", "kernel", True),
        ("*/kernel", "a/b/kernel", False),
        ("conv*/**", "conv1/kernel", True),
        ("conv*/**", "dense1/conv1/kernel", False),
        ("a/**/kernel", "a/kernel", True),
        ("a*c", "abc", True),
        ("a*c*", "ac", True),
        ("a*ca", "aca", True),
        ("a*a", "a", False),
        ("**/b/**/d", "a/b/c/b/d", True),
        ("*", "", True),
    ],
)
def test_patterns(pattern: str, path: str, wanted: bool) -> None:
    assert matches(pattern, path) is wanted


def test_which_specs_need_their_data() -> None:
    assert not needs_facts(decode(parse(RESNET50, "x")))
    assert needs_facts(decode(parse("[model]\ninput = [4]\nlayers = [{ dense = '$classes' }]", "x")))
    assert needs_facts(decode(parse("[data]\nsource = 'iris'\n[model]\nlayers = [{ dense = 3 }]", "x")))
