"""Optimizers, and what they are made of: parts, what goes around them, groups of parameters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Self

from pydantic import PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from netspec.spec.call import Call, call
from netspec.spec.kind import Kind, Table, item_of, items_of
from netspec.spec.optimizers.arguments import FACTOR, PATTERNS, rates
from netspec.spec.optimizers.clips import Clip
from netspec.spec.optimizers.lowering import Setting, given, lowered, rate_of
from netspec.spec.optimizers.signatures import Signature, signature
from netspec.spec.values import Switch

__all__ = [
    "FIRST",
    "PER_EXAMPLE",
    "WHOLE",
    "WRAPPERS",
    "Chain",
    "Group",
    "Groups",
    "Optimizer",
    "Transformation",
    "Wrapped",
    "Wrapper",
]

AROUND = ("flatten", "split_real_and_imaginary", "schedule_free", "mechanize", "lookahead", "sam", "apply_if_finite")
WRAPPERS = (*AROUND, "reduce_on_plateau")
"""What goes around an optimizer, or, `reduce_on_plateau`, after it."""

WHOLE = frozenset(
    {
        "conjugate_gradients",
        "lbfgs",
        "newton",
        "saddle_free_newton",
        "sam",
        "scale_by_backtracking_linesearch",
        "scale_by_zoom_linesearch",
        "sophia",
    }
)
"""What asks for the loss, or for its gradient, at parameters of its own choice: it needs all of them."""

PER_EXAMPLE = frozenset({"differentially_private_aggregate", "dpsgd"})
"""What wants the gradient of each example."""


FIRST = "first_argument"
"""The field that an item's own key fills."""


class Called(Kind, family="called"):
    """What stands for a function that makes a gradient transformation."""

    @property
    def signature(self) -> Signature:
        """Of the function."""
        found = signature(self.kind)
        assert found is not None
        return found

    @property
    def given(self) -> dict[str, Any]:
        """The arguments that the spec gives."""
        return given(self, self.signature)

    def rate(self, setting: Setting) -> float | Call | None:
        """Its learning rate, if it has one: a number, or the call of what makes a function of the step."""
        found = (rate_of(self.signature, self.given, setting, name) for name in rates(self.signature))
        return next((rate for rate in found if rate is not None), None)

    def calls(self) -> frozenset[str]:
        """The names of all functions that it is made of."""
        inner = (v for v in self.given.values() if isinstance(v, Transformation))
        return frozenset({self.kind}).union(*(i.calls() for i in inner))


class Transformation(Called, family="transformation"):
    """A part of an optimizer: a function of Optax that makes a gradient transformation, by its name.

    What the word itself holds is the function's first argument; `true` leaves that as it is.
    """

    @property
    def given(self) -> dict[str, Any]:
        found = given(self, self.signature)
        first = getattr(self, FIRST, True)
        return found if first is True else {self.signature.arguments[0].name: first, **found}

    def lower(self, setting: Setting) -> Call:
        """The call that makes it."""
        return lowered(self.signature, self.given, setting)

    @model_validator(mode="after")
    def _once(self) -> Self:
        arguments = self.signature.arguments
        if getattr(self, FIRST, True) is not True and arguments[0].name in self.model_fields_set:
            name = arguments[0].name
            raise PydanticCustomError("choice", f"has '{name}' twice: its word holds it already", {"key": name})
        return self


class Wrapper(Called, family="wrapper"):
    """What goes around an optimizer: a function of Optax that makes one transformation of another, by its name."""

    def around(self, inner: Call, setting: Setting, rate: Any) -> Call:
        """The call that makes it.

        Args:
            inner: the call of what it goes around.
            rate: the learning rate of that.
        """
        values = self.given
        if not self.signature.wraps:
            return call("optax.chain", inner, lowered(self.signature, values, replace(setting, factors=())))
        made = lowered(self.signature, values, replace(setting, factors=()), (inner,))
        wanted = any(a.name == "learning_rate" for a in self.signature.arguments) and "learning_rate" not in values
        own = (("learning_rate", rate),) if wanted and rate is not None else ()
        return Call(made.name, made.arguments, (*own, *made.keywords))


