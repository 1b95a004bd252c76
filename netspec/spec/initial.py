"""Initial values of parameters."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from netspec.spec.call import Call, call
from netspec.spec.kind import Kind
from netspec.spec.values import Number, Positive, must_be

__all__ = ["PARAMETERS", "Constant", "Init", "Initial", "Initials", "Literal"]


class Initial(Kind, family="initial value"):
    """How a parameter begins."""

    @abstractmethod
    def lower(self) -> Call:
        """The call that makes an initialiser: a function of key, shape and type."""


class Zeros(Initial):
    """All zeros."""

    def lower(self) -> Call:
        return call("netspec.nn.initial.constant", 0.0)


class Ones(Initial):
    """All ones."""

    def lower(self) -> Call:
        return call("netspec.nn.initial.constant", 1.0)


class Constant(Initial):
    """One number everywhere."""

    constant: Number

    def lower(self) -> Call:
        return call("netspec.nn.initial.constant", self.constant)


class Literal(Initial, abstract=True):
    """Numbers that the spec gives: an array of the parameter's shape."""

    literal: Any

    def lower(self) -> Call:
        return call("netspec.nn.initial.literal", self.literal)


class Normal(Initial):
    """Drawn from a normal distribution around 0 with the given standard deviation."""

    normal: Positive = 0.01

    def lower(self) -> Call:
        return call("jax.nn.initializers.normal", self.normal)


class Truncated(Initial):
    """Drawn from a normal distribution around 0, cut off at two standard deviations."""

    truncated: Positive = 0.01

    def lower(self) -> Call:
        return call("jax.nn.initializers.truncated_normal", self.truncated)


class Uniform(Initial):
    """Drawn evenly from between minus and plus the given bound."""

    uniform: Positive = 0.01

    def lower(self) -> Call:
        return call("netspec.nn.initial.uniform", self.uniform)


class _Scaled(Initial, abstract=True):
    def lower(self) -> Call:
        return call(f"jax.nn.initializers.{self.kind}")


class GlorotNormal(_Scaled):
    """Normal with variance 2 / (fan in + fan out) (Glorot and Bengio, 2010)."""


class GlorotUniform(_Scaled):
    """Uniform with variance 2 / (fan in + fan out) (Glorot and Bengio, 2010)."""


class XavierNormal(_Scaled):
    """Another name of `glorot_normal`."""


class XavierUniform(_Scaled):
    """Another name of `glorot_uniform`."""


class HeNormal(_Scaled):
    """Normal with variance 2 / fan in, for rectifiers (He et al., 2015)."""


class HeUniform(_Scaled):
    """Uniform with variance 2 / fan in, for rectifiers (He et al., 2015)."""


class LecunNormal(_Scaled):
    """Normal with variance 1 / fan in (LeCun et al., 1998)."""


class LecunUniform(_Scaled):
    """Uniform with variance 1 / fan in (LeCun et al., 1998)."""


class Orthogonal(_Scaled):
    """Orthogonal rows or columns (Saxe et al., 2014)."""


@dataclass(frozen=True, slots=True)
class Initials:
    """Marks the field that holds initial values."""


PARAMETERS = ("kernel", "bias", "scale", "embedding", "negative_slope")
"""The names of parameters: what initial values may be given by."""


def _init(value: Any) -> Initial | Mapping[str, Initial] | None:
    parts = value.values() if isinstance(value, dict) else [value]
    if value is None or all(isinstance(part, Initial) for part in parts):
        return value  # type: ignore[no-any-return]
    raise must_be("an initial value", value)


Init = Annotated[
    Initial | Mapping[str, Initial] | None,
    Initials(),
    PlainValidator(_init),
    WithJsonSchema({"type": ["string", "object", "array", "number"]}),
]
"""An initial value for the weights (`"he_normal"`, `{ normal = 0.02 }`, a number, an array), or one by parameter
(`{ bias = -2.0 }`); decoded by whoever reads the table."""
