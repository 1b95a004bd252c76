"""Trainings as a person goes on with them: where each of the runs stopped, and whether it can be gone on with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from netspec.commands.specs import dataset_of, program_of
from netspec.commands.trained import Trained, open_run
from netspec.commands.training import Session, check_abreast, plain
from netspec.diagnostics import Diagnostic, RunError

if TYPE_CHECKING:
    from netspec.build import Program
    from netspec.report.differences import Difference
    from netspec.train.checkpoint import Checkpoint

__all__ = ["resume"]


def resume(path: Path, device: str | None = None, edited: bool = False) -> Session:
    """Prepare to go on where a run stopped; runs that were trained at once go on at once.

    Args:
        edited: go on although the run's spec was changed since.

    Raises:
        RunError: the run is done, its spec or its data were changed, its checkpoints do not fit.
    """
    from netspec.commands.reported import check_installed
    from netspec.train.device import choose, keep_compiled

    choose(device)
    keep_compiled()
    trained = open_run(path)
    each = [trained if p == path else open_run(p) for p in _together(trained, edited)]
    if all(one.run.state == "done" for one in each) and not edited:
        for one in each:
            _check_unchanged(one)  # one that was given more steps goes on with --edited, and is told so
        message, help_ = f"{path} is done: there is nothing to go on with", f"netspec evaluate {quote(str(path))}"
        raise RunError(Diagnostic("run-done", message, help=help_))
    for one in each:
        if edited:
            _check_alike(trained, one)
        else:
            _check_unchanged(one)
    check_installed(trained.opened.spec)
    dataset = dataset_of(trained.opened)
    if dataset.fingerprint != trained.run.environment.get("data") and not edited:
        message = "the data is not what the run was trained on"
        raise RunError(
            Diagnostic("data-changed", message, file=str(path), help="--edited goes on with it all the same")
        )
    program = program_of(trained.opened.spec, dataset.facts)
    if len(each) > 1:
        check_abreast(program)
    over = _over([one.run.state for one in each])
    resumed, warnings = _checkpoints([one.run.path for one in each], over, program, edited)
    if resumed[0] is not None:
        warnings += _changed(trained, resumed[0])
    else:
        message = f"{path} was stopped before anything that can be gone on from was saved: it begins again"
        warnings += (Diagnostic("begins-again", message, severity="warning"),)
    begun = None if resumed[0] is not None else _begun(program, trained)
    runs, seeds = tuple(one.run.path for one in each), tuple(one.opened.spec.seed for one in each)
    return Session(runs, seeds, program, dataset, resumed, begun, warnings, over=over)


def _together(trained: Trained, edited: bool) -> list[Path]:
    """The runs that were trained at once, the run's own among them.

    Raises:
        RunError: one of them is gone.
    """
    path, named = trained.run.path, trained.run.environment.get("together")
    names = [str(name) for name in named] if isinstance(named, list) else []
    if path.name not in names:
        return [path]
    found = [name for name in names if Path(name).name == name and (path.parent / name).is_dir()]
    if len(found) < len(names) and not edited:
        gone = ", ".join(name for name in names if name not in found)
        message = f"{path} was trained at once with runs that are gone: {gone}"
        help_ = "--edited goes on without them, perhaps to other bits"
        raise RunError(Diagnostic("no-run", message, file=str(path), help=help_))
    return [path if name == path.name else path.parent / name for name in found]


def _begun(program: Program, trained: Trained) -> Mapping[str, Any] | None:
    from netspec.commands.started import start_arrays

    begun = start_arrays(program.spec, program.network.graph, trained.opened.directory)
    return None if begun is None else begun.arrays


def _over(states: Sequence[str]) -> frozenset[int]:
    """Which of several runs are not gone on with: what is done, and what diverged while others did not."""
    ended = ("done", "diverged") if set(states) - {"done", "diverged"} else ("done",)
    over = frozenset(i for i, state in enumerate(states) if state in ended)
    return over if len(over) < len(states) else frozenset()


def _checkpoints(
    runs: Sequence[Path], over: frozenset[int], program: Program, edited: bool
) -> tuple[tuple[Checkpoint | None, ...], tuple[Diagnostic, ...]]:
    """Where each run goes on: all at one step; anew, where there is no such step.

    Raises:
        RunError: a checkpoint does not fit the program.
    """
    from netspec.train.checkpoint import newest

    found = [newest(run) for run in runs]
    warnings = tuple(damage for _, damages in found for damage in damages)
    own = [checkpoint for checkpoint, _ in found]
    if edited:
        _check_together(runs, own)
        own = [c and replace(c, meta={**c.meta, "ended": False}) for c in own]
    # Saved as it ended, a run is in no need of a step that others have, too.
    going = [i for i, c in enumerate(own) if i not in over and (c is None or not c.meta["ended"])]
    steps = [c.step for i, c in enumerate(own) if c is not None and i in going]
    if len(steps) < len(going):
        return (None,) * len(runs), warnings
    # Killed amid a save, some runs are a checkpoint ahead: the one before is still there.
    behind = {i for i in going if (c := own[i]) is not None and c.step > min(steps)}
    own = [newest(run, min(steps))[0] if i in behind else c for i, (run, c) in enumerate(zip(runs, own, strict=True))]
    if any((c := own[i]) is None or c.step != min(steps) for i in going):
        return (None,) * len(runs), warnings
    for i in set(range(len(runs))) - over:
        _check_fits(runs[i], own[i], program)
    first = next(c for i, c in enumerate(own) if i in going or i not in over)
    return tuple(first if i in over else c for i, c in enumerate(own)), warnings


def _check_together(runs: Sequence[Path], ended: Sequence[Checkpoint | None]) -> None:
    """See that runs which were trained at once, and ended, can go on at once.

    Raises:
        RunError: they ended at different steps.
    """
    steps = [checkpoint.step for checkpoint in ended if checkpoint is not None and checkpoint.meta["ended"]]
    if len(set(steps)) > 1:
        message = (
            f"{runs[0].name} and those that were trained with it ended at different steps, and cannot go on at once"
        )
        raise RunError(Diagnostic("run-done", message, help="train anew"))


def _changed(trained: Trained, checkpoint: Checkpoint) -> tuple[Diagnostic, ...]:
    """A warning where versions or the device are not those of the checkpoint."""
    from netspec.runs.environment import versions
    from netspec.train.device import described

    now = versions()
    changed = [f"{k} {v} → {now.get(k)}" for k, v in checkpoint.versions.items() if now.get(k) != v]
    if described() != trained.run.environment.get("device"):
        changed.append(f"device {trained.run.environment.get('device')} → {described()}")
    if not changed:
        return ()
    message = f"going on under other versions, so perhaps to other bits: {', '.join(changed)}"
    return (Diagnostic("versions", message, severity="warning"),)


def _written(found: Iterable[Difference]) -> list[str]:
    from netspec.report.drawing import values

    return [f"{d.path}: {' → '.join('nothing' if v is None else values.written(v) for v in d.values)}" for d in found]


def _check_alike(trained: Trained, other: Trained) -> None:
    """See that the specs of runs that go on at once were changed alike.

    Raises:
        RunError: they differ in more than the seed.
    """
    from netspec.report.differences import differences

    both = [plain({**one.opened.spec.document.values, "seed": 0}) for one in (trained, other)]
    changed = _written(differences(both))
    if changed:
        message = f"{trained.run.path} and {other.run.path} go on at once, and their specs differ"
        raise RunError(Diagnostic("spec-changed", message, note="; ".join(changed), help="change them alike"))


def _check_unchanged(trained: Trained) -> None:
    from netspec.report.differences import differences

    both = [trained.run.resolved.get("spec", {}), plain(trained.opened.spec.document.values)]
    changed = _written(differences(both))
    if changed:
        raise RunError(
            Diagnostic(
                "spec-changed",
                f"the spec of {trained.run.path} was changed since it was trained",
                file=str(trained.run.path / "spec.toml"),
                note="; ".join(changed),
                help="change it back, train anew, or say --edited if it is meant",
            )
        )


def _check_fits(path: Path, checkpoint: Checkpoint | None, program: Program) -> None:
    assert checkpoint is not None
    phase = checkpoint.meta.get("phase", 0)
    if phase >= len(program.phases):
        message = f"{path} is in its phase {phase + 1}, and its spec has {len(program.phases)}"
        raise RunError(Diagnostic("run-done", message, file=str(path)))
    end = checkpoint.meta["behind"] + program.phases[phase].clock.steps
    if checkpoint.step > end:
        message = f"{path} is at step {checkpoint.step}, past the {end} that its spec asks for"
        raise RunError(Diagnostic("run-done", message, file=str(path)))
