"""NPZ files: what their arrays are taken for, and what is said of those that will not do."""

from __future__ import annotations

import contextlib
import io
import zipfile

import numpy as np
import pytest

from netspec import data
from netspec.data import arrays
from netspec.diagnostics import DataError

X = np.arange(24, dtype=np.float64).reshape(4, 6)
Y = np.array([3, 1, 3, 1])


@pytest.fixture
def npz(tmp_path, write):
    def written(keys="", **named):
        np.savez_compressed(tmp_path / "a.npz", **named)
        return write(f'{{ npz = "a.npz"{keys} }}')

    return written


@pytest.mark.parametrize(
    ("x", "shape", "dtype", "white"),
    [
        (X, (6,), "float32", None),
        (X[:, 0], (1,), "float32", None),
        (X.reshape(4, 2, 3), (2, 3, 1), "float32", None),
        (X.reshape(4, 2, 3).astype(np.uint8), (2, 3, 1), "float32", 255.0),
        (np.asfortranarray(X.reshape(4, 2, 1, 3)), (2, 1, 3), "float32", None),
        (X.astype(np.int64), (6,), "int32", None),
        (X > 3, (6,), "float32", None),
        (X.astype(">f8"), (6,), "float32", None),
    ],
)
def test_inputs(npz, x, shape, dtype, white):
    written = npz(x=x, y=Y)
    loaded = written.load()
    assert loaded.facts == written.facts()
    assert (loaded.facts.inputs["input"].shape, loaded.facts.inputs["input"].dtype) == (shape, dtype)
    assert loaded.train.inputs["input"].dtype == dtype
    assert np.array_equal(loaded.train.inputs["input"], x.reshape(4, *shape).astype(dtype))
    assert loaded.preparation.format.input.white == white


@pytest.mark.parametrize(
    ("y", "labels", "targets"),
    [
        (Y, ("1", "3"), [1, 0, 1, 0]),
        (Y[:, None].astype(np.uint8), ("1", "3"), [1, 0, 1, 0]),
        (np.array(["b10", "b9", "b10", "b9"]), ("b9", "b10"), [1, 0, 1, 0]),
        (Y > 2, ("0", "1"), [1, 0, 1, 0]),
        (Y / 2, (), [[1.5], [0.5], [1.5], [0.5]]),
        (np.ones((4, 2)), (), [[1, 1]] * 4),
    ],
)
def test_targets(npz, y, labels, targets):
    loaded = npz(', input = "a", target = "b"', a=X, b=y).load()
    assert loaded.facts.targets["target"].labels == labels
    assert loaded.train.targets["target"].tolist() == targets
    assert loaded.facts.targets["target"].shape == (() if labels else (len(targets[0]),))


@pytest.mark.parametrize(
    ("named", "code", "message"),
    [
        ({"x": X, "z": Y}, "no-such-array", "has no array 'y'"),
        ({"x": X, "y": Y[:3]}, "wrong-shape", "array 'x' has 4 examples, and array 'y' has 3"),
        ({"x": X, "y": np.array([1, "a", None, 2], object)}, "object-array", "array 'y' holds Python objects"),
        ({"x": X.astype(object), "y": Y}, "object-array", "array 'x' holds Python objects"),
        ({"x": X.astype(complex), "y": Y}, "wrong-type", "array 'x' holds complex128"),
        ({"x": X, "y": np.ones((4, 2), int)}, "wrong-type", "array 'y' holds int64 of [2] an example"),
        ({"x": X, "y": np.float64(3)}, "wrong-shape", "array 'y' is a single number"),
        ({"x": X[:0], "y": Y[:0]}, "no-examples", "no examples"),
        ({"x": X, "y": Y * 0}, "one-class", "all examples are of class '0'"),
        ({"x": np.where(X == 8, np.nan, X), "y": Y}, "not-finite", "array 'x' at [1, 2] holds nan"),
        ({"x": X * 1e38, "y": Y}, "not-finite", "fit float32"),
        ({"x": X.astype(int) * 2**30, "y": Y}, "not-finite", "fit int32"),
        ({"x": X, "y": np.array([0, 1, np.inf, 2])}, "not-finite", "array 'y' at [2] holds inf"),
    ],
)
def test_arrays_that_will_not_do(npz, named, code, message):
    mistake = npz(**named).mistake()
    assert mistake.code == code
    assert mistake.message.startswith("a.npz: ")
    assert message in mistake.message


def test_every_damaged_file_is_noticed(npz, tmp_path):
    written = npz(x=X, y=Y)
    path = tmp_path / "a.npz"
    whole = path.read_bytes()
    for damaged in (b"", b"nothing", whole[: len(whole) // 2], whole[:-1]):
        path.write_bytes(damaged)
        assert written.mistake().code == "damaged-file"


def test_a_flipped_bit_never_passes(npz, tmp_path):
    written = npz(x=X, y=Y)
    path = tmp_path / "a.npz"
    whole = path.read_bytes()
    expected = written.load()
    for position in range(0, len(whole), 7):
        flipped = bytearray(whole)
        flipped[position] ^= 16
        path.write_bytes(flipped)
        with contextlib.suppress(DataError):
            assert written.load().fingerprint == expected.fingerprint


def _with_header(header: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


@pytest.mark.parametrize(
    ("shape", "code"),
    [("(4, 4611686018427387904)", "too-large"), ("(4, 7)", "damaged-file"), ("(4, -6)", "damaged-file")],
)
def test_a_header_that_promises_too_much(npz, tmp_path, shape, code):
    written = npz(x=X, y=Y)
    stored = io.BytesIO()
    np.save(stored, Y)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
        archive.writestr("x.npy", _with_header(header) + X.tobytes())
        archive.writestr("y.npy", stored.getvalue())
    assert written.mistake().code == code


def test_a_survey_reads_no_inputs(npz, monkeypatch):
    read = []
    monkeypatch.setattr(arrays, "_array", lambda archive, name, file: read.append(name) or Y)
    npz(x=X, y=Y).facts()
    assert read == ["y"]


def test_new_arrays(npz, tmp_path):
    preparation = npz(x=X.reshape(4, 2, 3), y=Y).load().preparation
    np.savez(tmp_path / "new.npz", x=X[:2].reshape(2, 2, 3), y=[3, 3])
    names, inputs = data.read_inputs(tmp_path / "new.npz", preparation)
    assert names == ("0", "1")
    assert np.array_equal(inputs["input"][..., 0], X[:2].reshape(2, 2, 3))
    assert data.evaluate_part(tmp_path / "new.npz", preparation).targets["target"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("named", "code", "message"),
    [
        ({"x": X, "y": Y}, "wrong-shape", "array 'x' holds examples of [6], where the network takes [2, 3, 1]"),
        ({"x": X.reshape(4, 2, 3), "y": Y + 1}, "unknown-class", "array 'y' at [0] holds '4'"),
        ({"x": X.reshape(4, 2, 3), "y": Y / 2}, "wrong-shape", "where there were classes"),
    ],
)
def test_new_arrays_that_do_not_fit(npz, tmp_path, named, code, message):
    preparation = npz(x=X.reshape(4, 2, 3), y=Y).load().preparation
    np.savez(tmp_path / "new.npz", **named)
    with pytest.raises(DataError) as caught:
        data.evaluate_part(tmp_path / "new.npz", preparation)
    assert caught.value.diagnostics[0].code == code
    assert message in caught.value.diagnostics[0].message