class Group(Table):
    """Parameters that learn in another way: of those that are in several groups, the first counts.

    Besides these keys it takes any argument of the optimizer, such as `weight_decay = 0.0`; or a `kind` or `chain` of
    its own, with arguments of that.

    match: which parameters, by a pattern or a list of patterns over their paths; or the layers that they are in.
    freeze: whether they stay as they are.
    learning_rate_factor: what their learning rate is multiplied by.
    """

    of: ClassVar[str]
    own: ClassVar[bool]

    match: PATTERNS
    freeze: Switch = False
    learning_rate_factor: FACTOR = None

    def lower(self, optimizer: "Optimizer", setting: Setting) -> Call:
        """The call that makes the group's transformation.

        Args:
            optimizer: that of the parameters in no group.
        """
        mine = setting if self.learning_rate_factor is None else setting.times(self.learning_rate_factor)
        if self.of == Chain.kind:
            return chained(getattr(self, "chain", ()) or getattr(optimizer, "chain", ()), mine)
        found = signature(self.of)
        assert found is not None
        values = given(self, found) if self.own else optimizer.given | given(self, found)
        return lowered(found, values, mine)

    def calls(self) -> frozenset[str]:
        """The names of all functions that it is made of."""
        items = getattr(self, "chain", ())
        return frozenset({self.of}).union(*(i.calls() for i in items))


