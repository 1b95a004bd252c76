"""The places of a document: the text at each is the value there, whatever the TOML."""

from __future__ import annotations

import datetime
import pathlib
import random
from collections.abc import Iterator
from typing import Any

import pytest
import tomli
from hypothesis import example, given
from hypothesis import strategies as st

from netspec.diagnostics import NetspecError, Place, SpecError
from netspec.document import Document, Path, override, parse, read
from netspec.document.scan import scan

FOLDER = pathlib.Path(__file__).parent / "documents"
VALID = sorted((FOLDER / "valid").glob("*.toml"))
INVALID = sorted((FOLDER / "invalid").glob("*.toml"))


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value inside a value, with its path."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inside in items:
        yield (*path, step), inside
        yield from walk(inside, (*path, step))


def shown(place: Place) -> str:
    """The text at a place, which lies within its line."""
    line = place.source.text.split("\n")[place.line - 1].removesuffix("\r")
    assert 1 <= place.column < place.end_column <= len(line) + 1
    return line[place.column - 1 : place.end_column - 1]


def is_value(text: str, value: Any) -> bool:
    try:
        return repr(tomli.loads(f"x = {text}")["x"]) == repr(value)
    except tomli.TOMLDecodeError:
        return False


def is_mention(text: str, path: Path) -> bool:
    """Whether the text is a header that leads to the path, or the last part of a key that does."""
    names = [step for step in path if isinstance(step, str)]
    if not text.startswith("["):
        return list(tomli.loads(f"{text} = 0")) == names[-1:]
    return [inside[-1] for inside, _ in walk(tomli.loads(text)) if isinstance(inside[-1], str)] == names


def check(text: str) -> Document:
    """Hold a text that tomli accepts to everything that a document promises."""
    document = parse(text, "test.toml")
    assert repr(document.values) == repr(tomli.loads(text))
    values = dict(walk(document.values))
    assert document.places.keys() == values.keys()
    assert document.keys.keys() == {path for path in values if isinstance(path[-1], str)}
    unix = text.replace("\r\n", "\n")
    for path, key, value in scan(unix).found:
        if key is not None:
            assert list(tomli.loads(f"{unix[slice(*key)]} = 0")) == [path[-1]]
        written = unix[slice(*value)]
        assert is_value(written, values[path]) or is_mention(written, path), (path, written)
    for path, place in document.places.items():
        if isinstance(values[path], bool | int | float | datetime.date | datetime.time):
            assert is_value(shown(place), values[path])
        assert document.value_place(path) is place
    for path, place in document.keys.items():
        assert list(tomli.loads(f"{shown(place)} = 0")) == [path[-1]]
        assert document.key_place(path) is place
    return document


@pytest.mark.parametrize("path", VALID, ids=lambda p: p.stem)
def test_places_of_valid_documents(path: pathlib.Path) -> None:
    check(path.read_bytes().decode())


@pytest.mark.parametrize("path", INVALID, ids=lambda p: p.stem)
def test_diagnostics_of_invalid_documents(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(SpecError) as caught:
        read(pathlib.Path(path.name))
    assert f"{caught.value}\n" == path.with_suffix(".txt").read_text("utf-8")


EXAMPLE = """\
[model.inputs]
left = [3]
[model]
layers = [
  { conv = 6, init.kind = "he" },
  "relu",
]
[[group]]
on = "a"
[[group]]
text = \"\"\"one
two\"\"\"
"""


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("model",), (1, "model"), (3, "[model]")),
        (("model", "inputs"), (1, "inputs"), (1, "[model.inputs]")),
        (("model", "inputs", "left", 0), (2, "3"), (2, "3")),
        (("model", "layers"), (4, "layers"), (4, "[")),
        (("model", "layers", 0), (5, '{ conv = 6, init.kind = "he" }'), (5, '{ conv = 6, init.kind = "he" }')),
        (("model", "layers", 0, "init"), (5, "init"), (5, "init")),
        (("model", "layers", 0, "init", "kind"), (5, "kind"), (5, '"he"')),
        (("group",), (8, "group"), (8, "[[group]]")),
        (("group", 1), (10, "[[group]]"), (10, "[[group]]")),
        (("group", 1, "text"), (11, "text"), (11, '"""one')),
        (("model", "layers", 1, "name"), (6, '"relu"'), (6, '"relu"')),
        (("model", "output", "name"), (1, "model"), (3, "[model]")),
        (("train",), (1, "["), (1, "[")),
        ((), (1, "["), (1, "[")),
    ],
)
def test_place_of_each_kind_of_value(path: Path, key: tuple[int, str], value: tuple[int, str]) -> None:
    document = parse(EXAMPLE, "test.toml")
    key_place, value_place = document.key_place(path), document.value_place(path)
    assert (key_place.line, shown(key_place)) == key
    assert (value_place.line, shown(value_place)) == value


