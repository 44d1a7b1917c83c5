"""Coded flow of video with ground truth, as samples for the motion network (Sec. IV-C, steps 2 and 3)."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

import cv2
import numpy as np

from models.flow.dis import DisFlow
from models.registry import FlowEstimator
from models.training.samples import ImagePair, Sample, read_mask, read_rgb
from pipeline.motion_input import FLOOR, motion_input
from pipeline.working_size import flow_size, shrink

_GAPS: Final = (1, 1, 1, 2, 3, -1)
"""Frames between the two of a pair; more than one stands for a lower frame rate, -1 for time run backwards."""


class CodedFlowSamples:
    """Frames of labelled sequences, each seen as the coded flow towards a neighbour."""

    def __init__(
        self, pairs: Sequence[ImagePair], size: tuple[int, int], gaps: Sequence[int] = _GAPS, *, vary: bool = True
    ) -> None:
        """Group `pairs` by their folder into sequences; nothing is read yet.

        Args:
            pairs: frames and masks, in order within a folder.
            size: (h, w) that flow is computed at.
            gaps: what a pair's distance is drawn from.
            vary: whether the flow's method and the coding's floor vary as well.
        """
        self._sequences = [list(group) for _, group in groupby(pairs, key=lambda pair: pair.image.parent)]
        self._index = [(s, f) for s, frames in enumerate(self._sequences) for f in range(len(frames))]
        self._size = size
        self._gaps = tuple(gaps)
        self._vary = vary
        self._estimators: list[FlowEstimator] = [DisFlow()]
        if vary:
            self._estimators.append(DisFlow(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM))

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._index)

    def draw(self, index: int, rng: np.random.Generator) -> Sample:
        """Return the coded flow of frame `index` with the frame's mask, at the working size.

        Raises:
            TrainingDataError: a file cannot be read.
        """
        sequence, number = self._index[index]
        frames = self._sequences[sequence]
        gap = int(rng.choice(self._gaps)) if self._vary else 1
        other = number - gap
        if not 0 <= other < len(frames):
            other = min(max(number + gap, 0), len(frames) - 1)
        current, previous = (read_rgb(frames[i].image) for i in (number, other))
        mask = read_mask(frames[number].mask, current.shape[:2])
        height, width = self._size
        before, now = (shrink(image, flow_size(self._size)) for image in (previous, current))
        estimator = self._estimators[int(rng.integers(len(self._estimators)))]
        floor = FLOOR * float(rng.uniform(0.5, 2.0)) if self._vary else FLOOR
        coded = motion_input(before, now, estimator, self._size, "homography", floor).coded
        target = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
        return Sample(coded, np.asarray(target, np.float32))
