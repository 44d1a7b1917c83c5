"""Random views of moving pictures: crop, flip, speed, and the picture's own changes, then the coding."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.augmentation import Augmentation, draw_window, resize, vary_colours
from models.training.samples import Sample
from pipeline.coded_flow import Flow
from pipeline.motion_input import FLOOR, MotionCoding, motion_picture, resize_flow

_REMEMBERED: Final = 6000
"""Moving pictures that are kept in memory: 2.2 GB at 160 x 288. Flow costs more than the network's forward pass."""
_STILL: Final = 0.04
"""Probability that nothing moves but the flow's noise: then nothing is salient, whatever the picture shows."""
_FASTER: Final = 0.5
"""Largest change of the logarithm of speed."""


@dataclass(frozen=True, slots=True, eq=False)
class MovingPicture:
    """A frame, the flow that arrives at it less the camera's, and what moves.

    Attributes:
        flow: (h, w, 2) float16 pixels.
        image: (h, w, 3) uint8 RGB.
        mask: (h, w) uint8, 255 = salient.
    """

    flow: NDArray[np.float16]
    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]


class MotionViews:
    """Samples for the motion network out of moving pictures."""

    def __init__(
        self, pictures: Sequence[MovingPicture], coding: MotionCoding, augmentation: Augmentation | None
    ) -> None:
        """Hold what is drawn from.

        Args:
            pictures: made when they are asked for, and remembered.
            coding: what the network is shown.
            augmentation: how pictures are varied; None = as they are in service.
        """
        self._look = lru_cache(maxsize=_REMEMBERED)(pictures.__getitem__)
        self._count = len(pictures)
        self._coding: MotionCoding = coding
        self._augmentation = augmentation

    def __len__(self) -> int:
        """Return the number of pictures."""
        return self._count

    def draw(self, index: int, rng: np.random.Generator) -> Sample:
        """Return a view of picture `index`, with the mask of what moves in it.

        Raises:
            TrainingDataError: a file cannot be read.
        """
        seen = self._look(index)
        flow, mask = seen.flow.astype(np.float32), seen.mask.astype(np.float32) / np.float32(255)
        if self._augmentation is None:
            return Sample(motion_picture(flow, seen.image, self._coding), mask)
        return _random_view(flow, Sample(seen.image, mask), self._augmentation, self._coding, rng)


def _random_view(
    flow: Flow, frame: Sample, how: Augmentation, coding: MotionCoding, rng: np.random.Generator
) -> Sample:
    height, width = frame.mask.shape
    window = draw_window(frame.mask, how, rng)
    flow = resize_flow(flow[window], (height, width))
    view = resize(Sample(frame.image[window], frame.mask[window]), (height, width))
    image, mask = view.image, view.mask
    if rng.random() < 0.5:
        flow = flow[:, ::-1] * np.array([-1, 1], np.float32)
        image, mask = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(mask[:, ::-1])
    speed = float(np.exp(rng.uniform(-_FASTER, _FASTER))) * (-1 if rng.random() < 0.25 else 1)
    flow = np.asarray(flow * np.float32(speed), np.float32)
    if rng.random() < _STILL:
        flow, mask = _noise((height, width), rng), np.zeros_like(mask)
    floor = FLOOR * float(rng.uniform(0.5, 2.0))
    return Sample(motion_picture(flow, vary_colours(image, how, rng), coding, floor), mask)


def _noise(size: tuple[int, int], rng: np.random.Generator) -> Flow:
    """Return smooth random flow of at most a quarter of a pixel."""
    rough = rng.normal(0, 1, (*size, 2)).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(rough, (0, 0), float(rng.uniform(1, 6))), np.float32)
    return smooth * np.float32(rng.uniform(0, 0.25) / max(float(np.abs(smooth).max()), 1e-6))
