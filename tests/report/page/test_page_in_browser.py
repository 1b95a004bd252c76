"""A page in a browser: its curves are there, its toggles work, and nothing on it means harm."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from browser import Tab
from made_pages import HARM, confusion, empty, report, run

sys.path.insert(0, str(Path(__file__).parents[1]))

from made_runs import SPEC, make_run

from netspec.report.comparison.compare import compare
from netspec.report.page import report_of
from netspec.report.page.contents import Curves

Show = Callable[..., Tab]

CANVAS = "[...document.querySelectorAll('.plotted canvas')]"


def drawn(tab: Tab, number: int = 0) -> str:
    """A chart's pixels."""
    return tab.value(f"{CANVAS}[{number}].toDataURL()")


def colours(tab: Tab, name: str, number: int = 0) -> int:
    """How many of a chart's pixels have a colour of the style, at full strength."""
    return tab.value(
        f"""(() => {{
        const canvas = {CANVAS}[{number}];
        const hex = getComputedStyle(document.documentElement).getPropertyValue("--{name}").trim();
        const wanted = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {{ willReadFrequently: true }});
        copy.drawImage(canvas, 0, 0);
        const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data;
        let count = 0;
        for (let i = 0; i < pixels.length; i += 4) {{
          count += wanted.every((c, k) => Math.abs(pixels[i + k] - c) < 3) && pixels[i + 3] > 250;
        }}
        return count;
        }})()"""
    )


def texts(tab: Tab, selector: str) -> list[str]:
    return tab.value(f"[...document.querySelectorAll({selector!r})].map((e) => e.textContent)")


def pressed(tab: Tab, selector: str) -> list[str]:
    return tab.value(f"[...document.querySelectorAll({selector!r})].map((e) => e.getAttribute('aria-pressed'))")


def test_every_curve_is_drawn_in_its_colour(shown: Show) -> None:
    tab = shown(report())
    assert tab.value(f"{CANVAS}.length") == 2
    assert len(texts(tab, ".legend button")) == 3
    assert min(colours(tab, "line-1"), colours(tab, "line-2"), colours(tab, "line-4", 1)) > 300
    assert colours(tab, "line-4") == 0


@pytest.mark.parametrize("dark", [False, True])
def test_a_page_is_as_light_as_its_reader_prefers(shown: Show, dark: bool) -> None:
    tab = shown(report(), dark=dark)
    ground = "getComputedStyle(document.body).backgroundColor"
    first, picture = tab.value(ground), drawn(tab)
    assert (sum(map(int, re.findall(r"\d+", first))) < 200) is dark
    assert pressed(tab, "#theme") == [str(dark).lower()]
    tab.click("#theme")
    assert tab.value(ground) != first
    assert pressed(tab, "#theme") == [str(not dark).lower()]
    assert drawn(tab) != picture
    assert colours(tab, "line-1") > 300
    tab.click("#theme")
    assert drawn(tab) == picture


@pytest.mark.parametrize(
    ("selector", "number"),
    [(".log", 0), ("#curves .choices button", 1), ("#curves .choices button", 3), (".legend button", 0)],
    ids=["log", "epoch", "time", "series"],
)
def test_a_toggle_draws_the_curves_otherwise(shown: Show, selector: str, number: int) -> None:
    tab = shown(report())
    before, was = drawn(tab), pressed(tab, selector)[number]
    tab.click(selector, number)
    assert drawn(tab) != before
    assert pressed(tab, selector)[number] != was
    if "choices" in selector:
        assert pressed(tab, selector).count("true") == 1
        tab.click(selector, 0)
    else:
        tab.click(selector, number)
    assert drawn(tab) == before


def test_a_loss_without_bound_has_its_marks(shown: Show) -> None:
    found = report()
    [contents] = found.runs
    curves = contents.curves
    assert isinstance(curves, Curves)
    line = replace(curves.charts[0].lines[0], steps=(1.0, 2.0, 3.0, 4.0), values=(1.5, 2e9, 3e21, 3e34), means=None)
    chart = replace(curves.charts[0], lines=(line,), logarithmic=True, positive=True)
    tab = shown(
        replace(found, runs=(replace(contents, curves=replace(curves, charts=(chart,), alerts=(), phases=())),))
    )
    for scale in ("logarithmic", "linear"):
        assert tab.value(f"{CANVAS}.length") == 1
        assert colours(tab, "muted") > 100, scale  # the letters left of the axis
        tab.click(".log")


