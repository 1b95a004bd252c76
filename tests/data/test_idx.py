"""MNIST's files: read, parted, and blamed to the byte."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from netspec import data
from netspec.diagnostics import DataError


def idx(array: np.ndarray, magic: int | None = None) -> bytes:
    magic = 0x0800 + array.ndim if magic is None else magic
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.astype(np.uint8).tobytes()


def images(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 2), np.uint8)


@pytest.fixture
def mnist(tmp_path, write):
    """The files as a dictionary to be changed, and a function that writes them and gives the section."""
    files = {
        "train-images-idx3-ubyte": idx(images(10, 1)),
        "train-labels-idx1-ubyte": idx(np.arange(10) % 3),
        "t10k-images-idx3-ubyte": idx(images(4, 2)),
        "t10k-labels-idx1-ubyte": idx(np.arange(4) % 3),
    }

    def written(*lines):
        (tmp_path / "set").mkdir()
        for name, content in files.items():
            (tmp_path / "set" / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return write('{ idx = "set" }', *lines)

    return files, written


def test_the_test_part_is_its_own(mnist):
    _, written = mnist
    section = written("split = { validation = 0.2 }")
    loaded = section.load()
    assert loaded.facts == section.facts()
    assert loaded.facts.examples == {"train": 8, "validation": 2, "test": 4}
    assert loaded.facts.inputs["input"].shape == (3, 2, 1)
    assert loaded.facts.targets["target"].labels == ("0", "1", "2")
    assert np.array_equal(loaded.test.inputs["input"][..., 0], images(4, 2))
    assert loaded.test.targets["target"].tolist() == [0, 1, 2, 0]
    assert loaded.train.inputs["input"].dtype == np.float32


def test_files_may_be_gzipped_and_dotted_and_without_a_test_part(mnist):
    files, written = mnist
    plain = {name.replace("-idx", ".idx") + ".gz": c for name, c in files.items() if name.startswith("train")}
    files.clear()
    files.update(plain)
    loaded = written("split = { validation = 0, test = 0.3 }").load()
    assert loaded.facts.examples == {"train": 7, "validation": 0, "test": 3}


def test_a_second_test_part_is_refused(mnist):
    _, written = mnist
    mistake = written("split = { validation = 0.2, test = 0.1 }").mistake()
    assert mistake.code == "split"
    assert mistake.place.source.line(mistake.place.line)[mistake.place.column - 1 :].startswith("test")


@pytest.mark.parametrize(
    ("name", "content", "code", "message"),
    [
        ("train-images-idx3-ubyte", None, "no-such-file", "set: there is no train-images-idx3-ubyte"),
        ("t10k-labels-idx1-ubyte", None, "no-such-file", "set: there is no t10k-labels-idx1-ubyte"),
        (
            "train-images-idx3-ubyte",
            idx(images(10, 1))[:-1],
            "damaged-file",
            "ends at byte 75, where its header promises 76",
        ),
        ("train-images-idx3-ubyte", idx(images(10, 1)) + b"x", "damaged-file", "goes on after byte 76"),
        ("train-labels-idx1-ubyte", idx(np.arange(10), 0x0803), "damaged-file", "are 0x00000803, where 0x00000801"),
        ("train-labels-idx1-ubyte", b"\x00\x00\x08\x01\x00", "damaged-file", "ends at byte 5, within its header"),
        ("train-labels-idx1-ubyte", idx(np.arange(9)), "wrong-shape", "holds 10 images, and train-labels-idx1-ubyte 9"),
        ("train-labels-idx1-ubyte", idx(np.zeros(10)), "one-class", "all examples are of class '0'"),
        ("train-images-idx3-ubyte", struct.pack(">4I", 0x0803, 10, 2**31, 2**31), "too-large", "promises"),
        ("t10k-labels-idx1-ubyte", idx(np.arange(4)), "unknown-class", "byte 11 is label 3"),
        ("t10k-images-idx3-ubyte", idx(np.zeros((4, 2, 2))), "wrong-shape", "holds images of [2, 2, 1]"),
    ],
)
def test_files_that_will_not_do(mnist, name, content, code, message):
    files, written = mnist
    del files[name]
    if content is not None:
        files[name] = content
    mistake = written("split = { validation = 0 }").mistake()
    assert mistake.code == code
    assert mistake.message.startswith("set")
    assert message in mistake.message


@pytest.mark.parametrize("damage", [lambda c: c[:-9], lambda c: c[:30] + b"\xff\xff" + c[32:], lambda c: b"no" + c])
def test_damaged_gzip_is_noticed(mnist, tmp_path, damage):
    files, written = mnist
    files["train-images-idx3-ubyte.gz"] = files.pop("train-images-idx3-ubyte")
    section = written("split = { validation = 0 }")
    path = tmp_path / "set" / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    assert section.mistake().code == "damaged-file"


def test_a_folder_is_evaluated_by_its_test_part(mnist, tmp_path):
    _, written = mnist
    preparation = written("split = { validation = 0 }", 'transform = ["standardize"]').load().preparation
    part = data.evaluate_part(tmp_path / "set", preparation)
    assert len(part) == 4
    assert np.array_equal(part.inputs["input"], preparation.input("input").apply(images(4, 2)[..., None]))
    (tmp_path / "set" / "t10k-labels-idx1-ubyte").write_bytes(idx(np.full(4, 9)))
    with pytest.raises(DataError, match="no class that is known"):
        data.evaluate_part(tmp_path / "set", preparation)
