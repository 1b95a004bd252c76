"""A program that trains nothing, and leaves the files of a training behind it as one does: for whoever watches."""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "report"))
from made_runs import ENVIRONMENT, SPEC, events

from netspec.runs.directory import create, lock, prepare
from netspec.runs.events import Finished
from netspec.runs.records import Recorder


def main(parent: str, name: str, seconds: str) -> None:
    """A run of 200 steps, an event every so many seconds; it says its directory, and ends when it is told how."""
    run = create(Path(parent), name)
    prepare(run, spec=SPEC, resolved={}, environment=ENVIRONMENT)
    with lock(run), Recorder(run) as recorder:
        sys.stdout.write(f"{run}\n")
        sys.stdout.flush()
        for event in events(str(run), 0.97, 200, "done", 0):
            if isinstance(event, Finished):
                sys.stdin.readline()
            recorder.record(dataclasses.replace(event, time=time.time()))
            time.sleep(float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
