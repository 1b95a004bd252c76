from __future__ import annotations

from pathlib import Path

import pytest

from netspec.diagnostics import RunError
from netspec.runs.criteria import by_metric, by_states, by_value, metric_of, specs_of
from netspec.runs.glance import Glance

RUNS = (
    Glance(
        Path("a"),
        "done",
        metric="validation/accuracy",
        best=0.95,
        metrics={"validation/accuracy": 0.93, "validation/loss": 0.2, "test/loss": 0.3, "train/norm": 5.0},
    ),
    Glance(Path("b"), "running", metric="validation/accuracy", metrics={"validation/loss": 0.4}),
    Glance(Path("c"), "stopped"),
    Glance(Path("d"), "done", metric="train/loss", best=0.1, metrics={"train/loss": 0.1, "validation/loss": 9.0}),
    Glance(Path("e"), "diverged", metric="validation/accuracy", metrics={"validation/accuracy": float("nan")}),
)


def names(text: str) -> str:
    criterion = by_metric(text, RUNS)
    return "".join(run.name for run in RUNS if criterion.fits(run))


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("accuracy>0.94", "a"),  # the best, where that is what decides
        ("validation/accuracy >= 0.95", "a"),
        ("accuracy<0.95", ""),
        ("validation/accuracy<=1", "a"),
        ("loss<0.35", "ad"),  # of the validation part, unless another one decides
        ("validation/loss<0.35", "a"),
        ("test/loss<=3e-1", "a"),
        ("norm>1", "a"),
        ("loss>-inf", "abd"),
    ],
)
def test_metrics(text: str, fitting: str) -> None:
    assert names(text) == fitting


@pytest.mark.parametrize(
    "text", ["accuracy", "accuracy>", ">1", "accuracy=0.9", "accuracy>high", "a>1>2", "", "a > > 1"]
)
def test_a_metric_that_is_written_wrongly(text: str) -> None:
    with pytest.raises(RunError, match="expected a metric, a sign and a number"):
        by_metric(text, RUNS)


def test_a_metric_that_no_run_has_is_named_with_the_nearest() -> None:
    with pytest.raises(RunError, match=r"did you mean 'accuracy'\?"):
        by_metric("acuracy>0.9", RUNS)
    with pytest.raises(RunError, match=r"did you mean 'test/loss'\?"):
        by_metric("tests/loss>0.9", RUNS)
    with pytest.raises(RunError, match="no run was measured yet"):
        by_metric("loss>0.9", RUNS[2:3])
    assert metric_of(RUNS[0], "test/accuracy") is None


def test_a_state_that_there_is_not() -> None:
    with pytest.raises(RunError, match=r"did you mean 'interrupted'\?"):
        by_states(["done", "interupted"])


SPECS = {
    Path("a"): {
        "optimizer": {"kind": "adam", "learning_rate": 1e-3, "amsgrad": True},
        "model": {"layers": [{"conv": 6}, "relu", {"dense": [1, 2]}]},
        "seed": 1,
        "odd key": 1,
    },
    Path("b"): {"optimizer": {"kind": "sgd", "learning_rate": 1}, "model": {"layers": ["flatten"]}, "seed": 2},
    Path("c"): {"optimizer": "adam"},
}


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("optimizer.kind=adam", "a"),
        ('optimizer.kind="adam"', "a"),
        (" optimizer . kind = adam ", "a"),
        ("optimizer=adam", "c"),
        ("optimizer.kind!=adam", "b"),
        ("optimizer.learning_rate=0.001", "a"),
        ("optimizer.learning_rate=1e-3", "a"),
        ("optimizer.learning_rate=1.0", "b"),
        ("optimizer.learning_rate=true", ""),
        ("optimizer.amsgrad=true", "a"),
        ("optimizer.amsgrad=1", ""),
        ("optimizer.learning_rate<=0.01", "a"),
        ("optimizer.learning_rate>0", "ab"),
        ("optimizer.amsgrad>0", ""),
        ("optimizer.kind>0", ""),
        ("model.layers.0.conv=6", "a"),
        ("model.layers.0={conv = 6.0}", "a"),
        ("model.layers.1=relu", "a"),
        ("model.layers.2.dense=[1, 2]", "a"),
        ("model.layers.0=flatten", "b"),
        ("seed>=2", "b"),
        ("'odd key'=1", "a"),
        ('"odd key"<2', "a"),
    ],
)
def test_values_of_specs(text: str, fitting: str) -> None:
    criterion = by_value(text, SPECS)
    assert "".join(run.name for run in RUNS if criterion.fits(run)) == fitting


@pytest.mark.parametrize(
    "text",
    ["optimizer.kind", "=adam", "optimizer.=1", "a.b=", "a=1\nb=2", "a\nb=1", "a=[1", "a={", "[a]=1", "a=\x1b", "a==1"],
)
def test_a_condition_that_is_written_wrongly(text: str) -> None:
    with pytest.raises(RunError, match="expected a key of a spec, a sign and a value"):
        by_value(text, SPECS)


def test_only_numbers_are_ordered() -> None:
    with pytest.raises(RunError, match="> compares numbers, and 'adam' is none"):
        by_value("optimizer.kind>adam", SPECS)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("optimizer.knd=adam", "optimizer.kind"),
        ("learning_rate=1", "optimizer.learning_rate"),
        ("optimiser.kind=adam", "optimizer.kind"),
        ("model.layers.9=relu", "model.layers"),
    ],
)
def test_a_key_that_no_spec_has_is_named_with_the_nearest(text: str, meant: str) -> None:
    with pytest.raises(RunError, match=f"did you mean '{meant}"):
        by_value(text, SPECS)


def test_specs_are_read_with_their_seeds_and_the_damaged_ones_are_named(tmp_path: Path) -> None:
    texts = {"a": "seed = 1\n", "b": "seed = 1\n", "c": "seed = ", "d": "\xff", "e": "x = " + "[" * 3000}
    for name, text in texts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "spec.toml").write_bytes(text.encode("latin-1"))
    (tmp_path / "f").mkdir()
    runs = [Glance(tmp_path / name, "done", seed=5 if name == "b" else None) for name in "abcdef"]
    specs, damages = specs_of(runs)
    assert specs == {tmp_path / "a": {"seed": 1}, tmp_path / "b": {"seed": 5}}
    assert len(damages) == 4
    assert {d.severity for d in damages} == {"warning"}
