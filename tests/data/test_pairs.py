"""Pairs: drawn within each part, half of them alike, the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from netspec import data
from netspec.diagnostics import DataError

PARTED = "split = { validation = 0.1, test = 0.2 }"
NPZ = '{ pairs = { npz = "a.npz" } }'


@pytest.fixture
def npz(tmp_path, write):
    """Examples whose input is their own number, so that each can be told from the others."""

    def written(classes, *lines):
        np.savez(tmp_path / "a.npz", x=np.arange(len(classes), dtype=np.float32)[:, None], y=classes)
        return write(NPZ, *lines)

    return written


def test_pairs_are_of_one_part_and_half_are_alike(npz):
    classes = np.arange(600) % 7
    written = npz(classes, PARTED)
    loaded = written.load()
    assert loaded.facts == written.facts()
    assert [*loaded.facts.inputs] == ["left", "right"]
    assert {n: len(t.labels) for n, t in loaded.facts.targets.items()} == {
        "is_same": 2,
        "left_label": 7,
        "right_label": 7,
    }
    base = npz(classes, PARTED)
    section = base.section.model_copy(update={"source": base.section.source.pairs})
    alone = data.load(section, base.directory, base.place)
    for name in ("train", "validation", "test"):
        part, members = getattr(loaded, name), getattr(alone, name).inputs["input"][:, 0]
        left, right = (part.inputs[side][:, 0].astype(int) for side in ("left", "right"))
        # Each example of the part is the left one once, and all right ones are of the part, too.
        assert sorted(left) == sorted(members)
        assert set(right) <= set(members)
        assert (left != right).all()
        assert np.array_equal(part.targets["left_label"], classes[left])
        assert np.array_equal(part.targets["right_label"], classes[right])
        assert np.array_equal(part.targets["is_same"], classes[left] == classes[right])
        assert part.targets["is_same"].sum() == len(part) // 2


def test_chance_is_fair(npz):
    """Over many seeds, an example meets every other one of its class, and every one of another, about as often."""
    classes = np.repeat([0, 1], [4, 8])
    met = np.zeros((12, 12))
    for seed in range(300):
        part = npz(classes, f"split = {{ validation = 0, test = 0, seed = {seed} }}").load().train
        left, right = (part.inputs[side][:, 0].astype(int) for side in ("left", "right"))
        np.add.at(met, (left, right), 1)
    alike = classes[:, None] == classes[None]
    assert (np.diag(met) == 0).all()
    # Half of 300 drawings go to one class: 150 over 3 or 7 others of its own, or 8 or 4 of the other.
    expected = np.where(alike, 150 / np.where(classes == 0, 3, 7)[:, None], 150 / np.where(classes == 0, 8, 4)[:, None])
    apart = (met - expected)[~np.eye(12, dtype=bool)]
    assert abs(apart).max() < 40


def test_pairs_stay_the_same_and_differ_by_seed(npz):
    classes = np.arange(60) % 3
    first, again = npz(classes, PARTED).load(), npz(classes, PARTED).load()
    other = npz(classes, "split = { validation = 0.1, test = 0.2, seed = 1 }").load()
    assert first.fingerprint == again.fingerprint != other.fingerprint
    # Recorded once: pairs must be the same with any version of NumPy.
    assert (
        npz(np.arange(6) % 2, "split = { validation = 0, test = 0 }").load().train.inputs["right"][:, 0].tolist()
        == RIGHT
    )


RIGHT = [1, 4, 4, 2, 1, 4]


def test_transforms_are_learned_once_and_applied_to_both(write):
    lines = ('transform = ["standardize", "flatten"]', PARTED)
    alone, pairs = write('"digits"', *lines).load(), write('{ pairs = "digits" }', *lines).load()
    known = alone.preparation.transforms["input"]
    for side in ("left", "right"):
        assert pairs.facts.inputs[side].shape == (64,)
        # The sums of the statistics are taken in another order, and round otherwise.
        (standardize, _), (expected, _) = pairs.preparation.transforms[side], known
        assert np.allclose(standardize.means, expected.means, rtol=1e-12)
    assert pairs.preparation.transforms["left"] == pairs.preparation.transforms["right"]
    rows = sorted(map(tuple, alone.train.inputs["input"].round(4).tolist()))
    assert sorted(map(tuple, pairs.train.inputs["left"].round(4).tolist())) == rows


def test_images_are_paired_too(image, write):
    for i in range(4):
        image(f"set/cats/{i}.png", 4 + i, 6, seed=i)
        image(f"set/dogs/{i}.png", 4, 6, seed=9 + i)
    loaded = write(
        '{ pairs = { images = "set" } }', "transform = [{ resize = [3, 3] }]", "split = { validation = 0, test = 0 }"
    ).load()
    assert loaded.train.inputs["left"].shape == (8, 3, 3, 1)
    assert len(np.unique(loaded.train.inputs["left"].reshape(8, -1), axis=0)) == 8


def test_new_pairs(write, tmp_path):
    preparation = write('{ pairs = "digits" }', 'transform = ["standardize"]', PARTED).load().preparation
    preparation = data.Preparation.from_json(preparation.to_json())
    digits = np.random.default_rng(0).normal(size=(40, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "two.npz", left=digits[:3], right=digits[3:6])
    names, inputs = data.read_inputs(tmp_path / "two.npz", preparation)
    assert names == ("0", "1", "2")
    assert np.array_equal(inputs["right"], preparation.input("right").apply(digits[3:6, ..., None]))
    np.savez(tmp_path / "new.npz", x=digits, y=np.arange(40) % 10)
    part = data.evaluate_part(tmp_path / "new.npz", preparation)
    assert part.targets["is_same"].sum() == 20
    for name in ("new.csv", "new.png", "."):
        with pytest.raises(DataError, match="takes pairs"):
            data.read_inputs(tmp_path / name, preparation)


def test_an_only_one_of_its_class_meets_others(npz):
    part = npz(np.array([0, 0, 0, 1, 2]), "split = { validation = 0, test = 0 }").load().train
    alone = np.isin(part.inputs["left"][:, 0], [3, 4])
    assert part.targets["is_same"][alone].tolist() == [0, 0]
    assert part.targets["is_same"].sum() == 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('{ pairs = "diabetes" }', "it takes a source of one input and one target, which is a class"),
        ('{ pairs = { npz = "p.npz", sequences = true } }', "this one has one a position"),
        ('{ pairs = { csv = "p.csv", lookup = ["a"] } }', "it takes a source of one input"),
        ('{ pairs = { csv = "q.csv" } }', "q.csv: there is no such file"),
    ],
)
def test_sources_that_make_no_pairs(write, tmp_path, source, message):
    np.savez(tmp_path / "p.npz", x=np.ones((6, 4, 2)), y=np.arange(24).reshape(6, 4) % 2)
    (tmp_path / "p.csv").write_text("a,b,y\n1,2,u\n2,3,v\n")
    mistake = write(source).mistake()
    assert message in mistake.message
    assert mistake.place.line == 2


def test_a_part_of_one_class_makes_no_pairs(npz):
    written = npz(np.arange(20) % 2, "split = { validation = 0.05, test = 0 }")
    assert "all examples of the validation part are of one class" in written.mistake().message
