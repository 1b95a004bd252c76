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
        self.kernel = nnx.Param(input_kernel(kernel_init, in_features, units, rngs.params()))
        self.recurrent_kernel = nnx.Param(recurrent_kernel(recurrent_kernel_init, units, 1, rngs.params()))
        self.bias = nnx.Param(jnp.zeros(units)) if use_bias else None
        self.activation = activation

    def __call__(self, x: jax.Array, *, mask: jax.Array | None = None) -> jax.Array:
        """[batch, length, in] to the states [batch, length, units].

        Args:
            mask: [batch, length], true where there is no padding.
        """
        forward, backward = simple_recurrence(self.activation)
        return recurrence(forward, backward, x, self.kernel, self.recurrent_kernel, self.bias, mask)


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
        self.kernel = nnx.Param(input_kernel(kernel_init, in_features, 4 * units, rngs.params()))
        self.recurrent_kernel = nnx.Param(recurrent_kernel(recurrent_kernel_init, units, 4, rngs.params()))
        self.bias = nnx.Param(jnp.zeros(4 * units).at[units : 2 * units].set(forget_bias)) if use_bias else None

    def __call__(self, x: jax.Array, *, mask: jax.Array | None = None) -> jax.Array:
        """[batch, length, in] to the states h [batch, length, units].

        Args:
            mask: [batch, length], true where there is no padding.
        """
        return recurrence(lstm_forward, lstm_backward, x, self.kernel, self.recurrent_kernel, self.bias, mask)


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
        self.kernel = nnx.Param(input_kernel(kernel_init, in_features, 3 * units, rngs.params()))
        self.recurrent_kernel = nnx.Param(recurrent_kernel(recurrent_kernel_init, units, 3, rngs.params()))
        self.bias = nnx.Param(jnp.zeros(3 * units)) if use_bias else None

    def __call__(self, x: jax.Array, *, mask: jax.Array | None = None) -> jax.Array:
        """[batch, length, in] to the states [batch, length, units].

        Args:
            mask: [batch, length], true where there is no padding.
        """
        return recurrence(gru_forward, gru_backward, x, self.kernel, self.recurrent_kernel, self.bias, mask)


def input_kernel(initializer: Initializer | None, in_features: int, out_features: int, key: jax.Array) -> jax.Array:
    """W [in, out]: with variance 1 / in unless it is told how to begin."""
    return (initializer or jax.nn.initializers.lecun_normal())(key, (in_features, out_features), jnp.float32)


def recurrent_kernel(initializer: Initializer | None, units: int, gates: int, key: jax.Array) -> jax.Array:
    """R: a matrix [units, units] for each gate, side by side, each orthogonal unless it is told how to begin."""
    drawn = initializer or jax.nn.initializers.orthogonal()
    return jnp.concatenate([drawn(k, (units, units), jnp.float32) for k in jax.random.split(key, gates)], axis=1)


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
            units], and what `backward` needs besides them.
        backward: of that, the state before each position, R, the mask and the gradient of the states: the gradient of
            x W, and that of h R.
        x: [batch, length, in].
        kernel: W [in, gates * units].
        recurrent_kernel: R [units, gates * units].
        bias: b [gates * units], or None.
        mask: [batch, length], or None.
    """

    @jax.custom_vjp
    def states(gates: jax.Array, kernel: jax.Array, bias: jax.Array, mask: jax.Array | None) -> jax.Array:
        return forward(gates, kernel, bias, mask)[0]

    def remember(gates: jax.Array, kernel: jax.Array, bias: jax.Array, mask: jax.Array | None) -> Any:
        h, rest = forward(gates, kernel, bias, mask)
        return h, (h, rest, kernel, bias, mask)

    def gradients(saved: Any, dh: jax.Array) -> Any:
        h, rest, kernel, bias, mask = saved
        h = before(h)
        of_gates, of_products = backward(rest, h, kernel, mask, dh)
        rows = (a.reshape(-1, a.shape[-1]) for a in (h, of_products))
        of_kernel = jnp.einsum("nh,ng->hg", *rows, preferred_element_type=jnp.float32)
        of_bias = jnp.sum(of_gates, axis=(0, 1), dtype=jnp.float32)
        return of_gates, of_kernel.astype(kernel.dtype), of_bias.astype(bias.dtype), None

    states.defvjp(remember, gradients)
    gates = jnp.swapaxes(x, 0, 1) @ kernel[...]
    bias = jnp.zeros(gates.shape[-1], gates.dtype) if bias is None else bias[...]
    return jnp.swapaxes(states(gates, recurrent_kernel[...], bias, None if mask is None else mask.T[..., None]), 0, 1)


def before(states: jax.Array) -> jax.Array:
    """The state that each position began with, of the states [length, batch, units] that it left."""
    return jnp.concatenate([jnp.zeros_like(states[:1]), states[:-1]])


def kept(mask: jax.Array | None, new: jax.Array, old: jax.Array | float) -> jax.Array:
    """What is new, and what was there before where the mask says that there is padding."""
    return new if mask is None else jnp.where(mask, new, old)


def product(h: jax.Array, kernel: jax.Array) -> jax.Array:
    """H R in float32, with h brought to R's type."""
    return jnp.matmul(h.astype(kernel.dtype), kernel, preferred_element_type=jnp.float32)


