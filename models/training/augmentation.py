"""Random views of a labelled image: crop, scale, flip, colour, blur, noise."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.samples import Sample


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How strongly samples are varied.

    Attributes:
        smallest_crop: least share of each side that a crop keeps, in (0, 1].
        colour: strength of brightness, contrast, saturation and hue changes, 0 = none.
        degrade: probability of each of blur, noise, JPEG artefacts and loss of colour.
    """

    smallest_crop: float = 0.55
    colour: float = 0.4
    degrade: float = 0.12


def augment(sample: Sample, size: tuple[int, int], how: Augmentation, rng: np.random.Generator) -> Sample:
    """Return a random view of `sample`, scaled to `size` = (h, w)."""
    window = draw_window(sample.mask, how, rng)
    view = resize(Sample(sample.image[window], sample.mask[window]), size)
    if rng.random() < 0.5:
        view = Sample(np.ascontiguousarray(view.image[:, ::-1]), np.ascontiguousarray(view.mask[:, ::-1]))
    return Sample(vary_colours(view.image, how, rng), view.mask)


def vary_colours(image: NDArray[np.uint8], how: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return (h, w, 3) uint8 RGB `image` as another camera, light or codec might have shown it."""
    return _degrade(_colour(image, how, rng), how, rng)


def draw_window(mask: NDArray[np.float32], how: Augmentation, rng: np.random.Generator) -> tuple[slice, slice]:
    """Return rows and columns of a random window of about the aspect of (h, w) `mask` that keeps most of its object."""
    height, width = mask.shape
    total = float(mask.sum())
    for _ in range(4):
        share = rng.uniform(how.smallest_crop, 1.0)
        stretch = rng.uniform(0.85, 1.18)
        rows = min(height, max(16, round(height * share * stretch)))
        columns = min(width, max(16, round(width * share / stretch)))
        top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
        window = (slice(top, top + rows), slice(left, left + columns))
        if float(mask[window].sum()) >= 0.4 * total:
            return window
    return slice(0, height), slice(0, width)


def resize(sample: Sample, size: tuple[int, int]) -> Sample:
    """Return `sample` scaled to `size` = (h, w), the aspect given up."""
    height, width = size
    image = cv2.resize(sample.image, (width, height), interpolation=cv2.INTER_AREA)
    mask = cv2.resize(sample.mask, (width, height), interpolation=cv2.INTER_AREA)
    return Sample(image.astype(np.uint8, copy=False), mask.astype(np.float32, copy=False))


def _colour(image: NDArray[np.uint8], how: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    if how.colour == 0 or rng.random() < 0.2:
        return image
    x = image.astype(np.float32)
    grey = x.mean(axis=2, keepdims=True)
    saturation, contrast, gain = 1 + how.colour * rng.uniform(-1, 1, 3)
    tint = 1 + 0.25 * how.colour * rng.uniform(-1, 1, 3)
    x = (grey + saturation * (x - grey)) * (gain * tint)
    mean = float(x.mean())
    x = mean + contrast * (x - mean)
    return np.clip(x, 0, 255).astype(np.uint8)


def _degrade(image: NDArray[np.uint8], how: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    blur, noise, artefacts, colourless = rng.random(4) < how.degrade
    if blur:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.5, 2.0))).astype(np.uint8, copy=False)
    if noise:
        noisy = image + rng.normal(0, rng.uniform(3, 15), image.shape)
        image = np.clip(noisy, 0, 255).astype(np.uint8)
    if artefacts:
        _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 60))])
        image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    if colourless:
        image = np.repeat(image.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    return image
