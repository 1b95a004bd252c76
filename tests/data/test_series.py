"""Series: windows of rows, what follows them, and tables that will not do."""

from __future__ import annotations

import json

import numpy as np
import pytest

from netspec import data
from netspec.diagnostics import DataError

ROWS = [(f"day {i}", i, 100 - i) for i in range(20)]
TABLE = "date,up,down\n" + "".join(f"{d},{u},{v}\n" for d, u, v in ROWS)


def test_what_is_forecast_follows_the_window(table):
    written = table(TABLE, ", window = 3, horizon = 2")
    loaded = written.load()
    assert loaded.facts == written.facts()
    assert loaded.facts.examples["train"] == 20 - 5 + 1
    assert loaded.facts.inputs["input"].shape == (3, 2)
    assert (loaded.facts.targets["target"].kind, loaded.facts.targets["target"].shape) == ("number", (2,))
    assert loaded.train.inputs["input"][4].tolist() == [[4, 96], [5, 95], [6, 94]]
    assert loaded.train.targets["target"][4].tolist() == [93, 92]
    assert loaded.train.inputs["input"].dtype == loaded.train.targets["target"].dtype == np.float32


def test_no_row_is_in_two_parts(table):
    keys = ', window = 2, target = "up", stride = 2'
    loaded = table(TABLE, keys, "split = { validation = 0.3, test = 0.2 }").load()
    rows = [
        {*part.inputs["input"][..., 0].reshape(-1).tolist(), *part.targets["target"].reshape(-1).tolist()}
        for part in (loaded.train, loaded.validation, loaded.test)
    ]
    assert rows == [set(range(9)), set(range(10, 15)), set(range(16, 19))]
    assert list(map(len, (loaded.train, loaded.validation, loaded.test))) == [4, 2, 1]


@pytest.mark.parametrize("transform", ['"standardize"', "{ scale = [-1, 1] }", '{ scale = [-1, 1] }, "standardize"'])
def test_the_target_is_brought_to_the_measure_of_its_column_and_back(table, transform):
    lines = (f"transform = [{transform}]", "split = { validation = 0, test = 0.25 }")
    raw = table(TABLE, ", window = 2, horizon = 3", lines[1]).load()
    loaded = table(TABLE, ", window = 2, horizon = 3", *lines).load()
    # The column's first number of the second window is the series' third one, and so on: targets are later inputs.
    down = loaded.train.inputs["input"][..., 1]
    assert np.allclose(loaded.train.targets["target"][0], [down[2, 0], down[3, 0], down[4, 0]], atol=1e-6)
    preparation = data.Preparation.from_json(json.loads(json.dumps(loaded.preparation.to_json())))
    assert preparation == loaded.preparation
    back = preparation.measured_back("target", loaded.test.targets["target"])
    assert np.allclose(back, raw.test.targets["target"], atol=1e-4)
    if transform == '"standardize"':
        # What standardize learns from windows, every row of the training part that is in one tells.
        windows = raw.train.inputs["input"].reshape(-1, 2)
        expected = (raw.test.inputs["input"] - windows.mean(axis=0)) / windows.std(axis=0)
        assert np.allclose(loaded.test.inputs["input"], expected, atol=1e-5)


def test_what_stands_behind_flatten_leaves_the_target_alone(table):
    loaded = table(
        TABLE, ", window = 2", 'transform = ["flatten", "standardize"]', "split = { validation = 0, test = 0 }"
    ).load()
    assert loaded.facts.inputs["input"].shape == (4,)
    assert loaded.train.targets["target"][0].tolist() == [98]


def test_new_rows(table, tmp_path):
    preparation = table(TABLE, ", window = 2, horizon = 2, stride = 3").load().preparation
    (tmp_path / "new.csv").write_text("down,when,up\n1,x,2\n3,y,4\n\n5,z,6\n7,w,8\n9,v,10\n")
    names, inputs = data.read_inputs(tmp_path / "new.csv", preparation)
    # As a spreadsheet counts: the first forecast begins behind row 3, and row 4 is empty.
    assert names == ("3", "5", "6", "7")
    assert inputs["input"][1].tolist() == [[4, 3], [6, 5]]
    part = data.evaluate_part(tmp_path / "new.csv", preparation)
    assert part.inputs["input"].tolist() == [[[2, 1], [4, 3]]]
    assert part.targets["target"].tolist() == [[5, 7]]


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ("down,up\n1,2\n", "window", "has 1 rows, and a window of them takes"),
        ("down\n1\n2\n3\n4\n", "wrong-columns", "lacks column 'up'"),
        ("down,up\n1,2\n3,\n4,5\n6,7\n", "missing-value", "row 3, column 'up'"),
    ],
)
def test_new_rows_that_do_not_fit(table, tmp_path, content, code, message):
    preparation = table(TABLE, ", window = 2").load().preparation
    (tmp_path / "new.csv").write_text(content)
    for read in (data.read_inputs, data.evaluate_part):
        with pytest.raises(DataError) as caught:
            read(tmp_path / "new.csv", preparation)
        assert caught.value.diagnostics[0].code == code
        assert message in caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("content", "keys", "code", "word", "message"),
    [
        (
            TABLE,
            ", window = 20",
            "window",
            "window",
            "the training part has 20 rows, and a window and its target take 21",
        ),
        (TABLE, ', window = 2, target = "upp"', "no-such-column", "target", "no column is called 'upp'"),
        (TABLE, ', window = 2, target = "date"', "wrong-task", "target", "column 'date' holds words"),
        ("a,d\n1,x\n2,y\n", ", window = 1", "wrong-task", "csv", "column 'd' holds words"),
        ("a,b\n1,2\n2,NA\n3,x\n4,5\n5,6\n", ", window = 1", "missing-value", "csv", "row 3, column 'b': 'NA'"),
        ("a,b\n", ", window = 1", "no-examples", "csv", "no rows below the header"),
    ],
)
def test_series_that_will_not_do(table, content, keys, code, word, message):
    with pytest.raises(DataError) as caught:
        table(content, keys).facts()
    mistake = caught.value.diagnostics[0]
    assert mistake.code == code
    assert message in mistake.message
    place = mistake.place
    assert place.source.line(place.line)[place.column - 1 :].startswith(word)
