"""Every kind is read from its class: with the least that it needs, and with no key that it does not have."""

from __future__ import annotations

import re
from typing import Any

import pytest

from netspec.diagnostics import Diagnostic, SpecError
from netspec.document import parse
from netspec.document.plain import toml
from netspec.spec.activations import Activation
from netspec.spec.blocks import UserBlock
from netspec.spec.courses import Course
from netspec.spec.decode import decode
from netspec.spec.expression import Expression
from netspec.spec.initial import Initial
from netspec.spec.kind import Kind
from netspec.spec.layer import Layer
from netspec.spec.losses import Loss, Penalty
from netspec.spec.names import names_read
from netspec.spec.optimizers import Clip, optimizer_kind, optimizer_names
from netspec.spec.reader import MOST_MISTAKES
from netspec.spec.schedules import Schedule
from netspec.spec.sections import Spec
from netspec.spec.sources import Source
from netspec.spec.transforms import Transform
from netspec.spec.values import Duration

NEEDED: dict[tuple[str, str], Any] = {
    **{("layer", join): ["a", "b"] for join in ("concat", "add", "subtract", "multiply", "mean", "max", "dot")},
    ("layer", "bidirectional"): ["relu"],
    ("layer", "block"): ["relu"],
    ("layer", "cell"): {"cell": ["relu"], "state": 2},
    ("layer", "dropout"): 0.5,
    ("layer", "embed"): {"embed": 4, "vocabulary": 9},
    ("layer", "load"): "runs/vgg16-1",
    ("layer", "parallel"): [["relu"], []],
    ("layer", "permute"): [0],
    ("layer", "reshape"): [-1],
    ("layer", "residual"): ["relu"],
    ("layer", "share"): "tower",
    ("layer", "side"): ["relu"],
    ("layer", "stochastic_depth"): 0.5,
    ("layer", "unembed"): "tokens",
    **{("course", ramp): [0.1, 0.5] for ramp in ("linear", "polynomial", "cosine", "exponential")},
    ("course", "cyclic"): {"cyclic": [0.1, 0.5], "every": 5},
    ("course", "join"): {"join": [{"linear": [0.1, 0.5]}, {"cosine": [0.5, 0.1]}], "at": [5]},
    ("course", "step"): {"step": [0.1, 0.5], "at": [5]},
    ("penalty", "lp"): {"lp": 1, "p": 3},
    ("schedule", "cyclic"): {"every": 5},
    ("schedule", "exponential"): {"rate": 0.9},
    ("schedule", "hyperbolic"): {"rate": 0.9},
    ("schedule", "join"): {"pieces": [{"linear": [0.1, 0.5]}, {"cosine": [0.5, 0.1]}], "at": [5]},
    ("schedule", "piecewise"): {"values": [1, 0.5], "at": [5]},
    ("schedule", "step"): {"every": 5},
    ("schedule", "warm_restarts"): {"every": 5},
    ("source", "corpus"): {"corpus": "python_reference", "tokens": "bytes", "window": 8},
    ("source", "csv"): "points.csv",
    ("source", "idx"): "mnist",
    ("source", "images"): "pictures",
    ("source", "npz"): "arrays.npz",
    ("source", "pairs"): "digits",
    ("source", "text"): {"text": "*.txt", "tokens": "bytes", "window": 8},
    ("transform", "resize"): [4, 4],
    ("transform", "scale"): [0, 1],
}
"""What a kind needs that is not 1: its principal argument, or (as a table) all that it needs."""

SECTIONS = [(Loss, "loss"), (Schedule, "schedule")]
ITEMS = [
    (Layer, lambda item: {"model": {"layers": [item]}}),
    (Activation, lambda item: {"model": {"layers": [{"dense": 1, "activation": item}]}}),
    (Initial, lambda item: {"model": {"layers": [{"dense": 1, "init": item}]}}),
    (Penalty, lambda item: {"loss": {"kind": "hinge", "penalties": [item]}}),
    (Source, lambda item: {"data": {"source": item}}),
    (Transform, lambda item: {"data": {"source": "iris", "transform": [item]}}),
    (Course, lambda item: {"model": {"layers": [{"dropout": item}]}}),
    (Clip, lambda item: {"optimizer": {"kind": "sgd", "learning_rate": 1, "clip": item}}),
]


def read(values: dict[str, Any]) -> Spec:
    return decode(parse(toml({"model": {"layers": ["relu"]}} | values), "a.toml"))


def mistakes(values: dict[str, Any]) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as caught:
        read(values)
    return caught.value.diagnostics


def least(kind: type[Kind]) -> dict[str, Any]:
    """The shortest item of a kind: its own key and what it can't do without."""
    needed = NEEDED.get((kind.family, kind.kind), 1)
    if isinstance(needed, dict):
        return needed
    return {kind.kind: needed if kind.principal() else True}


def cases(with_key: bool) -> list[Any]:
    """Specs with each kind in each place, by name."""
    extra = {"zzz": 1} if with_key else {}
    found = []
    for family, around in ITEMS:
        found += [(f"{family.family} {name}", around({**least(kind), **extra})) for name, kind in family.kinds.items()]
    for family, section in SECTIONS:
        found += [
            (f"{section} {name}", {section: {"kind": name, **NEEDED.get((section, name), {}), **extra}})
            for name in family.kinds
        ]
    for name in optimizer_names():
        kind = optimizer_kind(name)
        assert kind is not None
        needed = {key: 0.1 for key, field in kind.model_fields.items() if field.is_required()}
        found.append((f"optimizer {name}", {"optimizer": {"kind": name, **needed, **extra}}))
    return [pytest.param(values, id=name) for name, values in found]


