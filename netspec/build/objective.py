"""What is minimised and what is measured: the loss, its penalties, and the metrics that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from netspec.diagnostics import Diagnostic, SpecError
from netspec.graph.calls import Arrays, construct, lookup
from netspec.graph.facts import Facts
from netspec.graph.graph import Graph, matches
from netspec.spec.call import Shape
from netspec.spec.losses import Loss
from netspec.spec.sections import Spec

__all__ = ["Metric", "Objective", "build_objective"]


@dataclass(frozen=True, slots=True)
class Metric:
    """Something measured on whole parts of the data.

    Args:
        each: of outputs and targets as the loss sees them, one number an example.
        finish: of the mean over all examples.
        higher_is_better: whether more of it is better.
        unit: "share" for what is shown in percent, "" otherwise.
    """

    each: Callable[[Any, Any], Any]
    finish: Callable[[float], float]
    higher_is_better: bool


@dataclass(frozen=True, slots=True)
class Objective:
    """A loss and what goes with it.

    Args:
        kind: the loss, as the spec writes it.
        loss: of outputs and targets, one number an example.
        penalties: of the trainable parameters, one number.
        encode: targets as the data has them (class indices [n], numbers [n, outputs]) to what the loss takes.
        metrics: by name, "loss" first.
        main: the metric that people judge by.
        probabilities: of outputs, one number a class; None where numbers are predicted.
    """

    kind: str
    loss: Callable[[Any, Any], Any]
    penalties: Callable[[Arrays], Any] | None
    encode: Callable[[Any], Any]
    metrics: Mapping[str, Metric]
    main: str
    probabilities: Callable[[Any], Any] | None

    def value(self, parameters: Arrays, outputs: Any, targets: Any) -> Any:
        """The mean loss of a batch, with the penalties."""
        mean = jnp.mean(self.loss(outputs, targets))
        return mean if self.penalties is None else mean + self.penalties(parameters)


def build_objective(spec: Spec, graph: Graph, facts: Facts) -> Objective:
    """The objective of a spec's `[loss]`.

    Raises:
        SpecError: there is no loss, it does not fit the targets or the outputs, a penalty's pattern matches nothing.
    """
    if spec.loss is None:
        place = spec.document.key_place(("model",))
        raise SpecError(
            Diagnostic("missing-key", "a spec needs a [loss] to be trained", place, help='add [loss] with kind = "…"')
        )
    _check_targets(spec, spec.loss, facts)
    _check_outputs(spec, spec.loss, graph, facts)
    call = spec.loss.lower()
    loss = partial(lookup(call.name), **dict(call.keywords))
    mean_loss = Metric(loss, lambda mean: mean, higher_is_better=False)
    others, main = _METRICS[spec.loss.targets]
    return Objective(
        spec.loss.kind,
        loss,
        _penalties(spec, spec.loss, graph),
        _ENCODINGS[spec.loss.targets],
        {"loss": mean_loss, **others},
        main,
        _PROBABILITIES.get(spec.loss.targets),
    )


def _check_targets(spec: Spec, loss: Loss, facts: Facts) -> None:
    place = spec.document.value_place(("loss", "kind"))
    if (loss.targets == "number") != (facts.target == "number"):
        what = f"one of {len(facts.labels)} classes" if facts.target == "class" else "a number"
        wants = "numbers" if loss.targets == "number" else "classes"
        fitting = [k for k, c in Loss.kinds.items() if (c.targets == "number") == (facts.target == "number")]  # type: ignore[attr-defined]
        raise SpecError(
            Diagnostic(
                "target",
                f"{loss.kind} is for {wants}, and the target is {what}",
                place,
                note=f"losses for it: {', '.join(fitting)}",
            )
        )
    if loss.targets in ("zero_one", "plus_minus") and len(facts.labels) != 2:
        message = f"{loss.kind} is for two classes, and the target has {len(facts.labels)}"
        raise SpecError(Diagnostic("target", message, place, label="cross_entropy takes any number of classes"))


def _check_outputs(spec: Spec, loss: Loss, graph: Graph, facts: Facts) -> None:
    wanted = Shape({"index": (len(facts.labels),), "number": (facts.outputs,)}.get(loss.targets, (1,)))
    found = graph.output_shapes["output"]
    if found != wanted:
        need = {"index": f"one logit for each of {len(facts.labels)} classes", "number": "one output for each target"}
        message = f"{loss.kind} needs {need.get(loss.targets, 'one logit')}, {wanted}, and the network gives {found}"
        wide = '"$classes"' if loss.targets == "index" else '"$targets"' if facts.outputs > 1 else "1"
        help_ = (
            f"end with {{ dense = {wide} }}"
            if len(found) == 1
            else f'"flatten" or a global pooling, then {{ dense = {wide} }}'
        )
        raise SpecError(Diagnostic("shape", message, graph.nodes[-1].place, label=f"gives {found}", help=help_))


def _penalties(spec: Spec, loss: Loss, graph: Graph) -> Callable[[Arrays], Any] | None:
    frozen = graph.frozen
    trainable = [path for path in graph.parameters if path not in frozen]
    terms: list[tuple[Callable[[Any], Any], list[str]]] = []
    for i, penalty in enumerate(loss.penalties):
        paths = [path for path in trainable if matches(penalty.on, path)]
        if not paths:
            place = spec.document.value_place(("loss", "penalties", i, "on"))
            note = f"there are: {', '.join(trainable[:8])}{', …' if len(trainable) > 8 else ''}"
            raise SpecError(Diagnostic("unmatched", f"'{penalty.on}' matches no trainable parameter", place, note=note))
        terms.append((construct(penalty.lower()), paths))
    if not terms:
        return None
    return lambda parameters: sum(term(parameters[path]) for term, paths in terms for path in paths)


def _column(targets: Any) -> Any:
    return jnp.asarray(targets, jnp.float32).reshape(-1, 1)


_ENCODINGS: Mapping[str, Callable[[Any], Any]] = {
    "index": lambda targets: jnp.asarray(targets, jnp.int32),
    "zero_one": _column,
    "plus_minus": lambda targets: 2.0 * _column(targets) - 1.0,
    "number": lambda targets: jnp.asarray(targets, jnp.float32),
}


def _right(outputs: Any, targets: Any, threshold: float) -> Any:
    """1 for each example whose one logit is on its target's side; a logit of exactly 0 is on neither."""
    side = jnp.where(targets > threshold, 1.0, -1.0)
    return (outputs * side > 0.0).all(axis=-1).astype(jnp.float32)


