"""What specs, runs, comparisons and mistakes look like in a notebook: whole HTML, in which nobody else has a say."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import time
from collections.abc import Callable
from functools import reduce
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_runs import SPEC, events, make_run

import netspec
from netspec.commands.opened_run import Run, list_runs
from netspec.commands.shown import Stopping
from netspec.report.columns import columns
from netspec.report.comparison.compare import compare
from netspec.report.drawing.curves import Series
from netspec.report.live.lines import Lines
from netspec.report.notebook.charts import chart
from netspec.report.notebook.live import Live, publisher
from netspec.report.notebook.results import columns_html, evaluation_html, prediction_html
from netspec.report.notebook.runs import run_html
from netspec.report.notebook.specs import inspection_html, spec_html
from netspec.report.progress import Progress, advance
from netspec.runs.events import Alerted, to_json
from netspec.runs.histories import read_history
from netspec.runs.labels import retag
from netspec.train.requests import Requests

EVIL = '</style><script>alert("x")</script>\x1b[31m\u202e&amp;'
EMPTY = {"br", "hr", "img", "input", "meta", "col"}


class Page(HTMLParser):
    """The elements of a page, and its text; it must end each element that it begins."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.said = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data if self.open[-1:] != ["style"] else ""

    def check(self) -> None:
        """Nothing in it runs, loads, or steers."""
        assert not {"script", "iframe", "link", "object", "img", "foreignobject"} & set(self.elements)
        assert not [name for name, _ in self.attributes if name.startswith("on") or name in ("href", "src")]
        assert self.elements.count("style") <= 1
        assert "\x1b" not in self.said
        assert "\u202e" not in self.said


def page(html: str) -> Page:
    read = Page(html)
    read.check()
    return read


def spec_with(text: str) -> str:
    """A spec in which a stranger has a say, wherever one can."""
    told = text.replace("\x1b", "\\e").replace('"', '\\"')
    return f'{SPEC}[let]\nwidth = 3  # {text}\n[block."evil"]\nargs = {{ why = "{told}" }}\n'.replace("\x1b", "")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = make_run(tmp_path / "runs <b>&", spec=spec_with(EVIL), device=EVIL, data=EVIL)
    record = path / "events.jsonl"
    *lines, last = record.read_bytes().splitlines(keepends=True)
    alert = to_json(Alerted(1_700_000_001.5, 150, "evil", EVIL, EVIL))
    record.write_bytes(b"".join([*lines, json.dumps(alert).encode() + b"\n", last]))
    return path


def test_a_run_tells_what_it_reached_and_how_to_go_on(run: Path) -> None:
    whole = page(Run(run)._repr_html_())
    for said in ("lenet5-1", "test accuracy 0.9700", "step 200 of 200", "alert(", "best", ".evaluate()"):
        assert said in whole.said, said
    assert whole.elements.count("svg") == 2
    stopped = make_run(run.parent, upto=120, reason="interrupted")
    whole = page(Run(stopped)._repr_html_())
    assert "interrupted" in whole.said
    assert f"netspec.run({str(stopped)!r}).resume()" in whole.said
    # A directory's name is a person's own, and may be anything.
    evil = run.parent / "<img src=x onerror=alert(1)>"
    os.rename(stopped, evil)
    assert "<img src=x" in page(Run(evil)._repr_html_()).said


def test_a_run_that_has_not_begun_and_one_that_is_gone(tmp_path: Path) -> None:
    begun = make_run(tmp_path, upto=0, reason="")
    assert "step 0 of 200" in page(Run(begun)._repr_html_()).said
    (begun / "events.jsonl").write_text("")
    assert "not begun yet" in page(Run(begun)._repr_html_()).said
    with pytest.raises(netspec.RunError):
        Run(tmp_path / "gone")._repr_html_()


