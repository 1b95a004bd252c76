"""Graph to source: pure functions, text in the end."""

from netspec.emit.emit import Emitted, emit

__all__ = ["Emitted", "emit"]
