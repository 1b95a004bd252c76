from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.cli import main
from netspec.diagnostics import Diagnostic, Place, Source, render
from netspec.report.mistakes import coloured

CODES = re.compile(r"\x1b\[[0-9;]*m")

TEXT = st.text(st.sampled_from("a^|=->[] 12\x1b\t\u202e名"), max_size=12)


def misspelt(severity: str = "error") -> Diagnostic:
    source = Source("a.toml", "[optimizer]\nlearning_rat = 1\n")
    place = Place(source, 2, 1, 13)
    return Diagnostic("unknown-key", "no such key", place, None, "here", "a note", "write learning_rate", severity)


@given(st.builds(Diagnostic, st.just("code"), TEXT, st.none(), st.none() | TEXT, TEXT, TEXT, TEXT), TEXT, TEXT)
def test_without_its_colours_it_is_the_text(diagnostic: Diagnostic, before: str, marked: str) -> None:
    place = Place(Source("a.toml", f"{before}{marked} ^^"), 1, len(before) + 1, len(before) + len(marked) + 1)
    for one in (diagnostic, Diagnostic("code", "message", place, label=diagnostic.label, severity="warning")):
        assert CODES.sub("", coloured(render(one))) == render(one)


@pytest.mark.parametrize(("severity", "colour"), [("error", "1;31"), ("warning", "1;33")])
def test_each_part_has_its_colour(severity: str, colour: str) -> None:
    parts = re.findall(r"\x1b\[([0-9;]+)m(.*?)\x1b\[0m", coloured(render(misspelt(severity))))
    assert [(code, part.strip()) for code, part in parts] == [
        (colour, f"{severity}[unknown-key]"),
        ("34", "-->"),
        ("34", "|"),
        ("34", "2 |"),
        ("34", "|"),
        ("1;31", "^^^^^^^^^^^^ here"),
        ("34", "="),
        ("34", "= help:"),
    ]


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "colours"),
    [
        (Terminal, {}, True),
        (Terminal, {"NO_COLOR": ""}, True),
        (Terminal, {"NO_COLOR": "1"}, False),
        (Terminal, {"TERM": "dumb"}, False),
        (io.StringIO, {}, False),
    ],
)
def test_a_command_colours_them_for_eyes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], environ: dict[str, str], colours: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in ({"TERM": "xterm"} | environ).items():
        monkeypatch.setenv(name, value)
    written = stream()
    monkeypatch.setattr(sys, "stderr", written)
    with pytest.raises(SystemExit, match="2"):
        main(["check", str(tmp_path / "none.toml")])
    assert ("\x1b[1;31merror[" in written.getvalue()) == colours
    assert "none.toml" in written.getvalue()
