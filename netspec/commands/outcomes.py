"""What a run's network says of each example of a part of its data: where it is right, where it is wrong, how surely."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from netspec.commands.sample import MOST_EXAMPLES, MOST_NUMBERS, Sample, sample_of
from netspec.diagnostics import Diagnostic

if TYPE_CHECKING:
    import numpy as np

    from netspec.build.targets import Aim
    from netspec.data.pixels import Pixels
    from netspec.data.preparation import Prepared

    Array = np.ndarray[Any, Any]

__all__ = ["MOST_CLASSES", "Kind", "Outcomes", "kind_of", "outcomes", "outcomes_of"]

Kind = Literal["class", "positions", "number", "input", "other"]
"""What is said of an example: its class, a class for each of its positions, numbers, what the input was; or else."""

MOST_CLASSES = 1000
"""Classes whose confusions are counted, at the most."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a run's network says of some examples, against what is true.

    Args:
        run: its directory.
        step: at which its parameters were what is looked at.
        part: of the data.
        examples: how many were looked at.
        of: how many the part has; where it is more, those that are looked at were drawn at random.
        kind: what is said of an example.
        output, target: the names of what is judged by what: the first loss decides.
        labels: the classes' names, in the order of their numbers; empty where there are no classes.
        rows: the numbers of the examples within the part, [n].
        inputs: by name, as the network takes them, [n, …]: arrays, or what is indexed like one.
        truths: classes' numbers [n] or [n, positions], -1 for what does not count; numbers in the target's own unit,
            [n, …]; of an autoencoder, the inputs as it takes them. None where nothing is true of an example.
        said: likewise, what the network says.
        probabilities: of each class, [n, classes].
        confusion: [classes, classes], how often a class (row) was said to be another (column).
        mistakes: the examples with a wrong class, by their places in `rows`, the surest first.
        sure: how probable the network finds the class that it says, [n] or [n, positions].
        lead: how far that class is before the next one, in logits or as a margin, likewise.
        residuals: of numbers, what was said less what is true, [n, …].
        reconstructions: of an autoencoder, what it makes of the inputs, [n, …].
        missing: by the name of one of these that is None, why.
    """

    run: str
    step: int
    part: str
    examples: int
    of: int
    kind: Kind
    output: str
    target: str | None
    labels: tuple[str, ...]
    rows: Array
    inputs: Mapping[str, Array | Prepared]
    truths: Array | None = None
    said: Array | None = None
    probabilities: Array | None = None
    confusion: Array | None = None
    mistakes: Array | None = None
    sure: Array | None = None
    lead: Array | None = None
    residuals: Array | None = None
    reconstructions: Array | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    pixels: Mapping[str, Pixels] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def accuracy(self) -> float | None:
        """The share of what counts that is said rightly; None where no classes are said."""
        if self.said is None or self.truths is None or self.kind not in ("class", "positions"):
            return None
        counted = self.truths >= 0
        return float((self.said == self.truths)[counted].mean()) if counted.any() else None

    def image_of(self, i: int) -> Array | None:
        """The image that an example's inputs hold, bytes [height, width, channels], those of a pair side by side."""
        from netspec.data.pixels import beside_each_other

        images = [pixels(self.inputs[name][i : i + 1])[0] for name, pixels in self.pixels.items()]
        return beside_each_other(images) if images else None

    def picture_of(self, i: int) -> bytes | None:
        """That image as the content of a PNG file, with the pixels that the data's own file held; None without one."""
        from netspec.data.pixels import png

        image = self.image_of(i)
        return None if image is None else png(image)

    def reconstructed_image_of(self, i: int) -> Array | None:
        """The image that an autoencoder makes of an example's; None where it makes none."""
        pixels = self.pixels.get(self.target or "")
        if self.reconstructions is None or pixels is None:
            return None
        made: Array = pixels(self.reconstructions[i : i + 1])[0]
        return made

    def reconstructed_picture_of(self, i: int) -> bytes | None:
        """That image as the content of a PNG file."""
        from netspec.data.pixels import png

        image = self.reconstructed_image_of(i)
        return None if image is None else png(image)


