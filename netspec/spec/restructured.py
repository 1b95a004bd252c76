"""Docstrings as Optax writes them (reStructuredText, Google's sections, TeX), as plain text for a terminal.

Examples, return values and addresses are left out: they speak of Python, or of elsewhere.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Described", "described"]


@dataclass(frozen=True, slots=True)
class Described:
    """What a docstring says.

    Args:
        text: what the function is; equations stand alone, indented.
        arguments: by name, each on one line.
        references: papers, each on one line.
    """

    text: str
    arguments: Mapping[str, str]
    references: tuple[str, ...]


def described(docstring: str) -> Described:
    """What a docstring says, its sections apart."""
    sections: dict[str, list[str]] = {"": []}
    current = sections[""]
    for line in docstring.expandtabs().split("\n"):
        if found := re.fullmatch(r"(Args|Returns|Raises|Examples?|References|Notes?):", line):
            current = sections.setdefault(found[1], [])
        elif line.startswith(".. ") and not line.startswith(".. math"):
            current = sections.setdefault("Directives", [])
        else:
            current.append(line)
    references = _paragraphs(sections.get("References", []))
    return Described(
        _text("\n".join(sections[""])),
        {name: _inline(text) for name, text in _arguments("\n".join(sections.get("Args", []))).items()},
        tuple(re.sub(r",[ ,]+", ", ", _inline(p).replace("`", "")).rstrip(".") for p in references),
    )


def _arguments(section: str) -> dict[str, str]:
    parts = re.split(r"(?m)^(\w+) ?: ", textwrap.dedent(section))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _paragraphs(lines: list[str]) -> list[str]:
    return [p for p in re.split(r"\n\s*\n", textwrap.dedent("\n".join(lines)).strip()) if p]


def _text(section: str) -> str:
    """Prose and equations in turn, a blank line between."""
    pieces = re.split(r"(?m)^ *\.\. math::[ ]*\n((?:[ ]*\n|[ ]+.*(?:\n|$))+)", section)
    shown = []
    for i, piece in enumerate(pieces):
        if i % 2:
            shown.append(_equation(piece))
        else:
            shown += [_inline(p) if not p.startswith("- ") else _bullets(p) for p in _paragraphs([piece])]
    return "\n\n".join(p for p in shown if p)


def _bullets(paragraph: str) -> str:
    return "\n".join(f"- {_inline(part)}" for part in re.split(r"(?m)^- ", paragraph)[1:])


def _equation(block: str) -> str:
    """An equation a line, indented."""
    inside = re.sub(r"\\(begin|end)\{(align\*?|cases|split|array)\}(\{l\})?", "", " ".join(block.split()))
    lines = [_tex(line.replace("&", "")) for line in inside.split(r"\\")]
    return "\n".join(f"    {line}" for line in lines if line)


_ROLE = re.compile(r":(?:math|func|class|doc|meth|attr|mod):`([^`]*)`")
_LINK = re.compile(r"`([^`<]*?)\s*<[^>]*>`_*")


def _inline(text: str) -> str:
    """A paragraph on one line, without markup; sentences that send elsewhere are left out."""
    line = " ".join(text.split())
    line = re.sub(r":math:`([^`]*)`", lambda m: _tex(m[1]), line)
    line = _LINK.sub(r"\1", line)
    line = _ROLE.sub(lambda m: f"`{m[1].removeprefix('~')}`", line)
    line = re.sub(r"``([^`]*)``", r"`\1`", line)
    line = re.sub(r"<?`?https?://[^\s>`]*`?>?`?_*", "\0", line)
    line = re.sub(r"(?:(?<=[.] )|^)See \0[.,]?(?: for more detail[.])?", "", line)
    line = _TEX_ALONE.sub(lambda m: _tex(m[0]), line.replace("\0", "").replace(":math:", ""))
    return " ".join(line.split())


_TEX_ALONE = re.compile(r"\\[a-z]+")

_LETTERS = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "Delta": "Δ",
    "epsilon": "ε",
    "varepsilon": "ε",
    "eta": "η",
    "theta": "θ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "ell": "ℓ",
    "nabla": "∇",
    "leftarrow": "←",
    "gets": "←",
    "rightarrow": "→",
    "cdot": "·",
    "circ": "∘",
    "in": "∈",
    "ni": "∋",
    "forall": "∀",
    "leq": "≤",
    "geq": "≥",
    "infty": "∞",
    "sum": "Σ",
    "ldots": "…",
    "top": "T",
    "quad": " ",
    "left": "",
    "right": "",
    "max": "max",
    "min": "min",
}
_MARKS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
_ARGUMENT = r"\s*\{((?:[^{}]|\{[^{}]*\})*)\}"


def _tex(text: str) -> str:
    r"""TeX as plain text, as far as it goes.

    >>> _tex(r"u_t \leftarrow -\alpha_t \frac{\hat{m}_t}{\sqrt{v_t} + \varepsilon}")
    'u_t ← -α_t (m̂_t) / (sqrt(v_t) + ε)'
    """
    line = re.sub(r"\\(?:text|texttt|mathbb|mathrm)" + _ARGUMENT, r"\1", text)
    line = re.sub(r"\\(hat|bar|tilde)\s*(?:\{(.)\}|\{\\([A-Za-z]+)\}|(\w))", _marked, line)
    for _ in range(2):
        line = re.sub(r"\\sqrt" + _ARGUMENT, r"sqrt(\1)", line)
        line = re.sub(r"\\frac" + _ARGUMENT + _ARGUMENT, r"(\1) / (\2)", line)
    line = re.sub(r"\\([A-Za-z]+)", lambda m: _LETTERS.get(m[1], m[1]), line)
    line = re.sub(r"\{(\w+|\([^{}]*\))\}", r"\1", line.replace(r"\|", "‖").replace(r"\,", " ").replace("\\", ""))
    for _ in range(2):
        line = re.sub(r"\{\(([^{}()]*)\)\}|\{([^{}]*)\}", lambda m: f"({m[1] or m[2]})", line)
    return " ".join(line.split())


def _marked(found: re.Match[str]) -> str:
    letter = found[2] or found[4] or _LETTERS.get(found[3], found[3])
    return f"{letter}{_MARKS[found[1]]}"
