"""Initial values of parameters."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from netspec.diagnostics import nearest
from netspec.spec.call import Call, call
from netspec.spec.kind import Kind
from netspec.spec.values import Number, Positive, described

__all__ = ["Init", "Initial"]


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


class Literal(Initial):
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


def _one(value: Any) -> Initial:
    if isinstance(value, Initial):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Constant.model_validate({"constant": value})
    if isinstance(value, list):
        return Literal(literal=_frozen(value))
    if isinstance(value, str):
        value = {value: None}
    if isinstance(value, dict) and value:
        word = next(iter(value))
        kind = Initial.kinds.get(word)
        if kind is not None and word != "literal":
            return kind.model_validate({k: v for k, v in value.items() if v is not None})  # type: ignore[return-value]
        guess = nearest(word, Initial.kinds)
        raise PydanticCustomError(
            "unknown-kind",
            "no initial value is called '{word}'",
            {"word": word, "help": f"did you mean '{guess}'?" if guess else "there are: " + ", ".join(Initial.kinds)},
        )
    raise PydanticCustomError("value", "expected an initial value, found {found}", {"found": described(value)})


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(v) for v in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError(
            "value", "expected a number of the initial array, found {found}", {"found": described(value)}
        )
    return float(value)


def _init(value: Any) -> Initial | Mapping[str, Initial]:
    if isinstance(value, dict) and value and not any(word in Initial.kinds for word in list(value)[:1]):
        words = list(value)
        if words[0] in _PARAMETERS or len(words) > 1:
            return {k: _one(v) for k, v in value.items()}
    return _one(value)


_PARAMETERS = ("kernel", "bias", "scale", "embedding", "negative_slope", "centers")

Init = Annotated[
    Initial | Mapping[str, Initial] | None,
    PlainValidator(_init),
    WithJsonSchema({"type": ["string", "object", "array", "number"]}),
]
"""An initial value for the weights (`"he_normal"`, `{ normal = 0.02 }`), or one by parameter (`{ bias = -2.0 }`)."""
