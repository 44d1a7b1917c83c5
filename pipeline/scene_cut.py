"""Whether a new scene begins: the picture's small copy and its colours both change at once."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_THUMBNAIL: Final = (32, 18)
_BINS: Final = 8
_DIFFERENCE: Final = 0.12
"""Least mean change of the thumbnail, as a share of full scale."""
_DISTANCE: Final = 0.35
"""Least half L1 distance of the colour histograms, [0, 1]."""


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """What a frame looks like from afar.

    Attributes:
        thumbnail: (18, 32, 3) float32 RGB in [0, 1].
        histogram: (512,) float32, colours in 8 x 8 x 8 bins, sums to 1.
    """

    thumbnail: NDArray[np.float32]
    histogram: NDArray[np.float32]


def appearance(image: NDArray[np.uint8]) -> Appearance:
    """Describe an (h, w, 3) uint8 RGB image."""
    small = cv2.resize(image, _THUMBNAIL, interpolation=cv2.INTER_AREA)
    histogram = cv2.calcHist([image[::2, ::2]], [0, 1, 2], None, [_BINS] * 3, [0, 256] * 3).ravel()
    return Appearance(small.astype(np.float32) / np.float32(255), histogram / np.float32(max(histogram.sum(), 1)))


def is_scene_cut(previous: Appearance, current: Appearance) -> bool:
    """Say whether `current` belongs to another scene than `previous`."""
    difference = float(np.abs(previous.thumbnail - current.thumbnail).mean())
    distance = float(np.abs(previous.histogram - current.histogram).sum() / 2)
    return difference > _DIFFERENCE and distance > _DISTANCE
