"""The commands, as people and programs use them: exit codes, JSON, messages; no traceback anywhere."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from command import Result, ended, netspec, started
from PIL import Image

import netspec as api
from netspec import commands
from netspec.cli import main
from netspec.commands.specs import dataset_of
from netspec.runs.directory import load
from netspec.runs.events import Stepped
from netspec.runs.records import read_events
from netspec.train.checkpoint import newest

REST = """
[loss]
kind = "cross_entropy"

[optimizer]
kind = "adam"
learning_rate = 0.02

[schedule]
kind = "cosine"

[train]
epochs = 5
batch = 16
"""

FLOWERS = """
name = "flowers"

[data]
source = { csv = "flowers.csv", target = "kind" }
transform = ["standardize"]

[model]
layers = [{ dense = 4, activation = "tanh" }, { dense = "$classes" }]
"""

WAVES = """
name = "waves"

[data]
source = { npz = "waves.npz", input = "signal", target = "height" }

[model]
layers = [{ dense = 6, activation = "relu" }, { dense = 1 }]
"""

PICTURES = """
name = "pictures"

[data]
source = { images = "pictures" }
transform = ["standardize"]

[model]
layers = ["flatten", { dense = "$classes" }]
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec and data of each sort."""
    home = tmp_path_factory.mktemp("home")
    draw = np.random.default_rng(0)
    (home / "flowers.toml").write_text(FLOWERS + REST)
    (home / "waves.toml").write_text(WAVES + REST.replace("cross_entropy", "squared_error"))
    (home / "pictures.toml").write_text(PICTURES + REST)
    rows = ["length,colour,kind"]
    for length, colour in zip(draw.normal(size=200), draw.choice(["red", "blue", "white"], 200), strict=True):
        rows.append(f"{length},{colour},{'rose' if (length > 0) == (colour == 'red') else 'iris'}")
    (home / "flowers.csv").write_text("\n".join(rows) + "\n")
    signal = draw.normal(size=(160, 3)).astype(np.float32)
    np.savez(home / "waves.npz", signal=signal, height=signal.sum(1))
    for name, level in (("dark", 40), ("light", 200)):
        (home / "pictures" / name).mkdir(parents=True)
        for i in range(20):
            pixels = np.clip(draw.normal(level, 20, (4, 5)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(home / "pictures" / name / f"{i:02}.png")
    return home


@pytest.fixture(scope="module")
def trained(home: Path) -> Mapping[str, Result]:
    """What `netspec train --json` said of each spec: runs/flowers-1, runs/waves-1, runs/pictures-1, runs/flowers-2."""
    told = {f"{n}-1": netspec(home, "train", f"{n}.toml", "--json") for n in ("flowers", "waves", "pictures")}
    told["flowers-2"] = netspec(home, "train", "flowers.toml", "--json", "--set", "train.batch=8", "--seed", 1)
    assert {r.code for r in told.values()} == {0}, told
    return told


def _fits(value: Any, shape: Any) -> bool:
    """Whether plain data has a shape: types for values, `{str: …}` for a table of any keys, `[…]` for a filled list."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return False
        if str in shape:
            return bool(value) and all(_fits(v, shape[str]) for v in value.values())
        return value.keys() == shape.keys() and all(_fits(value[k], s) for k, s in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and bool(value) and all(_fits(v, shape[0]) for v in value)
    kinds = shape if isinstance(shape, tuple) else (shape,)
    return type(value) in kinds or value in [k for k in kinds if not isinstance(k, type)]


# -- exit codes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["check", "flowers.toml"], 0, ""),
        (["check", "nothere.toml"], 2, "error[file]: there is no file 'nothere.toml'"),
        (["check", "."], 2, "'.' is a folder, not a spec"),
        (["check", "waves.npz"], 2, "error[encoding]"),
        (["train", "flowers.toml", "--device", "abacus"], 2, "--device is cpu, gpu or tpu, not abacus"),
        (["train", "flowers.toml", "--device", "tpu"], 2, "there is no tpu that JAX can use here"),
        (["train", "flowers.toml", "--out", "waves.npz"], 2, "waves.npz could not be written"),
        (["train", "flowers.toml", "--seed", "-1"], 2, "--seed"),
        (["train", "flowers.toml", "--seed", "4294967296"], 2, "--seed"),
        (["train", "flowers.toml", "--sed", "1"], 2, "--seed"),
        (["resume", "flowers-7"], 2, "there is no run 'flowers-7'"),
        (["evaluate", "flowers-1", "--data", "nothere.csv"], 2, "nothere.csv"),
        (["evaluate", "flowers-1", "--data", "waves.npz"], 2, "the network takes a table"),
        (["evaluate", "pictures-1", "--data", "flowers.csv"], 2, "not a table"),
        (["predict", "flowers-1", "pictures"], 2, "the network takes a table"),
        (["predict", "flowers-1", "flowers.csv", "--out", "x.txt"], 2, "--out writes .csv or .json, not x.txt"),
        (["predict", "flowers-1", "flowers.csv", "--out", "no/x.csv"], 2, "x.csv could not be written"),
        (["compare", "flowers-1"], 2, "compare takes from 2"),
        (["compare", "flowers-1", "runs/flowers-1"], 2, "from 2 to 1,000 runs, and got 1"),
        (["compare", "flowers-1", "flowers-2", "--by", "epochs"], 2, "--by is step, examples or time, not epochs"),
        (["compare", "flowers-1", "flowers-2", "-o", "x.doc"], 2, "--out writes .txt, .md, .csv"),
        (["compare", "flowers-1", "flowers-9"], 2, "did you mean 'flowers-"),
        (["inspect", "flowers-9"], 2, "there is no run 'flowers-9'"),
        (["chek", "flowers.toml"], 2, "Did you mean 'check'"),
        (["check"], 2, "Missing argument"),
    ],
)
def test_mistakes_end_with_their_code_and_a_sentence(
    home: Path, trained: Mapping[str, Result], arguments: list[str], code: int, said: str
) -> None:
    result = netspec(home, *arguments)
    assert result.code == code
    assert said in result.err
    assert bool(result.err) == (code != 0)