def test_runs_comparisons_and_columns(run: Path) -> None:
    retag(run, add=["best-so-far"])
    others = [make_run(run.parent, accuracy=0.9 + 0.01 * seed, seed=seed) for seed in (1, 2, 3)]
    others += [
        make_run(run.parent, SPEC.replace("1e-3", "1e-4"), name="slow", accuracy=0.8 + 0.01 * seed**2, seed=seed)
        for seed in (1, 2, 3)
    ]
    listed = list_runs(run.parent)
    whole = page(listed._repr_html_())
    assert [one.name in whole.said for one in listed] == [True] * 7
    assert "best-so-far" in whole.said
    assert "no runs yet" in page(list_runs(run.parent / "none")._repr_html_()).said
    compared = compare(others)
    whole = page(compared._repr_html_())
    assert re.search(r"0\.9200 ± 0\.0248", whole.said), whole.said  # 4.303 standard errors of 0.00577
    assert "optimizer.learning_rate" in whole.said
    assert "p (Holm)" in whole.said
    assert whole.elements.count("svg") == 2
    assert "0.9200 ± 0.0248" in repr(compared)
    found = columns(read_history(run))
    assert page(columns_html(found)).elements.count("svg") >= 3
    assert page(found._repr_html_()).said


def test_results() -> None:
    whole = page(evaluation_html(EVIL, 7, {"test/loss": 0.5, "test/accuracy": 0.25}, {"test": 1000}))
    assert "1,000" in whole.said
    assert "0.2500" in whole.said
    rows = [{"input": EVIL, "class": EVIL, "probability": 0.5}, {"input": "b", "classes": ["<b>", "c"]}]
    assert "<b> c" in page(prediction_html(rows)).said
    assert "and 10 more" in page(prediction_html(rows * 30)).said


def test_a_spec_shows_its_text_whatever_that_is() -> None:
    text = spec_with(EVIL)
    whole = page(spec_html("lenet5", text, None))
    assert 'alert("x")' in whole.said
    assert 'kind = "adam"' in whole.said


