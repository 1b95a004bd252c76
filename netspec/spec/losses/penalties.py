"""Penalties on weights and on activity."""

from abc import abstractmethod
from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from netspec.spec.call import Call, call
from netspec.spec.changing import ChangingPositive
from netspec.spec.kind import Kind
from netspec.spec.values import Fraction, Name, Positive, Share

__all__ = ["Penalty"]


class Penalty(Kind, family="penalty"):
    """A term on the parameters whose paths match `on`; or on what a layer gives.

    on: a pattern over parameter paths: `*` within a part, `**` across parts; `"**/kernel"` unless `of` is given.
    of: the name of a layer: the term is on its result, the mean over a batch's examples.
    """

    on: str | None = None
    of: Name | None = None

    @abstractmethod
    def lower(self) -> Call:
        """The function of one array, with its keyword arguments."""

    @classmethod
    def universal(cls) -> tuple[str, ...]:
        return ("on", "of")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.on is not None and self.of is not None:
            raise PydanticCustomError("choice", "has both 'on' (parameters) and 'of' (a layer's result)")
        return self


class L1(Penalty):
    """Strength times the sum of absolute values (the lasso; Tibshirani, 1996).

    l1: the strength.
    """

    example = "{ l1 = 1e-4 }"

    l1: ChangingPositive

    def lower(self) -> Call:
        return call("netspec.nn.penalties.l1", strength=self.l1)


class L2(Penalty):
    """Half the strength times the sum of squares: its gradient is strength times the weight (ridge, weight decay).

    l2: the strength.
    """

    example = "{ l2 = 1e-4 }"

    l2: ChangingPositive

    def lower(self) -> Call:
        return call("netspec.nn.penalties.l2", strength=self.l2)


class Lp(Penalty):
    """Strength times the sum of |w|^p (bridge regression; Frank and Friedman, 1993).

    lp: the strength.
    p: the power; the nearer to 0, the more weights come close to 0.
    """

    example = "{ lp = 1e-4, p = 0.5 }"

    lp: ChangingPositive
    p: Positive

    def lower(self) -> Call:
        return call("netspec.nn.penalties.lp", strength=self.lp, p=self.p)


class Elastic(Penalty):
    """Strength times the sum of r |w| + (1 - r) w² / 2 (the elastic net; Zou and Hastie, 2005).

    elastic: the strength.
    l1_ratio: r: 1 is the lasso, 0 ridge.
    """

    example = "{ elastic = 1e-4, l1_ratio = 0.5 }"

    elastic: ChangingPositive
    l1_ratio: Fraction = 0.5

    def lower(self) -> Call:
        return call("netspec.nn.penalties.elastic", strength=self.elastic, l1_ratio=self.l1_ratio)


class Sparsity(Penalty):
    """Σ KL(ρ ‖ mean activity of each unit over the batch): units that are active a share ρ of the time (Ng, 2011).

    sparsity: the strength.
    share: ρ; activities are between 0 and 1, as a sigmoid's.
    """

    sparsity: ChangingPositive
    share: Share = 0.05

    def lower(self) -> Call:
        return call("netspec.nn.penalties.sparsity", strength=self.sparsity, share=self.share)
