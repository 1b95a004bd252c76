"""`netspec plot`: every kind of picture as PNG and SVG, what is in them, and what is said where there is none."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from netspec.commands.embedding import embedding, last_hidden, principal
from netspec.commands.filters import filters
from netspec.commands.pictured import others
from netspec.commands.regions import regions
from netspec.commands.sample import sample_of
from netspec.commands.trained import open_run, weights_of
from netspec.report.pictures import bars, confusion, curves, points, tiles
from netspec.report.pictures.canvas import TOLD_APART, colour_of, style_of
from netspec.report.pictures.groups import grouped
from tests.command import netspec
from tests.pictured.conftest import AXES, LABELS
from tests.pictured.conftest import make_run as make_saved_run
from tests.report.made_runs import SPEC, make_run

VALLEY = """\
name = "valley"
[model]
point = [-1.5, 2.0]
[loss]
kind = "rosenbrock"
[optimizer]
kind = "sgd"
learning_rate = 1e-3
[train]
steps = 40
"""

DOTS = 160
"""In an inch of a PNG."""

ONE_RUN = {
    "confusion": ("digits", "sides", "tags"),
    "filters": ("digits", "colours"),
    "reconstructions": ("autoencoder",),
    "regions": ("members", "surface"),
    "embedding": ("autoencoder", "surface", "tags"),
    "weights": ("members",),
}
CASES = [(kind, name) for kind, names in ONE_RUN.items() for name in names]


def image_of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_pictures_of_one_run(folder: Path, kind: str, name: str) -> None:
    result = netspec(folder, "plot", f"{name}-1", "--kind", kind, "--json", "-o", "one.png")
    assert (result.code, result.err) == (0, "")
    assert result.json() | {"what": ""} == {"kind": kind, "runs": [f"runs/{name}-1"], "what": "", "file": "one.png"}
    drawn = image_of(folder / "one.png")
    assert min(drawn.shape[:2]) > 200
    assert max(drawn.shape[:2]) <= 16 * DOTS
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 20
    if kind == "weights":
        assert result.json()["what"] == "4 arrays of parameters"  # of two layers, for both members at once
    edge = np.concatenate([drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]])
    assert (edge == 255).all()  # nothing is cut off


def svg_of(path: Path) -> tuple[ElementTree.Element, list[str]]:
    """The picture, and the texts in it: each glyph is a path, and what it spells stands in a comment before it."""
    text = path.read_text()
    return ElementTree.fromstring(text), re.findall(r"<!-- (.*?) -->", text, re.DOTALL)


@pytest.mark.parametrize("kind", ["confusion", "regions", "embedding"])
def test_names_are_never_markup_or_formulas(folder: Path, kind: str) -> None:
    result = netspec(folder, "plot", "plane-1", "--kind", kind, "-o", "named.svg")
    assert (result.code, result.err) == (0, "")
    root, texts = svg_of(folder / "named.svg")
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not tags & {"script", "b", "a", "foreignObject"}
    spelt = [text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for text in texts]
    # Matplotlib parts two hyphens within a comment, where they would end it.
    wanted = [label.replace("--", "- -") for label in LABELS]
    wanted += AXES if kind == "regions" else []
    assert set(wanted) <= set(spelt)


def test_escapes_never_reach_the_terminal_or_the_picture(folder: Path) -> None:
    data = confusion.draw(np.eye(2, dtype=int), ["\x1b[31mred", "\u202ebidi"], "t", "svg").decode()
    assert "\x1b" not in data
    assert "\u202e" not in data
    assert r"\x1b[31mred" in data
    result = netspec(folder, "plot", "plane-1", "--kind", "\x1b[31mx")
    assert (result.code, "\x1b" in result.err) == (2, False)


# -- what is in them ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40, 6), (6, 40)])
def test_principal_components_are_numpys(shape: tuple[int, int]) -> None:
    rows = np.random.default_rng(0).normal(size=shape) @ np.diag(np.linspace(3, 0.1, shape[1]))
    found, explained = principal(rows)
    u, s, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(found), np.abs(u[:, :2] * s[:2]), atol=1e-9)
    np.testing.assert_allclose(explained, s[:2] ** 2 / (s**2).sum())
    assert (found[np.abs(found).argmax(axis=0), [0, 1]] > 0).all()
    same, nothing = principal(np.ones((5, 3)))
    assert (np.abs(same).max(), nothing) == (0.0, (0.0, 0.0))


def test_an_embedding_is_of_what_the_layer_gives(folder: Path) -> None:
    run = folder / "runs/plane-1"
    found = embedding(sample_of(run))
    own = {path: np.asarray(array, np.float64) for path, array in weights_of(open_run(run))[2].items()}
    with (folder / "plane.csv").open() as file:
        rows = [(float(r[AXES[0]]), float(r[AXES[1]]), r["kind"]) for r in csv.DictReader(file)]
    x = np.array([row[:2] for row in rows])
    hidden = np.tanh((x - x.mean(axis=0)) / x.std(axis=0) @ own["hidden/kernel"] + own["hidden/bias"])
    u, s, _ = np.linalg.svd(hidden - hidden.mean(axis=0), full_matrices=False)
    assert (found.layer, found.features, found.labels) == ("hidden", 8, tuple(sorted(LABELS)))
    np.testing.assert_allclose(found.explained, s[:2] ** 2 / (s**2).sum(), rtol=1e-4)
    expected = np.abs(u[:, :2] * s[:2])
    np.testing.assert_allclose(in_order(np.abs(found.points)), in_order(expected), atol=1e-4)


def in_order(rows: np.ndarray) -> np.ndarray:
    """Rows by their first number: the order of the examples is the part's."""
    return rows[rows[:, 0].argsort()]


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("digits", "dense1"),
        ("autoencoder", "code"),
        ("tags", "dense1"),
        ("colours", "relu1"),
        ("pairs", "tower"),
        ("sides", None),
    ],
)
def test_the_last_hidden_layer(folder: Path, name: str, layer: str | None) -> None:
    sample = sample_of(folder / f"runs/{name}-1")
    kind = "input" if name == "autoencoder" else "class"
    node = last_hidden(sample.program.network.graph, sample.aim.output, kind)
    assert (node and node.path) == layer


