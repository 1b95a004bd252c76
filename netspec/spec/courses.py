"""Numbers that change over time, written where the number is: `momentum = { linear = [0.5, 0.9], over = "50%" }`."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Self

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from netspec.document import Path
from netspec.document.plain import value_text
from netspec.spec.call import Call, call
from netspec.spec.clock import Clock
from netspec.spec.expression import Expression
from netspec.spec.kind import Kind, items_of
from netspec.spec.values import (
    EXPRESSION,
    LARGEST_NUMBER,
    Delay,
    Duration,
    Positive,
    Span,
    as_expression,
    must_be,
)

__all__ = [
    "Course",
    "Deadline",
    "Ramp",
    "Times",
    "Values",
    "deadlines_in_turn",
    "lower_in_turn",
    "one_fewer",
]


@dataclass(frozen=True, slots=True)
class Deadline:
    """Something that a spec says of time.

    Args:
        keys: under which it stands.
        step: with which it is over.
        limit: with which it has to be over.
    """

    keys: Path
    step: int
    limit: int


class Course(Kind, family="course"):
    """A number that changes over time, in the place of one that stays: `dropout = { linear = [0.1, 0.5] }`.

    Time is counted from the beginning of the training, or of the phase that it stands in. Each of its numbers must be
    one that could stand there by itself.
    """

    @abstractmethod
    def lower(self, clock: Clock) -> Call:
        """The call that makes a function of the step, for a training or a phase of that length."""

    def deadlines(self, clock: Clock) -> Iterator[Deadline]:
        """What it says of time, that has to be over in time."""
        for i, time in enumerate(getattr(self, "at", ())):
            yield Deadline(("at", i), clock.steps_of(time), clock.steps)

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers that the spec gives, in turn: none of those between is below or above all of them."""
        given: tuple[float, ...] = getattr(self, self.kind)
        return given

    @property
    def ends(self) -> tuple[float, float]:
        """What it is in the first step, and in the end."""
        return self.numbers[0], self.numbers[-1]

    def __repr__(self) -> str:
        keys = (self.kind, *(k for k in type(self).model_fields if k in self.model_fields_set and k != self.kind))
        return f"{{ {', '.join(f'{k} = {_written(getattr(self, k))}' for k in keys)} }}"


def _written(value: Any) -> str:
    """A value as TOML has it.

    >>> _written((0.5, Duration(10, "%")))
    '[0.5, "10%"]'
    """
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, Course):
        return repr(value)
    return value_text(str(value) if isinstance(value, Duration | Expression) else value)


if TYPE_CHECKING:
    Pair = tuple[float, float]
    Values = tuple[float, ...]
else:

    def _numbers(value: Any, expected: str) -> Any:
        if not isinstance(value, list | tuple):
            raise must_be(expected, value)
        return tuple(as_expression(v) or _number(v, i) for i, v in enumerate(value))

    def _number(value: Any, i: int) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_NUMBER:
            _refuse(must_be("a finite number", value), i, value)
        return float(value)

    def _pair(value: Any) -> Any:
        expected = "two numbers, the first and the last: [0.1, 0.5]"
        found = _numbers(value, expected)
        if len(found) != 2:
            raise must_be(expected, value)
        return found

    def _values(value: Any) -> Any:
        expected = "two numbers or more: [0.1, 0.01, 0.001]"
        found = _numbers(value, expected)
        if len(found) < 2:
            raise must_be(expected, value)
        return found

    _ONE = {"anyOf": [{"type": "number"}, EXPRESSION]}
    _LIST = {"type": "array", "items": _ONE, "minItems": 2}
    Pair = Annotated[tuple, PlainValidator(_pair), WithJsonSchema({**_LIST, "maxItems": 2})]
    """The first number and the last."""
    Values = Annotated[tuple, PlainValidator(_values), WithJsonSchema(_LIST)]
    """Two numbers or more."""


def _rising(times: tuple[Duration, ...]) -> tuple[Duration, ...]:
    for i, (time, after) in enumerate(pairwise(times)):
        same = isinstance(time, Duration) and isinstance(after, Duration) and time.unit == after.unit
        if same and after.amount <= time.amount:
            message = "must rise, and {after} is no later than {before}"
            _refuse(PydanticCustomError("value", message, {"before": str(time), "after": str(after)}), i + 1, after)
    return times


def _refuse(error: PydanticCustomError, i: int, value: Any) -> NoReturn:
    """Say what is wrong with one value of a list.

    Raises:
        ValidationError: always.
    """
    raise ValidationError.from_exception_data("list", [InitErrorDetails(type=error, loc=(i,), input=value)])


Times = Annotated[tuple[Span, ...], Field(strict=False, min_length=1), AfterValidator(_rising)]
"""When, each from the beginning and later than the one before."""


class Ramp(Course, abstract=True):
    """From one number to another.

    over: how long that takes; as long as there is time unless said otherwise.
    after: how long it stays at the first number before.
    """

    over: Span | None = None
    after: Delay | None = None

    def times(self, clock: Clock) -> tuple[int, int]:
        """How many steps it takes, and how many come before."""
        wait = 0 if self.after is None else self.after.steps(clock.steps, clock.per_epoch)
        return max(1, clock.steps - wait) if self.over is None else clock.steps_of(self.over), wait

    def deadlines(self, clock: Clock) -> Iterator[Deadline]:
        over, after = self.times(clock)
        yield Deadline(("after" if self.over is None else "over",), over + after, clock.steps)


