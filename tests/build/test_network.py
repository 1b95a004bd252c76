"""Networks as functions of arrays: against arithmetic by hand."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build import Network
from netspec.document import parse
from netspec.graph.calls import Mode
from netspec.graph.resolve import resolve
from netspec.spec.decode import decode

RNG = np.random.default_rng(0)


def network(layers: str, shape: str, blocks: str = "") -> Network:
    return Network(resolve(decode(parse(f"{blocks}\n[model]\ninput = {shape}\nlayers = [{layers}]", "x.toml"))))


def outputs(net: Network, x: np.ndarray, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    parameters, statistics = net.initialise(jax.random.key(seed))
    return np.asarray(net.apply(parameters, statistics, {"input": jnp.asarray(x)}).outputs["output"]), parameters


def test_a_small_network_by_hand() -> None:
    net = network("{ dense = 3, activation = 'tanh' }, { residual = [{ dense = 3 }] }, { leaky_relu = 0.5 }", "[2]")
    x = RNG.normal(size=(4, 2)).astype(np.float32)
    y, p = outputs(net, x)
    hidden = np.tanh(x @ p["dense1/kernel"] + p["dense1/bias"])
    total = hidden + hidden @ p["residual1/dense1/kernel"] + p["residual1/dense1/bias"]
    np.testing.assert_allclose(y, np.where(total > 0, total, 0.5 * total), rtol=1e-5, atol=1e-6)


def test_a_layer_may_read_an_earlier_one() -> None:
    net = network("{ dense = 3, name = 'a' }, { residual = [{ dense = 3, from = 'a' }] }", "[2]")
    x = RNG.normal(size=(4, 2)).astype(np.float32)
    y, p = outputs(net, x)
    a = x @ p["a/kernel"] + p["a/bias"]
    np.testing.assert_allclose(
        y, a + a @ p["residual1/dense1/kernel"] + p["residual1/dense1/bias"], rtol=1e-5, atol=1e-6
    )


def test_pooling_ignores_what_padding_adds() -> None:
    x = RNG.normal(size=(2, 5, 5, 3)).astype(np.float32)
    average, _ = outputs(network("{ avg_pool = 3, stride = 2, padding = 1 }", "[5, 5, 3]"), x)
    np.testing.assert_allclose(average[:, 0, 0], x[:, :2, :2].mean((1, 2)), rtol=1e-5)
    largest, _ = outputs(network("{ max_pool = 3, stride = 2, padding = 1 }", "[5, 5, 3]"), x)
    np.testing.assert_allclose(largest[:, 2, 2], x[:, 3:, 3:].max((1, 2)), rtol=1e-6)


def test_a_padded_shortcut_takes_every_second_position() -> None:
    x = RNG.normal(size=(2, 4, 4, 2)).astype(np.float32)
    net = network(
        "{ residual = [{ conv = 5, stride = 2, init = { kernel = 'zeros' } }], shortcut = 'pad' }", "[4, 4, 2]"
    )
    y, _ = outputs(net, x)
    np.testing.assert_allclose(y, np.concatenate([x[:, ::2, ::2], np.zeros((2, 2, 2, 3))], -1), atol=1e-6)


def test_literal_initial_values_make_exact_gates() -> None:
    gates = """
      { dense = 2, activation = "step", init = { kernel = [[1.0, 1.0], [1.0, 1.0]], bias = [-0.5, -1.5] } },
      { dense = 1, activation = "step", init = { kernel = [[1.0], [-1.0]], bias = [-0.5] } }"""
    y, _ = outputs(network(gates, "[2]"), np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32))
    assert y.ravel().tolist() == [0, 1, 1, 0]


def test_an_initial_value_is_of_the_weights_unless_it_names_another() -> None:
    parameters, _ = network("{ dense = 400, init = { normal = 0.5 } }", "[300]").initialise(jax.random.key(1))
    assert abs(float(parameters["dense1/kernel"].std()) - 0.5) < 0.01
    assert not parameters["dense1/bias"].any()
    named, _ = network("{ dense = 3, init = { bias = -2.0 } }", "[4]").initialise(jax.random.key(1))
    assert named["dense1/bias"].tolist() == [-2.0] * 3
    assert named["dense1/kernel"].any()


def test_a_layer_begins_alike_whatever_stands_elsewhere() -> None:
    alone, _ = network("{ dense = 3, name = 'head' }", "[4]").initialise(jax.random.key(0))
    behind, _ = network("{ block = ['relu', 'relu'] }, { dense = 3, name = 'head' }", "[4]").initialise(
        jax.random.key(0)
    )
    np.testing.assert_array_equal(alone["head/kernel"], behind["head/kernel"])


def test_dropout_and_batch_norm_know_whether_they_train() -> None:
    net = network("'batch_norm', { dropout = 0.5 }", "[64]")
    assert net.random
    parameters, statistics = net.initialise(jax.random.key(0))
    x = jnp.asarray(RNG.normal(3, 2, size=(256, 64)))
    x = {"input": x}
    training = Mode(training=True)
    still, same, _ = net.apply(parameters, statistics, x)
    np.testing.assert_allclose(still["output"], x["input"], rtol=1e-4, atol=1e-4)
    assert all((same[k] == statistics[k]).all() for k in statistics)
    trained, moved, _ = net.apply(parameters, statistics, x, key=jax.random.key(1), mode=training)
    dropped = float((trained["output"] == 0).mean())
    assert abs(dropped - 0.5) < 0.02
    np.testing.assert_allclose(moved["batch_norm1/mean"], 0.1 * np.asarray(x["input"]).mean(0), rtol=1e-3)
    again, *_ = net.apply(parameters, statistics, x, key=jax.random.key(2), mode=training)
    assert (np.asarray(again["output"] == 0) != np.asarray(trained["output"] == 0)).any()


def test_two_dropouts_of_one_network_drop_differently() -> None:
    net = network("{ residual = [{ dropout = 0.5 }] }, { dropout = 0.5 }", "[512]")
    seen: dict[str, np.ndarray] = {}
    net.apply(
        {},
        {},
        {"input": jnp.ones((1, 512))},
        key=jax.random.key(0),
        mode=Mode(training=True),
        watch=lambda n, y: seen.__setitem__(n.path, np.asarray(y)),
    )
    first, second = seen["residual1/dropout1"] == 0, seen["dropout1"] == 0
    assert 0.3 < (first == second).mean() < 0.7