def test_an_empty_document_begins_somewhere() -> None:
    document = parse("", "test.toml")
    assert document.key_place(("model",)) == Place(document.source, 1, 1, 1)


def test_source_is_the_text_as_it_was_written(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"a = 1\r\nb = 2\r\n")
    assert read(path).source.text == "a = 1\r\nb = 2\r\n"
    assert read(path).source.name == str(path)


@pytest.mark.parametrize(
    ("name", "message", "help_"),
    [
        ("lenet.toml", "there is no file '{}'", "did you mean '{}'?"),
        ("zzzzzz.toml", "there is no file '{}'", ""),
        ("folder", "'{}' is a folder, not a spec", ""),
        ("nul\0", "the file can't be read: embedded null byte", ""),
        ("x" * 1000, "the file can't be read: File name too long", ""),
    ],
)
def test_files_that_cannot_be_read(tmp_path: pathlib.Path, name: str, message: str, help_: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "lenet5.toml").touch()
    with pytest.raises(SpecError) as caught:
        read(tmp_path / name)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "file"
    assert diagnostic.file == str(tmp_path / name)
    assert diagnostic.message == message.format(tmp_path / name)
    assert diagnostic.help == help_.format(tmp_path / "lenet5.toml")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("#" * (2**20 + 1), "too-large"),
        ("# é" + "é" * 2**19, "too-large"),
        ("a = [" + "0," * 100_001 + "]", "too-large"),
        ("a.b = 0\n" * 100_001, "too-large"),
        ("a = " + "[" * 500_000, "too-deep"),
        ("a = " + "{a=" * 300_000, "too-deep"),
        (".".join(["a"] * 500_000) + " = 1", "too-deep"),
        ("[" + ".".join(["a"] * 500_000) + "]", "too-deep"),
        ("a." * 500_000, "too-deep"),
        ("[a]\n" + ".".join(["b"] * 64) + " = 1", "too-deep"),
        ("a = " + "1" * 1_000_000, "number"),
        ("a = 0x" + "f" * 1_000_000, "number"),
        ("a = " + "1" * 5000 + " and more", "number"),
        ('a = "\udc80"', "encoding"),
    ],
)
def test_limits(text: str, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text, "test.toml")
    assert [d.code for d in caught.value.diagnostics] == [code]


# Random values, written in random ways.

scalars = st.one_of(
    st.text(),
    st.text(alphabet="\"'\\\n\r\t #=[]{},.a\x1b", max_size=8),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.dates(),
    st.times(),
    st.datetimes(
        timezones=st.one_of(
            st.none(),
            st.just(datetime.UTC),
            st.builds(datetime.timezone, st.integers(-1439, 1439).map(lambda m: datetime.timedelta(minutes=m))),
        )
    ),
)
names = st.one_of(st.text(max_size=6), st.sampled_from(["a", "b", "c-1", "0", "_", "é", "a.b", 'q"', "l'", "\x1b"]))
values = st.recursive(
    scalars, lambda inside: st.lists(inside, max_size=4) | st.dictionaries(names, inside, max_size=4), max_leaves=12
)
tables = st.dictionaries(names, values, max_size=5)

SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "\x1b": "\\e", '"': '\\"', "\\": "\\\\"}


