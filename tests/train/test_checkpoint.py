"""Checkpoints: the same bits back, whatever was killed, cut, flipped, filled or forged."""

from __future__ import annotations

import errno
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

import netspec
from netspec.diagnostics import RunError
from netspec.train.checkpoint import free_space, newest, save

Arrays = dict[str, np.ndarray[Any, Any]]


def state(step: int) -> Arrays:
    return {"conv1/kernel": np.arange(6, dtype=np.float32).reshape(2, 3) + step, "step": np.array(step)}


def save_all(run: Path, *steps: int) -> list[Path]:
    return [save(run, step, state(step), {"epoch": step / 10}) for step in steps]


def folders(run: Path) -> list[str]:
    return sorted(os.listdir(run / "checkpoints"))


def test_the_same_bits_come_back(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    dtypes = [np.dtype(code) for code in "?BHILbhilefdF"] + [np.dtype(ml_dtypes.bfloat16)]
    arrays: Arrays = {dtype.name: generator.integers(0, 2, (3, 5)).astype(dtype) for dtype in dtypes}
    numbers = generator.normal(size=(4, 6)).astype(np.float32)
    arrays |= {
        "fortran": np.asfortranarray(numbers),
        "transposed": numbers.T,
        "sliced": numbers[::2, 1::3],
        "scalar": np.array(7, np.int32),
        "empty": np.zeros((0, 4), np.float32),
        "special": np.array([np.nan, -0.0, np.inf, 1e-45], np.float32),
        "big-endian": numbers.astype(">f4"),
    }
    save(tmp_path, 12, arrays, {})
    found, damages = newest(tmp_path)
    assert found
    assert not damages
    assert found.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        little = array.astype(array.dtype.newbyteorder("<"))
        assert (found.arrays[name].dtype, found.arrays[name].shape) == (little.dtype, little.shape), name
        assert found.arrays[name].tobytes() == little.tobytes(), name


def test_what_else_was_saved_comes_back(tmp_path: Path) -> None:
    meta = {
        "best": math.inf,
        "name": "größer",
        "cursor": [1, 2],
        "rate": 0.1,
        "stopped": None,
        "metrics": {"loss": 2.5},
    }
    path = save(tmp_path, 1_234_567_890, {}, meta)
    found, _ = newest(tmp_path)
    assert found
    assert (found.step, found.arrays, found.meta) == (1_234_567_890, {}, meta)
    assert found.versions["numpy"] == np.__version__
    assert path == tmp_path / "checkpoints" / "step-1234567890"


def test_a_run_without_checkpoints_has_no_newest(tmp_path: Path) -> None:
    assert newest(tmp_path) == (None, ())
    (tmp_path / "checkpoints").mkdir()
    assert newest(tmp_path) == (None, ())


def test_two_are_kept(tmp_path: Path) -> None:
    save_all(tmp_path, 5, 10, 15, 20)
    assert folders(tmp_path) == ["step-000000015", "step-000000020"]


def test_the_one_that_is_kept_beside_the_new_one_is_whole(tmp_path: Path) -> None:
    old, damaged = save_all(tmp_path, 5, 10)
    cut(damaged / "arrays.safetensors")
    new = save_all(tmp_path, 15)[0]
    assert folders(tmp_path) == [old.name, new.name]


def test_what_a_resumed_run_has_given_up_goes(tmp_path: Path) -> None:
    _, damaged = save_all(tmp_path, 5, 10)
    cut(damaged / "manifest.json")
    save_all(tmp_path, 7)
    assert folders(tmp_path) == ["step-000000005", "step-000000007"]


def test_a_step_is_saved_again(tmp_path: Path) -> None:
    save_all(tmp_path, 5, 10)
    save(tmp_path, 10, {"w": np.ones(3)}, {"again": True})
    found, damages = newest(tmp_path)
    assert found
    assert (found.step, list(found.arrays), found.meta, damages) == (10, ["w"], {"again": True}, ())
    assert folders(tmp_path) == ["step-000000005", "step-000000010"]


def test_leftovers_of_killed_processes_are_passed_over_and_removed(tmp_path: Path) -> None:
    save_all(tmp_path, 5)
    for name in (".new-step-000000010", ".gone-step-000000003"):
        (tmp_path / "checkpoints" / name).mkdir()
        (tmp_path / "checkpoints" / name / "arrays.safetensors").write_bytes(b"half")
    found, damages = newest(tmp_path)
    assert found
    assert (found.step, damages) == (5, ())
    save_all(tmp_path, 10)
    assert folders(tmp_path) == ["step-000000005", "step-000000010"]


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    save_all(tmp_path, 5, 10)
    for path in (tmp_path / "checkpoints/step-000000010").iterdir():
        whole = path.read_bytes()
        for position in range(len(whole)):
            for bit in range(8) if path.suffix == ".json" else [position % 8]:
                flipped = bytearray(whole)
                flipped[position] ^= 1 << bit
                path.write_bytes(flipped)
                assert_only_the_older_one_is_whole(tmp_path)
        path.write_bytes(whole)
    found, _ = newest(tmp_path)
    assert found
    assert found.step == 10


def test_every_truncation_is_found(tmp_path: Path) -> None:
    save_all(tmp_path, 5, 10)
    for path in (tmp_path / "checkpoints/step-000000010").iterdir():
        whole = path.read_bytes()
        for length in range(len(whole)):
            path.write_bytes(whole[:length])
            assert_only_the_older_one_is_whole(tmp_path)
        path.write_bytes(whole)


def assert_only_the_older_one_is_whole(run: Path) -> None:
    found, damages = newest(run)
    assert found
    assert found.step == 5
    assert [(d.code, d.severity, Path(str(d.file)).name) for d in damages] == [
        ("checkpoint-damaged", "warning", "step-000000010")
    ]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def replace_manifest(content: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        (path / "manifest.json").write_bytes(content)

    return damage


def rename(path: Path) -> None:
    path.rename(path.with_name("step-000000011"))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: (path / "arrays.safetensors").unlink(), "arrays.safetensors is missing"),
        (lambda path: (path / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda path: cut(path / "arrays.safetensors"), "bytes, and"),
        (rename, "not of this step"),
        (replace_manifest(b""), "not JSON"),
        (replace_manifest(b"\xff"), "not JSON"),
        (replace_manifest(b"[" * 100_000), "not JSON"),
        (replace_manifest(b'{"a":' * 900 + b"1" + b"}" * 900), "manifest.json"),
        (replace_manifest(b"[]"), "does not match"),
        (replace_manifest(b"{}"), "does not match"),
    ],
)
def test_a_damage_is_said(tmp_path: Path, damage: Callable[[Path], None], reason: str) -> None:
    damage(save_all(tmp_path, 5, 10)[1])
    found, [warning] = newest(tmp_path)
    assert found
    assert found.step == 5
    assert reason in warning.message