def outcomes(
    run: Path,
    part: str | None = None,
    device: str | None = None,
    examples: int = MOST_EXAMPLES,
    seed: int = 0,
) -> Outcomes:
    """What a run's network says of each example of a part of its data.

    Args:
        part: "train", "validation" or "test"; the first of test, validation and train that there is, unless given.
        examples: at the most; fewer where the network gives very many numbers for each.
        seed: of which examples, where there are more.

    Raises:
        NetspecError: the run has no checkpoint, its data is missing, or there is no such part.
    """
    return outcomes_of(sample_of(run, part, device, examples, seed))


def outcomes_of(sample: Sample) -> Outcomes:
    """What a network says of the examples of a sample."""
    from netspec.data.pixels import images_in

    aim = sample.aim
    kind = kind_of(aim)
    found = _LOOK[kind](sample)
    pixels = images_in(sample.trained.preparation, sample.inputs)
    missing = {**_WHY[kind], **found.pop("missing", {})}
    if not pixels:
        missing["pictures"] = "the inputs are no images"
    return Outcomes(
        sample.run, sample.step, sample.part, len(sample), sample.of, kind, aim.output, aim.target,
        aim.labels if kind in ("class", "positions") else (), sample.rows, sample.inputs,
        missing={name: why for name, why in missing.items() if found.get(name) is None},
        pixels=pixels, warnings=sample.warnings, **found,
    )  # fmt: skip


_OF_CLASSES = ("index", "zero_one", "plus_minus")


def kind_of(aim: Aim) -> Kind:
    """What a network says of an example, by what its first loss compares."""
    if aim.form in _OF_CLASSES:
        return "positions" if aim.facts.shape and not aim.last else "class"
    if aim.form in ("number", "distribution") and aim.target is not None:
        return "input" if aim.of_input else "number"
    return "other"


_NO_NUMBERS = "classes are said, and no numbers"
_NO_CLASSES = "numbers are said, and no classes"
_NO_REBUILDING = "the network does not give back its input"
_OTHER = "what the loss compares has nothing that is true of an example by itself"
_CLASSES = ("probabilities", "confusion", "mistakes", "sure", "lead")

_WHY: Mapping[Kind, Mapping[str, str]] = {
    "class": {"residuals": _NO_NUMBERS, "reconstructions": _NO_REBUILDING},
    "positions": {
        "residuals": _NO_NUMBERS,
        "reconstructions": _NO_REBUILDING,
        "mistakes": "an example has a class for each of its positions, and may be right in some",
    },
    "number": {**dict.fromkeys(_CLASSES, _NO_CLASSES), "reconstructions": _NO_REBUILDING},
    "input": {**dict.fromkeys(_CLASSES, _NO_CLASSES), "residuals": "the reconstructions are what is said"},
    "other": dict.fromkeys(("truths", "said", *_CLASSES, "residuals", "reconstructions"), _OTHER),
}
"""By what is said of an example: what there is not, and why."""


# -- classes -----------------------------------------------------------------------------------------------------------


def _classes(sample: Sample) -> dict[str, Any]:
    import numpy as np

    aim = sample.aim
    whole = aim.facts.shape == () or aim.last
    absent = _no_probabilities(sample, whole=whole)
    found = _said(sample, _reading(aim.form, with_all=absent is None))
    truths = _counted(np.asarray(sample.targets[aim.target or ""]), aim)
    result: dict[str, Any] = {**found, "truths": truths}
    missing = {} if absent is None else {"probabilities": absent}
    if _of_margins(sample):
        result["sure"], missing["sure"] = None, str(absent)
    if (count := len(aim.labels)) <= MOST_CLASSES:
        result["confusion"] = _confusion(truths, found["said"], count)
    else:
        missing["confusion"] = f"there are {count:,} classes, and {MOST_CLASSES:,} are the most that are counted"
    if whole:
        wrong = np.flatnonzero((truths >= 0) & (found["said"] != truths))
        # Of margins each is 1, and many others are rounded to 1: then it counts how far the class is before the next.
        result["mistakes"] = wrong[np.lexsort((-found["lead"][wrong], -found["sure"][wrong]))]
    return {**result, "missing": missing}


def _of_margins(sample: Sample) -> bool:
    from netspec.build.ensemble import OF_MARGINS

    return sample.aim.form == "plus_minus" or sample.phase.objective.terms[0].kind in OF_MARGINS