def test_a_loss_that_is_0_now_and_then_has_both_scales(shown: Show) -> None:
    found = report()
    [contents] = found.runs
    curves = contents.curves
    assert isinstance(curves, Curves)
    values = tuple(0.0 if i % 7 == 3 else value for i, value in enumerate(curves.charts[0].lines[0].values))
    line = replace(curves.charts[0].lines[0], values=values)
    zero = replace(line, name="zero", colour=3, values=(0.0,) * len(values))
    chart = replace(curves.charts[0], lines=(line, zero), logarithmic=True)
    tab = shown(
        replace(found, runs=(replace(contents, curves=replace(curves, charts=(chart,), alerts=(), phases=())),))
    )
    assert colours(tab, "line-1") > 300
    assert colours(tab, "line-3") == 0  # far below
    tab.click(".legend button", 0)  # nothing that is left is positive
    tab.click(".legend button", 0)
    tab.click(".log")
    assert colours(tab, "line-3") > 300


def test_a_series_that_is_switched_off_is_gone(shown: Show) -> None:
    tab = shown(report())
    tab.click(".legend button", 1)
    assert colours(tab, "line-2") == 0
    assert colours(tab, "line-1") > 300


def test_smoothing_draws_a_second_curve_over_the_raw_one(shown: Show) -> None:
    tab = shown(report())
    slide = "const s = document.querySelector('input[type=range]'); s.value = {}; s.dispatchEvent(new Event('input'));"
    pictures = []
    for weight in (0, 0.5, 0.95):
        tab.value(f"(() => {{ {slide.format(weight)} }})()")
        assert texts(tab, ".controls output") == [f"{weight:.2f}"]
        pictures.append(drawn(tab))
    assert len(set(pictures)) == 3


def test_dragging_zooms_all_charts_and_a_double_click_shows_all(shown: Show) -> None:
    tab = shown(report())
    before = [drawn(tab, i) for i in range(2)]
    tab.drag(".u-over", 0.3, 0.6)
    assert all(drawn(tab, i) != before[i] for i in range(2))
    whole = "[...document.querySelectorAll('.controls > button')].map((b) => b.hidden)"
    assert tab.value(whole) == [False]
    tab.click(".u-over", times=2)
    tab.mouse("mouseMoved", 1, 1)
    assert [drawn(tab, i) for i in range(2)] == before
    assert tab.value(whole) == [True]


def test_a_finger_zooms(shown: Show) -> None:
    tab = shown(report(), width=390, height=844, touch=True)
    before = drawn(tab)
    tab.swipe(".u-over", 0.2, 0.7)
    assert drawn(tab) != before
    tab.click(".controls > button")
    assert drawn(tab) == before


def test_keys_move_the_cursor_and_zoom(shown: Show) -> None:
    tab = shown(report())
    tab.value("document.querySelector('.plotted').focus()")
    tab.press("End", "ArrowLeft")
    # The last but one of the curve's points, and what the other curve is nearest to it.
    assert texts(tab, "figcaption .readout")[0].startswith("step 990: lenet5 0.0")
    tab.press("Home")
    assert texts(tab, "figcaption .readout")[0].startswith("step 10: lenet5 2.3")
    before = drawn(tab)
    tab.press("+")
    assert drawn(tab) != before
    tab.press("0")
    assert drawn(tab) == before


def test_tab_goes_through_everything_that_works_and_shows_where_it_is(shown: Show) -> None:
    tab = shown(report())
    tab.value("document.querySelector('#theme').focus()")
    seen, outlines = [], []
    for _ in range(60):
        tab.press("Tab")
        seen.append(tab.value("document.activeElement.className + ' ' + document.activeElement.tagName"))
        outlines.append(tab.value("parseFloat(getComputedStyle(document.activeElement).outlineWidth)"))
    for wanted in ("plotted", "log BUTTON", "INPUT", "CANVAS", "folder BUTTON", "SUMMARY", "scroll matrix-box", "A"):
        assert any(wanted in name for name in seen), wanted
    assert all(width >= 1 for name, width in zip(seen, outlines, strict=True) if "BODY" not in name)


