"""Expressions count, and do nothing else, whatever their text."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netspec.spec.expression import LARGEST, ExpressionError, parse

NAMES = {"width": 64, "rate": 0.5, "n": 3, "word": "same", "yes": True}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$width", 64),
        ("$ width ", 64),
        ("$word", "same"),
        ("$yes", True),
        ("$1 + 2 * 3", 7),
        ("$(1 + 2) * 3", 9),
        ("$2 ** 3 ** 2", 512),
        ("$-2 ** 2", -4),
        ("$2 ** -1", 0.5),
        ("$7 // 2 - 7 % 2", 2),
        ("$6 / 2", 3),
        ("$7 / 2", 3.5),
        ("$1 - 2 - 3", -4),
        ("$8 / 2 / 2", 2),
        ("$--n", 3),
        ("$max(n, 2, width // 4)", 16),
        ("$min(1.5, rate)", 0.5),
        ("$.5 + 1e1 + 2.", 12.5),
        ("$4 ** .5", 2),
    ],
)
def test_values(text: str, value: Any) -> None:
    found = parse(text).evaluate(NAMES)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "message", "part"),
    [
        ("$", "expected a number or a name here", ""),
        ("$2 +", "expected a number or a name here", ""),
        ("$2 * )", "expected a number or a name, found ')'", ")"),
        ("$(2", "expected ')'", ""),
        ("$(2 3)", "expected ')', found '3'", "3"),
        ("$2 3", "expected an operator or the end, found '3'", "3"),
        ("$n()", "expected an operator or the end, found '('", "("),
        ("$n.real", "an expression cannot hold '.'", "."),
        ("$'a'", "an expression cannot hold '''", "'"),
        ("$n[0]", "an expression cannot hold '['", "["),
        ("$2 & 3", "an expression cannot hold '&'", "&"),
        ("$٣", "an expression cannot hold '٣'", "٣"),
        ("$wdth * 2", "nothing here is called 'wdth'", "wdth"),
        ("$1 / (n - 3)", "division by zero", "/"),
        ("$1 // 0", "division by zero", "//"),
        ("$1 % 0", "division by zero", "%"),
        ("$2 ** 54", "the result is larger than 2**53", "**"),
        ("$9007199254740993", "the result is larger than 2**53", "9007199254740993"),
        ("$1e999", "the result is larger than 2**53", "1e999"),
        ("$2 ** 65", "an exponent lies between -64 and 64, and zero has none below 0", "**"),
        ("$0 ** -1", "an exponent lies between -64 and 64, and zero has none below 0", "**"),
        ("$1.5e15 ** 64", "the result is larger than 2**53", "**"),
        ("$(0 - 8) ** .5", "a root of a negative number is not a number here", "**"),
        ("$word + 1", "only numbers can be counted with, and here one is 'same'", "$word + 1"),
        ("$max(word)", "only numbers can be counted with, and here one is 'same'", "$max(word)"),
        ("$yes * 2", "only numbers can be counted with, and here one is True", "$yes * 2"),
        ("$" + "(" * 30, "an expression nests at most 20 deep", "("),
        ("$" + "-" * 30, "an expression nests at most 20 deep", "-"),
        ("$" + "1+" * 100, "an expression has at most 200 characters, this one has 201", "$" + "1+" * 100),
    ],
)
def test_mistakes(text: str, message: str, part: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text).evaluate(NAMES)
    assert caught.value.message == message
    assert text[caught.value.start : caught.value.end] == part


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("$wdth").evaluate(NAMES)
    assert caught.value.help == "did you mean 'width'?"


def test_names_are_those_that_are_read() -> None:
    assert parse("$max(width, n) * rate - min").names == {"width", "n", "rate", "min"}


words = st.sampled_from(
    [
        *"+-*/%(),0123456789. $",
        "//",
        "**",
        "width",
        "rate",
        "n",
        "word",
        "min(",
        "max(",
        "9" * 16,
        "1e15",
        "-64",
        "é",
        "\n",
    ]
)


@settings(deadline=None)
@given(
    st.one_of(st.text(max_size=80), st.lists(words, max_size=60).map("".join), st.lists(words, max_size=9).map("".join))
)
def test_any_text_is_an_expression_or_a_mistake_inside_it(text: str) -> None:
    text = f"${text}"
    begun = time.perf_counter()
    value, start, end = None, 0, 1
    try:
        value = parse(text).evaluate(NAMES)
    except ExpressionError as error:
        start, end = error.start, error.end
    assert 0 <= start < end <= len(text) + 1  # the end is a place, too
    assert value in (None, "same", True) or abs(value) <= LARGEST
    assert time.perf_counter() - begun < 1


numbers = st.one_of(st.integers(-99, 99).map(str), st.sampled_from(["width", "rate", "n"]))
trees = st.recursive(
    numbers,
    lambda inside: st.tuples(inside, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inside).map(
        lambda t: f"({' '.join(t)})"
    ),
    max_leaves=8,
)


@given(trees)
def test_arithmetic_is_pythons(text: str) -> None:
    try:
        expected = eval(text, {"__builtins__": {}}, NAMES)  # noqa: S307  (the test's own text)
    except ZeroDivisionError:
        with pytest.raises(ExpressionError, match="division by zero"):
            parse(f"${text}").evaluate(NAMES)
    else:
        assert parse(f"${text}").evaluate(NAMES) == expected