def product_back(d: jax.Array, kernel: jax.Array) -> jax.Array:
    """D Rᵀ in float32."""
    return jnp.einsum("bg,hg->bh", d, kernel, preferred_element_type=jnp.float32)


def float32(*arrays: jax.Array) -> list[jax.Array]:
    return [a.astype(jnp.float32) for a in arrays]


def simple_recurrence(activation: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The loop of `RNN`, and its gradient: each f has a slope that its own value tells."""
    functions: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
        "tanh": (jnp.tanh, lambda y: 1 - y * y),
        "relu": (jax.nn.relu, lambda y: (y > 0).astype(y.dtype)),
        "sigmoid": (jax.nn.sigmoid, lambda y: y * (1 - y)),
        "identity": (lambda x: x, jnp.ones_like),
    }
    function, slope = functions[activation]

    def forward(gates: jax.Array, kernel: jax.Array, bias: jax.Array, mask: jax.Array | None) -> Any:
        def step(h: jax.Array, here: Any) -> Any:
            x, m = here
            h = kept(m, function(x + product(h, kernel) + bias), h)
            return h, h.astype(gates.dtype)

        h = lax.scan(step, jnp.zeros((gates.shape[1], kernel.shape[0])), (gates, mask))[1]
        return h, h

    def backward(h: jax.Array, _: jax.Array, kernel: jax.Array, mask: jax.Array | None, dh: jax.Array) -> Any:
        def step(later: jax.Array, here: Any) -> Any:
            dh, slope, m = here
            dh = dh + later
            d = kept(m, dh * slope, 0.0).astype(kernel.dtype)
            earlier = product_back(d, kernel)
            return earlier if m is None else jnp.where(m, earlier, dh), d

        (h,) = float32(h)
        d = lax.scan(step, jnp.zeros(dh.shape[1:]), (dh, slope(h), mask), reverse=True)[1]
        return d, d

    return forward, backward


def lstm_forward(gates: jax.Array, kernel: jax.Array, bias: jax.Array, mask: jax.Array | None) -> Any:
    """The states of an `LSTM`, and with them c and tanh of all gates, those of i, f and o halved.

    σ(x) = (1 + tanh(x / 2)) / 2, so that one function takes all four gates in one go.
    """
    halves = jnp.repeat(jnp.array([0.5, 0.5, 1.0, 0.5], gates.dtype), kernel.shape[0])
    kernel, bias = kernel * halves.astype(kernel.dtype), bias * halves.astype(bias.dtype)

    def step(state: Any, here: Any) -> Any:
        x, m = here
        c, h = state
        tanhs = jnp.tanh(x * halves + product(h, kernel) + bias)
        i, f, g, o = lstm_gates(tanhs)
        new = f * c + i * g
        state = kept(m, new, c), kept(m, o * jnp.tanh(new), h)
        return state, tuple(a.astype(gates.dtype) for a in (state[1], state[0], tanhs))

    zeros = jnp.zeros((gates.shape[1], kernel.shape[0]))
    h, *rest = lax.scan(step, (zeros, zeros), (gates, mask))[1]
    return h, rest


def lstm_gates(tanhs: jax.Array) -> tuple[jax.Array, ...]:
    i, f, g, o = jnp.split(tanhs, 4, axis=-1)
    return 0.5 * i + 0.5, 0.5 * f + 0.5, g, 0.5 * o + 0.5


def lstm_backward(rest: Any, _: jax.Array, kernel: jax.Array, mask: jax.Array | None, dh: jax.Array) -> Any:
    """The gradient of an `LSTM`: the loop is linear in dh and dc, with factors that are known before it."""
    cells, tanhs = float32(*rest)
    i, f, g, o = lstm_gates(tanhs)
    t = jnp.tanh(cells)
    slopes = (g * i * (1 - i), before(cells) * f * (1 - f), i * (1 - g * g), t * o * (1 - o))
    into_cell = kept(mask, o * (1 - t * t), 0.0)

    def step(later: Any, here: Any) -> Any:
        dc, dh = later
        of_state, di, df, dg, do, into_cell, f, m = here
        dh = dh + of_state
        dc = dc + dh * into_cell
        d = jnp.concatenate([dc * di, dc * df, dc * dg, dh * do], axis=-1).astype(kernel.dtype)
        earlier = product_back(d, kernel)
        return (dc * f, earlier if m is None else jnp.where(m, earlier, dh)), d

    zeros = jnp.zeros(dh.shape[1:])
    factors = (*(kept(mask, s, 0.0) for s in slopes), into_cell, kept(mask, f, 1.0), mask)
    d = lax.scan(step, (zeros, zeros), (dh, *factors), reverse=True)[1]
    return d, d


def gru_forward(gates: jax.Array, kernel: jax.Array, bias: jax.Array, mask: jax.Array | None) -> Any:
    """The states of a `GRU`, and with them σ of r and z, n, and h R_n.

    Each turn begins with the state of the position before, from its z and n: XLA's CPU backend takes the gates' sum and
    functions with vector instructions only where they are not also that state's.
    """
    units = kernel.shape[0]

    def step(state: Any, here: Any) -> Any:
        x, m = here
        h = gru_state(*state)
        y = product(h, kernel)
        rz = jax.nn.sigmoid(x[:, : 2 * units] + y[:, : 2 * units] + bias[: 2 * units])
        r, z = jnp.split(rz, 2, axis=-1)
        n = jnp.tanh(x[:, 2 * units :] + bias[2 * units :] + r * y[:, 2 * units :])
        rest = rz, n, y[:, 2 * units :]
        return (h, kept(m, z, 1.0), n), tuple(a.astype(gates.dtype) for a in (h, *rest))

    zeros = jnp.zeros((gates.shape[1], units))
    last, (h, *rest) = lax.scan(step, (zeros, zeros, zeros), (gates, mask))
    return jnp.concatenate([h[1:], gru_state(*last).astype(gates.dtype)[None]]), rest


def gru_state(h: jax.Array, z: jax.Array, n: jax.Array) -> jax.Array:
    return (1 - z) * n + z * h


def gru_backward(rest: Any, h: jax.Array, kernel: jax.Array, mask: jax.Array | None, dh: jax.Array) -> Any:
    """The gradient of a `GRU`: the loop is linear in dh, with factors that are known before it."""
    rz, n, products, h = float32(*rest, h)
    r, z = jnp.split(rz, 2, axis=-1)
    of_n = (1 - z) * (1 - n * n)
    slopes = (of_n * products * r * (1 - r), (h - n) * z * (1 - z), of_n * r)

    def step(later: jax.Array, here: Any) -> Any:
        dh, dr, dz, dy, z = here
        dh = dh + later
        d = jnp.concatenate([dh * dr, dh * dz, dh * dy], axis=-1).astype(kernel.dtype)
        return product_back(d, kernel) + dh * z, (d, dh)

    factors = (*(kept(mask, s, 0.0) for s in slopes), kept(mask, z, 1.0))
    d, dh = lax.scan(step, jnp.zeros(dh.shape[1:]), (dh, *factors), reverse=True)[1]
    dn = (dh * kept(mask, of_n, 0.0)).astype(d.dtype)
    return jnp.concatenate([d[..., : -n.shape[-1]], dn], axis=-1), d
