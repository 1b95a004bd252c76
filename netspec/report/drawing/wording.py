"""How numbers, durations, ages and metrics are written wherever people read them.

Knows nothing of trainings or terminals.
"""

from __future__ import annotations

import math

__all__ = ["age", "count", "duration", "epochs", "measure", "measured_name", "percent", "setting", "storage"]


def measure(value: float | None) -> str:
    """A measured value, with as many digits as stay steady from one measurement to the next.

    >>> [measure(v) for v in (0.97212, 2.30259, 48.5, 1234.5, 0.0000123, None)]
    ['0.9721', '2.303', '48.50', '1,234', '1.23e-5', '–']
    """
    if value is None:
        return "–"
    size = abs(value)
    if not math.isfinite(value) or (size and not 1e-4 <= size < 1e6):
        return _short_exponent(f"{value:.2e}")
    decimals = 4 if size < 1 else 3 if size < 10 else 2 if size < 100 else 1 if size < 1000 else 0
    return f"{value:,.{decimals}f}"


def setting(value: float | None) -> str:
    """A value that a person chose, or a factor of one: no more digits than it has.

    >>> [setting(v) for v in (0.001, 3e-05, 0.05, 1.0, 2000.0)]
    ['0.001', '3e-5', '0.05', '1', '2,000']
    """
    if value is None:
        return "–"
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e6 else _short_exponent(f"{value:.3g}")


def count(value: float) -> str:
    """A whole number with its thousands apart; one that is not finite by its name."""
    return f"{round(value):,}" if math.isfinite(value) else str(value)


def percent(share: float) -> str:
    """A share of 1 in whole percent.

    >>> percent(0.084)
    '8 %'
    """
    return f"{100 * share:.0f} %"


def duration(seconds: float | None) -> str:
    """A length of time as a clock shows it.

    >>> [duration(s) for s in (7.9, 754, 7500, 200_000)]
    ['0:07', '12:34', '2:05:00', '2 d 7:33:20']
    """
    if seconds is None or not math.isfinite(seconds):
        return "–"
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if not hours:
        return f"{minute}:{second:02}"
    clock = f"{hour}:{minute:02}:{second:02}"
    return f"{days} d {clock}" if days else clock


def epochs(value: float) -> str:
    """Passes over the data, with a fraction where there is one.

    >>> epochs(1200.0), epochs(2.53)
    ('1,200', '2.5')
    """
    return f"{value:,.1f}".removesuffix(".0")


def age(seconds: float) -> str:
    """How long ago something happened, in its largest whole unit.

    >>> [age(s) for s in (-1, 4, 200, 9000, 200_000)]
    ['0 s ago', '4 s ago', '3 min ago', '2 h ago', '2 d ago']
    """
    whole = max(0, int(seconds))
    if whole < 100:
        return f"{whole} s ago"
    if whole < 6000:
        return f"{whole // 60} min ago"
    return f"{whole // 3600} h ago" if whole < 48 * 3600 else f"{whole // 86400} d ago"


def storage(size: float) -> str:
    """Bytes in a unit of which there are few.

    >>> [storage(n) for n in (0, 512, 246_824, 25_600_000, 4_096_000_000)]
    ['0', '512 B', '246.8 kB', '25.6 MB', '4.10 GB']
    """
    if size < 1000:
        return f"{size:.0f} B" if size else "0"
    power = min(4, int(math.log10(size) / 3 + 1e-4))
    return f"{size / 1000**power:.{1 if power < 3 else 2}f} {_UNITS[power]}"


_UNITS = ("B", "kB", "MB", "GB", "TB")


def measured_name(metric: str) -> str:
    """What a "part/metric" is called among people.

    >>> measured_name("validation/squared_error")
    'validation squared error'
    """
    return metric.replace("/", " ").replace("_", " ")


def _short_exponent(text: str) -> str:
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else text
