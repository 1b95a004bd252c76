"""The manual: a page for every kind, family and section, made from their classes; and what has no class, in a table.

Knows nothing of terminals, and loads no JAX: what a layer becomes for an input, `netspec.commands.manual` fills in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from netspec.diagnostics import Diagnostic, SpecError, nearest
from netspec.spec import expression
from netspec.spec.examples import example
from netspec.spec.families import FAMILIES, members
from netspec.spec.keys import Key, description, first_sentence, in_words, keys_of, papers
from netspec.spec.kind import Kind, Table
from netspec.spec.optimizers import OPEN, Group, signature
from netspec.spec.restructured import described
from netspec.spec.schema import NOTES, tables

__all__ = ["Page", "find", "listed", "pages", "to_json"]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the manual.

    Args:
        family: what it is one of: "layer", "loss", "section", …
        name: as a spec writes it.
        text: what it is.
        keys: of its own.
        every: keys that all of its family take; on the family's own page they are the `keys`.
        kinds: of a family's page, by name, the first sentence of each.
        example: in TOML.
        becomes: the calls that the example becomes, one a line.
        papers: where it is from.
        kind: the class of a kind's page.
    """

    family: str
    name: str
    text: str
    keys: tuple[Key, ...] = ()
    every: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    example: str = ""
    becomes: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()
    kind: type[Kind] | None = None


SECTION = "section"

EXAMPLES: Mapping[str, str] = {
    "name": 'name = "lenet5"',
    "seed": "seed = 1",
    "extends": 'extends = "lenet5.toml"',
    "let": '[let]\nwidth = 64\n\n[model]\nlayers = [{ dense = "$width * 2" }, { dense = "$classes" }]',
    "block": '[block.basic]\nargs = { width = "int", stride = 1 }\nlayers = [{ conv = "$width", stride = "$stride" }, '
    '"relu"]\n\n[model]\nlayers = [{ basic = 16 }, { basic = 32, stride = 2, times = 3 }]',
    "models": "[models.generator]\ninput = [64]\nlayers = [{ dense = 784 }]",
    "model": '[model]\ninput = [28, 28, 1]\nlayers = [{ conv = 16 }, "relu", "flatten", { dense = 10 }]',
    "data": '[data]\nsource = "digits"\ntransform = ["standardize"]\nsplit = { validation = 0.1, test = 0.2 }',
    "split": "split = { validation = 0.1, test = 0.2 }",
    "train": "[train]\nepochs = 30\nbatch = 64",
    "phase": '[[phase]]\nname = "head"\nepochs = 5\nfreeze = "conv*/**"\n\n[[phase]]\nname = "all"\nepochs = 5\n'
    'optimizer = { kind = "adam", learning_rate = 1e-4 }',
    "group": '[[optimizer.group]]\nmatch = ["**/bias", "batch_norm*/**"]\nweight_decay = 0.0',
    "stop": 'stop = { patience = 10, metric = "validation/loss" }',
    "keep": 'keep = { best = "validation/accuracy" }',
    "start": '[start]\nrun = "runs/lenet5-1"\nonly = "conv*/**"',
    "report": '[report]\nto = ["tensorboard"]',
    "duration": 'warmup = "5%"',
    "expression": '{ dense = "$width * 2" }',
}
"""Of sections, of the tables in them and of values, an example of each."""

VALUES: Mapping[str, str] = {
    "duration": """A stretch of a training.

A whole number is steps: `500`. Or a string: `"500 steps"`, `"10 epochs"`, or `"5%"` of the whole training.""",
    "expression": f"""{(expression.__doc__ or "").strip()}

The names are those of [let], inside a block its arguments, what the data tells (classes, features, targets, vocabulary)
and `channels`, the width of the layer's own input. An expression may stand wherever a number or a switch may.""",
}
"""Of kinds of value that many keys take, what each is."""


@cache
def pages() -> tuple[Page, ...]:
    """Every page, families first to last and sections after them."""
    found: list[Page] = []
    for family in FAMILIES.values():
        found.append(_family_page(family))
        found += [_kind_page(kind, family) for kind in members(family).values()]
    found += [Page(SECTION, key, text, example=EXAMPLES[key]) for key, text in NOTES.items()]
    found += [*map(_table_page, tables()), _table_page(Group)]
    found += [Page("value", name, text, example=EXAMPLES[name]) for name, text in VALUES.items()]
    return tuple(found)


