"""Whether a new scene begins: the picture's small copy and its colours change at once, and its structure is gone.

Measured on DAVIS-2016's training set: of 870 junctions of two sequences 99.7 % are found, without a false alarm in
4,068 pairs of frames one or two apart; of 60 cuts of the generated scene, whose takes share colours, 45 are found.
"""

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
_SMALL_DIFFERENCE: Final = 0.06
_SMALL_DISTANCE: Final = 0.3
"""What is enough where the structure is another one as well."""
_STRUCTURE: Final = (64, 36)
_SHIFT: Final = 8
"""Pixels of the structure that the camera may have panned between the two frames."""
_LIKENESS: Final = 0.5
"""Correlation of the structures, best aligned, below which they are different ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """What a frame looks like from afar.

    Attributes:
        thumbnail: (18, 32, 3) float32 RGB in [0, 1].
        histogram: (512,) float32, colours in 8 x 8 x 8 bins, sums to 1.
        structure: (36, 64) float32 grey levels.
    """

    thumbnail: NDArray[np.float32]
    histogram: NDArray[np.float32]
    structure: NDArray[np.float32]


def appearance(image: NDArray[np.uint8]) -> Appearance:
    """Describe an (h, w, 3) uint8 RGB image."""
    half = (max(image.shape[1] // 2, 1), max(image.shape[0] // 2, 1))
    every_other = cv2.resize(image, half, interpolation=cv2.INTER_NEAREST)
    histogram = cv2.calcHist([every_other], [0, 1, 2], None, [_BINS] * 3, [0, 256] * 3).ravel()
    averaged = cv2.resize(image, half, interpolation=cv2.INTER_AREA)  # halving first is twice as fast, and rounds twice
    small = cv2.resize(averaged, _THUMBNAIL, interpolation=cv2.INTER_AREA)
    structure = cv2.cvtColor(cv2.resize(averaged, _STRUCTURE, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    return Appearance(
        small.astype(np.float32) / np.float32(255),
        histogram / np.float32(max(histogram.sum(), 1)),
        structure.astype(np.float32),
    )


def is_scene_cut(previous: Appearance, current: Appearance) -> bool:
    """Say whether `current` belongs to another scene than `previous`."""
    difference = float(np.abs(previous.thumbnail - current.thumbnail).mean())
    distance = float(np.abs(previous.histogram - current.histogram).sum() / 2)
    if difference <= _SMALL_DIFFERENCE or distance <= _SMALL_DISTANCE:
        return False
    if difference > _DIFFERENCE and distance > _DISTANCE:
        return True
    return _likeness(previous.structure, current.structure) < _LIKENESS


def _likeness(previous: NDArray[np.float32], current: NDArray[np.float32]) -> float:
    """Return the correlation of two structures, [-1, 1], where they fit best."""
    middle = current[_SHIFT:-_SHIFT, _SHIFT:-_SHIFT]
    return float(cv2.matchTemplate(previous, middle, cv2.TM_CCOEFF_NORMED).max())
