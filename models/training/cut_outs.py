"""Pieces of pictures to make scenes of: (h, w, 4) uint8, RGB multiplied by its coverage, then the coverage."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.homographies import Homography, move
from models.training.samples import Sample

_LEAST_SHARE: Final = 0.005
_LARGEST_SHARE: Final = 0.8
"""Shares of its image that an object covers to be worth cutting out."""


def cut_out(sample: Sample) -> Sample | None:
    """Return the window of an image that holds its object, or None if the mask is nearly empty or nearly full."""
    inside = sample.mask > 0.5
    if not _LEAST_SHARE <= float(inside.mean()) <= _LARGEST_SHARE:
        return None
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    return Sample(sample.image[window], sample.mask[window])


def cover(image: NDArray[np.uint8], coverage: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a piece of an (h, w, 3) uint8 image and its (h, w) coverage in [0, 1]."""
    piece = np.empty((*coverage.shape, 4), np.uint8)
    piece[..., :3] = image * coverage[..., None] + 0.5
    piece[..., 3] = coverage * 255 + 0.5
    return piece


def reduced(size: tuple[int, ...], scale: float) -> tuple[int, int]:
    """Return the (h, w) to shrink a picture of `size` to before it is shown at `scale`, so that it does not alias."""
    factor = min(1.0, 1.2 * scale)
    return max(2, round(size[0] * factor)), max(2, round(size[1] * factor))


def scenery(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a piece that keeps large random patches of an image, about a third of it."""
    height, width = image.shape[:2]
    hills = rng.normal(0, 1, (int(rng.integers(3, 6)), int(rng.integers(3, 7)))).astype(np.float32)
    relief = cv2.resize(hills, (width, height), interpolation=cv2.INTER_CUBIC)
    return cover(image, np.clip((relief - 0.4) * 20, 0, 1).astype(np.float32))


def bend(
    piece: NDArray[np.uint8], placement: Homography, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], tuple[float, float], float]:
    """Divide an object in two that can turn against each other.

    Args:
        piece: (h, w, 4) uint8.
        placement: from the piece's pixels to the frame's.
        rng: chooses where and in which direction.

    Returns:
        The body, the part (both of the piece's shape; they overlap a little, so that no gap opens), the joint (x, y) in
        pixels of the frame, and the reach of the part from the joint in pixels of the frame.
    """
    rows, columns = np.nonzero(piece[..., 3] > 127)
    angle = float(rng.uniform(0, 2 * np.pi))
    along = np.cos(angle) * columns + np.sin(angle) * rows
    cut = float(np.quantile(along, rng.uniform(0.5, 0.8)))
    overlap = 0.08 * float(np.ptp(along))
    y, x = np.mgrid[: piece.shape[0], : piece.shape[1]]
    position = np.cos(angle) * x + np.sin(angle) * y
    body = piece * (position < cut + overlap)[..., None]
    part = piece * (position >= cut)[..., None]
    near = np.abs(along - cut) <= max(overlap, 1.0)
    joint = move(placement, np.array([[columns[near].mean(), rows[near].mean()]]))[0]
    tips = move(placement, np.stack((columns, rows), 1)[along >= cut].astype(np.float64))
    reach = float(np.quantile(np.hypot(*(tips - joint).T), 0.9))
    return body.astype(np.uint8), part.astype(np.uint8), (float(joint[0]), float(joint[1])), reach
