"""Tables: what their columns are taken for, and what is said of those that will not do."""

from __future__ import annotations

import numpy as np
import pytest

from netspec import data
from netspec.data import columns
from netspec.diagnostics import DataError

XOR = "a,b,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n"


def test_xor_is_read_whole_without_a_split(table):
    written = table(XOR)
    loaded = written.load()
    assert loaded.facts == written.facts()
    assert loaded.facts.examples == {"train": 4, "validation": 0, "test": 0}
    assert loaded.facts.targets["target"].labels == ("0", "1")
    assert loaded.train.inputs["input"].tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert loaded.train.targets["target"].tolist() == [0, 1, 1, 0]
    assert len(loaded.test) == 0
    assert loaded.test.inputs["input"].shape == (0, 2)
    assert loaded.train.inputs["input"].dtype == np.float32
    assert loaded.train.targets["target"].dtype == np.int32


@pytest.mark.parametrize(
    "content",
    [
        "a;b;y\n0;0;0\n0;1;1\n1;0;1\n1;1;0\n",
        "a\tb\ty\r\n0\t0\t0\r\n0\t1\t1\r\n1\t0\t1\r\n1\t1\t0",
        "\ufeff" + XOR,
        '"a",b , y\n"0",0, 0\n0,1,1\n\n1,0,1\n1.0,+1,-0\n\n',
        "a,b,y\r0,0,0\r0,1,1\r1,0,1\r1,1,0\r",
    ],
    ids=["semicolons", "tabs and CRLF", "byte order mark", "quotes, blanks and empty rows", "CR"],
)
def test_tables_are_written_in_many_ways(table, content):
    loaded = table(content).load()
    assert loaded.train.inputs["input"].tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert loaded.train.targets["target"].tolist() == [0, 1, 1, 0]


def test_words_become_numbers(table):
    loaded = table("colour,size,y\nred,big,a\nblue,small,b\n10 green,big,a\n9 green,big,b\n").load()
    # Two words are 0 and 1, more are one column each, in natural order: '9 green' comes before '10 green'.
    assert loaded.preparation.format.input.columns[0].words == ("9 green", "10 green", "blue", "red")
    assert loaded.train.inputs["input"].tolist() == [[0, 0, 0, 1, 0], [0, 0, 1, 0, 1], [0, 1, 0, 0, 0], [1, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("cells", "keys", "labels"),
    [
        (["-1", "+1", "1.0", "-1"], "", ("-1", "1")),
        (["no", "yes", "yes", "no"], "", ("no", "yes")),
        (["c10", "c9", "c9", "c10"], "", ("c9", "c10")),
        (["1", "2", "3", "4"], "", ()),
        (["1", "1", "2", "2"], ', task = "regress"', ()),
        (["0.5", "1", "1", "0.5"], "", ()),
        (["0.5", "1", "1", "0.5"], ', task = "classify"', ("0.5", "1")),
        (["1", "2", "3+", "3+"], ', task = "classify"', ("1", "2", "3+")),
    ],
)
def test_the_target_is_a_class_or_a_number(table, cells, keys, labels):
    loaded = table("x,y\n" + "".join(f"{i},{c}\n" for i, c in enumerate(cells)), keys).load()
    assert loaded.facts.targets["target"].labels == labels
    if labels:
        assert loaded.facts.constants == {"features": 1, "classes": len(labels)}
        found = [labels[i] for i in loaded.train.targets["target"]]
        assert [c.removeprefix("+").removesuffix(".0") for c in cells] == found
    else:
        assert loaded.facts.targets["target"].kind == "number"
        assert loaded.train.targets["target"].tolist() == [[float(c)] for c in cells]


def test_the_target_may_stand_anywhere(table):
    loaded = table("y,b\nu,3\nv,4\n", ', target = "y"').load()
    assert loaded.facts.targets["target"].labels == ("u", "v")
    assert loaded.train.inputs["input"].tolist() == [[3], [4]]


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (
            "a,y\n1,0\n,1\n3,NA\n?,0\n",
            "missing-value",
            "3 cells are empty: row 3, column 'a'; row 4, column 'y': 'NA'; row 5",
        ),
        ("a,y\n1,\n2,?\n", "missing-value", "2 cells are empty: row 2, column 'y'; row 3, column 'y': '?'"),
        ("a,y\n1,0\n2,1\nx,0\n", "not-a-number", "1 cell is no number: row 4, column 'a': 'x'"),
        ("a,y\n1,0\n2,1\ninf,0\n", "not-a-number", "row 4, column 'a': 'inf'"),
        ("a,y\n1,0\n2,1\n1_0,0\n", "not-a-number", "row 4, column 'a': '1_0'"),
        ("a,y\n1,0\n2,1\n1e39,0\n", "not-finite", "1 cell is too large for float32: row 4, column 'a': '1e39'"),
        ("a,y\n1,0\n2,1,7\n3\n", "ragged-row", "the header has 2 cells, and row 3 has 3; row 4 has 1"),
        ("a,a\n1,0\n", "bad-header", "two columns called 'a'"),
        ("a,,y\n1,0,1\n", "bad-header", "no name for column 2"),
        ("1,2\n3,4\n", "bad-header", "the first row holds numbers"),
        ("a\n1\n", "bad-header", "one column only, 'a'"),
        ("", "bad-header", "the first row is empty"),
        ("a,y\n", "no-examples", "no rows below the header"),
        ("a,y\n1,0\n2,0\n", "one-class", "all examples are of class '0'"),
        ('a,y\n1,0\n"2,0\n', "damaged-file", "row 3 cannot be read"),
        (b"a,y\n1,\xff\n", "damaged-file", "byte 6 is 0xff"),
    ],
)
def test_a_table_that_will_not_do(table, content, code, message):
    written = table(content)
    with pytest.raises(DataError) as caught:
        written.facts()
    mistake = caught.value.diagnostics[0]
    assert mistake.code == code
    assert mistake.message.startswith("table.csv: ")
    assert message in mistake.message
    assert mistake.place is not None
    assert mistake.place.source.line(mistake.place.line)[mistake.place.column - 1 :].startswith("csv")


