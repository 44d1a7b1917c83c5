"""An 8-bit saliency map against its ground truth, as counts from which every measure follows.

The counts are kept apart for the four blocks around the centre of the ground truth, because the S-measure compares
those; all other measures add them up. So a frame costs one pass over its pixels, whatever is measured.
"""

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.ground_truth import GroundTruth


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """How many counted pixels have each saliency level.

    Attributes:
        counts: (4, 2, 256) int64: block (upper left, upper right, lower left, lower right) x background or foreground
            x level of the map.
    """

    counts: NDArray[np.int64]

    @property
    def background(self) -> NDArray[np.int64]:
        """(256,) pixels of each level outside the ground truth."""
        return np.asarray(self.counts[:, 0].sum(0))

    @property
    def foreground(self) -> NDArray[np.int64]:
        """(256,) pixels of each level inside the ground truth."""
        return np.asarray(self.counts[:, 1].sum(0))

    @property
    def pixels(self) -> int:
        """Counted pixels."""
        return int(self.counts.sum())


def tally(saliency: NDArray[np.uint8], truth: GroundTruth) -> Tally:
    """Count the levels of `saliency`, (h, w) uint8, against a ground truth of the same size.

    Raises:
        ValueError: the sizes differ.
    """
    if saliency.shape != truth.mask.shape:
        message = f"a map of {saliency.shape} cannot be compared with a ground truth of {truth.mask.shape}"
        raise ValueError(message)
    codes = saliency.astype(np.uint16)
    codes += truth.mask.astype(np.uint16) << 8
    row, column = _centre(truth.mask)
    counts = np.zeros((4, 2, 256), np.int64)
    halves = (slice(0, row), slice(row, None)), (slice(0, column), slice(column, None))
    for index, block in enumerate(product(*halves)):
        chosen = codes[block].ravel() if truth.counted is None else codes[block][truth.counted[block]]
        counts[index] = np.bincount(chosen, minlength=512).reshape(2, 256)
    return Tally(counts)


def quantise(saliency: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Enlarge a map in [0, 1] to `size` (height, width) and round it to the 8 bits in which maps are published."""
    height, width = size
    enlarged = saliency
    if saliency.shape != size:
        enlarged = cv2.resize(saliency, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)
    return np.asarray(np.rint(np.clip(enlarged, 0, 1) * 255), np.uint8)


def _centre(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the row and column after the centroid of the mask; of the image where the mask is empty."""
    rows, columns = mask.sum(1), mask.sum(0)
    area = int(rows.sum())
    height, width = mask.shape
    if not area:
        return round(height / 2) + 1, round(width / 2) + 1
    return round(float(rows @ np.arange(height)) / area) + 1, round(float(columns @ np.arange(width)) / area) + 1
