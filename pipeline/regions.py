"""From a saliency map to its salient regions: connected components of the pixels above a threshold."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_MOST: Final = 64
"""Regions told of one map, the largest first: bounds the tracker's work on a map of pure noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A connected salient part of one frame.

    Attributes:
        box: x1, y1, x2, y2 in pixels of the source frame; x2 and y2 are the first outside.
        area: pixels of the source frame that the region covers.
        score: mean saliency inside the region, [0, 1].
        share: of the frame that the region covers, [0, 1].
        zones: names of the zones that it stands in.
    """

    box: tuple[int, int, int, int]
    area: int
    score: float
    share: float = 0.0
    zones: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the box.

        Raises:
            ValueError: the box is empty or inverted.
        """
        left, top, right, bottom = self.box
        if left >= right or top >= bottom:
            message = f"a region's box is x1, y1, x2, y2 with x1 < x2 and y1 < y2, not {self.box}"
            raise ValueError(message)


def find_regions(
    saliency: NDArray[np.float32], threshold: float, minimum_area: float, frame_size: tuple[int, int]
) -> tuple[Region, ...]:
    """Return the salient regions of a map, the largest first, in pixels of the source frame.

    Args:
        saliency: (h, w) float32 in [0, 1]; NaN counts as not salient.
        threshold: saliency from which a pixel belongs to a region.
        minimum_area: least share of the frame that a region covers.
        frame_size: height and width of the source frame in pixels.
    """
    height, width = saliency.shape
    count, labels, stats, _ = cv2.connectedComponentsWithStats((saliency >= threshold).astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    large = [label for label in range(1, count) if areas[label] >= max(minimum_area * height * width, 1)]
    large.sort(key=lambda label: -int(areas[label]))
    down, across = frame_size[0] / height, frame_size[1] / width
    regions = []
    for label in large[:_MOST]:
        x, y, columns, rows = (int(value) for value in stats[label, :4])
        inside = labels[y : y + rows, x : x + columns] == label
        left, top = round(x * across), round(y * down)
        right, bottom = round((x + columns) * across), round((y + rows) * down)
        regions.append(
            Region(
                box=(left, top, max(right, left + 1), max(bottom, top + 1)),
                area=max(round(int(areas[label]) * down * across), 1),
                score=float(saliency[y : y + rows, x : x + columns][inside].mean(dtype=np.float64)),
                share=int(areas[label]) / (height * width),
            )
        )
    return tuple(regions)
