"""Document to Spec: every value checked against the class of its kind, every mistake reported, each at its place."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, TypeVar

from pydantic.fields import FieldInfo

from netspec.diagnostics import Diagnostic, SpecError, nearest
from netspec.document import Document, Path
from netspec.spec.block_reader import NAME, NAME_RULE, BlockReader
from netspec.spec.blocks import Late, UserBlock
from netspec.spec.data import Data
from netspec.spec.kind import Kind, Section, Table
from netspec.spec.layer import Layer
from netspec.spec.lint import Lint
from netspec.spec.losses import Loss
from netspec.spec.mistakes import quoted
from netspec.spec.names import names_in, names_read, nested, tables
from netspec.spec.optimizers import Optimizer
from netspec.spec.optimizers.reading import read_chain
from netspec.spec.reader import EnoughError
from netspec.spec.reporting import WRITERS, Report
from netspec.spec.schedules import Schedule
from netspec.spec.sections import Model, Spec
from netspec.spec.start import Start
from netspec.spec.training import Phase, Train
from netspec.spec.values import described

__all__ = ["decode"]

SECTIONS = (
    "name",
    "seed",
    "extends",
    "let",
    "data",
    "block",
    "model",
    "models",
    "loss",
    "optimizer",
    "schedule",
    "train",
    "phase",
    "start",
    "report",
    "lint",
)

CONSTANTS = frozenset({"channels", "classes", "features", "targets", "vocabulary"})
"""Names that every expression may use, where they stand for something."""

T = TypeVar("T", bound=Table)


def decode(document: Document) -> Spec:
    """The spec that a document holds.

    Raises:
        SpecError: with every mistake of the document, in the order of their places.
    """
    reader = _SpecReader(document)
    spec = None
    with contextlib.suppress(EnoughError):
        spec = reader.spec()
    if reader.mistakes:
        raise SpecError(*_in_order(reader.mistakes))
    assert spec is not None
    return spec


def _is_item(raw: Mapping[str, Any]) -> bool:
    """Whether a loss is written as an item: it has no `kind`, and a key that is one, or was meant to be one."""
    if not raw or "kind" in raw:
        return False
    keys = {key for kind in Loss.kinds.values() for key in (*kind.keys(), *kind.universal())}
    return not raw.keys().isdisjoint(Loss.kinds) or nearest(next(iter(raw)), {"kind", *Loss.kinds, *keys}) in Loss.kinds


def _in_order(mistakes: Iterable[Diagnostic]) -> list[Diagnostic]:
    def position(diagnostic: Diagnostic) -> tuple[int, int, int]:
        place = diagnostic.place
        return (1, 0, 0) if place is None else (0, place.line, place.column)

    return sorted(dict.fromkeys(mistakes), key=position)


class _SpecReader(BlockReader):
    """Reads the sections of a spec."""

    def spec(self) -> Spec | None:
        values = self.document.values
        for key in values:
            if key not in SECTIONS:
                self.unknown_key("a spec", key, (key,), SECTIONS)
        if "extends" in values:
            place = self.document.key_place(("extends",))
            self.wrong("override", "'extends' stands in a spec's own text, and cannot be set", place)
        name = self.name_of_spec(values.get("name"))
        seed = self.seed(values.get("seed", 0))
        let = self.let(self.table_at("let"))
        definitions = self.definitions(self.table_at("block"))
        data = self.section(Data, "data")
        model = self.section(Model, "model")
        models = self.models(self.table_at("models"))
        self.check_models(values)
        losses = () if values.get("loss") is None else self.losses(values["loss"], ("loss",))
        optimizer = self.kind_section(Optimizer, "optimizer")
        schedule = self.kind_section(Schedule, "schedule")
        train = self.section(Train, "train")
        phases = self.phases(values.get("phase", []))
        start = self.section(Start, "start")
        report = self.section(Report, "report")
        lint = self.section(Lint, "lint") or Lint()
        self.check_train(train, phases)
        self.check_phases(phases)
        if self.mistakes:
            return None
        spec = Spec(
            name=name,
            seed=seed,
            let=let,
            data=data,
            blocks=definitions,
            model=model,
            models=models,
            losses=losses,
            optimizer=optimizer,
            schedule=schedule,
            train=train,
            document=self.document,
            lint=lint,
            phases=tuple(phase for phase in phases if phase is not None),
            start=start,
            report=report,
        )
        self.check_used(spec)
        return spec

    def models(self, raw: Mapping[str, Any]) -> dict[str, Model]:
        found = {}
        for name, body in raw.items():
            self.check_name(name, ("models", name))
            if not isinstance(body, dict):
                self.not_a_table(f"[models.{name}]", body, ("models", name))
                continue
            self.check_model(body, ("models", name), f"[models.{name}]")
            model = self.table(Model, body, ("models", name), f"[models.{name}]", tuple(Model.model_fields))
            if model is not None:
                found[name] = model
        return found

    def check_models(self, values: Mapping[str, Any]) -> None:
        if "model" not in values and not values.get("models"):
            place = self.document.value_place(())
            self.wrong("missing-key", "a spec needs a [model]", place, help="add [model] with layers = [ … ]")
        elif "model" in values and "models" in values:
            place = self.document.key_place(("models",))
            self.wrong("choice", "a spec has [model], or [models.NAME] for several, and not both", place)
        if isinstance(values.get("model"), dict):
            self.check_model(values["model"], ("model",), "[model]")
        if "data" in values and isinstance(values.get("model"), dict) and "point" in values["model"]:
            place = self.document.key_place(("data",))
            self.wrong("choice", "a point learns from no data, and there is a [data]", place, "leave it out")

    def check_model(self, raw: Mapping[str, Any], path: Path, owner: str) -> None:
        """See that a model is said by its layers; or is a point, where it is the only one."""
        if not {"layers", "point"} & raw.keys():
            place = self.document.key_place(path)
            self.wrong("missing-key", f"{owner} needs 'layers'", place, help="add layers = …")
        if "point" in raw and path != ("model",):
            place = self.document.key_place((*path, "point"))
            self.wrong("choice", "a point is the only model of a spec", place, help="write it in [model]")

    def losses(self, raw: Any, path: Path) -> tuple[Loss, ...]:
        """`[loss]`, each `[[loss]]`, or a list of items: `loss = [{ cross_entropy = "digit" }]`."""
        if not isinstance(raw, list):
            loss = self.loss(raw, path, "[loss]")
            return () if loss is None else (loss,)
        found = [self.loss(part, (*path, i), "[[loss]]") for i, part in enumerate(raw)]
        return tuple(loss for loss in found if loss is not None)

    def loss(self, raw: Any, path: Path, owner: str) -> Loss | None:
        """A section with a `kind`, or an item that begins with it."""
        listed = isinstance(raw, str) and owner == "[[loss]]"
        if listed or (isinstance(raw, dict) and _is_item(raw)):
            item: Loss | None = self.item(raw, path, Loss, owner)
            return item
        section: Loss | None = self.kind_table(Loss, raw, path, owner)
        return section

    def phases(self, raw: Any) -> list[Phase | None]:
        """Each `[[phase]]`; None for one with a mistake."""
        if not isinstance(raw, list):
            place = self.document.key_place(("phase",))
            help_ = "write [[phase]], in two pairs of brackets, before each"
            self.wrong("value", f"[[phase]] must be a list of tables, not {described(raw)}", place, help=help_)
            return []
        return [self.phase(body, ("phase", i)) for i, body in enumerate(raw)]

    def phase(self, raw: Any, path: Path) -> Phase | None:
        if isinstance(raw, dict):
            return self.table(Phase, raw, path, "[[phase]]", tuple(Phase.model_fields))
        self.not_a_table("[[phase]]", raw, path)
        return None

    def check_phases(self, phases: Sequence[Phase | None]) -> None:
        """No two have one name."""
        named = set[str]()
        for i, phase in enumerate(phases):
            if phase is None:
                continue
            name = phase.called(i)
            if name in named:
                place = self.document.value_place(("phase", i, *(() if phase.name is None else ("name",))))
                self.wrong("name", f"two phases are called '{name}'", place, "choose another name")
            named.add(name)

    def unknown_key(
        self, owner: str, key: str, path: Path, keys: Sequence[str], also: Iterable[str] = ()
    ) -> str | None:
        """Tell an unknown key; of one that `[train]` has, and of `[report]`, that it stands there."""
        message, place = f"{owner} has no key {quoted(key)}", self.document.key_place(path)
        if len(path) == 2 and key == "report":
            self.wrong("unknown-key", message, place, "it is a section of its own: [report]")
            return None
        if owner == "a spec" and key in WRITERS:
            self.wrong("unknown-key", message, place, f'write [report] with to = ["{key}"]')
            return None
        if path[0] in ("train", "phase") or len(path) != 2 or key not in Train.model_fields or owner == "a spec":
            return super().unknown_key(owner, key, path, keys, also)
        self.wrong("unknown-key", message, place, f"it is a key of [train]: {key} = …")
        return None

    def inner(self, info: FieldInfo, raw: Any, path: Path, owner: str) -> Any:
        mark = next((m for m in info.metadata if isinstance(m, Section)), None)
        if mark is None:
            return super().inner(info, raw, path, owner)
        return self.losses(raw, path) if mark.family is Loss else self.kind_table(mark.family, raw, path, owner)

    def table_at(self, key: str) -> Mapping[str, Any]:
        raw = self.document.values.get(key, {})
        if isinstance(raw, dict):
            return raw
        self.not_a_table(f"[{key}]", raw, (key,))
        return {}

    def name_of_spec(self, raw: Any) -> str:
        if raw is None:
            stem = re.sub(r"[^a-z0-9_]+", "_", PurePath(self.document.source.name).stem.lower()).strip("_")
            return stem if NAME.fullmatch(stem) else "network"
        if not isinstance(raw, str) or not NAME.fullmatch(raw):
            self.wrong(
                "name", f"{described(raw)} cannot be a name", self.document.value_place(("name",)), label=NAME_RULE
            )
            return "network"
        return raw

    def seed(self, raw: Any) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or not 0 <= raw < 2**32:
            message = f"'seed' must be a whole number from 0 to 4294967295, not {described(raw)}"
            self.wrong("value", message, self.document.value_place(("seed",)))
            return 0
        return raw

    def let(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in raw.items():
            path = ("let", key)
            self.check_name(key, path)
            if key in CONSTANTS:
                what = "the width of a layer's input" if key == "channels" else "what the data tells"
                place = self.document.key_place(path)
                self.wrong("name", f"'{key}' is {what} already", place, "choose another name")
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
                self.wrong(
                    "value",
                    f"'{key}' of [let] must be a number, not {described(value)}",
                    self.document.value_place(path),
                )
            found[key] = value
        return found

    def section(self, cls: type[T], key: str) -> T | None:
        raw = self.document.values.get(key)
        if raw is None:
            return None
        if not isinstance(raw, dict):
            self.not_a_table(f"[{key}]", raw, (key,))
            return None
        return self.table(cls, raw, (key,), f"[{key}]", tuple(cls.model_fields))

    def kind_section(self, family: type[Kind], key: str) -> Any:
        raw = self.document.values.get(key)
        return None if raw is None else self.kind_table(family, raw, (key,), f"[{key}]")

    def kind_table(self, family: type[Kind], raw: Any, path: Path, owner: str) -> Any:
        """A section whose `kind` says which class reads it."""
        if not isinstance(raw, dict):
            self.not_a_table(owner, raw, path)
            return None
        if family is Optimizer and "chain" in raw:
            return read_chain(self, raw, path, owner)
        if "kind" not in raw:
            place, note = self.document.key_place(path), self.listed(family)
            self.wrong("missing-key", f"{owner} needs 'kind'", place, note=note, help="add kind = …")
            return None
        kind = self.kind(raw["kind"], family, self.document.value_place((*path, "kind")))
        rest = {k: v for k, v in raw.items() if k != "kind"}
        return kind and self.table(kind, rest, path, kind.kind, (*kind.keys(), *kind.universal()))

    def check_train(self, train: Train | None, phases: Sequence[Phase | None]) -> None:
        """Each phase needs a length of its own, or that of `[train]`."""
        either = "'epochs' or 'steps'"
        for path, table in (("train",), train), *((("phase", i), phase) for i, phase in enumerate(phases)):
            if table is not None and table.epochs is not None and table.steps is not None:
                place = self.document.key_place((*path, "steps"))
                owner = "[train]" if path == ("train",) else "[[phase]]"
                self.wrong("choice", f"{owner} has both 'epochs' and 'steps'", place, label="give one of them")
        if train is not None and (train.epochs is not None or train.steps is not None):
            return
        for i, phase in enumerate(phases):
            if phase is not None and phase.epochs is None and phase.steps is None:
                place = self.document.key_place(("phase", i))
                self.wrong("choice", f"[[phase]] needs {either}, which [train] does not give", place)
        if train is not None and not phases:
            place = self.document.key_place(("train",))
            self.wrong("choice", f"[train] needs {either}", place, label="give one of them")

    def check_used(self, spec: Spec) -> None:
        document = self.document
        names = names_read(spec)
        arguments = {a for block in spec.blocks.values() for a in block.arguments}
        if names - spec.let.keys() - arguments - CONSTANTS:
            return  # A misspelt name leaves the right one unread: it is told where it is looked up.
        used_blocks = {table.kind for table in tables(spec) if isinstance(table, UserBlock)}
        for name in (n for n in spec.blocks if n not in used_blocks):
            self.wrong(
                "unused", f"no layer is of the kind '{name}'", document.key_place(("block", name)), label="never used"
            )
        for name in (n for n in spec.let if n not in names):
            self.wrong("unused", f"nothing reads '{name}'", document.key_place(("let", name)), label="never used")
        for name, block in spec.blocks.items():
            inside = set[str]().union(*(names_in(t) for layer in block.layers for t in nested(layer)))
            inside |= {n for layer in block.layers for t in nested(layer) if isinstance(t, Layer) for n in t.reads()}
            inside |= {n for d in block.defaults.values() if isinstance(d, Late) for n in d.expression.names}
            for argument in (a for a in block.arguments if a not in inside):
                message = f"nothing in [block.{name}] reads '{argument}'"
                self.wrong("unused", message, document.key_place(("block", name, "args", argument)), label="never used")
