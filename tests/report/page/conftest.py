"""A browser for the tests of pages, started once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import Browser, Tab, found

from netspec.report.page import Report, page

NEEDED = "NETSPEC_BROWSER_NEEDED"
"""Set where a browser that is missing is a failure, and not a reason to skip."""


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = found()
    if program is None:
        message = "no Chromium is installed, or named by NETSPEC_CHROMIUM"
        pytest.fail(message) if os.environ.get(NEEDED) else pytest.skip(message)
    with Browser(program, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def shown(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Tab]]:
    """Makes the page of a report and opens it; what the page complained of fails the test at its end."""
    tabs: list[tuple[Tab, Path]] = []

    def show(report: Report | str, **wishes: object) -> Tab:
        path = tmp_path / f"page-{len(tabs)}.html"
        path.write_text(report if isinstance(report, str) else page(report), encoding="utf-8")
        tabs.append((browser.open(path, **wishes), path))
        return tabs[-1][0]

    yield show
    for tab, path in tabs:
        tab.value("0")  # what happened before has been heard by then
        assert tab.complaints == []
        assert [url for url in tab.requests if not url.startswith("data:")] == [path.as_uri()]
        tab.close()
