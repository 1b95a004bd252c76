"""The sections of a spec that are tables of fixed keys, and the spec itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from netspec.document import Document, Path
from netspec.spec.data import Data
from netspec.spec.kind import Table
from netspec.spec.layer import Layer, Layers, Names
from netspec.spec.lint import Lint
from netspec.spec.losses import Loss
from netspec.spec.optimizers import Optimizer
from netspec.spec.schedules import Schedule
from netspec.spec.values import Count, Span, as_expression, is_name, must_be

__all__ = ["BlockDefinition", "Keep", "Model", "Spec", "Train"]


def _input(value: Any) -> Any:
    parts = value if isinstance(value, list | tuple) else [value]
    if 0 < len(parts) <= 5:
        checked = [as_expression(p) or p for p in parts]
        if all(not isinstance(p, bool) and (not isinstance(p, int) or 1 <= p < 2**31) for p in checked) and not any(
            isinstance(p, str | float | dict | list) for p in checked
        ):
            return tuple(checked)
    raise must_be("a shape without the batch, each axis from 1, such as [28, 28, 1]", value)


def _inputs(value: Any) -> Any:
    if not isinstance(value, dict) or not value or not all(is_name(name) for name in value):
        raise must_be("a table of shapes by name, such as { left = [28, 28, 1], right = [28, 28, 1] }", value)
    return {name: _input(shape) for name, shape in value.items()}


_LENGTH = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 2**31 - 1}, {"type": "string", "pattern": r"^\$"}]}
_LENGTHS = {"type": "array", "items": _LENGTH, "minItems": 1, "maxItems": 5}
_SHAPE = WithJsonSchema({"anyOf": [*_LENGTH["anyOf"], _LENGTHS]})


class Model(Table):
    """What the network is.

    input: the shape of one example, channels last; what the data has unless said otherwise. Or
    inputs: the shapes of several, by name.
    layers: in turn.
    outputs: the names of the layers that give the network's results; the last layer unless said otherwise.
    """

    input: Annotated[tuple[int, ...] | None, PlainValidator(_input), _SHAPE] = None
    inputs: (
        Annotated[
            Mapping[str, tuple[int, ...]],
            PlainValidator(_inputs),
            WithJsonSchema({"type": "object", "additionalProperties": _SHAPE.json_schema}),
        ]
        | None
    ) = None
    layers: Layers
    outputs: Names | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.input is not None and self.inputs is not None:
            raise PydanticCustomError("choice", "has both 'input' and 'inputs'")
        return self


class Keep(Table):
    """Which step's parameters are the result.

    best: a metric, such as "validation/accuracy": those of the step where it was best.
    """

    best: str


def _batch(value: Any) -> Any:
    if value == "all" or (found := as_expression(value)) is not None:
        return value if value == "all" else found
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 2**31:
        return value
    raise must_be('a whole number from 1, or "all"', value)


class Train(Table):
    """How long, in which bites, and what is kept.

    epochs: passes over the training examples; or
    steps: updates of the parameters.
    batch: examples a step; "all" for every one.
    evaluate: how often the validation part is measured.
    save: how often a checkpoint is written; every 30 seconds unless said otherwise.
    keep: `{ best = "validation/accuracy" }` keeps the best step's parameters instead of the last's.
    """

    epochs: Count | None = None
    steps: Count | None = None
    batch: Annotated[
        int | Literal["all"],
        PlainValidator(_batch),
        WithJsonSchema({"anyOf": [*_LENGTH["anyOf"], {"enum": ["all"]}]}),
    ] = 32
    evaluate: Span | None = None
    save: Span | None = None
    keep: Keep | None = None


@dataclass(frozen=True, slots=True)
class BlockDefinition:
    """A kind of the user's own.

    Args:
        name: what its items are written with.
        defaults: by argument, what it is where nothing is said; absent for those that must be given.
        arguments: in the order in which the principal argument fills them.
        layers: what it stands for.
    """

    name: str
    arguments: tuple[str, ...]
    defaults: Mapping[str, Any]
    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class Spec:
    """A spec that has been read: typed and closed, its expressions not worked out yet.

    Args:
        name: the run's name.
        seed: of everything random in the training.
        let: named numbers.
        blocks: kinds of the user's own, by name.
        model: the network; or
        models: several, by name.
        losses: what is minimised, the sum of these.
        document: where every value stands.
        lint: which warnings are meant.
        moved: by section, where it stands in the document, of those that stand elsewhere than under their own name.
    """

    name: str
    seed: int
    let: Mapping[str, Any]
    data: Data | None
    blocks: Mapping[str, BlockDefinition]
    model: Model | None
    models: Mapping[str, Model]
    losses: tuple[Loss, ...]
    optimizer: Optimizer | None
    schedule: Schedule | None
    train: Train | None
    document: Document
    lint: Lint = field(default_factory=Lint)
    moved: Mapping[str, Path] = field(default_factory=dict)

    def at(self, section: str) -> Path:
        """Where a section stands in the document."""
        return self.moved.get(section, (section,))

    def loss_path(self, i: int) -> Path:
        """Where the loss of that number stands in the document: `[loss]`, or one of several `[[loss]]`."""
        path = self.at("loss")
        return (*path, i) if (*path, 0) in self.document.places else path