def test_an_error_of_ours_shows_a_traceback_only_where_it_is_asked_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(commands, "checked", fail)
    result = netspec(home, "check", "flowers.toml")
    assert result.code == 1
    assert "error[internal]: netspec itself failed: ZeroDivisionError: of ours" in result.err
    assert "--debug" in result.err
    with pytest.raises(ZeroDivisionError):
        main(["check", "flowers.toml", "--debug"])


def test_a_mistake_in_an_argument_points_at_it(home: Path) -> None:
    result = netspec(
        home,
        "train",
        "flowers.toml",
        "--set",
        "optimizer.learning_rat=1",
        "--set",
        "train.epochs=0",
        "--set",
        "seed=-3",
    )
    assert result.code == 2
    assert result.err.count("error[") == 3
    assert "  --> --set:1:11\n   |\n 1 | optimizer.learning_rat=1\n   |           ^^^^^^^^^^^^" in result.err
    assert " 1 | train.epochs=0\n   |              ^" in result.err
    assert not (home / "runs" / "flowers-3").exists()


def test_settings_seed_and_out_are_taken(home: Path) -> None:
    settings = ["--set", "train.epochs=1", "--set", "name='roses'"]
    result = netspec(home, "train", *settings, "flowers.toml", "--seed", 7, "--out", "else/where")
    assert result.code == 0
    run = load(home / "else" / "where" / "roses-1")
    assert run.state == "done"
    assert "seed = 7" in run.spec
    events = read_events(run.path)
    assert (events[0].seed, events[0].steps) == (7, events[0].steps_per_epoch)  # type: ignore[union-attr]


def test_ctrl_c_ends_a_command_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "spec.toml")
    process = started(tmp_path, "check", "spec.toml")
    with (tmp_path / "spec.toml").open("wb"):  # is open once the process reads: it waits for the spec's text now
        process.send_signal(signal.SIGINT)
        assert ended(process) == Result(130, "", "")


def test_a_training_goes_on_when_its_reader_has_gone(home: Path) -> None:
    process = started(home, "train", "waves.toml", "--json", "--set", "name=unread")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["event"] == "started"
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert load(home / "runs" / "unread-1").state == "done"


