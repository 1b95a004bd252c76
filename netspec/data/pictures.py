"""Image files, a folder for each class: decoded when they are asked for, since a set of them may be large."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from netspec.data.files import DataFile, Where, listed
from netspec.data.format import (
    Array,
    Chosen,
    Examples,
    Format,
    InputFormat,
    Inputs,
    Survey,
    TargetFormat,
    in_natural_order,
    sole,
)
from netspec.data.transforms import Resize, Transform
from netspec.spec.data import Split

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["ENDINGS", "Images", "Pictures", "images_below", "pictures_in", "read_examples", "resized"]

T = TypeVar("T")
Classes = Sequence[tuple[DataFile, tuple[DataFile, ...]]]
"""The folder of each class, and the images in it."""

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""What is decoded: no format that runs another program, or a script, to be shown."""

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"})

ORIENTATION = 0x0112
"""The tag of EXIF that says how the camera was held."""

LITTER = frozenset({"thumbs.db", "desktop.ini"})
"""What file managers leave behind without being asked; hidden files are passed over too."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Images as an array `[images, height, width, channels]` of numbers from 0 to `white`, decoded when asked for.

    Args:
        files: the images.
        size: height and width of each.
        channels: 1 for grey, 3 for colours.
        white: the number of a white pixel.
        resize: brings each to one size as it is decoded; None where they have that size, or are wrong.
    """

    files: tuple[DataFile, ...]
    size: tuple[int, int]
    channels: int
    white: float = 255.0
    resize: Resize | None = None

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, rows: Array) -> Array:
        """Some of them.

        Raises:
            DataError: an image is damaged, or has another size.
        """
        height, width = self.resize.size if self.resize else self.size
        decoded = np.empty((len(rows), height, width, self.channels), np.float32)
        for i, row in enumerate(rows):
            decoded[i] = self._decoded(self.files[row])
        return decoded

    def resized(self, resize: Resize) -> Pictures:
        """The same images, each brought to a size as it is decoded."""
        return replace(self, resize=resize)

    def check_headers(self) -> None:
        """Looks at the head of every file.

        Raises:
            DataError: a file is no image, or has another size.
        """
        for file in self.files:
            self._check_size(_with_image(file, _size), file)

    def _decoded(self, file: DataFile) -> Array:
        pixels = _with_image(file, lambda image: _pixels(image, self.channels))
        self._check_size(pixels.shape[:2], file)
        if self.white != 255.0:
            pixels = pixels * np.float32(self.white / 255.0)
        return self.resize(pixels[None])[0] if self.resize else pixels

    def _check_size(self, found: tuple[int, ...], file: DataFile) -> None:
        if self.resize is None and found != self.size:
            message = f"is {found[0]} × {found[1]}, where {self.size[0]} × {self.size[1]} is expected"
            help_ = "bring all images to one size: begin the transforms with { resize = [height, width] }"
            raise file.error("wrong-shape", message, help=help_)


@dataclass(frozen=True, slots=True)
class Images:
    """A folder of folders, each named after the class of the images in it.

    Args:
        path: as it was written.
    """

    path: str

    def survey(self, where: Where, split: Split) -> Survey:
        folder = where.folder("images", self.path)
        return _surveyed(folder, _classes(folder))

    def read(self, where: Where, split: Split) -> tuple[Survey, Examples]:
        folder = where.folder("images", self.path)
        classes = _classes(folder)
        survey = _surveyed(folder, classes)
        return survey, _examples(classes, survey.format)


def _surveyed(folder: DataFile, classes: Classes) -> Survey:
    labels = tuple(inside.path.name for inside, _ in classes)
    target = TargetFormat("class", labels).checked(folder)
    shape = _with_image(classes[0][1][0], lambda image: (*_size(image), _channels(image)))
    return Survey(sole(InputFormat(shape, "float32", white=255.0), target), sum(len(files) for _, files in classes))


def read_examples(folder: DataFile, format: Format) -> Examples:  # noqa: A002
    """The images of a folder of folders, whose names must be known labels.

    Raises:
        DataError: a folder is no class, or holds something else than images.
    """
    return _examples(_classes(folder), format)


def pictures_in(files: Sequence[DataFile], format: InputFormat) -> Pictures:  # noqa: A002
    """Image files as inputs of a format, which is one of images."""
    height, width, channels = format.shape
    return Pictures(tuple(files), (height, width), channels, format.white or 255.0)


def resized(raw: Inputs, transforms: Sequence[Transform]) -> Inputs:
    """The same inputs; images are resized as they are decoded if that comes first: their sizes may differ then."""
    if isinstance(raw, Chosen):
        return replace(raw, of=resized(raw.of, transforms))
    if isinstance(raw, Pictures) and transforms and isinstance(transforms[0], Resize):
        return raw.resized(transforms[0])
    return raw


