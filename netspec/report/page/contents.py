"""What a page shows, as plain data: gathered elsewhere, drawn by the modules beside this one.

Everything here is numbers and text, so that `to_json` is all that `netspec report --json` prints.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netspec.report.comparison.compare import Comparison
from netspec.report.comparison.compare import to_json as comparison_json
from netspec.report.drawing.values import plain

__all__ = [
    "Alert",
    "Axis",
    "Chart",
    "Confusion",
    "Curves",
    "Environment",
    "Evaluations",
    "Health",
    "LayerRow",
    "Line",
    "Missing",
    "Mistake",
    "Mistakes",
    "Network",
    "Pair",
    "Phase",
    "Reconstructions",
    "Report",
    "Reproduction",
    "Residuals",
    "Result",
    "RunContents",
    "Setting",
    "SpecText",
    "to_json",
]


@dataclass(frozen=True, slots=True)
class Missing:
    """A part of the page that cannot be there, and why, in one line."""

    why: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a run reached.

    Args:
        state: "done", "running", "interrupted", "diverged", "failed" or "stopped".
        metric: the "part/metric" that decides; "" where the run has not begun.
        best: its best value, reached at `best_step`.
        metrics: by "part/metric", of the parameters that are kept, or as last measured.
        steps: that the training is long; `step` is how far it came.
        seconds: of training.
        batch: examples a step; 0 of a point.
        examples: by part.
    """

    state: str
    metric: str
    higher_is_better: bool
    best: float | None
    best_step: int | None
    metrics: Mapping[str, float]
    step: int
    steps: int
    epoch: float
    seconds: float | None
    device: str
    parameters: int
    seed: int | None
    batch: int
    examples: Mapping[str, int]
    members: int
    started: str


# -- curves ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Axis:
    """What a step is in epochs, examples and seconds: between two of these points, as a straight line has it.

    Args:
        epochs, examples: empty where there are no examples.
        seconds: of training.
    """

    steps: tuple[float, ...]
    epochs: tuple[float, ...]
    examples: tuple[float, ...]
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A curve.

    Args:
        name: what it shows.
        axis: the number of the axis that its steps are on.
        colour: from 1; what belongs together in several charts has the same.
        smooth: whether it is so ragged that smoothing it helps.
        means: steps and values of the means where the curve was thinned; smoothing starts from these.
        low, high: the ends of an interval around each value; empty without one.
        points: whether each value is marked, being few.
    """

    name: str
    axis: int
    colour: int
    steps: tuple[float, ...]
    values: tuple[float, ...]
    smooth: bool = False
    means: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    points: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves on one pair of axes.

    Args:
        name: a word for it: "loss", "metric", "learning rate".
        logarithmic: whether it is drawn so at first.
        positive: whether it can be: something is positive, and the rest is left out then.
        wide: whether it has the page's whole width.
    """

    name: str
    title: str
    lines: tuple[Line, ...]
    logarithmic: bool = False
    positive: bool = True
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Phase:
    """A stage of a training, and the step at which it begins."""

    name: str
    step: int


@dataclass(frozen=True, slots=True)
class Alert:
    """A diagnosis: one sentence of evidence, and a remedy."""

    step: int
    code: str
    message: str
    help: str


@dataclass(frozen=True, slots=True)
class Evaluations:
    """What was measured, a row an evaluation.

    Args:
        metrics: the columns, by "part/metric".
        rows: step, epoch, and a value or None for each metric.
        best: the step of the best one.
        of: how many evaluations there were, of which these are some.
    """

    metrics: tuple[str, ...]
    rows: tuple[tuple[int, float, tuple[float | None, ...]], ...]
    best: int | None
    of: int


@dataclass(frozen=True, slots=True)
class Curves:
    """All curves of a run.

    Args:
        dropped: values that were not finite, and are not drawn.
    """

    axes: tuple[Axis, ...]
    charts: tuple[Chart, ...]
    phases: tuple[Phase, ...] = ()
    alerts: tuple[Alert, ...] = ()
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """How the layers were over time.

    Args:
        layers: their paths, in turn.
        steps: at which they were looked at.
        measures: by name ("update", "gradient", "dead", …), a row a layer with a value or None a step.
        memory, peak: bytes in use at last, and at the most.
        skipped: steps that the optimizer did not take.
    """

    layers: tuple[str, ...]
    steps: tuple[int, ...]
    measures: Mapping[str, tuple[tuple[float | None, ...], ...]]
    memory: int | None = None
    peak: int | None = None
    skipped: int = 0


