"""The data sets that scikit-learn brings along, and what is known of them, so that a check need not import it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from netspec.data.files import Where
from netspec.data.format import Column, Examples, Format, InputFormat, Survey, TargetFormat, sole
from netspec.spec.data import Split

__all__ = ["Bundled"]


def _table(names: str, labels: str = "", target_name: str = "target") -> Format:
    columns = tuple(Column(name.strip()) for name in names.split(","))
    classes = tuple(labels.split())
    return sole(
        InputFormat((len(columns),), "float32", columns),
        TargetFormat("class" if classes else "number", classes, () if classes else (1,), source=target_name),
        "table",
    )


_TUMOUR = (
    "radius, texture, perimeter, area, smoothness, compactness, concavity, concave points, symmetry, fractal dimension"
)
_TUMOURS = (
    [f"mean {m}" for m in _TUMOUR.split(", ")]
    + [f"{m} error" for m in _TUMOUR.split(", ")]
    + [f"worst {m}" for m in _TUMOUR.split(", ")]
)

_SURVEYS: Mapping[str, Survey] = {
    "digits": Survey(
        sole(InputFormat((8, 8, 1), "float32", white=16.0), TargetFormat("class", tuple("0123456789"))), 1797
    ),
    "iris": Survey(
        _table(
            "sepal length (cm), sepal width (cm), petal length (cm), petal width (cm)", "setosa versicolor virginica"
        ),
        150,
    ),
    "wine": Survey(
        _table(
            "alcohol, malic_acid, ash, alcalinity_of_ash, magnesium, total_phenols, flavanoids, nonflavanoid_phenols, "
            "proanthocyanins, color_intensity, hue, od280/od315_of_diluted_wines, proline",
            "class_0 class_1 class_2",
        ),
        178,
    ),
    "breast_cancer": Survey(_table(", ".join(_TUMOURS), "malignant benign"), 569),
    "diabetes": Survey(_table("age, sex, bmi, bp, s1, s2, s3, s4, s5, s6"), 442),
}


@dataclass(frozen=True, slots=True)
class Bundled:
    """A set by its name: digits, iris, wine, breast_cancer or diabetes."""

    name: str

    def survey(self, where: Where, split: Split) -> Survey:
        return _SURVEYS[self.name]

    def read(self, where: Where, split: Split) -> tuple[Survey, Examples]:
        from sklearn import datasets

        survey = _SURVEYS[self.name]
        found: Any = getattr(datasets, f"load_{self.name}")()
        inputs = found.data.astype(np.float32).reshape(survey.examples, *survey.format.input.shape)
        known = survey.format.target
        targets = found.target.astype(known.dtype).reshape(survey.examples, *known.shape)
        return survey, Examples({"input": inputs}, {"target": targets})
