"""How long a training is, and in which bites it takes the examples."""

from __future__ import annotations

from netspec.diagnostics import Diagnostic, SpecError
from netspec.graph.facts import Facts
from netspec.spec.clock import Clock
from netspec.spec.sections import Spec

__all__ = ["batch_of", "clock_of"]


def batch_of(spec: Spec, facts: Facts) -> int:
    """How many examples a step takes.

    Raises:
        SpecError: more than there are.
    """
    assert spec.train is not None
    examples = facts.examples["train"]
    batch = examples if spec.train.batch == "all" else spec.train.batch
    if batch > examples:
        place = spec.document.value_place((*spec.at("train"), "batch"))
        message = f"a batch of {batch} is more than the {examples} training examples"
        given = "batch" in spec.document.values["train"]
        label = 'fewer, or "all"' if given else '32 where nothing is said: add batch = "all", or fewer'
        raise SpecError(Diagnostic("batch", message, place, label=label))
    return batch


def clock_of(spec: Spec, facts: Facts) -> Clock:
    """How long a training is; an epoch leaves out the examples that do not fill a batch.

    Raises:
        SpecError: there is no `[train]`, or a batch is more than there is.
    """
    if spec.train is None:
        place = spec.document.key_place(("model",))
        raise SpecError(
            Diagnostic(
                "missing-key", "a spec needs a [train] to be trained", place, help="add [train] with epochs = 10"
            )
        )
    per_epoch = facts.examples["train"] // batch_of(spec, facts)
    steps = spec.train.steps if spec.train.epochs is None else spec.train.epochs * per_epoch
    assert steps is not None
    return Clock(steps, per_epoch)
