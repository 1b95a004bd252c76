from __future__ import annotations

from pathlib import Path

import pytest

from netspec.report.run_list_changes import removal_json, removed_line, stale, view
from netspec.runs.glance import Glance
from netspec.runs.references import Reference
from netspec.runs.removal import Doomed, Removal

EVIL = "\x1b[2J[red]x[red]\n"
RUNS = Path("runs")
REMOVAL = Removal(
    (
        Doomed(Glance(RUNS / "lenet5-1", "done", best=0.9717), 24_600_000, 1200, ()),
        Doomed(Glance(RUNS / EVIL, "stopped"), 900, None, ("notes.txt", EVIL, *"abcdef")),
    ),
    (
        Reference(RUNS / "tuned-1", RUNS / "lenet5-1", "start"),
        Reference(RUNS / EVIL, RUNS / "lenet5-1", "load"),
        Reference(RUNS / "lenet5-2", RUNS / "lenet5-1", "together"),
    ),
)


def shown(removal: Removal, width: int) -> list[str]:
    lines = view(removal, width, colour=False).lines
    assert all(line.cell_len <= width for line in lines)
    assert all(c.isprintable() for line in lines for c in line.plain)
    return [line.plain for line in lines]


def test_what_would_be_lost() -> None:
    assert shown(REMOVAL, 90) == [
        "run                   state      best  checkpoint     size",
        "lenet5-1              done     0.9717  step 1,200  24.6 MB",
        "\\x1b[2J[red]x[red]\\n  stopped       –        none    900 B",
        "2 runs, 24.6 MB",
        "",
        "▲ \\x1b[2J[red]x[red]\\n also holds what is not the run's: notes.txt, \\x1b[2J[red]x[red]\\n,",
        "    a, b, c and 3 more",
        "",
        "▲ tuned-1 begins with the weights of lenet5-1: it could not be begun anew",
        "▲ \\x1b[2J[red]x[red]\\n loads layers of lenet5-1: it could not be begun anew",
        "▲ lenet5-2 was trained at once with lenet5-1: it could not go on as it was",
    ]


def test_runs_of_several_folders_are_named_with_them() -> None:
    elsewhere = Doomed(Glance(Path("old") / "lenet5-1", "done"), 900, None, ())
    names = [line.split()[0] for line in shown(Removal((REMOVAL.runs[0], elsewhere), ()), 80)[1:3]]
    assert names == ["runs/lenet5-1", "old/lenet5-1"]


@pytest.mark.parametrize("width", [40, 60])
def test_what_it_is_about_stays_in_a_narrow_terminal(width: int) -> None:
    assert [line.split()[0] for line in shown(REMOVAL, width)[:2]] == ["run", "lenet5-1"]
    assert "24.6 MB" in shown(REMOVAL, width)[1]


def test_of_many_runs_the_first_are_shown_and_all_are_counted() -> None:
    many = tuple(Doomed(Glance(RUNS / f"a-{i}", "done"), 1000, None, ("mine",)) for i in range(50))
    lines = shown(Removal(many, ()), 80)
    assert lines[20:23] == ["a-19  done      –        none  1.0 kB", "… 50 runs, 50.0 kB", ""]
    assert lines[-1] == "▲ and 30 more"


def test_what_was_done_is_told() -> None:
    assert removed_line(REMOVAL) == "removed 2 runs, 24.6 MB"
    assert removed_line(Removal(REMOVAL.runs[1:], ())) == "removed \\x1b[2J[red]x[red]\\n, 900 B"
    assert removal_json(REMOVAL)["references"][2] == {
        "run": "runs/lenet5-2",
        "how": "together",
        "of": "runs/lenet5-1",
    }
    [warning] = stale(REMOVAL.references[:1])
    assert warning.message == "tuned-1 begins with the weights of lenet5-1 by its old name"
    assert warning.severity == "warning"
