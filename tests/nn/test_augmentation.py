"""What is done to images at random, each against NumPy, SciPy or a distribution's own numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, stats

from netspec.nn import augmentation as a

EACH: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "crop": partial(a.random_crop, padding=2),
    "crop reflect": partial(a.random_crop, padding=2, fill="reflect"),
    "rotate": partial(a.rotate, degrees=40),
    "shift": partial(a.shift, by=0.3),
    "zoom": partial(a.zoom, by=0.3, fill="reflect"),
    "cutout": partial(a.cutout, side=3),
    "colour": partial(a.colour, brightness=0.3, contrast=0.3, saturation=0.3),
}
MIXES: dict[str, Callable[[jax.Array, jax.Array], a.Mixed]] = {
    "mixup": partial(a.mixup, alpha=1.0),
    "cutmix": partial(a.cutmix, alpha=1.0),
}
KEY = jax.random.key(0)


def images(n: int, height: int = 6, width: int = 5, channels: int = 3, dtype: Any = np.float32) -> Any:
    return jnp.asarray(np.random.default_rng(n).normal(size=(n, height, width, channels)), dtype)


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), atol=2e-5)


def likely(counts: Any) -> bool:
    """Whether so many of each may well come of equal chances."""
    return bool(stats.chisquare(counts).pvalue > 0.001)


@pytest.mark.parametrize("name", EACH)
def test_each_image_is_changed_by_itself_and_by_the_key_alone(name: str) -> None:
    change, x = jax.jit(EACH[name]), images(8)
    y = change(KEY, x)
    close(y, change(KEY, x))
    assert (np.asarray(y) != np.asarray(change(jax.random.key(1), x))).any()
    assert (np.asarray(y) != np.asarray(x)).any(axis=(1, 2, 3)).sum() >= 5
    others = x.at[:4].set(jnp.nan)
    close(change(KEY, others)[4:], y[4:])
    same = change(KEY, jnp.broadcast_to(x[0], x.shape))
    assert len(np.unique(np.asarray(same).reshape(8, -1), axis=0)) >= 4
    # What the change cannot alter: a constant image, where nothing comes in from outside.
    if "reflect" in name or name in ("zoom", "colour"):
        close(change(KEY, jnp.full((3, 6, 5, 3), 2.0)), np.full((3, 6, 5, 3), 2.0))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", [*EACH, *MIXES, "flip"])
def test_the_type_and_shape_stay(name: str, dtype: str) -> None:
    x = images(4, dtype=dtype)
    found = jax.eval_shape({**EACH, **MIXES, "flip": a.flip}[name], KEY, x)
    y = found.x if isinstance(found, a.Mixed) else found
    assert (y.shape, y.dtype) == (x.shape, x.dtype)


def test_flip() -> None:
    x = images(3)
    close(a.flip(KEY, x), np.asarray(x)[:, :, ::-1])
    close(a.flip(KEY, x, axis="vertical"), np.flip(x, 1))


@pytest.mark.parametrize(("fill", "mode"), [("zeros", "constant"), ("reflect", "reflect")])
def test_a_crop_is_each_part_of_the_padded_image_equally_often(fill: str, mode: Any) -> None:
    n, padding = 2000, 2
    x = np.asarray(images(1))
    padded = np.pad(x[0], ((padding, padding), (padding, padding), (0, 0)), mode)
    parts = {padded[i : i + 6, j : j + 5].tobytes(): 5 * i + j for i in range(5) for j in range(5)}
    y = np.asarray(a.random_crop(KEY, jnp.repeat(x, n, axis=0), padding=padding, fill=fill))
    assert len(parts) == 25
    assert likely(np.bincount([parts[image.tobytes()] for image in y], minlength=25))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_quarter_turn_is_that_of_numpy(quarters: int) -> None:
    x = np.asarray(images(2, 7, 7))
    angle = quarters * np.pi / 2
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    close(a.moved(jnp.asarray(x), jnp.asarray([turn, turn])), np.rot90(x, quarters, axes=(1, 2)))


@pytest.mark.parametrize(("fill", "mode"), [("zeros", "grid-constant"), ("reflect", "mirror")])
def test_places_between_pixels_are_those_of_scipy(fill: str, mode: str) -> None:
    x = np.asarray(images(3, 9, 7))
    random = np.random.default_rng(1)
    matrix, steps = random.normal(size=(3, 2, 2)), random.normal(size=(3, 2))
    found = a.moved(jnp.asarray(x), jnp.asarray(matrix), jnp.asarray(steps), fill=fill)
    middle = np.array([4.0, 3.0])
    for image, by, step, y in zip(x, matrix, steps, found, strict=True):
        offset = middle + step - by @ middle
        channels = [ndimage.affine_transform(image[..., c], by, offset, order=1, mode=mode) for c in range(3)]
        close(y, np.stack(channels, axis=-1))


@pytest.mark.parametrize(
    ("change", "least", "most", "of"),
    [
        (partial(a.rotate, degrees=30.0), -30.0, 30.0, lambda y: np.degrees(np.arctan2(y[:, 3, 4, 0], y[:, 3, 4, 1]))),
        (partial(a.zoom, by=0.25), 0.75, 1.25, lambda y: 1 / y[:, 3, 4, 1]),
        (partial(a.shift, by=0.1), -0.7, 0.7, lambda y: y[:, 3, 3, 0]),
        (partial(a.shift, by=0.1), -0.7, 0.7, lambda y: y[:, 3, 3, 1]),
    ],
)
def test_angles_factors_and_steps_are_drawn_evenly(
    change: Callable[..., jax.Array], least: float, most: float, of: Callable[[Any], Any]
) -> None:
    """Images that hold each pixel's place, from the middle, tell where their pixels come from."""
    places = np.stack(np.meshgrid(np.arange(-3.0, 4.0), np.arange(-3.0, 4.0), indexing="ij"), axis=-1)
    y = np.asarray(change(KEY, jnp.repeat(jnp.asarray(places[None], jnp.float32), 2000, axis=0)))
    found = of(y)
    assert stats.kstest(found, stats.uniform(least, most - least).cdf).pvalue > 0.001