def _right_class(outputs: Any, targets: Any) -> Any:
    return (jnp.argmax(outputs, axis=-1) == targets).astype(jnp.float32)


def _of_classes(right: Callable[[Any, Any], Any]) -> dict[str, Metric]:
    return {
        "accuracy": Metric(right, lambda mean: mean, higher_is_better=True),
        "error": Metric(
            lambda outputs, targets: 1.0 - right(outputs, targets), lambda mean: mean, higher_is_better=False
        ),
    }


_OF_NUMBERS = {
    "mean_absolute_error": Metric(
        lambda outputs, targets: jnp.abs(outputs - targets).mean(axis=-1), lambda mean: mean, higher_is_better=False
    ),
    "root_mean_squared_error": Metric(
        lambda outputs, targets: jnp.square(outputs - targets).mean(axis=-1),
        lambda mean: mean**0.5,
        higher_is_better=False,
    ),
}

_METRICS: Mapping[str, tuple[Mapping[str, Metric], str]] = {
    "index": (_of_classes(_right_class), "accuracy"),
    "zero_one": (_of_classes(partial(_right, threshold=0.5)), "accuracy"),
    "plus_minus": (_of_classes(partial(_right, threshold=0.0)), "accuracy"),
    "number": (_OF_NUMBERS, "root_mean_squared_error"),
}


def _two_classes(outputs: Any) -> Any:
    positive = jax.nn.sigmoid(outputs)
    return jnp.concatenate([1.0 - positive, positive], axis=-1)


_PROBABILITIES: Mapping[str, Callable[[Any], Any]] = {
    "index": partial(jax.nn.softmax, axis=-1),
    "zero_one": _two_classes,
    # A margin is no probability; the side of the boundary is all that such a loss says.
    "plus_minus": lambda outputs: jnp.concatenate([outputs <= 0, outputs > 0], axis=-1).astype(jnp.float32),
}
