"""The manual: every kind has a page that says what it is, what each key is, and an example that is right."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from netspec.commands import manual
from netspec.diagnostics import SpecError
from netspec.document import parse
from netspec.report.drawing.frame import Frame
from netspec.report.manual import list_view, view
from netspec.spec import keys, restructured
from netspec.spec.decode import SECTIONS, decode
from netspec.spec.examples import example, spec_with
from netspec.spec.families import FAMILIES, members
from netspec.spec.keys import described_keys, in_words, keys_of
from netspec.spec.kind import Kind
from netspec.spec.pages import Page, find, listed, pages, to_json
from tests.command import netspec

PAGES = {f"{page.family}.{page.name}": page for page in pages()}
KINDS = {f"{family.family}.{name}": kind for family in FAMILIES.values() for name, kind in members(family).items()}


def text_of(frame: Frame) -> str:
    return "\n".join(line.plain for line in frame.lines)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_a_page(name: str) -> None:
    page = PAGES[name]
    assert page.text
    assert not page.text.startswith("{")


@pytest.mark.parametrize("name", [n for n, p in PAGES.items() if p.keys])
def test_every_key_of_a_page_is_explained(name: str) -> None:
    assert [key.name for key in PAGES[name].keys if not key.text] == []
    assert [key.name for key in PAGES[name].keys if not in_words(key.schema)] == []


@pytest.mark.parametrize("name", KINDS)
def test_a_kinds_own_text_explains_its_own_keys(name: str) -> None:
    kind = KINDS[name]
    assert set(keys_of(kind)) <= described_keys(kind)


@pytest.mark.parametrize("name", KINDS)
def test_every_example_is_of_its_kind_and_without_mistakes(name: str) -> None:
    kind = KINDS[name]
    assert kind.kind in example(kind)
    decode(parse(spec_with(kind), "the example"))


def test_every_section_has_a_page() -> None:
    named = {page.name for page in pages() if page.family in ("section", "family")}
    assert set(SECTIONS) <= named


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_every_page_fits_its_width(width: int, ascii_only: bool) -> None:
    for frame in (view(pages(), width, ascii=ascii_only), list_view(listed(), width, ascii=ascii_only)):
        assert max(line.cell_len for line in frame.lines) <= width
        assert not ascii_only or text_of(frame).isascii()


CONV = """\
dense  layer