@pytest.mark.parametrize("name", ["plane", "surface"])
def test_regions_are_what_predict_says(folder: Path, name: str) -> None:
    found = regions(sample_of(folder / f"runs/{name}-1", "train"))
    at = np.random.default_rng(0).integers(0, len(found.x), (25, 2))
    asked = [f"{found.x[i]:.9g},{found.y[j]:.9g}" for i, j in at]
    (folder / "asked.csv").write_text("\n".join([",".join(found.axes), *asked]) + "\n")
    rows = list(csv.DictReader(io.StringIO(netspec(folder, "predict", f"{name}-1", "asked.csv").out)))
    values = np.array([found.values[j, i] for i, j in at])
    if name == "surface":
        np.testing.assert_allclose(values, [float(row["value"]) for row in rows], rtol=1e-4)
        return
    assert [found.labels[i] for i in values.argmax(axis=1)] == [row["class"] for row in rows]
    np.testing.assert_allclose(values.max(axis=1), [float(row["probability"]) for row in rows], rtol=1e-4)
    assert found.x[0] < found.points[:, 0].min()
    assert found.y[-1] > found.points[:, 1].max()


def test_filters_are_the_weights(folder: Path) -> None:
    own = {path: np.asarray(array) for path, array in weights_of(open_run(folder / "runs/digits-1"))[2].items()}
    found = filters(folder / "runs/digits-1")
    assert (found.layer, found.kernels.shape) == ("conv1", (3, 3, 3, 1))
    np.testing.assert_array_equal(found.kernels[2, :, :, 0], own["conv1/kernel"][:, :, 0, 2])
    dense = filters(folder / "runs/colours-1")
    assert (dense.layer, dense.kernels.shape) == ("dense1", (5, 6, 5, 3))
    flat = np.asarray(weights_of(open_run(folder / "runs/colours-1"))[2]["dense1/kernel"])
    assert dense.kernels[4, 1, 2, 0] == flat[(1 * 5 + 2) * 3, 4]


