from __future__ import annotations

import pytest
from rich.text import Text

from netspec.report.dashboard.panels import Panel, abreast, arranged


def panel(letter, least, enough=None, most=None, weight=1):
    return Panel(least, enough or least, most or enough or least, weight, lambda height: [Text(letter)] * height)


def drawn(panels, ranks, height, always=()):
    return "".join(line.plain or "." for line in arranged(panels, ranks, height, always))


@pytest.mark.parametrize(
    ("height", "expected"),
    [
        (11, "aaa.bb.cccc"),
        (20, "aaa.bb.cccc"),
        (10, "aaa.cccc"),
        (8, "aaa.cccc"),
        (7, "bb.cccc"),
        (3, "aaa"),
        (2, "bb"),
        (1, ""),
        (0, ""),
    ],
)
def test_what_matters_least_is_left_out_first(height, expected):
    panels = {"a": panel("a", 3), "b": panel("b", 2), "none": None, "c": panel("c", 4)}
    assert drawn(panels, ("c", "none", "a", "b"), height) == expected


@pytest.mark.parametrize(
    ("height", "expected"),
    [
        (6, "aaaaaa"),
        (10, "aaaaaaaaaa"),
        (11, "aaaaaaaa.bb"),
        (12, "aaaaaaaa.bbb"),
        (15, "aaaaaaaaaa.bbbb"),
        (40, "a" * 35 + ".bbbb"),
    ],
)
def test_lines_go_by_what_is_enough_and_then_by_weight(height, expected):
    panels = {"a": panel("a", 5, 8, 100, weight=3), "b": panel("b", 2, 2, 4)}
    assert drawn(panels, ("a", "b"), height) == expected


def test_blank_lines_go_before_what_must_be_there():
    panels = {"a": panel("a", 3), "b": panel("b", 2), "c": panel("c", 2)}
    assert drawn(panels, ("a", "b", "c"), 8) == "aaa.bb"
    assert drawn(panels, ("a", "b", "c"), 8, always={"a", "b", "c"}) == "aaabbcc"
    assert drawn(panels, ("a", "b", "c"), 6, always={"a", "b"}) == "aaa.bb"


def test_columns_stand_where_the_widths_put_them():
    left, right = [Text("one"), Text(""), Text("three")], [Text("eins"), Text("zwei")]
    assert [line.plain for line in abreast([(6, left), (5, right)], 2)] == ["one     eins", "        zwei", "three"]