class Writer:
    """Writes values as TOML, each in one of the ways that there are."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def blank(self) -> str:
        return self.rng.choice(["", " ", "\t", "  "])

    def gap(self) -> str:
        return "".join(self.rng.choices(["", " ", "\n", "# [ { \" '''\n", "\t", "\r\n"], k=2))

    def end(self) -> str:
        return self.rng.choice(["\n", "\r\n", " # a = [\n", "\n\n \t\n", '\n# "\n'])

    def escaped(self, character: str) -> str:
        code = ord(character)
        ways = [f"\\U{code:08x}"] + [f"\\u{code:04X}"] * (code < 2**16) + [f"\\x{code:02x}"] * (code < 2**8)
        return self.rng.choice([*ways, SHORT.get(character, ways[0])])

    def basic(self, text: str, raw: str = "\t") -> str:
        plain = lambda c: c in raw or (c not in '"\\\x7f' and c >= " ")  # noqa: E731
        return "".join(c if plain(c) and self.rng.random() < 0.9 else self.escaped(c) for c in text)

    def string(self, text: str) -> str:
        continued = self.rng.choice(["", "", "\\\n  ", "\\ \n\n"])
        ways = [f'"{self.basic(text)}"', f'"""{continued or chr(10)}{self.basic(text, chr(9) + chr(10))}"""']
        if not any(c == "\x7f" or (c < " " and c not in "\t\n") for c in text):
            ways += [f"'{text}'"] * ("'" not in text and "\n" not in text)
            ways += [f"'''\n{text}'''"] * ("'''" not in text + "'" and not text.endswith("'"))
        if continued and text[:1] in (" ", "\t", "\n"):
            del ways[1]
        return self.rng.choice(ways)

    def key(self, name: str) -> str:
        bare = name.isascii() and name.replace("-", "_").replace("_", "a").isalnum()
        literal = "'" not in name and "\x7f" not in name and all(c >= " " for c in name)
        return self.rng.choice([f'"{self.basic(name)}"'] + [f"'{name}'"] * literal + [name] * 3 * bare)

    def dotted(self, *names: str) -> str:
        return f"{self.blank()}.{self.blank()}".join(self.key(name) for name in names)

    def scalar(self, value: Any) -> str:
        if isinstance(value, str):
            return self.string(value)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int):
            ways = [f"{value}", f"{value:_}"] + [f"{value:#x}", f"{value:#o}", f"{value:#b}", f"+{value}"] * (
                value >= 0
            )
            return self.rng.choice(ways)
        if isinstance(value, float):
            return self.rng.choice([repr(value), repr(value).replace("e", "E")])
        text = value.isoformat().replace("T", self.rng.choice("Tt "))
        short = isinstance(value, datetime.date) is False and text.endswith(":00") and len(text) == 8
        return text[:5] if short else text

    def value(self, value: Any) -> str:
        if isinstance(value, list):
            items = [self.gap() + self.value(item) + self.gap() for item in value]
            return f"[{','.join(items)}{self.trailing(items)}]"
        if isinstance(value, dict):
            items = [self.gap() + statement + self.gap() for statement in self.statements(value)]
            return f"{{{','.join(items)}{self.trailing(items)}}}"
        return self.scalar(value)

    def trailing(self, items: list[str]) -> str:
        return self.gap() + (("," + self.gap()) * bool(items and self.rng.random() < 0.3))

    def statements(self, table: dict[str, Any], *before: str) -> list[str]:
        """`key = value`, with tables inside either inline or by dotted keys."""
        lines = []
        for name, value in table.items():
            if isinstance(value, dict) and value and self.rng.random() < 0.5:
                lines += self.statements(value, *before, name)
            else:
                key = self.dotted(*before, name)
                lines.append(f"{key}{self.blank()}={self.blank()}{self.value(value)}{self.blank()}")
        return lines

    def sections(self, table: dict[str, Any], *path: str) -> list[str]:
        """The table as texts that may stand in any order, the root's own values excepted, which come first."""
        own, blocks = {}, []
        for name, value in table.items():
            is_list = isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
            if isinstance(value, dict) and self.rng.random() < 0.6:
                blocks += self.sections(value, *path, name)
            elif is_list and self.rng.random() < 0.6:
                blocks.append("".join(self.element(item, *path, name) for item in value))
            else:
                own[name] = value
        self.rng.shuffle(blocks)
        lines = "".join(self.blank() + line + self.end() for line in self.statements(own))
        if not path:
            return [lines, *blocks]
        if not own and blocks and self.rng.random() < 0.5:
            return blocks
        blocks.insert(self.rng.randrange(len(blocks) + 1), self.header("[]", *path) + lines)
        return blocks

    def element(self, item: dict[str, Any], *path: str) -> str:
        """An element of an array of tables: its own values, and then its tables as sections."""
        own = {k: v for k, v in item.items() if not isinstance(v, dict)}
        lines = "".join(self.blank() + line + self.end() for line in self.statements(own))
        inside = [block for k, v in item.items() if isinstance(v, dict) for block in self.sections(v, *path, k)]
        return self.header("[[]]", *path) + lines + "".join(inside)

    def header(self, brackets: str, *path: str) -> str:
        half = len(brackets) // 2
        inside = f"{self.blank()}{self.dotted(*path)}{self.blank()}"
        return f"{self.blank()}{brackets[:half]}{inside}{brackets[half:]}{self.blank()}{self.end()}"


