"""Networks as pictures: which boxes and edges there are, where they stand, and that each form is well formed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest

from netspec.diagnostics import SpecError
from netspec.document import parse
from netspec.graph.graph import Graph
from netspec.graph.resolve import resolve
from netspec.report.graph import FORMS, Picture, pictured, svg
from netspec.report.graph.layout import Layout
from netspec.report.graph.marks import Drawing, Framed, Label, Line, Placed
from netspec.report.graph.picture import Box, Frame, Item, edges, outline, titled
from netspec.report.graph.routes import across, ties
from netspec.spec.call import Shape
from netspec.spec.decode import decode

CHAIN = "[model]\ninput = [8, 8, 1]\nlayers = [{ conv = 4, activation = 'relu' }, 'flatten', { dense = 3, name = 'y' }]"
RESIDUAL = """[model]
input = [8, 8, 4]
layers = [{ residual = [{ conv = 8, stride = 2 }], shortcut = "projection" }, { residual = ["relu", { conv = 8 }] }]"""
GATED = (
    "[model]\ninput = [6]\nlayers = [{ residual = [{ dense = 6 }], gate = [{ dense = 6, bias = false }], times = 5 }]"
)
INCEPTION = """[block.unit]
args = { width = "int" }
layers = [{ parallel = [[{ conv = "$width", kernel = 1 }], [{ max_pool = 3, stride = 1, padding = 1 }], []] }]
[model]
input = [8, 8, 4]
layers = [{ unit = 2 }, { side = ["flatten", { dense = 5 }], output = "early" }, { unit = 3 }]"""
TOWERS = """[model.inputs]
left = [4]
right = [4]
context = [2]
[model]
layers = [
  { block = [{ dense = 3 }], name = "tower", from = "left" }, { share = "tower", from = "right", name = "other" },
  { subtract = ["tower", "other"], name = "difference" }, { concat = ["difference", "context"] },
  { dense = 6, name = "hidden" }, { dense = 1, name = "same" }, { dense = 10, from = "hidden", name = "digit" },
]
outputs = ["same", "digit"]"""
TIED = "[model]\ninput = [9]\nlayers = [{ dense = 4, name = 'code' }, 'tanh', { dense = 9, tie = 'code' }]"
MODELS = """[models.writer]
input = [2]
layers = [{ dense = 3 }]
[models.reader]
input = [3]
layers = [{ dense = 1 }]"""
UNET = """[model]
input = [16, 16, 2]
layers = [
  { conv = 4, name = "fine" }, { max_pool = 2 }, { conv = 8, name = "coarse" }, { max_pool = 2 }, { conv = 8 },
  { upsample = 2, name = "up1" }, { concat = ["up1", "coarse"] }, { conv = 4 }, { upsample = 2, name = "up2" },
  { concat = ["up2", "fine"] }, { conv = 2 },
]"""
CROSSED = """[model]
input = [8, 8, 4]
layers = [
  { conv = 4, name = "a" }, { conv = 4, name = "b" }, { add = ["a", "b"], name = "c" }, { conv = 4, name = "d" },
  { add = ["d", "a", "b"], name = "e" }, { residual = [{ conv = 4, from = "a" }, "relu"] },
  { parallel = [[{ conv = 4, name = "q" }, { conv = 4, from = "c", name = "r" }, { add = ["q", "r"] }], [], ["relu"]] },
  { side = ["flatten", { dense = 2 }], output = "early" }, { side = ["global_avg_pool"], output = "mean" },
  { block = [{ residual = [{ conv = 12 }] }], times = 3 }, "flatten", { dense = 7, output = "last" }, { dense = 3 },
]"""
CELLS = """[model]
input = [6, 4]
layers = [{ cell = [{ dense = 3 }, "tanh"], state = 3 }, { bidirectional = [{ cell = [{ dense = 2 }], state = 2 }] }]"""
HEADS = """[block.head]
layers = [
  { dense = 4, name = "hidden" }, { dense = 4 }, { dense = 3, output = "short" },
  { dense = 4, from = "hidden" }, { dense = 4 }, { dense = 4, name = "end" },
]
[model.inputs]
left = [4]
right = [4]
[model]
layers = [
  { dense = 4, from = "left", name = "a" }, { dense = 4, from = "right", name = "b" }, { dense = 3, from = "a" },
  { dense = 2, output = "early" }, { add = ["a", "b"] }, "head", { dense = 2 },
]"""
EVERY = (HEADS, CHAIN, RESIDUAL, GATED, INCEPTION, TOWERS, TIED, MODELS, UNET, CROSSED, CELLS)


def graph_of(text: str) -> Graph:
    return resolve(decode(parse(text, "x.toml")))


def picture_of(text: str, depth: int | None = None) -> Picture:
    return pictured(graph_of(text), depth)


def drawn(text: str) -> Drawing:
    picture, layout = picture_of(text), Layout()
    drawing = across(layout.flow(picture.flow, None), layout.across)
    return ties(drawing, picture.ties)


# -- boxes and edges ---------------------------------------------------------------------------------------------------


def test_an_edge_leads_from_each_box_to_those_that_read_it() -> None:
    assert told(CHAIN) == [
        "input -> 3×3 conv, 4 · relu: [8, 8, 1]",
        "3×3 conv, 4 · relu -> flatten: [8, 8, 4]",
        "flatten -> y: dense 3: [256]",
        "y: dense 3 -> output: [3]",
    ]
    assert told(RESIDUAL) == [
        "input -> 3×3 conv, 8, /2: [8, 8, 4]",
        "input -> 1×1 conv, 8, /2: [8, 8, 4]",
        "1×1 conv, 8, /2 -> batch norm: [4, 4, 8]",
        "3×3 conv, 8, /2 -> +: [4, 4, 8]",
        "batch norm -> +: [4, 4, 8]",
        "+ -> relu: [4, 4, 8]",
        "relu -> 3×3 conv, 8: [4, 4, 8]",
        "3×3 conv, 8 -> +: [4, 4, 8]",
        "+ -> +: [4, 4, 8]",
        "+ -> output: [4, 4, 8]",
    ]
    assert told(INCEPTION)[:9] == [
        "input -> 1×1 conv, 2: [8, 8, 4]",
        "input -> 3×3 max pool: [8, 8, 4]",
        "1×1 conv, 2 -> concat: [8, 8, 2]",
        "3×3 max pool -> concat: [8, 8, 4]",
        "input -> concat: [8, 8, 4]",
        "concat -> flatten: [8, 8, 10]",
        "flatten -> dense 5: [640]",
        "concat -> 1×1 conv, 3: [8, 8, 10]",
        "concat -> 3×3 max pool: [8, 8, 10]",
    ]
    assert told(TOWERS) == [
        "left -> dense 3: [4]",
        "right -> dense 3: [4]",
        "dense 3 -> difference (−): [3]",
        "dense 3 -> difference (−): [3]",
        "difference (−) -> concat: [3]",
        "context -> concat: [2]",
        "concat -> hidden: dense 6: [5]",
        "hidden: dense 6 -> same: dense 1: [6]",
        "hidden: dense 6 -> digit: dense 10: [6]",
        "same: dense 1 -> same: [1]",
        "digit: dense 10 -> digit: [10]",
    ]
    assert told(TIED)[-1] == "code: dense 4 -> dense 9: None"
    assert told(MODELS) == [
        *("input -> dense 3: [2]", "dense 3 -> output: [3]", "input -> dense 1: [3]", "dense 1 -> output: [1]")
    ]


def told(text: str) -> list[str]:
    """The edges, by what stands in the boxes."""
    picture = picture_of(text)
    titles = {box.path: box.title for box in picture.boxes()}
    return [f"{titles[edge.source]} -> {titles[edge.target]}: {edge.shape}" for edge in edges(picture)]


def outlined(text: str, depth: int | None = None) -> list[str]:
    """What stands in the boxes between inputs and outputs, indented as they are nested."""
    parts = outline(picture_of(text, depth).flow)
    shown = [(level, part) for level, part in parts if part is not None]
    return [
        f"{level * '  '}{titled(p)}{':' * isinstance(p, Frame)}"
        for level, p in shown
        if isinstance(p, Frame) or p.role not in ("input", "output")
    ]


DEEP = """[block.unit]
args = { width = "int" }
layers = [{ residual = [{ dense = "$width" }] }, "relu"]
[model]
input = [4]
layers = [{ unit = 4 }, { unit = 4, times = 3 }, { dense = 4, times = 4 }, { block = [{ unit = 4 }], name = "last" }]"""


@pytest.mark.parametrize(
    ("text", "depth", "wanted"),
    [
        (DEEP, None, ["unit 4 × 4:", "  dense 4", "  +", "  relu", "dense 4 × 4", "last:", "  unit 4:", "    dense 4"]),
        (DEEP, 1, ["unit 4 × 4", "dense 4 × 4", "last"]),
        (DEEP, 2, ["unit 4 × 4:", "  residual", "  relu", "dense 4 × 4", "last:", "  unit 4"]),
        (GATED, None, ["× 5:", "  dense 6", "  dense 6", "  gated sum"]),
        (TOWERS, 1, ["tower", "other (shares tower)", "difference (−)", "concat", "hidden: dense 6"]),
        (TOWERS, None, ["tower:", "  dense 3", "other (shares tower):", "  dense 3", "difference (−)"]),
        (MODELS, 1, ["writer", "reader"]),
        (CELLS, None, ["cell, state 3:", "  dense 3", "  tanh", "cell, state 2:", "  dense 2", "reverse"]),
        # What another layer reads by name has a box of its own.
        (
            "[model]\ninput = [4]\nlayers = [{ block = ['tanh'], name = 'a', times = 3 }, { add = ['a1', 'a3'] }]",
            1,
            ["a", "a × 2", "+"],
        ),
    ],
)
def test_blocks_hold_what_they_hold_and_equal_ones_are_folded(text: str, depth: int | None, wanted: list[str]) -> None:
    assert outlined(text, depth)[: len(wanted)] == wanted


@pytest.mark.parametrize(
    ("layer", "wanted"),
    [
        ("{ conv = 8, kernel = [3, 5], stride = 2, padding = 0, bias = false }", "3×5 conv, 8, /2"),
        ("{ conv = 8, dilation = 2, groups = 4, stride = [1, 2] }", "3×3 conv, 8, dilation 2, groups 4, /1×2"),
        ("{ conv_transposed = 6, kernel = 2, activation = 'leaky_relu' }", "2×2 conv transposed, 6 · leaky relu"),
        ("{ depthwise_conv = 5 }", "5×5 depthwise conv"),
        ("{ reshape = [64, 4] }, { conv = 8, kernel = 3, causal = true }", "conv, 8, kernel 3, causal"),
        ("{ avg_pool = 2 }", "2×2 avg pool, /2"),
        ("'global_max_pool'", "global max pool"),
        ("{ dropout = 0.25 }", "dropout 0.25"),
        ("{ reshape = [64, 4] }", "reshape 64×4"),
        ("{ upsample = 2, method = 'bilinear', name = 'up' }", "up: upsample 2, method bilinear"),
    ],
)
def test_layers_are_called_as_papers_call_them(layer: str, wanted: str) -> None:
    assert outlined(f"[model]\ninput = [8, 8, 4]\nlayers = [{layer}]")[-1] == wanted


def test_what_is_too_much_to_look_at_is_folded_or_refused() -> None:
    adds = ", ".join(f"{{ dense = 4 }}, {{ add = ['dense{i}', 'dense1'] }}" for i in range(2, 20))
    blocks = "".join(f"[block.b{i}]\nlayers = [{{ dense = 4 }}, {adds}, 'b{i + 1}']\n" for i in range(60))
    blocks += "[block.b60]\nlayers = ['tanh']\n[model]\ninput = [4]\nlayers = ['b0']"
    nested = picture_of(blocks)
    assert max(level for level, _ in outline(nested.flow)) == 15
    assert svg(nested)
    many = ", ".join("{ dense = 1 }, 'relu'" for _ in range(1001))
    with pytest.raises(SpecError, match="would have 2,004 boxes, and 2,000 are the most"):
        picture_of(f"[model]\ninput = [4]\nlayers = [{many}]")
    names = ", ".join(f"'dense{i}'" for i in range(1, 81))
    joins = ", ".join(f"{{ add = ['a{i}', {names}], name = 'a{i + 1}' }}" for i in range(70))
    with pytest.raises(SpecError, match=r"would have 5,7\d\d lines, and 5,000 are the most"):
        picture_of(
            f"[model]\ninput = [4]\nlayers = [{{ dense = 4, times = 80 }}, {{ dense = 4, name = 'a0' }}, {joins}]"
        )


# -- where they stand --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", EVERY)
def test_nothing_is_drawn_over_another(text: str) -> None:
    drawing = drawn(text)
    boxes = [m for m in drawing.marks if isinstance(m, Placed)]
    frames = [m for m in drawing.marks if isinstance(m, Framed)]
    assert len({box.box.path for box in boxes}) == len(boxes) == sum(1 for _ in picture_of(text).boxes())
    for a, b in combinations(boxes, 2):
        assert not _overlap(_edges(a), _edges(b)), (a.title, b.title)
    for box in boxes:
        for frame in frames:
            inside = box.box.path.startswith(f"{frame.frame.path}/") or frame.frame.path in box.box.path
            assert _within(_edges(box), _edges(frame)) == _overlap(_edges(box), _edges(frame)), inside
        for line in (m for m in drawing.marks if isinstance(m, Line)):
            assert not any(_overlap(piece, _edges(box)) for piece in _pieces(line)), (line, box.title)
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= drawing.width
        assert box.y + box.height <= drawing.height


@pytest.mark.parametrize("text", EVERY)
def test_inputs_stand_above_what_reads_them_and_arrows_end_at_boxes(text: str) -> None:
    drawing, picture = drawn(text), picture_of(text)
    places = {m.box.path: m for m in drawing.marks if isinstance(m, Placed)}
    for edge in edges(picture):
        if edge.shape is not None:
            assert places[edge.source].y + places[edge.source].height <= places[edge.target].y
    ends = [_edges(m) for m in drawing.marks if isinstance(m, Placed | Framed)]
    for line in (m for m in drawing.marks if isinstance(m, Line) and m.arrow):
        x, y = line.points[-1]
        assert any(a - 1 <= x <= c + 1 and b - 1 <= y <= d + 1 for a, b, c, d in ends), line
    words = {m.text for m in drawing.marks if isinstance(m, Label)} - {"gate", "forward", "backward"}
    shapes = {"×".join(map(str, edge.shape)) for edge in edges(picture) if edge.shape is not None}
    # Between layers that hang on each other, and into what a frame begins with, nothing is said twice.
    assert words
    assert words <= shapes
    assert "×".join(map(str, graph_of(text).output_shapes.popitem()[1])) in words


def test_equal_branches_are_symmetrical_and_the_shortcut_is_beside() -> None:
    places = {m.box.path: m for m in drawn(TOWERS).marks if isinstance(m, Placed)}
    middle = {path: place.x + place.width / 2 for path, place in places.items()}
    assert middle["difference"] == pytest.approx((middle["tower/dense1"] + middle["other/dense1"]) / 2)
    assert middle["hidden"] == pytest.approx((middle["same"] + middle["digit"]) / 2)
    assert places["left"].y == places["right"].y == places["context"].y
    places = {m.box.path: m for m in drawn(RESIDUAL).marks if isinstance(m, Placed)}
    assert places["residual1/shortcut/conv1"].x > places["residual1/conv1"].x + places["residual1/conv1"].width


Edges = tuple[float, float, float, float]


def _edges(mark: Placed | Framed) -> Edges:
    return mark.x, mark.y, mark.x + mark.width, mark.y + mark.height


def _overlap(a: Edges, b: Edges) -> bool:
    """Whether two rectangles share more than an edge."""
    near = 0.5
    return a[0] < b[2] - near and b[0] < a[2] - near and a[1] < b[3] - near and b[1] < a[3] - near


def _within(a: Edges, b: Edges) -> bool:
    return b[0] <= a[0] and b[1] <= a[1] and a[2] <= b[2] and a[3] <= b[3]


def _pieces(line: Line) -> Iterator[Edges]:
    for (ax, ay), (bx, by) in pairwise(line.points):
        assert ax == bx or ay == by
        yield min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)


# -- how they are written ----------------------------------------------------------------------------------------------

HOSTILE = 'x"><script>alert(1)</script>\\"];\x1b[31m`#quot;%%{}\u202e ü'


def hostile() -> Picture:
    shape = Shape((2,))
    inside = Frame("f", HOSTILE, shape, (Item(Box("f/b", HOSTILE, "dense", shape, HOSTILE)),), HOSTILE, 2, "a")
    return Picture(HOSTILE, (Item(Box("a", HOSTILE, "input", shape), ()), Item(inside)), (("a", "f/b"),))


@pytest.mark.parametrize("picture", [hostile(), *map(picture_of, EVERY)])
def test_an_svg_is_well_formed_and_holds_nothing_that_runs(picture: Picture) -> None:
    text = svg(picture)
    root = ElementTree.fromstring(text)
    tags = {element.tag.removeprefix("{http://www.w3.org/2000/svg}") for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "rect", "g", "path", "polygon", "text"}
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name or name == "style"]
    assert text.isascii()
    assert "url(" not in text
    titles = [element.text for element in root.iter("{http://www.w3.org/2000/svg}title")]
    assert titles[0] == svg_name(picture)


def svg_name(picture: Picture) -> str:
    return picture.name.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")


@pytest.mark.parametrize("picture", [hostile(), *map(picture_of, EVERY)])
def test_mermaid_and_dot_close_what_they_open(picture: Picture) -> None:
    """No name leaves its quotes, every line is one of a few forms, and edges lead from and to what is declared."""
    written = FORMS["mermaid"](picture).splitlines()
    strings = re.compile(r'"[^"\\<>&`]*"')
    body = [strings.sub("S", line.strip()) for line in written[4:]]
    node = re.compile(r"(n\d+)(\[S\]|\(\[S\]\)|\(\(S\)\)):::\w+")
    edge = re.compile(r"(n\d+) (?:-->\|S\||-. S .-) (n\d+)")
    others = re.compile(
        r"subgraph s\d+\[S\]|end|style [ns]\d+ stroke-dasharray:5 3|classDef \w+ fill:#\w+,stroke:#\w+,.*"
    )
    assert [line for line in body if not any(form.fullmatch(line) for form in (node, edge, others))] == []
    assert sum(line.startswith("subgraph") for line in body) == body.count("end")
    declared = {m[1] for line in body if (m := node.fullmatch(line))}
    ends = {name for line in body if (m := edge.fullmatch(line)) for name in m.groups()}
    assert ends <= declared

    text = re.sub(r'"(?:[^"\\]|\\.)*"', "S", FORMS["dot"](picture))
    assert not {'"', "<"} & set(text)
    assert text.count("{") == text.count("}")
    attributes = r"\[[\w= ,S]*\]"
    lines = [line.strip() for line in text.splitlines()]
    statement = re.compile(
        rf"digraph S {{|(?:graph|node|edge) \[.*\]|n\d+ {attributes}|n\d+ -> n\d+ {attributes}|subgraph cluster_\d+ {{|"
        r"label=S; labeljust=S; style=S; color=S|}"
    )
    assert [line for line in lines if not statement.fullmatch(line)] == []


def test_pictures_are_imported_without_jax() -> None:
    command = [sys.executable, "-c", "import sys, netspec.report.graph; sys.exit('jax' in sys.modules)"]
    assert subprocess.run(command, check=False).returncode == 0


def test_a_point_is_no_shape() -> None:
    text = "[model]\npoint = [-1.5, 2.0]"
    [box] = [box for box in pictured(resolve(decode(parse(text, "x.toml")))).boxes() if box.path == "point"]
    assert box.title == "point (-1.5, 2)"
