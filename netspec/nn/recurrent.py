"""Recurrent layers over [batch, length, channels].

Each is x W for all positions and gates at once, and then a loop that is left with h R alone. The gradient is written by
hand: all that does not depend on later positions is taken for the whole sequence before the loop, and the gradient of R
is one matrix product after it, where differentiating the loop would add up a matrix of R's size at each position.

The state begins with zeros. Where a mask says that a position is padding, the state is handed on as it is. The state is
kept in float32, whatever the type of the input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

__all__ = ["GRU", "LSTM", "RNN"]

Initializer = Callable[..., jax.Array]


class RNN(nnx.Module):
    """h_t = f(x_t W + h_(t-1) R + b) (Elman, 1990).

    Args:
        in_features: channels of the input.
        units: of the state.
        activation: f: "tanh", "relu", "sigmoid" or "identity".
        use_bias: whether b is there.

    Parameters: `kernel` W [in, units], `recurrent_kernel` R [units, units] and `bias` b [units].
    """

    def __init__(
        self,
        in_features: int,
        units: int,
        *,
        activation: str = "tanh",
        use_bias: bool = True,
        kernel_init: Initializer | None = None,
        recurrent_kernel_init: Initializer | None = None,
        rngs: nnx.Rngs,
    ) -> None:
        self.kernel = nnx.Param(
            input_kernel(kernel_init, in_features, units, rngs.params())
        )
        self.recurrent_kernel = nnx.Param(
            recurrent_kernel(recurrent_kernel_init, units, 1, rngs.params())
        )
        self.bias = nnx.Param(jnp.zeros(units)) if use_bias else None
        self.activation = activation

    def __call__(self, x: jax.Array, *, mask: jax.Array | None = None) -> jax.Array:
        """[batch, length, in] to the states [batch, length, units].

        Args:
            mask: [batch, length], true where there is no padding.
        """
        forward, backward = simple_recurrence(self.activation)
        return recurrence(
            forward, backward, x, self.kernel, self.recurrent_kernel, self.bias, mask
        )


class LSTM(nnx.Module):
    """The long short-term memory (Hochreiter and Schmidhuber, 1997) with forget gates (Gers et al., 2000).

    [i, f, g, o] = x_t W + h_(t-1) R + b
    c_t = σ(f) c_(t-1) + σ(i) tanh(g)
    h_t = σ(o) tanh(c_t)

    Args:
        in_features: channels of the input.
        units: of the state.
        use_bias: whether b is there.
        forget_bias: where b begins for f; the rest of it begins at 0 (Jozefowicz et al., 2015).

    Parameters: `kernel` W [in, 4 units], `recurrent_kernel` R [units, 4 units] and `bias` b [4 units], each with the
    gates i, f, g, o side by side.
    """

    def __init__(
        self,
        in_features: int,
        units: int,
        *,
        use_bias: bool = True,
        forget_bias: float = 1.0,
        kernel_init: Initializer | None = None,
        recurrent_kernel_init: Initializer | None = None,
        rngs: nnx.Rngs,
    ) -> None:
        self.kernel = nnx.Param(
            input_kernel(kernel_init, in_features, 4 * units, rngs.params())
        )
        self.recurrent_kernel = nnx.Param(
            recurrent_kernel(recurrent_kernel_init, units, 4, rngs.params())
        )
        self.bias = (
            nnx.Param(each_gate(units, 0.0, forget_bias, 0.0, 0.0))
            if use_bias
            else None
        )

    def __call__(self, x: jax.Array, *, mask: jax.Array | None = None) -> jax.Array:
        """[batch, length, in] to the states h [batch, length, units].

        Args:
            mask: [batch, length], true where there is no padding.
        """
        return recurrence(
            lstm_forward,
            lstm_backward,
            x,
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            mask,
        )


class GRU(nnx.Module):
    """The gated recurrent unit (Cho et al., 2014), with the reset gate on h R, as cuDNN has it.

    r = σ(x_t W_r + h_(t-1) R_r + b_r)
    z = σ(x_t W_z + h_(t-1) R_z + b_z)
    n = tanh(x_t W_n + r (h_(t-1) R_n) + b_n)
    h_t = (1 - z) n + z h_(t-1)

    Args:
        in_features: channels of the input.
        units: of the state.
        use_bias: whether b is there.

    Parameters: `kernel` W [in, 3 units], `recurrent_kernel` R [units, 3 units] and `bias` b [3 units], each with the
    gates r, z, n side by side.
    """

    def __init__(
        self,
        in_features: int,
        units: int,
        *,
        use_bias: bool = True,
        kernel_init: Initializer | None = None,
        recurrent_kernel_init: Initializer | None = None,
        rngs: nnx.Rngs,
    ) -> None:
        self.kernel = nnx.Param(
            input_kernel(kernel_init, in_features, 3 * units, rngs.params())
        )
        self.recurrent_kernel = nnx.Param(
            recurrent_kernel(recurrent_kernel_init, units, 3, rngs.params())
        )
        self.bias = nnx.Param(jnp.zeros(3 * units)) if use_bias else None

    def __call__(self, x: jax.Array, *, mask: jax.Array | None = None) -> jax.Array:
        """[batch, length, in] to the states [batch, length, units].

        Args:
            mask: [batch, length], true where there is no padding.
        """
        return recurrence(
            gru_forward,
            gru_backward,
            x,
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            mask,
        )


def input_kernel(
    initializer: Initializer | None, in_features: int, out_features: int, key: jax.Array
) -> jax.Array:
    """W [in, out]: with variance 1 / in unless it is told how to begin."""
    return (initializer or jax.nn.initializers.lecun_normal())(
        key, (in_features, out_features), jnp.float32
    )


def recurrent_kernel(
    initializer: Initializer | None, units: int, gates: int, key: jax.Array
) -> jax.Array:
    """R: a matrix [units, units] for each gate, side by side, each orthogonal unless it is told how to begin."""
    drawn = initializer or jax.nn.initializers.orthogonal()
    return jnp.concatenate(
        [drawn(k, (units, units), jnp.float32) for k in jax.random.split(key, gates)],
        axis=1,
    )


def each_gate(units: int, *values: float) -> jax.Array:
    """A vector [gates * units] of one number for each gate."""
    return jnp.concatenate([jnp.full(units, value) for value in values])


def recurrence(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    x: jax.Array,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    mask: jax.Array | None,
) -> jax.Array:
    """The states [batch, length, units] of a loop whose gradient is written by hand.

    Args:
        forward: of x W [length, batch, gates * units], R, b and the mask [length, batch, 1]: the states [length, batch,
            units], and the factors that `backward` needs.
        backward: of these factors, R, the mask and the gradient of the states: the gradient of x W, and that of h R.
        x: [batch, length, in].
        kernel: W [in, gates * units].
        recurrent_kernel: R [units, gates * units].
        bias: b [gates * units], or None.
        mask: [batch, length], or None.
    """

    @jax.custom_vjp
    def states(
        x: jax.Array, w: jax.Array, r: jax.Array, b: jax.Array, mask: jax.Array | None
    ) -> jax.Array:
        return forward(x @ w, r, b, mask)[0]

    def remember(
        x: jax.Array, w: jax.Array, r: jax.Array, b: jax.Array, mask: jax.Array | None
    ) -> Any:
        h, factors = forward(x @ w, r, b, mask)
        return h, (h, factors, x, w, r, b, mask)

    def gradients(saved: Any, dh: jax.Array) -> Any:
        h, factors, x, w, r, b, mask = saved
        of_gates, of_products = backward(factors, r, mask, dh)
        of_bias = jnp.sum(of_gates, axis=(0, 1), dtype=jnp.float32).astype(b.dtype)
        of_x = (of_gates @ w.T).astype(x.dtype)
        return (
            of_x,
            of_kernel(x, of_gates, w),
            of_kernel(before(h), of_products, r),
            of_bias,
            None,
        )

    states.defvjp(remember, gradients)
    w, r = kernel[...], recurrent_kernel[...]
    b = jnp.zeros(w.shape[-1], w.dtype) if bias is None else bias[...]
    h = states(
        jnp.swapaxes(x, 0, 1), w, r, b, None if mask is None else mask.T[..., None]
    )
    return jnp.swapaxes(h, 0, 1)


def of_kernel(x: jax.Array, dy: jax.Array, kernel: jax.Array) -> jax.Array:
    """The gradient of a kernel, of y = x kernel at all positions: xᵀ dy.

    In this order: what autodiff makes of it, (dyᵀ x)ᵀ, takes XLA's CPU backend three times as long.
    """
    rows = (a.reshape(-1, a.shape[-1]) for a in (x, dy))
    return jnp.einsum("nh,ng->hg", *rows, preferred_element_type=jnp.float32).astype(
        kernel.dtype
    )


def before(states: jax.Array) -> jax.Array:
    """The state that each position began with, of the states [length, batch, units] that it left."""
    return jnp.concatenate([jnp.zeros_like(states[:1]), states[:-1]])


def kept(mask: jax.Array | None, new: jax.Array, old: jax.Array | float) -> jax.Array:
    """What is new, and what was there before where the mask says that there is padding."""
    return new if mask is None else jnp.where(mask, new, old)


def product(h: jax.Array, kernel: jax.Array) -> jax.Array:
    """H R in float32, with h brought to R's type."""
    return jnp.matmul(
        h.astype(kernel.dtype), kernel, preferred_element_type=jnp.float32
    )


