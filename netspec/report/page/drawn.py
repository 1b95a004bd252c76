"""What the page's script draws: the curves and the layers' health, as data."""

from __future__ import annotations

import dataclasses
from typing import Any

from netspec.diagnostics import printable
from netspec.report.page.contents import Curves, Health, Report
from netspec.report.page.markup import clipped

__all__ = ["drawn"]

MEASURES = {
    "update": {"title": "Update", "about": "what a step adds to a layer’s weights, as a share of them", "scale": "log"},
    "gradient": {"title": "Gradient", "about": "the norm of the gradient of a layer’s parameters", "scale": "log"},
    "weights": {"title": "Weights", "about": "the norm of a layer’s parameters", "scale": "log"},
    "dead": {"title": "Dead units", "about": "the share of units that are 0 for every example", "scale": "share"},
    "saturated": {"title": "Saturated", "about": "the share of results at the ends of their range", "scale": "share"},
}
"""What each measure of a layer is called, and whether it is a share of 1 or spans decades."""


def drawn(report: Report) -> dict[str, Any]:
    """The data of the charts; the numbers of groups are those that the elements of the page name."""
    groups = [run.curves for run in report.runs]
    return {
        "groups": [_curves(curves) if isinstance(curves, Curves) else None for curves in groups],
        "comparison": None if report.compared is None else _curves(report.compared),
        "health": [_health(run.health) if isinstance(run.health, Health) else None for run in report.runs],
        "measures": MEASURES,
    }


def _curves(curves: Curves) -> dict[str, Any]:
    data = dataclasses.asdict(curves)
    for chart in data["charts"]:
        for line in chart["lines"]:
            line["name"] = printable(clipped(line["name"], 60))
    for phase in data["phases"]:
        phase["name"] = printable(clipped(phase["name"], 40))
    for alert in data["alerts"]:
        alert["message"] = printable(clipped(alert["message"], 300))
    return data


def _health(health: Health) -> dict[str, Any]:
    data = dataclasses.asdict(health)
    data["layers"] = [printable(clipped(layer, 60)) for layer in data["layers"]]
    return data
