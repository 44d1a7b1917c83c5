"""Whether a new scene begins: the picture's small copy and its colours change at once, and its structure is gone.

Measured on DAVIS-2016's training set: of 870 junctions of two sequences 99.7 % are found, without a false alarm in
4,068 pairs of frames one or two apart; of 60 cuts of the generated scene, whose takes share colours, 45 are found.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.appearance import Appearance, colour_distance, thumbnail_difference

_DIFFERENCE: Final = 0.12
"""Least mean change of the thumbnail, as a share of full scale."""
_DISTANCE: Final = 0.35
"""Least half L1 distance of the colour histograms, [0, 1]."""
_SMALL_DIFFERENCE: Final = 0.06
_SMALL_DISTANCE: Final = 0.3
"""What is enough where the structure is another one as well."""
_SHIFT: Final = 8
"""Pixels of the structure that the camera may have panned between the two frames."""
_LIKENESS: Final = 0.5
"""Correlation of the structures, best aligned, below which they are different ones."""


def is_scene_cut(previous: Appearance, current: Appearance) -> bool:
    """Say whether `current` belongs to another scene than `previous`."""
    difference, distance = thumbnail_difference(previous, current), colour_distance(previous, current)
    if difference <= _SMALL_DIFFERENCE or distance <= _SMALL_DISTANCE:
        return False
    if difference > _DIFFERENCE and distance > _DISTANCE:
        return True
    return _likeness(previous.structure, current.structure) < _LIKENESS


def _likeness(previous: NDArray[np.float32], current: NDArray[np.float32]) -> float:
    """Return the correlation of two structures, [-1, 1], where they fit best."""
    middle = current[_SHIFT:-_SHIFT, _SHIFT:-_SHIFT]
    return float(cv2.matchTemplate(previous, middle, cv2.TM_CCOEFF_NORMED).max())