# -- what the network says ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often a class (row) was said to be another (column)."""

    part: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Mistake:
    """An example that was said to be of a wrong class.

    Args:
        row: its number within the part.
        sure: how probable the network finds what it says.
        picture: as a data: URI.
        inputs: without a picture, its first few numbers in words.
    """

    row: int
    truth: str
    said: str
    sure: float | None
    picture: str | None = None
    inputs: str = ""


@dataclass(frozen=True, slots=True)
class Mistakes:
    """The wrong ones of a part, the surest first; `of` are all of them, among `examples`."""

    part: str
    examples: int
    of: int
    shown: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class Residuals:
    """Numbers: what is true, and what is said.

    Args:
        name: of what is predicted.
        truths, said: of at most a thousand of `examples`, drawn evenly.
        edges, counts: a histogram of said less true, over all of them.
        error: the root of the mean square of the residuals; `bias` their mean.
        explained: R², the share of the variance that is explained; None where the truths are all the same.
    """

    part: str
    name: str
    examples: int
    truths: tuple[float, ...]
    said: tuple[float, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    error: float
    bias: float
    explained: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """An input, what an autoencoder makes of it (as data: URIs), and the root of the mean square of what differs."""

    row: int
    given: str
    made: str
    error: float


@dataclass(frozen=True, slots=True)
class Reconstructions:
    """Some inputs of a part and what becomes of them; `worst` are those that became worst."""

    part: str
    examples: int
    pairs: tuple[Pair, ...]
    worst: tuple[Pair, ...]


# -- the network, the spec, the surroundings ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A row of the layers' table: a layer, or a block with its sums, and how deep it is."""

    depth: int
    name: str
    kind: str
    output: str
    parameters: int
    multiply_adds: int
    activations: int
    field: str
    block: bool


@dataclass(frozen=True, slots=True)
class Network:
    """What was trained.

    Args:
        svg: its picture, an SVG document that holds nothing that runs; None where it is too large to look at.
        facts: what there is to know of it as a whole, as names and values.
    """

    svg: str | None
    layers: tuple[LayerRow, ...]
    facts: tuple[tuple[str, str], ...]
    windows: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """A value of a spec: the line where it stands, and its default, "" where it has none."""

    path: str
    line: int
    value: str
    default: str
    usual: bool


@dataclass(frozen=True, slots=True)
class SpecText:
    """A spec as written, and what its keys would have been."""

    name: str
    text: str
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Environment:
    """What a run was trained on, as names and values."""

    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """How to get the same bits: steps in words, with the commands of each."""

    steps: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunContents:
    """A run's part of a page; each piece is there, or says why not."""

    name: str
    path: str
    result: Result
    curves: Curves | Missing
    evaluations: Evaluations | Missing
    health: Health | Missing
    confusion: Confusion | Missing
    mistakes: Mistakes | Missing
    residuals: tuple[Residuals, ...] | Missing
    reconstructions: Reconstructions | Missing
    network: Network | Missing
    spec: SpecText | Missing
    environment: Environment | Missing
    reproduction: Reproduction | Missing


@dataclass(frozen=True, slots=True)
class Report:
    """A page.

    Args:
        title: of the page.
        made: when, in words.
        version: of netspec.
        runs: each with a part of its own.
        comparison: of the runs, where there are several.
        compared: its curves.
    """

    title: str
    made: str
    version: str
    runs: tuple[RunContents, ...]
    comparison: Comparison | None = None
    compared: Curves | None = None


def to_json(report: Report) -> dict[str, Any]:
    """The page's data; the shape is public (see `netspec report --json`)."""
    compared = None if report.comparison is None else comparison_json(report.comparison, whole=True)
    alone = dataclasses.replace(report, comparison=None)
    data: dict[str, Any] = plain({**dataclasses.asdict(alone), "comparison": compared})
    return data
