"""Everything that a spec becomes, put together: what `check`, `inspect`, `train` and `evaluate` start from."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.build.clock import batch_of, clock_of
from netspec.build.network import Network
from netspec.build.objective import Objective, build_objective
from netspec.build.optimizer import Updater, build_optimizer
from netspec.diagnostics import Diagnostic, SpecError, nearest
from netspec.graph.facts import Facts
from netspec.graph.fill import fill_sections
from netspec.graph.resolve import resolve
from netspec.spec.clock import Clock
from netspec.spec.sections import Spec

__all__ = ["Judge", "Program", "build"]


@dataclass(frozen=True, slots=True)
class Judge:
    """Which step was best.

    Args:
        metric: "part/metric".
        higher_is_better: whether more of it is better.
        keep: whether the best step's parameters are the result.
    """

    metric: str
    higher_is_better: bool
    keep: bool

    def better(self, value: float, than: float | None) -> bool:
        """Whether a value is better than another, or the first; what is no number is better than nothing."""
        if value != value:
            return False
        return than is None or (value > than if self.higher_is_better else value < than)


@dataclass(frozen=True, slots=True)
class Program:
    """A spec, ready to be trained.

    Args:
        spec: its expressions worked out.
        facts: what the data tells.
        network, objective, updater: what the sections became.
        clock: how long the training is.
        batch: examples a step.
        judge: which step was best.
    """

    spec: Spec
    facts: Facts
    network: Network
    objective: Objective
    updater: Updater
    clock: Clock
    batch: int
    judge: Judge


def build(spec: Spec, facts: Facts) -> Program:
    """Put a spec and what its data tells together.

    Raises:
        SpecError: a section that training needs is missing, or something does not fit.
    """
    filled = fill_sections(spec, facts)
    graph = resolve(filled, facts)
    if spec.models:
        place = spec.document.key_place(("models",))
        message = "several models are trained by several losses with optimizers of their own, which is not there yet"
        help_ = "they can be inspected and compiled; [model] can be trained"
        raise SpecError(Diagnostic("unsupported", message, place, help=help_))
    objective = build_objective(filled, graph, facts)
    clock = clock_of(filled, facts)
    updater = build_optimizer(filled, clock)
    if not set(graph.parameters) - graph.frozen:
        place = spec.document.key_place(("model",))
        label = "all of them are frozen" if graph.parameters else ""
        raise SpecError(Diagnostic("nothing-to-learn", "the network has no parameters to train", place, label=label))
    return Program(
        filled,
        facts,
        Network(graph),
        objective,
        updater,
        clock,
        batch_of(filled, facts),
        _judge(filled, facts, objective),
    )


def _judge(spec: Spec, facts: Facts, objective: Objective) -> Judge:
    """How steps are compared: by `keep`, or by the metric that people judge such a loss by.

    Raises:
        SpecError: `keep` names a metric that there is not.
    """
    part = "validation" if facts.examples["validation"] else "train"
    keep = None if spec.train is None else spec.train.keep
    metric = f"{part}/{objective.main}" if keep is None else keep.best
    known = [f"{p}/{m}" for p in ("validation", "train") if facts.examples[p] for m in objective.metrics]
    if metric not in known:
        place = spec.document.value_place((*spec.at("train"), "keep", "best"))
        raise SpecError(
            Diagnostic(
                "unknown-name",
                f"nothing is measured as '{metric}'",
                place,
                label=f"did you mean '{guess}'?" if (guess := nearest(metric, known)) else "",
                note=f"there are: {', '.join(known)}",
            )
        )
    better = objective.metrics[metric.partition("/")[2]].higher_is_better
    return Judge(metric, better, keep is not None)
