"""What a page says of real runs, whole and broken: it is always made, and says why what is missing is not there."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TESTS = Path(__file__).parents[2]
sys.path[:0] = [str(TESTS), str(TESTS / "report")]

from command import netspec  # noqa: E402
from made_runs import SPEC, make_run  # noqa: E402
from PIL import Image  # noqa: E402

from netspec.commands.pages import report  # noqa: E402
from netspec.report.comparison.compare import compare  # noqa: E402
from netspec.report.page import page, page_of_comparison, to_json  # noqa: E402
from netspec.runs.events import Alerted, Entered, Evaluated, Stepped  # noqa: E402
from netspec.runs.records import Recorder  # noqa: E402

CLASSIFIER = """\
name = "digits"
[data]
source = "digits"
transform = ["scale", "flatten"]
[model]
layers = [{ dense = 8, activation = "relu" }, { dense = "$classes" }]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "adam"
learning_rate = 1e-2
[train]
epochs = 2
batch = 64
"""

CODER = CLASSIFIER.replace('"digits"\n[data]', '"coder"\n[data]\ntarget = "input"').replace("$classes", "$features")
CODER = CODER.replace('"cross_entropy"', '"squared_error"')

LINE = """\
name = "line"
[data]
source = { csv = "points.csv", target = "y" }
[model]
layers = [{ dense = 1 }]
[loss]
kind = "squared_error"
[optimizer]
kind = "adam"
learning_rate = 0.1
[train]
epochs = 40
"""

VALLEY = """\
name = "valley"
[model]
point = [-1.5, 2.0]
[loss]
kind = "rosenbrock"
[optimizer]
kind = "adam"
learning_rate = 0.05
[train]
steps = 40
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of each kind."""
    folder = tmp_path_factory.mktemp("home")
    x = np.linspace(-1, 1, 80)
    rows = "\n".join(f"{a:.4f},{2 * a + 1:.4f}" for a in x)
    (folder / "points.csv").write_text(f"x,y\n{rows}\n")
    for text in (CLASSIFIER, CODER, LINE, VALLEY):
        name = text.split('"')[1]
        (folder / f"{name}.toml").write_text(text)
        assert netspec(folder, "train", f"{name}.toml").code == 0
    return folder


def data_of(*runs: Path) -> Mapping[str, Any]:
    return json.loads(json.dumps(to_json(report(runs))))


def test_a_classifier_shows_its_confusions_and_its_surest_mistakes(home: Path) -> None:
    result = netspec(home, "evaluate", "digits-1", "--json").json()
    [run] = data_of(home / "runs/digits-1")["runs"]
    counts = np.array(run["confusion"]["counts"])
    assert counts.sum() == result["examples"]["test"]
    assert counts.trace() / counts.sum() == pytest.approx(result["metrics"]["test/accuracy"])
    mistakes = run["mistakes"]
    assert mistakes["of"] == counts.sum() - counts.trace()
    assert len(mistakes["shown"]) == min(24, mistakes["of"])
    sure = [mistake["sure"] for mistake in mistakes["shown"]]
    assert sure == sorted(sure, reverse=True)
    for mistake in mistakes["shown"]:
        assert counts[int(mistake["truth"]), int(mistake["said"])] > 0
        kind, _, content = mistake["picture"].partition(",")
        assert kind == "data:image/png;base64"
        assert Image.open(io.BytesIO(base64.b64decode(content))).size == (8, 8)
    assert run["residuals"]["why"] == "classes are said, and no numbers"
    assert run["result"]["metrics"] == pytest.approx(result["metrics"])
    assert run["result"]["state"] == "done"


def test_curves_hold_what_was_recorded(home: Path) -> None:
    lines = [json.loads(line) for line in (home / "runs/digits-1/events.jsonl").read_text().splitlines()]
    stepped = [line for line in lines if line["event"] == "stepped"]
    [run] = data_of(home / "runs/digits-1")["runs"]
    loss = run["curves"]["charts"][0]["lines"][0]
    assert loss["steps"] == [line["step"] for line in stepped]
    assert loss["values"] == pytest.approx([line["loss"] for line in stepped], rel=1e-5)
    axis = run["curves"]["axes"][0]
    assert axis["epochs"][-1] == pytest.approx(stepped[-1]["epoch"], rel=1e-5)
    assert axis["examples"][-1] == pytest.approx(stepped[-1]["epoch"] * lines[0]["examples"]["train"], rel=1e-5)
    assert axis["seconds"][-1] == pytest.approx(stepped[-1]["time"] - lines[0]["time"], rel=1e-4, abs=1e-5)
    examined = [line for line in lines if line["event"] == "examined"]
    assert run["health"]["steps"] == [line["step"] for line in examined]
    assert run["health"]["layers"] == ["dense1", "dense2"]
    last = examined[-1]["layers"]["dense1"]
    assert run["health"]["measures"]["update"][0][-1] == pytest.approx(last["update"], rel=1e-3)


def test_no_two_lines_of_a_chart_have_one_colour(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    with Recorder(run) as recorder:
        losses = {f"validation/{name}loss": 0.5 for name in ("same/", "digit/", "third/")}
        recorder.record(Evaluated(1_700_000_900.0, 195, 4.9, losses, 0.1, False))
    charts = to_json(report([run]))["runs"][0]["curves"]["charts"]
    colours = [line["colour"] for line in charts[0]["lines"]]
    assert len(colours) == len(set(colours)) == 5
    assert colours[:2] == [1, 2]


def test_numbers_have_residuals(home: Path) -> None:
    result = netspec(home, "evaluate", "line-1", "--json").json()
    [run] = data_of(home / "runs/line-1")["runs"]
    [residuals] = run["residuals"]
    assert residuals["error"] == pytest.approx(result["metrics"]["test/root_mean_squared_error"], rel=1e-4)
    assert residuals["examples"] == sum(residuals["counts"]) == len(residuals["truths"]) == result["examples"]["test"]
    off = np.array(residuals["said"]) - np.array(residuals["truths"])
    assert residuals["bias"] == pytest.approx(off.mean(), abs=1e-3)
    spread = np.var(residuals["truths"])
    assert residuals["explained"] == pytest.approx(1 - np.mean(off**2) / spread, abs=1e-3)
    assert "points.csv" in run["reproduction"]["notes"][0]
    assert run["confusion"]["why"] == run["mistakes"]["why"] == "numbers are said, and no classes"


def test_an_autoencoder_shows_what_becomes_of_inputs(home: Path) -> None:
    [run] = data_of(home / "runs/coder-1")["runs"]
    found = run["reconstructions"]
    assert len(found["pairs"]) == 12
    assert found["worst"][0]["error"] == max(pair["error"] for pair in (*found["pairs"], *found["worst"]))
    for pair in found["pairs"]:
        assert pair["given"] != pair["made"]


def test_a_point_has_no_epochs_and_no_examples(home: Path) -> None:
    [run] = data_of(home / "runs/valley-1")["runs"]
    assert run["curves"]["axes"][0]["epochs"] == []
    assert "learned from no examples" in run["confusion"]["why"]
    assert "training examples" not in page(report([home / "runs/valley-1"]))


def test_the_spec_is_shown_with_what_is_not_the_default(home: Path) -> None:
    [run] = data_of(home / "runs/digits-1")["runs"]
    assert run["spec"]["text"] == CLASSIFIER
    settings = {setting["path"]: setting for setting in run["spec"]["settings"]}
    assert settings["train.batch"] == {
        "path": "train.batch",
        "line": 14,
        "value": "64",
        "default": "32",
        "usual": False,
    }
    assert CLASSIFIER.splitlines()[13] == "batch = 64"
    assert "optimizer.kind" not in settings


def test_the_way_to_do_it_again_leads_to_the_same_bits(home: Path, tmp_path: Path) -> None:
    import subprocess

    [run] = data_of(home / "runs/digits-1")["runs"]
    (_, install), (_, save), (_, train) = run["reproduction"]["steps"]
    assert install.startswith("python -m pip install . jax==")
    subprocess.run(["sh", "-c", save], cwd=tmp_path, check=True)
    assert (tmp_path / "digits.toml").read_text() == CLASSIFIER
    assert netspec(tmp_path, *train.split()[1:]).code == 0
    [again] = data_of(tmp_path / "runs/digits-1")["runs"]
    assert again["result"]["metrics"] == run["result"]["metrics"]


# -- runs that lack something ------------------------------------------------------------------------------------------


def broken(home: Path, to: Path, damage: str) -> Path:
    """A copy of a run with something wrong with it."""
    run = shutil.copytree(home / "runs/line-1", to / "line-1")
    match damage:
        case "no checkpoint":
            shutil.rmtree(run / "checkpoints")
        case "no data":
            found = json.loads((run / "environment.json").read_text())
            (run / "environment.json").write_text(json.dumps({**found, "directory": str(to)}))
        case "no environment":
            (run / "environment.json").unlink()
        case "damaged facts":
            (run / "resolved.json").write_text("{}")
        case "damaged spec":
            (run / "spec.toml").write_text("name = [<b>")
        case "no events":
            (run / "events.jsonl").unlink()
        case "still running":
            lines = (run / "events.jsonl").read_text().splitlines()
            (run / "events.jsonl").write_text("\n".join(lines[:6]) + "\n")
    return run


@pytest.mark.parametrize(
    ("damage", "missing", "why"),
    [
        ("no checkpoint", ("residuals",), "has no checkpoint yet"),
        ("no data", ("residuals",), "points.csv"),
        ("no environment", ("environment", "residuals", "network", "reproduction"), "environment.json"),
        ("damaged facts", ("residuals", "network", "reproduction"), "resolved.json"),
        ("damaged spec", ("residuals", "network", "reproduction"), ""),
        ("no events", ("curves", "evaluations", "health"), "the training has not begun"),
        ("still running", (), ""),
    ],
)
def test_a_page_is_made_of_what_is_there(
    home: Path, tmp_path: Path, damage: str, missing: tuple[str, ...], why: str
) -> None:
    run = broken(home, tmp_path, damage)
    found = report([run])
    [contents] = to_json(found)["runs"]
    usual = {"confusion", "mistakes", "reconstructions"}
    lacking = {name for name, piece in contents.items() if isinstance(piece, dict) and set(piece) == {"why"}}
    assert lacking - usual == set(missing)
    for name in missing:
        assert why in contents[name]["why"]
        assert "\n" not in contents[name]["why"]
    assert "</html>" in page(found)


def test_diagnoses_phases_and_numbers_that_are_not_finite_are_told_of(tmp_path: Path) -> None:
    run = make_run(tmp_path, reason="diverged", upto=100)
    with Recorder(run) as recorder:
        recorder.record(Entered(1_700_000_000.5, 50, "second", 2, 200, 40, 32, 9, "validation/accuracy", True))
        recorder.record(Alerted(1_700_000_000.6, 60, "divergence", "the loss grows <b>", "a lower rate"))
        recorder.record(Stepped(1_700_000_000.7, 110, 2.75, float("nan"), 1e-3, float("inf"), 9.0))
    found = report([run])
    [contents] = found.runs
    assert contents.result.state in ("stopped", "diverged")
    curves = to_json(found)["runs"][0]["curves"]
    assert [alert["code"] for alert in curves["alerts"]] == ["divergence"]
    assert [phase["step"] for phase in curves["phases"]] == [50]
    assert curves["dropped"] == 2
    text = page(found)
    assert "the loss grows &lt;b&gt;" in text
    assert "2 values that are not finite are not drawn" in text


@pytest.mark.parametrize(
    ("reason", "said"), [("diverged", "never evaluated"), ("failed", "never evaluated"), ("", "not evaluated yet")]
)
def test_what_never_will_be_evaluated_is_said_to_be_so(tmp_path: Path, reason: str, said: str) -> None:
    assert re.findall(
        "never evaluated|not evaluated yet", page(report([make_run(tmp_path, upto=30, reason=reason)]))
    ) == [said]


def recorded(run: Path, losses: list[float], **metrics: float) -> Path:
    """A run with more in its record."""
    with Recorder(run) as recorder:
        for i, loss in enumerate(losses, 10):
            recorder.record(Stepped(1_700_000_000 + i, i, i / 40, loss, 1e-3, 1.0, 9.0))
        if metrics:
            recorder.record(Evaluated(1_700_000_900.0, 195, 4.9, metrics, 0.1, False))
            recorder.record(Evaluated(1_700_000_901.0, 199, 4.95, metrics, 0.1, False))
    return run


@pytest.mark.parametrize(
    ("losses", "offered", "drawn"),
    [
        ([10.0, 1.0, 0.0, 0.01], True, True),
        ([10.0, 0.0, 0.0, 0.01], True, False),
        ([10.0, 1.0, -1.0, 0.01], True, False),
        ([-1.0, 0.0], False, False),
    ],
)
def test_a_single_zero_is_in_no_scales_way(tmp_path: Path, losses: list[float], offered: bool, drawn: bool) -> None:
    run = recorded(make_run(tmp_path, upto=0, reason=""), losses)
    [loss, *_] = to_json(report([run]))["runs"][0]["curves"]["charts"]
    assert (loss["positive"], loss["logarithmic"]) == (offered, drawn)


def test_an_ensembles_members_are_in_the_table_and_in_no_chart(tmp_path: Path) -> None:
    each = {"accuracy": 0.9, "loss": 0.4, "member/accuracy": 0.8765, "member/loss": 0.5, "spread/accuracy": 0.0123}
    run = recorded(make_run(tmp_path, upto=0, reason=""), [1.0], **{f"validation/{k}": v for k, v in each.items()})
    found = report([run])
    charts = to_json(found)["runs"][0]["curves"]["charts"]
    names = [line["name"] for chart in charts for line in chart["lines"]]
    assert names == ["training loss", "validation loss", "validation accuracy", "gradient norm"]
    text = page(found)
    assert "0.8765 ±\N{NO-BREAK SPACE}0.0123" in text
    assert len(re.findall("of a member</th>", text)) == 2


def test_several_runs_are_compared(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, accuracy=0.9 + i / 100, seed=i) for i in range(3)]
    runs += [make_run(tmp_path, make_spec(), accuracy=0.95 + i * i / 200, seed=i) for i in range(3)]
    found = report(runs)
    assert found.title == "lenet5, 6 runs"
    text = page(found)
    for expected in ("0.9100 ± 0.0248", "p, Holm", "optimizer.learning_rate", "on the front", "run-6"):
        assert expected in text, expected
    assert found.compared is not None
    assert [len(chart.lines) for chart in found.compared.charts] == [2, 2]
    assert all(line.low and line.high for chart in found.compared.charts for line in chart.lines)
    alone = page_of_comparison(compare(runs))
    assert "0.9100 ± 0.0248" in alone
    assert "all seeds gave the same" not in alone
    alike = [make_run(tmp_path, SPEC.replace("1e-3", "5e-3"), seed=i) for i in range(3)]
    assert "Where that is 0, all seeds gave the same." in page_of_comparison(compare([*runs[:3], *alike]))
    assert "run-6" not in alone


def make_spec() -> str:
    return SPEC.replace("1e-3", "3e-3")


def test_twenty_long_runs_stay_under_three_megabytes(tmp_path: Path) -> None:
    def long_run(seed: int) -> Path:
        run = make_run(tmp_path, seed=seed, reason="", upto=0)
        noise = np.random.default_rng(seed).normal(size=(5_000, 2))
        with Recorder(run) as recorder:
            for i, (a, b) in enumerate(noise.tolist()):
                step = 10 * (i + 1)
                recorder.record(
                    Stepped(1_700_000_000.0 + i, step, step / 40, 2 + a / 9, 1e-3 / (i + 1), 1 + b / 9, 99.0)
                )
        return run

    contents = report([long_run(0)])
    [one] = contents.runs
    line = to_json(contents)["runs"][0]["curves"]["charts"][0]["lines"][0]
    assert len(line["steps"]) <= 1_000
    assert len(line["means"][0]) == 500
    assert len(page(replace(contents, runs=(one,) * 20)).encode()) < 3_000_000


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_writes_a_page_and_its_data(home: Path) -> None:
    said = netspec(home, "report", "digits-1", "-o", "digits.html")
    assert (said.code, said.out.split(" kB")[0].rpartition(",")[0]) == (0, "digits-1 in digits.html")
    text = (home / "digits.html").read_text()
    assert 100_000 < len(text.encode()) < 500_000
    assert text.startswith("<!doctype html>")
    told = netspec(home, "report", "digits-1", "--json")
    assert told.json()["runs"][0]["name"] == "digits-1"
    assert not (home / "report.html").exists()
    assert netspec(home, "report", "line-1").out.startswith("line-1 in report.html")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("nothing-7",), "no run"), (("digits-1", "-o", "x.pdf"), "--out writes .html, not x.pdf")],
)
def test_the_command_refuses_what_it_cannot_do(home: Path, arguments: tuple[str, ...], message: str) -> None:
    said = netspec(home, "report", *arguments)
    assert said.code == 2
    assert message in said.err