def _family_page(family: type[Kind]) -> Page:
    kinds = {name: first_sentence(description(kind)) for name, kind in members(family).items()}
    keys = tuple(key for name, key in keys_of(family).items() if name in family.universal())
    return Page("family", family.family, description(family), keys, kinds=kinds)


def _kind_page(kind: type[Kind], family: type[Kind]) -> Page:
    every = kind.universal()
    own = tuple(key for name, key in keys_of(kind).items() if name not in every)
    text = description(kind)
    found = signature(kind.kind) if family in OPEN else None
    from_ = papers(text) if found is None else described(found.doc).references
    return Page(family.family, kind.kind, text, own, every, example=example(kind), papers=from_, kind=kind)


def _table_page(cls: type[Table]) -> Page:
    name = cls.__name__.lower()
    keys = tuple(keys_of(cls).values())
    return Page(SECTION, name, description(cls), keys, example=EXAMPLES.get(name, f"[{name}]"))


def find(word: str) -> tuple[Page, ...]:
    """The pages of a word: of every family that has a kind of that name, or of one (`schedule.step`).

    Raises:
        SpecError: there is none.
    """
    family, _, name = word.strip("[] ").rpartition(".")
    found = tuple(p for p in pages() if p.name == name and _is_of(p, family))
    plural = FAMILIES.get(name)
    if plural is not None and not family:
        found += tuple(p for p in pages() if p.family == "family" and p.name == plural.family and p.name != name)
    if found:
        return found
    holders = {f.family for f in FAMILIES.values() if name in f.universal() and family in ("", f.family)}
    if holders:
        return tuple(p for p in pages() if p.family == "family" and p.name in holders)
    guess = nearest(name, {p.name for p in pages() if _is_of(p, family)} | FAMILIES.keys())
    help_ = f"did you mean '{guess}'?" if guess else "netspec list shows all that there is"
    if owners := [page.name for page in pages() if any(key.name == name for key in page.keys)]:
        shown = ", ".join(owners[:4]) + (", …" if len(owners) > 4 else "")
        help_ = f"it is a key of {shown}: netspec explain {owners[0]}"
    raise SpecError(Diagnostic("unknown-kind", f"nothing is called '{word}'", help=help_))


def _is_of(page: Page, family: str) -> bool:
    words = (page.family, next((w for w, f in FAMILIES.items() if f.family == page.family), ""))
    return not family or family.replace("_", " ") in words


def listed(family: str | None = None, search: str | None = None) -> Mapping[str, tuple[Page, ...]]:
    """The pages of kinds and sections by family, in plural words.

    Args:
        family: only this one.
        search: only those that have it in their name or on their page, capitals or not.

    Raises:
        SpecError: there is no such family.
    """
    groups = {word: tuple(p for p in pages() if p.family == f.family) for word, f in FAMILIES.items()}
    groups["sections"] = tuple(p for p in pages() if p.family == SECTION)
    groups["values"] = tuple(p for p in pages() if p.family == "value")
    if family is not None:
        singular = {pages_[0].family: word for word, pages_ in groups.items() if pages_}
        word = singular.get(wanted := family.replace("_", " "), wanted)
        if word not in groups:
            guess = nearest(word, groups)
            help_ = f"did you mean '{guess}'?" if guess else ""
            message = f"no family of kinds is called '{family}'"
            raise SpecError(Diagnostic("unknown-kind", message, note=f"there are: {', '.join(groups)}", help=help_))
        groups = {word: groups[word]}
    needle = (search or "").casefold()
    kept = {word: tuple(p for p in found if needle in _all_text(p)) for word, found in groups.items()}
    return {word: found for word, found in kept.items() if found}


def _all_text(page: Page) -> str:
    parts = (page.name, page.text, *(f"{key.name} {key.text}" for key in page.keys), *page.papers)
    return "\n".join(parts).casefold()


def to_json(page: Page) -> dict[str, Any]:
    """A page as plain data; the shape is public (see `netspec explain --json`)."""
    return {
        "family": page.family,
        "name": page.name,
        "text": page.text,
        "keys": [_key_json(key) for key in page.keys],
        "every": list(page.every),
        "kinds": dict(page.kinds),
        "example": page.example,
        "becomes": list(page.becomes),
        "papers": list(page.papers),
    }


def _key_json(key: Key) -> dict[str, Any]:
    return {
        "key": key.name,
        "type": in_words(key.schema),
        "required": key.required,
        "default": key.default or None,
        "text": key.text,
    }
