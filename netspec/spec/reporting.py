"""The `[report]` section: other people's programs that a training is told to as well."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from netspec.spec.kind import Table
from netspec.spec.values import Literally

__all__ = ["WRITERS", "Report"]

WRITERS: Mapping[str, str] = {
    "tensorboard": "TensorBoard: event files in the run's own directory",
    "mlflow": "MLflow: a database beside the runs",
    "wandb": "Weights & Biases, offline: files in the run's own directory",
}
"""By name, what a training can be told to, and where it is kept."""


def _listed(value: Any) -> Any:
    """One name does for a list of it."""
    return [value] if isinstance(value, str) else value


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise PydanticCustomError("value", "has '{name}' twice", {"name": twice, "help": ""})
    return names


_NAME = {"enum": list(WRITERS)}

if TYPE_CHECKING:
    Writers = tuple[str, ...]
else:
    Writers = Annotated[
        tuple[Literally(*WRITERS), ...],
        BeforeValidator(_listed),
        Field(strict=False, min_length=1),
        AfterValidator(_once),
        WithJsonSchema({"anyOf": [_NAME, {"type": "array", "items": _NAME, "minItems": 1, "uniqueItems": True}]}),
    ]


class Report(Table):
    """Other people's programs that a training is told to, besides the run's own record.

    Nothing is sent over a network: each keeps files of its own, and one that fails is left out and told of, while the
    training goes on. Each is an extra of its own: `pip install 'netspec[tensorboard]'`.

    to: one or several of `["tensorboard", "mlflow", "wandb"]`. TensorBoard's files are in the run's directory
        (`tensorboard --logdir runs`), MLflow's database is beside the runs (`mlflow ui --backend-store-uri
        sqlite:///runs/mlflow.db`), and the files of Weights & Biases are in the run's directory, to be sent with
        `wandb sync` by whoever wants that.
    """

    to: Writers