def test_mistakes_of_several_sorts_are_told_at_once_and_counted(table):
    rows = "".join(f"{i},,1\n" for i in range(4990)) + "z,1,0\n"
    with pytest.raises(DataError) as caught:
        table("a,b,y\n" + rows).load()
    missing, word = caught.value.diagnostics
    assert missing.message.startswith("table.csv: 4,990 cells are empty: row 2, column 'b'; ")
    assert missing.message.endswith("row 11, column 'b'; and 4,980 more")
    assert word.message == "table.csv: 1 cell is no number: row 4992, column 'a': 'z'"


def test_a_column_of_too_many_words_is_refused(table, monkeypatch):
    monkeypatch.setattr(columns, "MOST_WORDS", 5)
    assert "column 'name'" in table("name,y\n" + "".join(f"w{i},{i % 2}\n" for i in range(8))).mistake().message


def test_keys_that_do_not_fit_the_table_are_shown_where_they_are(table):
    mistake = table(XOR, ', target = "z"').mistake()
    assert (mistake.code, mistake.note) == ("no-such-column", "there are: a, b, y")
    assert mistake.place.source.line(mistake.place.line)[mistake.place.column - 1 :].startswith("target")
    mistake = table("a,y\n1,u\n2,v\n", ', task = "regress"').mistake()
    assert mistake.code == "wrong-task"
    assert "'u'" in mistake.message


def test_new_rows_are_read_like_the_old_ones(table, tmp_path):
    preparation = table("colour,size,y\nred,1,a\nblue,2,b\ngreen,3,a\n").load().preparation
    (tmp_path / "new.csv").write_text("size;colour\n5;green\n\n6;red\n")
    names, inputs = data.read_inputs(tmp_path / "new.csv", preparation)
    assert names == ("2", "4")
    assert inputs["input"].tolist() == [[0, 1, 0, 5], [0, 0, 1, 6]]
    (tmp_path / "new.csv").write_text("y,size,colour\nb,5,green\n")
    part = data.evaluate_part(tmp_path / "new.csv", preparation)
    assert (part.inputs["input"].tolist(), part.targets["target"].tolist()) == ([[0, 1, 0, 5]], [1])


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ("size,y\n5,a\n", "wrong-columns", "lacks column 'colour'"),
        ("size,colour,shape,y\n5,red,round,a\n", "wrong-columns", "has column 'shape'"),
        ("size,colour,y\n5,pink,a\n", "unknown-word", "row 2, column 'colour': 'pink'"),
        ("size,colour,y\n5,red,c\n", "unknown-class", "row 2, column 'y': 'c'"),
        ("size,colour,y\n", "no-examples", "holds no examples"),
    ],
)
def test_new_rows_that_do_not_fit(table, tmp_path, content, code, message):
    preparation = table("colour,size,y\nred,1,a\nblue,2,b\ngreen,3,a\n").load().preparation
    (tmp_path / "new.csv").write_text(content)
    with pytest.raises(DataError) as caught:
        data.evaluate_part(tmp_path / "new.csv", preparation)
    (mistake,) = caught.value.diagnostics
    assert mistake.code == code
    assert message in mistake.message
    assert mistake.file == str(tmp_path / "new.csv")