# -- JSON --------------------------------------------------------------------------------------------------------------

NUMBER = (float, int)

DIAGNOSTIC = {
    "code": str,
    "message": str,
    "file": (str, None),
    "line": (int, None),
    "column": (int, None),
    "end_column": (int, None),
    "help": str,
    "severity": str,
}

INSPECTION = {
    "name": str,
    "inputs": {str: [int]},
    "parameters": {"trainable": int, "frozen": int, "statistics": int},
    "flops": {"forward": int},
    "memory": {"parameters": int, "gradients": int, "optimizer": int, "activations": int, "total": int},
    "outputs": {str: [int]},
    "batch": int,
    "steps": int,
    "steps_per_epoch": int,
    "optimizer": [str],
    "schedule": {"written": str, "calls": list, "learning_rate": [[NUMBER]], "follows": (str, None)},
    "members": int,
    "phases": list,
    "layers": [
        {
            "path": str,
            "kind": str,
            "output": [int],
            "parameters": int,
            "flops": int,
            "statistics": int,
            "frozen": bool,
            "receptive_field": (list, None),
            "shares": (str, None),
            "repeats": int,
            "groups": list,
        }
    ],
}

EVENTS = {
    "started": {
        "run": str,
        "name": str,
        "seed": int,
        "device": str,
        "step": int,
        "steps": int,
        "steps_per_epoch": int,
        "batch": int,
        "examples": {"train": int, "validation": int, "test": int},
        "parameters": int,
        "metric": str,
        "higher_is_better": bool,
        "keep": bool,
        "phases": int,
        "members": int,
    },
    "stepped": {
        "step": int,
        "epoch": float,
        "loss": float,
        "learning_rate": float,
        "gradient_norm": float,
        "examples_per_second": float,
        "compiling": float,
    },
    "evaluated": {
        "step": int,
        "epoch": float,
        "metrics": {str: float},
        "seconds": float,
        "best": bool,
        "compiling": float,
    },
    "examined": {
        "step": int,
        "layers": {str: {str: float}},
        "memory": int,
        "peak": int,
        "skipped": int,
        "seconds": float,
        "compiling": float,
    },
    "saved": {"step": int, "path": str, "seconds": float},
    "alerted": {"step": int, "code": str, "message": str, "help": str},
    "finished": {
        "run": str,
        "step": int,
        "epoch": float,
        "reason": str,
        "metrics": {str: float},
        "best_step": int,
        "seconds": float,
        "best": float,
    },
}

COMPARISON = {
    "runs": [
        {
            "run": str,
            "name": str,
            "state": str,
            "step": int,
            "steps": int,
            "epoch": float,
            "seconds": float,
            "states": {str: int},
            "examples_per_second": NUMBER,
            "examples": NUMBER,
            "parameters": int,
            "multiply_adds": int,
            "device": str,
            "seed": int,
            "seeds": list,
            "left_out": list,
            "best": {"metric": str, "value": float, "step": int, "epoch": float},
        }
    ],
    "summary": [str],
    "spec": [{"path": str, "values": list}],
    "environment": list,
    "value": str,
    "judged": str,
    "metrics": [
        {
            "metric": str,
            "higher_is_better": bool,
            "values": [float],
            "best": [int],
            "intervals": list,
            "counts": [int],
        }
    ],
    "baseline": int,
    "contrasts": list,
    "cost": {"kind": str, "values": [NUMBER], "front": list, "why_none": str},
    "by": str,
    "drawn": [int],
    "curves": {str: list},
    "bands": {str: list},
    "warnings": list,
}

RUNS = [
    {
        "run": str,
        "name": str,
        "state": str,
        "tags": list,
        "metric": str,
        "higher_is_better": bool,
        "best": float,
        "best_step": int,
        "metrics": {str: NUMBER},
        "step": int,
        "steps": int,
        "epoch": float,
        "seconds": float,
        "device": str,
        "seed": int,
        "started": str,
    }
]