@pytest.mark.parametrize("values", cases(with_key=False))
def test_each_kind_is_read_from_the_least_that_it_needs(values: dict[str, Any]) -> None:
    read(values)


@pytest.mark.parametrize("values", cases(with_key=True))
def test_each_kind_refuses_a_key_that_it_does_not_have(values: dict[str, Any]) -> None:
    (diagnostic,) = mistakes(values)
    assert diagnostic.code == "unknown-key"
    assert diagnostic.message.endswith(" has no key 'zzz'")
    assert "takes" in diagnostic.note
    assert diagnostic.place is not None
    line = diagnostic.place.source.line(diagnostic.place.line)
    assert line[diagnostic.place.column - 1 : diagnostic.place.end_column - 1] == "zzz"


def all_kinds() -> list[Any]:
    kinds = [kind for family, _ in ITEMS for kind in family.kinds.values()]
    return [*kinds, *Loss.kinds.values(), *Schedule.kinds.values(), *map(optimizer_kind, optimizer_names())]


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda k: f"{k.family} {k.kind}")
def test_each_kind_has_a_page_that_names_its_keys(kind: type[Kind]) -> None:
    page = kind.__doc__ or ""
    assert page.strip()
    if kind.family != "optimizer":  # Optax writes its own pages
        own = set(kind.keys()) & set(kind.__annotations__)
        assert [key for key in own if not re.search(rf"\b{key}[:,`]", page)] == []


@pytest.mark.parametrize("kind", Layer.kinds.values(), ids=lambda k: k.kind)
def test_each_layer_takes_the_keys_of_all(kind: type[Kind]) -> None:
    item = {**least(kind), "name": "here", "times": 2, "freeze": True}
    (layer,) = read({"model": {"layers": [item]}}).model.layers
    assert (layer.name, layer.times, layer.freeze) == ("here", 2, True)


def test_a_string_is_an_item_without_keys() -> None:
    whole = read({"model": {"layers": ["max_pool", {"max_pool": 2}]}})
    assert whole.model.layers[0] == whole.model.layers[1]


def test_values_are_of_their_types() -> None:
    spec = read(
        {
            "seed": 3,
            "let": {"width": 8},
            "model": {"layers": [{"conv": "$width", "kernel": [3, 5], "activation": "relu"}]},
            "train": {"epochs": 2, "batch": "all", "evaluate": "1 epoch", "save": "5%"},
        }
    )
    (conv,) = spec.model.layers
    assert isinstance(conv, Layer.kinds["conv"])
    assert isinstance(conv.conv, Expression)
    assert conv.kernel == (3, 5)
    assert spec.train is not None
    assert (spec.train.evaluate, spec.train.save) == (Duration(1, "epochs"), Duration(5, "%"))
    assert (spec.name, spec.seed, names_read(spec)) == ("a", 3, {"width"})


def test_initial_values_by_parameter() -> None:
    init = {"kernel": [[1, 2]], "bias": {"normal": 0.1}}
    (dense,) = read({"model": {"layers": [{"dense": 2, "init": init}]}}).model.layers
    assert isinstance(dense.init, dict)
    assert {name: str(value.lower()) for name, value in dense.init.items()} == {
        "kernel": "literal(((1.0, 2.0),))",
        "bias": "normal(0.1)",
    }


BLOCK = {"args": {"width": "int", "copy": 2, "lower": True}, "layers": [{"dense": "$width * copy", "bias": "$lower"}]}


@pytest.mark.parametrize(
    ("item", "values"),
    [
        ({"pair": 3}, {"width": 3, "copy": 2, "lower": True}),
        ({"pair": [3, 4, False]}, {"width": 3, "copy": 4, "lower": False}),
        ({"pair": True, "width": 3}, {"width": 3, "copy": 2, "lower": True}),
        ({"pair": [3], "lower": False, "times": 2}, {"width": 3, "copy": 2, "lower": False}),
    ],
)
def test_arguments_of_a_block(item: dict[str, Any], values: dict[str, Any]) -> None:
    (layer,) = read({"block": {"pair": BLOCK}, "model": {"layers": [item]}}).model.layers
    assert isinstance(layer, UserBlock)
    assert layer.values() == values


def test_all_mistakes_are_told_at_once_in_the_order_of_their_places() -> None:
    found = mistakes(
        {
            "model": {"layers": [{"dens": 3}, {"dense": "3", "kernel": 3}]},
            "loss": {"kind": "hinges"},
            "train": {"epochs": 0, "keep": {"bast": 1}},
            "sweep": {"over": 1},
        }
    )
    assert [d.code for d in found] == [
        "unknown-kind",
        "value",
        "unknown-key",
        "unknown-kind",
        "value",
        "unknown-key",
        "unknown-key",
    ]
    lines = [d.place.line for d in found if d.place is not None]
    assert lines == sorted(lines)


def test_no_more_mistakes_than_a_person_reads() -> None:
    assert len(mistakes({"model": {"layers": ["rellu"] * 5000}})) == MOST_MISTAKES


@pytest.mark.parametrize("value", ["64", 1.5, True, [3], {"a": 1}, -3, 2**31])
def test_a_count_is_a_count(value: Any) -> None:
    (diagnostic,) = mistakes({"model": {"layers": [{"dense": value}]}})
    assert diagnostic.code == "value"
    assert diagnostic.message.startswith("'dense' must be ")


def test_unused_names_are_told_in_the_order_of_the_text() -> None:
    names = [f"n{i}" for i in range(9)]
    found = mistakes({"let": dict.fromkeys(names, 1), "block": {name: {"layers": ["relu"]} for name in names}})
    assert [d.message for d in found] == [
        *(f"nothing reads '{name}'" for name in names),
        *(f"no layer is of the kind '{name}'" for name in names),
    ]
