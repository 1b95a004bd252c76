"""How large a gradient may be."""

from abc import abstractmethod

from netspec.spec.call import Call, call
from netspec.spec.kind import Kind
from netspec.spec.values import Positive

__all__ = ["Clip"]


class Clip(Kind, family="clip"):
    """How large a gradient may be."""

    @abstractmethod
    def lower(self) -> Call:
        """The gradient transformation that it becomes."""


class Value(Clip):
    """Each number of the gradient to between minus and plus a bound.

    value: the bound.
    """

    value: Positive

    def lower(self) -> Call:
        return call("optax.clip", self.value)


class Norm(Clip):
    """The gradient of each array scaled down to the bound where its norm is above.

    norm: the bound.
    """

    norm: Positive

    def lower(self) -> Call:
        return call("netspec.nn.optimizers.clipping.clip_by_norm", self.norm)


class GlobalNorm(Clip):
    """The whole gradient scaled down to the bound where its norm is above (Pascanu et al., 2013).

    global_norm: the bound.
    """

    global_norm: Positive

    def lower(self) -> Call:
        return call("optax.clip_by_global_norm", self.global_norm)


class Adaptive(Clip):
    """Each unit's gradient to the bound times the norm of its weights (Brock et al., 2021).

    adaptive: the bound.
    """

    adaptive: Positive

    def lower(self) -> Call:
        return call("optax.adaptive_grad_clip", self.adaptive)
