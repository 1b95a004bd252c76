"""What is legal and most likely wrong: small rules over a network, its objective and what is known of the data."""

from netspec.lint.rules import RULES, lint
from netspec.lint.subject import Subject

__all__ = ["RULES", "Subject", "lint"]