@given(tables, st.randoms(use_true_random=False))
def test_places_of_random_documents(table: dict[str, Any], rng: random.Random) -> None:
    text = "".join(Writer(rng).sections(table))
    document = check(text)
    # equal but for order and the values that TOML can't tell apart
    assert normal(document.values) == normal(table)


def normal(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: normal(v) for k, v in sorted(value.items())}
    if isinstance(value, list):
        return [normal(v) for v in value]
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return repr(value)


# Anything at all.

CHARACTERS = [*"[]{}=,.#'\"\\ \n\t\rab01-+:_é\x00\ufeff\ud800"]
WORDS = ["[[", "]]", '"""', "'''", "a=", "b.c", "true", "inf", "0x", "1e5", "1_0", "1979-05-27", "07:32", "\\u00"]
LINES = ["{a=1}", "[1]", "\r\n", "\\\n", "[a]\n", "[[a]]\n", "[a.b]\n", "\na = 1\n"]
SNIPPETS = st.sampled_from(CHARACTERS + WORDS + LINES)
CORPUS = [path.read_bytes().decode() for path in VALID]


@st.composite
def edited(draw: st.DrawFn) -> str:
    """A good document with a part cut out and something put in."""
    text = draw(st.sampled_from(CORPUS))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 5)))
    return text[:start] + draw(st.lists(SNIPPETS, max_size=2).map("".join)) + text[end:]


@given(st.one_of(st.lists(SNIPPETS, max_size=12).map("".join), edited(), st.text()))
@example("a = 0\r\r\n")
@example("[[a]]\n[[a.b]]\n[[a]]\n[a.b]\nc = 1")
def test_any_text_is_a_document_or_a_mistake_within_it(text: str) -> None:
    try:
        parse(text, "test.toml")
    except SpecError as error:
        assert_within(error, text)
    else:
        check(text)


def assert_within(error: NetspecError, text: str | None = None) -> None:
    for place in (diagnostic.place for diagnostic in error.diagnostics):
        assert place is not None
        assert text in (None, place.source.text)
        lines = place.source.text.split("\n")
        assert 1 <= place.line <= len(lines)
        assert 1 <= place.column <= place.end_column <= len(lines[place.line - 1]) + 1