@dataclass(frozen=True, slots=True)
class Wrapped:
    """Marks a field that holds a wrapper: `true`, its first argument, or a table of its arguments.

    Args:
        name: of the wrapper.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Groups:
    """Marks the field that holds groups of parameters."""


def _wrapper(name: str) -> Any:
    reference = WithJsonSchema({"$ref": f"#/$defs/wrapper_value.{name}"})
    return Annotated[Wrapper | None, Wrapped(name), PlainValidator(lambda value: value), reference]


_GROUPS = Annotated[
    tuple[Group, ...],
    Groups(),
    PlainValidator(lambda value: value),
    WithJsonSchema({"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/group"}}),
]


class Optimizer(Called, family="optimizer"):
    """How parameters follow the gradient.

    The gradient is clipped, goes to the optimizer (of the group that a parameter is in), and what comes of it through
    `reduce_on_plateau`; the others go around that, those named first inside: `flatten` (around the optimizer alone),
    `schedule_free`, `mechanize`, `lookahead`, `sam`, `apply_if_finite`. Frozen groups are left out of all of it.

    clip: how large a gradient may be: `{ global_norm = 1.0 }`, `{ norm = 1.0 }`, `{ value = 0.5 }` or
        `{ adaptive = 0.01 }`.
    flatten: all parameters as one vector: fewer operations where arrays are many and small.
    split_real_and_imaginary: for complex parameters; does nothing to real ones.
    schedule_free: `true`, or its arguments: averages parameters instead of slowing down (Defazio et al., 2024).
    mechanize: `true`, or its arguments: finds the learning rate's scale by itself (Cutkosky et al., 2023).
    lookahead: `{ sync_period = 6, slow_step_size = 0.5 }`: slow parameters follow fast ones (Zhang et al., 2019).
    sam: `{ rho = 0.05 }`: the gradient where the loss nearby is highest (Foret et al., 2021); two gradients a step.
    apply_if_finite: leave out up to so many steps in a row whose gradient is not finite.
    reduce_on_plateau: `true`, or its arguments: smaller steps when the loss stops falling.
    group: parameters that learn in another way, by patterns over their paths.
    """

    clip: Annotated[Clip | None, *item_of(Clip)] = None
    flatten: _wrapper("flatten") = None  # type: ignore[valid-type]
    split_real_and_imaginary: _wrapper("split_real_and_imaginary") = None  # type: ignore[valid-type]
    schedule_free: _wrapper("schedule_free") = None  # type: ignore[valid-type]
    mechanize: _wrapper("mechanize") = None  # type: ignore[valid-type]
    lookahead: _wrapper("lookahead") = None  # type: ignore[valid-type]
    sam: _wrapper("sam") = None  # type: ignore[valid-type]
    apply_if_finite: _wrapper("apply_if_finite") = None  # type: ignore[valid-type]
    reduce_on_plateau: _wrapper("reduce_on_plateau") = None  # type: ignore[valid-type]
    group: _GROUPS = ()

    @classmethod
    def universal(cls) -> tuple[str, ...]:
        return ("clip", *WRAPPERS, "group")

    @property
    def wrappers(self) -> tuple[str, ...]:
        """The names of what is around it, those inside first."""
        return tuple(name for name in WRAPPERS if getattr(self, name) is not None)

    @property
    def takes_schedule(self) -> bool:
        """Whether it has a learning rate that may change over time."""
        return bool(rates(self.signature))

    def alone(self, setting: Setting) -> Call:
        """The call that makes it, without what is around it."""
        made = lowered(self.signature, self.given, setting)
        return made if self.flatten is None else self.flatten.around(made, setting, None)

    def lower(self, setting: Setting, members: Sequence[tuple[str, ...]] = (), after: Sequence[Call] = ()) -> Call:
        """The call that makes all of it.

        Args:
            members: the paths of the parameters of each group.
            after: what comes right after the optimizer.
        """
        whole = self.grouped(setting, members)
        whole = call("optax.chain", whole, *after) if after else whole
        if self.clip is not None:
            whole = call("optax.chain", self.clip.lower(), whole)
        if self.reduce_on_plateau is not None:
            whole = self.reduce_on_plateau.around(whole, setting, None)
        for name in AROUND[1:]:
            wrapper: Wrapper | None = getattr(self, name)
            whole = whole if wrapper is None else wrapper.around(whole, setting, self.rate(setting))
        frozen = tuple(p for group, paths in zip(self.group, members, strict=True) if group.freeze for p in paths)
        return call("netspec.nn.optimizers.wiring.without", whole, *frozen) if frozen else whole

    def grouped(self, setting: Setting, members: Sequence[tuple[str, ...]]) -> Call:
        """The call that makes it, each group of parameters with its own."""
        parts = [
            (f"group{i + 1}", group.lower(self, setting), paths)
            for i, (group, paths) in enumerate(zip(self.group, members, strict=True))
            if not group.freeze
        ]
        alone = self.alone(setting)
        return call("netspec.nn.optimizers.wiring.partition", alone, *parts) if parts else alone


class Chain(Optimizer, abstract=True):
    """Gradient transformations in turn, in place of a kind: `chain = ["scale_by_adam", { scale = -1e-3 }]`.

    chain: the parts, by the names of Optax's functions; the gradient goes through them from the first to the last.
    """

    chain: Annotated[tuple[Transformation, ...], *items_of(Transformation)]

    @property
    def takes_schedule(self) -> bool:
        return any(rates(item.signature) for item in self.chain)

    def rate(self, setting: Setting) -> float | Call | None:
        found = (item.rate(setting) for item in self.chain)
        return next((rate for rate in found if rate is not None), None)

    def calls(self) -> frozenset[str]:
        return frozenset[str]().union(*(item.calls() for item in self.chain))

    def alone(self, setting: Setting) -> Call:
        made = chained(self.chain, setting)
        return made if self.flatten is None else self.flatten.around(made, setting, None)


def chained(items: Sequence[Transformation], setting: Setting) -> Call:
    """The call that makes one transformation of several in turn."""
    return call("optax.chain", *(item.lower(setting) for item in items))
