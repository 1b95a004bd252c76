"""What of some weights a network begins with: names by patterns, shapes, and what is said of all that does not fit."""

from __future__ import annotations

from itertools import product
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from netspec.build.start import Started, check_start, matched, renamed
from netspec.diagnostics import SpecError
from netspec.document import parse
from netspec.graph.graph import matches
from netspec.graph.resolve import resolve
from netspec.spec.decode import decode

MODEL = """
[model]
input = [4]
layers = [{ block = [{ dense = 3 }, "batch_norm"], name = "body" }, { dense = 2, name = "head" }]
"""
SHAPES = {
    "body/dense1/kernel": (4, 3),
    "body/dense1/bias": (3,),
    "body/batch_norm1/scale": (3,),
    "body/batch_norm1/bias": (3,),
    "body/batch_norm1/mean": (3,),
    "body/batch_norm1/var": (3,),
    "head/kernel": (3, 2),
    "head/bias": (2,),
}
BODY = [path for path in SHAPES if path.startswith("body")]


def weights(*, by: Any = str, dtype: Any = np.float32, **other: tuple[int, ...]) -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {by(name): random.normal(size=shape).astype(dtype) for name, shape in (SHAPES | other).items()}


def begun(start: str, arrays: dict[str, Any]) -> Started:
    spec = decode(parse(f'[start]\nweights = "w"\n{start}\n{MODEL}', "x.toml"))
    return matched(spec, resolve(spec), arrays, "w")


def told(start: str, arrays: dict[str, Any]) -> str:
    with pytest.raises(SpecError) as error:
        begun(start, arrays)
    assert len(error.value.diagnostics) == 1
    return str(error.value)


def test_all_of_it_unless_said_otherwise() -> None:
    given = weights()
    started = begun("", given)
    assert started.arrays.keys() == SHAPES.keys()
    assert all((started.arrays[path] == given[path]).all() for path in SHAPES)
    assert started.remark == "started 6 of 6 parameters and 2 running statistics from w"


@pytest.mark.parametrize(
    ("only", "paths"),
    [
        ('"body/**"', BODY),
        ('"head/*"', ["head/kernel", "head/bias"]),
        ('["**/kernel", "**/mean"]', ["body/dense1/kernel", "head/kernel", "body/batch_norm1/mean"]),
    ],
)
def test_only_what_patterns_mean(only: str, paths: list[str]) -> None:
    started = begun(f"only = {only}", weights(other=(7,)))
    assert set(started.arrays) == set(paths)
    assert "not used of it: " in started.remark
    assert f"started {sum('mean' not in p and 'var' not in p for p in paths)} of 6 parameters" in started.remark


def test_the_rest_need_not_be_there() -> None:
    only_head = {path: array for path, array in weights().items() if path.startswith("head")}
    assert set(begun('only = "head/**"', only_head).arrays) == {"head/kernel", "head/bias"}


def test_other_names_by_patterns() -> None:
    given = weights(by=lambda name: f"net/{name}".replace("dense1", "linear"))
    rename = 'rename = { "net/**/linear/*" = "**/dense1/*", "net/**" = "**" }'
    started = begun(rename, given)
    assert set(started.arrays) == set(SHAPES)
    np.testing.assert_array_equal(started.arrays["body/dense1/kernel"], given["net/body/linear/kernel"])
    np.testing.assert_array_equal(started.arrays["head/bias"], given["net/head/bias"])


@pytest.mark.parametrize("dtype", [np.float64, np.float16, ml_dtypes.bfloat16])
def test_fractions_of_any_size_become_the_network_s(dtype: Any) -> None:
    given = weights(dtype=dtype)
    started = begun("", given)
    for path, array in started.arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, given[path].astype(np.float32))


def test_every_misfit_is_told_at_once_by_path_and_both_shapes() -> None:
    given: dict[str, Any] = weights(other=(7,))
    given["head/kernel"] = np.zeros((3, 5), np.float32)
    given["head/bias"] = np.zeros(2, np.int32)
    given["body/dense1/bias"] = np.full(3, np.nan, np.float32)
    del given["body/batch_norm1/mean"]
    found = told("", given)
    assert "error[start]: 4 of 8 parameters cannot begin with w" in found
    assert "head/kernel is [3, 2] here and [3, 5] there" in found
    assert "head/bias is float32 here and int32 there" in found
    assert "body/dense1/bias holds numbers there that are not finite" in found
    assert "body/batch_norm1/mean [3] is not there" in found
    assert "unused there: other" in found
    assert "x.toml:2:11" in found


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ('only = "tail/**"', "error[unmatched]: 'tail/**' matches no parameter of the network"),
        ('only = ["body/**", "tail"]', "x.toml:3:20"),
        ('rename = { "net/**" = "**" }', "error[unmatched]: 'net/**' matches no name of the weights\n"),
        ('rename = { "**" = "**", "body/**" = "**" }', "'body/**' matches no name of the weights that an earlier"),
        ('rename = { "body/dense1/kernel" = "head/kernel" }', "and 'head/kernel' would both be 'head/kernel'"),
    ],
)
def test_patterns_that_say_nothing_or_too_much(start: str, message: str) -> None:
    assert message in told(start, weights())


def test_what_is_asked_for_is_checked_without_the_weights() -> None:
    spec = decode(parse(f'[start]\nrun = "r"\nonly = "tail/**"\n{MODEL}', "x.toml"))
    with pytest.raises(SpecError, match="matches no parameter"):
        check_start(spec, resolve(spec))


@pytest.mark.parametrize(
    ("pattern", "becomes", "name", "expected"),
    [
        ("a/b", "c", "a/b", "c"),
        ("**", "x/**", "a/b", "x/a/b"),
        ("x/**", "**", "x/a/b", "a/b"),
        ("**/k", "**/kernel", "k", "kernel"),
        ("**/conv*/*", "net/**/layer*/*", "a/b/conv12/bias", "net/a/b/layer12/bias"),
        ("*_*", "*/*", "a_b_c", "a/b_c"),
        ("**/a/**", "**/b/**", "a/a/a", "b/a/a"),
        ("layer.*.weight", "dense*/kernel", "layer.3.weight", "dense3/kernel"),
        ("a/*/c", "x", "a/b", "a/b"),
    ],
)
def test_what_stars_stand_for(pattern: str, becomes: str, name: str, expected: str) -> None:
    assert renamed(name, {pattern: becomes})[1] == expected


def test_a_pattern_as_its_own_replacement_changes_nothing_and_fits_what_it_matches() -> None:
    parts = ["a", "b", "ab", "*", "**", "a*", "*b*"]
    patterns = ["/".join(p) for n in (1, 2, 3) for p in product(parts, repeat=n)]
    names = ["/".join(p) for n in (1, 2, 3) for p in product(["a", "ab", "bab"], repeat=n)]
    for pattern, name in product(patterns, names):
        rule, same = renamed(name, {pattern: pattern})
        assert (bool(rule), same) == (matches(pattern, name), name)
