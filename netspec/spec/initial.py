"""Initial values of parameters."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import PlainValidator, WithJsonSchema

from netspec.spec.call import Call, call
from netspec.spec.kind import Kind
from netspec.spec.values import Count, Number, Positive, must_be

__all__ = ["PARAMETERS", "Constant", "FromData", "Init", "Initial", "Initials", "Literal"]


class Initial(Kind, family="initial value"):
    """How a parameter begins."""

    axes: ClassVar[int] = 0
    """How many axes a parameter must have, at the least."""

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
    """One number everywhere.

    constant: the number.
    """

    constant: Number

    def lower(self) -> Call:
        return call("netspec.nn.initial.constant", self.constant)


class Literal(Initial, abstract=True):
    """Numbers that the spec gives: an array of the parameter's shape."""

    literal: Any

    def lower(self) -> Call:
        return call("netspec.nn.initial.literal", self.literal)


class Normal(Initial):
    """Drawn from a normal distribution around 0.

    normal: its standard deviation.
    """

    normal: Positive = 0.01

    def lower(self) -> Call:
        return call("jax.nn.initializers.normal", self.normal)


class Truncated(Initial):
    """Drawn from a normal distribution around 0, cut off at two standard deviations.

    truncated: the standard deviation.
    """

    truncated: Positive = 0.01

    def lower(self) -> Call:
        return call("jax.nn.initializers.truncated_normal", self.truncated)


class Uniform(Initial):
    """Drawn evenly from between minus and plus a bound.

    uniform: the bound.
    """

    uniform: Positive = 0.01

    def lower(self) -> Call:
        return call("netspec.nn.initial.uniform", self.uniform)


class _Scaled(Initial, abstract=True):
    axes = 2

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


class Orthogonal(Initial):
    """Orthogonal rows or columns (Saxe et al., 2014).

    orthogonal: their length.
    """

    axes = 2

    orthogonal: Positive = 1.0

    def lower(self) -> Call:
        return call("jax.nn.initializers.orthogonal", self.orthogonal)


class Identity(Initial):
    """One number where input and output agree, 0 elsewhere (Le et al., 2015); a convolution's in its middle.

    identity: the number.
    """

    axes = 2

    identity: Number = 1.0

    def lower(self) -> Call:
        return call("netspec.nn.initial.identity", self.identity)


class Sparse(Initial):
    """For each output so many weights from a normal distribution, and all others 0 (Martens, 2010).

    sparse: how many.
    std: the distribution's standard deviation.
    """

    axes = 2

    sparse: Count = 15
    std: Positive = 1.0

    def lower(self) -> Call:
        return call("netspec.nn.initial.sparse", self.sparse, self.std)


class FromData(Initial, abstract=True):
    """Vectors as wide as what the layer reads, made of that: a parameter's rows or columns.

    The call's name is that of a function of examples [n, features], the parameter's shape, and a seed.
    """

    axes = 2

    def lower(self) -> Call:
        return call(f"netspec.nn.from_data.{self.kind}")


class Kmeans(FromData):
    """The centers of clusters of what the layer reads (MacQueen, 1967; Moody and Darken, 1989)."""


class Sample(FromData):
    """Examples of what the layer reads, drawn at random."""


class PrincipalComponents(FromData):
    """The directions along which what the layer reads varies most, the first first (Pearson, 1901)."""


@dataclass(frozen=True, slots=True)
class Initials:
    """Marks the field that holds initial values."""


PARAMETERS = (
    "kernel",
    "bias",
    "scale",
    "embedding",
    "negative_slope",
    "centers",
    "widths",
    "means",
    "log_deviations",
)
"""The names of parameters, some of them: what initial values may be given by."""


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
