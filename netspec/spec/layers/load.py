"""Layers of an earlier run."""

from typing import Annotated

from pydantic import Field

from netspec.spec.call import Branch, Branches, Loaded, Shape
from netspec.spec.layer import Layer, Layers
from netspec.spec.values import Name

__all__ = ["LoadedLayers"]


class Load(Layer):
    """The layers of an earlier run, with what it learned as their initial values.

    They are as that run's spec says, what was frozen in it among them; its side heads are left out. The input must be
    of the shape that the run was trained on.

    load: the directory of the run, or its name under `runs/`.
    upto: the name of the last layer that is taken, as it is in that run; all are unless said otherwise.
    """

    example = '{ load = "runs/vgg16-1", upto = "max_pool5", freeze = true }'

    padded = "kept"

    load: Annotated[str, Field(min_length=1, max_length=200)]
    upto: Name | None = None

    def lower(self, x: Shape) -> Loaded:
        return Loaded(self.load, self.upto)


class LoadedLayers(Layer, abstract=True):
    """What `load` stands for once the run has been read: a block of its layers, all their expressions worked out.

    load: as it is written.
    layers: in turn.
    """

    kind = "block"

    padded = "kept"

    load: str
    layers: Layers

    def lower(self, x: Shape) -> Branches:
        return Branches({"": Branch(self.layers, ("load",))})
