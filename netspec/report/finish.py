"""What a training ends with: what it reached, how long it took, where it is, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from rich.text import Text

from netspec.diagnostics import printable
from netspec.report.drawing.styles import BOLD, DIM, WARNING
from netspec.report.drawing.wording import count, duration, epochs, measure, measured_name, percent
from netspec.report.progress import Progress

__all__ = ["summaries", "summary"]


def summary(progress: Progress) -> Text:
    """The end of a training in a few lines; empty before its `Finished`."""
    finished = progress.finished
    if finished is None:
        return Text()
    lines = [_headline(progress, finished.reason)]
    lines += [_line(label, value) for label, value in _facts(progress).items() if value]
    lines += _noticed(progress, finished.reason)
    commands = [_line("" if i else "next", c, BOLD) for i, c in enumerate(_next(finished.run, finished.reason))]
    return Text("\n").join([*lines, Text(), *commands] if commands else lines)


def summaries(several: Sequence[Progress]) -> Text:
    """The end of a training in a few lines; of several, in a line each."""
    if len(several) == 1:
        return summary(several[0])
    ended = [(p, p.finished) for p in several if p.finished is not None]
    wide = max((len(printable(end.run)) for _, end in ended), default=0)
    lines = [
        Text(f"{printable(end.run):<{wide}}  ").append_text(_headline(progress, end.reason)) for progress, end in ended
    ]
    stopped = [f"netspec resume {shlex.quote(end.run)}" for _, end in ended if end.reason in _STOPS]
    compared = [f"netspec compare {' '.join(shlex.quote(end.run) for _, end in ended)}"] if len(ended) > 1 else []
    commands = [_line("" if i else "next", command, BOLD) for i, command in enumerate((*stopped[:1], *compared))]
    commands = [Text(), *commands] if commands else []
    return Text("\n").join([*lines, *commands])


def _noticed(progress: Progress, reason: str) -> list[Text]:
    """What the training was told of, with the remedy under each; why it diverged stands among the facts."""
    alerts = [a for a in progress.alerts if not (reason == "diverged" and a is progress.alerts[-1])]
    lines: list[Text] = []
    for alert in alerts:
        lines.append(_line("" if lines else "noticed", f"step {count(alert.step)}: {alert.message}", WARNING))
        lines += [_line("", f"  {alert.help}", DIM)] if alert.help else []
    return lines


def _headline(progress: Progress, reason: str) -> Text:
    """One sentence: what happened, and what was reached."""
    step = count(progress.step)
    steps = f" of {count(progress.started.steps)}" if progress.started else ""
    if reason in _STOPS:
        return Text().append(_STOPS[reason].format(step + steps), BOLD)
    if reason == "diverged":
        return Text().append(f"Diverged at step {step}.", BOLD)
    metrics = progress.finished.metrics if progress.finished else {}
    shown = _deciding(progress, metrics)
    several = progress.finished is not None and "{" in progress.finished.run
    reached = f": {'the mean of ' if several else ''}{shown}" if shown else ""
    return Text().append(printable(f"Trained {step} steps{reached}."), BOLD)


_STOPS: Mapping[str, str] = {
    "interrupted": "Stopped at step {}; it can go on from there.",
    "stopped": "Stopped at step {}: its process ended without a word.",
    "failed": "Failed at step {}.",
}


def _deciding(progress: Progress, metrics: Mapping[str, float]) -> str:
    """The metric that decides, on the test part where there is one."""
    wanted = progress.started.metric if progress.started else ""
    name = next((n for n in (f"test/{wanted.partition('/')[2]}", wanted) if n in metrics), "")
    return f"{measured_name(name)} {measure(metrics[name])}" if name else ""


def _facts(progress: Progress) -> dict[str, str]:
    started, finished, best = progress.started, progress.finished, progress.best
    assert finished is not None
    facts = {}
    alert = progress.alerts[-1] if progress.alerts else None
    if finished.reason == "diverged" and alert:
        facts = {"why": alert.message, "help": alert.help}
    if best and started:
        where = f"step {count(best.step)}, epoch {epochs(best.epoch)}"
        facts["best"] = f"{measured_name(started.metric)} {measure(best.value)} at {where}"
    of_members = ("member/", "spread/")
    values: Mapping[str, float] = {}
    own: Mapping[str, float] = {}
    for part in dict.fromkeys(name.partition("/")[0] for name in finished.metrics):
        values = {n.partition("/")[2]: v for n, v in finished.metrics.items() if n.startswith(f"{part}/")}
        own = {n: v for n, v in values.items() if not n.startswith(of_members)}
        facts[part] = ", ".join(f"{measured_name(n)} {measure(v)}" for n, v in own.items())
    if values and f"member/{next(iter(own))}" in values:  # of the last part: the test part, where there is one
        each = (f"{n} {measure(values[f'member/{n}'])} ± {measure(values[f'spread/{n}'])}" for n in own)
        facts["a member"] = ", ".join(each)
    compiling = progress.shares().get("compiling", 0.0)
    facts["time"] = duration(progress.elapsed(finished.time)) + (
        f", {percent(compiling)} of it compiling" if compiling >= 0.01 else ""
    )
    facts["run"] = finished.run
    return facts


def _next(run: str, reason: str) -> list[str]:
    """The commands that most people want now."""
    if not run:
        return []
    if "{" in run and reason not in _STOPS:  # several runs in one word, which the shell takes apart
        return [f"netspec compare {run}"]
    # Any of several that were trained at once stands for all.
    quoted = shlex.quote(run if "{" not in run else run.partition("{")[0] + run.partition("{")[2].partition("..")[0])
    if reason in _STOPS:
        return [f"netspec resume {quoted}"]
    if reason == "diverged":
        return [f"netspec inspect {quoted}"]
    return [f"netspec evaluate {quoted}", f"netspec compare {quoted} RUN"]


def _line(label: str, value: str, style: str = "") -> Text:
    return Text.assemble((f"  {label:<12}", DIM), (printable(value), style))
