"""The README's pictures, made anew from a real run: python examples/pictures.py. Needs Chromium, and a minute.

The run is specs/lenet5.toml as it stands. The dashboard is what a terminal of 150 by 36 shows two thirds of the way
through; the report is the top of the page that `netspec report` writes of it.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
sys.path.insert(0, str(EXAMPLES.parent))  # so that netspec is the one of this repository

from rich.console import Console  # noqa: E402
from rich.terminal_theme import MONOKAI  # noqa: E402

from netspec import commands  # noqa: E402
from netspec.report.dashboard.view import view  # noqa: E402
from netspec.report.progress import Progress, advance  # noqa: E402

PICTURES = (EXAMPLES / "pictures").resolve()
COLUMNS, LINES = 150, 36
SHARE = 0.67
WIDTH = 1400
"""Of the pictures, in dots."""

# Rich's own form loads a font from the network.
SVG = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
{styles}
.{unique_id}-matrix, .{unique_id}-title {{ font-family: "DejaVu Sans Mono", monospace; }}
.{unique_id}-matrix {{ font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; }}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g></svg>
"""


def main() -> int:
    """Train, and draw both."""
    browser = next((found for name in ("chromium", "google-chrome", "chrome") if (found := shutil.which(name))), None)
    if browser is None:
        print("these pictures are taken by Chromium, and there is none", file=sys.stderr)
        return 2
    PICTURES.mkdir(exist_ok=True)
    spec = commands.load(EXAMPLES.parent / "specs" / "lenet5.toml")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        session = commands.start([spec])
        drawing, progress = "", Progress()
        for event in session.events():
            progress = advance(progress, event)
            if not drawing and progress.started and progress.step >= SHARE * progress.started.steps:
                drawing = dashboard(progress, event.time)
        Path("dashboard.html").write_text(f"<body style='margin:0'>{drawing}</body>", encoding="utf-8")
        sides = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing)
        assert sides is not None
        height = round(WIDTH * float(sides[2]) / float(sides[1]))
        photograph(browser, Path("dashboard.html"), PICTURES / "dashboard.png", height)
        command = [sys.executable, "-m", "netspec", "report", session.run, "-o", "report.html"]
        subprocess.run(command, check=True, capture_output=True)
        photograph(browser, Path("report.html"), PICTURES / "report.png", 1180)
    return 0


def dashboard(progress: Progress, now: float) -> str:
    """The dashboard as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(view(progress, now, COLUMNS, LINES))
    return console.export_svg(title="netspec train specs/lenet5.toml", theme=MONOKAI, code_format=SVG)


def photograph(browser: str, page: Path, target: Path, height: int) -> None:
    """A picture of the top of a page."""
    command = [browser, "--headless=new", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1"]
    command += [f"--window-size={WIDTH},{height}", f"--screenshot={target}", page.resolve().as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    sys.exit(main())
