"""Small files of data, and specs that name them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netspec import data
from netspec.diagnostics import DataError, Diagnostic, Place
from netspec.document import Document, parse
from netspec.graph.facts import Facts
from netspec.spec.data import Data
from netspec.spec.decode import decode


@dataclass(frozen=True)
class Written:
    """A [data] section beside the files that it names."""

    section: Data
    document: Document
    directory: Path

    def place(self, path: tuple[str | int, ...]) -> Place:
        return self.document.key_place(("data", *path))

    def facts(self) -> Facts:
        return data.facts(self.section, self.directory, self.place)

    def load(self) -> data.Dataset:
        return data.load(self.section, self.directory, self.place)

    def mistake(self) -> Diagnostic:
        """The one mistake that loading the data shows."""
        with pytest.raises(DataError) as caught:
            self.load()
        (mistake,) = caught.value.diagnostics
        return mistake


Write = Callable[..., Written]

NO_PARTS = "split = { validation = 0, test = 0 }"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Makes a [data] section of a source and other lines, without a split unless one is among them."""

    def written(source: str, *lines: str) -> Written:
        text = "\n".join(["[data]", f"source = {source}", *(lines or [NO_PARTS]), "[model]", 'layers = ["relu"]'])
        document = parse(text, "spec.toml")
        section = decode(document).data
        assert section is not None
        return Written(section, document, tmp_path)

    return written


@pytest.fixture
def table(tmp_path: Path, write: Write) -> Callable[..., Written]:
    """Makes a table and a [data] section that reads it."""

    def written(content: str | bytes, keys: str = "", *lines: str) -> Written:
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "table.csv").write_bytes(raw)
        return write(f'{{ csv = "table.csv"{keys} }}', *lines)

    return written


@pytest.fixture
def image(tmp_path: Path) -> Callable[..., Path]:
    """Makes an image file of chance's pixels."""

    def made(name: str, height: int = 4, width: int = 6, mode: str = "L", seed: int = 0) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (height, width) if mode == "L" else (height, width, len(mode))
        pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return made