def test_cutout_blackens_a_square_around_any_pixel() -> None:
    n, side, height, width = 4000, 3, 6, 5
    y = np.asarray(a.cutout(KEY, jnp.ones((n, height, width, 2)), side=side))
    assert (y[..., 0] == y[..., 1]).all()
    masks = {}
    for i in range(height):
        for j in range(width):
            expected = np.ones((height, width))
            expected[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2] = 0
            masks[expected.astype(np.float32).tobytes()] = width * i + j
    assert likely(np.bincount([masks[m.tobytes()] for m in np.ascontiguousarray(y[..., 0])], minlength=30))


def test_colour_is_measured_by_the_image_itself() -> None:
    x, own = images(5), partial(a.colour, brightness=0.4, contrast=0.6, saturation=0.8)
    close(own(KEY, 3.0 * x - 2.0), 3.0 * own(KEY, x) - 2.0)
    wide = images(1000)
    brighter = np.asarray(a.colour(KEY, wide, brightness=0.4) - wide).mean(axis=(1, 2, 3)) / np.std(
        wide, axis=(1, 2, 3)
    )
    starker = np.std(a.colour(KEY, wide, contrast=0.5), axis=(1, 2, 3)) / np.std(wide, axis=(1, 2, 3))
    stronger = np.asarray(a.colour(KEY, wide, saturation=0.5))
    assert stats.kstest(brighter, stats.uniform(-0.4, 0.8).cdf).pvalue > 0.001
    assert stats.kstest(starker, stats.uniform(0.5, 1.0).cdf).pvalue > 0.001
    luma = np.array([0.299, 0.587, 0.114])
    close(stronger @ luma, np.asarray(wide) @ luma)
    factor = (stronger[..., 0] - stronger[..., 1]) / (np.asarray(wide)[..., 0] - np.asarray(wide)[..., 1])
    assert stats.kstest(np.median(factor, axis=(1, 2)), stats.uniform(0.5, 1.0).cdf).pvalue > 0.001
    grey = images(2, channels=1)
    close(a.colour(KEY, grey, saturation=1.0), grey)


