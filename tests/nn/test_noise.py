"""What is random in training, and still in evaluation."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from netspec.graph.calls import Mode, apply, initialise
from netspec.nn.noise import DropConnect
from netspec.nn.noise import Dropout as DropoutModule
from netspec.nn.noise import Noise as NoiseModule
from netspec.spec.call import Call, Mismatch, Shape
from netspec.spec.clock import Clock
from netspec.spec.courses import Linear
from netspec.spec.layer import Layer
from netspec.spec.layers.noise import Dropconnect, Dropout, Noise, StochasticDepth
from netspec.spec.values import Duration


@pytest.mark.parametrize("layer", [Dropout(), Dropout(channels=True), StochasticDepth(), Noise()])
def test_evaluation_changes_nothing(run: Any, layer: Any) -> None:
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(run(layer, x)[0], x)
    first, again, other = (run(layer, x, training=True, seed=seed)[0] for seed in (0, 0, 7))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("layer", "rate", "same"),
    [
        (Dropout(dropout=0.3), 0.3, ()),
        (Dropout(dropout=0.3, channels=True), 0.3, (1, 2)),
        (StochasticDepth(stochastic_depth=0.4), 0.4, (1, 2, 3)),
    ],
)
def test_what_is_dropped_together(run: Any, layer: Any, rate: float, same: tuple[int, ...]) -> None:
    y, _ = run(layer, np.ones((4000, 3, 2, 4)), training=True)
    np.testing.assert_allclose(np.unique(y), [0, 1 / (1 - rate)], rtol=1e-6)
    kept = y > 0
    assert (kept.all(same) == kept.any(same)).all()
    together = kept.any(same)
    deviation = np.sqrt(rate * (1 - rate) / together.size)
    assert abs(together.mean() - (1 - rate)) < 4 * deviation
    # What is not dropped together is dropped apart: the share of an example that is kept varies as little as it can.
    shares = together.reshape(4000, -1)
    assert abs(shares.mean(1).var() * shares.shape[1] / (rate * (1 - rate)) - 1) < 0.1


def test_noise_is_normal(run: Any) -> None:
    y, _ = run(Noise(noise=0.5), np.full((100, 1000), 2.0), training=True)
    assert abs(y.mean() - 2.0) < 4 * 0.5 / 100_000**0.5
    assert abs(y.std() - 0.5) < 4 * 0.5 / 200_000**0.5
    assert abs((np.abs(y - 2.0) < 0.5).mean() - 0.6827) < 0.01


def test_dropconnect_drops_weights(run: Any) -> None:
    kernel, bias = np.full((40, 50), 3.0), np.arange(50.0)
    parameters = {"kernel": kernel, "bias": bias}
    layer = Dropconnect(dropconnect=50, rate=0.25)
    x = np.eye(40)
    np.testing.assert_allclose(run(layer, x, parameters=parameters)[0], kernel + bias, rtol=1e-6)
    weights = run(layer, x, training=True, parameters=parameters)[0] - bias
    np.testing.assert_allclose(np.unique(weights.round(3)), [0, 4])
    assert abs((weights > 0).mean() - 0.75) < 4 * (0.25 * 0.75 / 2000) ** 0.5
    relu, _ = run(Dropconnect(dropconnect=50, activation=None, bias=False), x, parameters=parameters)
    np.testing.assert_allclose(relu, kernel)


def test_modules_draw_from_streams_of_their_own() -> None:
    for layer in (
        NoiseModule(0.1, rngs=nnx.Rngs(0)),
        DropoutModule(0.5, rngs=nnx.Rngs(0)),
        DropConnect(3, 3, 0.5, rngs=nnx.Rngs(params=0, dropout=1)),
    ):
        x = jnp.ones((2, 3))
        assert (layer(x) != layer(x)).any()
        assert (layer(x, rngs=nnx.Rngs(3)) == layer(x, rngs=nnx.Rngs(3))).all()
        layer.eval()
        assert (layer(x) == layer(x)).all()
    with pytest.raises(ValueError, match="needs rngs"):
        NoiseModule(0.1)(x)


CLOCK = Clock(100, 10)


def at_step(layer: Layer, x: Any, step: Any, clock: Clock = CLOCK) -> Any:
    """What a layer gives in a step of training; its random numbers are always the same."""
    lowered = layer.lower(Shape(x.shape[1:]))
    (call,) = (lowered,) if isinstance(lowered, Call) else lowered
    parameters, _ = initialise(call, jax.random.key(0))
    mode = Mode(training=True, step=step, clock=clock)
    return apply(call, (jnp.asarray(x, jnp.float32),), parameters, {}, mode, jax.random.key(1))[0]


COURSE = Linear(linear=(0.125, 0.625))


@pytest.mark.parametrize(("step", "now"), [(0, 0.125), (50, 0.375), (130, 0.625)])
@pytest.mark.parametrize(
    "layer",
    [
        lambda v: Dropout(dropout=v),
        lambda v: Dropout(dropout=v, channels=True),
        lambda v: StochasticDepth(stochastic_depth=v),
        lambda v: Noise(noise=v),
        lambda v: Dropconnect(dropconnect=7, rate=v),
    ],
)
def test_what_changes_over_time_is_at_each_step_as_if_it_stayed(layer: Any, step: int, now: float) -> None:
    """These rates have no rounding, so Flax's dropout with the same rate gives the same bits."""
    x = np.random.default_rng(0).normal(size=(6, 5, 4))
    np.testing.assert_array_equal(at_step(layer(COURSE), x, jnp.asarray(step)), at_step(layer(now), x, None))


def test_a_rate_over_time_follows_its_clock() -> None:
    x = np.ones((50, 40))
    layer = Dropout(dropout=Linear(linear=(0.0, 0.5), over=Duration(50, "%")))
    shares = []
    for step, clock in ((0, CLOCK), (50, CLOCK), (50, Clock(200, 1))):
        y = jax.jit(lambda step, clock=clock: at_step(layer, x, step, clock))(jnp.asarray(step))
        shares.append((y == 0).mean())
    np.testing.assert_allclose(shares, [0, 0.5, 0.25], atol=0.04)


def test_no_step_is_needed_in_evaluation(run: Any) -> None:
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    np.testing.assert_array_equal(run(Dropout(dropout=COURSE), x)[0], x)
    np.testing.assert_array_equal(
        run(Dropout(dropout=COURSE), x, training=True)[0], run(Dropout(dropout=0.625), x, training=True)[0]
    )


def test_a_rate_over_time_keeps_the_type_of_numbers() -> None:
    x = jnp.ones((2, 3), jnp.bfloat16)
    for made in (DropoutModule(jnp.float32(0.5)), NoiseModule(jnp.float32(0.5))):
        assert made(x, rngs=jax.random.key(0)).dtype == jnp.bfloat16


def test_channels_need_positions() -> None:
    with pytest.raises(Mismatch, match=r"gets \[5\], which has none"):
        Dropout(channels=True).lower(Shape((5,)))
