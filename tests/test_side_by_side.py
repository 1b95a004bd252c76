"""Several seeds at once, and ensembles, as a person trains and asks them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from command import netspec, stopped_after

from netspec import commands
from netspec.commands.resumed import _over, _together
from netspec.runs.directory import load
from netspec.runs.events import Finished
from netspec.runs.records import read_events

HEAD = """
[data]
source = {{ npz = "{data}.npz" }}
[model]
layers = [{layers}]
[loss]
kind = "{loss}"
[optimizer]
kind = "sgd"
learning_rate = 0.05
[train]
epochs = 2
batch = 8
{train}
"""

DENSE = '{ dense = 8, activation = "tanh" }, { dropout = 0.2 }, { dense = "$classes" }'
CONV = '{ conv = 3, stride = 2, activation = "tanh" }, "batch_norm", "flatten", { dense = "$classes" }'
MARGIN = '{ dense = 6, activation = "tanh" }, { dense = 1 }'


def spec(data: str, layers: str, loss: str = "cross_entropy", train: str = "") -> str:
    return HEAD.format(data=data, layers=layers, loss=loss, train=train)


POINT = """
[model]
point = [-1.5, 2.0]
[loss]
kind = "rosenbrock"
[optimizer]
kind = "adam"
learning_rate = 0.05
[train]
steps = 5
"""

SPECS = {
    "dense": spec("rows", DENSE, train="bootstrap = true"),
    "conv": spec("pictures", CONV),
    "margin": spec("rows", MARGIN, "hinge", "members = 3"),
    "point": POINT,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("abreast")
    random = np.random.default_rng(0)
    rows, pictures = random.normal(size=(60, 3)), random.normal(size=(60, 6, 6, 1))
    for name, x in (("rows", rows), ("pictures", pictures)):
        np.savez(folder / f"{name}.npz", x=x.astype(np.float32), y=(x.reshape(60, -1)[:, :3].sum(1) > 0).astype(int))
    for name, text in SPECS.items():
        (folder / f"{name}.toml").write_text(text)
    return folder


def reached(run: Path) -> Mapping[str, float]:
    finished = read_events(run)[-1]
    assert isinstance(finished, Finished)
    assert finished.reason == "done"
    return finished.metrics


@pytest.mark.parametrize("name", ["dense", "conv", "point"])
def test_each_of_several_seeds_comes_to_what_it_comes_to_alone(folder: Path, name: str) -> None:
    command = ("train", f"{name}.toml", "--json", "--out")
    events = netspec(folder, *command, "several", "--seed", "4", "--seeds", "2").events()
    assert netspec(folder, *command, "alone", "--seed", "5").code == 0
    both = [reached(folder / "several" / f"{name}-{i}") for i in (1, 2)]
    assert both[1] == pytest.approx(reached(folder / "alone" / f"{name}-1"), rel=1e-4)
    assert [load(folder / "several" / f"{name}-{i}").environment["together"] for i in (1, 2)] == [
        [f"{name}-1", f"{name}-2"]
    ] * 2
    # One dashboard shows them: the mean of each number.
    assert (events[0]["run"], events[-1]["run"]) == (f"several/{name}-{{1..2}}",) * 2
    means = {metric: (value + both[1][metric]) / 2 for metric, value in both[0].items()}
    assert events[-1]["metrics"] == pytest.approx(means)


def test_examples_that_are_streamed_make_the_same_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("train", "dense.toml", "--seeds", "2", "--json", "--out")
    assert netspec(folder, *command, "held").code == 0
    for module in ("loop", "stage"):
        monkeypatch.setattr(f"netspec.train.{module}.capacity", lambda: 0)
    assert netspec(folder, *command, "streamed").code == 0
    for i in (1, 2):
        assert reached(folder / "streamed" / f"dense-{i}") == reached(folder / "held" / f"dense-{i}")


def test_an_ensemble_predicts_what_it_is_judged_by(folder: Path) -> None:
    """The side of the mean margin, not that of most members."""
    assert netspec(folder, "train", "margin.toml", "--out", "runs").code == 0
    run = folder / "runs" / "margin-1"
    metrics = netspec(folder, "evaluate", run, "--data", "rows.npz", "--json").json()["metrics"]
    assert {name.partition("/")[2] for name in metrics} >= {"accuracy", "member/accuracy", "spread/accuracy"}
    found = netspec(folder, "predict", run, "rows.npz", "--json").json()["predictions"]
    right = [int(row["class"]) == y for row, y in zip(found, np.load(folder / "rows.npz")["y"], strict=True)]
    assert np.mean(right) == pytest.approx(metrics["data/accuracy"])
    assert {row["spread"] for row in found} <= {0.0, *(np.float32([0, 0, 1]).std(), np.float32([0, 1, 1]).std())}


def huge(name: str) -> str:
    return SPECS[name].replace("learning_rate = 0.05", "learning_rate = 1e30").replace("tanh", "relu")


@pytest.mark.parametrize("options", [(), ("--seeds", "2"), ("--set", "train.members=2")])
def test_where_all_diverge_the_command_fails(folder: Path, options: tuple[str, ...]) -> None:
    (folder / "huge.toml").write_text(huge("dense"))
    result = netspec(folder, "train", "huge.toml", *options)
    assert (result.code, "error[diverged]" in result.err) == (1, True)


def test_of_several_runs_one_that_diverged_stays_as_it_is(folder: Path) -> None:
    opened = [commands.load(folder / "dense.toml", (), seed) for seed in range(3)]
    untouched = commands.start(opened, folder / "untouched")
    list(untouched.events())
    session = commands.start(opened, folder / "one-diverged")
    stopped_after(session, 3)
    ended = session.runs[1] / "events.jsonl"
    lines = [json.loads(line) for line in ended.read_text().splitlines()]
    ended.write_text("".join(json.dumps(one) + "\n" for one in [*lines[:-1], {**lines[-1], "reason": "diverged"}]))
    for file in (session.runs[1] / "checkpoints").rglob("*.*"):
        file.unlink()  # it may have diverged before its first
    *_, last = commands.resume(session.runs[1]).events()
    assert [load(run).state for run in session.runs] == ["done", "diverged", "done"]
    assert isinstance(last, Finished)
    for i in (0, 2):
        assert reached(session.runs[i]) == reached(untouched.runs[i])


@pytest.fixture
def stopped(folder: Path, tmp_path: Path) -> list[Path]:
    """Three runs that were trained at once, and interrupted."""
    opened = [commands.load(folder / "dense.toml", (), seed) for seed in range(3)]
    session = commands.start(opened, tmp_path)
    stopped_after(session, 3)
    return list(session.runs)


def test_without_one_of_them_the_others_go_on_where_it_is_meant(stopped: list[Path]) -> None:
    shutil.rmtree(stopped[0])
    refused = netspec(stopped[1].parent, "resume", stopped[1])
    assert (refused.code, "runs that are gone: dense-1" in refused.err) == (2, True)
    assert netspec(stopped[1].parent, "resume", stopped[1], "--edited").code == 0
    assert [load(run).state for run in stopped[1:]] == ["done", "done"]


def test_their_specs_are_edited_alike(stopped: list[Path]) -> None:
    def edit(run: Path) -> None:
        spec = run / "spec.toml"
        spec.write_text(spec.read_text().replace("epochs = 2", "epochs = 3"))

    edit(stopped[1])
    refused = netspec(stopped[0].parent, "resume", stopped[0], "--edited")
    assert (refused.code, "train.epochs: 2 → 3" in refused.err) == (2, True)
    edit(stopped[0])
    edit(stopped[2])
    assert netspec(stopped[0].parent, "resume", stopped[0], "--edited").code == 0
    ends = [read_events(run)[-1] for run in stopped]
    assert [(e.step, e.epoch) for e in ends if isinstance(e, Finished)] == [(18, 3.0)] * 3


@pytest.mark.parametrize("named", ["dense-2", [1, {}], ["../dense-1", "dense-2"], {"dense-1": 2}, []])
def test_a_damaged_environment_names_nothing_outside(stopped: list[Path], named: object) -> None:
    file = stopped[0] / "environment.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "together": named}))
    assert [path.name for path in _together(commands.open_run(stopped[0]), True)] == ["dense-1"]


@pytest.mark.parametrize(
    ("states", "over"),
    [
        (["interrupted"], set()),
        (["done"], set()),
        (["diverged"], set()),
        (["done", "stopped"], {0}),
        (["done", "diverged", "stopped", "failed"], {0, 1}),
        (["done", "diverged"], {0}),
        (["diverged", "diverged"], set()),
        (["done", "done"], set()),
    ],
)
def test_which_runs_are_not_gone_on_with(states: list[str], over: set[int]) -> None:
    assert _over(states) == over


STOPPING = SPECS["dense"].replace("bootstrap = true", "stop = { patience = 1 }\n[[phase]]\n[[phase]]")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SPECS["margin"], "the members of an ensemble are trained side by side already"),
        (STOPPING, "phases that end early end at other steps with other seeds"),
    ],
)
def test_what_is_not_trained_with_several_seeds(folder: Path, text: str, message: str) -> None:
    (folder / "refused.toml").write_text(text)
    result = netspec(folder, "train", "refused.toml", "--seeds", "2", "--out", "refused")
    assert result.code == 2
    assert "refused.toml:14:1" in result.err
    assert message in result.err
    assert not (folder / "refused").exists()


def test_an_only_member_is_a_network(folder: Path) -> None:
    asked = ("train", "margin.toml", "--set", "train.members=1", "--json")
    metrics = netspec(folder, *asked).events()[-1]["metrics"]
    assert metrics["test/loss"] == pytest.approx(metrics["test/member/loss"], rel=1e-6)
    assert metrics["test/spread/loss"] == 0.0
