from __future__ import annotations

import math

import pytest

from netspec.report.dashboard.health import blocks, ratio_of, worst_dead

SOUND = {"gradient": 0.1, "weights": 2.0, "update": 1e-3}


def of(**ill):
    """Six sound layers, and in their midst one of which something else was found."""
    layers = {f"layer{i}": SOUND for i in range(6)}
    layers["layer3"] = SOUND | ill
    return layers


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ({"dead": 0.61}, "dead"),
        ({"saturated": 0.76}, "saturated"),
        ({"gradient": 0.9e-4}, "gradient"),
        ({"gradient": 0.0}, "gradient"),
        ({"gradient": math.nan}, "gradient"),
        ({"update": 0.9e-5}, "update"),
        ({"update": 0.11}, "update"),
        ({"update": 0.0}, "update"),
        ({"update": math.inf}, "update"),
    ],
)
def test_what_is_ill_comes_first_and_is_named(found, named):
    first, *others = blocks(of(**found))
    assert first.path == "layer3"
    assert [name for name, ill in first.ills.items() if ill >= 1] == [named]
    assert first.found[named] == pytest.approx(found[named], nan_ok=True)
    assert [block.path for block in others] == [f"layer{i}" for i in (0, 1, 2, 4, 5)]
    assert all(block.ill < 1 for block in others)


@pytest.mark.parametrize(
    "found",
    [{}, {"dead": 0.25}, {"saturated": 0.3}, {"gradient": 2e-2}, {"gradient": 40.0}, {"update": 3e-3}, {"dead": 0.0}],
)
def test_layers_that_are_sound_stand_in_the_networks_order(found):
    assert [block.path for block in blocks(of(**found))] == [f"layer{i}" for i in range(6)]


def test_a_schedule_that_ends_with_small_steps_makes_no_layer_ill():
    layers = {f"layer{i}": SOUND | {"update": 1e-9 * (1 + i)} for i in range(6)}
    assert max(block.ill for block in blocks(layers)) < 1


def test_worse_is_before_bad():
    layers = of(dead=0.7) | {"layer5": SOUND | {"dead": 0.9}}
    assert [block.path for block in blocks(layers)][:2] == ["layer5", "layer3"]


def test_layers_fold_into_blocks():
    layers = {
        "conv1": {"gradient": 1.0, "weights": 1.0, "update": 1e-3},
        "deep/one": {"gradient": 3.0, "weights": 3.0, "update": 1e-3, "dead": 0.1},
        "deep/two": {"gradient": 4.0, "weights": 4.0, "update": 2e-3, "dead": 0.2},
        "deep/relu": {"dead": 0.15},
    }
    folded = {block.path: block for block in blocks(layers)}
    assert list(folded) == ["conv1", "deep"]
    deep = folded["deep"]
    assert deep.layers == 3
    assert deep.found["gradient"] == pytest.approx(5.0)
    assert deep.found["update"] == pytest.approx(math.hypot(3e-3, 8e-3) / 5)
    assert deep.found["dead"] == 0.2
    assert "saturated" not in deep.found
    assert [block.path for block in blocks(layers, unfolded=True)] == list(layers)


def test_an_ill_layer_shows_in_its_block():
    layers = {f"deep{i}/{part}": SOUND for i in range(3) for part in "abc"}
    layers["deep1/b"] = SOUND | {"gradient": 1e-8}
    first = blocks(layers)[0]
    assert (first.path, first.found["gradient"]) == ("deep1", 1e-8)
    assert first.ills["gradient"] >= 1


def test_what_stands_in_one_block_is_folded_one_part_later():
    layers = {f"net/block{i}/conv{j}": SOUND for i in range(2) for j in range(2)}
    assert [block.path for block in blocks(layers)] == ["net/block0", "net/block1"]
    assert [block.path for block in blocks({"net/a": SOUND})] == ["net/a"]
    assert blocks({}) == []


def test_the_whole_network_in_two_numbers():
    layers = {"a": {"weights": 3.0, "update": 0.01, "dead": 0.5}, "b": {"weights": 4.0, "update": 0.02}, "c": {}}
    assert ratio_of(layers) == pytest.approx(math.hypot(0.03, 0.08) / 5)
    assert worst_dead(layers) == ("a", 0.5)
    assert ratio_of({"c": {}}) is None
    assert worst_dead({"c": {}}) == ("", 0.0)
