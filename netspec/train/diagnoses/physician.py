"""Looks after a training: listens to its events, and says what ails it, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from netspec.runs.events import Alerted, Evaluated, Stepped
from netspec.train.diagnoses import descent, generalisation, layers
from netspec.train.diagnoses import thresholds as at
from netspec.train.diagnoses.condition import Health
from netspec.train.diagnoses.finding import Finding
from netspec.train.diagnoses.history import History, Patient
from netspec.train.diagnoses.thresholds import BEGUN, CEASED, MOST_ALERTS, MOST_TIMES, Threshold

__all__ = ["RULES", "Physician", "Rule"]

Judgement = Callable[[Patient, History, Health | None], Iterator[Finding]]

EXAMINATIONS = 100
"""Examinations of a run, at the most."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An illness.

    Args:
        judge: how far it has come.
        when: what has just happened when it is asked: a "record" of steps, a "turn" or a "stretch" that is over, an
            "evaluation", an "examination".
        thresholds: where it begins.
        checks: how many times in a row it must be found.
        compares: whether it compares the loss at different steps.
        unless: illnesses that explain it, so that it is not told of beside them.
    """

    judge: Judgement
    when: str
    thresholds: tuple[Threshold, ...]
    checks: int = 1
    compares: bool = False
    unless: tuple[str, ...] = ()


RULES: Mapping[str, Rule] = {
    "divergence": Rule(descent.divergence, "record", (at.GROWN,), compares=True),
    "oscillation": Rule(
        descent.oscillation,
        "turn",
        (at.SWING, at.REVERSALS, at.LOST, at.UNLEARNED),
        compares=True,
        unless=("divergence",),
    ),
    "dead-units": Rule(layers.dead_units, "examination", (at.DEAD, at.ENOUGH), checks=2),
    "saturated-units": Rule(layers.saturated_units, "examination", (at.SATURATED_UNITS, at.BEGINNING), checks=2),
    "vanishing-gradients": Rule(
        layers.vanishing_gradients, "examination", (at.ORDERS, at.FEWEST_LAYERS), checks=2, unless=("dead-units",)
    ),
    "exploding-gradients": Rule(layers.exploding_gradients, "examination", (at.ORDERS, at.FEWEST_LAYERS), checks=2),
    "overfitting": Rule(generalisation.overfitting, "evaluation", (at.OVERFITTED, at.WORSE), compares=True),
    "convergence": Rule(descent.convergence, "stretch", (at.CONVERGED, at.STOOD_STILL, at.STILL), compares=True),
    "crawl": Rule(
        descent.crawl, "stretch", (at.STEADY, at.SLOWED, at.LEARNED), checks=2, compares=True, unless=("plateau",)
    ),
    "plateau": Rule(
        descent.plateau,
        "stretch",
        (at.STILL, at.HIGH, at.PULLING, at.NOTHING, at.CONVERGED),
        checks=2,
        compares=True,
        unless=(
            "divergence",
            "oscillation",
            "dead-units",
            "saturated-units",
            "vanishing-gradients",
            "convergence",
            "crawl",
        ),
    ),
}
"""By code, in the order in which they are told of."""

NAMED = 3
"""Layers that one alert names, at the most."""


class Physician:
    """Says what ails a training, from its events and from examinations of its network.

    An illness is told of when it begins, and again only after it ceased and came back. All that is remembered is plain
    and bounded, so that a run that is resumed is told of as one that was not broken off.

    Args:
        patient: what is known of the training beforehand.
    """

    def __init__(self, patient: Patient) -> None:
        self._patient = patient
        self._history = History.of(patient)
        self._found: dict[str, int] = {}
        """By illness and layer, how many times in a row it was found; 0 or less after it was told of."""
        self._told: dict[str, int] = {}
        """By illness and layer, how often it was told of."""
        self._alerts = 0

    def examines(self, step: int) -> bool:
        """Whether the network should be examined at the evaluation after so many steps: not at each of very many."""
        last = self._history.examined
        return last is None or step >= last + self._patient.steps / EXAMINATIONS or step == self._end

    @property
    def _end(self) -> int:
        return self._patient.first + self._patient.steps

    def stepped(self, event: Stepped) -> list[Alerted]:
        """What is to be told of after a record of steps."""
        turned, stretched = self._history.stepped(event)
        happened = ["record", *["turn"] * turned, *["stretch"] * stretched]
        return self._judged(event, happened, None)

    def evaluated(self, event: Evaluated, health: Health | None = None) -> list[Alerted]:
        """What is to be told of after an evaluation, and an examination of the network where there was one."""
        self._history.evaluated(event, self._patient)
        if health is not None:
            self._history.looked_at(event.step, health)
        return self._judged(event, ["evaluation", *["examination"] * (health is not None)], health)

    def to_json(self) -> dict[str, Any]:
        """All that is remembered, as plain data of a few kilobytes."""
        memory = {"found": dict(self._found), "told": dict(self._told), "alerts": self._alerts}
        return {"history": self._history.to_json(), **memory}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], patient: Patient) -> Self:
        """The one that `to_json` wrote, of the same training."""
        made = cls(patient)
        made._history = History.from_json(data["history"])
        made._found, made._told, made._alerts = dict(data["found"]), dict(data["told"]), data["alerts"]
        return made

    def _judged(self, event: Stepped | Evaluated, happened: list[str], health: Health | None) -> list[Alerted]:
        alerts = []
        for code, rule in RULES.items():
            if rule.when not in happened or (rule.compares and not self._patient.comparable):
                continue
            begun = self._begun(code, rule, list(rule.judge(self._patient, self._history, health)))
            if begun and self._alerts < MOST_ALERTS:
                self._alerts += 1
                alerts.append(_alert(code, event, begun))
        return alerts

    def _begun(self, code: str, rule: Rule, findings: list[Finding]) -> list[Finding]:
        """Those of an illness's findings that are to be told of now."""
        explained = any(self._lasts(other) for other in rule.unless)
        begun = []
        found = {self._name(code, finding): finding for finding in findings}
        for name in [n for n in self._found if n.partition(" ")[0] == code and n not in found]:
            del self._found[name]
        for name, finding in found.items():
            if self._begins(name, finding, rule.checks, explained):
                self._told[name] = self._told.get(name, 0) + 1
                if self._told[name] <= MOST_TIMES:
                    begun.append(finding)
        return begun

    def _begins(self, name: str, finding: Finding, checks: int, explained: bool) -> bool:
        """Whether an illness begins: it is found often enough in a row, after it was absent."""
        times = self._found.get(name, 0)
        if times < 0:
            if finding.degree < CEASED:
                del self._found[name]
            return False
        if finding.degree < BEGUN or explained:
            self._found.pop(name, None)
            return False
        self._found[name] = times + 1 if times + 1 < checks else -1
        return times + 1 >= checks

    def _lasts(self, code: str) -> bool:
        return any(times < 0 and name.partition(" ")[0] == code for name, times in self._found.items())

    @staticmethod
    def _name(code: str, finding: Finding) -> str:
        return f"{code} {finding.layer}".rstrip()


def _alert(code: str, event: Stepped | Evaluated, findings: list[Finding]) -> Alerted:
    """One line of all layers that have fallen ill at once, the worst first."""
    worst, *others = sorted(findings, key=lambda finding: -finding.degree)
    named = ", ".join(other.layer for other in others[:NAMED])
    more = f"; likewise {named}" if named else ""
    more += f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
    return Alerted(event.time, event.step, code, f"{worst.evidence}{more}", worst.remedy)
