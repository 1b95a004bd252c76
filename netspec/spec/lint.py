"""What is legal and most likely wrong: the codes of its warnings, and the section that silences some of them."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from netspec.spec.kind import Table
from netspec.spec.values import Literally

__all__ = ["WARNINGS", "Lint"]

WARNINGS: Mapping[str, str] = {
    "linear-chain": "linear layers in a row, with no nonlinearity between them",
    "logits": "an activation before a loss that works it out itself",
    "bias-before-norm": "a bias that the next layer subtracts again",
    "constant-initial": "units that begin as copies of each other",
    "vanishing": "sigmoids or tanhs so deep that the gradient vanishes",
    "overparametrised": "more parameters than a third of the training examples, and no regularisation",
    "target": "a target of another kind than the loss is for",
    "out-of-range": "targets that the last layer cannot reach",
    "dropout-last": "dropout or noise after the last layer that learns",
    "remainder": "a batch that leaves much of every epoch out",
    "no-shuffling": "examples in the same order each epoch, as the data has them",
    "lone-bootstrap": "a sample of the examples for one network, with no members beside it",
    "learning-rate": "steps far larger than the weights",
    "decay-twice": "weights that a penalty and the optimizer both decay",
    "no-gradient": "layers that no gradient reaches",
    "not-judged": "layers that no loss judges",
    "constant-result": "a layer that gives the same for every input",
}
"""By code, what a warning is about."""


class Lint(Table):
    """Which warnings are known and meant.

    allow: the codes of warnings that are not to be given, such as `["bias-before-norm"]`.
    """

    allow: Annotated[tuple[Literally(*WARNINGS), ...], Field(strict=False)] = ()  # type: ignore[valid-type]
