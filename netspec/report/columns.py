"""A run's record as one table of columns, as long as each other: for people who go on with it in Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.diagnostics import Diagnostic, NetspecError
from netspec.runs.histories import History

__all__ = ["Columns", "columns"]

Numbers = NDArray[np.float64]


class Columns(Mapping[str, Numbers]):
    """Columns by name: "step", "epoch", "seconds", "training/loss", "validation/accuracy", …

    A row is a step at which something was recorded; NaN stands for what was not known there.
    """

    def __init__(self, found: Mapping[str, Numbers]) -> None:
        self._found = dict(found)

    def __getitem__(self, name: str) -> Numbers:
        if name not in self._found:
            raise KeyError(f"there is no column {name!r}; there are {', '.join(self._found)}")
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"<{len(self['step']):,} rows of {', '.join(self)}>"

    def _repr_html_(self) -> str:
        from netspec.report.notebook.results import columns_html

        return columns_html(self)

    def series(self, name: str) -> tuple[Numbers, Numbers]:
        """The steps at which a column is known, and its values there."""
        known = ~np.isnan(self[name])
        return self["step"][known], self[name][known]

    def to_dict(self) -> dict[str, list[float | None]]:
        """The columns as lists; None where nothing is known."""
        return {name: [None if v != v else v for v in values.tolist()] for name, values in self.items()}

    def to_pandas(self) -> Any:
        """The columns as a `pandas.DataFrame`, a row a step.

        Raises:
            NetspecError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            help_ = "pip install pandas, or take .to_dict()"
            raise NetspecError(Diagnostic("not-installed", "pandas is not installed", help=help_)) from error
        return pandas.DataFrame(dict(self))


def columns(history: History) -> Columns:
    """A run's record, a row for each step at which something was recorded."""
    measured = history.measured
    steps = np.unique(np.concatenate([history.steps, *(m.steps for m in measured.values())]))
    own = {
        "epoch": history.epochs,
        "seconds": history.seconds,
        "training/loss": history.losses,
        "training/learning_rate": history.learning_rates,
        "training/gradient_norm": history.gradient_norms,
        "training/examples_per_second": history.paces,
    }
    found = {"step": steps} | {name: _spread(steps, history.steps, values) for name, values in own.items()}
    for name, m in measured.items():
        found[name] = _spread(steps, m.steps, m.values)
        for word, values in (("epoch", m.epochs), ("seconds", m.seconds)):
            found[word] = np.where(np.isnan(found[word]), _spread(steps, m.steps, values), found[word])
    return Columns(found)


def _spread(rows: Numbers, steps: Numbers, values: Numbers) -> Numbers:
    found = np.full(len(rows), np.nan)
    found[np.searchsorted(rows, steps)] = values
    return found
