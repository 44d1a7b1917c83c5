"""Smoothing along the flow: what was salient a frame ago still is, wherever it has gone by now.

Maps of single frames flicker at outlines and miss an object for a frame or two. The frame before is carried along the
flow to the current one and mixed in where the picture says that the flow is right. It is causal and adds no delay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.coded_flow import Flow
from pipeline.values import Map

TOLERANCE: Final = 20.0
"""Grey levels of difference at which the past counts 1 / e of its weight."""
_BLUR: Final = 1.0
"""Sigma in pixels over which the difference is averaged, so that single pixels of noise do not decide."""

Grey = NDArray[np.float32]
"""(h, w) float32 luminance in [0, 255]."""


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """The current picture, and how it got here from the frame before.

    Attributes:
        image: (h, w, 3) uint8 RGB at the maps' size.
        flow: (h, w, 2) float32 pixels, the flow that arrives at each pixel, the camera's part included; None = a stream
            or scene begins, and nothing is known of motion.
    """

    image: NDArray[np.uint8]
    flow: Flow | None


class TemporalSmoothing:
    """Mixes each frame's maps with those of the frame before; it remembers one frame."""

    def __init__(self, weight: float) -> None:
        """Begin without a past.

        Args:
            weight: the most that the past counts, in [0, 1).
        """
        self._weight = np.float32(weight)
        self._past: NDArray[np.float32] | None = None

    def __call__(self, maps: Sequence[Map], arrival: Arrival) -> tuple[Map, ...]:
        """Return the current frame's `maps`, as many for every frame, smoothed."""
        grey, smoothed = luminance(arrival.image), tuple(maps)
        if self._past is not None and arrival.flow is not None:
            *before, grey_before = (np.asarray(one, np.float32) for one in cv2.split(carry(self._past, arrival.flow)))
            weight = self._weight * trust(grey_before, grey)
            smoothed = tuple(
                np.asarray(now + weight * (past - now), np.float32) for now, past in zip(maps, before, strict=True)
            )
        self._past = np.asarray(cv2.merge([*smoothed, grey]), np.float32)  # carried in one go
        return smoothed


def luminance(image: NDArray[np.uint8]) -> Grey:
    """Return the (h, w) float32 luminance of (h, w, 3) uint8 RGB."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)


def carry(past: NDArray[np.float32], flow: Flow) -> NDArray[np.float32]:
    """Return (h, w) or (h, w, n) float32 `past` where `flow` has brought it, sampled linearly."""
    origins = _positions(flow.shape[:2]) - flow
    carried = cv2.remap(past, origins, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray(carried, np.float32).reshape(past.shape)


def trust(carried: Grey, grey: Grey) -> NDArray[np.float32]:
    """Return (h, w) in (0, 1]: 1 where the carried picture is the current one, less where the flow must be wrong."""
    difference = cv2.GaussianBlur(cv2.absdiff(carried, grey), (0, 0), _BLUR)
    return np.asarray(cv2.exp(difference * np.float32(-1 / TOLERANCE)), np.float32)


@lru_cache(maxsize=16)
def _positions(size: tuple[int, ...]) -> NDArray[np.float32]:
    """Return (h, w, 2): each pixel's x and y."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    return np.stack([columns, rows], axis=2).astype(np.float32)