def test_check_tells_every_mistake_as_json(home: Path) -> None:
    good = netspec(home, "check", "flowers.toml", "waves.toml", "--json")
    assert (good.code, good.json()) == (0, {"ok": True, "diagnostics": []})
    bad = netspec(home, "check", "flowers.toml", "nothere.toml", "--json", "--set", "train.epoch=3")
    assert bad.code == 2
    assert bad.err == ""
    assert _fits(bad.json(), {"ok": False, "diagnostics": [DIAGNOSTIC]})
    found = {d["code"]: d for d in bad.json()["diagnostics"]}
    assert (found["unknown-key"]["file"], found["unknown-key"]["line"]) == ("--set", 1)
    assert (found["unknown-key"]["column"], found["unknown-key"]["end_column"]) == (7, 12)
    assert "did you mean 'epochs'?" in found["unknown-key"]["help"]
    assert (found["file"]["file"], found["file"]["line"]) == ("nothere.toml", None)


def test_inspect_prints_one_object(home: Path, trained: Mapping[str, Result]) -> None:
    result = netspec(home, "inspect", "flowers.toml", "--json")
    found = result.json()
    assert (result.code, result.err) == (0, "")
    assert _fits(found, INSPECTION), found
    # Length, and a column for each colour: four features, four units, two classes.
    assert found["parameters"] == {"trainable": 4 * 4 + 4 + 4 * 2 + 2, "frozen": 0, "statistics": 0}
    assert found["flops"]["forward"] == sum(layer["flops"] for layer in found["layers"]) == 2 * (4 * 4 + 4 * 2)
    memory = found["memory"]
    assert memory["total"] == sum(v for k, v in memory.items() if k != "total")
    assert found["outputs"] == {"output": [2]}
    assert [layer["path"] for layer in found["layers"]] == ["dense1", "dense2"]
    assert netspec(home, "inspect", "flowers-1", "--json").json() == found


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", "flowers.toml", "--set", "train.epoch=3"],
        ["train", "flowers.toml", "--set", "train.epoch=3"],
        ["resume", "flowers-7"],
        ["evaluate", "flowers-1", "--data", "nothere.csv"],
        ["predict", "flowers-1", "pictures"],
        ["compare", "flowers-1", "flowers-7"],
    ],
)
def test_every_command_tells_mistakes_as_json(home: Path, trained: Mapping[str, Result], arguments: list[str]) -> None:
    result = netspec(home, *arguments, "--json")
    assert (result.code, result.err) == (2, "")
    assert _fits(result.json(), {"ok": False, "diagnostics": [DIAGNOSTIC]})
    told = netspec(home, *arguments).err
    assert [d["message"] in told for d in result.json()["diagnostics"]] == [True]


def test_inspect_draws_the_network(home: Path, trained: Mapping[str, Result], tmp_path: Path) -> None:
    for form, beginning in (("svg", "<svg"), ("mermaid", "---\ntitle:"), ("dot", "digraph")):
        result = netspec(home, "inspect", "flowers.toml", "--graph", form)
        assert (result.code, result.err, result.out.startswith(beginning)) == (0, "", True)
        for ending in {"svg": ["svg"], "mermaid": ["mmd", "mermaid"], "dot": ["dot", "GV"]}[form]:
            file = tmp_path / f"net.{ending}"
            written = netspec(home, "inspect", "flowers-1", "-o", file)
            assert (written.code, written.out) == (0, f"flowers drawn in {file}\n")
            assert file.read_text(encoding="utf-8") == result.out
    folded = netspec(home, "inspect", "flowers.toml", "--graph", "dot", "--out", tmp_path / "net.txt", "--depth", 1)
    assert (folded.code, (tmp_path / "net.txt").read_text(encoding="utf-8")) == (0, result.out)
    for arguments, said in (
        (["--out", "net.png"], "--out writes .svg, .mmd or .dot, not net.png"),
        (["--graph", "png"], "--graph is svg, mermaid or dot, not png"),
    ):
        refused = netspec(home, "inspect", "flowers.toml", *arguments)
        assert (refused.code, said in refused.err) == (2, True)
    assert netspec(home, "inspect", "flowers.toml", "--graph", "svg", "--json").code == 2


