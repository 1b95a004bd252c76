"""Events are the same after they were JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.runs.events import Alerted, Evaluated, Event, Finished, Stepped, from_json, to_json

events = st.one_of(*(st.from_type(kind) for kind in get_args(Event)))


def exact(value: Any) -> str:
    """A text that differs where two values do; nan is like itself."""
    return repr(_dicts(dataclasses.asdict(value)))


def _dicts(value: Any) -> Any:
    return {k: _dicts(v) for k, v in value.items()} if isinstance(value, Mapping) else value


@given(events)
def test_any_event_comes_back(event: Event) -> None:
    text = json.dumps(to_json(event), allow_nan=False)
    assert exact(from_json(json.loads(text))) == exact(event)


def test_words_stay_words() -> None:
    alert = Alerted(1.0, 2, "nan", "inf", "-inf")
    assert from_json(to_json(alert)) == alert


def test_numbers_that_are_not_finite_have_names() -> None:
    evaluated = Evaluated(1.0, 2, math.inf, {"validation/loss": math.nan}, -math.inf, False)
    data = to_json(evaluated)
    assert (data["epoch"], data["metrics"], data["seconds"]) == ("inf", {"validation/loss": "nan"}, "-inf")
    assert exact(from_json(data)) == exact(evaluated)


@pytest.mark.parametrize("data", [{}, {"event": "started"}, {"event": "danced"}, {"event": None}])
def test_what_is_no_event(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no such event|missing"):
        from_json(data)


def test_fields_of_a_later_version_are_left_out() -> None:
    event = Stepped(1.0, 2, 0.5, 0.25, None, 1.0, 100.0)
    assert from_json(to_json(event) | {"phase": "first"}) == event


def test_defaults_fill_what_an_earlier_version_lacks() -> None:
    data = to_json(Finished(1.0, "runs/a", 2, 0.5, "done"))
    del data["best_step"], data["metrics"]
    assert from_json(data) == Finished(1.0, "runs/a", 2, 0.5, "done")
