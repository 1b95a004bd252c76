"""What a person reads when something is wrong."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.diagnostics import Diagnostic, Place, Source, SpecError, nearest, printable, render, to_json

LENET = """\
# LeNet-5 (LeCun et al., 1998) on handwritten digits.





  { conv = 16, kernel = 5, padding = 0, strid = 2, activation = "tanh" },


  { residual = [
"""


def place(text: str, line: int, part: str) -> Place:
    """The place of a part of a line."""
    column = text.split("\n")[line - 1].index(part) + 1
    return Place(Source("specs/lenet5.toml", text), line, column, column + len(part))


def test_an_unknown_key() -> None:
    diagnostic = Diagnostic(
        "unknown-key",
        "conv has no key 'strid'",
        place(LENET.replace("#", "#\n", 1), 8, "strid"),
        label="did you mean 'stride'?",
        note="conv takes: kernel, stride, padding, dilation, groups, bias, activation",
    )
    assert render(diagnostic) == (
        """\
error[unknown-key]: conv has no key 'strid'
  --> specs/lenet5.toml:8:41
   |
 8 |   { conv = 16, kernel = 5, padding = 0, strid = 2, activation = "tanh" },
   |                                         ^^^^^ did you mean 'stride'?
   = conv takes: kernel, stride, padding, dilation, groups, bias, activation"""
    )


def test_a_sum_that_does_not_fit() -> None:
    diagnostic = Diagnostic(
        "shape",
        "residual1 adds [14, 14, 32] to [28, 28, 16]",
        place(LENET.replace("#", "#\n", 1), 11, "residual"),
        label="F(x) leaves as [14, 14, 32]: conv3 (line 12) has stride 2",
        help='shortcut = "projection" brings x to the same shape',
    )
    assert render(diagnostic) == (
        """\
error[shape]: residual1 adds [14, 14, 32] to [28, 28, 16]
  --> specs/lenet5.toml:11:5
   |
11 |   { residual = [
   |     ^^^^^^^^ F(x) leaves as [14, 14, 32]: conv3 (line 12) has stride 2
   = help: shortcut = "projection" brings x to the same shape"""
    )


def underlined(text: str, part: str, label: str = "") -> tuple[str, str]:
    """The line as it is shown, and what stands under it."""
    lines = render(Diagnostic("value", "wrong", place(text, 1, part), label=label)).split("\n")
    return lines[3].removeprefix(" 1 | "), lines[4].removeprefix("   | ")


@pytest.mark.parametrize(
    ("text", "part", "line", "underline"),
    [
        ("a = 64", "64", "a = 64", "    ^^"),
        ("\ta = 64\r", "64", "    a = 64", "        ^^"),
        ("名 = 64", "64", "名 = 64", "     ^^"),
        ("a = '名前'", "'名前'", "a = '名前'", "    ^^^^^^"),
        ("e\u0301 = 64", "64", "e\u0301 = 64", "    ^^"),
        ("\u26a0\ufe0f = 64", "64", "\u26a0\ufe0f = 64", "    ^^"),
        ("\x1b[2J = 64", "64", "\\x1b[2J = 64", "          ^^"),
        ("\u202ea = 64", "64", "\\u202ea = 64", "          ^^"),
        ("a =", "", "a =", "^"),
    ],
)
def test_the_underline_stands_under_what_is_wrong(text: str, part: str, line: str, underline: str) -> None:
    assert underlined(text, part) == (line, underline)


@pytest.mark.parametrize(
    ("before", "part", "after"),
    [("x" * 500, "part", ""), ("", "part", "x" * 500), ("x" * 500, "part", "x" * 500), ("x" * 155, "part", "x" * 2)],
)
def test_a_long_line_is_cut_around_the_place(before: str, part: str, after: str) -> None:
    line, underline = underlined(before + part + after, part, "here")
    assert 159 <= len(line) <= 160
    assert line[underline.index("^") : underline.rindex("^") + 1] == part
    assert underline.endswith("^ here")
    assert line.startswith("…x") == bool(before)
    assert line.endswith("x…") == (len(after) > 2)


def test_a_long_part_is_cut_at_its_end() -> None:
    line, underline = underlined("a = [" + "1, " * 500 + "]", "[" + "1, " * 500 + "]")
    assert line.startswith("…")
    assert line.endswith("…")
    assert len(line) == 160
    assert underline.strip() == "^" * 158


@given(st.text(max_size=400), st.integers(1, 400), st.integers(0, 400))
def test_any_line_is_shown_on_four_lines(text: str, column: int, length: int) -> None:
    text = text.replace("\n", "")
    column = min(column, len(text) + 1)
    diagnostic = Diagnostic("value", text, Place(Source("a.toml", text), 1, column, column + length), label="l")
    message, _, _, line, under = render(diagnostic).split("\n")
    assert all(c.isprintable() or c in " \t" or not c.isascii() for c in message + line + under)
    assert len(under) <= 3 + 2 + 160 + 10 + 2


def test_many_mistakes_in_a_large_text_are_shown_quickly() -> None:
    source = Source("large.toml", "x" * 500_000 + "\na = 1" * 80_000)
    begun = time.perf_counter()
    for number in range(1, 1001):
        render(Diagnostic("value", "wrong", Place(source, number, 5, 6)))
    assert time.perf_counter() - begun < 2.0  # split each time, it takes ten


def test_a_line_past_the_last_is_empty() -> None:
    source = Source("a.toml", "a\nb\r\n")
    assert [source.line(n) for n in (0, 1, 2, 3, 4)] == ["", "a", "b", "", ""]


def test_without_a_place_the_file_is_named() -> None:
    diagnostic = Diagnostic("csv", "a cell is empty", file="a.csv", label="row 3", note="note", help="fill it")
    assert render(diagnostic) == "error[csv]: a cell is empty\n  --> a.csv\n   = row 3\n   = note\n   = help: fill it"
    assert to_json([diagnostic]) == [
        {
            "code": "csv",
            "message": "a cell is empty",
            "file": "a.csv",
            "line": None,
            "column": None,
            "end_column": None,
            "help": "row 3; note; fill it",
            "severity": "error",
        }
    ]


def test_as_data_a_mistake_says_where_it_is() -> None:
    (data,) = to_json([Diagnostic("value", "wrong", place("a = 64", 1, "64"))])
    assert (data["file"], data["line"], data["column"], data["end_column"]) == ("specs/lenet5.toml", 1, 5, 7)


def test_an_error_reads_like_its_mistakes() -> None:
    one, two = Diagnostic("a", "one"), Diagnostic("b", "two", severity="warning")
    assert str(SpecError(one, two)) == "error[a]: one\n\nwarning[b]: two"


@pytest.mark.parametrize(
    ("word", "guess"),
    [
        ("strid", "stride"),
        ("Stride", "stride"),
        ("max pool", "max_pool"),
        ("maxpool", "max_pool"),
        ("batch-norm", "batch_norm"),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_nearest_word(word: str, guess: str | None) -> None:
    assert nearest(word, ["stride", "max_pool", "batch_norm", "conv"]) == guess


@given(st.text())
def test_nothing_printable_steers_a_terminal(text: str) -> None:
    assert not set(printable(text)) & {"\x1b", "\x07", "\x9b", "\r", "\n", "\u202e", "\u2028"}
