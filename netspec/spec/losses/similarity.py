"""Losses of embeddings: near for what is alike, far for what is not."""

from typing import Annotated, Any, Self

from pydantic import PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from netspec.spec.call import Call, Shape, call
from netspec.spec.losses.loss import Encoding, Loss
from netspec.spec.values import Literally, Positive, is_name, must_be

__all__ = ["Contrastive", "Triplet"]

_NAME = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"}


def _names(count: int, words: str) -> Any:
    """The type of one output's name, or of so many."""

    def validate(value: Any) -> Any:
        if is_name(value):
            return value
        if isinstance(value, list | tuple) and len(value) == count and all(is_name(name) for name in value):
            return tuple(value)
        raise must_be(f"the name of an output, or of {words}", value)

    several = {"type": "array", "items": _NAME, "minItems": count, "maxItems": count}
    return PlainValidator(validate), WithJsonSchema({"anyOf": [_NAME, several]})


class Triplet(Loss):
    """max(0, ‖a - p‖ - ‖a - n‖ + margin): an example is nearer to one of its own class than to one of another.

    The output is an embedding, and the target a class: anchors, positives and negatives are all of one batch (Hermans
    et al., 2017), and an anchor that has none of either there does not count. Or there are three outputs, `output =
    ["anchor", "positive", "negative"]`, and no target (Schroff et al., 2015). Distances are Euclidean.

    margin: how much nearer.
    mining: of the triplets of a batch, the mean over "all" of each anchor's; or the "hardest": its farthest positive
    and its nearest negative.
    """

    targets = "group"
    output: Annotated[str | tuple[str, ...] | None, *_names(3, "three: anchor, positive, negative")] = None
    margin: Positive = 1.0
    mining: Literally("all", "hardest") = "all"  # type: ignore[valid-type]

    def lower(self) -> Call:
        if isinstance(self.output, tuple):
            return call("netspec.nn.similarity.triplet", margin=self.margin)
        hardest = self.mining == "hardest"
        return call("netspec.nn.similarity.triplet_in_batch", margin=self.margin, hardest=hardest)

    def form(self, outputs: tuple[Shape, ...], classes: int) -> Encoding:
        return "group" if len(outputs) == 1 else "nothing"

    @model_validator(mode="after")
    def _given(self) -> Self:
        """Three outputs are a triplet already."""
        for key in ("target", "mining"):
            if isinstance(self.output, tuple) and key in self.model_fields_set:
                message = f"has three outputs, which are a triplet by themselves, and '{key}'"
                raise PydanticCustomError("choice", "{message}", {"message": message, "key": key})
        return self


class Contrastive(Loss):
    """D² / 2 for a pair that is alike, max(0, margin - D)² / 2 for another, D their distance (Hadsell et al., 2006).

    There are two outputs, `output = ["left", "right"]`, and the target's second class says that they are alike. Or the
    output is an embedding and the target a class: each example is paired with all others of the batch, and alike are
    those of one class.

    margin: how far apart others should be.
    """

    targets = "group"
    output: Annotated[str | tuple[str, ...] | None, *_names(2, "two")] = None
    margin: Positive = 1.0

    def lower(self) -> Call:
        of = "contrastive" if isinstance(self.output, tuple) else "contrastive_in_batch"
        return call(f"netspec.nn.similarity.{of}", margin=self.margin)

    def form(self, outputs: tuple[Shape, ...], classes: int) -> Encoding:
        return "group" if len(outputs) == 1 else "pair"
