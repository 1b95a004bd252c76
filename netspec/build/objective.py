"""What is minimised and what is measured: the losses, their penalties, and the metrics that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from netspec.build.clock import clock_of
from netspec.build.measures import Measured, main_of, measures_of, probabilities_of
from netspec.build.network import Result
from netspec.build.over_time import arguments_over_time, number_over_time
from netspec.build.targets import Aim, aim_of, of_layer
from netspec.diagnostics import Diagnostic, SpecError, nearest
from netspec.graph.calls import Arrays, lookup
from netspec.graph.facts import Facts
from netspec.graph.graph import Graph, Node, matches
from netspec.spec.clock import Clock
from netspec.spec.courses import Course
from netspec.spec.losses import Penalty
from netspec.spec.losses.penalties import Sparsity
from netspec.spec.names import nested
from netspec.spec.sections import Spec

__all__ = ["Metric", "Objective", "Penalised", "Term", "build_objective"]


@dataclass(frozen=True, slots=True)
class Term:
    """One of the losses that are added up.

    Args:
        kind: as the spec writes it.
        function: of the outputs and the encoded target, a number for each example, or for each position of each.
        aim: what it compares.
        weight: of the term in the sum, as a function of the step.
        arguments: of the function, by keyword, as a function of the step.
        reduction: how the numbers of a batch become one.
    """

    kind: str
    function: Callable[..., Any]
    aim: Aim
    weight: Callable[[Any], Any]
    arguments: Callable[[Any], Mapping[str, Any]]
    reduction: str = "mean"

    @property
    def form(self) -> str:
        """Of the target as the loss takes it."""
        return self.aim.form

    def loss(self, *arrays: Any, step: Any = None) -> Any:
        """A number for each example, or for each position of each.

        Args:
            arrays: the outputs, then the encoded target, where there is one.
        """
        return self.function(*arrays, **self.arguments(step))

    def value(
        self,
        seen: Arrays,
        inputs: Mapping[str, Any],
        targets: Mapping[str, Any],
        step: Any = None,
        total: Any = None,
    ) -> Any:
        """That of a batch, unweighted.

        Args:
            seen: as `Objective.seen` gives it.
            total: what the mean is divided by, where the batch is one part of several; what all of it counts if None.
        """
        raw = self.aim.raw(inputs, targets, seen)
        outputs = [seen[name] for name in self.aim.outputs]
        each = self.loss(*outputs, *self.aim.wanted(raw, inputs), step=step)
        weights = None if raw is None else self.aim.weights(raw)
        if weights is None:
            return _PLAIN[self.reduction](each)
        return _WEIGHED[self.reduction](each, weights) if total is None else _mean(each, weights, total)

    def counted(self, inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> Any:
        """What all of a batch counts together; None where each counts the same."""
        if self.aim.target is None:
            return None
        weights = self.aim.weights(self.aim.raw(inputs, targets, {}))
        return None if weights is None else jnp.sum(weights)


_PLAIN: Mapping[str, Callable[[Any], Any]] = {"mean": jnp.mean, "sum": jnp.sum, "max": jnp.max}


def _weighed(each: Any, weights: Any) -> Any:
    """With 0 for what does not count, whatever its own number is."""
    return jnp.where(weights > 0, each, 0.0) * weights


def _mean(each: Any, weights: Any, total: Any = None) -> Any:
    total = jnp.sum(weights) if total is None else total
    return jnp.sum(_weighed(each, weights)) / jnp.where(total > 0, total, 1)


def _largest(each: Any, weights: Any) -> Any:
    return jnp.where(jnp.any(weights > 0), jnp.max(jnp.where(weights > 0, _weighed(each, weights), -jnp.inf)), 0.0)


_WEIGHED: Mapping[str, Callable[[Any, Any], Any]] = {
    "mean": _mean,
    "sum": lambda each, weights: jnp.sum(_weighed(each, weights)),
    "max": _largest,
}
"""How the numbers of a batch become one, where all count the same and where they do not."""


@dataclass(frozen=True, slots=True)
class Penalised:
    """A penalty and what it is of.

    Args:
        function: of one array.
        arguments: of the function, by keyword, as a function of the step.
        parameters: their paths; or
        node: the path of the layer whose result it is of, the mean over the batch.
    """

    function: Callable[..., Any]
    arguments: Callable[[Any], Mapping[str, Any]]
    parameters: tuple[str, ...] = ()
    node: str | None = None

    def value(self, parameters: Arrays, values: Arrays, step: Any = None) -> Any:
        """For a batch."""
        arguments = self.arguments(step)
        if self.node is not None:
            return self.function(values[self.node], **arguments) / values[self.node].shape[0]
        return sum(self.function(parameters[path], **arguments) for path in self.parameters)


@dataclass(frozen=True, slots=True)
class Metric:
    """Something measured on whole parts of the data.

    Args:
        terms: what it is of, with the weights in the sum.
        measured: how.
    """

    terms: tuple[tuple[Term, float], ...]
    measured: tuple[Measured, ...]

    @property
    def higher_is_better(self) -> bool:
        """Whether more of it is better."""
        return self.measured[0].higher_is_better

    def sums(self, seen: Arrays, inputs: Mapping[str, Any], targets: Mapping[str, Any], counts: Any) -> Any:
        """[terms, 2]: the sum over all that count, and how many they are.

        Args:
            seen: as `Objective.seen` gives it.
            counts: which examples of the batch do, [batch].
        """
        rows = [_sum(t, m, seen, inputs, targets, counts) for (t, _), m in zip(self.terms, self.measured, strict=True)]
        return jnp.stack(rows)

    def finish(self, totals: Any) -> float:
        """The metric, of the sums over all batches."""
        pairs = zip(self.terms, self.measured, totals, strict=True)
        return float(sum(weight * m.finish(float(s) / max(float(n), 1.0)) for (_, weight), m, (s, n) in pairs))


def _sum(
    term: Term,
    measured: Measured,
    seen: Arrays,
    inputs: Mapping[str, Any],
    targets: Mapping[str, Any],
    counts: Any,
) -> Any:
    """The sum of what is measured over all that count, and how many they are."""
    raw = term.aim.raw(inputs, targets, seen)
    if term.form == "group":  # others of the batch count in each example's number
        raw = jnp.where(counts, raw, -1)
    each = measured.each(*(seen[name] for name in term.aim.outputs), *term.aim.wanted(raw, inputs))
    weights = None if raw is None else measured.weights(term.aim, raw)
    here = counts.reshape(-1, *(1,) * (each.ndim - 1)).astype(jnp.float32)
    here = jnp.broadcast_to(here if weights is None else here * weights, each.shape)
    return jnp.stack([jnp.sum(_weighed(each, here)), jnp.sum(here)])


@dataclass(frozen=True, slots=True)
class Objective:
    """All that is minimised, and what goes with it.

    Args:
        terms: the losses, at least one.
        penalties: on parameters and on activity.
        metrics: by name, "loss" first; of several outputs, "output/metric".
        main: the metric that people judge by.
    """

    terms: tuple[Term, ...]
    penalties: tuple[Penalised, ...]
    metrics: Mapping[str, Metric]
    main: str

    @property
    def also(self) -> frozenset[str]:
        """The paths of the layers whose results are wanted besides the outputs."""
        return self.layers | {p.node for p in self.penalties if p.node is not None}

    @property
    def layers(self) -> frozenset[str]:
        """The paths of the layers whose results are targets."""
        return frozenset(t.aim.layer for t in self.terms if t.aim.layer is not None)

    def seen(self, result: Result) -> Arrays:
        """What losses and metrics are of: the outputs by name, and the results of layers that are targets."""
        return {**result.outputs, **{of_layer(path): result.values[path] for path in self.layers}}

    @property
    def probabilities(self) -> Callable[[Any], Any] | None:
        """Of the first loss's output, one number a class; None where numbers are predicted."""
        return probabilities_of(self.terms[0].form)

    def value(
        self,
        parameters: Arrays,
        result: Result,
        inputs: Mapping[str, Any],
        targets: Mapping[str, Any],
        step: Any = None,
        totals: Sequence[Any] | None = None,
    ) -> Any:
        """The loss of a batch, with the penalties.

        Args:
            step: of the phase, for what changes over time; None for as it is in the end.
            totals: what each term's mean is divided by, as `Term.value` takes it.
        """
        seen = self.seen(result)
        each = zip(self.terms, totals or (None,) * len(self.terms), strict=True)
        means = [(term.weight(step), term.value(seen, inputs, targets, step, total)) for term, total in each]
        total = sum(mean if isinstance(weight, float) and weight == 1.0 else weight * mean for weight, mean in means)
        if not self.penalties:
            return total
        return total + sum(p.value(parameters, result.values, step) for p in self.penalties)


