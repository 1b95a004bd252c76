"""Other people's programs that a training is told to: seen to be there before it begins, and told while it goes on."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.diagnostics import Diagnostic, SpecError
from netspec.runs.events import Alerted, Event, Finished, Started
from netspec.spec.sections import Spec

if TYPE_CHECKING:
    from netspec.report.writers import Begun, Telling, Tool, Writer

__all__ = ["check_installed", "reported"]


def check_installed(spec: Spec) -> None:
    """See that what `[report]` names can be told.

    Raises:
        SpecError: something of it is not installed.
    """
    if spec.report is None:
        return
    from netspec.report.writers import TOOLS, missing

    absent = [(i, name) for i, name in enumerate(spec.report.to) if missing(name)]
    if absent:
        raise SpecError(*(_absent(spec, i, TOOLS[name]) for i, name in absent))


def _absent(spec: Spec, i: int, tool: Tool) -> Diagnostic:
    path = spec.at("report", "to", i)
    place = spec.document.value_place(path if path in spec.document.places else path[:-1])
    message = f"{tool.title} is not installed, and [report] asks for it"
    return Diagnostic("not-installed", message, place, help=f"pip install 'netspec[{tool.name}]', or leave it out")


def reported(
    events: Iterable[tuple[int, Event]], spec: Spec, runs: Sequence[Path]
) -> Generator[tuple[int, Event], None, None]:
    """The events of a training, each told to the programs that `[report]` names, and what became of those.

    Args:
        events: of which run, and what happens to it.
        runs: the directory of each.

    Yields:
        The same events; and an alert where a program is told no more.
    """
    if spec.report is None:
        yield from events
        return
    telling = {i: _tellings(run, spec.report.to) for i, run in enumerate(runs)}
    try:
        for i, event in events:
            for one in telling[i].values():
                one.tell(event)
                if isinstance(event, Finished):
                    one.close()  # what it says of that stands before the end, which is the last of a record
            yield from ((i, alert) for alert in _alerts(telling[i], event))
            yield i, event
    finally:
        for one in (one for tellings in telling.values() for one in tellings.values()):
            one.close(patience=5.0)


def _tellings(run: Path, names: Sequence[str]) -> Mapping[str, Telling]:
    from netspec.report.writers import TOOLS, Telling

    return {name: Telling(TOOLS[name].title, partial(_opened, TOOLS[name], run)) for name in names}


def _opened(tool: Tool, run: Path, started: Started) -> Writer:
    from netspec.report.writers import begun

    told: Begun = begun(run, started)
    return tool.open(told)


def _alerts(tellings: Mapping[str, Telling], event: Event) -> Iterator[Alerted]:
    for name, one in tellings.items():
        if said := one.failure():
            message = f"{one.title} is told no more of this training: {said}"
            help_ = f"the run's own record is whole; [report] without '{name}' leaves it out"
            yield Alerted(event.time, event.step, "report", message, help_)
