"""From offsets in a text to lines and columns."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from netspec.diagnostics import Place, Source

from .scan import Span

__all__ = ["Lines"]


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a text, which is the source's with bare newlines at their ends."""

    source: Source
    text: str
    starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        starts = [0]
        while (newline := self.text.find("\n", starts[-1])) >= 0:
            starts.append(newline + 1)
        object.__setattr__(self, "starts", starts)

    def number(self, offset: int) -> int:
        """The line of that offset, from 1."""
        return bisect_right(self.starts, offset)

    def end(self, number: int) -> int:
        """The offset behind the last character of that line."""
        return self.starts[number] - 1 if number < len(self.starts) else len(self.text)

    def place(self, span: Span) -> Place:
        """The place of that span: of its first line's part, where it has several."""
        number = self.number(span[0])
        start = self.starts[number - 1]
        return Place(self.source, number, span[0] - start + 1, min(span[1], self.end(number)) - start + 1)