def test_tiles_lie_row_by_row() -> None:
    kernels = np.arange(-6.0, 6.0).reshape(3, 2, 2, 1)
    shown = tiles.as_tiles(kernels)
    np.testing.assert_allclose(shown[0], 0.5 + kernels[0, :, :, 0] / 12)
    whole = tiles.laid_out(shown, 2)
    assert whole.shape == (50, 50)  # each of 2 dots is enlarged to 24, with 2 between them
    assert (whole[26:, 26:] == 1.0).all()
    np.testing.assert_allclose(whole[26:50:12, 0:24:12], shown[2])
    assert tiles.as_tiles(np.ones((4, 2, 2, 3))).shape == (4, 2, 2, 3)
    per_channel = tiles.as_tiles(np.arange(16.0).reshape(2, 2, 2, 2))
    np.testing.assert_allclose(per_channel[1], 0.5 + np.arange(16.0).reshape(2, 2, 2, 2)[0, :, :, 1] / 30)


@pytest.mark.parametrize(("classes", "written"), [(2, True), (32, True), (33, False)])
def test_confusions_of_few_and_of_many_classes(classes: int, written: bool) -> None:
    counts = np.diag(np.arange(1001, 1001 + classes))
    counts[0, 1] = 7
    svg = confusion.draw(counts, [f"class {i}" for i in range(classes)], "title", "svg").decode()
    assert ("<!-- 1,002 -->" in svg or "<!-- 1,002\n" in svg) == written
    assert ("0.7 %" in svg) == (classes <= 12)
    np.testing.assert_allclose(confusion.shares_of(np.array([[3, 1], [0, 0]])), [[0.75, 0.25], [0, 0]])


def test_points_of_many_classes_are_named_by_the_most_frequent(folder: Path) -> None:
    draw = np.random.default_rng(0)
    truths = np.concatenate([np.arange(30), np.repeat(np.arange(20), 3)])
    svg = points.draw_embedding(
        draw.normal(size=(90, 2)), (0.5, 0.25), truths, [f"c{i}" for i in range(30)], "t", "svg"
    ).decode()
    named = set(re.findall(r"<!-- (c\d+|others) -->", svg))
    assert named == {"others", *(f"c{i}" for i in range(20))}
    assert "principal component 1 (50.0 % of the variance)" in svg


# -- any number of runs ------------------------------------------------------------------------------------------------


def test_curves_and_bars_of_runs(folder: Path, tmp_path: Path) -> None:
    for rate in ("1e-3", "1e-4"):
        for seed in range(3):
            make_run(tmp_path / "runs", SPEC.replace("1e-3", rate), seed=seed, accuracy=0.9 + seed / 100)
    result = netspec(tmp_path, "plot", "lenet5-*", "-o", "all.svg")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[0] == "curves of 6 runs by step: drawn in all.svg"
    root, texts = svg_of(tmp_path / "all.svg")
    assert "lenet5, learning_rate 0.001 (3 seeds)" in texts
    assert "validation accuracy" in texts
    assert (
        sum("PolyCollection" in (e.get("id") or "") or "FillBetween" in (e.get("id") or "") for e in root.iter()) == 4
    )
    assert netspec(tmp_path, "plot", "lenet5-1", "lenet5-4", "--by", "time").code == 0
    assert image_of(tmp_path / "curves.png").shape[1] == round(2 * curves.WIDTH * DOTS)
    assert netspec(tmp_path, "plot", "runs", "--kind", "bars", "-o", "b.svg").code == 0
    assert svg_of(tmp_path / "b.svg")[1].count("0.9100 ± 0.0248") == 2
    before = (tmp_path / "all.svg").read_bytes()
    netspec(tmp_path, "plot", "lenet5-*", "-o", "all.svg")
    assert (tmp_path / "all.svg").read_bytes() == before


@pytest.mark.parametrize(
    ("last", "by", "wanted"),
    [
        (2, "step", ["0", "1", "2"]),
        (2, "time", ["0", "0.5", "1", "1.5", "2"]),
        (17_000, "step", ["0", "5,000", "10,000", "15,000"]),
        (690_000, "step", ["0", "200k", "400k", "600k"]),
        (8_000_000, "examples", ["0", "2M", "4M", "6M", "8M"]),
    ],
)
def test_numbers_along_the_axis_are_few_and_whole(last: float, by: str, wanted: list[str]) -> None:
    from matplotlib.figure import Figure

    axes = Figure(figsize=(curves.WIDTH, curves.HEIGHT)).add_subplot()
    curves.number(axes, whole=by != "time")
    axes.set_xlim(0, 1.02 * last)
    axes.figure.draw_without_rendering()
    texts = [label.get_text() for label in axes.get_xticklabels()]
    assert [text for text, at in zip(texts, axes.get_xticks(), strict=True) if at <= 1.02 * last] == wanted


