"""The learning rate's factor over time. All but `constant` begin at 1; `warmup` climbs to 1 from 0 before that."""

from abc import abstractmethod
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from netspec.spec.call import Call, call
from netspec.spec.clock import Clock
from netspec.spec.kind import Kind
from netspec.spec.values import Delay, Duration, Fraction, Positive, Share, Span

__all__ = ["Schedule"]


class Schedule(Kind, family="schedule"):
    """A factor on the learning rate.

    warmup: how long it climbs in a line from 0 to 1 before the rest begins.
    """

    warmup: Delay | None = None

    def lower(self, clock: Clock) -> Call:
        """The call that makes a function of the step."""
        if self.warmup is None or self.warmup.amount == 0:
            return self.after_warmup(clock)
        rise = clock.steps_of(self.warmup)
        rest = self.after_warmup(Clock(max(1, clock.steps - rise), clock.per_epoch))
        return call("optax.join_schedules", (call("optax.linear_schedule", 0.0, 1.0, rise), rest), (rise,))

    @abstractmethod
    def after_warmup(self, clock: Clock) -> Call:
        """The call that makes the function of the steps after the warm-up, which `clock` leaves out."""


class Constant(Schedule):
    """1 throughout."""

    def after_warmup(self, clock: Clock) -> Call:
        return call("optax.constant_schedule", 1.0)


class Linear(Schedule):
    """A line from 1 to `final` over the whole training.

    final: the factor at the end.
    """

    final: Fraction = 0.0

    def after_warmup(self, clock: Clock) -> Call:
        return call("optax.linear_schedule", 1.0, self.final, clock.steps)


class Cosine(Schedule):
    """Half a cosine from 1 to `final` over the whole training (Loshchilov and Hutter, 2017).

    final: the factor at the end.
    """

    final: Fraction = 0.0

    def after_warmup(self, clock: Clock) -> Call:
        return call("optax.cosine_decay_schedule", 1.0, clock.steps, alpha=self.final)


class Exponential(Schedule):
    """`rate` to the power of t / every: smooth, or in stairs.

    rate: the factor of each stretch.
    every: how long a stretch is.
    stairs: whether the factor holds still within a stretch.
    """

    example = '[schedule]\nkind = "exponential"\nrate = 0.95\nevery = "1 epochs"'

    rate: Share
    every: Span = Duration(1, "epochs")
    stairs: bool = False

    def after_warmup(self, clock: Clock) -> Call:
        return call("optax.exponential_decay", 1.0, clock.steps_of(self.every), self.rate, staircase=self.stairs)


class Step(Schedule):
    """Multiplied by `factor` at the end of each stretch, or at the times given.

    factor: what the rate is multiplied by.
    every: how long a stretch is; or
    at: when, each counted from the end of the warm-up.
    """

    example = '[schedule]\nkind = "step"\nfactor = 0.1\nevery = "10 epochs"'

    factor: Share = 0.1
    every: Span | None = None
    at: Annotated[tuple[Span, ...], Field(strict=False)] | None = None

    def after_warmup(self, clock: Clock) -> Call:
        if self.every is not None:
            return call("optax.exponential_decay", 1.0, clock.steps_of(self.every), self.factor, staircase=True)
        times = sorted(clock.steps_of(t) for t in self.at or ())
        return call("netspec.nn.schedules.steps", self.factor, tuple(times))

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.every is None) == (self.at is None):
            both = self.every is not None
            raise PydanticCustomError("choice", "has both 'every' and 'at'" if both else "needs 'every' or 'at'")
        return self


class Hyperbolic(Schedule):
    """1 / (1 + rate t / every).

    rate: how fast it falls.
    every: the unit of t.
    """

    rate: Positive
    every: Span = Duration(1, "steps")

    def after_warmup(self, clock: Clock) -> Call:
        return call("netspec.nn.schedules.hyperbolic", self.rate, clock.steps_of(self.every))
