"""What every test has: a cache of compiled programs that is the tests' own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest

# The same examples each time, so that a change that breaks nothing is never refused; HYPOTHESIS=random tries others.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
if os.environ.get("HYPOTHESIS") != "random":
    hypothesis.settings.load_profile("same")


@pytest.fixture(autouse=True, scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep compiled programs for as long as the tests run, and out of the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
