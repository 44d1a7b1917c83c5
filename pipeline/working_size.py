"""The size at which flow and networks work, and how a frame gets there."""

from collections.abc import Iterator
from typing import Final, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = TypeVar("Picture", NDArray[np.uint8], NDArray[np.float32])

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


def shrink(image: Picture, size: tuple[int, int]) -> Picture:
    """Return a picture or flow, (H, W, channels), at `size` = (h, w), its values as they are.

    It is sampled linearly on its way over half, a quarter and so on of its size, where each sample is the mean of four
    pixels: ten times faster than averaging over all of 720p, and a level or so beside it.
    """
    for step in steps_down((image.shape[0], image.shape[1]), size):
        image = cast("Picture", cv2.resize(image, step[::-1], interpolation=cv2.INTER_LINEAR))
    return image


def steps_down(size: tuple[int, int], smaller: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the (height, width) of each step from `size` to `smaller`; none where it is that already."""
    while size[0] >= 2 * smaller[0] and size[1] >= 2 * smaller[1]:
        size = size[0] // 2, size[1] // 2
        yield size
    if size != smaller:
        yield smaller


def _round(length: float, multiple: int) -> int:
    return max(multiple, round(length / multiple) * multiple)
