"""A run as an object, for people who work in Python: what it reached, its record, its network, how to go on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import DataError, Diagnostic, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netspec.commands.specs import Opened
    from netspec.commands.trained import Evaluation, Prediction
    from netspec.commands.training import Session
    from netspec.report.columns import Columns
    from netspec.report.progress import Progress
    from netspec.runs.directory import State
    from netspec.runs.events import Alerted
    from netspec.runs.glance import Glance
    from netspec.runs.histories import Peak

__all__ = ["Picture", "Run", "Runs", "list_runs", "run", "trained"]


class Run(os.PathLike[str]):
    """A run; may stand wherever its directory's path may.

    Everything is read when it is asked for: a run that another process trains tells how far it is now.
    """

    __slots__ = ("_path",)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    # -- as a path -----------------------------------------------------------------------------------------------------

    def __fspath__(self) -> str:
        return str(self._path)

    def __str__(self) -> str:
        return str(self._path)

    def __repr__(self) -> str:
        return f"netspec.run({str(self)!r})"

    def __truediv__(self, name: str) -> Path:
        return self._path / name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and self._path == other._path

    def __hash__(self) -> int:
        return hash(self._path)

    @property
    def path(self) -> Path:
        """Its directory."""
        return self._path

    @property
    def name(self) -> str:
        """Its directory's name."""
        return self._path.name

    # -- what it tells -------------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """How it is: "running", or as its training ended, "done", "interrupted", "diverged", "failed" or "stopped"."""
        return self._glance().state

    @property
    def spec(self) -> Opened:
        """Its spec, to be looked at or trained anew."""
        from netspec.commands.trained import open_run

        return open_run(self._path).opened

    @property
    def tags(self) -> tuple[str, ...]:
        """Words that people put on it."""
        return self._glance().tags

    @property
    def best(self) -> Peak | None:
        """The best value of the metric that decides, with its step and epoch; None before the first evaluation."""
        from netspec.runs.histories import read_history

        return read_history(self._path).best

    @property
    def alerts(self) -> tuple[Alerted, ...]:
        """What a person should know of its training: each with a `message`, and a `help`."""
        from netspec.runs.histories import read_history

        return read_history(self._path).alerts

    def metrics(self) -> dict[str, float]:
        """What it reached, by "part/metric": of the parameters that it kept, or as last measured."""
        return dict(self._glance().metrics)

    def history(self) -> Columns:
        """Its record as columns: losses, rates and metrics, a row for each step at which something was recorded."""
        from netspec.report.columns import columns
        from netspec.runs.histories import read_history

        return columns(read_history(self._path))

    # -- what it does --------------------------------------------------------------------------------------------------

    def evaluate(self, data: str | Path | None = None, device: str | None = None) -> Evaluation:
        """Measure its network on its own parts of the data, or on other examples.

        Args:
            data: a table, an NPZ file, a folder of images for each class, MNIST's files, or a text.
            device: "cpu", "gpu" or "tpu"; JAX's own choice where none is given.

        Raises:
            NetspecError: it has no checkpoint, or the data does not fit.
        """
        from netspec.commands.trained import evaluate

        return evaluate(self._path, None if data is None else Path(data), device)

    def predict(self, inputs: Any, device: str | None = None) -> Prediction:
        """Let its network say what new inputs are.

        Args:
            inputs: a file or a folder; or an array [n, …] as the data has it before any transform, several by name; or
                a table of pandas with the data's columns.

        Raises:
            NetspecError: it has no checkpoint, or the inputs do not fit.
        """
        from netspec.commands.trained import predict

        if isinstance(inputs, str | os.PathLike):
            return predict(self._path, Path(inputs), device)
        with _as_file(inputs, self._path) as path:
            return predict(self._path, path, device)

    def resume(self, device: str | None = None, edited: bool = False, show: bool = True) -> Run:
        """Go on where it stopped, and give it back.

        Args:
            edited: go on although its spec was changed since.
            show: show the training, as `train` does.

        Raises:
            NetspecError: it is done, its spec or data were changed, or the training could not go on.
        """
        from netspec.commands.resumed import resume

        return trained(resume(self._path, device, edited), show)

    def plot(self, kind: str = "curves", **wanted: Any) -> Picture:
        """A picture of it; matplotlib draws it.

        Args:
            kind: "curves", "bars", "confusion", "filters", "reconstructions", "regions", "embedding" or "weights".
            wanted: `part`, `layer`, `examples`, `by`, as `netspec plot` has them.

        Raises:
            NetspecError: it has no such picture, or matplotlib is not installed.
        """
        from netspec.commands.pictured import Wanted, plot
        from netspec.report.pictures import check_can_draw

        check_can_draw()
        drawn = plot([self._path], kind, Wanted("png", **wanted))
        return Picture(drawn.data, f"{drawn.kind} of {drawn.what}")

    def report(self, path: str | Path = "report.html") -> Path:
        """Write the page on it, one file of HTML that needs nothing else; give its path."""
        from netspec.commands.pages import report
        from netspec.report.page import page
        from netspec.runs.atomic import write_bytes

        write_bytes(Path(path), page(report([self._path])).encode("utf-8", "surrogateescape"))
        return Path(path)

    # -- how it shows itself -------------------------------------------------------------------------------------------

    def _repr_html_(self) -> str:
        import time

        from netspec.report.notebook.runs import run_html

        return run_html(self._path, self._progress(), self.state, time.time())

    def _glance(self) -> Glance:
        from netspec.runs.glance import glance

        return glance(self._path)

    def _progress(self) -> Progress:
        from functools import reduce

        from netspec.report.progress import Progress, advance
        from netspec.runs.records import read_events

        return reduce(advance, read_events(self._path), Progress())


