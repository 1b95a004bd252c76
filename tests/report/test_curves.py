from __future__ import annotations

import math
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netspec.report.drawing.curves import Series, draw


def text(lines):
    return "\n".join(line.plain for line in lines)


def beside(lines):
    return {line.plain.split("┤")[0].strip() for line in lines if "┤" in line.plain}


FALLING = Series("training", [(x, 100 * 0.9**x) for x in range(80)])
LEVEL = Series("validation", [(0, 10.0), (79, 10.0)])


def test_a_chart_as_text():
    drawn = draw([FALLING, LEVEL], 60, 10, ascii=True, title="loss")
    expected = """
loss   ** training   oo validation
  100 +********
   10 +ooooooooooooooooooooooooooooooooooooooooooooooooooooo
      |              *********
    1 +                      *********
      |                              *********
  0.1 +                                      ********
      |                                              *******
      ++------------+------------+-------------+------------
       0           20           40            60        step"""
    assert text(drawn) == expected.lstrip("\n")


@given(st.lists(st.floats(), max_size=20), st.integers(5, 20))
@example([1.4, 1.9], 6)
def test_any_floats_can_be_drawn(values, height):
    lines = draw([Series("a", list(enumerate(values)))], 40, height)
    assert len(lines) == height
    assert all(line.cell_len <= 40 for line in lines)


def test_braille_follows_the_values():
    rows = [line.plain for line in draw([Series("a", [(0, 0.0), (1, 1.0)])], 20, 8)][1:-2]
    heads = [row.index(next(c for c in row if "⠀" < c <= "⣿")) for row in rows]
    assert heads == sorted(heads, reverse=True)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_dropped(value):
    with_it = Series("a", [(0, 1.0), (1, value), (2, 3.0)])
    without = Series("a", [(0, 1.0), (2, 3.0)])
    assert draw([with_it], 40, 8) == draw([without], 40, 8)


@pytest.mark.parametrize("position", [0, 31_415, 99_999])
@pytest.mark.parametrize("height", [-50.0, 50.0])
def test_a_single_outlier_among_a_hundred_thousand_points_is_seen(position, height):
    values = [(float(x), math.sin(x)) for x in range(100_000)]
    values[position] = (float(position), height)
    flat, spiked = (draw([Series("a", v)], 60, 12) for v in ([(x, y) for x, y in values if y != height], values))
    assert f"{height * 0.8:.0f}" in beside(spiked)
    assert f"{height * 0.8:.0f}" not in beside(flat)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([1000, 1], {"1,000", "100", "10", "1"}),
        ([0.5, 0.9], {"0.9", "0.8", "0.7", "0.6", "0.5"}),
        ([-3, 3], {"-2", "0", "2"}),
        ([5, 5], {"5.0"}),
        ([0, 1000], {"0", "200", "1,000"}),
        ([2e-9, 1e-5], {"1e-5", "1e-7"}),
    ],
)
def test_round_values_stand_beside_the_canvas(values, labels):
    drawn = draw([Series("a", list(enumerate(map(float, values))))], 50, 14)
    assert labels <= beside(drawn)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize(("width", "height"), [(20, 5), (37, 9), (200, 60)])
@pytest.mark.parametrize("count", [0, 1, 2, 3000])
def test_a_chart_has_its_size_whatever_is_in_it(ascii_only, colour, width, height, count):
    rng = random.Random(count)
    many = [Series(f"run {i}", [(x, rng.lognormvariate(0, 4)) for x in range(count)]) for i in range(9)]
    lines = draw(many, width, height, ascii=ascii_only, colour=colour, title="loss", x_range=(0, 4000))
    assert len(lines) == height
    assert all(line.cell_len <= width for line in lines)
    assert not ascii_only or text(lines).isascii()
    assert colour or not any(span.style not in ("", "bold") for line in lines for span in line.spans)


def test_without_colour_every_series_has_a_mark_of_its_own():
    lines = draw([Series(f"run {i}", [(0, float(i)), (9, i + 0.5)]) for i in range(5)], 60, 20, colour=False)
    marks = [part.split()[0] for part in lines[0].plain.split("   ")]
    assert len(set(marks)) == 5
    assert all(text(lines[1:]).count(mark[0]) > 20 for mark in marks[1:])


def test_a_label_cannot_steer_the_terminal():
    legend = draw([Series("\x1b[2J[red]\n", [(0, 1.0)])], 60, 8)[0].plain
    assert "\x1b" not in legend
    assert "[red]" in legend


def test_a_label_keeps_to_ascii_where_the_curves_do():
    lines = draw([Series("é → 名", [(0, 1.0)])], 60, 8, ascii=True, title="größe")
    assert lines[0].plain == "gr\\xf6\\xdfe   ** \\xe9 -> \\u540d"


@pytest.mark.parametrize(
    ("steps", "numbers"),
    [((1,), ["1"]), ((1, 2), ["1"]), ((1, 4), ["1", "2", "3"]), ((123_456, 123_457), ["123,456"])],
)
def test_no_step_is_numbered_twice(steps, numbers):
    foot = draw([Series("run", [(x, 0.5) for x in steps])], 60, 8)[-1].plain
    assert foot.split() == [*numbers, "step"]