def test_an_inspection_has_a_row_a_layer(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    layers = '[{ residual = [{ conv = 1 }], freeze = true }, "flatten", { dense = 3 }]'
    path.write_text(f"[model]\ninput = [8, 8, 1]\nlayers = {layers}\n")
    opened = netspec.load(path)
    inspection = opened.inspect()
    whole = page(inspection_html(inspection))
    # 3·3·1·1 + 1 in the convolution, 64·3 + 3 in the dense layer
    for said in ("residual1", "conv1", "[8, 8, 1]", "195 trainable, 10 frozen"):
        assert said in whole.said, said
    assert page(opened._repr_html_()).said.startswith("net 3 layers, 195 parameters")
    assert page(inspection._repr_html_()).said == whole.said
    assert "dense1" in repr(inspection)
    assert repr(opened) == "<the spec net>"


def test_mistakes_are_told_where_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "<b>net.toml"
    path.write_text(f"[model]\ninput = 3\nlayers = [{{ dens = 3 }}]  # {EVIL}\n".replace("\x1b", ""))
    found = netspec.check(path)
    whole = page(found._repr_html_())
    assert "did you mean 'dense'?" in whole.said
    assert "<b>net.toml:3:" in whole.said
    assert repr(found).startswith("error[unknown-kind]")
    with pytest.raises(netspec.SpecError) as caught:
        netspec.load(path)
    assert page(caught.value._repr_html_()).said == whole.said  # type: ignore[attr-defined]
    # IPython shows these lines in the place of a traceback.
    (lines,) = caught.value._render_traceback_()  # type: ignore[attr-defined]
    assert re.sub(r"\x1b\[[\d;]*m", "", lines) == str(caught.value)
    good = path.with_name("good.toml")
    good.write_text("[model]\ninput = 3\nlayers = [{ dense = 3 }]\n")
    assert page(netspec.check(good)._repr_html_()).said == "no mistakes"


@pytest.mark.parametrize(
    ("points", "lines"),
    [
        ([], 0),
        ([(1.0, math.nan), (2.0, math.inf)], 0),
        ([(1.0, 2.0)], 0),  # a dot
        ([(1.0, 2.0), (2.0, 2.0)], 1),
        ([(1.0, 1e-30), (2.0, 1e30), (3.0, math.nan)], 1),
        ([(1.0, -1e300), (2.0, 1e300)], 1),
        ([(float(i), math.sin(i)) for i in range(1000)], 1),
    ],
)
def test_curves_stay_in_their_picture(points: list[tuple[float, float]], lines: int) -> None:
    made = chart([Series(EVIL, points)])
    if not any(math.isfinite(y) for _, y in points):
        assert made is None
        return
    assert made is not None
    whole = page(made)
    assert whole.elements.count("polyline") == lines
    assert "nan" not in made
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', made)
    assert box is not None
    for name, value in whole.attributes:
        if name == "points":
            for place in (value or "").split():
                x, y = map(float, place.split(","))
                assert 0 <= x <= int(box[1])
                assert 0 <= y <= int(box[2])


# -- live --------------------------------------------------------------------------------------------------------------


class Shown:
    """What was published, in turn."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self.texts: list[str] = []

    def __call__(self, html: str, text: str) -> None:
        self.pages.append(html)
        self.texts.append(text)


def test_a_training_is_shown_twice_a_second_at_the_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    shown = Shown()
    happened = list(events("runs/lenet5-1", 0.97, 200, "done", 0))
    with Live(tmp_path / "lenet5-1", Progress(), shown) as live:
        assert "compiling" in page(shown.pages[0]).said
        for event in happened:
            clock[0] += 0.1
            live.show(event)
            page(shown.pages[-1])
        assert live.progress == reduce(advance, happened, Progress())
    assert len(shown.pages) <= 2 + len(happened) * 0.1 / 0.5 + 2
    assert "done" in page(shown.pages[-1]).said
    assert "test accuracy 0.9700" in shown.texts[-1]
    assert any("running" in page(html).said for html in shown.pages)


def test_a_training_that_fails_is_not_shown_running(tmp_path: Path) -> None:
    shown = Shown()
    live = Live(tmp_path / "lenet5-1", Progress(), shown)
    live.show(next(iter(events("runs/lenet5-1", 0.97, 200, "", 0))))
    live.__exit__(RuntimeError, RuntimeError(), None)
    assert "running" not in page(shown.pages[-1]).said


def test_there_is_no_notebook_here() -> None:
    assert publisher() is None


def test_an_interrupt_asks_for_a_stop_and_a_second_one_leaves(tmp_path: Path) -> None:
    requests, shown = Requests(), Shown()
    before = signal.getsignal(signal.SIGINT)
    with Live(tmp_path / "lenet5-1", Progress(), shown) as live, Stopping(requests, live):
        os.kill(os.getpid(), signal.SIGINT)
        assert requests.stops
        for _ in range(200):
            live.show(next(iter(events("runs/lenet5-1", 0.97, 200, "", 0))))
            if "stopping" in page(shown.pages[-1]).said:
                break
            time.sleep(0.01)
        assert "stopping" in page(shown.pages[-1]).said
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_hear_no_interrupts() -> None:
    import io
    import threading

    found: list[Callable[..., object] | int | None] = []

    def in_thread() -> None:
        with Stopping(Requests(), Lines(io.StringIO(), Progress())):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]


def test_the_page_of_a_large_run_is_small(run: Path) -> None:
    progress = reduce(advance, events(str(run), 0.9, 200, "", 0), Progress())
    for step in range(210, 20_000, 10):
        for event in list(events(str(run), 0.9, 10, "", 0))[1:2]:
            moved = {name: getattr(event, name) for name in event.__slots__} | {"step": step}
            progress = advance(progress, type(event)(**moved))
    assert len(run_html(run, progress, "running", 1_700_000_300.0)) < 60_000
