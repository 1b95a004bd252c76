"""Bytes to values and, for every key and value, its place.

tomli reads the values; `scan` finds the places; `syntax` puts tomli's complaints into plain words. Knows nothing of
what a spec may say.
"""

from __future__ import annotations

from .document import Document, Path, parse, read
from .extend import extended
from .override import SETTING, override, without
from .written import written

__all__ = ["SETTING", "Document", "Path", "extended", "override", "parse", "read", "without", "written"]
