"""Test functions: losses of a point, without a target, on which optimizers are watched."""

from typing import ClassVar

from netspec.spec.call import Call, call
from netspec.spec.losses.loss import Loss
from netspec.spec.values import Positive

__all__ = ["Beale", "Cliff", "Himmelblau", "Landscape", "Quadratic", "Rosenbrock", "Saddle"]


class Landscape(Loss, abstract=True):
    """A function of a point; there is no target."""

    targets = "nothing"

    axes: ClassVar[tuple[int, int | None]] = (2, 2)
    """The least and the largest number of axes of the point; None where any number will do."""

    minima: ClassVar[tuple[tuple[float, ...], ...]] = ()
    """Where it is least, in two axes; none where that is no point, or nowhere."""

    def lower(self) -> Call:
        return call(f"netspec.nn.landscapes.{self.kind}")


class Quadratic(Landscape):
    """½ Σ λ x², the curvatures λ from 1 on the first axis to `condition` on the last: a valley.

    condition: the largest curvature over the smallest; the larger, the harder for plain descent.
    """

    axes = (1, None)
    minima = ((0.0, 0.0),)
    condition: Positive = 10.0

    def lower(self) -> Call:
        return call("netspec.nn.landscapes.quadratic", condition=self.condition)


class Saddle(Landscape):
    """x² - y²: level at 0, where it is least along x and largest along y; it has no minimum."""


class Rosenbrock(Landscape):
    """Σ 100 (xᵢ₊₁ - xᵢ²)² + (1 - xᵢ)²: a bent valley with its minimum at 1, 1 (Rosenbrock, 1960)."""

    axes = (2, None)
    minima = ((1.0, 1.0),)


class Beale(Landscape):
    """(1.5 - x + xy)² + (2.25 - x + xy²)² + (2.625 - x + xy³)²: plains and walls, least at 3, 0.5 (Beale, 1958)."""

    minima = ((3.0, 0.5),)


class Himmelblau(Landscape):
    """(x² + y - 11)² + (x + y² - 7)²: four minima, all of them 0 (Himmelblau, 1972)."""

    minima = (
        (3.0, 2.0),
        (-2.805118086952745, 3.131312518250573),
        (-3.779310253377747, -3.283185991286170),
        (3.584428340330492, -1.848126526964404),
    )


class Cliff(Landscape):
    """(σ(h₅₀) - 0.7)², h = w σ(h) + b fifty times from 0.5: one recurrent unit's error at w, b (Pascanu et al., 2013).

    Flat but for a wall where the unit begins to have two states, about w = 5, b = -2.6 and beyond.
    """
