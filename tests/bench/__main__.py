"""`python -m tests.bench`: train each problem in every form, a process a form, by short turns, and time the commands.

Prints tables and writes every number to a JSON file. A ratio compares turns of the same round, since the machine may be
busier in one round than in the next; what is shown is the median over the rounds. The processor's time a step, of all
cores together, is the steadier number where other programs run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import select
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from .commands import COMMANDS, MANY_SEEDS, ONE_SEED, command_seconds

# The problems by name: importing them would load JAX into this process, which only waits.
NAMES = ("perceptron", "lenet5", "resnet20", "mobilenet")
HAND = ("single", "idiomatic", "scanned")
TRAINED = ("netspec", "netspec-bare", *HAND)

PATIENCE = 60.0
"""Seconds after which a form whose first losses are not there is given up."""


def main() -> None:
    options = _options()
    report: dict[str, Any] = {"when": time.strftime("%Y-%m-%dT%H:%M:%S%z"), **_surroundings()}
    names = [name for name in NAMES if options.only in (None, name)]
    report["training"] = {name: _train(name, options) for name in names}
    if options.only in (None, "commands"):
        report["commands"] = _commands(options)
    path = options.out or Path(f"bench-{time.strftime('%Y%m%d-%H%M%S')}.json")
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"\nevery number: {path}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three rounds, of half a second a turn")
    parser.add_argument("--only", choices=[*NAMES, "commands"], help="one network, or the commands")
    parser.add_argument("--rounds", type=int, help="of turns; 10 unless said otherwise")
    parser.add_argument("--seconds", type=float, help="of a turn; 1 unless said otherwise")
    parser.add_argument("--out", type=Path, help="the JSON file; bench-TIME.json here unless said otherwise")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 10)
    options.seconds = options.seconds or (0.5 if options.quick else 1.0)
    return options


def _surroundings() -> dict[str, Any]:
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("jax", "jaxlib", "flax", "optax", "numpy")},
    }


def _train(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """All trials of one problem: every form gets a process of its own, and these take short turns."""
    print(f"\n{name}", flush=True)
    trials = {form: Trial(name, form, options.seconds) for form in TRAINED}
    taking_part = [trial for trial in trials.values() if trial.start is not None]
    for trial in taking_part:
        trial.turn()  # caches are warm from here on
        trial.turns.clear()
    for _ in range(options.rounds):
        for trial in taking_part:
            trial.turn()
    for trial in trials.values():
        trial.end()
    ours = trials["netspec"].rates
    print(f"  {'':14}{'steps/s':>10}{'processor ms':>14}{'start, s':>10}{'netspec is':>12}")
    for form, trial in trials.items():
        print(_row(form, trial, ours))
    difference = _difference(taking_part)
    best = max(HAND, key=lambda form: median(trials[form].rates or [0.0]))
    ratio = _ratio(ours, trials[best].rates)
    print(f"  the first losses agree to {difference:.1e}; netspec makes {ratio:.2f} times the steps of '{best}'")
    forms = {form: {"start": trial.start, "turns": trial.turns} for form, trial in trials.items()}
    return {"forms": forms, "best_by_hand": best, "ratio": ratio, "losses_differ_by": difference}


class Trial:
    """A process that trains in one form whenever it is its turn.

    Attributes:
        start: what it said when the first losses were there; None where that took too long.
        turns: what it said of each turn.
    """

    def __init__(self, name: str, form: str, seconds: float) -> None:
        command = [sys.executable, "-m", "tests.bench.trial", name, form, str(seconds)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.start = self._said(PATIENCE)
        self.turns: list[dict[str, float]] = []
        if self.start is None:
            self.end()
        else:
            self._process.send_signal(signal.SIGSTOP)

    def turn(self) -> None:
        """Train for a while; in between the process is held, since its device may have steps to make still."""
        assert self._process.stdin is not None
        self._process.send_signal(signal.SIGCONT)
        print(file=self._process.stdin, flush=True)
        found = self._said(10 * PATIENCE)
        assert found is not None, "it has trained before"
        self._process.send_signal(signal.SIGSTOP)
        self.turns.append(found)

    @property
    def rates(self) -> list[float]:
        """Steps a second, of each turn."""
        return [turn["steps_per_second"] for turn in self.turns]

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _said(self, patience: float) -> dict[str, Any] | None:
        """The next thing that it says, which is one line at a time; None where that takes too long."""
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], patience)[0]:
            return None
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def _row(form: str, trial: Trial, ours: list[float]) -> str:
    if trial.start is None:
        return f"  {form:14}{'—':>10}  no losses within {PATIENCE:.0f} s"
    processor = median(turn["processor_ms"] for turn in trial.turns)
    ratio = _ratio(ours, trial.rates)
    return f"  {form:14}{median(trial.rates):>10.2f}{processor:>14.2f}{trial.start['start']:>10.1f}{ratio:>11.3f}×"


def _difference(trials: list[Trial]) -> float:
    """By how much the first losses of the forms differ, relatively; a form that tells of other steps is left out.

    Raises:
        SystemExit: by more than 1e-4, so that they are not the same problem.
    """
    starts = [trial.start for trial in trials if trial.start is not None]
    steps, loss = starts[0]["first_steps"], starts[0]["loss"]
    difference = max(abs(start["loss"] - loss) / loss for start in starts if start["first_steps"] == steps)
    if not difference <= 1e-4:
        raise SystemExit(f"the forms do not train the same network: their first losses differ by {difference:.1e}")
    return float(difference)


def _commands(options: argparse.Namespace) -> dict[str, list[float] | None]:
    print("\ncommands")
    found = {name: command_seconds(name, 3 if options.quick else 7) for name in COMMANDS}
    for name, seconds in found.items():
        print(f"  {name:38}" + ("skipped: there is no netspec.cli" if seconds is None else f"{median(seconds):.2f} s"))
    one, many = found[ONE_SEED], found[MANY_SEEDS]
    if one and many:
        print(f"  sixteen seeds take {median(many) / median(one):.2f} times as long as one")
    return found


if __name__ == "__main__":
    main()
