"""Folders of images: held or read when asked for, the same numbers either way."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from netspec import data
from netspec.data import preparation as preparing
from netspec.diagnostics import DataError


@pytest.fixture
def cats_and_dogs(image):
    """Four images of each, those of dogs in colour."""
    for i in range(4):
        image(f"set/cats/{i}.png", seed=i)
        image(f"set/dogs/old/{i}.png", mode="RGB", seed=i)


SOURCE = '{ images = "set" }'


def test_a_folder_is_a_class_and_the_first_image_says_what_all_become(cats_and_dogs, write, tmp_path):
    written = write(SOURCE)
    loaded = written.load()
    assert loaded.facts == written.facts()
    assert loaded.facts.targets["target"].labels == ("cats", "dogs")
    assert loaded.facts.inputs["input"].shape == (4, 6, 1)
    assert loaded.train.targets["target"].tolist() == [0] * 4 + [1] * 4
    with Image.open(tmp_path / "set/cats/1.png") as picture:
        assert np.array_equal(loaded.train.inputs["input"][1, ..., 0], np.asarray(picture))


def test_a_set_too_large_to_be_held_is_read_when_asked_for(cats_and_dogs, write, monkeypatch):
    written = write(
        SOURCE, 'transform = [{ resize = [5, 5] }, "standardize"]', "split = { validation = 0, test = 0.25 }"
    )
    held = written.load()
    monkeypatch.setattr(preparing, "LARGEST_HELD", 100)
    monkeypatch.setattr(preparing, "BATCH_BYTES", 300)
    lazy = written.load()
    assert held.train.in_memory
    assert not lazy.train.in_memory
    assert lazy.fingerprint == held.fingerprint
    assert (lazy.train.inputs["input"].shape, lazy.train.inputs["input"].dtype, len(lazy.train.inputs["input"])) == (
        (6, 5, 5, 1),
        np.float32,
        6,
    )
    rows = np.array([5, 0, 3])
    found, targets = lazy.train.take(rows)
    # Batches of other sizes round the statistics' last digits otherwise.
    assert np.allclose(found["input"], held.train.take(rows)[0]["input"], atol=1e-6)
    assert np.array_equal(targets["target"], held.train.targets["target"][rows])
    assert np.array_equal(lazy.train.inputs["input"][5], found["input"][0])
    assert np.array_equal(
        lazy.train.inputs["input"][4:], np.stack([lazy.train.inputs["input"][4], lazy.train.inputs["input"][5]])
    )


def test_sizes_may_differ_only_if_images_are_resized_first(image, write):
    image("set/a/1.png", 4, 6)
    image("set/b/1.png", 5, 6)
    mistake = write(SOURCE).mistake()
    assert mistake.code == "wrong-shape"
    assert mistake.message == "set/b/1.png: is 5 × 6, where 4 × 6 is expected"
    loaded = write(SOURCE, "transform = [{ resize = [2, 3] }]", "split = { validation = 0, test = 0 }").load()
    assert loaded.train.inputs["input"].shape == (2, 2, 3, 1)


def test_a_wrong_size_is_noticed_in_a_set_that_is_not_held(image, write, monkeypatch):
    for i in range(20):
        image(f"set/{'ab'[i % 2]}/{i}.png", 4, 6)
    image("set/a/18.png", 4, 7)
    monkeypatch.setattr(preparing, "LARGEST_HELD", 100)
    assert "set/a/18.png: is 4 × 7" in write(SOURCE).mistake().message


def test_images_are_as_people_see_them(write, tmp_path):
    """Held upright; 16 bits become 8; what is transparent or has a palette becomes grey or coloured."""
    for name in ("a", "b", "c"):
        (tmp_path / "set" / name).mkdir(parents=True)
    pixels = np.array([[0, 257, 514], [771, 1028, 65535]], np.uint16)
    Image.fromarray(pixels).save(tmp_path / "set/a/1.png")
    lying = Image.fromarray(np.array([[1, 4], [2, 5], [3, 6]], np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 8
    lying.save(tmp_path / "set/b/1.png", exif=exif)
    Image.new("P", (3, 2)).save(tmp_path / "set/c/1.gif")
    found = write(SOURCE).load().train.inputs["input"][..., 0]
    assert found[0].tolist() == [[0, 1, 2], [3, 4, 255]]
    assert found[1].tolist() == [[4, 5, 6], [1, 2, 3]]
    assert found[2].tolist() == [[0, 0, 0], [0, 0, 0]]


def _damage(path):
    path.write_bytes(path.read_bytes()[:60])


def _spoil(path):
    path.write_bytes(b"GIF89a, or so they say")


@pytest.mark.parametrize("spoil", [_damage, _spoil, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("most", [10**9, 100])
def test_a_damaged_image_is_named(cats_and_dogs, write, tmp_path, monkeypatch, spoil, most):
    monkeypatch.setattr(preparing, "LARGEST_HELD", most)
    spoil(tmp_path / "set/dogs/old/2.png")
    with pytest.raises(DataError, match=r"set/dogs/old/2\.png: ") as caught:
        write(SOURCE).load().train.take(np.arange(8))
    assert caught.value.diagnostics[0].code == "damaged-image"


def test_an_image_of_too_many_pixels_is_refused(cats_and_dogs, write, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    assert write(SOURCE).mistake().code == "too-large"


def test_other_files_are_mistakes_and_hidden_ones_are_not(cats_and_dogs, write, tmp_path):
    (tmp_path / "set/cats/.hidden").write_text("x")
    (tmp_path / "set/cats/Thumbs.db").write_text("x")
    (tmp_path / "set/README").write_text("x")
    assert len(write(SOURCE).load().train) == 8
    (tmp_path / "set/cats/notes.txt").write_text("x")
    assert write(SOURCE).mistake().message == "set/cats: there are no images: set/cats/notes.txt"


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ([], "no-examples"),
        (["a/1.png"], "one-class"),
        (["1.png", "a/1.png", "b/1.png"], "not-a-class"),
        (["a/1.png", "b/.x.png"], "no-examples"),
    ],
)
def test_folders_that_will_not_do(image, write, tmp_path, names, code):
    (tmp_path / "set").mkdir()
    for name in names:
        image(f"set/{name}")
    assert write(SOURCE).mistake().code == code


def test_new_images(cats_and_dogs, image, write, tmp_path):
    preparation = write(SOURCE, 'transform = [{ resize = [5, 5] }, "standardize"]').load().preparation
    image("new/b/2.png", 9, 9, mode="RGB")
    image("new/1.png", seed=1)
    names, inputs = data.read_inputs(tmp_path / "new", preparation)
    assert names == ("1.png", "b/2.png")
    one = data.read_inputs(tmp_path / "new/1.png", preparation)
    assert one.names == ("1.png",)
    assert np.array_equal(one.inputs["input"][0], inputs["input"][0])
    part = data.evaluate_part(tmp_path / "set", preparation)
    assert np.array_equal(part.inputs["input"][1], inputs["input"][0])
    assert part.targets["target"].tolist() == [0] * 4 + [1] * 4


def test_a_new_folder_of_an_unknown_class(cats_and_dogs, image, write, tmp_path):
    preparation = write(SOURCE).load().preparation
    image("new/cows/1.png")
    with pytest.raises(DataError, match="'cows' is no class that is known"):
        data.evaluate_part(tmp_path / "new", preparation)