def test_twenty_specs_are_told_apart(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, SPEC.replace("1e-3", f"{i}e-5"), accuracy=0.5 + i / 50) for i in range(1, 21)]
    looks = [(colour_of(i), style_of(i)) for i in range(TOLD_APART)]
    assert len(set(looks)) == TOLD_APART > len(runs)
    texts = re.findall(r"<!-- (lenet5-\d+, learning_rate \S+) -->", curves.draw(grouped(runs), "step", "svg").decode())
    assert set(texts) == {f"lenet5-{i}, learning_rate {i * 1e-5:g}" for i in range(1, 21)}
    drawn = bars.draw(*bars.finals(grouped(runs)), "png")
    assert Image.open(io.BytesIO(drawn)).height == round((1.5 + 0.42 * 20) * DOTS)


OTHERS = {
    "digits": ("confusion", "filters", "embedding", "weights"),
    "autoencoder": ("filters", "reconstructions", "embedding", "weights"),
    "plane": ("confusion", "regions", "embedding", "weights"),
    "surface": ("regions", "embedding", "weights"),
    "valley": ("weights",),
}


@pytest.mark.parametrize("name", OTHERS)
def test_others_that_are_named_are_those_that_there_are(folder: Path, name: str) -> None:
    if name == "valley":
        (folder / "valley.toml").write_text(VALLEY)
        make_saved_run(folder, name)
    named = others([folder / f"runs/{name}-1"], "curves")
    assert named == ("bars", *OTHERS[name])
    refused = netspec(folder, "plot", f"{name}-1", "--kind", "filters" if "filters" not in named else "regions").err
    there = re.search("of this run there are: curves, (.*)", refused)
    assert there is not None
    assert there[1].split(", ") == list(named)


def test_of_several_runs_and_of_one_that_is_damaged_no_networks_pictures_are_named(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / "runs"), make_run(tmp_path / "runs", seed=1)]
    assert others(runs, "curves") == others(runs[:1], "curves") == ("bars",)
    assert netspec(tmp_path, "plot", "lenet5-1").out.splitlines()[1] == "others: --kind bars"


# -- what is refused ---------------------------------------------------------------------------------------------------

REFUSED = {
    "kind": (("digits-1", "--kind", "confusoin"), "did you mean 'confusion'?"),
    "two runs": (("digits-1", "plane-1", "--kind", "filters"), "filters shows one run, and there are 2"),
    "what there is": (("surface-1", "--kind", "confusion"), "there are: curves, bars, regions, embedding, weights"),
    "no images": (("plane-1", "--kind", "filters"), "its inputs are no images"),
    "no autoencoder": (("digits-1", "--kind", "reconstructions"), "does not give back its input"),
    "no plane": (("digits-1", "--kind", "regions"), "an input has the shape [8, 8, 1], and must be two numbers"),
    "pairs": (("pairs-1", "--kind", "regions"), "it takes several inputs"),
    "no layer": (("plane-1", "--kind", "embedding", "--layer", "hiden"), "did you mean 'hidden'?"),
    "no hidden layer": (("sides-1", "--kind", "embedding"), "there is no hidden layer"),
    "option": (("plane-1", "--kind", "confusion", "--by", "time"), "--by is for curves"),
    "by": (("plane-1", "--by", "hour"), "--by is step, examples or time, not hour"),
    "part": (("digits-1", "--kind", "confusion", "--part", "all"), "--part must be one of train, validation, test"),
    "no record": (("plane-1",), "no record of plane-1 holds a step"),
    "not begun": (("plane-1", "--kind", "bars"), "none of the runs has begun"),
    "form": (("plane-1", "-o", "x.pdf"), "--out writes .png or .svg, not x.pdf"),
    "no run": (("plain-1",), "plane-1"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_there_is_no_picture_of(folder: Path, case: str) -> None:
    arguments, message = REFUSED[case]
    result = netspec(folder, "plot", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