def images_below(folder: DataFile) -> tuple[DataFile, ...]:
    """Every image below a folder, in the order of their paths.

    Raises:
        DataError: there is none, or something else lies among them.
    """
    with folder.readable():
        found = [
            Path(parent) / name
            for parent, folders, names in os.walk(folder.path, onerror=_raised)
            if not any(part.startswith(".") for part in Path(parent).relative_to(folder.path).parts)
            for name in names
            if not name.startswith(".") and name.casefold() not in LITTER
        ]
    files = [folder.inside(path) for path in sorted(found, key=lambda p: p.relative_to(folder.path).parts)]
    others = [file.name for file in files if file.path.suffix.casefold() not in ENDINGS]
    if others:
        kinds = ", ".join(sorted(ENDINGS))
        raise folder.error(
            "not-an-image", f"there are no images: {listed(others, len(others))}", note=f"images: {kinds}"
        )
    if not files:
        raise folder.error("no-examples", "there are no images in it")
    return tuple(files)


def _raised(error: OSError) -> None:
    raise error


def _classes(folder: DataFile) -> Classes:
    """The folders of a folder, in the natural order of their names, and the images of each."""
    with folder.readable():
        entries = [e for e in folder.path.iterdir() if not e.name.startswith(".")]
    stray = sorted(e.name for e in entries if e.suffix.casefold() in ENDINGS and e.is_file())
    if stray:
        message = f"images lie beside the folders of the classes: {listed(stray, len(stray))}"
        raise folder.error("not-a-class", message, help="put each into the folder of its class")
    names = in_natural_order(e.name for e in entries if e.is_dir())
    if not names:
        raise folder.error("no-examples", "there are no folders in it; each class has one, with its images")
    return [(inside, images_below(inside)) for inside in (folder.inside(folder.path / name) for name in names)]


def _examples(classes: Classes, format_: Format) -> Examples:
    labels = format_.target.labels
    index = {label: i for i, label in enumerate(labels)}
    for folder, _ in classes:
        if folder.path.name not in index:
            note = f"there are: {', '.join(labels)}"
            raise folder.error("unknown-class", f"'{folder.path.name}' is no class that is known", note=note)
    files = [file for _, files in classes for file in files]
    targets = np.repeat([index[f.path.name] for f, _ in classes], [len(files) for _, files in classes])
    return Examples({"input": pictures_in(files, format_.input)}, {"target": targets.astype(np.int32)})


# -- one image -------------------------------------------------------------------------------------------------------


def _with_image(file: DataFile, use: Callable[[Image.Image], T]) -> T:
    """What `use` makes of an image that is open for it; whatever is wrong with the file is a DataError."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file.path, formats=FORMATS) as image:
                return use(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        most = f"{Image.MAX_IMAGE_PIXELS:,}"
        raise file.error("too-large", f"has more than {most} pixels, which may be meant to fill the memory") from error
    except UnidentifiedImageError as error:
        raise file.error("damaged-image", "is no image, or a damaged one") from error
    # Decoders let through whatever they trip over in a damaged file: struct.error, SyntaxError, IndexError and others.
    except Exception as error:
        raise file.error("damaged-image", f"cannot be decoded: {error}") from error


def _size(image: Image.Image) -> tuple[int, int]:
    """Height and width as people see the image: some cameras store it lying on its side, and say so."""
    width, height = image.size
    on_its_side = image.getexif().get(ORIENTATION, 1) >= 5
    return (width, height) if on_its_side else (height, width)


def _channels(image: Image.Image) -> int:
    return 1 if image.mode in ("1", "L", "LA", "La") or image.mode[0] in "IF" else 3


def _pixels(image: Image.Image, channels: int) -> Array:
    """`[height, width, channels]`, float32, from 0 to 255."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode[0] == "I":
        return np.repeat(_deep(np.asarray(upright))[..., None], channels, axis=-1)
    if upright.mode == "F":
        raise ValueError("its pixels are fractions, and what is white is not known")
    pixels = np.asarray(upright.convert("L" if channels == 1 else "RGB"), np.float32)
    return pixels.reshape(*pixels.shape[:2], channels)


def _deep(pixels: Array) -> Array:
    """Grey pixels of 16 bits, from 0 to 255."""
    if pixels.min() < 0 or pixels.max() > 65_535:
        raise ValueError("its pixels have more than 16 bits, and what is white is not known")
    return (pixels / 257).astype(np.float32)
