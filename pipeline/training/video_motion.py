"""Frames of labelled sequences with the flow towards a neighbour (Sec. IV-C, steps 2 and 3)."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from models.flow.dis import DisFlow
from models.training.made_when_asked import MadeWhenAsked
from models.training.samples import ImagePair, by_sequence, read_mask, read_rgb
from pipeline.motion_input import motion_input
from pipeline.training.motion_views import MovingPicture
from pipeline.working_size import FLOW_SCALE, flow_size, shrink

GAPS: Final = (1, 1, 1, 2, -1)
"""Frames between the two of a pair; more than one stands for a lower frame rate, -1 for time run backwards."""


class VideoMotion(MadeWhenAsked[MovingPicture]):
    """Every frame once for every gap; flow is estimated when a frame is asked for."""

    def __init__(
        self,
        pairs: Sequence[ImagePair],
        size: tuple[int, int],
        gaps: Sequence[int] = GAPS,
        flow_scale: float = FLOW_SCALE,
    ) -> None:
        """Group `pairs` by their folder into sequences; nothing is read yet.

        Args:
            pairs: frames and masks, in order within a folder.
            size: (h, w) of the pictures.
            gaps: distances of the neighbours.
            flow_scale: flow is estimated at this multiple of the size.
        """
        sequences = by_sequence(pairs)
        self._index = [(frames, number, gap) for frames in sequences for number in range(len(frames)) for gap in gaps]
        self._size = size
        self._flow_size = flow_size(size, flow_scale)
        self._estimator = DisFlow()

    def __len__(self) -> int:
        """Return frames times gaps."""
        return len(self._index)

    def make(self, index: int) -> MovingPicture:
        """Return a frame at the size, with flow and mask.

        Raises:
            TrainingDataError: a file cannot be read.
        """
        frames, number, gap = self._index[index]
        other = number - gap
        if not 0 <= other < len(frames):
            other = min(max(number + gap, 0), len(frames) - 1)
        current, previous = (read_rgb(frames[i].image) for i in (number, other))
        mask = read_mask(frames[number].mask, current.shape[:2])
        before, now = (shrink(image, self._flow_size) for image in (previous, current))
        flow = motion_input(before, now, self._estimator, self._size).residual
        target = cv2.resize(mask * 255, self._size[::-1], interpolation=cv2.INTER_AREA)
        return MovingPicture(flow.astype(np.float16), shrink(now, self._size), np.asarray(target.round(), np.uint8))