def test_where_none_is_whole_all_are_named(tmp_path: Path) -> None:
    for path in save_all(tmp_path, 5, 10):
        cut(path / "manifest.json")
    found, damages = newest(tmp_path)
    assert found is None
    assert ["step 10" in damages[0].message, "step 5" in damages[1].message] == [True, True]


def forged(header: bytes, body: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + body


def tensor(dtype: str, shape: str, end: int) -> str:
    return f'{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{end}]}}'


FORGERIES = {
    "one name twice": forged(f'{{"w":{tensor("F32", "[1]", 4)},"w":{tensor("F32", "[1]", 4)}}}'.encode(), bytes(4)),
    "empty, past all memory": forged(f'{{"w":{tensor("F32", "[0,4611686018427387904]", 0)}}}'.encode()),
    "past all memory": forged(f'{{"w":{tensor("F32", "[4611686018427387904]", 0)}}}'.encode()),
    "negative": forged(f'{{"w":{tensor("F32", "[-1]", 0)}}}'.encode()),
    "100 axes": forged(f'{{"w":{tensor("F32", str([1] * 100), 4)}}}'.encode(), bytes(4)),
    "a dtype of no training": forged(f'{{"w":{tensor("F8_E4M3", "[4]", 4)}}}'.encode(), bytes(4)),
    "more bytes than said": forged(f'{{"w":{tensor("F32", "[1]", 4)}}}'.encode(), bytes(5)),
    "nested without end": forged(b'{"w":' * 100_000),
    "not UTF-8": forged(b"\xff\xff"),
    "a header past the end": b"\xff" * 8 + b"{}",
    "nothing": b"",
}


@pytest.mark.parametrize("data", FORGERIES.values(), ids=FORGERIES.keys())
def test_arrays_that_a_stranger_forged_under_a_fitting_manifest_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setattr(safetensors.numpy, "save", lambda arrays: data)
    save(tmp_path, 5, {}, {})
    found, [warning] = newest(tmp_path)
    assert found is None
    assert "arrays.safetensors: " in warning.message


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_all(tmp_path, 5, 10)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError) as error:
            save(tmp_path, 15, {"w": np.zeros(500_000)}, {})
    [diagnostic] = error.value.diagnostics
    assert diagnostic.code == "disk-full"
    assert "it takes 4.0 MB and " in diagnostic.note
    assert folders(tmp_path) == ["step-000000005", "step-000000010"]
    found, damages = newest(tmp_path)
    assert found
    assert (found.step, damages) == (10, ())