def build_objective(spec: Spec, graph: Graph, facts: Facts) -> Objective:
    """The objective of a spec's losses.

    Raises:
        SpecError: there is no loss, it does not fit the targets or the outputs, a penalty's pattern matches nothing.
    """
    if not spec.losses:
        place = spec.document.key_place(("model",))
        raise SpecError(
            Diagnostic("missing-key", "a spec needs a [loss] to be trained", place, help='add [loss] with kind = "…"')
        )
    clock = clock_of(spec, facts) if _changes(spec) else Clock(1, 1)
    terms = tuple(_term(spec, i, graph, facts, clock) for i in range(len(spec.losses)))
    penalties = tuple(
        _penalised(spec, penalty, graph, (*spec.loss_path(i), "penalties", j), clock)
        for i, loss in enumerate(spec.losses)
        for j, penalty in enumerate(loss.penalties)
    )
    _check_parts(spec, terms)
    if all(loss.weight == 0.0 for loss in spec.losses):
        place = spec.document.value_place((*spec.loss_path(0), "weight"))
        message = "no loss counts, so that there is nothing to learn"
        raise SpecError(Diagnostic("nothing-to-learn", message, place, label="0"))
    metrics, main = _metrics(terms)
    return Objective(terms, penalties, metrics, main)


def _check_parts(spec: Spec, terms: Sequence[Term]) -> None:
    """See that a loss of a whole batch does not get it in parts."""
    if spec.train is None or spec.train.accumulate == 1:
        return
    for i, term in enumerate(terms):
        if term.reduction != "mean" or term.form == "group":
            what = f"reduction = '{term.reduction}'" if term.reduction != "mean" else term.kind
            message = f"{what} is of a whole batch, and 'accumulate' works through it in parts"
            keys = ("reduction",) if term.reduction != "mean" else ("kind",)
            place = spec.document.value_place((*spec.loss_path(i), *keys))
            raise SpecError(Diagnostic("accumulate", message, place))
        for j, penalty in enumerate(spec.losses[i].penalties):
            if isinstance(penalty, Sparsity):
                place = spec.document.value_place((*spec.loss_path(i), "penalties", j))
                message = f"{penalty.kind} is of a whole batch, and 'accumulate' works through it in parts"
                raise SpecError(Diagnostic("accumulate", message, place))


