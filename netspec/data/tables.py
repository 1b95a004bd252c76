"""Tables: their rows as examples.

A table is gone through twice: what a column is, only all its cells can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from netspec.data.cells import Mistakes, as_codes, as_numbers, label
from netspec.data.columns import Look, lookup, target_format
from netspec.data.files import Where
from netspec.data.format import (
    Array,
    Column,
    Examples,
    Format,
    InputFormat,
    Survey,
    TargetFormat,
    input_name,
    number_in,
)
from netspec.data.rows import DELIMITERS, Table, opened
from netspec.data.texts import UNLEARNED, TextColumn, as_tokens
from netspec.diagnostics import DataError, Diagnostic, nearest
from netspec.spec.data import Split

__all__ = ["Csv", "Table", "TextColumn", "column_named", "opened", "read_examples", "read_inputs"]


@dataclass(frozen=True, slots=True)
class Csv:
    """A table, some of whose columns are to be predicted.

    Args:
        path: as it was written.
        target: the column's name; None for the last; names of several, each a target of its own.
        task: "classify" or "regress"; None where the column itself says.
        lookup: columns whose values are looked up, each an input of its own.
        text: the column of texts, if there is one.
    """

    path: str
    target: str | tuple[str, ...] | None = None
    task: str | None = None
    lookup: tuple[str, ...] = ()
    text: TextColumn | None = None

    def survey(self, where: Where, split: Split) -> Survey:
        return self.read(where, split)[0]

    def read(self, where: Where, split: Split) -> tuple[Survey, Examples]:
        table = opened(where.file("csv", self.path))
        survey, texts = self._surveyed(table, where)
        rows: list[int] = []
        examples = _read(table, survey.format, rows)
        if self.text is None:
            return survey, examples
        return self.text.added(survey, examples, dict(zip(rows, texts, strict=True)), table.file, where, split)

    def _surveyed(self, table: Table, where: Where) -> tuple[Survey, list[str]]:
        """What the columns are, and the cells of the text."""
        targets = self._targets(table, where)
        for column in self.lookup:
            column_named(column, table, "lookup", where)
        if self.text is not None:
            column_named(self.text.column, table, "text", where)
        self._check_uses(targets, table, where)
        looks = {name: Look() for name in table.header}
        kept: dict[str, list[str]] = {
            n: [] for n in (*targets, *self.lookup, *([self.text.column] if self.text else []))
        }
        count = 0
        for chunk in table.chunks(range(len(table.header))):
            count += len(chunk.rows)
            for name, cells in zip(table.header, chunk.columns, strict=True):
                if name in kept:
                    kept[name] += cells
                else:
                    looks[name].see(cells)
        if not count:
            raise table.file.error("no-examples", "there are no rows below the header")
        columns = tuple(look.column(name, table.file) for name, look in looks.items() if name not in kept)
        inputs = self._inputs(columns, kept, table, where)
        found = [target_format(kept[name], self.task, table.file, name, where) for name in targets]
        names = _names(targets, "target", table, where) if isinstance(self.target, tuple) else ["target"]
        known = Format(inputs, dict(zip(names, found, strict=True)), "table")
        return Survey(known, count), kept[self.text.column] if self.text else []

    def _inputs(
        self, columns: tuple[Column, ...], kept: Mapping[str, list[str]], table: Table, where: Where
    ) -> dict[str, InputFormat]:
        found = {"input": InputFormat((sum(c.width for c in columns),), "float32", columns)} if columns else {}
        for name, column in zip(_names(self.lookup, "lookup", table, where, found), self.lookup, strict=True):
            values = lookup(column, kept[column], table.file)
            found[name] = InputFormat((), "int32", (values,), vocabulary=len(values.words))
        if self.text is None:
            return found
        (name,) = _names([self.text.column], "text", table, where, found) if found else ["input"]
        return {**found, name: self.text.unlearned()}

    def _targets(self, table: Table, where: Where) -> tuple[str, ...]:
        if len(table.header) < 2:
            found = f"there is one column only, '{table.header[0]}'"
            help_ = f"cells are parted by {' or '.join(DELIMITERS.values())}"
            raise table.file.error("bad-header", f"{found}; there must be inputs and a target", help=help_)
        if self.target is None:
            return (table.header[-1],)
        targets = self.target if isinstance(self.target, tuple) else (self.target,)
        return tuple(column_named(name, table, "target", where) for name in targets)

    def _check_uses(self, targets: Sequence[str], table: Table, where: Where) -> None:
        """See that no column serves two ends, and that one is left to be the input."""
        uses = [("target", c) for c in targets] + [("lookup", c) for c in self.lookup]
        uses += [("text", self.text.column)] if self.text else []
        for i, (key, column) in enumerate(uses):
            earlier = [k for k, c in uses[:i] if c == column]
            if earlier:
                message = f"column '{column}' is named by '{earlier[0]}' already"
                help_ = "say which column is the target" if self.target is None else ""
                raise DataError(Diagnostic("choice", message, where.key(key), help=help_))
        if len(table.header) == len(targets):
            message = f"{table.file.name}: every column is a target, and none is left to be an input"
            raise DataError(Diagnostic("choice", message, where.key("target")))


def column_named(name: str, table: Table, key: str, where: Where) -> str:
    """The same name, if a column is called so.

    Raises:
        DataError: none is.
    """
    if name in table.header:
        return name
    guess = nearest(name, table.header)
    message = f"{table.file.name}: no column is called '{name}'"
    label = f"did you mean '{guess}'?" if guess else ""
    note = f"there are: {', '.join(table.header)}"
    raise DataError(Diagnostic("no-such-column", message, where.key(key), str(table.file.path), label, note))


def _names(columns: Sequence[str], key: str, table: Table, where: Where, taken: Iterable[str] = ()) -> list[str]:
    """The names that columns give inputs or targets of their own."""
    found: list[str] = []
    for column in columns:
        name = input_name(column)
        if name is None or name in (*taken, *found):
            why = "is the name of another one" if name else "holds no letter that a name could begin with"
            message = f"{table.file.name}: column '{column}' would be called '{name or ''}', which {why}"
            raise DataError(Diagnostic("name", message, where.key(key), help="change its name in the header"))
        found.append(name)
    return found


# -- rows ------------------------------------------------------------------------------------------------------------

Convert = Callable[[Sequence[Sequence[str]], Sequence[int]], Array]
"""Makes the cells of some columns, and the numbers of their rows, one array."""


def read_inputs(table: Table, format: Format) -> tuple[list[int], dict[str, Array]]:  # noqa: A002
    """The rows' numbers, and their inputs by name; target columns are passed over.

    Raises:
        DataError: columns that are not the format's; cells that are missing or do not fit their column.
    """
    _check_columns(table, format, {t.source for t in format.targets.values()})
    rows: list[int] = []
    return rows, dict(_read(table, replace(format, targets={}), rows).inputs)  # type: ignore[arg-type]


def read_examples(table: Table, format: Format) -> Examples:  # noqa: A002
    """The examples of a table with inputs and targets.

    Raises:
        DataError: columns that are not the format's; cells that are missing or do not fit their column.
    """
    _check_columns(table, format, set())
    return _read(table, format)


def _read(table: Table, format_: Format, rows: list[int] | None = None) -> Examples:
    """The examples of a table whose columns are known to be the format's.

    Args:
        rows: is filled with their numbers.
    """
    mistakes = Mistakes(table.file)
    known = {n: i for n, i in format_.inputs.items() if i.shape != UNLEARNED}
    wanted: list[tuple[list[str], Convert]] = [_input_reader(i, mistakes) for i in known.values()]
    wanted += [_target_reader(t, mistakes) for t in format_.targets.values()]
    names = list(dict.fromkeys(name for columns, _ in wanted for name in columns))
    found: list[list[Array]] = [[] for _ in wanted]
    for chunk in table.chunks([table.header.index(name) for name in names]):
        cells = dict(zip(names, chunk.columns, strict=True))
        if rows is not None:
            rows += chunk.rows
        for arrays, (columns, convert) in zip(found, wanted, strict=True):
            arrays.append(convert([cells[c] for c in columns], chunk.rows))
    mistakes.check()
    empty = [convert([[] for _ in columns], []) for columns, convert in wanted]
    joined = [np.concatenate([first, *arrays]) for first, arrays in zip(empty, found, strict=True)]
    return Examples(
        dict(zip(known, joined, strict=False)), dict(zip(format_.targets, joined[len(known) :], strict=True))
    )


def _check_columns(table: Table, format_: Format, optional: set[str]) -> None:
    """The format's columns, in any order, and no others."""
    inputs = [c.name for known in format_.inputs.values() for c in known.columns]
    targets = [t.source for t in format_.targets.values()]
    missing = [name for name in sorted({*inputs, *targets} - optional) if name not in table.header]
    unknown = [name for name in table.header if name not in {*inputs, *targets}]
    if missing or unknown:
        lacking = [f"lacks column {_quoted(missing)}"] if missing else []
        excess = [f"has column {_quoted(unknown)}, which the network does not take"] if unknown else []
        note = f"the columns are: {', '.join(inputs)}; target: {', '.join(targets)}"
        raise table.file.error("wrong-columns", " and ".join([*lacking, *excess]), note=note)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _input_reader(known: InputFormat, mistakes: Mistakes) -> tuple[list[str], Convert]:
    """The columns that an input is made of, and what makes it of their cells."""
    names = [c.name for c in known.columns]
    if known.tokens is not None:
        return names, lambda cells, rows: as_tokens(cells[0], rows, known, mistakes)
    if known.looked_up:
        (column,) = known.columns
        index = {word: i for i, word in enumerate(column.words)}
        return names, lambda cells, rows: as_codes(
            [label(c) for c in cells[0]], rows, column.name, index, "word", mistakes
        )
    each = [_column_reader(c, mistakes) for c in known.columns]

    def convert(cells: Sequence[Sequence[str]], rows: Sequence[int]) -> Array:
        parts = [read(own, rows) for read, own in zip(each, cells, strict=True)]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    return names, convert


def _column_reader(column: Column, mistakes: Mistakes) -> Callable[[Sequence[str], Sequence[int]], Array]:
    """What makes a column's cells numbers of the input, [rows, width]."""
    if not column.words:
        return lambda cells, rows: as_numbers(cells, rows, column.name, mistakes)[:, None]
    index = {word: i for i, word in enumerate(column.words)}

    def convert(cells: Sequence[str], rows: Sequence[int]) -> Array:
        codes = as_codes(cells, rows, column.name, index, "word", mistakes)
        return np.eye(len(index))[codes] if column.width > 1 else codes[:, None]

    return convert


def _target_reader(known: TargetFormat, mistakes: Mistakes) -> tuple[list[str], Convert]:
    name = known.source
    if known.kind == "number":
        return [name], lambda cells, rows: as_numbers(cells[0], rows, name, mistakes)[:, None]
    index = {word: i for i, word in enumerate(known.labels)}
    numbers = all(number_in(word) is not None for word in known.labels)

    def convert(cells: Sequence[Sequence[str]], rows: Sequence[int]) -> Array:
        own = [label(c) for c in cells[0]] if numbers else cells[0]
        return as_codes(own, rows, name, index, "label", mistakes)

    return [name], convert
