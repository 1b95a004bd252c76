from __future__ import annotations

import pytest

from netspec.report.metrics import view

METRICS = {
    "train/loss": 0.0123,
    "train/root_mean_squared_error": 1.234,
    "validation/loss": 0.0333,
    "validation/root_mean_squared_error": 1234.5,
    "test/loss": float("nan"),
    "test/root_mean_squared_error": 1e-7,
}
EXAMPLES = {"train": 60000, "validation": 10000, "test": 359}


def shown(width: int, run: str = "runs/mlp-1", **options: bool) -> list[str]:
    lines = view(run, 1200, METRICS, EXAMPLES, width, **options).lines
    assert all(line.cell_len <= width for line in lines)
    return [line.plain for line in lines]


def test_a_column_a_part() -> None:
    assert shown(80) == [
        "runs/mlp-1, step 1,200",
        "                         train (60,000)  validation (10,000)  test (359)",
        "loss                             0.0123               0.0333         nan",
        "root mean squared error           1.234                1,234     1.00e-7",
    ]


def test_parts_without_room_stand_below_and_no_number_is_cut() -> None:
    assert shown(40, ascii=True) == [
        "runs/mlp-1, step 1,200",
        "                         train (60,000)",
        "loss                             0.0123",
        "root mean squared error           1.234",
        "",
        "                     validation (10,000)",
        "loss                              0.0333",
        "root mean square...                1,234",
        "",
        "                         test (359)",
        "loss                            nan",
        "root mean squared error     1.00e-7",
    ]


@pytest.mark.parametrize("width", [40, 60])
def test_a_long_path_is_whole_and_steers_nothing(width: int) -> None:
    run = "a/long-folder-whose-name-goes-on/" * 4 + "\x1b[2J[red]-1"
    lines = shown(width, run, ascii=True)
    title = "".join(lines[: next(i for i, line in enumerate(lines) if line.startswith(" "))])
    assert title.replace(" ", "") == run.replace("\x1b", "\\x1b") + ",step1,200"


def test_without_colour_there_is_none() -> None:
    spans = [span for line in view("runs/mlp-1", 0, METRICS, EXAMPLES, 80, colour=False).lines for span in line.spans]
    assert {str(span.style) for span in spans} <= {"", "bold"}