def _no_probabilities(sample: Sample, *, whole: bool) -> str | None:
    """Why no class's probability is told of each example, if none is."""
    if _of_margins(sample):
        return f"{sample.phase.objective.terms[0].kind} makes margins, which are no probabilities"
    numbers = len(sample) * len(sample.aim.labels)
    if whole and numbers > MOST_NUMBERS:
        return f"they would be {numbers:,} numbers, and {MOST_NUMBERS:,} are the most that are held"
    return None if whole else "they would be as many as positions times classes"


def _counted(truths: Array, aim: Aim) -> Array:
    """Classes' numbers, -1 where the loss counts nothing."""
    import numpy as np

    last = truths[:, -1] if aim.last else truths
    if 0.0 not in aim.by_class:
        return last
    return np.where((last >= 0) & (np.asarray(aim.by_class)[last] > 0), last, -1)


def _confusion(truths: Array, said: Array, count: int) -> Array:
    import numpy as np

    counted = truths >= 0
    pairs = truths[counted].astype(np.int64) * count + said[counted]
    return np.bincount(pairs, minlength=count * count).reshape(count, count)


def _reading(form: str, *, with_all: bool) -> Callable[[Any], dict[str, Any]]:
    """The function that makes of a batch's outputs what is held of them."""
    import jax
    import jax.numpy as jnp

    from netspec.build.measures import probabilities_of

    probabilities = probabilities_of(form)
    assert probabilities is not None

    def read(outputs: Any) -> dict[str, Any]:
        each = probabilities(outputs)
        if form == "index":
            first = jax.lax.top_k(outputs, 2)[0]
            said, lead = jnp.argmax(outputs, axis=-1), first[..., 0] - first[..., 1]
        else:
            said, lead = outputs[..., 0] > 0, jnp.abs(outputs[..., 0])
        found = {"said": said.astype(jnp.int32), "lead": lead, "sure": jnp.max(each, axis=-1)}
        return found | ({"probabilities": each} if with_all else {})

    return read


# -- numbers -----------------------------------------------------------------------------------------------------------


def _numbers(sample: Sample) -> dict[str, Any]:
    import numpy as np

    aim, preparation = sample.aim, sample.trained.preparation
    name = aim.target or ""
    outputs = _said(sample, _plain(aim.form))["said"].astype(np.float64)
    said = preparation.measured_back(name, outputs)
    truths = preparation.measured_back(name, np.asarray(sample.targets[name], np.float64))
    return {"truths": truths, "said": said, "residuals": said - truths}


def _rebuilt(sample: Sample) -> dict[str, Any]:
    import numpy as np

    inputs = sample.inputs[sample.aim.target or ""]
    made = _said(sample, _plain(sample.aim.form))["said"]
    return {"truths": np.asarray(inputs[:]), "said": made, "reconstructions": made}


def _plain(form: str) -> Callable[[Any], dict[str, Any]]:
    import jax

    return lambda outputs: {"said": jax.nn.softmax(outputs, axis=-1) if form == "distribution" else outputs}


_LOOK: Mapping[Kind, Callable[[Sample], dict[str, Any]]] = {
    "class": _classes,
    "positions": _classes,
    "number": _numbers,
    "input": _rebuilt,
    "other": lambda sample: {},
}


def _said(sample: Sample, read: Callable[[Any], dict[str, Any]]) -> dict[str, Array]:
    """What is held of the network's outputs for all examples, worked out batch by batch.

    Args:
        read: of a batch's outputs, what is held of them, by name.
    """
    import jax
    import numpy as np

    from netspec.build.ensemble import combined
    from netspec.train.measure import batch_for, outputs_for

    program, phase = sample.program, sample.phase
    outputs = outputs_for(phase, program.members)

    @jax.jit
    def apply(weights: Any, x: Any) -> dict[str, Any]:
        found = outputs(weights, x)
        together = found if program.members is None else combined(phase.objective, found)
        return read(together[sample.aim.output])

    count = len(sample)
    batch = batch_for(phase, count)
    pieces = []
    for start in range(0, count, batch):
        chosen = np.minimum(np.arange(start, start + batch), count - 1)
        found = apply(sample.weights, {name: array[chosen] for name, array in sample.inputs.items()})
        pieces.append({name: np.asarray(array)[: count - start] for name, array in found.items()})
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
