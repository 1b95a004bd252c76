"""The network of a run on its page: its picture, and its layers in a table whose blocks can be folded."""

from __future__ import annotations

from netspec.report.drawing.wording import count
from netspec.report.page.contents import LayerRow, Missing, Network
from netspec.report.page.markup import Html, clipped, tag
from netspec.report.page.sections import Part, Place, absent, facts, scrolled

__all__ = ["network_part"]

DEEPEST = 8
"""Levels that are set in from the margin: deeper ones stand below each other."""


def network_part(network: Network | Missing, place: Place) -> Part:
    """The section on the network."""
    if isinstance(network, Missing):
        return place.section("Network", absent("No network", network))
    if network.svg is None:
        picture = tag("p", "The picture would be too large to look at.", class_="absent")
    else:
        # The project's own drawing of a network: its texts are escaped there, and nothing in it runs.
        picture = scrolled(Html(network.svg), "Picture of the network", "picture")
    return place.section("Network", facts(network.facts), tag("div", picture, _layers(network), class_="network"))


def _layers(network: Network) -> Html:
    columns = ["layer", "kind", "output", "parameters", "multiply-adds", "activations"]
    columns += ["receptive field"] if network.windows else []
    head = tag(
        "tr", *(tag("th", name, scope="col", class_="number" if i > 2 else None) for i, name in enumerate(columns))
    )
    rows = (_row(row, network.windows) for row in network.layers)
    caption = tag("caption", "The network, layer by layer; activations are numbers kept for one example")
    body = tag("table", caption, tag("thead", head), tag("tbody", *rows), class_="compact layers")
    return scrolled(body, "The network, layer by layer", "layers-box")


def _row(row: LayerRow, windows: bool) -> Html:
    name = (
        tag("button", clipped(row.name), type="button", class_="folder", aria_expanded="true")
        if row.block
        else row.name
    )
    numbers = [count(row.parameters), count(row.multiply_adds), count(row.activations)]
    cells = [tag("td", clipped(row.kind)), tag("td", row.output, class_="shape")]
    cells += [tag("td", text, class_="number zero" if text == "0" else "number") for text in numbers]
    cells += [tag("td", row.field, class_="number")] if windows else []
    first = tag("th", name, scope="row", class_=f"depth-{min(row.depth, DEEPEST)}")
    return tag("tr", first, *cells, class_="block" if row.block else None, data_depth=row.depth)
