"""The types of fields that hold a number, or a course of numbers in its place."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WithJsonSchema, WrapValidator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from netspec.spec.courses import Course, Join
from netspec.spec.values import Fraction, Number, Positive, Rate, Share

__all__ = [
    "Changing",
    "ChangingFraction",
    "ChangingNumber",
    "ChangingPositive",
    "ChangingRate",
    "ChangingShare",
    "changing",
]


@dataclass(frozen=True, slots=True)
class Changing:
    """Marks a field that holds a plain value, or a table that is a course."""


def changing(plain: Any) -> Any:
    """The type of a field that holds a plain value or a course of such values.

    Args:
        plain: the type of the value, with its validators and its JSON Schema.
    """
    (one,) = [mark.json_schema or {} for mark in plain.__metadata__ if isinstance(mark, WithJsonSchema)][-1:]
    options = one.get("anyOf", [one])
    course = {"$ref": "#/$defs/course"}
    # The first tells where in a course a mistake is, the second what there may be.
    parted = {"if": {"type": "object"}, "then": course, "else": {"anyOf": options}}
    schema = WithJsonSchema({**parted, "anyOf": [*options, course]})
    return Annotated[plain, WrapValidator(_each_number), Changing(), schema]


def _each_number(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    if not isinstance(value, Course):
        return handler(value)
    _check(value, (), handler)
    return value


def _check(course: Course, at: tuple[str | int, ...], handler: ValidatorFunctionWrapHandler) -> None:
    """That each number could stand there by itself.

    Raises:
        ValidationError: one could not; its place is told from the field's.
    """
    here = (*at, course.kind)
    if isinstance(course, Join):
        for i, piece in enumerate(course.join):
            _check(piece, (*here, i), handler)
        return
    for i, number in enumerate(course.numbers):
        try:
            handler(number)
        except ValidationError as error:
            moved = [_moved(detail, (*here, i)) for detail in error.errors()]
            raise ValidationError.from_exception_data("course", moved) from None


def _moved(detail: ErrorDetails, at: tuple[str | int, ...]) -> InitErrorDetails:
    """The same mistake at another place."""
    kind, context = detail["type"], detail.get("ctx", {})
    own = PydanticCustomError(kind, detail["msg"], context)
    return InitErrorDetails(type=own if kind == "value" else kind, loc=at, input=detail["input"], ctx=context)


if TYPE_CHECKING:
    ChangingNumber = float | Course
    ChangingPositive = float | Course
    ChangingFraction = float | Course
    ChangingRate = float | Course
    ChangingShare = float | Course
else:
    ChangingNumber = changing(Number)
    """Any finite number, or a course."""
    ChangingPositive = changing(Positive)
    """A number above 0, or a course."""
    ChangingFraction = changing(Fraction)
    """A number from 0 to 1, or a course."""
    ChangingRate = changing(Rate)
    """A number from 0 to under 1, or a course."""
    ChangingShare = changing(Share)
    """A number above 0, to 1, or a course."""