def test_train_tells_its_events_line_by_line(home: Path, trained: Mapping[str, Result]) -> None:
    for name, result in trained.items():
        events = result.events()
        assert result.err == ""
        assert {e["event"] for e in events} | {"alerted"} == set(EVENTS)
        for event in events:
            assert _fits(event, {"event": str, "time": float, **EVENTS[event["event"]]}), event
        assert [e["time"] for e in events] == sorted(e["time"] for e in events)
        assert (events[0]["event"], events[-1]["event"]) == ("started", "finished")
        assert (events[-1]["run"], events[-1]["reason"]) == (f"runs/{name}", "done")
        parts = {"train", "validation", "test"}
        assert {m.partition("/")[0] for m in events[-1]["metrics"]} == parts
        assert result.out == (home / "runs" / name / "events.jsonl").read_text()


def test_compare_prints_the_whole_comparison(home: Path, trained: Mapping[str, Result]) -> None:
    result = netspec(home, "compare", "flowers-1", "runs/flowers-2", "--json")
    found = result.json()
    assert (result.code, result.err) == (0, "")
    assert _fits(found, COMPARISON), found
    assert [run["run"] for run in found["runs"]] == ["runs/flowers-1", "runs/flowers-2"]
    assert {d["path"]: d["values"] for d in found["spec"]} == {"train.batch": [16, 8], "seed": [0, 1]}
    ends = [trained[name].events()[-1]["metrics"] for name in ("flowers-1", "flowers-2")]
    accuracy = next(m for m in found["metrics"] if m["metric"] == "test/accuracy")
    assert accuracy["values"] == [end["test/accuracy"] for end in ends]
    best = [i for i, v in enumerate(accuracy["values"]) if v == max(accuracy["values"])]
    assert accuracy["best"] == (best if len(best) == 1 else [])
    assert [c and c["verdict"] for c in found["contrasts"]] == [None, "one seed"]


def test_compare_writes_tables(home: Path, trained: Mapping[str, Result], tmp_path: Path) -> None:
    runs = ("flowers-1", "flowers-2")
    printed = netspec(home, "compare", *runs, "--csv")
    rows = list(csv.DictReader(printed.out.splitlines()))
    assert [row["name"] for row in rows] == list(runs)
    assert [float(row["test/accuracy"]) for row in rows] == [
        trained[name].events()[-1]["metrics"]["test/accuracy"] for name in runs
    ]
    for ending, beginning in (
        ("csv", "name,"),
        ("md", "flowers-"),
        ("json", "{"),
        ("txt", "flowers-"),
        ("html", "<!"),
    ):
        file = tmp_path / f"table.{ending}"
        written = netspec(home, "compare", *runs, "-o", file)
        assert (written.code, written.out) == (0, f"2 rows in {file}\n")
        assert file.read_text(encoding="utf-8").startswith((beginning, "All"))
    assert (tmp_path / "table.csv").read_text(encoding="utf-8") == printed.out
    assert netspec(home, "compare", *runs, "--csv", "--json").code == 2


def test_runs_lists_those_there_are(home: Path, trained: Mapping[str, Result]) -> None:
    result = netspec(home, "runs", "--json")
    assert (result.code, result.err) == (0, "")
    known = {f"runs/{name}": name for name in trained}
    listed = [r for r in result.json() if r["run"] in known]
    assert _fits(listed, RUNS), listed
    assert [known[r["run"]] for r in listed] == list(reversed(trained))
    (home / "runs" / "damaged-1").mkdir()
    (home / "runs" / "damaged-1" / "spec.toml").write_text("name = 1")
    try:
        damaged = netspec(home, "runs", "--json")
    finally:
        shutil.rmtree(home / "runs" / "damaged-1")
    assert "warning[run-damaged]" in damaged.err
    assert [r for r in damaged.json() if r["run"] != "runs/damaged-1"] == result.json()
    nothing = netspec(home, "runs", "--out", "nowhere", "--json")
    assert (nothing.code, nothing.json()) == (0, [])


