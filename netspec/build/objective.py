"""What is minimised and what is measured: the losses, their penalties, and the metrics that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax.numpy as jnp

from netspec.build.measures import Measured, main_of, measures_of, probabilities_of
from netspec.build.network import Result
from netspec.build.targets import Aim, aim_of
from netspec.diagnostics import Diagnostic, SpecError, nearest
from netspec.graph.calls import Arrays, construct, lookup
from netspec.graph.facts import Facts
from netspec.graph.graph import Graph, Node, matches
from netspec.spec.losses import Penalty
from netspec.spec.sections import Spec

__all__ = ["Metric", "Objective", "Penalised", "Term", "build_objective"]


@dataclass(frozen=True, slots=True)
class Term:
    """One of the losses that are added up.

    Args:
        kind: as the spec writes it.
        loss: of the output and the encoded target, a number for each example, or for each position of each.
        weight: of the term in the sum.
        form: of the target as the loss takes it.
    """

    kind: str
    loss: Callable[[Any, Any], Any]
    aim: Aim
    weight: float
    form: str

    def value(self, outputs: Mapping[str, Any], inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> Any:
        """The mean over a batch, unweighted."""
        wanted = self.aim.values(inputs, targets)
        each = self.loss(outputs[self.aim.output], wanted)
        if self.aim.weigh is None:
            return jnp.mean(each)
        counts = self.aim.weigh(wanted)
        return jnp.sum(jnp.where(counts, each, 0.0)) / jnp.maximum(jnp.sum(counts), 1)


@dataclass(frozen=True, slots=True)
class Penalised:
    """A penalty and what it is of.

    Args:
        function: of one array.
        parameters: their paths; or
        node: the path of the layer whose result it is of, the mean over the batch.
    """

    function: Callable[[Any], Any]
    parameters: tuple[str, ...] = ()
    node: str | None = None

    def value(self, parameters: Arrays, values: Arrays) -> Any:
        """For a batch."""
        if self.node is not None:
            return self.function(values[self.node]) / values[self.node].shape[0]
        return sum(self.function(parameters[path]) for path in self.parameters)


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

    def sums(
        self, outputs: Mapping[str, Any], inputs: Mapping[str, Any], targets: Mapping[str, Any], counts: Any
    ) -> Any:
        """[terms, 2]: the sum over all that count, and how many they are.

        Args:
            counts: which examples of the batch do, [batch].
        """
        rows = []
        for (term, _), measured in zip(self.terms, self.measured, strict=True):
            wanted = term.aim.values(inputs, targets)
            each = measured.each(outputs[term.aim.output], wanted)
            here = counts.reshape(-1, *(1,) * (each.ndim - 1))
            here = here & (True if term.aim.weigh is None else term.aim.weigh(wanted))
            here = jnp.broadcast_to(here, each.shape)
            rows.append(jnp.stack([jnp.sum(jnp.where(here, each, 0.0)), jnp.sum(here).astype(jnp.float32)]))
        return jnp.stack(rows)

    def finish(self, totals: Any) -> float:
        """The metric, of the sums over all batches."""
        pairs = zip(self.terms, self.measured, totals, strict=True)
        return float(sum(weight * m.finish(float(s) / max(float(n), 1.0)) for (_, weight), m, (s, n) in pairs))


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
        return frozenset(p.node for p in self.penalties if p.node is not None)

    @property
    def probabilities(self) -> Callable[[Any], Any] | None:
        """Of the first loss's output, one number a class; None where numbers are predicted."""
        return probabilities_of(self.terms[0].form)

    def value(self, parameters: Arrays, result: Result, inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> Any:
        """The loss of a batch, with the penalties."""
        means = [(t.weight, t.value(result.outputs, inputs, targets)) for t in self.terms]
        total = sum(mean if weight == 1.0 else weight * mean for weight, mean in means)
        return total + sum(p.value(parameters, result.values) for p in self.penalties) if self.penalties else total


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
    terms = tuple(_term(spec, i, graph, facts) for i in range(len(spec.losses)))
    penalties = tuple(
        _penalised(spec, penalty, graph, (*spec.loss_path(i), "penalties", j))
        for i, loss in enumerate(spec.losses)
        for j, penalty in enumerate(loss.penalties)
    )
    metrics, main = _metrics(terms)
    return Objective(terms, penalties, metrics, main)


def _term(spec: Spec, i: int, graph: Graph, facts: Facts) -> Term:
    loss = spec.losses[i]
    call = loss.lower()
    function = partial(lookup(call.name), **dict(call.keywords))
    return Term(loss.kind, function, aim_of(spec, i, graph, facts), loss.weight, loss.targets)


def _metrics(terms: tuple[Term, ...]) -> tuple[dict[str, Metric], str]:
    """By name, and the main one's: of one loss as they are, of several under the outputs' names."""
    each = [measures_of(t.form, positions=bool(t.aim.facts.shape), loss=t.loss) for t in terms]
    if len(terms) == 1:
        return {n: Metric(((terms[0], 1.0),), (m,)) for n, m in each[0].items()}, main_of(terms[0].form)
    weighed = tuple((t, t.weight) for t in terms)
    found = {"loss": Metric(weighed, tuple(m["loss"] for m in each))}
    for term, measures in zip(terms, each, strict=True):
        for name, measured in measures.items():
            found.setdefault(f"{term.aim.output}/{name}", Metric(((term, 1.0),), (measured,)))
    return found, f"{terms[0].aim.output}/{main_of(terms[0].form)}"


def _penalised(spec: Spec, penalty: Penalty, graph: Graph, at: tuple[str | int, ...]) -> Penalised:
    function: Callable[[Any], Any] = construct(penalty.lower())
    if penalty.of is not None:
        return Penalised(function, node=_named(spec, penalty.of, graph, at).path)
    frozen, pattern = graph.frozen, penalty.on or "**/kernel"
    trainable = [path for path in graph.parameters if path not in frozen]
    paths = tuple(path for path in trainable if matches(pattern, path))
    if not paths:
        place = spec.document.value_place((*at, "on"))
        note = f"there are: {', '.join(trainable[:8])}{', …' if len(trainable) > 8 else ''}"
        raise SpecError(Diagnostic("unmatched", f"'{pattern}' matches no trainable parameter", place, note=note))
    return Penalised(function, paths)


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
