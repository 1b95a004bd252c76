"""The statements of a function while it is being written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

__all__ = ["Body", "Flow", "Statement", "lines_of"]


@dataclass(frozen=True, slots=True)
class Flow:
    """A value on its way through a network.

    Args:
        name: of the variable that holds it.
        width: how many channels it has, in the names of the class; None where that is a plain number.
        mask: the variable that says which positions of a padded sequence count.
        kept: whether somebody else reads the variable, too.
    """

    name: str
    width: str | None = None
    mask: str | None = None
    kept: bool = False


@dataclass(slots=True)
class Statement:
    """A line, or an assignment that may still change; and what stands below it, further in."""

    text: str
    target: str | None = None
    inside: list[Statement] = field(default_factory=list)

    @property
    def is_function(self) -> bool:
        """Whether it defines a function, which stands between empty lines."""
        return self.text.startswith("def ")


def lines_of(statements: Sequence[Statement], indent: int) -> Iterator[tuple[int, str]]:
    """The logical lines of statements, with their indents."""
    for i, statement in enumerate(statements):
        if i and (statement.is_function or statements[i - 1].is_function):
            yield 0, ""
        yield indent, statement.text if statement.target is None else f"{statement.target} = {statement.text}"
        yield from lines_of(statement.inside, indent + 4)


@dataclass(slots=True)
class Body:
    """Statements in turn."""

    statements: list[Statement] = field(default_factory=list)

    def assign(self, target: str, text: str) -> None:
        """Give a variable a value."""
        if target != text:
            self.statements.append(Statement(text, target))

    def add(self, text: str, inside: list[Statement] | None = None) -> None:
        """Any other statement."""
        self.statements.append(Statement(text, None, inside or []))

    def taken(self, flow: Flow, longest: int = 88) -> str:
        """What a flow is: the right side of the assignment that made it, where that is the last one; or its name."""
        last = self.statements[-1] if self.statements else None
        if last is None or last.target != flow.name or flow.kept or len(last.text) > longest:
            return flow.name
        self.statements.pop()
        return last.text

    def applied(self, flow: Flow, target: str, form: Callable[[str], str]) -> None:
        """Assign what a function makes of a flow."""
        self.assign(target, form(self.taken(flow)))