def test_the_layers_health_is_read_by_keys(shown: Show) -> None:
    tab = shown(report())
    tab.value("document.querySelector('.health canvas').focus()")
    tab.press("ArrowUp", "ArrowLeft")
    assert texts(tab, ".health .readout") == ["lenet5, step 200: 0.01"]
    tab.click(".health .choices button", 1)
    tab.value("document.querySelector('.health canvas').focus()")
    tab.press("ArrowDown", "ArrowRight")
    assert texts(tab, ".health .readout") == ["dense1, step 300: 1"]


@pytest.mark.parametrize("classes", [2, 10, 30, 100])
def test_a_cell_of_the_matrix_says_what_it_counts(shown: Show, classes: int) -> None:
    tab = shown(report(classes=classes))
    tab.value("document.querySelector('.matrix-box').focus()")
    tab.press("ArrowDown", "ArrowRight")
    assert texts(tab, ".matrix .readout") == ["true 0, said 1: 1 of 9 (11.1 %)"]
    left, top, width, height = tab.place(".confusion tbody td")
    tab.mouse("mouseMoved", left + width / 2, top + height / 2)
    assert texts(tab, ".matrix .readout") == ["true 0, said 0: 8 of 9 (88.9 %)"]
    # For those who read it aloud, every count is a cell with headers.
    assert tab.value("document.querySelectorAll('.confusion tbody td:not(.share)').length") == classes**2


LONG = ("an aeroplane at night", "a lorry that is long", "a")


def test_a_long_class_is_clipped_above_its_column_and_told_whole(shown: Show) -> None:
    found = report(classes=3)
    [contents] = found.runs
    tab = shown(replace(found, runs=(replace(contents, confusion=confusion(LONG)),)))
    assert texts(tab, ".confusion thead th") == ["an aero…", "a lorry…", "a", "right"]
    titles = "[...document.querySelectorAll('.confusion thead th')].map((e) => e.title)"
    assert tab.value(titles) == [*LONG[:2], "", ""]
    tab.value("document.querySelector('.matrix-box').focus()")
    tab.press("ArrowDown", "ArrowRight")
    assert texts(tab, ".matrix .readout") == [f"true {LONG[0]}, said {LONG[1]}: 1 of 9 (11.1 %)"]


def test_the_result_fits_a_phone(shown: Show) -> None:
    found = report()
    [contents] = found.runs
    names = ("root_mean_squared_error", "mean_absolute_error", "member/root_mean_squared_error")
    names += ("spread/root_mean_squared_error",)
    metrics = {f"{part}/{name}": 0.1234 for part in ("train", "validation", "test") for name in names}
    result = replace(contents.result, metric=f"validation/{names[0]}", metrics=metrics)
    tab = shown(replace(found, runs=(replace(contents, result=result),)), width=360, height=780, touch=True)
    box = "document.querySelector('.reached').parentElement"
    assert tab.value(f"{box}.scrollWidth - {box}.clientWidth") == 0


def test_no_picture_comes_later_and_moves_what_is_read(shown: Show) -> None:
    tab = shown(report())
    pictures = "[...document.images].map((image) => image.complete && image.naturalWidth > 0)"
    assert tab.value(pictures) == [True] * 5  # a mistake, and two pairs


def test_a_block_folds(shown: Show) -> None:
    tab = shown(report())
    hidden = "[...document.querySelectorAll('.layers tbody tr')].map((r) => r.hidden)"
    tab.click(".folder")
    assert tab.value(hidden) == [False, True]
    tab.click(".folder")
    assert tab.value(hidden) == [False, False]


OPEN = "document.querySelectorAll('details').forEach((d) => { d.open = true; })"


@pytest.mark.parametrize("word", ["lenet5", "an_extraordinarily_long_name_that_goes_on_" * 4, HARM[0]])
@pytest.mark.parametrize("runs", [1, 2])
def test_a_phone_does_not_scroll_sideways(shown: Show, word: str, runs: int) -> None:
    tab = shown(report(word, runs), width=360, height=780, touch=True)
    tab.value(OPEN)
    assert tab.value("document.documentElement.scrollWidth") <= 360
    assert tab.value("[...document.querySelectorAll('.plotted canvas')].every((c) => c.clientWidth <= 344)")


