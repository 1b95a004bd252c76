"""netspec from Python: a spec is trained, and its run asked, resumed and held against another."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.commands import trained as asked
from netspec.commands.training import Session
from netspec.runs.directory import load
from netspec.runs.events import Stepped
from netspec.runs.records import read_events

FLOWERS = """\
name = "flowers"
[data]
source = "iris"
[model]
layers = [{ dense = "$classes" }]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "sgd"
learning_rate = 0.1
[train]
epochs = 4
batch = 30
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("home")
    (path / "flowers.toml").write_text(FLOWERS)
    return path


@pytest.fixture(scope="module")
def run(home: Path) -> netspec.Run:
    return netspec.load(home / "flowers.toml").train(home / "runs", show=False)


@pytest.fixture(scope="module")
def pairs(home: Path) -> netspec.Run:
    """A network that reads arrays."""
    draw = np.random.default_rng(0)
    np.savez(home / "pairs.npz", x=draw.normal(size=(80, 2)).astype(np.float32), y=draw.integers(0, 2, 80))
    (home / "pairs.toml").write_text(FLOWERS.replace('"iris"', '{ npz = "pairs.npz" }').replace("flowers", "pairs"))
    return netspec.load(home / "pairs.toml").train(home / "runs", show=False)


def test_one_text_is_not_its_letters(run: netspec.Run, home: Path) -> None:
    assert netspec.load(home / "flowers.toml", "train.epochs=7").spec.train.epochs == 7
    again = netspec.load(home / "flowers.toml", seed=1).train(home / "two", show=False)
    shutil.copytree(run.path, home / "two" / "flowers-2")
    assert len(netspec.compare(str(again.path.parent)).runs) == 3  # both, and their mean


def test_the_module_lists_what_there_is_to_be_used() -> None:
    assert {name for name in dir(netspec) if not name.startswith("_")} == set(netspec.__all__)


def test_a_run_is_as_good_as_its_path(run: netspec.Run, home: Path) -> None:
    assert os.fspath(run) == str(run) == str(home / "runs" / "flowers-1")
    assert Path(run) == run.path
    assert (run / "spec.toml").is_file()
    assert (run.name, run.state, load(run.path).state) == ("flowers-1", "done", "done")
    assert netspec.run(run) == run
    assert {run, netspec.run(run.path)} == {run}
    assert repr(run) == f"netspec.run({str(run)!r})"


def test_a_run_tells_what_it_reached(run: netspec.Run) -> None:
    reached = run.metrics()
    assert set(reached) == {f"{p}/{m}" for p in ("train", "validation", "test") for m in ("loss", "accuracy", "error")}
    again = run.evaluate(device="cpu").metrics
    assert {name: pytest.approx(value, abs=1e-6) for name, value in reached.items()} == dict(again)
    best = run.best
    assert best is not None
    steps, values = run.history().series("validation/accuracy")
    assert best.value == max(values)
    assert best.step in steps[values == best.value]
    assert run.alerts == ()
    assert run.tags == ()
    assert run.spec.inspect().parameters.trainable == 4 * 3 + 3


def test_history_is_what_was_recorded(run: netspec.Run) -> None:
    stepped = [event for event in read_events(run.path) if isinstance(event, Stepped)]
    history = run.history()
    assert history["training/loss"].tolist() == [event.loss for event in stepped]
    assert history["step"].tolist() == [event.step for event in stepped]
    assert history["epoch"].tolist() == [event.epoch for event in stepped]
    lengths = {len(column) for column in history.values()}
    assert lengths == {len(stepped)}
    steps, values = history.series("validation/loss")
    assert steps.tolist() == [4, 8, 12, 16]  # 120 flowers to train with, 30 a step
    assert np.isfinite(values).all()
    plain = history.to_dict()
    assert plain["validation/loss"][:4] == [None, None, None, values[0]]
    assert "rows of step, epoch" in repr(history)


def test_history_as_a_table_of_pandas(run: netspec.Run) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    table = run.history().to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert table["training/loss"].tolist() == run.history()["training/loss"].tolist()
    names = [f"{name} (cm)" for name in ("sepal length", "sepal width", "petal length", "petal width")]
    assert run.predict(pandas.DataFrame([[5.1, 3.5, 1.4, 0.2]], columns=names)).rows()[0]["class"] == "setosa"


