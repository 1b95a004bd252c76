"""Reports that no training made: everything that a page can show, by formulas; and with texts that mean harm."""

from __future__ import annotations

import base64
import math
import struct
import zlib

from netspec.report.page.contents import (
    Alert,
    Axis,
    Chart,
    Confusion,
    Curves,
    Environment,
    Evaluations,
    Health,
    LayerRow,
    Line,
    Missing,
    Mistake,
    Mistakes,
    Network,
    Pair,
    Phase,
    Reconstructions,
    Report,
    Reproduction,
    Residuals,
    Result,
    RunContents,
    Setting,
    SpecText,
)

STEPS = tuple(float(step) for step in range(10, 1010, 10))

SPEC = 'name = "{word}" # {word}\n[data]\nsource = "digits"\n'

HARM = (
    "</script><img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    "<svg/onload=alert(3)>",
    '" onmouseover="alert(4)" x="',
    "]]>--><!--<b>\u2028\u2029</style>",
    "\u202egnp.exe \x1b[31m\x00",
    "javascript:alert(5)",
    "&lt;i&gt;{{7*7}}${7*7}",
)
"""What a stranger may have called something."""


def picture(shade: int = 200) -> str:
    """A PNG file of two by two grey pixels as a data: URI."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes([0, shade, 0, 0, 0, shade]))
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(file).decode()}"


def report(word: str = "lenet5", runs: int = 1, classes: int = 10) -> Report:
    """A report on runs; everything that a stranger names is called `word`."""
    return Report(word, "2026-01-02 03:04 UTC", "0.1.0", tuple(run(f"{word}-{i}", classes, word) for i in range(runs)))


def run(name: str, classes: int = 10, word: str = "lenet5") -> RunContents:
    """A run with everything there is."""
    labels = tuple(f"{word} {i}" if word in HARM else str(i) for i in range(classes))
    return RunContents(
        name=name,
        path=f"runs/{name}",
        result=RESULT,
        curves=curves(word),
        evaluations=Evaluations(("validation/loss", "validation/accuracy"), ((500, 5.0, (0.4, 0.9)),), 500, 20),
        health=health(word),
        confusion=confusion(labels),
        mistakes=Mistakes("test", 100, 1, (Mistake(7, labels[0], labels[1], 0.9, picture()),)),
        residuals=(residuals(word),),
        reconstructions=Reconstructions("test", 9, (PAIR,), (PAIR,)),
        network=network(word),
        spec=SpecText(word, SPEC.format(word=word), (setting(word),)),
        environment=Environment((("device", word), ("command", f"netspec train {word}"))),
        reproduction=Reproduction((("Train:", f"netspec train {word}"), ("Save:", "\n".join([word] * 9))), (word,)),
    )  # fmt: skip


PAIR = Pair(1, picture(), picture(90), 0.1)


def setting(word: str) -> Setting:
    """A value that is not the default."""
    return Setting("train.batch", 3, word, "32", usual=False)


RESULT = Result(
    "done", "validation/accuracy", True, 0.97, 800,
    {"test/accuracy": 0.96, "test/loss": 0.1, "validation/accuracy": 0.97},
    1000, 1000, 10.0, 75.0, "cpu, 2 cores", 61706, 0, 32,
    {"train": 3200, "validation": 400, "test": 400}, 1, "",
)  # fmt: skip


def curves(word: str) -> Curves:
    """A loss that falls from 2.5 and a rate that stays positive, over 1,000 steps in 75 seconds."""
    falling = tuple(2.5 * math.exp(-s / 150) + 0.01 * (1.2 + math.sin(s)) for s in STEPS)
    measured = STEPS[9::10]
    loss = (
        Line(word, 0, 1, STEPS, falling, smooth=True),
        Line("validation loss", 0, 2, measured, tuple(1 / (1 + s / 100) for s in measured), points=True),
    )
    rate = (Line("learning rate", 0, 4, STEPS, tuple(1 - s / 1001 for s in STEPS)),)
    charts = (Chart("loss", "Loss", loss, wide=True), Chart("rate", "Learning rate", rate))
    axis = Axis((0.0, 500.0, 1000.0), (0.0, 5.0, 10.0), (0.0, 16000.0, 32000.0), (0.0, 25.0, 75.0))
    alerts = (Alert(300, "plateau", f"the loss stands still: {word}", "a larger rate"), Alert(700, "crawl", word, word))
    return Curves((axis,), charts, (Phase(word, 0), Phase("second", 400)), alerts, 3)


def health(word: str) -> Health:
    """Two layers, of which only the second can be dead."""
    update = ((0.001, 0.01, 0.1), (0.0001, 0.001, None))
    return Health(
        (word, "dense1"),
        (100, 200, 300),
        {"update": update, "dead": ((None,) * 3, (0.0, 0.5, 1.0))},
        10**8,
        2 * 10**8,
        2,
    )


def confusion(labels: tuple[str, ...]) -> Confusion:
    """Every class is right 8 times, and once taken for the next one."""
    count = len(labels)
    rows = [[8 if i == j else int((i + 1) % count == j) for j in range(count)] for i in range(count)]
    return Confusion("test", labels, tuple(map(tuple, rows)))


def residuals(word: str) -> Residuals:
    """Predictions that are off by up to half."""
    truths = tuple(float(i) for i in range(40))
    return Residuals(
        "test", word, 40, truths, tuple(t + math.sin(t) / 2 for t in truths), (-0.5, -0.1, 0.1, 0.5), (15, 9, 16),
        0.35, 0.01, 0.99,
    )  # fmt: skip


def network(word: str) -> Network:
    """A block with a layer in it."""
    rows = (
        LayerRow(0, word, "block", "[10]", 30, 20, 10, "all", True),
        LayerRow(1, "dense1", word, "[10]", 30, 20, 10, "all", False),
    )
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60" viewBox="0 0 90 60"><title>net</title></svg>'
    )
    return Network(drawing, rows, (("optimizer", word),), windows=True)


NOTHING = Missing("there is nothing: <b>why</b>")


def empty() -> Report:
    """A run of which nothing is known but that it is there."""
    result = Result("stopped", "", False, None, None, {}, 0, 0, 0.0, None, "", 0, None, 0, {}, 1, "")
    pieces = dict.fromkeys(
        ("curves", "evaluations", "health", "confusion", "mistakes", "residuals", "reconstructions", "network", "spec",
         "environment", "reproduction"),
        NOTHING,
    )  # fmt: skip
    return Report("empty", "now", "0.1.0", (RunContents("empty", "runs/empty", result, **pieces),))  # type: ignore[arg-type]