@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_document_or_a_mistake_within_it(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(data)
    try:
        read(path)
    except SpecError as error:
        assert_within(error)


# Overrides.

SPEC = """\
name = "demo"
[optimizer]
kind = "sgd"
[model]
layers = [{ conv = 6, init = { kind = "he" } }, "relu", []]
"""


@pytest.mark.parametrize(
    ("argument", "path", "value", "key", "written"),
    [
        ("optimizer.kind=adam", ("optimizer", "kind"), "adam", "kind", "adam"),
        (" optimizer . kind = my net ", ("optimizer", "kind"), "my net", "kind", "my net"),
        ("optimizer.kind='true'", ("optimizer", "kind"), "true", "kind", "'true'"),
        ("optimizer.nesterov=true", ("optimizer", "nesterov"), True, "nesterov", "true"),
        ("optimizer.learning_rate=3e-4", ("optimizer", "learning_rate"), 3e-4, "learning_rate", "3e-4"),
        ('"optimizer"."k=v"=x', ("optimizer", "k=v"), "x", '"k=v"', "x"),
        ("optimizer={kind = 'lion'}", ("optimizer",), {"kind": "lion"}, "optimizer", "{kind = 'lion'}"),
        ("train.stop.after=5", ("train", "stop", "after"), 5, "after", "5"),
        ("model.layers.0.conv=8", ("model", "layers", 0, "conv"), 8, "conv", "8"),
        ("model.layers.0.init.kind=glorot", ("model", "layers", 0, "init", "kind"), "glorot", "kind", "glorot"),
        ("model.layers.1=tanh", ("model", "layers", 1), "tanh", "tanh", "tanh"),
        ("seed=1 # remark", ("seed",), 1, "seed", "1"),
        ("data.csv=data/x.csv", ("data", "csv"), "data/x.csv", "csv", "data/x.csv"),
    ],
)
def test_override(argument: str, path: Path, value: Any, key: str, written: str) -> None:
    document = parse(SPEC, "test.toml")
    before = repr(document.values)
    after = override(document, argument)
    assert dict(walk(after.values))[path] == value
    assert (shown(after.key_place(path)), shown(after.value_place(path))) == (key, written)
    assert {after.key_place(path).source.name, after.value_place(path).source.name} == {"--set"}
    assert after.value_place(path).source.text == argument
    assert repr(document.values) == before
    assert_consistent(after)
    untouched = [p for p in document.places if p[: len(path)] != path]
    assert all(after.places[p] is document.places[p] for p in untouched)


def assert_consistent(document: Document) -> None:
    values = dict(walk(document.values))
    assert document.places.keys() == values.keys()
    assert document.keys.keys() == {path for path in values if isinstance(path[-1], str)}


def test_overrides_in_turn() -> None:
    document = parse(SPEC, "test.toml")
    for argument in (
        "train.epochs=3",
        "train={batch=8}",
        "train.epochs=4",
        "model.layers=[{dense=3}]",
        "model.layers.0.dense=4",
    ):
        document = override(document, argument)
    assert document.values["train"] == {"batch": 8, "epochs": 4}
    assert document.values["model"] == {"layers": [{"dense": 4}]}
    assert_consistent(document)
    assert document.value_place(("train", "batch")).source.text == "train={batch=8}"
    assert document.value_place(("train", "epochs")).source.text == "train.epochs=4"


@pytest.mark.parametrize(
    ("argument", "code", "message", "written"),
    [
        ("", "syntax", "expected KEY=VALUE, found ''", ""),
        ("optimizer", "syntax", "expected KEY=VALUE, found 'optimizer'", "optimizer"),
        ("=3", "syntax", "expected a key, found '='", "="),
        ("a..b=3", "syntax", "expected a key, found '.b'", ".b"),
        ("a=", "syntax", "expected a value, found the end of the file", ""),
        ("a=[1", "syntax", "a list is never closed", "["),
        ("a=1\nb=2", "syntax", "expected one KEY=VALUE, found several", "a=1"),
        ("[a]\nb=2", "syntax", "expected KEY=VALUE on one line", "[a]"),
        ("# a=1", "syntax", "expected KEY=VALUE on one line", "# a=1"),
        ("seed=99999999999999999999", "number", "an integer of more than 64 bits", "99999999999999999999"),
        (".".join(["a"] * 65) + "=x", "too-deep", "nested deeper than 64 levels", "a"),
        ("name.first=x", "override", "'name' is a string: there is no 'first' in it", "first"),
        ("model.layers.1.name=x", "override", "'model.layers.1' is a string: there is no 'name' in it", "name"),
        ("model.layers.3=x", "override", "'model.layers' is a list, which has no element '3'", "3"),
        ("model.layers.-1=x", "override", "'model.layers' is a list, which has no element '-1'", "-1"),
        ("model.layers.2.0=x", "override", "'model.layers.2' is a list, which has no element '0'", "0"),
        ("model.layers.conv=x", "override", "'model.layers' is a list, which has no element 'conv'", "conv"),
        ("model.layers." + "1" * 5000 + "=x", "override", None, "1" * 5000),
    ],
)
def test_overrides_that_lead_nowhere(argument: str, code: str, message: str | None, written: str) -> None:
    with pytest.raises(SpecError) as caught:
        override(parse(SPEC, "test.toml"), argument)
    (diagnostic,) = caught.value.diagnostics
    place = diagnostic.place
    assert place is not None
    assert (diagnostic.code, place.source.name, place.source.text) == (code, "--set", argument)
    assert message in (None, diagnostic.message)
    assert argument.split("\n")[0][place.column - 1 : place.end_column - 1] == written


@given(st.lists(SNIPPETS, max_size=8).map("".join), st.sampled_from(["", "a=", "model.layers.0.", "optimizer."]))
def test_any_override_is_a_document_or_a_mistake_within_it(argument: str, before: str) -> None:
    try:
        document = override(parse(SPEC, "test.toml"), before + argument)
    except SpecError as error:
        assert_within(error, before + argument)
    else:
        assert_consistent(document)
