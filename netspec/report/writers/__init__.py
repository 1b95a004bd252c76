"""Other people's programs that a training is told to: what each is told, and who tells it, in a thread of its own.

Nothing goes over a network. The run's own record is the truth; a program that cannot be told is left out.
"""

from netspec.report.writers.telling import Telling
from netspec.report.writers.told import Begun, Row, Writer, begun, row_of
from netspec.report.writers.tools import TOOLS, Tool, missing

__all__ = ["TOOLS", "Begun", "Row", "Telling", "Tool", "Writer", "begun", "missing", "row_of"]