def test_inputs_may_be_rows(run: netspec.Run, tmp_path: Path) -> None:
    from sklearn.datasets import load_iris

    flowers = load_iris().data[[0, 60, 120]]
    header = ",".join(f"{name} (cm)" for name in ("sepal length", "sepal width", "petal length", "petal width"))
    np.savetxt(tmp_path / "three.csv", flowers, fmt="%.17g", delimiter=",", header=header, comments="")
    expected = asked.predict(run.path, tmp_path / "three.csv")
    for found in (run.predict(flowers), run.predict(flowers.tolist()), run.predict(str(tmp_path / "three.csv"))):
        np.testing.assert_array_equal(found.values, expected.values)
        assert found.rows()[0]["class"] == "setosa"


def test_inputs_may_be_arrays(pairs: netspec.Run) -> None:
    pixels = np.arange(6, dtype=np.float32).reshape(3, 2)
    whole = pairs.predict(pixels).values
    assert whole.shape == (3, 2)
    np.testing.assert_array_equal(pairs.predict({"input": pixels}).values, whole)


@pytest.mark.parametrize(
    ("which", "inputs", "said"),
    [
        ("pairs", {"left": [[1.0]]}, "no input 'left'"),
        ("pairs", [["a", None]], "no numbers"),
        ("pairs", [[1.0], [1.0, 2.0]], "no array"),
        ("pairs", [[1.0, 2.0, 3.0]], "the inputs"),
        ("flowers", [[1.0, 2.0]], r"\[n, 4\]"),
        ("flowers", [["a", "b", "c", "d"]], "the inputs"),
        ("flowers", {"input": 3}, r"\[n, 4\]"),
    ],
)
def test_inputs_that_do_not_do(run: netspec.Run, pairs: netspec.Run, which: str, inputs: object, said: str) -> None:
    with pytest.raises(netspec.DataError, match=said) as caught:
        (run if which == "flowers" else pairs).predict(inputs)
    assert "netspec-" not in str(caught.value)  # the folder that nobody knows of


def test_runs_are_found_by_what_people_call_them(run: netspec.Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert netspec.run("flowers-1").path == Path("runs/flowers-1")
    assert netspec.run("newest").name == netspec.list_runs()[0].name
    with pytest.raises(netspec.RunError, match="did you mean 'flowers-1'"):
        netspec.run("flower-1")
    with pytest.raises(netspec.RunError, match="no run fits"):
        netspec.run("rose-*")


def test_an_interrupt_saves_and_the_run_goes_on(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C in a terminal, the stop button of a notebook."""
    events, waiting = Session.events, [True]

    def interrupted(self: Session, *given: object) -> object:
        for event in events(self, *given):  # type: ignore[arg-type]
            if isinstance(event, Stepped) and event.step >= 5 and waiting:
                waiting.clear()
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.2)
            yield event

    monkeypatch.setattr(Session, "events", interrupted)
    stopped = netspec.load(home / "flowers.toml", ["train.epochs=200"]).train(home / "stopped")
    monkeypatch.undo()
    said = capsys.readouterr().out
    assert "stopping=" in said
    assert "finished=interrupted" in said
    assert stopped.state == "interrupted"
    assert 5 <= stopped.history()["step"][-1] < 200 * 4
    resumed = stopped.resume(show=False)
    assert resumed == stopped
    assert (resumed.state, resumed.history()["step"][-1]) == ("done", 800)
    assert capsys.readouterr().out == ""
    whole = netspec.load(home / "flowers.toml", ["train.epochs=200"]).train(home / "whole", show=False)
    assert whole.metrics() == resumed.metrics()
    compared = netspec.compare([whole, resumed])
    assert {row.name for row in compared.runs} == {str(whole), str(resumed)}


def test_a_picture_and_a_page(run: netspec.Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    picture = run.plot("curves")
    assert picture._repr_png_()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.save(tmp_path / "curves.png").read_bytes() == picture.data
    assert repr(picture).startswith("<curves of flowers-1")
    with pytest.raises(netspec.NetspecError, match="no picture of the kind 'curve'"):
        run.plot("curve")
    page = run.report(tmp_path / "report.html")
    assert "flowers-1" in page.read_text("utf-8")