# -- trained networks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", ["flowers-1", "waves-1", "pictures-1"])
def test_evaluate_reaches_what_the_training_told_bit_for_bit(
    home: Path, trained: Mapping[str, Result], run: str
) -> None:
    result = netspec(home, "evaluate", run, "--json")
    found, finished = result.json(), trained[run].events()[-1]
    assert (result.code, result.err) == (0, "")
    assert _fits(found, {"run": str, "step": int, "metrics": {str: float}, "examples": {str: int}})
    assert found["metrics"] == finished["metrics"]
    assert found["step"] == finished["best_step"]
    assert found["examples"] == trained[run].events()[0]["examples"]


def test_evaluate_measures_other_examples(home: Path, trained: Mapping[str, Result]) -> None:
    predicted = netspec(home, "predict", "flowers-1", "flowers.csv", "--json").json()["predictions"]
    with (home / "flowers.csv").open() as file:
        kinds = [row["kind"] for row in csv.DictReader(file)]
    right = sum(p["class"] == kind for p, kind in zip(predicted, kinds, strict=True))
    found = netspec(home, "evaluate", "flowers-1", "--data", "flowers.csv", "--json").json()
    assert found["examples"] == {"data": 200}
    assert found["metrics"]["data/accuracy"] == right / 200


def test_predict_writes_what_it_prints(home: Path, trained: Mapping[str, Result], tmp_path: Path) -> None:
    (home / "new.csv").write_text("colour,length\nred,1.5\nblue,1.5\nwhite,-2\n")
    printed = netspec(home, "predict", "flowers-1", "new.csv")
    rows = list(csv.DictReader(printed.out.splitlines()))
    told = netspec(home, "predict", "flowers-1", "new.csv", "--json").json()
    shape = {"input": str, "class": str, "probability": float, "probabilities": {"iris": float, "rose": float}}
    assert _fits(told, {"predictions": [shape]}), told
    for row, prediction in zip(rows, told["predictions"], strict=True):
        assert list(row) == ["input", "class", "probability"]
        assert row["class"] == prediction["class"]
        assert float(row["probability"]) == pytest.approx(prediction["probability"], abs=1e-5)
        assert prediction["probability"] == max(prediction["probabilities"].values())
        assert sum(prediction["probabilities"].values()) == pytest.approx(1)
    for file, text in (("out.csv", printed.out), ("out.JSON", json.dumps(told))):
        result = netspec(home, "predict", "flowers-1", "new.csv", "--out", tmp_path / file)
        assert (result.code, result.out) == (0, f"3 predictions in {tmp_path / file}\n")
        written = (tmp_path / file).read_text()
        assert written == text if file == "out.csv" else json.loads(written) == json.loads(text)


def test_predict_takes_arrays(home: Path, trained: Mapping[str, Result]) -> None:
    new = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    np.savez(home / "new.npz", signal=new)
    saved, _ = newest(home / "runs" / "waves-1")
    assert saved is not None
    held = {n.removeprefix("state/parameters/"): a for n, a in saved.arrays.items()}
    hidden = np.maximum(new @ held["dense1/kernel"] + held["dense1/bias"], 0)
    expected = hidden @ held["dense2/kernel"] + held["dense2/bias"]
    found = netspec(home, "predict", "waves-1", "new.npz", "--json").json()["predictions"]
    assert [p["input"] for p in found] == ["0", "1", "2", "3", "4"]
    np.testing.assert_allclose([p["value"] for p in found], expected[:, 0], rtol=1e-5, atol=1e-6)


def test_predict_takes_an_image_and_a_folder_of_them(home: Path, trained: Mapping[str, Result]) -> None:
    one = netspec(home, "predict", "pictures-1", "pictures/light/03.png", "--json").json()["predictions"]
    every = netspec(home, "predict", "pictures-1", "pictures", "--json").json()["predictions"]
    assert [p["input"] for p in one] == ["03.png"]
    assert {p["input"] for p in every} == {f"{c}/{i:02}.png" for c in ("dark", "light") for i in range(20)}
    assert {p["class"] == p["input"].partition("/")[0] for p in every} == {True}
    same = next(p for p in every if p["input"] == "light/03.png")
    assert one[0]["probabilities"] == pytest.approx(same["probabilities"], rel=1e-5)


