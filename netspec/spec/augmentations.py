"""What is done at random to the images of each training batch; `netspec.nn.augmentation` does it, on the device."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar

from netspec.spec.call import Call, Mismatch, Shape, call
from netspec.spec.kind import Kind, items_of
from netspec.spec.values import Count, Fraction, Literally, Positive, Rate, Share

__all__ = ["Augmentation", "Augmentations"]


class Augmentation(Kind, family="augmentation"):
    """What is done at random to the images of each training batch, in turn, anew in each epoch.

    It is done on the device, within the step, after the transforms. Evaluation and prediction never see it. Zeros are
    black where images are scaled, and their mean where they are standardised.

    chance: for each image (for each batch, where images are mixed) that it is done at all.
    """

    mixes: ClassVar[bool] = False
    """Whether each image is mixed with another one, and its target with it."""

    chance: Share = 1.0

    @abstractmethod
    def lower(self) -> Call:
        """The function of a key and images, [n, height, width, channels], less those two."""

    def check(self, image: Shape) -> None:
        """See that images of a shape can be changed so.

        Raises:
            Mismatch: they cannot.
        """

    @classmethod
    def universal(cls) -> tuple[str, ...]:
        return ("chance",)


Augmentations = Annotated[tuple[Augmentation, ...], *items_of(Augmentation)]
"""A list of augmentations."""

if TYPE_CHECKING:
    Fill = str
    Way = str
else:
    Fill = Literally("zeros", "reflect")
    Way = Literally("horizontal", "vertical")


class Flip(Augmentation):
    """Images mirrored: each with a chance of one half, unless said otherwise.

    flip: which way: left and right, or top and bottom.
    """

    flip: Way = "horizontal"
    chance: Share = 0.5

    def lower(self) -> Call:
        return call("netspec.nn.augmentation.flip", axis=self.flip)


class Crop(Augmentation):
    """Images padded on all sides, and a part of the old size of each, anywhere with equal chance (He et al., 2015).

    crop: pixels of padding on each side.
    fill: what is padded with: zeros, or the image's mirror image.
    """

    example = "{ crop = 4 }"

    crop: Count
    fill: Fill = "zeros"

    def lower(self) -> Call:
        return call("netspec.nn.augmentation.random_crop", padding=self.crop, fill=self.fill)

    def check(self, image: Shape) -> None:
        if self.crop >= min(image.spatial):
            message = f"needs images of more than {self.crop} pixels a side, and gets {image}"
            raise Mismatch(message, "crop", "nothing may be left of them")


class Rotate(Augmentation):
    """Images turned about their middle, bilinearly.

    rotate: degrees, either way, at the most.
    fill: what comes in at the corners: zeros, or the image's mirror image.
    """

    example = "{ rotate = 15 }"

    rotate: Positive
    fill: Fill = "zeros"

    def lower(self) -> Call:
        return call("netspec.nn.augmentation.rotate", degrees=self.rotate, fill=self.fill)


class Shift(Augmentation):
    """Images moved up or down and left or right, bilinearly; crop moves them by whole pixels.

    shift: a share of the height and of the width, at the most.
    fill: what comes in at the edges: zeros, or the image's mirror image.
    """

    shift: Share
    fill: Fill = "zeros"

    def lower(self) -> Call:
        return call("netspec.nn.augmentation.shift", by=self.shift, fill=self.fill)


class Zoom(Augmentation):
    """Images enlarged about their middle, bilinearly, by a factor around 1.

    zoom: how far from 1 the factor may be.
    fill: what comes in around images that shrink: zeros, or the image's mirror image.
    """

    zoom: Rate
    fill: Fill = "zeros"

    def lower(self) -> Call:
        return call("netspec.nn.augmentation.zoom", by=self.zoom, fill=self.fill)


class Cutout(Augmentation):
    """Images with a square of zeros, its middle any pixel, so part of it may lie outside (DeVries and Taylor, 2017).

    cutout: pixels a side of the square.
    """

    example = "{ cutout = 8 }"

    cutout: Count

    def lower(self) -> Call:
        return call("netspec.nn.augmentation.cutout", side=self.cutout)

    def check(self, image: Shape) -> None:
        if self.cutout > min(image.spatial):
            message = f"needs images of {self.cutout} pixels a side or more, and gets {image}"
            raise Mismatch(message, "cutout", "nothing may be left of them")


class Colour(Augmentation):
    """Images lighter or darker, of more or less contrast, of stronger or paler colours (Howard, 2013), in that order.

    All is measured by the image itself, so images that are scaled and images that are standardised change alike.

    colour: how strongly, all three unless one is given by itself.
    brightness: at the most so many standard deviations of the image's numbers are added or taken away.
    contrast: how far from 1 the factor may be by which pixels are moved from the image's mean.
    saturation: likewise from each pixel's own grey; for images of red, green and blue.
    """

    example = "{ colour = 0.2 }"

    colour: Fraction
    brightness: Fraction | None = None
    contrast: Fraction | None = None
    saturation: Fraction | None = None

    def lower(self) -> Call:
        given = {"brightness": self.brightness, "contrast": self.contrast, "saturation": self.saturation}
        strengths = {name: self.colour if value is None else value for name, value in given.items()}
        return call("netspec.nn.augmentation.colour", **strengths)

    def check(self, image: Shape) -> None:
        if self.saturation and image.channels != 3:
            raise Mismatch(f"needs red, green and blue to change the saturation, and gets {image}", "saturation")


class Mixup(Augmentation):
    """λ x + (1 - λ) x' of each image and another one of its batch, and the loss of both targets, weighted likewise.

    One λ a batch, from Beta(α, α) (Zhang et al., 2018).

    mixup: α; near 0 hardly anything is mixed, 1 draws λ evenly.
    """

    mixes: ClassVar[bool] = True
    example = "{ mixup = 0.2 }"

    mixup: Positive

    def lower(self) -> Call:
        return call("netspec.nn.augmentation.mixup", alpha=self.mixup)


class Cutmix(Augmentation):
    """A box of another image of the batch in the place of each one's pixels; the loss of both targets, by their pixels.

    One box a batch, of a share 1 - λ of the image with λ from Beta(α, α), less what lies outside (Yun et al., 2019).

    cutmix: α; 1 draws λ evenly.
    """

    mixes: ClassVar[bool] = True
    example = "{ cutmix = 1.0 }"

    cutmix: Positive

    def lower(self) -> Call:
        return call("netspec.nn.augmentation.cutmix", alpha=self.cutmix)
