"""A spec's augmentations as one function: what it does to inputs and targets, and what it cannot be for."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.build.augmentation import Augment, augmentation_of
from netspec.diagnostics import SpecError
from netspec.document import parse
from netspec.graph.facts import Facts, InputFacts, TargetFacts
from netspec.graph.fill import fill_sections
from netspec.graph.resolve import resolve
from netspec.spec.call import Shape
from netspec.spec.decode import decode

IMAGE = InputFacts(Shape((8, 8, 3)), "float32")
KEY = jax.random.key(3)
ONE = "layers = ['flatten', { dense = 2 }]"
TWO = "layers = [{ concat = ['left', 'right'] }, 'flatten', { dense = 2 }]"
MIXED = "layers = [{ flatten = true, from = 'left', name = 'a' }, { concat = ['a', 'right'] }, { dense = 2 }]"


def made(augment: str, model: str = ONE, extra: str = "", **inputs: InputFacts) -> Augment | None:
    let = "[let]\nn = 2\n" if "$n" in augment else ""
    text = f"{let}[data]\nsource = 'digits'\n{augment}\n{extra}\n[model]\n{model}\n"
    facts = Facts(inputs or {"input": IMAGE}, {"target": TargetFacts("class", ("a", "b"), Shape(()))}, {})
    spec = fill_sections(decode(parse(text, "x.toml")), facts)
    return augmentation_of(spec, resolve(spec, facts), facts)


def batch(*names: str, shape: tuple[int, ...] = (8, 8, 3)) -> tuple[dict[str, Any], dict[str, Any]]:
    random = np.random.default_rng(0)
    inputs = {name: jnp.asarray(random.normal(size=(6, *shape)), jnp.float32) for name in names or ("input",)}
    return inputs, {"target": jnp.arange(6)}


def told(augment: str, model: str = ONE, extra: str = "", **inputs: InputFacts) -> str:
    with pytest.raises(SpecError) as error:
        made(augment, model, extra, **inputs)
    return str(error.value)


def test_a_spec_without_has_none() -> None:
    assert made("") is None
    assert made("augment = []") is None


def test_images_are_changed_in_turn_and_targets_are_as_they_were() -> None:
    augment = made("augment = [{ flip = 'vertical', chance = 1.0 }, { crop = '$n' }]")
    assert augment is not None
    inputs, targets = batch()
    found, weighted = jax.jit(augment)(KEY, inputs, targets)
    ((weight, same),) = weighted
    assert weight == 1.0
    np.testing.assert_array_equal(same["target"], targets["target"])
    padded = np.pad(np.asarray(inputs["input"])[:, ::-1], ((0, 0), (2, 2), (2, 2), (0, 0)))
    for image, around in zip(np.asarray(found["input"]), padded, strict=True):
        parts = [around[i : i + 8, j : j + 8] for i in range(5) for j in range(5)]
        assert sum((image == part).all() for part in parts) == 1


def test_what_is_sometimes_done_is_done_to_some() -> None:
    augment = made("augment = ['flip']")
    assert augment is not None
    inputs, targets = batch()
    x = np.asarray(inputs["input"])
    y = np.asarray(augment(KEY, inputs, targets)[0]["input"])
    flipped = (y == x[:, :, ::-1]).all(axis=(1, 2, 3))
    assert 0 < flipped.sum() < 6
    np.testing.assert_array_equal(y[~flipped], x[~flipped])


def test_each_image_of_several_has_its_own_key_and_what_is_no_image_stays() -> None:
    augment = made("augment = [{ crop = 2 }]", TWO, left=IMAGE, right=IMAGE)
    assert augment is not None
    inputs, targets = batch("left")
    found, _ = augment(KEY, {**inputs, "right": inputs["left"]}, targets)
    assert (np.asarray(found["left"]) != np.asarray(found["right"])).any()
    augment = made("augment = [{ crop = 2 }]", MIXED, left=IMAGE, right=InputFacts(Shape((5,)), "float32"))
    assert augment is not None
    row = jnp.ones((6, 5))
    found, _ = augment(KEY, {**inputs, "right": row}, targets)
    np.testing.assert_array_equal(found["right"], row)
    only = made("augment = [{ crop = 2 }]")
    assert only is not None
    np.testing.assert_array_equal(found["left"], only(KEY, {"input": inputs["left"]}, targets)[0]["input"])


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_what_is_mixed_has_the_targets_of_both_by_their_shares(kind: str) -> None:
    augment = made(f"augment = [{{ {kind} = 1.0 }}]", TWO, left=IMAGE, right=IMAGE)
    assert augment is not None
    inputs, targets = batch("left", "right")
    found, ((own, first), (rest, second)) = jax.jit(augment)(KEY, inputs, targets)
    assert float(own + rest) == pytest.approx(1.0)
    assert 0 < float(own) < 1
    np.testing.assert_array_equal(first["target"], targets["target"])
    order = np.asarray(second["target"])
    assert sorted(order) == list(range(6))
    for name, x in inputs.items():  # the sum of all pixels is as linear in the share as each one
        a, b, y = (np.asarray(v) for v in (x, x[order], found[name]))
        if kind == "mixup":
            np.testing.assert_allclose(y, own * a + rest * b, atol=1e-5)
        else:
            assert ((y == a) | (y == b)).all()
            assert (y == b)[order != np.arange(6)].mean() == pytest.approx(float(rest), abs=1e-6)


def test_mixing_twice_weighs_four_sets_of_targets() -> None:
    augment = made("augment = [{ mixup = 1.0 }, { cutmix = 1.0 }]")
    assert augment is not None
    _, targets = batch(shape=(8, 8, 6))
    # Each image holds its own number alone, so that pixels tell whose they are.
    marks = jnp.broadcast_to(jnp.eye(6)[:, None, None], (6, 8, 8, 6))
    found, weighted = augment(KEY, {"input": marks}, targets)
    expected = sum(weight * jax.nn.one_hot(t["target"], 6) for weight, t in weighted)
    assert len(weighted) == 4
    np.testing.assert_allclose(found["input"].mean(axis=(1, 2)), expected, atol=1e-6)


def test_what_is_mixed_by_chance_is_left_alone_otherwise() -> None:
    augment = made("augment = [{ mixup = 1.0, chance = 0.25 }]")
    assert augment is not None
    inputs, targets = batch()
    jitted, untouched = jax.jit(augment), 0
    for i in range(80):
        found, ((own, _), _) = jitted(jax.random.key(i), inputs, targets)
        same = bool((found["input"] == inputs["input"]).all())
        assert same == (float(own) == 1.0)
        untouched += same
    assert 45 <= untouched <= 72


@pytest.mark.parametrize(
    ("augment", "extra", "inputs", "message", "underlined"),
    [
        ("['flip']", "transform = ['flatten']", {"input": InputFacts(Shape((64,)), "float32")}, "[64]", "['flip']"),
        ("['flip']", "", {"input": InputFacts(Shape((8, 8, 3)), "int32")}, "are for images", "['flip']"),
        ("['flip', { crop = 8 }]", "", {}, "crop needs images of more than 8 pixels", "8"),
        ("[{ cutout = 9 }]", "", {}, "cutout needs images of 9 pixels a side or more", "9"),
        (
            "[{ colour = 0.1, saturation = 0.5 }]",
            "",
            {"input": InputFacts(Shape((8, 8, 1)), "float32")},
            "colour needs red, green and blue",
            "0.5",
        ),
    ],
)
def test_what_it_cannot_be_for(
    augment: str, extra: str, inputs: dict[str, InputFacts], message: str, underlined: str
) -> None:
    found = told(f"augment = {augment}", ONE, extra, **inputs)
    line, marks = found.split("\n")[3:5]
    assert message in found
    start = marks.index("^")
    assert line[start : start + marks.count("^")] == underlined
    assert ('"flatten" into the layers' in found) == bool(extra)


def test_what_cannot_be_mixed() -> None:
    flat = InputFacts(Shape((5,)), "float32")
    assert "mixup mixes whole examples, and cannot mix 'right'" in told(
        "augment = [{ mixup = 1.0 }]", MIXED, left=IMAGE, right=flat
    )
    other = InputFacts(Shape((4, 4, 3)), "float32")
    apart = "layers = [{ flatten = true, from = 'left', name = 'a' }, { flatten = true, from = 'right', name = 'b' }, "
    found = told(
        "augment = [{ cutmix = 1.0 }]", apart + "{ concat = ['a', 'b'] }, { dense = 2 }]", left=IMAGE, right=other
    )
    assert "needs images of one height and width, and gets [8, 8, 3], [4, 4, 3]" in found
