"""The learning rate's factor over time; `warmup` climbs in a line from 0 to what it begins with."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Annotated, Self

from pydantic import Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from netspec.spec.call import Call, call
from netspec.spec.clock import Clock
from netspec.spec.courses import Course, Deadline, Times, Values, deadlines_in_turn, lower_in_turn, one_fewer
from netspec.spec.expression import Expression
from netspec.spec.kind import Kind, items_of
from netspec.spec.values import Count, Delay, Duration, Fraction, Literally, Positive, Share, Span

__all__ = ["Plateau", "Schedule"]


class Schedule(Kind, family="schedule"):
    """A factor on the learning rate.

    warmup: how long it climbs in a line from 0 to what it begins with, which is 1 unless its page says otherwise.
    """

    warmup: Delay | None = None

    def lower(self, clock: Clock) -> Call:
        """The call that makes a function of the step, for a training or a phase of that length."""
        rise = self.rise(clock)
        rest = self.after_warmup(clock, rise)
        climb = call("optax.linear_schedule", 0.0, self.first, rise)
        return call("optax.join_schedules", (climb, rest), (rise,)) if rise else rest

    def rise(self, clock: Clock) -> int:
        """How many steps the warm-up takes."""
        return 0 if self.warmup is None or self.warmup.amount == 0 else clock.steps_of(self.warmup)

    def deadlines(self, clock: Clock) -> Iterator[Deadline]:
        """What it says of time, that has to be over in time."""
        yield Deadline(("warmup",), self.rise(clock), clock.steps)
        for i, time in enumerate(getattr(self, "at", None) or ()):
            yield Deadline(("at", i), clock.steps_of(time), clock.steps)

    @property
    def first(self) -> float:
        """What it begins with, after the warm-up."""
        return 1.0

    @abstractmethod
    def after_warmup(self, clock: Clock, rise: int) -> Call:
        """The call that makes the function of the steps after the first `rise` ones, which are the warm-up."""


def _left(clock: Clock, rise: int) -> int:
    return max(1, clock.steps - rise)


class Constant(Schedule):
    """1 throughout."""

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        return call("optax.constant_schedule", 1.0)


class Linear(Schedule):
    """A line from 1 to `final` over the whole training.

    final: the factor at the end.
    """

    final: Fraction = 0.0

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        return call("optax.linear_schedule", 1.0, self.final, _left(clock, rise))


class Polynomial(Schedule):
    """final + (1 - final) (1 - t)^power, with t from 0 to 1 over the whole training.

    power: 1 is a line; above, it falls fast at first.
    final: the factor at the end.
    """

    power: Positive = 2.0
    final: Fraction = 0.0

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        return call("optax.polynomial_schedule", 1.0, self.final, self.power, _left(clock, rise))


class Cosine(Schedule):
    """Half a cosine from 1 to `final` over the whole training (Loshchilov and Hutter, 2017).

    final: the factor at the end.
    """

    final: Fraction = 0.0

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        return call("optax.cosine_decay_schedule", 1.0, _left(clock, rise), alpha=self.final)


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

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        return call("optax.exponential_decay", 1.0, clock.steps_of(self.every), self.rate, staircase=self.stairs)


class Hyperbolic(Schedule):
    """1 / (1 + rate t / every).

    rate: how fast it falls.
    every: the unit of t.
    """

    rate: Positive
    every: Span = Duration(1, "steps")

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        return call("netspec.nn.schedules.hyperbolic", self.rate, clock.steps_of(self.every))


class InverseSqrt(Schedule):
    """√(timescale / (timescale + t)): with a warm-up the transformer's, whose rate falls as 1 / √step (Vaswani et al.,
    2017).

    timescale: the time in which it falls to 1 / √2; as long as the warm-up unless said otherwise, one step without.
    """

    timescale: Span | None = None

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        timescale = max(1, rise) if self.timescale is None else clock.steps_of(self.timescale)
        return call("netspec.nn.schedules.inverse_sqrt", timescale)


class Step(Schedule):
    """Multiplied by `factor` at the end of each stretch, or at the times given.

    factor: what the rate is multiplied by.
    every: how long a stretch is, after the warm-up; or
    at: when, each counted from the beginning of the training.
    """

    example = '[schedule]\nkind = "step"\nfactor = 0.1\nevery = "10 epochs"'

    factor: Share = 0.1
    every: Span | None = None
    at: Times | None = None

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        if self.every is not None:
            return call("optax.exponential_decay", 1.0, clock.steps_of(self.every), self.factor, staircase=True)
        return call("netspec.nn.schedules.steps", self.factor, _times(self.at or (), clock, rise))

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.every is None) == (self.at is None):
            both = self.every is not None
            raise PydanticCustomError("choice", "has both 'every' and 'at'" if both else "needs 'every' or 'at'")
        return self


def _times(at: Sequence[Duration], clock: Clock, rise: int) -> tuple[int, ...]:
    """Times from the beginning, in steps after the warm-up."""
    return tuple(max(0, clock.steps_of(time) - rise) for time in at)


def _from_zero(factors: Sequence[float], key: str) -> None:
    below = [n for n in factors if not isinstance(n, Expression) and n < 0]
    if below:
        raise PydanticCustomError("choice", f"has the factor {below[0]:g}, and takes none below 0", {"key": key})


class Piecewise(Schedule):
    """The first of some values, and each of the others at its time: in jumps, or by a line or half a cosine to it.

    values: the factors, in turn.
    at: when each but the first is reached, counted from the beginning of the training.
    interpolate: "none" for jumps; "linear" or "cosine" for what leads from one to the next.
    """

    example = '[schedule]\nkind = "piecewise"\nvalues = [1.0, 0.5, 0.1]\nat = ["50%", "75%"]'

    values: Values
    at: Times
    interpolate: Literally("none", "linear", "cosine") = "none"  # type: ignore[valid-type]

    @property
    def first(self) -> float:
        return self.values[0]

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        times = _times(self.at, clock, rise)
        if self.interpolate == "none":
            return call("netspec.nn.schedules.levels", self.values, times)
        return call("netspec.nn.schedules.interpolated", self.values, times, self.interpolate)

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        one_fewer(self.at, self.values)
        _from_zero(self.values, "values")
        return self


class Cyclic(Schedule):
    """Up from `base` to 1 and back in lines, again and again (Smith, 2017).

    base: the factor at the bottom, which it begins with.
    every: how long a cycle is, there and back: twice the paper's step size.
    mode: "triangular"; "triangular2", where each cycle is half as high as the one before; or "exp_range", where the
    height is `gamma` to the power of the step.
    gamma: of "exp_range".
    """

    example = '[schedule]\nkind = "cyclic"\nbase = 0.25\nevery = "8 epochs"'

    base: Fraction = 0.25
    every: Span
    mode: Literally("triangular", "triangular2", "exp_range") = "triangular"  # type: ignore[valid-type]
    gamma: Share | None = None

    @property
    def first(self) -> float:
        return self.base

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        arguments = (self.base, clock.steps_of(self.every))
        if self.mode == "triangular":
            return call("netspec.nn.schedules.cyclic", *arguments)
        decay = {"gamma": self.gamma} if self.mode == "exp_range" else {"halving": True}
        return call("netspec.nn.schedules.cyclic", *arguments, **decay)

    @model_validator(mode="after")
    def _gamma(self) -> Self:
        if self.mode == "exp_range" and self.gamma is None:
            raise PydanticCustomError("choice", "needs 'gamma' for \"exp_range\"", {"key": "mode"})
        if self.mode != "exp_range" and self.gamma is not None:
            raise PydanticCustomError("choice", "has 'gamma', which is of \"exp_range\" alone", {"key": "gamma"})
        return self


class OneCycle(Schedule):
    """Up from 1 / div_factor to 1, then down to far below where it began (Smith and Topin, 2018).

    pct_start: the share of the training that it goes up.
    div_factor: what the rate is divided by in the beginning.
    final_div_factor: what that is divided by once more in the end.
    interpolate: "cosine" or "linear", on both ways.
    pct_final: of "linear", the share of the training after which it is back where it began; 0.85 unless said otherwise.
    """

    pct_start: Share = 0.3
    div_factor: Positive = 25.0
    final_div_factor: Positive = 10000.0
    interpolate: Literally("cosine", "linear") = "cosine"  # type: ignore[valid-type]
    pct_final: Share | None = None

    @property
    def first(self) -> float:
        return 1.0 / self.div_factor

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        left, first = _left(clock, rise), self.first
        top, last = int(self.pct_start * left), first / self.final_div_factor
        if self.interpolate == "cosine":
            return call("netspec.nn.schedules.interpolated", (first, 1.0, last), (top, left), "cosine")
        back = int(left * (0.85 if self.pct_final is None else self.pct_final))
        return call("netspec.nn.schedules.interpolated", (first, 1.0, first, last), (top, back, left), "linear")

    @model_validator(mode="after")
    def _final(self) -> Self:
        if self.pct_final is None or isinstance(self.pct_final, Expression) or isinstance(self.pct_start, Expression):
            return self
        if self.interpolate != "linear":
            raise PydanticCustomError("choice", "has 'pct_final', which is of \"linear\" alone", {"key": "pct_final"})
        if self.pct_final < self.pct_start:
            raise PydanticCustomError("choice", "is back before it is up: 'pct_final' is below 'pct_start'")
        return self


class WarmRestarts(Schedule):
    """Half a cosine from 1 to `final`, again and again (SGDR: Loshchilov and Hutter, 2017).

    every: how long the first cycle is.
    multiply: how many times as long each cycle is as the one before.
    final: the factor at the end of a cycle.
    """

    example = '[schedule]\nkind = "warm_restarts"\nevery = "10 epochs"\nmultiply = 2'

    every: Span
    multiply: Count = 1
    final: Fraction = 0.0

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        every, starts = clock.steps_of(self.every), [0]
        if self.multiply == 1:
            return call("netspec.nn.schedules.restarts", every, self.final)
        while starts[-1] + every < _left(clock, rise):
            starts.append(starts[-1] + every)
            every *= self.multiply
        return call("netspec.nn.schedules.growing_restarts", (*starts, starts[-1] + every), self.final)


class Trapezoid(Schedule):
    """1 until the last stretch of the training, then down to `final` (warm-up, stable, decay: Zhai et al., 2022).

    decay: how long the last stretch is.
    final: the factor at the end.
    interpolate: how it falls: "linear", "cosine", or "sqrt" for 1 - √t (Hägele et al., 2024).
    """

    decay: Span = Duration(20, "%")
    final: Fraction = 0.0
    interpolate: Literally("linear", "cosine", "sqrt") = "linear"  # type: ignore[valid-type]

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        left = _left(clock, rise)
        hold = max(0, left - clock.steps_of(self.decay))
        return call("netspec.nn.schedules.interpolated", (1.0, 1.0, self.final), (hold, left), self.interpolate)

    def deadlines(self, clock: Clock) -> Iterator[Deadline]:
        yield from super().deadlines(clock)
        yield Deadline(("decay",), self.rise(clock) + clock.steps_of(self.decay), clock.steps)


class Join(Schedule):
    """Some courses of the factor in turn, each as long as its piece: `pieces = [{ linear = [0, 1] }, …]`.

    pieces: the courses; what they say of time is of their piece.
    at: when each but the first begins, counted from the beginning of the training.
    """

    example = '[schedule]\nkind = "join"\npieces = [{ linear = [0.1, 1.0] }, { cosine = [1.0, 0.01] }]\nat = ["20%"]'

    pieces: Annotated[tuple[Course, ...], *items_of(Course)]
    at: Times

    @property
    def first(self) -> float:
        return self.pieces[0].ends[0]

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        return lower_in_turn(self.pieces, _times(self.at, clock, rise), _left(clock, rise), clock)

    def deadlines(self, clock: Clock) -> Iterator[Deadline]:
        yield from super().deadlines(clock)
        rise = self.rise(clock)
        yield from deadlines_in_turn(self.pieces, "pieces", _times(self.at, clock, rise), _left(clock, rise), clock)

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        one_fewer(self.at, self.pieces)
        _from_zero([n for piece in self.pieces for n in piece.numbers], "pieces")
        return self


_WHOLE = WithJsonSchema({"type": "integer", "minimum": 0})


class Plateau(Schedule):
    """1, and multiplied by `factor` whenever a metric, looked at after each evaluation, has stopped getting better.

    A value is better where it is below the best so far (above, for a metric such as accuracy) by more than the share
    `threshold` of it.

    metric: what is looked at.
    factor: what the rate is multiplied by.
    patience: after how many evaluations in a row that were no better.
    cooldown: how many evaluations after that are not counted.
    threshold: by what share of itself the best value must be beaten.
    least: the factor is never below.
    """

    example = '[schedule]\nkind = "plateau"\nmetric = "train/loss"\npatience = 5'

    metric: str = "validation/loss"
    factor: Share = 0.1
    patience: Count = 10
    cooldown: Annotated[int, Field(ge=0), _WHOLE] = 0
    threshold: Fraction = 1e-4
    least: Fraction = 0.0

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        return call("optax.constant_schedule", 1.0)

    def lower_observed(self) -> Call:
        """The gradient transformation that multiplies updates by what the factor has become."""
        return call("netspec.nn.plateau.plateau")

    def lower_observer(self) -> Call:
        """The call that makes a function of the optimizer's state and the metric, lower is better: the state after."""
        return call(
            "netspec.nn.plateau.observer",
            self.factor,
            self.patience,
            cooldown=self.cooldown,
            threshold=self.threshold,
            least=self.least,
        )
