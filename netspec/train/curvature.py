"""How a loss curves where a training ended: the ends of its Hessian's spectrum, by products with vectors alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from netspec.graph.calls import Arrays

__all__ = ["Curvature", "Spectrum", "curvature", "lanczos"]

Vector = np.ndarray[Any, np.dtype[np.float64]]

ROUNDING = 1e-5
"""What products in float32 leave uncertain of an eigenvalue, as a share of the largest one's size."""

MARGIN = 10.0
"""How much larger than its residual an eigenvalue is that has been found: others may still hide beside it."""

SMALL_STEP = 1e-3
"""A gradient counts as zero where it asks for a step, by the steepest curve, of at most this share of the weights."""


class Spectrum(NamedTuple):
    """Eigenvalues of a symmetric matrix, some or all, in rising order.

    Args:
        values: of the matrix on the space that was looked at.
        residuals: ‖A v - λ v‖ of each, v its vector of length 1: some eigenvalue is as near as this.
        complete: whether these are all that there are.
    """

    values: Vector
    residuals: Vector
    complete: bool


def lanczos(times: Callable[[Vector], Vector], size: int, steps: int, seed: int = 0) -> Spectrum:
    """The ends of a symmetric matrix's spectrum (Lanczos, 1950), each vector orthogonalised against all before it.

    Args:
        times: the matrix times a vector [size].
        size: rows of the matrix.
        steps: products, at most `size`; with that many the spectrum is complete.
    """
    random = np.random.default_rng(seed)
    basis = np.zeros((steps, size))
    products = np.zeros((steps, steps))
    rest, last = random.normal(size=size), 0.0
    scale = 0.0
    for i in range(steps):
        rest, last = _orthogonal(rest, basis[:i])
        if last <= ROUNDING * scale:  # the space is closed under the matrix: go on in what is left
            rest, _ = _orthogonal(random.normal(size=size), basis[:i])
            last = 0.0
        basis[i] = rest
        rest = times(basis[i])
        scale = max(scale, float(np.linalg.norm(rest)))
        products[i, : i + 1] = products[: i + 1, i] = basis[: i + 1] @ rest
    _, last = _orthogonal(rest, basis, normalised=False)
    values, vectors = np.linalg.eigh(products)
    complete = steps == size
    return Spectrum(values, np.zeros(steps) if complete else last * np.abs(vectors[-1]), complete)


def _orthogonal(vector: Vector, basis: Vector, *, normalised: bool = True) -> tuple[Vector, float]:
    """What of a vector is orthogonal to a basis, of length 1, and the length that it had."""
    for _ in range(2):  # the second pass takes what rounding left of the first (Kahan's "twice is enough")
        vector = vector - basis.T @ (basis @ vector)
    length = float(np.linalg.norm(vector))
    return (vector / length if normalised and length else vector), length


class Curved(Protocol):
    """A function of parameters with its first two derivatives."""

    def __call__(self, parameters: Arrays) -> float:
        """Its value."""

    def gradient(self, parameters: Arrays) -> Arrays:
        """Its gradient."""

    def hessian_times(self, parameters: Arrays, vector: Arrays) -> Arrays:
        """Its Hessian times a vector."""


@dataclass(frozen=True, slots=True)
class Curvature:
    """How a loss curves at a point.

    Args:
        loss, gradient_norm: there.
        weights_norm: of the point.
        parameters: how many.
        products: Hessian-vector products that were made.
        largest, smallest: eigenvalues of the Hessian.
        largest_residual, smallest_residual: how far off they may be.
        nearest: the size of the eigenvalue that is nearest to 0; None where it was not looked for.
    """

    loss: float
    gradient_norm: float
    weights_norm: float
    parameters: int
    products: int
    largest: float
    smallest: float
    largest_residual: float
    smallest_residual: float
    nearest: float | None

    @property
    def steepest(self) -> float:
        """The largest eigenvalue by size."""
        return max(abs(self.largest), abs(self.smallest))

    @property
    def tolerance(self) -> float:
        """A smallest eigenvalue of at most this size cannot be told from 0."""
        return max(ROUNDING * self.steepest, MARGIN * self.smallest_residual)

    @property
    def condition(self) -> float | None:
        """|λ|max / |λ|min; None where the smallest cannot be told from 0, or was not found."""
        nearest = self.smallest if self.smallest > 0 else self.nearest
        return None if nearest is None or nearest <= self.tolerance else self.steepest / nearest

    @property
    def stationary(self) -> bool:
        """Whether the gradient is as good as zero."""
        return self.gradient_norm <= SMALL_STEP * self.steepest * max(1.0, self.weights_norm)

    @property
    def verdict(self) -> Literal["slope", "minimum", "maximum", "saddle", "flat"]:
        """What sort of point it is; "flat" where second derivatives leave open what happens along some direction."""
        if not self.stationary:
            return "slope"
        sure = max(ROUNDING * self.steepest, MARGIN * self.largest_residual)
        up, down = self.largest > sure, self.smallest < -self.tolerance
        if up and down:
            return "saddle"
        return "minimum" if self.smallest > self.tolerance else "maximum" if self.largest < -sure else "flat"


def curvature(function: Curved, parameters: Arrays, steps: int, seed: int = 0) -> Curvature:
    """How a function curves at some parameters.

    Args:
        steps: Hessian-vector products, at the most.
    """
    point, unravel = ravel_pytree(parameters)
    size = len(point)

    def times(vector: Vector) -> Vector:
        product = function.hessian_times(parameters, unravel(jax.numpy.asarray(vector, point.dtype)))
        return np.asarray(ravel_pytree(product)[0], np.float64)

    spectrum = lanczos(times, size, min(steps, size), seed)
    values, residuals = spectrum.values, spectrum.residuals
    gradient = np.asarray(ravel_pytree(function.gradient(parameters))[0], np.float64)
    return Curvature(
        loss=function(parameters),
        gradient_norm=float(np.linalg.norm(gradient)),
        weights_norm=float(np.linalg.norm(np.asarray(point, np.float64))),
        parameters=size,
        products=len(values),
        largest=float(values[-1]),
        smallest=float(values[0]),
        largest_residual=float(residuals[-1]),
        smallest_residual=float(residuals[0]),
        nearest=float(np.min(np.abs(values))) if spectrum.complete else None,
    )
