"""How long a training is, and in which bites it takes the examples."""

from __future__ import annotations

from netspec.build.times import check_times
from netspec.diagnostics import Diagnostic, SpecError
from netspec.graph.facts import Facts
from netspec.spec.clock import Clock, Stretch
from netspec.spec.courses import Step
from netspec.spec.sections import Spec
from netspec.spec.training import Train
from netspec.spec.values import Duration

__all__ = ["clock_of"]


def clock_of(spec: Spec, facts: Facts) -> Clock:
    """How long a training, or a phase of one, is; an epoch leaves out the examples that do not fill a batch.

    Raises:
        SpecError: there is no `[train]`, a batch is more than there is, or something takes longer than the training.
    """
    if spec.train is None:
        place = spec.document.key_place(("model",))
        message, help_ = "a spec needs a [train] to be trained", "add [train] with epochs = 10"
        raise SpecError(Diagnostic("missing-key", message, place, help=help_))
    clock = _of_point(spec, spec.train) if spec.is_point else _of_examples(spec, spec.train, facts)
    check_times(spec, clock)
    return clock


def _of_examples(spec: Spec, train: Train, facts: Facts) -> Clock:
    sizes = _sizes(spec, facts)
    if isinstance(train.batch, Step):
        return _growing(spec, train, train.batch, [facts.examples["train"] // size for size in sizes])
    (batch,) = sizes
    per_epoch = facts.examples["train"] // batch
    steps = train.steps if train.epochs is None else train.epochs * per_epoch
    assert steps is not None
    return Clock(steps, per_epoch, (Stretch(0, 0, batch, per_epoch),))


def _sizes(spec: Spec, facts: Facts) -> tuple[int, ...]:
    """Of the batches, in turn."""
    assert spec.train is not None
    batch, examples = spec.train.batch, facts.examples["train"]
    sizes = tuple(map(int, batch.numbers)) if isinstance(batch, Step) else (examples if batch == "all" else batch,)
    for size in sizes:
        if size > examples:
            place = spec.document.value_place(spec.at("train", "batch"))
            message = f"a batch of {size} is more than the {examples} training examples"
            given = "batch" in spec.train.model_fields_set
            label = 'fewer, or "all"' if given else '32 where nothing is said: add batch = "all", or fewer'
            raise SpecError(Diagnostic("batch", message, place, label=label))
        if size % spec.train.accumulate:
            place = spec.document.value_place(spec.at("train", "accumulate"))
            message = f"a batch of {size} cannot be worked through in {spec.train.accumulate} equal parts"
            raise SpecError(Diagnostic("batch", message, place))
    return sizes


def _growing(spec: Spec, train: Train, course: Step, per_epoch: list[int]) -> Clock:
    """The clock of batches whose size changes: each size begins a pass of its own."""
    sizes = tuple(map(int, course.numbers))
    stretches = [Stretch(0, 0, sizes[0], per_epoch[0])]
    for i, time in enumerate(course.at):
        before = stretches[-1]
        epochs = _epochs(spec, train, i, time, before)
        step = before.step + (epochs - before.epoch) * before.per_epoch
        if train.steps is not None and time.unit != "epochs":
            step = time.steps(train.steps, before.per_epoch)
            epochs = before.epoch + -(-(step - before.step) // before.per_epoch)
        if step <= before.step:
            place = spec.document.value_place((*spec.at("train", "batch"), "at", i))
            raise SpecError(Diagnostic("value", "each size must take its turn later than the one before", place))
        stretches.append(Stretch(step, epochs, sizes[i + 1], per_epoch[i + 1]))
    last = stretches[-1]
    steps = train.steps if train.epochs is None else last.step + (train.epochs - last.epoch) * last.per_epoch
    assert steps is not None
    if steps <= last.step:
        place = spec.document.value_place((*spec.at("train", "batch"), "at"))
        message = f"the last size takes its turn at step {last.step}, and the training is over by then"
        raise SpecError(Diagnostic("value", message, place))
    return Clock(steps, per_epoch[0], tuple(stretches))


def _epochs(spec: Spec, train: Train, i: int, time: Duration, before: Stretch) -> int:
    """The whole pass with which a size takes its turn, where the training is measured in passes."""
    if time.unit == "epochs" and time.amount.is_integer():
        return int(time.amount)
    if time.unit != "epochs" and train.epochs is None:
        return before.epoch
    if time.unit == "%" and train.epochs is not None:
        return round(time.amount * train.epochs / 100)
    place = spec.document.value_place((*spec.at("train", "batch"), "at", i))
    help_ = 'write "10 epochs" or "50%", or give [train] steps in place of epochs'
    if train.epochs is None:
        help_ = "write whole epochs, or steps"
    raise SpecError(Diagnostic("value", "a new size of batches begins with a pass", place, help=help_))


def _of_point(spec: Spec, train: Train) -> Clock:
    """The clock of a point, which has no examples to go through: one pass from beginning to end."""
    of_examples = ("epochs", "batch", "draw", "accumulate", "bootstrap")
    given = [key for key in of_examples if key in train.model_fields_set and getattr(train, key) not in (1, "all")]
    if given or train.steps is None:
        place = spec.document.key_place(spec.at("train", *given[:1]))
        message = f"a point has no examples to go through, and there is '{given[0] if given else 'epochs'}'"
        raise SpecError(Diagnostic("choice", message, place, help="say how many steps it goes: steps = 1000"))
    return Clock(train.steps, train.steps, (Stretch(0, 0, 1, train.steps),))