@pytest.mark.parametrize("name", MIXES)
def test_each_image_and_another_one_are_there_by_their_shares(name: str) -> None:
    mix = jax.jit(MIXES[name])
    x = images(16, 8, 8)
    y, share, order = mix(KEY, x)
    assert sorted(order.tolist()) == list(range(16))
    own, other = np.asarray(x), np.asarray(x)[np.asarray(order)]
    if name == "mixup":
        close(y, share * own + (1 - share) * other)
        return
    from_other = (np.asarray(y) != own).any(axis=(0, 3))
    rows, columns = np.flatnonzero(from_other.any(1)), np.flatnonzero(from_other.any(0))
    assert from_other.sum() == len(rows) * len(columns) > 0
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (len(rows), len(columns))
    close(y, np.where(from_other[:, :, None], other, own))
    close(share, 1 - from_other.mean())


@pytest.mark.parametrize("alpha", [0.01, 0.2, 1.0, 4.0])
def test_the_share_of_mixup_has_the_moments_of_the_beta_distribution(alpha: float) -> None:
    n, known = 20_000, stats.beta(alpha, alpha)
    keys = jax.random.split(KEY, n)
    shares = jax.vmap(lambda key: a.mixup(key, jnp.zeros((1, 1, 1, 1)), alpha=alpha).share)(keys)
    found = np.asarray(shares, np.float64)
    for power in (1, 2, 4):
        expected = known.moment(power)
        error = np.sqrt((known.moment(2 * power) - expected**2) / n)
        assert np.mean(found**power) == pytest.approx(expected, abs=4 * error)


def test_the_box_of_cutmix_has_the_share_that_was_drawn_unless_it_is_cut_off() -> None:
    """With α = 1 its area is uniform; its middle is anywhere, so the mean of what is left follows by integration."""
    keys = jax.random.split(KEY, 4000)
    shares = jax.vmap(lambda key: a.cutmix(key, jnp.zeros((1, 64, 64, 1)), alpha=1.0).share)(keys)
    # A stretch of length s around an even point of [0, 1] keeps s (1 - s / 4) of it on average; s² is the even area.
    expected = 1 - np.mean([area * (1 - np.sqrt(area) / 4) ** 2 for area in np.linspace(0, 1, 10_001)])
    assert abs(float(np.mean(shares)) - expected) < 4 * np.std(shares) / np.sqrt(4000) + 1 / 64


def test_the_middle_is_the_pixel_s_centre_of_mass() -> None:
    """A turn about the middle moves no image that is the same all around, of even sides and of odd ones."""
    for height, width in ((6, 6), (7, 7)):
        y, x = np.mgrid[:height, :width]
        round_one = np.exp(-((y - (height - 1) / 2) ** 2 + (x - (width - 1) / 2) ** 2))[None, ..., None]
        turned = a.rotate(KEY, jnp.asarray(round_one, jnp.float32), degrees=180.0)
        assert ndimage.center_of_mass(np.asarray(turned)[0, ..., 0]) == pytest.approx(
            ((height - 1) / 2, (width - 1) / 2), abs=0.02
        )


def test_sometimes_is_as_often_as_said() -> None:
    x = jnp.zeros((4000, 1, 1, 1))
    found = float(a.sometimes(KEY, x, x + 1, 0.3).mean())
    assert found == pytest.approx(0.3, abs=0.03)