def test_a_page_is_printed_light_whole_and_on_several_sheets(shown: Show) -> None:
    tab = shown(report(runs=2), dark=True)
    printed = tab.printed()
    assert printed.startswith(b"%PDF")
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 40
    state = "[document.documentElement.dataset.theme, document.querySelectorAll('details:not([open], .aside)').length]"
    before = tab.value(state)
    tab.value("window.dispatchEvent(new Event('beforeprint'))")
    assert tab.value(state) == ["light", 0]
    assert colours(tab, "line-1") > 300
    tab.value("window.dispatchEvent(new Event('afterprint'))")
    assert tab.value(state) == before == ["dark", before[1]]


def test_what_is_folded_is_drawn_when_it_is_opened(shown: Show) -> None:
    tab = shown(report(runs=3))
    assert tab.value(f"{CANVAS}.length") == 0
    tab.click("details.run > summary", 1)
    tab.value("new Promise((done) => setTimeout(done, 50))")
    assert tab.value(f"{CANVAS}.length") == 2
    assert colours(tab, "line-1") > 300


HARM_DONE = "document.querySelectorAll(`img:not([src^='data:']), main script, [onmouseover], [onload]`).length"


@pytest.mark.parametrize("word", HARM)
def test_a_strangers_text_stays_text(shown: Show, word: str) -> None:
    tab = shown(report(word))
    tab.value(OPEN)
    assert tab.value(HARM_DONE) == 0
    assert tab.value("document.querySelectorAll('script').length") == tab.value("document.scripts.length")
    assert tab.value("document.querySelectorAll('style').length") == tab.value("document.styleSheets.length")
    assert not re.search("[\u2028\u2029\u202a-\u202e\u2066-\u2069\x00\x1b]", tab.value("document.body.textContent"))
    assert tab.value("document.querySelector('footer') !== null")


@pytest.mark.parametrize("word", HARM)
@pytest.mark.parametrize("whole", [False, True])
def test_a_comparison_has_its_curves_and_a_strangers_values_stay_text(
    shown: Show, tmp_path: Path, whole: bool, word: str
) -> None:
    specs = [SPEC, SPEC.replace('"adam"', json.dumps(word)) + f"\n[let]\n{json.dumps(word)} = 1\n"]
    runs = [make_run(tmp_path, spec, accuracy=0.9 + i * i / 99, seed=i) for spec in specs for i in range(2)]
    compared = report_of(word, (), compare(runs))
    if whole:
        compared = replace(compared, runs=(run("a", word=word), run("b", word=word)))
    tab = shown(compared, width=360, height=780, touch=True)
    tab.value(OPEN)
    assert tab.value("document.documentElement.scrollWidth") <= 360
    assert min(colours(tab, "line-2", i) for i in range(2)) > 30
    assert tab.value(HARM_DONE) == 0
    before = drawn(tab)
    tab.click("#curves .choices button", 1)
    assert drawn(tab) != before


def test_an_empty_page_says_why(shown: Show) -> None:
    tab = shown(empty())
    assert sum("there is nothing: <b>why</b>" in line for line in texts(tab, ".absent")) == 9


CONTRAST = """(() => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      layers.push(rgba(getComputedStyle(e).backgroundColor));
      if (layers[layers.length - 1][3] === 255) break;
    }
    return layers.reverse().reduce((under, over) => under.map((c, i) => c + (over[i] - c) * (over[3] / 255)));
  };
  const found = [];
  const walker = document.createTreeWalker(document.querySelector("body"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const style = getComputedStyle(element);
    const ink = rgba(element.closest(".plot") ? style.fill : style.color);
    const unseen = element.closest("script, style, svg title, .picture, noscript, caption") || ink[3] === 0;
    if (!walker.currentNode.textContent.trim() || unseen || !element.checkVisibility()) continue;
    const [a, b] = [light(ink), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push([ratio.toFixed(2), element.className, walker.currentNode.textContent.slice(0, 20)]);
  }
  return found;
})()"""


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_stands_out_from_its_ground(shown: Show, dark: bool) -> None:
    """By the measure of WCAG 2.1, 1.4.3: 4.5 to 1."""
    tab = shown(report(), dark=dark)
    tab.value(OPEN)
    # The cells of a matrix in each of their shades.
    tab.value(
        "[...document.querySelectorAll('.confusion tbody td:not(.share)')].slice(0, 18)"
        ".forEach((cell, i) => { cell.className = 'rw'[i % 2] + (1 + (i >> 1)); })"
    )
    assert tab.value(CONTRAST) == []