class Linear(Ramp):
    """A line from the first number to the last.

    linear: the two.
    """

    example = '{ linear = [0.1, 0.5], over = "50%" }'

    linear: Pair

    def lower(self, clock: Clock) -> Call:
        return call("optax.linear_schedule", *self.linear, *self.times(clock))


class Polynomial(Ramp):
    """last + (first - last) (1 - t)^power, with t from 0 to 1.

    polynomial: the first number and the last.
    power: 1 is a line; the larger, the sooner it is near the last.
    """

    example = "{ polynomial = [0.1, 0.5], power = 2 }"

    polynomial: Pair
    power: Positive = 2.0

    def lower(self, clock: Clock) -> Call:
        return call("optax.polynomial_schedule", *self.polynomial, self.power, *self.times(clock))


class Cosine(Ramp):
    """Half a cosine from the first number to the last: slow, fast, slow (Loshchilov and Hutter, 2017).

    cosine: the two.
    """

    example = "{ cosine = [0.1, 0.5] }"

    cosine: Pair

    def lower(self, clock: Clock) -> Call:
        return call("netspec.nn.schedules.half_cosine", *self.cosine, *self.times(clock))


class Exponential(Ramp):
    """From the first number to the last by the same factor at each step.

    exponential: the two, both above 0.
    """

    example = "{ exponential = [0.1, 0.5] }"

    exponential: Pair

    def lower(self, clock: Clock) -> Call:
        return call("netspec.nn.schedules.geometric", *self.exponential, *self.times(clock))

    @model_validator(mode="after")
    def _above_zero(self) -> Self:
        if any(not isinstance(n, Expression) and n <= 0 for n in self.exponential):
            message = "has a factor at each step, and none leads to 0 or past it: both numbers must be above 0"
            raise PydanticCustomError("choice", message, {"key": "exponential"})
        return self


class Step(Course):
    """One number after the other.

    step: the numbers, in turn.
    at: when each but the first takes its turn.
    """

    example = '{ step = [0.1, 0.3, 0.5], at = ["50%", "75%"] }'

    step: Values
    at: Times

    def lower(self, clock: Clock) -> Call:
        return call("netspec.nn.schedules.levels", self.step, tuple(clock.steps_of(t) for t in self.at))

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        one_fewer(self.at, self.step)
        return self


class Cyclic(Course):
    """Up and down in lines between two numbers (Smith, 2017).

    cyclic: the number that it begins with, and the other.
    every: how long it takes there and back.
    """

    example = '{ cyclic = [0.1, 0.5], every = "20%" }'

    cyclic: Pair
    every: Span

    @property
    def ends(self) -> tuple[float, float]:
        return self.cyclic[0], self.cyclic[0]

    def lower(self, clock: Clock) -> Call:
        return call("netspec.nn.schedules.triangles", *self.cyclic, clock.steps_of(self.every))


class Join(Course):
    """One course after the other, each as long as its piece: what it says of time, it says of that.

    join: the courses, in turn.
    at: when each but the first begins.
    """

    example = '{ join = [{ linear = [0.1, 0.5] }, { cosine = [0.5, 0.0] }], at = ["20%"] }'

    join: Annotated[tuple[Course, ...], *items_of(Course)]
    at: Times

    @property
    def numbers(self) -> tuple[float, ...]:
        return tuple(n for course in self.join for n in course.numbers)

    def lower(self, clock: Clock) -> Call:
        return lower_in_turn(self.join, tuple(clock.steps_of(t) for t in self.at), clock.steps, clock)

    def deadlines(self, clock: Clock) -> Iterator[Deadline]:
        yield from super().deadlines(clock)
        starts = tuple(clock.steps_of(t) for t in self.at)
        yield from deadlines_in_turn(self.join, "join", starts, clock.steps, clock)

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        one_fewer(self.at, self.join)
        return self


def lower_in_turn(pieces: Sequence[Course], starts: tuple[int, ...], steps: int, clock: Clock) -> Call:
    """The call that makes a function of the step of some courses in turn.

    Args:
        starts: the step with which each but the first begins.
        steps: with which the last ends.
    """
    clocks = _clocks(starts, steps, clock)
    made = tuple(piece.lower(own) for piece, own in zip(pieces, clocks, strict=True))
    return call("optax.join_schedules", made, starts)


def deadlines_in_turn(
    pieces: Sequence[Course], key: str, starts: tuple[int, ...], steps: int, clock: Clock
) -> Iterator[Deadline]:
    """What the pieces of something say of time, each by the length of its piece."""
    for i, (piece, own) in enumerate(zip(pieces, _clocks(starts, steps, clock), strict=True)):
        for deadline in piece.deadlines(own):
            yield replace(deadline, keys=(key, i, *deadline.keys))


def _clocks(starts: tuple[int, ...], steps: int, clock: Clock) -> list[Clock]:
    return [Clock(max(1, end - start), clock.per_epoch) for start, end in pairwise((0, *starts, steps))]


MOST_PIECES = 1000
"""Of what changes in turn, at the most."""


def one_fewer(at: Sequence[Any], turns: Sequence[Any]) -> None:
    """Check that there is a time for each of what comes in turn, but the first.

    Raises:
        PydanticCustomError: there is not.
    """
    if not 2 <= len(turns) <= MOST_PIECES:
        message = f"takes from 2 to {MOST_PIECES} in turn, and has {len(turns)}"
        raise PydanticCustomError("choice", message)
    if len(at) != len(turns) - 1:
        changes = "once" if len(turns) == 2 else f"{len(turns) - 1} times"
        message = f"changes {changes}, and 'at' has {len(at)} time{'s' * (len(at) != 1)}"
        raise PydanticCustomError("choice", message, {"key": "at"})
