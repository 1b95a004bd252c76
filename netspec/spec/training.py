"""How long a network learns, in which bites, when it stops and what is kept; and the phases of a training."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from netspec.document import Path
from netspec.spec.changing import Changing
from netspec.spec.courses import Course, Step
from netspec.spec.kind import Table, section_of
from netspec.spec.losses import Loss
from netspec.spec.optimizers import Optimizer
from netspec.spec.schedules import Schedule
from netspec.spec.values import Count, Literally, Name, Number, Positive, Rate, Span, Switch, as_expression, must_be

if TYPE_CHECKING:
    from netspec.spec.sections import Spec

__all__ = ["Keep", "Phase", "Stop", "Train", "phase_specs"]


MOST_MEMBERS = 1000
"""Networks of one training, at the most."""


class Keep(Table):
    """Which step's parameters are the result.

    best: a metric, such as "validation/accuracy": those of the step where it was best.
    """

    best: str


class Stop(Table):
    """When a training ends before its time; whichever comes first.

    patience: after so many evaluations in a row without a better value of the metric.
    metric: what patience and target look at; what the training is judged by unless said otherwise.
    target: when the metric is as good as this.
    seconds: when the phase, or the whole of a training that has one, has taken as long as this, over all sessions.
    gradient: when the norm of the gradient is at most this.
    change: when the training loss changes by at most this share of itself from one evaluation to the next.
    """

    patience: Count | None = None
    metric: str | None = None
    target: Number | None = None
    seconds: Positive | None = None
    gradient: Positive | None = None
    change: Positive | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.model_fields_set - {"metric"}:
            raise PydanticCustomError("choice", "needs 'patience', 'target', 'seconds', 'gradient' or 'change'")
        return self


def _batch(value: Any) -> Any:
    if isinstance(value, Course):
        numbers = value.numbers if value.kind == "step" else (value.kind,)
        wrong = [n for n in numbers if isinstance(n, str) or not n.is_integer() or not 1 <= n < 2**31]
        if wrong:
            raise must_be('whole numbers in steps, such as { step = [32, 64], at = ["10 epochs"] }', wrong[0])
        return value
    if value == "all" or (found := as_expression(value)) is not None:
        return value if value == "all" else found
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 2**31:
        return value
    raise must_be('a whole number from 1, or "all"', value)


def _members(value: Any) -> Any:
    if (found := as_expression(value)) is not None:
        return found
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_MEMBERS:
        return value
    raise must_be(f"a whole number from 1 to {MOST_MEMBERS:,}", value)


def _patterns(value: Any) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if isinstance(listed, list | tuple) and listed and all(isinstance(v, str) and v for v in listed):
        return tuple(listed)
    raise must_be("a pattern over paths, or a list of them", value)


_LENGTH = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 2**31 - 1}, {"type": "string", "pattern": r"^\$"}]}
_SIZES = {"required": ["step"], "properties": {"step": {"items": _LENGTH["anyOf"][0]}}}
_PATTERN = {"type": "string", "minLength": 1}

Patterns = Annotated[
    tuple[str, ...],
    PlainValidator(_patterns),
    WithJsonSchema({"anyOf": [_PATTERN, {"type": "array", "items": _PATTERN, "minItems": 1}]}),
]

Batch = Annotated[
    int | Literal["all"] | Step,
    PlainValidator(_batch),
    Changing(),
    WithJsonSchema({"anyOf": [*_LENGTH["anyOf"], {"enum": ["all"]}, {"allOf": [{"$ref": "#/$defs/course"}, _SIZES]}]}),
]

_SEVERAL = {"type": "integer", "minimum": 1, "maximum": MOST_MEMBERS}

Members = Annotated[
    int, PlainValidator(_members), WithJsonSchema({"anyOf": [_SEVERAL, {"type": "string", "pattern": r"^\$"}]})
]

if TYPE_CHECKING:
    Draw = str
else:
    Draw = Literally("without_replacement", "with_replacement", "shuffled_once", "in_order", "balanced")


class Train(Table):
    """How long, in which bites, when it stops, and what is kept.

    epochs: passes over the training examples; or
    steps: updates of the parameters.
    batch: examples a step; "all" for every one; or batches that grow: `{ step = [32, 64], at = ["10 epochs"] }`.
    draw: how batches are drawn: anew each pass, from all that are left of it ("without_replacement"), from all
        ("with_replacement"), in one order that is shuffled at the beginning ("shuffled_once"), as the data has them
        ("in_order"), or from each class equally often ("balanced").
    accumulate: passes that a batch is worked through in; less memory, and the same step but for rounding, and for
        layers that look at a whole batch, which get to see a part.
    evaluate: how often the validation part is measured; after each pass unless said otherwise.
    save: how often a checkpoint is written; every 30 seconds unless said otherwise.
    keep: `{ best = "validation/accuracy" }` keeps the best step's parameters instead of the last's.
    stop: when to end early: `{ patience = 10 }`.
    ema: the rate of a moving average of the parameters, which is what is evaluated and kept, such as 0.999.
    members: networks that are trained side by side from different beginnings, and speak as one (an ensemble).
    bootstrap: whether each member learns from examples of its own, drawn with replacement (Breiman, 1996).
    """

    epochs: Count | None = None
    steps: Count | None = None
    batch: Batch = 32
    draw: Draw = "without_replacement"
    accumulate: Count = 1
    evaluate: Span | None = None
    save: Span | None = None
    keep: Keep | None = None
    stop: Stop | None = None
    ema: Rate | None = None
    members: Members | None = None
    bootstrap: Switch = False


class Phase(Table):
    """A stage of a training, after those before it: it begins with their result, and an optimizer of its own.

    What is not said is as the sections say. The optimizer begins anew, and durations are of the phase.

    name: of the phase; "phase1" and so on unless said otherwise.
    freeze: a pattern over paths of layers or parameters, or a list of them: those stay as they are.
    train: the same, the other way round: all others stay as they are.
    loss: in place of [loss]: `{ kind = … }`, or a list of items.
    optimizer: in place of [optimizer]: `{ kind = …, learning_rate = … }`.
    schedule: in place of [schedule].
    epochs, steps, batch, draw, accumulate, evaluate, keep, stop, ema: as in [train].
    """

    name: Name | None = None
    epochs: Count | None = None
    steps: Count | None = None
    freeze: Patterns | None = None
    train: Patterns | None = None
    loss: Annotated[tuple[Loss, ...] | None, *section_of(Loss)] = None
    optimizer: Annotated[Optimizer | None, *section_of(Optimizer)] = None
    schedule: Annotated[Schedule | None, *section_of(Schedule)] = None
    batch: Batch | None = None
    draw: Draw | None = None
    accumulate: Count | None = None
    evaluate: Span | None = None
    keep: Keep | None = None
    stop: Stop | None = None
    ema: Rate | None = None

    def called(self, i: int) -> str:
        """Its name, where it is the i-th, from 0."""
        return self.name or f"phase{i + 1}"


def phase_specs(spec: "Spec") -> tuple["Spec", ...]:
    """A spec for each phase: the whole one, with what the phase says in the place of what the sections say."""
    return tuple(_phase_spec(spec, i, phase) for i, phase in enumerate(spec.phases)) or (spec,)


def _phase_spec(spec: "Spec", i: int, phase: Phase) -> "Spec":
    at: Path = ("phase", i)
    given = {key: getattr(phase, key) for key in phase.model_fields_set & Train.model_fields.keys()}
    before = {} if spec.train is None else {k: getattr(spec.train, k) for k in spec.train.model_fields_set}
    if given.keys() & {"epochs", "steps"}:
        before = {k: v for k, v in before.items() if k not in ("epochs", "steps")}
    moved: dict[Path, Path] = {("train", key): (*at, key) for key in given}
    if spec.train is None:
        moved["train",] = at
    moved |= {(key,): (*at, key) for key in ("loss", "optimizer", "schedule") if getattr(phase, key) is not None}
    return replace(
        spec,
        train=Train(**{**before, **given}),
        losses=spec.losses if phase.loss is None else phase.loss,
        optimizer=phase.optimizer or spec.optimizer,
        schedule=phase.schedule or spec.schedule,
        moved=moved,
        phases=(),
    )
