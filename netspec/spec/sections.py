"""The sections of a spec that are tables of fixed keys, and the spec itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from pydantic import PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from netspec.document import Document, Path
from netspec.spec.data import Data
from netspec.spec.kind import Table
from netspec.spec.layer import Layer, Layers, Names
from netspec.spec.lint import Lint
from netspec.spec.losses import Loss
from netspec.spec.optimizers import Optimizer
from netspec.spec.point import Coordinates
from netspec.spec.reporting import Report
from netspec.spec.schedules import Schedule
from netspec.spec.start import Start
from netspec.spec.training import Phase, Train
from netspec.spec.values import as_expression, is_name, must_be

__all__ = ["BlockDefinition", "Model", "Spec"]


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
    point: in place of all these, where a point begins that the optimizer moves over a function: `[-1.5, 2.0]`.
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
    layers: Layers = ()
    outputs: Names | None = None
    point: Coordinates | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.input is not None and self.inputs is not None:
            raise PydanticCustomError("choice", "has both 'input' and 'inputs'")
        besides = self.model_fields_set - {"point"}
        if self.point is not None and besides:
            key = min(besides)
            message = f"has a 'point', which is all of a model, and '{key}'"
            raise PydanticCustomError("choice", "{message}", {"message": message, "key": key})
        return self


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
        phases: the stages of the training, in turn; none where it is one.
        start: weights to begin with in place of initial values.
        report: what a training is told to besides its record.
        moved: by section or key, where it is in the document, of those that are elsewhere than under their own name.
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
    phases: tuple[Phase, ...] = ()
    start: Start | None = None
    report: Report | None = None
    moved: Mapping[Path, Path] = field(default_factory=dict)

    @property
    def is_point(self) -> bool:
        """Whether the model is a point, which learns from no data."""
        return self.model is not None and self.model.point is not None

    def at(self, section: str, *keys: str | int) -> Path:
        """Where a section, or what stands under its keys, is in the document."""
        path = (section, *keys)
        known = (n for n in range(len(path), 0, -1) if path[:n] in self.moved)
        n = next(known, 0)
        return (*self.moved[path[:n]], *path[n:]) if n else path

    def loss_path(self, i: int) -> Path:
        """Where the loss of that number stands in the document: `[loss]`, or one of several `[[loss]]`."""
        path = self.at("loss")
        return (*path, i) if (*path, 0) in self.document.places else path
