"""What a page is made of: escaped, whole, and nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import tomllib
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import pytest
from made_pages import HARM, empty, report

from netspec.report.page import page, to_json
from netspec.report.page.markup import anchor, clipped, embedded, tag
from netspec.report.page.thinning import MOST, evenly, means, thinned
from netspec.report.page.written import coloured

ASSETS = files("netspec.report.page") / "assets"


class Reader(HTMLParser):
    """The elements of a page, with their attributes, and what stands in it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.inside: dict[str, list[str]] = {}
        self._around = ""
        self.feed(text)

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes)))
        self._around = name
        if name in ("script", "style"):
            self.inside.setdefault(name, []).append("")

    def handle_endtag(self, name: str) -> None:
        self._around = ""

    def handle_data(self, text: str) -> None:
        if self._around in self.inside:
            self.inside[self._around][-1] += text
        else:
            self.text += text


REPORTS: dict[str, Callable[[], object]] = {
    "one": report,
    "two": lambda: report(runs=2),
    "empty": empty,
    **{f"harm {i}": lambda word=word: report(word) for i, word in enumerate(HARM)},
}


@pytest.fixture(params=REPORTS)
def found(request: pytest.FixtureRequest) -> Reader:
    return Reader(page(REPORTS[request.param]()))  # type: ignore[arg-type]


def test_a_page_asks_for_nothing_and_runs_only_what_its_policy_names(found: Reader) -> None:
    [policy] = [a["content"] for name, a in found.elements if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    for word, rule in (("script", "script-src"), ("style", "style-src")):
        run = [
            text
            for (_, attributes), text in zip(
                [e for e in found.elements if e[0] == word], found.inside[word], strict=True
            )
            if attributes.get("type") != "application/json"
        ]
        hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in run]
        assert rules[rule].split() == [f"'sha256-{digest}'" for digest in hashes]
    for name, attributes in found.elements:
        assert not [key for key in attributes if key.startswith("on") or key in ("style", "srcset", "action", "data")]
        assert str(attributes.get("src", "data:image/")).startswith("data:image/"), name
        assert str(attributes.get("href", "#")).startswith("#")
        assert name not in ("iframe", "object", "embed", "link", "base", "form")


def test_headings_are_in_order_and_names_are_given_once(found: Reader) -> None:
    levels = [int(name[1]) for name, _ in found.elements if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    names = [a["id"] for _, a in found.elements if "id" in a]
    assert len(set(names)) == len(names)
    assert {str(a["href"])[1:] for _, a in found.elements if "href" in a} <= set(names)
    assert {a["aria-labelledby"] for _, a in found.elements if "aria-labelledby" in a} <= set(names)


def test_every_element_has_what_it_needs_to_be_read_aloud(found: Reader) -> None:
    assert dict(found.elements)["html"]["lang"] == "en"
    for name, attributes in found.elements:
        if name == "img":
            assert attributes["alt"]
        if name == "th":
            assert attributes["scope"] in ("row", "col")
        if attributes.get("role") in ("img", "region"):
            assert attributes.get("aria-label") or name == "svg"


@pytest.mark.parametrize("word", HARM)
def test_data_within_a_page_is_read_back_as_it_was(word: str) -> None:
    text = embedded("data", {"word": [word]})
    assert not re.search(r"[<>&\u2028\u2029]", text.removeprefix('<script type="application/json" id="data">')[:-9])
    [inside] = Reader(text).inside["script"]
    assert json.loads(inside) == {"word": [word]}


@pytest.mark.parametrize("word", HARM)
def test_a_text_is_one_text_wherever_it_stands(word: str) -> None:
    found = Reader(tag("p", word, title=word))
    assert [name for name, _ in found.elements] == ["p"]
    assert found.text == found.elements[0][1]["title"]
    assert found.text.replace("\\u2028\\u2029", "\u2028\u2029").startswith(word[:6].replace("\u202e", "\\u202e")[:6])


@pytest.mark.parametrize("text", [*HARM, 'a = "\\"#" # c', "a = '''\n#'''\n[b]\nc = 1", '"""', "[[x]]\n= ="])
def test_colouring_a_spec_changes_no_character(text: str) -> None:
    plain = Reader(coloured(text)).text
    assert plain == Reader("\n".join(tag("b", line) for line in text.split("\n"))).text


def test_a_spec_is_coloured_by_its_parts() -> None:
    html = coloured('# note\n[train]\nepochs = 30  # "x"\nname = "a#b"\n')
    assert re.findall(r'<span class="(.)">([^<]*)', html) == [
        ("c", "# note"),
        ("h", "[train]"),
        ("k", "epochs"),
        ("n", "30"),
        ("c", "# &quot;x&quot;"),
        ("k", "name"),
        ("s", "&quot;a#b&quot;"),
    ]


def test_what_others_made_is_what_they_published() -> None:
    for name, parts in tomllib.loads((ASSETS / "VENDORED.toml").read_text()).items():
        assert {"version", "licence", "source"} <= parts.keys(), name
        for file, expected in parts["sha256"].items():
            assert hashlib.sha256((ASSETS / file).read_bytes()).hexdigest() == expected, file
    assert "Leon Sorokin" in page(empty()).partition("</html>")[2]


def test_a_thinned_curve_keeps_its_lowest_and_highest() -> None:
    steps = np.arange(100_000.0)
    values = np.sin(steps / 900) + (steps == 43_210) * 50 - (steps == 77_001) * 60
    x, y = thinned(steps, values)
    assert len(x) <= MOST
    assert y.max() == values.max()
    assert y.min() == values.min()
    assert (x[0], x[-1]) == (0, 99_999)
    assert (np.diff(x) > 0).all()
    assert set(zip(x, y, strict=True)) <= set(zip(steps, values, strict=True))


def test_means_of_stretches_have_the_mean_of_all() -> None:
    steps, values = np.arange(50_000.0), np.random.default_rng(0).normal(size=50_000)
    found = means(steps, values)
    assert found is not None
    assert len(found[0]) == MOST // 2
    assert found[1].mean() == pytest.approx(values.mean(), abs=1e-6)
    assert found[0].mean() == pytest.approx(steps.mean())
    assert means(steps[:MOST], values[:MOST]) is None


@pytest.mark.parametrize(("count", "most", "expected"), [(3, 5, [0, 1, 2]), (9, 3, [0, 4, 8]), (0, 3, []), (1, 3, [0])])
def test_some_of_many_lie_evenly(count: int, most: int, expected: list[int]) -> None:
    assert evenly(count, most).tolist() == expected


def test_names_of_places_and_clipped_names() -> None:
    assert anchor("Run 1", HARM[0]) == "run-1-script-img-src-x-onerror-alert-1"
    assert clipped("abcdef", 4) == "abc…"
    assert clipped("abcd", 4) == "abcd"


def test_the_data_of_a_page_is_json() -> None:
    data = json.loads(json.dumps(to_json(report(runs=2)), allow_nan=False))
    assert [run["name"] for run in data["runs"]] == ["lenet5-0", "lenet5-1"]
    assert data["comparison"] is None
    assert to_json(empty())["runs"][0]["network"] == {"why": "there is nothing: <b>why</b>"}


def test_pages_are_small() -> None:
    assert len(page(report()).encode()) < 200_000
    assert len(page(report(runs=20)).encode()) < 1_000_000