def product_back(d: jax.Array, kernel: jax.Array) -> jax.Array:
    """D Rᵀ in float32."""
    return jnp.einsum("bg,hg->bh", d, kernel, preferred_element_type=jnp.float32)


def simple_recurrence(activation: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The loop of an `RNN`, and its gradient: each f has a slope that its own value tells."""
    functions: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
        "tanh": (jnp.tanh, lambda y: 1 - y * y),
        "relu": (jax.nn.relu, lambda y: (y > 0).astype(y.dtype)),
        "sigmoid": (jax.nn.sigmoid, lambda y: y * (1 - y)),
        "identity": (lambda x: x, jnp.ones_like),
    }
    function, slope = functions[activation]

    def forward(
        gates: jax.Array, kernel: jax.Array, bias: jax.Array, mask: jax.Array | None
    ) -> Any:
        def step(h: jax.Array, here: Any) -> Any:
            x, m = here
            h = kept(m, function(x + product(h, kernel) + bias), h)
            return h, h.astype(gates.dtype)

        h = lax.scan(step, jnp.zeros((gates.shape[1], kernel.shape[0])), (gates, mask))[
            1
        ]
        return h, h

    def backward(
        h: jax.Array, kernel: jax.Array, mask: jax.Array | None, dh: jax.Array
    ) -> Any:
        def step(later: jax.Array, here: Any) -> Any:
            dh, slope, m = here
            dh = dh + later
            d = (dh * slope).astype(kernel.dtype)
            return kept(m, product_back(d, kernel), dh), d

        slopes = kept(mask, slope(h.astype(jnp.float32)), 0.0)
        d = lax.scan(step, jnp.zeros(dh.shape[1:]), (dh, slopes, mask), reverse=True)[1]
        return d, d

    return forward, backward


def lstm_forward(
    gates: jax.Array, kernel: jax.Array, bias: jax.Array, mask: jax.Array | None
) -> Any:
    """The states of an `LSTM`; and what dc is to be multiplied by for the gradients of i, f and g, dh for those of o
    and c, and dc for that of the c before.

    σ(x) = (1 + tanh(x / 2)) / 2, so that one function takes all four gates in one go.
    """
    halves = each_gate(kernel.shape[0], 0.5, 0.5, 1.0, 0.5).astype(gates.dtype)
    kernel, bias = (
        kernel * halves.astype(kernel.dtype),
        bias * halves.astype(bias.dtype),
    )

    def step(state: Any, here: Any) -> Any:
        x, m = here
        c, h = state
        i, f, g, o = jnp.split(
            jnp.tanh(x * halves + product(h, kernel) + bias), 4, axis=-1
        )
        i, f, o = 0.5 * i + 0.5, 0.5 * f + 0.5, 0.5 * o + 0.5
        new = f * c + i * g
        t = jnp.tanh(new)
        slopes = (
            g * i * (1 - i),
            c * f * (1 - f),
            i * (1 - g * g),
            t * o * (1 - o),
            o * (1 - t * t),
        )
        factors = (*(kept(m, s, 0.0) for s in slopes), kept(m, f, 1.0))
        state = kept(m, new, c), kept(m, o * t, h)
        return state, tuple(a.astype(gates.dtype) for a in (state[1], *factors))

    zeros = jnp.zeros((gates.shape[1], kernel.shape[0]))
    h, *factors = lax.scan(step, (zeros, zeros), (gates, mask))[1]
    return h, factors


def lstm_backward(
    factors: Any, kernel: jax.Array, mask: jax.Array | None, dh: jax.Array
) -> Any:
    """The gradient of an `LSTM`: a loop that is linear in dh and dc."""

    def step(later: Any, here: Any) -> Any:
        dc, dh = later
        of_state, di, df, dg, do, into_cell, f, m = here
        dh = dh + of_state
        dc = dc + dh * into_cell
        d = jnp.concatenate([dc * di, dc * df, dc * dg, dh * do], axis=-1).astype(
            kernel.dtype
        )
        return (dc * f, kept(m, product_back(d, kernel), dh)), d

    zeros = jnp.zeros(dh.shape[1:])
    d = lax.scan(step, (zeros, zeros), (dh, *factors, mask), reverse=True)[1]
    return d, d


def gru_forward(
    gates: jax.Array, kernel: jax.Array, bias: jax.Array, mask: jax.Array | None
) -> Any:
    """The states of a `GRU`; and what dh is to be multiplied by for the gradients of r, z, h R_n, n and the h before.

    Each turn begins with the state of the position before, from its z and n: XLA's CPU backend takes the gates' sum and
    functions with vector instructions only where they are not also that state's.
    """
    units = kernel.shape[0]

    def step(state: Any, here: Any) -> Any:
        x, m = here
        h = gru_state(*state)
        y = product(h, kernel)
        r, z = jnp.split(jax.nn.sigmoid((x + y + bias)[:, : 2 * units]), 2, axis=-1)
        y_n = y[:, 2 * units :]
        n = jnp.tanh(x[:, 2 * units :] + bias[2 * units :] + r * y_n)
        of_n = (1 - z) * (1 - n * n)
        slopes = (of_n * y_n * r * (1 - r), (h - n) * z * (1 - z), of_n * r, of_n)
        z = kept(m, z, 1.0)
        factors = (*(kept(m, s, 0.0) for s in slopes), z)
        return (h, z, n), tuple(a.astype(gates.dtype) for a in (h, *factors))

    zeros = jnp.zeros((gates.shape[1], units))
    last, (h, *factors) = lax.scan(step, (zeros, zeros, zeros), (gates, mask))
    return jnp.concatenate([h[1:], gru_state(*last).astype(gates.dtype)[None]]), factors


def gru_state(h: jax.Array, z: jax.Array, n: jax.Array) -> jax.Array:
    return (1 - z) * n + z * h


def gru_backward(
    factors: Any, kernel: jax.Array, _: jax.Array | None, dh: jax.Array
) -> Any:
    """The gradient of a `GRU`: a loop that is linear in dh."""
    dr, dz, dy, dn, z = factors

    def step(later: Any, here: Any) -> Any:
        of_state, dr, dz, dy, z = here
        dh = of_state + later[0] + later[1]
        d = jnp.concatenate([dh * dr, dh * dz, dh * dy], axis=-1).astype(kernel.dtype)
        return (product_back(d, kernel), dh * z), dh

    zeros = jnp.zeros(dh.shape[1:])
    dh = lax.scan(step, (zeros, zeros), (dh, dr, dz, dy, z), reverse=True)[1]
    both = ([dh * dr, dh * dz, dh * dn], [dh * dr, dh * dz, dh * dy])
    return tuple(jnp.concatenate(parts, axis=-1).astype(kernel.dtype) for parts in both)
