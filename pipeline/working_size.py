"""The size at which flow and networks work, and how a frame gets there."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

FLOW_SCALE: Final = 1.25
"""Flow is estimated at this multiple of the working size, which keeps objects' outlines."""


def working_size(frame: tuple[int, int], area: int, multiple: int = 32) -> tuple[int, int]:
    """Return (height, width), multiples of `multiple`, of about `area` pixels and the frame's aspect.

    Args:
        frame: height and width of the source.
        area: pixels wanted.
        multiple: what both sides must divide by.
    """
    aspect = frame[1] / frame[0]
    height = (area / aspect) ** 0.5
    return _round(height, multiple), _round(height * aspect, multiple)


def flow_size(size: tuple[int, int], scale: float = FLOW_SCALE) -> tuple[int, int]:
    """Return the (height, width) that flow is estimated at for a working size of `size`."""
    return round(size[0] * scale), round(size[1] * scale)


def shrink(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the (H, W, 3) uint8 image at `size` = (h, w).

    A large one is sampled linearly at twice the size and averaged from there: eight times faster than averaging over
    all of 720p, and a level or so beside it.
    """
    height, width = size
    if image.shape[:2] == size:
        return image
    if image.shape[0] > 2 * height and image.shape[1] > 2 * width:
        image = np.asarray(cv2.resize(image, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _round(length: float, multiple: int) -> int:
    return max(multiple, round(length / multiple) * multiple)
