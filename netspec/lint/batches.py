"""Rules over how examples are drawn."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.diagnostics import Diagnostic
from netspec.lint.subject import Subject, warning

__all__ = ["lone_bootstrap", "no_shuffling", "remainder"]


def remainder(subject: Subject) -> Iterator[Diagnostic]:
    """A batch that goes into the training examples so badly that over a quarter of them is left out of each epoch."""
    if subject.program is None or subject.facts is None or subject.clock is None:
        return
    examples, batch, steps = subject.facts.examples["train"], subject.program.batch, subject.clock.per_epoch
    left = examples - steps * batch
    if 4 * left <= examples:
        return
    whole = "1 whole batch" if steps == 1 else f"{steps:,} whole batches"
    yield warning(
        "remainder",
        f"a batch of {batch:,} leaves {left:,} of the {examples:,} training examples out of every epoch",
        subject.spec.document.value_place((*subject.spec.at("train"), "batch")),
        note=f"an epoch is {whole}, and others are left out each time",
        help=f'batch = {examples // (steps + 1)}, or "all"',
    )


def no_shuffling(subject: Subject) -> Iterator[Diagnostic]:
    """Batches that follow each other as the data has them, each epoch again."""
    for phase in () if subject.program is None else subject.program.phases:
        if phase.train.draw == "in_order" and phase.clock.per_epoch > 1:
            yield warning(
                "no-shuffling",
                "the examples come in the same order each epoch, as the data has them",
                phase.spec.document.value_place(phase.spec.at("train", "draw")),
                note="where the data is sorted, a batch holds examples of one kind, and undoes the one before",
                help='leave it out, or draw = "shuffled_once"',
            )


def lone_bootstrap(subject: Subject) -> Iterator[Diagnostic]:
    """A sample drawn with replacement, for a network that has no others beside it to make up for what it never sees."""
    train = subject.spec.train
    if train is not None and train.bootstrap and train.members is None:
        yield warning(
            "lone-bootstrap",
            "one network alone learns from a sample of the examples",
            subject.spec.document.value_place((*subject.spec.at("train"), "bootstrap")),
            note="drawn with replacement, it has about 63 % of them, and some of those several times",
            help="members = 10 makes an ensemble, whose samples differ",
        )
