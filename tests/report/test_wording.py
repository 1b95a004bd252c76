from __future__ import annotations

import doctest
import math

import pytest

from netspec.report.drawing import values, wording
from netspec.report.inspection import view as inspection_view


@pytest.mark.parametrize(("module", "least"), [(wording, 6), (values, 1), (inspection_view, 1)])
def test_the_examples_in_the_docstrings_hold(module, least):
    failed, tried = doctest.testmod(module)
    assert (failed, tried >= least) == (0, True)


@pytest.mark.parametrize("say", [wording.measure, wording.setting, wording.count, wording.duration])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, -5.5, 1e300, 1e-300])
def test_no_number_is_too_odd_to_be_said(say, value):
    assert 0 < len(say(value)) < 450