def test_a_disk_that_returns_other_bytes_than_it_was_given_is_noticed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_all(tmp_path, 5, 10)
    truly = os.fsync

    def lossy(descriptor: int) -> None:
        truly(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        if path.name == "arrays.safetensors":
            cut(path)

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc to know which file is synced")
    monkeypatch.setattr(os, "fsync", lossy)
    with pytest.raises(RunError, match="not-verified"):
        save_all(tmp_path, 15)
    assert folders(tmp_path) == ["step-000000005", "step-000000010"]


def test_room_for_three_checkpoints_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 5, {"w": np.zeros(1000)}, {})
    present = sum(path.stat().st_size for path in (tmp_path / "checkpoints/step-000000005").iterdir())
    usage = SimpleNamespace(free=30_000_000 - present)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert free_space(tmp_path, 10_000_000) is None
    warning = free_space(tmp_path, 10_000_001)
    assert warning
    assert (warning.code, warning.severity) == ("little-space", "warning")
    assert warning.message == "the disk has 30.0 MB free, and a checkpoint takes 10.0 MB"


# Killed ---------------------------------------------------------------------------------------------------------------

BEFORE_EVERY_CALL_OF_THE_SYSTEM = """
import os, signal, sys
from pathlib import Path
import numpy as np
from netspec.train.checkpoint import newest, save

CALLS = ("open", "os.", "shutil.")

def dies_at(number, run, step):
    def call(event, arguments):
        nonlocal number
        number -= event.startswith(CALLS)
        if number == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(call)
    save(run, step, {"w": np.full(4, step)}, {"new": True})
    os._exit(0)

def survives(number, run, step):
    run.mkdir()
    for old in (5, 10):
        save(run, old, {"w": np.full(4, old)}, {"new": False})
    child = os.fork() or dies_at(number, run, step)
    killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    found, damages = newest(run)
    assert not damages, damages
    assert found.step in (10, step) and (found.arrays["w"] == found.step).all(), found
    assert killed or found.meta["new"]
    again = save(run, 20, {"w": np.full(4, 20)}, {})
    names = sorted(path.name.removesuffix(".old") for path in again.parent.iterdir())
    assert names == [f"step-{s:09}" for s in (found.step, 20)], names
    return killed

for step in (10, 15):
    kills = next(n for n in range(1, 1000) if not survives(n, Path(sys.argv[1]) / f"{step}-{n}", step))
    print(step, kills)
"""

SAVES_FOR_EVER = """
import sys
from itertools import count
from pathlib import Path
import numpy as np
from netspec.train.checkpoint import newest, save

run = Path(sys.argv[1])
found, damages = newest(run)
for step in count(found.step + 1 if found else 1):
    save(run, step, {"w": np.full(100_000, step)}, {})
    print(step, flush=True)
"""


def python(code: str, run: Path) -> subprocess.Popen[str]:
    # One thread, since a process with several may not fork.
    variables = {**os.environ, "PYTHONPATH": str(Path(str(netspec.__file__)).parents[1]), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", code, str(run)], env=variables, stdout=subprocess.PIPE, text=True)


def test_a_process_may_be_killed_before_any_call_of_the_system(tmp_path: Path) -> None:
    with python(BEFORE_EVERY_CALL_OF_THE_SYSTEM, tmp_path) as process:
        told, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    kills = {int(step): int(number) for step, number in map(str.split, told.splitlines())}
    assert kills.keys() == {10, 15}
    assert min(kills.values()) > 15  # fewer calls than a save must make, were most of them not seen


def test_a_process_that_is_killed_at_any_time_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    moments = random.Random(0)
    for _ in range(4):
        with python(SAVES_FOR_EVER, tmp_path) as process:
            assert process.stdout
            first = int(process.stdout.readline())
            time.sleep(moments.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
            reported = [first, *map(int, process.stdout.read().split())]
        found, damages = newest(tmp_path)
        assert found
        assert not damages
        assert found.step in (reported[-1], reported[-1] + 1)
        assert (found.arrays["w"] == found.step).all()


def test_the_manifest_is_json_that_people_can_read(tmp_path: Path) -> None:
    manifest = json.loads((save_all(tmp_path, 5)[0] / "manifest.json").read_text())
    assert (manifest["format"], manifest["step"], manifest["meta"]) == (1, 5, {"epoch": 0.5})
    assert manifest["files"]["arrays.safetensors"]["size"] > 24
