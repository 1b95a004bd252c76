"""Run the studies, all of them or those named: python examples/run.py [NAME …]. Writes their pages and the index."""

from __future__ import annotations

import importlib
import re
import sys
import time
from pathlib import Path

EXAMPLES = Path(__file__).parent
sys.path.insert(0, str(EXAMPLES.parent))  # so that the studies are found wherever this is called from

from examples import page  # noqa: E402

STUDIES = (
    "linear_layers",
    "xor",
    "perceptron",
    "hinge",
    "equal_units",
    "momentum",
    "constant_rate",
    "newton",
    "lbfgs",
    "batch_norm",
    "residual",
    "ensemble",
)
"""In the order of the index."""

ROW = re.compile(r"\| \[(\w+)\]\(\w+/\) \| (.*) \| (\d+) \|")


def main(names: list[str]) -> int:
    """Run studies, print what each found, and bring their lines of the index up to date."""
    for name in names:
        if name not in STUDIES:
            print(f"there is no study {name}; there are {', '.join(STUDIES)}", file=sys.stderr)
            return 2
    rows = dict(_rows())
    for name in names or STUDIES:
        began = time.monotonic()
        result = importlib.import_module(f"examples.{name}.study").main()
        seconds = time.monotonic() - began
        print(f"{name:<14} {seconds:4.0f} s  {result}", flush=True)
        rows[name] = (result, f"{seconds:.0f}")
        _write(rows)
    return 0


def _rows() -> list[tuple[str, tuple[str, str]]]:
    """The lines of the index as it is."""
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    return [(name, (result, seconds)) for name, result, seconds in ROW.findall(text)]


def _write(rows: dict[str, tuple[str, str]]) -> None:
    index, known = EXAMPLES / "README.md", [name for name in STUDIES if name in rows]
    lines = [["study", "result", "seconds"], *([f"[{name}]({name}/)", *rows[name]] for name in known)]
    text = page.between(index.read_text(encoding="utf-8"), page.table(lines, left=2))
    index.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
