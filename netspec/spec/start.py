"""The `[start]` section: weights that a training begins with, instead of its own initial values."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from netspec.spec.kind import Table
from netspec.spec.training import Patterns
from netspec.spec.values import must_be

__all__ = ["Start", "stars"]

LONGEST = 200
"""Letters of a pattern, at the most."""

MOST_RENAMED = 100
"""Patterns of names, at the most: each is held against each name."""


def stars(pattern: str) -> tuple[str, ...]:
    """The stars of a pattern over paths, in turn: `*` within a part, and `**` for any parts.

    >>> stars("encoder/**/conv*/kernel")
    ('**', '*')
    """
    parts = pattern.split("/")
    return tuple(star for part in parts for star in ([part] if part == "**" else ["*"] * part.count("*")))


def _renames(value: Any) -> Any:
    example = 'a table of patterns, such as { "encoder/**" = "**" }'
    if not isinstance(value, dict) or not 0 < len(value) <= MOST_RENAMED:
        raise must_be(f"{example}, {MOST_RENAMED} of them at the most", value)
    for theirs, own in value.items():
        if not isinstance(own, str) or not 0 < len(own) <= LONGEST or not 0 < len(theirs) <= LONGEST:
            raise must_be(example, value)
        if stars(theirs) != stars(own):
            message = "must have the same stars on both sides, and '{own}' has others than '{theirs}'"
            raise PydanticCustomError("value", message, {"own": own, "theirs": theirs})
    return dict(value)


Renames = Annotated[
    Mapping[str, str],
    PlainValidator(_renames),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": MOST_RENAMED,
            "additionalProperties": {"type": "string", "minLength": 1},
        }
    ),
]


class Start(Table):
    """Weights to begin with, in place of initial values: an earlier run's, or a file's.

    Each parameter, and each running statistic, must be there under the same path and of the same shape, unless `only`
    says which; all others begin as they would without.

    run: the directory of a run, or its name under `runs/`; its result is taken, as `netspec evaluate` does; or
    weights: a file of safetensors.
    only: a pattern over paths of this network's parameters, or a list of them: `"conv*/**"`.
    rename: by a pattern over their names, what they are called in this network: `{ "encoder/**" = "**" }`. The stars of
        the right one stand for what those of the left one stand for, in turn, which is as little as may be. The first
        pattern that fits a name counts; a name that none fits stays.
    """

    run: str | None = None
    weights: str | None = None
    only: Patterns | None = None
    rename: Renames | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.run is not None and self.weights is not None:
            raise PydanticCustomError("choice", "has both 'run' and 'weights'", {"key": "weights"})
        if self.run is None and self.weights is None:
            raise PydanticCustomError("choice", "needs 'run' or 'weights'")
        return self
