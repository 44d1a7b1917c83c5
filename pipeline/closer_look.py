"""What a closer look at a keyframe needs: the frame and the one before, at more than the working size."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from configs.method import TeacherSettings
from pipeline.values import CloserLook, Keyframe
from pipeline.working_size import shrink

_MULTIPLE: Final = 32
_LEAST: Final = 0.5
"""Share of the closer look's pixels that a frame must have: with fewer, it shows hardly more than what was served."""


def closer_size(working: tuple[int, int], scale: float) -> tuple[int, int]:
    """Return the (height, width), multiples of 32, at which keyframes of the `working` size are looked at."""
    height, width = (round(side * scale / _MULTIPLE) * _MULTIPLE for side in working)
    return height, width


class CloserLooks:
    """Sees every frame of a camera, and gives keyframes what a closer look needs."""

    def __init__(self, settings: TeacherSettings) -> None:
        """Begin without a frame before."""
        self._scale = settings.scale
        self._before: NDArray[np.uint8] | None = None

    def __call__(
        self, image: NDArray[np.uint8], keyframe: Keyframe | None, wanted: Callable[[Keyframe], bool]
    ) -> Keyframe | None:
        """Return the frame's keyframe, ready for a closer look where that would show more.

        Args:
            image: the frame as it came, (H, W, 3) uint8 RGB.
            keyframe: what became of it; None = no keyframe.
            wanted: whether the keyframe will be kept; the others need no pictures.
        """
        if self._scale == 1:
            return keyframe
        before, self._before = self._before, image
        if keyframe is None or before is None or before.shape != image.shape:
            return keyframe
        height, width = closer_size(keyframe.label.shape, self._scale)
        shows_more = image.shape[0] * image.shape[1] >= _LEAST * height * width
        if not shows_more or not wanted(keyframe):
            return keyframe
        return replace(keyframe, closer=CloserLook(shrink(before, (height, width)), shrink(image, (height, width))))
