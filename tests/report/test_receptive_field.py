"""How much of the input a position sees: against what a NaN in the input reaches, and against published sizes."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from netspec.build import Network
from netspec.document import parse
from netspec.graph.graph import Graph
from netspec.graph.resolve import resolve
from netspec.report.inspection.receptive_field import receptive_fields
from netspec.spec.decode import decode

LENGTH = 96


def graph_of(layers: str, shape: str) -> Graph:
    return resolve(decode(parse(f"[model]\ninput = {shape}\nlayers = [{layers}]", "x.toml")))


def seen(graph: Graph) -> int:
    """The widest stretch of the input that changes one position of the output: for each position, examples that
    differ there, up and down.
    """
    network = Network(graph)
    arrays = network.initialise(jax.random.key(0))
    x = np.tile(np.random.default_rng(0).normal(size=(LENGTH, 2)).astype(np.float32), (1 + 2 * LENGTH, 1, 1))
    at = np.arange(LENGTH)
    x[1 + at, at] += 9.0
    x[1 + LENGTH + at, at] -= 9.0
    y = np.asarray(network.apply(*arrays, {"input": x}).outputs["output"]).reshape(1 + 2 * LENGTH, -1, 2)
    changed = (y[1:] != y[:1]).any(axis=-1)
    reached = changed[:LENGTH] | changed[LENGTH:]
    return max(int(np.ptp(np.flatnonzero(column))) + 1 for column in reached.T if column.any())


@pytest.mark.parametrize(
    ("layers", "wanted"),
    [
        ("{ conv = 4, kernel = 5 }, { conv = 2, kernel = 3 }", 7),
        ("{ conv = 4, kernel = 3, stride = 2 }, 'tanh', { conv = 2, kernel = 3 }", 7),
        ("{ conv = 4, kernel = 3, dilation = 4 }, { max_pool = 2 }, { conv = 2, kernel = 2 }", 12),
        ("{ conv = 4, kernel = 3, causal = true, dilation = 2 }, { depthwise_conv = 3 }", 7),
        ("{ avg_pool = 2 }, { conv_transposed = 4, kernel = 4, stride = 2 }", 4),
        ("{ avg_pool = 3 }, { conv_transposed = 2, kernel = 5, stride = 3 }, { conv = 2 }, { max_pool = 3 }", 9),
        ("{ avg_pool = 4 }, { upsample = 4 }, { max_pool = 2 }, { conv = 2, kernel = 4 }", 12),
        ("{ avg_pool = 4 }, { upsample = 2 }, { conv = 2 }, { upsample = 2 }, { conv = 2, times = 2 }", 12),
        ("{ avg_pool = 4 }, { upsample = 4 }, { conv = 4, kernel = 3 }", 8),
        ("{ avg_pool = 2 }, { upsample = 2, method = 'bilinear' }, { conv = 2, kernel = 2 }", 6),
        ("{ parallel = [[], [{ conv = 4, kernel = 3 }], [{ conv = 4, kernel = 7 }]] }, { conv = 2, kernel = 3 }", 9),
        ("{ residual = [{ conv = 8, kernel = 3, stride = 2 }], shortcut = 'pad' }, { conv = 2, kernel = 3 }", 7),
        ("{ conv = 4, name = 'a' }, { conv = 4, name = 'b' }, { conv = 4, kernel = 1 }, { add = ['conv1', 'a'] }", 5),
        ("'batch_norm', 'layer_norm', { dense = 4 }, 'relu', { pad = 1 }, { conv = 2, norm = 'weight' }", 3),
        ("{ conv = 4 }, { crop = 1 }, { scale = 1.0 }, { dropout = 0.5 }", 3),
    ],
)
def test_what_a_position_sees(layers: str, wanted: int) -> None:
    graph = graph_of(layers, f"[{LENGTH}, 2]")
    assert receptive_fields(graph)[graph.nodes[-1].path] == (wanted,)
    assert seen(graph) == wanted


@pytest.mark.parametrize(
    ("layers", "least"),
    [
        ("'global_avg_pool'", LENGTH),
        ("'flatten', { dense = 2 }", LENGTH),
        # What a cell remembers fades, until float32 does not hold it any more.
        ("{ cell = [{ dense = 2 }], state = 2 }", LENGTH // 2),
    ],
)
def test_some_layers_see_everything(layers: str, least: int) -> None:
    graph = graph_of(f"{{ conv = 2 }}, {layers}", f"[{LENGTH}, 2]")
    assert receptive_fields(graph)[graph.nodes[-1].path] is None
    assert least <= seen(graph) <= LENGTH


def test_axes_are_told_apart_and_words_have_one() -> None:
    found = receptive_fields(graph_of("{ conv = 4, kernel = [3, 5], stride = [2, 1] }, { conv = 4 }", "[32, 32, 3]"))
    assert (found["input"], found["conv1"], found["conv2"]) == ((1, 1), (3, 5), (7, 7))


# Araujo, Norris and Sim, 2019 (table 1).
VGG = ", ".join(f"{', '.join(['{ conv = 2 }'] * n)}, {{ max_pool = 2 }}" for n in (2, 2, 3, 3, 3))
ALEXNET = """{ conv = 2, kernel = 11, stride = 4 }, { max_pool = 3, stride = 2 }, { conv = 2, kernel = 5 },
  { max_pool = 3, stride = 2 }, { conv = 2, times = 3 }, { max_pool = 3, stride = 2 }"""


@pytest.mark.parametrize(("layers", "wanted"), [(VGG, 212), (ALEXNET, 195)])
def test_published_sizes(layers: str, wanted: int) -> None:
    graph = graph_of(layers, "[224, 224, 3]")
    assert receptive_fields(graph)[graph.nodes[-1].path] == (wanted, wanted)
