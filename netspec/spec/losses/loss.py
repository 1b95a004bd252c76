"""What every loss shares: its output and target, its part in the sum, and how a batch's numbers become one."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import PlainValidator, WithJsonSchema

from netspec.spec.call import Call, Shape
from netspec.spec.changing import ChangingNumber
from netspec.spec.kind import Kind, items_of
from netspec.spec.losses.penalties import Penalty
from netspec.spec.values import LARGEST_COUNT, LARGEST_NUMBER, Literally, Name, as_expression, must_be

__all__ = ["Encoding", "Loss", "OfClasses", "Weighed"]

Encoding = Literal["index", "zero_one", "plus_minus", "number", "distribution", "symbols", "group", "pair", "nothing"]
"""How a loss wants targets.

index: a class's index. zero_one, plus_minus: two classes as 0 and 1, or as -1 and 1. number: numbers. distribution:
numbers that are probabilities. symbols: a row of classes without their places. group: classes that say what belongs
together. pair: whether two outputs do, 0 or 1. nothing: none.
"""


if TYPE_CHECKING:
    Output = str | tuple[str, ...]
else:
    Output = Name
    """The name of an output; of several, for a loss that compares them."""


class Loss(Kind, family="loss"):
    """One number for each of a batch's examples, and how they become one for the batch.

    In a list a loss is written as an item, too, whose value is the output: `loss = [{ cross_entropy = "digit" }]`.

    output: the output of the network that is judged; the main one unless said otherwise.
    target: the target that it is held against; or "input" or another input; or a layer of the outermost list, whose
    result is held still. The data's only target unless said otherwise.
    weight: what the loss is multiplied by in the sum of several.
    reduction: "mean" over the examples that count, by their weights; "sum" over them; "max", the worst of the batch
    only. Measured on a part of the data, the loss is the mean all the same.
    penalties: terms on weights or on activity, such as `[{ l2 = 1e-4 }]`.
    """

    targets: ClassVar[Encoding]

    whole: ClassVar[bool] = False
    """Whether it gives one number for an example, where others give one for each position that has a class."""

    output: Output | None = None
    target: Name | None = None
    weight: ChangingNumber = 1.0
    reduction: Literally("mean", "sum", "max") = "mean"  # type: ignore[valid-type]
    penalties: Annotated[tuple[Penalty, ...], *items_of(Penalty)] = ()

    @abstractmethod
    def lower(self) -> Call:
        """The function of outputs and targets that gives one number an example, with its keyword arguments."""

    def form(self, outputs: tuple[Shape, ...], classes: int) -> Encoding:
        """How it wants the target.

        Args:
            outputs: the shapes of what it judges.
            classes: of the target; 0 where that is numbers.
        """
        return self.targets

    @classmethod
    def principal(cls) -> str:
        return "output"

    @classmethod
    def universal(cls) -> tuple[str, ...]:
        return ("output", "target", "weight", "reduction", "penalties")


# -- classes -----------------------------------------------------------------------------------------------------------


def _labels(value: Any) -> Any:
    parts = value if isinstance(value, list | tuple) else [value]
    if parts and all(_is_label(part) for part in parts):
        return tuple(parts)
    raise must_be("a label, or a class's number from 0, or a list of them", value)


def _is_label(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT
    )


_LABEL = {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]}

Labels = Annotated[
    tuple[str | int, ...],
    PlainValidator(_labels),
    WithJsonSchema({"anyOf": [*_LABEL["anyOf"], {"type": "array", "items": _LABEL, "minItems": 1}]}),
]
"""Classes, each by its label or its number."""


def _class_weights(value: Any) -> Any:
    if value == "balanced":
        return value
    if isinstance(value, dict) and value and all(isinstance(label, str) for label in value):
        return {label: _weight(one, value) for label, one in value.items()}
    if isinstance(value, list | tuple) and value:
        return tuple(_weight(one, value) for one in value)
    raise must_be("'balanced', a list of numbers above 0, or a table of them by label", value)


def _weight(value: Any, whole: Any) -> Any:
    if (found := as_expression(value)) is not None:
        return found
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LARGEST_NUMBER:
        return float(value)
    raise must_be("'balanced', a list of numbers above 0, or a table of them by label", whole)


_WEIGHT = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0, "maximum": LARGEST_NUMBER},
        {"type": "string", "pattern": r"^\$"},
    ]
}
_WEIGHTS = WithJsonSchema(
    {
        "anyOf": [
            {"enum": ["balanced"]},
            {"type": "array", "items": _WEIGHT, "minItems": 1},
            {"type": "object", "additionalProperties": _WEIGHT, "minProperties": 1},
        ]
    }
)

ClassWeights = Annotated[str | tuple[float, ...] | dict[str, float], PlainValidator(_class_weights), _WEIGHTS]
"""A number above 0 for each class."""


class OfClasses(Loss, abstract=True):
    """A loss whose targets are classes.

    ignore: classes that do not count, in the loss or in any metric: a label or a class's number, or a list of them.
    """

    ignore: Labels | None = None


class Weighed(OfClasses, abstract=True):
    """A loss with a number for each target that is a class.

    class_weights: what an example of each class counts: a list in the order of the labels; a table by label, 1 where
    it says nothing; or "balanced", n / (classes n_c) with n_c of the n training examples in the class (scikit-learn's
    rule). The mean is divided by the sum of the weights in the batch (PyTorch's rule).
    """

    class_weights: ClassWeights | None = None
