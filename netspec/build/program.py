"""Everything that a spec becomes, put together: what `check`, `inspect`, `train` and `evaluate` start from."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.build.augmentation import Augment, augmentation_of
from netspec.build.clock import clock_of
from netspec.build.network import Network
from netspec.build.objective import Objective, build_objective
from netspec.build.optimizer import Updater, build_optimizer
from netspec.build.start import check_start
from netspec.diagnostics import Diagnostic, SpecError, nearest
from netspec.document import Path
from netspec.graph.facts import Facts
from netspec.graph.fill import fill_sections
from netspec.graph.graph import Graph, covers
from netspec.graph.resolve import resolve
from netspec.spec.clock import Clock
from netspec.spec.sections import Spec
from netspec.spec.training import Phase as PhaseSection
from netspec.spec.training import Train, phase_specs

__all__ = ["Judge", "Phase", "Program", "build", "held_in"]


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


@dataclass(frozen=True)
class Phase:
    """A stage of a training; ordinary training is one.

    Args:
        name: empty where there is only one.
        spec: the whole one, with what the phase says in it.
        network: knows what stays as it begins.
        clock: how long the phase is; its steps are counted from its beginning.
        judge: which step was best.
        patience: by which metric it may end early.
        augment: what is done to each training batch, if anything is.
    """

    name: str
    spec: Spec
    network: Network
    objective: Objective
    updater: Updater
    clock: Clock
    judge: Judge
    patience: Judge
    augment: Augment | None = None

    @property
    def train(self) -> Train:
        """Its section."""
        assert self.spec.train is not None
        return self.spec.train


@dataclass(frozen=True)
class Program:
    """A spec, ready to be trained.

    Args:
        spec: its expressions worked out.
        facts: what the data tells.
        network: as it is initialised and used.
        phases: in turn, at least one; the last one's objective is what the result is judged by.
    """

    spec: Spec
    facts: Facts
    network: Network
    phases: tuple[Phase, ...]

    @property
    def last(self) -> Phase:
        """The phase that the result comes from."""
        return self.phases[-1]

    @property
    def objective(self) -> Objective:
        """What the result is judged by."""
        return self.last.objective

    @property
    def updater(self) -> Updater:
        """Of the last phase."""
        return self.last.updater

    @property
    def clock(self) -> Clock:
        """Of the last phase."""
        return self.last.clock

    @property
    def judge(self) -> Judge:
        """Which step of the last phase was best."""
        return self.last.judge

    @property
    def batch(self) -> int:
        """Examples a step; the most that a step takes."""
        return max(stretch.batch for phase in self.phases for stretch in phase.clock.stretches)

    @property
    def steps(self) -> int:
        """Of all phases, if none ends early."""
        return sum(phase.clock.steps for phase in self.phases)

    @property
    def members(self) -> int | None:
        """Networks that are trained side by side and speak as one; None for a single one."""
        return None if self.spec.train is None else self.spec.train.members


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
    check_start(filled, graph)
    specs = phase_specs(filled)
    phases = tuple(_phase(one, i, filled, graph, facts) for i, one in enumerate(specs))
    return Program(filled, facts, Network(graph), phases)


def _phase(spec: Spec, i: int, whole: Spec, graph: Graph, facts: Facts) -> Phase:
    section = whole.phases[i] if whole.phases else None
    held = graph if section is None else graph.holding(held_in(section, i, whole, graph))
    objective = build_objective(spec, held, facts)
    clock = clock_of(spec, facts)
    _check_draw(spec, objective)
    updater = build_optimizer(spec, clock, held)
    if not set(held.parameters) - held.frozen:
        place = spec.document.key_place(("model",) if section is None else ("phase", i))
        label = "all of them are frozen" if held.parameters else ""
        raise SpecError(Diagnostic("nothing-to-learn", "the network has no parameters to train", place, label=label))
    if updater.evaluated is not None and spec.train is not None and spec.train.ema is not None:
        place = spec.document.key_place(spec.at("train", "ema"))
        message = "the optimizer gives parameters of its own to be evaluated, and 'ema' would average others"
        raise SpecError(Diagnostic("choice", message, place, help="leave one of them out"))
    if updater.metric is not None:
        _by(updater.metric, spec, facts, objective, False, (*spec.at("schedule"), "metric"))
    judge = _judge(spec, facts, objective)
    name = "" if section is None else section.called(i)
    patience = _patience(spec, facts, objective, judge)
    augment = augmentation_of(spec, held, facts)
    return Phase(name, spec, Network(held), objective, updater, clock, judge, patience, augment)


NOT_ALL = ("with_replacement", "balanced")
"""Ways of drawing that leave some examples out of as many draws as there are examples, and take others twice."""


def _check_draw(spec: Spec, objective: Objective) -> None:
    """See that examples have classes, where they are drawn by them; and that a batch of all of them has all.

    Raises:
        SpecError: they have none, or it would not.
    """
    if spec.train is None:
        return
    draw, place = spec.train.draw, spec.document.value_place(spec.at("train", "draw"))
    aim = objective.terms[0].aim
    classes = aim.of_data and aim.facts.kind == "class" and aim.facts.shape == ()
    if draw == "balanced" and not classes:
        message = "'balanced' draws by class, and the first loss's target is not one class an example"
        raise SpecError(Diagnostic("value", message, place))
    if draw in NOT_ALL and spec.train.batch == "all":
        message = f"batch = \"all\" takes every example once, and '{draw}' takes some twice and leaves others out"
        help_ = "leave draw out; or give batch the number of examples, to draw as many"
        raise SpecError(Diagnostic("choice", message, place, help=help_))


def held_in(section: PhaseSection, i: int, spec: Spec, graph: Graph) -> frozenset[str]:
    """The paths of the parameters that a phase leaves as they are.

    Raises:
        SpecError: a pattern means none.
    """
    found: dict[str, frozenset[str]] = {}
    for key, patterns in (("freeze", section.freeze), ("train", section.train)):
        for j, pattern in enumerate(patterns or ()):
            meant = frozenset(path for path in graph.parameters if covers(pattern, path))
            if not meant:
                listed = ("phase", i, key, j)
                place = spec.document.value_place(listed if listed in spec.document.places else listed[:-1])
                known = list(graph.parameters)
                guess = nearest(pattern, {part for path in known for part in (path, path.partition("/")[0])})
                label = f"did you mean '{guess}'?" if guess else ""
                note = f"there are: {', '.join(known[:8])}{', …' if len(known) > 8 else ''}"
                message = f"'{pattern}' matches no layer or parameter"
                raise SpecError(Diagnostic("unmatched", message, place, label=label, note=note))
            found[key] = found.get(key, frozenset()) | meant
    learned = found.get("train", frozenset(graph.parameters))
    return frozenset(graph.parameters) - learned | found.get("freeze", frozenset())


def _judge(spec: Spec, facts: Facts, objective: Objective) -> Judge:
    """How steps are compared: by `keep`, or by the metric that people judge such a loss by.

    Raises:
        SpecError: `keep` names a metric that there is not.
    """
    part = "validation" if facts.examples["validation"] else "train"
    keep = None if spec.train is None else spec.train.keep
    metric = f"{part}/{objective.main}" if keep is None else keep.best
    return _by(metric, spec, facts, objective, keep is not None, spec.at("train", "keep", "best"))


def _patience(spec: Spec, facts: Facts, objective: Objective, judge: Judge) -> Judge:
    """By what a training may end early.

    Raises:
        SpecError: `stop` names a metric that there is not.
    """
    stop = None if spec.train is None else spec.train.stop
    if stop is None or stop.metric is None:
        return judge
    return _by(stop.metric, spec, facts, objective, False, spec.at("train", "stop", "metric"))


def _by(metric: str, spec: Spec, facts: Facts, objective: Objective, keep: bool, at: Path) -> Judge:
    known = [f"{p}/{m}" for p in ("validation", "train") if facts.examples[p] for m in objective.metrics]
    if metric not in known:
        guess = nearest(metric, known)
        place = spec.document.value_place(at)
        message, label = f"nothing is measured as '{metric}'", f"did you mean '{guess}'?" if guess else ""
        note = f"there are: {', '.join(known)}"
        raise SpecError(Diagnostic("unknown-name", message, place, label=label, note=note))
    return Judge(metric, objective.metrics[metric.partition("/")[2]].higher_is_better, keep)
