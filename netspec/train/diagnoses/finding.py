"""What a rule finds, and the words for numbers in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Finding", "all_of", "larger", "shown", "smaller"]


@dataclass(frozen=True, slots=True)
class Finding:
    """How far an illness has come.

    Args:
        degree: 1 where it begins; below what `CEASED` says it has ceased.
        evidence: the numbers, in one clause.
        remedy: what may help, in the spec's words.
        layer: whose it is; "" where it is of the whole training.
    """

    degree: float
    evidence: str
    remedy: str
    layer: str = ""


def all_of(*degrees: float | bool) -> float:
    """The degree of what needs several things: that of the least of them; a condition is met or not."""
    return min(math.inf if d is True else 0.0 if d is False or d != d else float(d) for d in degrees)


def shown(number: float) -> str:
    """A number for people, with three digits.

    >>> shown(0.30000001), shown(12345.6), shown(0.0000123), shown(4.2e30)
    ('0.3', '12,346', '1.23e-5', '4.2e30')
    """
    if not math.isfinite(number):
        return str(number)
    size = abs(number)
    if size == 0.0 or 1e-3 <= size < 1000.0:
        return f"{number:.3g}"
    if 1000.0 <= size < 1e6:
        return f"{number:,.0f}"
    digits, _, power = f"{number:.2e}".partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"


def smaller(rate: float) -> str:
    """A learning rate made smaller, as a spec would say it.

    >>> smaller(0.3), smaller(0.0)
    ('a smaller learning_rate: 0.3 → 0.1', 'a smaller learning_rate')
    """
    return _changed("smaller", rate, rate / 3)


def larger(rate: float) -> str:
    """A learning rate made larger.

    >>> larger(1e-5)
    'a larger learning_rate: 1e-5 → 1e-4'
    """
    return _changed("larger", rate, rate * 10)


def _changed(how: str, rate: float, other: float) -> str:
    rates = f": {shown(rate)} → {shown(float(f'{other:.1g}'))}" if rate else ""
    return f"a {how} learning_rate{rates}"