def test_a_file_of_any_name_is_named_in_the_predictions(
    home: Path, trained: Mapping[str, Result], tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    names = ['é, "x".png', os.fsdecode(b"\xff.png")]
    for name in names:
        shutil.copy(home / "pictures" / "dark" / "00.png", tmp_path / "new" / name)
    for file in ("out.csv", "out.json"):
        assert netspec(home, "predict", "pictures-1", tmp_path / "new", "--out", tmp_path / file).code == 0
    with (tmp_path / "out.csv").open(encoding="utf-8", errors="surrogateescape") as table:
        assert sorted(row["input"] for row in csv.DictReader(table)) == names
    told = json.loads((tmp_path / "out.json").read_text())["predictions"]
    assert sorted(p["input"] for p in told) == names


# -- a training that diverges ------------------------------------------------------------------------------------------


def test_a_diverged_training_tells_the_step_the_batch_and_the_layer(home: Path, trained: Mapping[str, Result]) -> None:
    # The gradient of the absolute error is bounded: the numbers outgrow float32 in a layer, not in the loss alone.
    settings = ["loss.kind=absolute_error", "optimizer.kind=sgd", "optimizer.learning_rate=1e12"]
    settings += ["train.save=1", "name=lost", "seed=5"]
    result = netspec(home, "train", "waves.toml", *(part for s in settings for part in ("--set", s)))
    said = re.search(
        r"error\[diverged\]: the loss was not a finite number at step (\d+)\n"
        r" +(?:\| )?= (\w+) is the first layer whose result is not finite\n"
        r" +(?:\| )?= training examples of that step: ([\d, ]+)\n",
        result.err,
    )
    assert said, result.err
    step, layer, batch = int(said[1]), said[2], [int(i) for i in said[3].split(",")]
    run = home / "runs" / "lost-1"
    assert (result.code, load(run).state) == (1, "diverged")

    # The two checkpoints before it are whole, and finite.
    states = {int(p.name.removeprefix("step-")): p for p in (run / "checkpoints").iterdir()}
    assert set(states) == {step - 2, step - 1}
    (last, damaged), dataset = newest(run), dataset_of(commands.load(home / "waves.toml", settings))
    assert last is not None
    assert (last.step, damaged) == (step - 1, ())
    assert all(np.isfinite(a).all() for a in last.arrays.values())

    # The examples, and what comes out for them, worked out anew.
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(5), 1), 0)
    order = np.asarray(jax.random.permutation(key, len(dataset.train)))
    assert batch == order[(step - 1) * 16 : step * 16].tolist()
    _, outputs = _forward(last.arrays, *dataset.train.take(np.asarray(batch)))
    assert layer == next(n for n, y in outputs.items() if not np.isfinite(y).all())

    # The loss of the step before tells that its examples are those that the order says.
    (states[step - 1]).rename(run / "aside")
    before, _ = newest(run)
    (run / "aside").rename(states[step - 1])
    assert before is not None
    loss, _ = _forward(before.arrays, *dataset.train.take(order[(step - 2) * 16 : (step - 1) * 16]))
    told = {e.step: e.loss for e in read_events(run) if isinstance(e, Stepped)}
    assert told[step - 1] == pytest.approx(loss, rel=1e-4)
    assert max(told) == step - 1

    measured = netspec(home, "evaluate", run, "--json")
    assert measured.code == 0
    assert json.loads(measured.out, parse_constant=pytest.fail)["step"] == step - 1


def _forward(arrays: Mapping[str, Any], inputs: Any, targets: Any) -> tuple[float, dict[str, Any]]:
    """The loss and each layer's result, by NumPy."""
    x, y = inputs["input"], targets["target"]
    held = {n.removeprefix("state/parameters/"): a for n, a in arrays.items()}
    with np.errstate(over="ignore", invalid="ignore"):
        hidden = np.maximum(x @ held["dense1/kernel"] + held["dense1/bias"], 0)
        output = hidden @ held["dense2/kernel"] + held["dense2/bias"]
        loss = np.abs(output[:, 0].astype(np.float64) - y.reshape(-1)).mean()
    return float(loss), {"dense1": hidden, "dense2": output}


