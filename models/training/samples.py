"""Labelled images on disk: what a saliency network is trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import TrainingDataError

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


@dataclass(frozen=True, slots=True)
class Sample:
    """One image with its ground truth.

    Attributes:
        image: (H, W, 3) uint8 RGB; for a motion network the coded flow.
        mask: (H, W) float32 in [0, 1], 1 = salient.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.float32]


class SampleSource(Protocol):
    """Anything that can be drawn from by index; drawing may be random (`rng`) for generated samples."""

    def __len__(self) -> int:
        """Return how many samples an epoch has."""
        ...

    def draw(self, index: int, rng: np.random.Generator) -> Sample:
        """Return sample `index`."""
        ...


@dataclass(frozen=True, slots=True)
class ImagePair:
    """Paths of an image and of its mask."""

    image: Path
    mask: Path


class ImageMaskPairs:
    """Images and masks on disk, read when drawn."""

    def __init__(self, pairs: Sequence[ImagePair]) -> None:
        """Hold `pairs`; nothing is read yet."""
        self.pairs = tuple(pairs)

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.pairs)

    def draw(self, index: int, rng: np.random.Generator) -> Sample:  # noqa: ARG002 - nothing here is random
        """Read pair `index`; see `read`."""
        return self.read(index)

    def read(self, index: int) -> Sample:
        """Read pair `index`.

        Raises:
            TrainingDataError: a file cannot be decoded, or the mask has no usable shape.
        """
        pair = self.pairs[index]
        image = read_rgb(pair.image)
        return Sample(image, read_mask(pair.mask, image.shape[:2]))


class SamplesInMemory:
    """Samples that are all there already."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        """Hold them."""
        self.samples = samples

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.samples)

    def draw(self, index: int, rng: np.random.Generator) -> Sample:  # noqa: ARG002 - nothing here is random
        """Return sample `index`."""
        return self.samples[index]


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Return the image at `path` as (H, W, 3) uint8 RGB.

    Raises:
        TrainingDataError: the file is missing or is no image.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        message = f"{path}: cannot be read as an image; remove or replace it"
        raise TrainingDataError(message)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def read_mask(path: Path, size: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the mask at `path` as (H, W) float32 in [0, 1], resized to `size` = (H, W) where it differs.

    Raises:
        TrainingDataError: the file is missing or is no image.
    """
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        message = f"{path}: cannot be read as a mask; remove or replace it"
        raise TrainingDataError(message)
    if mask.shape != tuple(size):
        mask = cv2.resize(mask, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(mask, np.float32) / np.float32(255)


def find_pairs(images: Path, masks: Path) -> tuple[ImagePair, ...]:
    """Pair the images below one folder with the masks below another, by relative path without the suffix.

    DUTS, ECSSD, HKU-IS, DAVIS (`frames/SEQ`, `masks/SEQ`) and the like all are this.

    Raises:
        TrainingDataError: a folder is missing, or nothing pairs.
    """
    for folder in (images, masks):
        if not folder.is_dir():
            message = f"{folder}: no such folder; expected a folder of images beside a folder of masks"
            raise TrainingDataError(message)
    by_name = {path.relative_to(masks).with_suffix(""): path for path in masks.rglob("*") if _is_image(path)}
    pairs = tuple(
        ImagePair(path, by_name[name])
        for path in sorted(images.rglob("*"))
        if _is_image(path) and (name := path.relative_to(images).with_suffix("")) in by_name
    )
    if not pairs:
        message = f"{images}: no image has a mask of the same name below {masks}"
        raise TrainingDataError(message)
    return pairs


def by_sequence(pairs: Sequence[ImagePair]) -> list[list[ImagePair]]:
    """Return `pairs`, in order within a folder, by their images' folders."""
    return [list(group) for _, group in groupby(pairs, key=lambda pair: pair.image.parent)]


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in _IMAGE_SUFFIXES