Fully connected: y = x W + b, over the last axis of its input.

  dense  a whole number from 1; required
      outputs.
  bias  true or false; true unless given
      whether b is there."""


def test_what_a_page_looks_like() -> None:
    shown = text_of(view(manual.explain("dense"), 80, colour=False))
    assert shown.startswith(CONV)
    assert "and        name, from, times, freeze, init, output, as every layer takes" in shown
    assert "example    { dense = 16 }" in shown


EQUATION = """\
    m_t ← g_t + μ m_(t-1)
    u_t ← -α_t m_t if nesterov = False"""


def test_an_optimizers_page_is_optaxs_own() -> None:
    (page,) = find("sgd")
    shown = text_of(view([page], 80))
    assert EQUATION in shown
    assert ":math:" not in shown
    assert "learning_rate  a number from 0 or a course; required" in shown
    assert page.papers == ("Sutskever et al, On the importance of initialization and momentum in deep learning, 2013",)


def test_no_optimizers_page_has_markup_left() -> None:
    for name in members(FAMILIES["optimizers"]):
        shown = text_of(view(find(f"optimizer.{name}"), 100))
        assert not [mark for mark in (":math:", ":func:", "``", ".. ", "http", "\\", ">>>") if mark in shown], name


@pytest.mark.parametrize(
    ("word", "becomes"),
    [
        (
            "conv",
            (
                "flax.nnx.Conv(3, 16, kernel_size=(3, 3), strides=(1, 1), padding='SAME', use_bias=True)",
                "  [28, 28, 3] → [28, 28, 16]",
            ),
        ),
        ("dense", ("flax.nnx.Linear(64, 16, use_bias=True)", "  [64] → [16]")),
        ("relu", ("jax.nn.relu(x)", "  [64] → [64]")),
        ("flatten", ("netspec.nn.shapes.flatten(x)", "  [28, 28, 3] → [2352]")),
        ("lamb", ("optax.lamb(learning_rate=0.001)",)),
        ("penalty.l2", ("netspec.nn.penalties.l2(strength=0.0001)",)),
        ("schedule.step", ("optax.exponential_decay(1.0, 1000, 0.1, staircase=True)",)),
        ("idx", ("netspec.data.idx.Idx('mnist')",)),
        ("he_normal", ("jax.nn.initializers.he_normal()",)),
    ],
)
def test_what_an_example_becomes(word: str, becomes: tuple[str, ...]) -> None:
    found = [page.becomes for page in manual.explain(word)]
    assert becomes in found


def test_every_example_becomes_something() -> None:
    without = {n for n, p in PAGES.items() if p.kind and not manual.explain(n)[0].becomes}
    assert without == {"layer.load"}  # it becomes the layers of a run, and there is none


def test_a_word_of_several_families() -> None:
    assert [page.family for page in find("step")] == ["activation", "schedule", "course"]
    assert [page.family for page in find("schedule.step")] == ["schedule"]
    assert [page.family for page in find("schedules.step")] == ["schedule"]
    assert [page.family for page in find("initial_value.identity")] == ["initial value"]


@pytest.mark.parametrize("word", ["layer", "layers", "train", "[train]", "expression", "duration", "split", "let"])
def test_words_that_are_no_kinds(word: str) -> None:
    assert find(word)


@pytest.mark.parametrize(
    ("word", "code", "told"),
    [
        ("convv", "unknown-kind", "did you mean 'conv'?"),
        ("ADAM", "unknown-kind", "did you mean 'adam'?"),
        ("schedule.cosin", "unknown-kind", "did you mean 'cosine'?"),
        ("loss.conv", "unknown-kind", ""),
        ("", "unknown-kind", ""),
    ],
)
def test_words_without_a_page(word: str, code: str, told: str) -> None:
    with pytest.raises(SpecError, match=rf"error\[{code}\]") as error:
        find(word)
    assert told in str(error.value)


def test_lists_hold_every_kind_once() -> None:
    names = [(word, page.name) for word, found in listed().items() for page in found if page.kind]
    assert len(names) == len(set(names)) == len(KINDS)


@pytest.mark.parametrize(
    ("family", "search", "some"),
    [
        ("layers", None, "conv"),
        ("layer", None, "conv"),
        (None, "Ioffe", "batch_norm"),
        (None, "IOFFE AND SZEGEDY", "batch_norm"),
        ("initial_values", None, "he_normal"),
        ("optimizers", "polyak", "polyak_sgd"),
    ],
)
def test_lists_of_some(family: str | None, search: str | None, some: str | None) -> None:
    found = {page.name for group in manual.kinds(family, search).values() for page in group}
    assert (some in found) if some else not found
    assert "cross_entropy" not in found


def test_a_family_that_is_none() -> None:
    with pytest.raises(SpecError, match="did you mean 'layers'"):
        listed("layres")


def test_types_in_words() -> None:
    conv: type[Kind] = FAMILIES["layers"].kinds["conv"]
    own = keys_of(conv)
    assert in_words(own["conv"].schema) == "a whole number from 1"
    assert in_words(own["kernel"].schema) == "a whole number from 1 or a list of them"
    assert in_words(own["padding"].schema) == 'a whole number from 0, a list of them, "same" or "valid"'
    dropout = keys_of(FAMILIES["layers"].kinds["dropout"])["dropout"]
    assert in_words(dropout.schema) == "a number from 0 to under 1 or a course"
    assert (dropout.default, dropout.required) == ("0.5", False)


def test_json_of_a_page() -> None:
    page: Page = find("dropout")[0]
    written = to_json(page)
    assert written["keys"][0] == {
        "key": "dropout",
        "type": "a number from 0 to under 1 or a course",
        "required": False,
        "default": "0.5",
        "text": page.keys[0].text,
    }
    assert (written["family"], written["name"], written["example"]) == ("layer", "dropout", "{ dropout = 0.5 }")


def test_commands(tmp_path: Path) -> None:
    assert netspec(tmp_path, "explain", "step").out.count("example") == 3
    assert [p["name"] for p in netspec(tmp_path, "explain", "step", "--json").json()] == ["step"] * 3
    assert "batch_norm" in netspec(tmp_path, "list", "layers", "--search", "norm").out
    clips = {"value", "norm", "global_norm", "adaptive"}
    assert netspec(tmp_path, "list", "clips", "--json").json()["clips"].keys() == clips
    assert netspec(tmp_path, "schema").json()["title"] == "netspec"
    missed = netspec(tmp_path, "explain", "convv")
    assert (missed.code, missed.out) == (2, "")
    assert "did you mean 'conv'?" in missed.err


WITHOUT_JAX = """
import sys
from netspec.commands import manual
manual.explain("adam"), manual.explain("schedule.step"), manual.explain("train"), manual.kinds(), manual.schema()
sys.exit("jax" in sys.modules or "optax" in sys.modules)
"""


@pytest.mark.parametrize(("module", "least"), [(keys, 3), (restructured, 1), (manual, 2)])
def test_the_examples_in_the_docstrings_hold(module: ModuleType, least: int) -> None:
    failed, tried = doctest.testmod(module)
    assert (failed, tried >= least) == (0, True)


def test_only_a_layers_page_needs_jax() -> None:
    assert subprocess.run([sys.executable, "-c", WITHOUT_JAX], check=False).returncode == 0
