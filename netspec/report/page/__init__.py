"""A run, or several, as one page of HTML that people show to each other.

`contents` says what is on it, `recorded` and `described` gather that from a run's files, and `document` writes it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version

from netspec.report.comparison.compare import Comparison
from netspec.report.page.compared import curves_compared
from netspec.report.page.contents import Report, RunContents, to_json
from netspec.report.page.document import page

__all__ = ["Report", "RunContents", "page", "page_of_comparison", "report_of", "to_json"]


def report_of(title: str, runs: tuple[RunContents, ...], comparison: Comparison | None = None) -> Report:
    """The contents of a page, made now.

    Raises:
        RunError: a record cannot be read.
    """
    curves = None if comparison is None else curves_compared(comparison)
    return Report(title, f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", version("netspec"), runs, comparison, curves)


def page_of_comparison(comparison: Comparison) -> str:
    """A comparison as a page of its own, without the runs' own parts.

    Raises:
        RunError: a record cannot be read.
    """
    return page(report_of(f"{len(comparison.runs)} side by side", (), comparison))