def _changes(spec: Spec) -> bool:
    """Whether anything in the losses changes over time."""
    return any(isinstance(table, Course) for loss in spec.losses for table in nested(loss))


def _term(spec: Spec, i: int, graph: Graph, facts: Facts, clock: Clock) -> Term:
    loss = spec.losses[i]
    call = loss.lower()
    aim = aim_of(spec, i, graph, facts)
    weight, arguments = number_over_time(loss.weight, clock), arguments_over_time(call, clock)
    return Term(loss.kind, lookup(call.name), aim, weight, arguments, loss.reduction)


def _metrics(terms: tuple[Term, ...]) -> tuple[dict[str, Metric], str]:
    """By name, and the main one's: of one loss as they are, of several under the outputs' names."""
    each = [measures_of(t.aim, t.loss) for t in terms]
    if len(terms) == 1:
        # The loss is measured as it is minimised: with its weight, so that both curves are on one scale.
        weights = {name: terms[0].weight(None) if name == "loss" else 1.0 for name in each[0]}
        return {n: Metric(((terms[0], weights[n]),), (m,)) for n, m in each[0].items()}, main_of(terms[0].form)
    weighed = tuple((t, t.weight(None)) for t in terms)
    found = {"loss": Metric(weighed, tuple(m["loss"] for m in each))}
    for term, measures in zip(terms, each, strict=True):
        for name, measured in measures.items():
            found.setdefault(f"{term.aim.output}/{name}", Metric(((term, 1.0),), (measured,)))
    return found, f"{terms[0].aim.output}/{main_of(terms[0].form)}"


def _penalised(spec: Spec, penalty: Penalty, graph: Graph, at: tuple[str | int, ...], clock: Clock) -> Penalised:
    call = penalty.lower()
    function, arguments = lookup(call.name), arguments_over_time(call, clock)
    if penalty.of is not None:
        return Penalised(function, arguments, node=_named(spec, penalty.of, graph, at).path)
    frozen, pattern = graph.frozen, penalty.on or "**/kernel"
    trainable = [path for path in graph.parameters if path not in frozen]
    paths = tuple(path for path in trainable if matches(pattern, path))
    if not paths:
        place = spec.document.value_place((*at, "on"))
        note = f"there are: {', '.join(trainable[:8])}{', …' if len(trainable) > 8 else ''}"
        raise SpecError(Diagnostic("unmatched", f"'{pattern}' matches no trainable parameter", place, note=note))
    return Penalised(function, arguments, paths)


def _named(spec: Spec, name: str, graph: Graph, at: tuple[str | int, ...]) -> Node:
    """A layer of the outermost list, by its name."""
    by_name = {node.name: node for node in graph.nodes}
    if name in by_name:
        return by_name[name]
    guess = nearest(name, by_name)
    label = f"did you mean '{guess}'?" if guess else ""
    place = spec.document.value_place((*at, "of"))
    shown = list(by_name)[:8]
    note = f"there are: {', '.join(shown)}{', …' if len(by_name) > len(shown) else ''}"
    raise SpecError(Diagnostic("unknown-name", f"no layer is called '{name}'", place, label=label, note=note))