class Runs(tuple[Run, ...]):
    """Runs, the newest first."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        import time

        from netspec.report.notebook.runs import runs_html
        from netspec.runs.glance import glance

        return runs_html([glance(run.path) for run in self], time.time())


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, which a notebook shows.

    Args:
        data: the content of a PNG file.
        what: it shows.
    """

    data: bytes
    what: str

    def __repr__(self) -> str:
        return f"<{printable(self.what)}: {len(self.data):,} bytes of PNG>"

    def save(self, path: str | Path) -> Path:
        """Write it to a .png file."""
        from netspec.runs.atomic import write_bytes

        write_bytes(Path(path), self.data)
        return Path(path)

    def _repr_png_(self) -> bytes:
        return self.data


def run(name: str | os.PathLike[str]) -> Run:
    """A run, by its directory, its name under `runs/`, or "newest".

    Raises:
        RunError: there is none; with the nearest name.
    """
    from netspec.runs.selection import chosen

    found = chosen([os.fspath(name)])
    if len(found) > 1:
        raise _several(os.fspath(name), found)
    return Run(found[0])


def _several(name: str, found: Sequence[Path]) -> Exception:
    from netspec.diagnostics import RunError

    names = ", ".join(path.name for path in found[:8]) + (", …" if len(found) > 8 else "")
    help_ = "netspec.compare takes several; netspec.list_runs gives them all"
    return RunError(Diagnostic("choice", f"{name!r} stands for {len(found)} runs", note=names, help=help_))


def list_runs(parent: str | os.PathLike[str] = "runs") -> Runs:
    """The runs in a folder, the newest first; those that cannot be read are left out."""
    from netspec.runs.glance import glances

    found, _ = glances(Path(parent))
    return Runs(Run(one.path) for one in found)


# -- training ----------------------------------------------------------------------------------------------------------


def trained(session: Session, show: bool) -> Run:
    """Train to the end, or to an interrupt; and give the run, or the first of several.

    In a notebook, one output shows the training, and changes in place; elsewhere there are lines. An interrupt (Ctrl-C,
    the notebook's stop button) saves and stops; a second one leaves at once.

    Raises:
        TrainingError: the training could not go on.
    """
    from netspec.commands.shown import Stopping, shown
    from netspec.train.requests import Requests

    requests = Requests()
    with shown(session, show) as display, Stopping(requests, display):
        for event in session.events(requests):
            display.show(event)
    return Run(session.run)


INPUTS = "the inputs"
"""What inputs are called that have no file."""


@contextmanager
def _as_file(inputs: Any, run: Path) -> Iterator[Path]:
    """Inputs that are in memory, as the file that they would be read from; within it, mistakes are theirs.

    Raises:
        DataError: they are of no use to the run's network.
    """
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="netspec-") as folder:
        path = _written(inputs, run, Path(folder))
        try:
            yield path
        except DataError as error:
            raise DataError(*(_without_file(d, path) for d in error.diagnostics)) from error


def _without_file(diagnostic: Diagnostic, path: Path) -> Diagnostic:
    message = diagnostic.message.replace(f"{path}: ", f"{INPUTS}: ").replace(str(path), INPUTS)
    return replace(diagnostic, message=message, file=None, place=None)


def _written(inputs: Any, run: Path, folder: Path) -> Path:
    from netspec.commands.trained import open_run

    known = open_run(run).preparation.format
    if hasattr(inputs, "to_csv"):
        inputs.to_csv(folder / "inputs.csv", index=False)
        return folder / "inputs.csv"
    if known.reading in ("table", "series"):
        return _as_table(inputs, [c.name for i in known.inputs.values() for c in i.columns], folder / "inputs.csv")
    return _as_arrays(inputs, {name: i.array for name, i in known.inputs.items()}, folder / "inputs.npz")


def _as_table(inputs: Any, columns: Sequence[str], path: Path) -> Path:
    """A table of a row an input."""
    import csv

    import numpy as np

    rows = _array(inputs)
    if rows.ndim != 2 or rows.shape[1] != len(columns):
        message = f"{INPUTS} must be [n, {len(columns)}], a row each, not {list(rows.shape)}"
        raise DataError(Diagnostic("wrong-data", message, note=f"the columns are: {', '.join(columns)}"))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(np.where(rows == None, "", rows).tolist() if rows.dtype.hasobject else rows.tolist())  # noqa: E711
    return path


def _as_arrays(inputs: Any, names: Mapping[str, str], path: Path) -> Path:
    """An archive of an array an input."""
    import numpy as np

    given = inputs if isinstance(inputs, Mapping) else {next(iter(names)): inputs}
    if unknown := [name for name in given if name not in names]:
        message = f"the network has no input '{unknown[0]}'"
        raise DataError(Diagnostic("wrong-data", message, note=f"its inputs are: {', '.join(names)}"))
    arrays = {names[name]: _array(values) for name, values in given.items()}
    if any(array.dtype.hasobject for array in arrays.values()):
        raise DataError(Diagnostic("wrong-data", f"{INPUTS} hold things that are no numbers", help="give numbers"))
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def _array(values: Any) -> NDArray[Any]:
    import numpy as np

    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(Diagnostic("wrong-data", f"{INPUTS} are no array: {error}")) from error