def test_parameters_that_an_update_breaks_are_neither_saved_nor_the_end(home: Path) -> None:
    settings = ["optimizer.kind=sgd", "optimizer.learning_rate=3e38", "train.save=1", "name=broken"]
    result = netspec(home, "train", "waves.toml", *(part for s in settings for part in ("--set", s)))
    assert result.code == 1
    assert "error[diverged]: the parameters were not finite numbers after step 1" in result.err
    assert load(home / "runs" / "broken-1").state == "diverged"
    assert newest(home / "runs" / "broken-1") == (None, ())


# -- help and start ----------------------------------------------------------------------------------------------------

COMMANDS = ["check", "compare", "evaluate", "inspect", "predict", "report", "resume", "runs", "train", "watch"]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_one_screen_with_an_example(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    result = netspec(tmp_path, *command.split(), "--help")
    lines = result.out.rstrip().splitlines()
    assert result.code == 0
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert f"netspec {command}".strip() in lines[-1] if command else "netspec train specs/" in result.out
    assert ("--json" in result.out) == bool(command)


def _imported(tmp_path: Path, statement: str) -> set[str]:
    """The packages that a statement imports in a fresh Python."""
    program = f"import sys\ntry:\n    {statement}\nexcept SystemExit:\n    pass\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=True)
    return {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}


HEAVY = {"jax", "jaxlib", "flax", "optax", "numpy", "scipy", "sklearn", "PIL", "safetensors"}


def test_nothing_heavy_is_imported_before_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "misspelt.toml").write_text(FLOWERS.replace("layers", "layer") + REST)
    assert not _imported(tmp_path, "import netspec") & {*HEAVY, "pydantic", "rich", "typer", "tomli"}
    assert not _imported(tmp_path, "from netspec.cli import main; main(['--help'])") & {*HEAVY, "pydantic", "tomli"}
    assert not _imported(tmp_path, "from netspec.cli import main; main(['check', 'misspelt.toml'])") & HEAVY


def test_the_python_api_is_what_it_says(home: Path, trained: Mapping[str, Result]) -> None:
    assert api.__all__ == sorted(api.__all__)
    assert all(getattr(api, name) is not None for name in api.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        _ = api.nothing  # type: ignore[attr-defined]
    spec = api.load(home / "flowers.toml", ["train.epochs=1"])
    assert spec.inspect().parameters.trainable == api.inspect(home / "runs" / "flowers-1").parameters.trainable == 30
    run = spec.train(home / "api")
    assert load(run).state == "done"
    assert len(api.compare([run, home / "runs" / "flowers-1"]).runs) == 2
    assert api.check(home / "flowers.toml") == ()
    assert [d.code for d in api.check(home / "flowers.toml", ["train.epoch=1"])] == ["unknown-key"]
    with pytest.raises(api.SpecError):
        api.load(home / "nothere.toml")


def test_whole_numbers_that_a_layer_does_not_have_are_refused(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    targets = draw.integers(0, 2, 60)
    np.savez(tmp_path / "words.npz", x=draw.integers(0, 50, (60, 4), dtype=np.int32), y=targets)
    np.savez(tmp_path / "unknown.npz", x=np.array([[3, 1, 77, 2]], np.int32), y=targets[:1])
    (tmp_path / "words.toml").write_text("""
[data]
source = { npz = "words.npz" }
[model]
layers = [{ embed = 2, vocabulary = 50 }, "flatten", { dense = "$classes" }]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "sgd"
learning_rate = 0.1
[train]
steps = 2
""")
    small = netspec(tmp_path, "train", "words.toml", "--set", "model.layers.0.vocabulary=10")
    assert (small.code, "looks up whole numbers from 0 to 9" in small.err) == (2, True)
    assert not (tmp_path / "runs").exists()
    assert netspec(tmp_path, "train", "words.toml").code == 0
    assert netspec(tmp_path, "inspect", "words-1", "--json").json()["name"] == "words"
    for arguments in (["predict", "words-1", "unknown.npz"], ["evaluate", "words-1", "--data", "unknown.npz"]):
        result = netspec(tmp_path, *arguments)
        assert (result.code, "input [0, 2] is 77" in result.err) == (2, True)
