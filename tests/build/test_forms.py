"""Every form of the language against the same network worked out by hand in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.build.network import Network
from netspec.document import parse
from netspec.graph.calls import Mode
from netspec.graph.facts import Facts, InputFacts
from netspec.graph.resolve import resolve
from netspec.spec.call import Shape
from netspec.spec.decode import decode

RNG = np.random.default_rng(0)
Arrays = Mapping[str, np.ndarray]


def run(layers: str, facts: Facts | None = None, head: str = "", **inputs: np.ndarray) -> tuple[Arrays, Arrays]:
    """The outputs of a network on some inputs, and its parameters."""
    shapes = ", ".join(f"{n} = {list(x.shape[1:])}" for n, x in inputs.items())
    given = "" if facts else f"inputs = {{ {shapes} }}"
    text = f"[model]\n{given}\n{head}\nlayers = [{layers}]"
    network = Network(resolve(decode(parse(text, "x.toml")), facts))
    parameters, statistics = network.initialise(jax.random.key(3))
    result = network.apply(parameters, statistics, {n: jnp.asarray(x) for n, x in inputs.items()})
    return {n: np.asarray(y) for n, y in result.outputs.items()}, {p: np.asarray(v) for p, v in parameters.items()}


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def dense(x: np.ndarray, p: Arrays, path: str) -> np.ndarray:
    return x @ p[f"{path}/kernel"] + p[f"{path}/bias"]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def close(found: np.ndarray, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


JOINS = {
    "concat": lambda a, b: np.concatenate([a, b], -1),
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "mean": lambda a, b: (a + b) / 2,
    "max": np.maximum,
    "dot": lambda a, b: (a * b).sum(-1, keepdims=True),
}


@pytest.mark.parametrize("join", JOINS)
def test_named_values_are_joined(join: str) -> None:
    a, b = normal(3, 4), normal(3, 4)
    found, _ = run(f'{{ {join} = ["b", "a"] }}', a=a, b=b)
    close(found["output"], JOINS[join](b, a))


@pytest.mark.parametrize("shape", [(3,), (1, 1, 3)])
def test_a_value_for_each_channel_counts_at_every_position(shape: tuple[int, ...]) -> None:
    x, gate = normal(2, 4, 5, 3), normal(2, *shape)
    found, _ = run('{ multiply = ["x", "gate"] }', x=x, gate=gate)
    close(found["output"], x * gate.reshape(2, 1, 1, 3))


def test_squeeze_and_excitation() -> None:
    x = normal(2, 4, 5, 3)
    layers = """
      "global_avg_pool", { dense = 2, activation = "relu" }, { dense = 3, activation = "sigmoid", name = "weights" },
      { multiply = ["x", "weights"] }"""
    found, p = run(layers, x=x)
    squeezed = sigmoid(dense(np.maximum(dense(x.mean((1, 2)), p, "dense1"), 0), p, "weights"))
    close(found["output"], x * squeezed[:, None, None])


MERGES = {
    "concat": lambda a, b: np.concatenate([a, b], -1),
    "add": np.add,
    "multiply": np.multiply,
    "mean": lambda a, b: (a + b) / 2,
    "max": np.maximum,
}


@pytest.mark.parametrize("merge", MERGES)
def test_branches_are_merged_and_an_empty_one_is_the_input(merge: str) -> None:
    x = normal(3, 4)
    found, p = run(f'{{ parallel = [[{{ dense = 4 }}], []], merge = "{merge}" }}', x=x)
    close(found["output"], MERGES[merge](dense(x, p, "parallel1/branch1/dense1"), x))


def test_a_gate_lets_through_what_it_says() -> None:
    x = normal(3, 4)
    found, p = run('{ residual = [{ dense = 4, activation = "relu" }], gate = [{ dense = 4 }] }', x=x)
    f, gate = np.maximum(dense(x, p, "residual1/dense1"), 0), sigmoid(dense(x, p, "residual1/gate/dense1"))
    close(found["output"], (1 - gate) * x + gate * f)


def test_a_gate_of_one_number_a_channel() -> None:
    x = normal(2, 4, 4, 3)
    found, p = run('{ residual = ["relu"], gate = ["global_avg_pool", { dense = 3 }] }', x=x)
    gate = sigmoid(dense(x.mean((1, 2)), p, "residual1/gate/dense1"))[:, None, None]
    close(found["output"], (1 - gate) * x + gate * np.maximum(x, 0))


def test_a_shortcut_of_ones_own_layers() -> None:
    x = normal(3, 4)
    found, p = run("{ residual = [{ dense = 2 }], shortcut = [{ dense = 2, bias = false }] }", x=x)
    close(found["output"], dense(x, p, "residual1/dense1") + x @ p["residual1/shortcut/dense1/kernel"])


def test_a_side_head_leaves_the_main_path_alone() -> None:
    x = normal(3, 4)
    found, p = run('{ dense = 5 }, { side = [{ dense = 2 }], output = "aside" }, { dense = 3 }', x=x)
    hidden = dense(x, p, "dense1")
    assert list(found) == ["output", "aside"]
    close(found["output"], dense(hidden, p, "dense2"))
    close(found["aside"], dense(hidden, p, "side1/dense1"))


def test_a_shared_layer_has_its_parameters_once() -> None:
    a, b = normal(3, 4), normal(3, 4)
    layers = """
      { block = [{ dense = 5, activation = "tanh" }, { dense = 2 }], name = "tower", from = "a" },
      { share = "tower", from = "b", name = "other" },
      { subtract = ["tower", "other"] }"""
    found, p = run(layers, a=a, b=b)
    assert sorted(p) == [f"tower/dense{i}/{n}" for i in (1, 2) for n in ("bias", "kernel")]

    def tower(x: np.ndarray) -> np.ndarray:
        return dense(np.tanh(dense(x, p, "tower/dense1")), p, "tower/dense2")

    close(found["output"], tower(a) - tower(b))


@pytest.mark.parametrize("bias", ["true", "false"])
def test_tied_weights_are_the_others_transposed(bias: str) -> None:
    x = normal(3, 4)
    found, p = run(f'{{ dense = 2, name = "code" }}, {{ dense = 4, tie = "code", bias = {bias} }}', x=x)
    assert "dense1/kernel" not in p
    close(found["output"], dense(x, p, "code") @ p["code/kernel"].T + p.get("dense1/bias", 0))


def test_an_embedding_gives_its_own_logits() -> None:
    tokens = np.array([[1, 0, 2], [3, 3, 1]], np.int32)
    found, p = run('{ embed = 5, vocabulary = 4, name = "tokens" }, { dense = 5 }, { unembed = "tokens" }', x=tokens)
    table = p["tokens/embedding"]
    close(found["output"], dense(table[tokens], p, "dense1") @ table.T)


def test_several_outputs_are_named() -> None:
    x = normal(3, 4)
    layers = '{ dense = 5, name = "hidden" }, { dense = 1, name = "one" }, { dense = 2, name = "two", from = "hidden" }'
    found, p = run(layers, head='outputs = ["two", "one"]', x=x)
    assert list(found) == ["two", "one"]
    close(found["one"], dense(dense(x, p, "hidden"), p, "one"))
    close(found["two"], dense(dense(x, p, "hidden"), p, "two"))


def test_a_cell_of_ones_own_layers_is_an_elman_network() -> None:
    x = normal(2, 5, 3)
    found, p = run('{ cell = [{ dense = 4, activation = "tanh" }], state = 4 }', x=x)
    state, expected = np.zeros((2, 4), np.float32), []
    for t in range(5):
        state = np.tanh(dense(np.concatenate([x[:, t], state], -1), p, "cell1/dense1"))
        expected.append(state)
    close(found["output"], np.stack(expected, 1))


def test_both_directions_have_parameters_of_their_own() -> None:
    x = normal(2, 5, 3)
    found, p = run('{ bidirectional = [{ cell = [{ dense = 4, activation = "tanh" }], state = 4 }] }', x=x)

    def states(x: np.ndarray, path: str) -> np.ndarray:
        state, all_states = np.zeros((2, 4), np.float32), []
        for t in range(x.shape[1]):
            state = np.tanh(dense(np.concatenate([x[:, t], state], -1), p, path))
            all_states.append(state)
        return np.stack(all_states, 1)

    forward = states(x, "bidirectional1/forward/cell1/dense1")
    backward = states(x[:, ::-1], "bidirectional1/backward/cell1/dense1")[:, ::-1]
    close(found["output"], np.concatenate([forward, backward], -1))


def padded(x: np.ndarray) -> Facts:
    dtype: Any = "int32" if x.dtype == np.int32 else "float32"
    return Facts({"x": InputFacts(Shape(x.shape[1:]), dtype, 9, padded=True)}, {}, {})


RECURRENT = '{ bidirectional = [{ cell = [{ dense = 4, activation = "tanh" }], state = 4 }] }'


@pytest.mark.parametrize("layers", [RECURRENT, '{ dense = 3 }, { residual = ["layer_norm", { dense = 3 }] }'])
@pytest.mark.parametrize("last", ["{ take = -1 }", '"global_avg_pool"', '"global_max_pool"'])
def test_padding_changes_nothing(layers: str, last: str) -> None:
    """A sequence gives the same whether it stands alone or is padded to the length of a longer one."""
    x = normal(2, 6, 3)
    x[1, 4:] = np.nan
    found, _ = run(f"{layers}, {last}", padded(x), x=x)
    alone, _ = run(f"{layers}, {last}", x=x[1:, :4])
    close(found["output"][1], alone["output"][0])
    whole, _ = run(f"{layers}, {last}", x=x[:1])
    close(found["output"][0], whole["output"][0])


def test_the_whole_number_0_is_padding() -> None:
    tokens = np.array([[3, 1, 2, 5], [4, 2, 0, 0]], np.int32)
    layers = f"{{ embed = 3, vocabulary = 9 }}, {RECURRENT}, {{ take = -1 }}"
    found, _ = run(layers, padded(tokens), x=tokens)
    alone, _ = run(layers, x=tokens[1:, :2])
    close(found["output"][1], alone["output"][0])


def test_a_block_may_be_given_a_value_by_name_and_work_out_a_default() -> None:
    x = normal(3, 4)
    block = """
    [block.join]
    args = { width = "int", skip = "name", hidden = "$width * 2 + channels" }
    layers = [{ dense = "$hidden" }, { dense = "$width", name = "skipped" }, { add = ["skipped", "$skip"] }]
    """
    text = f'{block}\n[model]\ninput = [4]\nlayers = [{{ dense = 3, name = "a" }}, "relu", {{ join = [3, "a"] }}]'
    network = Network(resolve(decode(parse(text, "x.toml"))))
    parameters, statistics = network.initialise(jax.random.key(0))
    p = {path: np.asarray(v) for path, v in parameters.items()}
    a = dense(x, p, "a")
    assert p["join1/dense1/kernel"].shape == (3, 2 * 3 + 3)
    expected = dense(dense(np.maximum(a, 0), p, "join1/dense1"), p, "join1/skipped") + a
    close(np.asarray(network.apply(parameters, statistics, {"input": x}).outputs["output"]), expected)


def test_frozen_running_statistics_stay_as_they_are() -> None:
    layers = '{ block = ["batch_norm"], name = "trunk", freeze = true }, { dense = 2 }, "batch_norm"'
    network = Network(resolve(decode(parse(f"[model]\ninput = [4]\nlayers = [{layers}]", "x.toml"))))
    parameters, statistics = network.initialise(jax.random.key(0))
    x = jnp.asarray(5.0 + normal(8, 4))
    found = network.apply(parameters, statistics, {"input": x}, mode=Mode(training=True)).statistics
    moved = {path for path in statistics if bool((found[path] != statistics[path]).any())}
    assert moved == {"batch_norm1/mean", "batch_norm1/var"}
    still = network.apply(parameters, statistics, {"input": x}, also=frozenset({"trunk"})).values["trunk"]
    trained = network.apply(
        parameters, statistics, {"input": x}, mode=Mode(training=True), also=frozenset({"trunk"})
    ).values["trunk"]
    close(np.asarray(trained), np.asarray(still))


def test_names_of_ones_own_come_before_counts_and_repeated_outputs_are_numbered() -> None:
    layers = '{ dense = 2, name = "dense1" }, { dense = 3 }, { dense = 4, times = 2, output = "o" }, { dense = 1 }'
    graph = resolve(decode(parse(f"[model]\ninput = [4]\nlayers = [{layers}]", "x.toml")))
    assert [node.name for node in graph.nodes] == ["dense1", "dense2", "dense3", "dense4", "dense5"]
    assert graph.outputs == {"output": "dense5", "o1": "dense3", "o2": "dense4"}
