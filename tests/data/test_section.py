"""The [data] section: what its keys may hold, beyond what holds for every section."""

from __future__ import annotations

import pytest

from netspec.diagnostics import SpecError
from netspec.spec.call import call
from netspec.spec.data import Data
from netspec.spec.expression import parse
from netspec.spec.sources import Csv
from netspec.spec.transforms import Resize, Scale


def test_expressions_are_worked_out_everywhere(write):
    section = Data(
        source=Csv(csv="a.csv"),
        transform=(Resize(resize=["$side", 28]), Scale(scale=["$-top", "$top"])),
        split={"validation": parse("$share"), "test": 0.2},
    ).filled({"side": 32, "top": 2, "share": 0.25})
    assert [t.lower() for t in section.transform] == [
        call("netspec.data.transforms.Resize", (32, 28)),
        call("netspec.data.transforms.Scale", -2.0, 2.0),
    ]
    assert (section.split.validation, section.split.test) == (0.25, 0.2)
    assert "test" in section.split.model_fields_set
    assert section.source.lower() == call(
        "netspec.data.tables.Csv", "a.csv", target=None, task=None, lookup=(), text=None
    )


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ('"digit"', "", "no source is called 'digit'"),
        ('{ csv = "a.csv", task = "classfy" }', "", "must be one of 'classify', 'regress', not \"classfy\""),
        ('"digits"', "transform = [{ resize = 28 }]", "'resize' must be a list of height and width"),
        ('"digits"', "transform = [{ resize = [28, 0] }]", "'resize' must be a list of height and width"),
        ('"digits"', "transform = [{ resize = [28, true] }]", "'resize' must be a list of height and width"),
        ('"digits"', "transform = [{ resize = [28, 28, 3] }]", "'resize' must be a list of height and width"),
        (
            '"digits"',
            "transform = [{ scale = [1.0, 0.0] }]",
            "'scale' must be a list of two numbers, the lower one first",
        ),
        ('"digits"', "transform = [{ scale = [0, 1e300] }]", "'scale' must be a list of two numbers"),
        ('"digits"', 'transform = "scale"', "'transform' of [data] must be a list"),
        ('"digits"', "split = { test = 1.5 }", "must be at most 1"),
    ],
)
def test_values_that_are_refused(write, source, line, message):
    with pytest.raises(SpecError) as caught:
        write(source, line)
    assert message in caught.value.diagnostics[0].message
