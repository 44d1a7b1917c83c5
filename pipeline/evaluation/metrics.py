"""Precision, recall, F-measure (Eq. (10)) and mean absolute error (Eq. (11)) of one map."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.tally import Tally

BETA_SQUARED: Final = 0.3
"""Weight of recall in the F-measure: precision counts more."""

Curve = NDArray[np.float64]
"""(256,) a measure at each threshold 0 … 255."""


def level_values(counted: Tally, *, stretch: bool) -> NDArray[np.float64]:
    """Return the saliency that each of the 256 levels stands for.

    Args:
        counted: the map's counts.
        stretch: whether the map's darkest and brightest pixels become 0 and 1; a constant map stays as it is.

    Returns:
        (256,) float64; levels that the map does not have are clipped to [0, 1].
    """
    values = np.arange(256) / 255
    if not stretch:
        return values
    present = np.flatnonzero(counted.counts.sum((0, 1)))
    if present.size < 2:
        return values
    low, high = values[present[0]], values[present[-1]]
    return np.asarray(np.clip((values - low) / (high - low), 0, 1))


def at_least(counted: Tally, values: NDArray[np.float64]) -> tuple[Curve, Curve]:
    """Return how many foreground and background pixels have a value >= t / 255, for t = 0 … 255."""
    steps = (values * 255).astype(np.intp)
    inside = np.bincount(steps, counted.foreground, 256)
    outside = np.bincount(steps, counted.background, 256)
    return inside[::-1].cumsum()[::-1], outside[::-1].cumsum()[::-1]


def precision_recall(inside: Curve, outside: Curve, salient: int) -> tuple[Curve, Curve]:
    """Return precision and recall at each threshold; nothing found has precision 0.

    Args:
        inside: (256,) salient pixels found.
        outside: (256,) other pixels found.
        salient: salient pixels that there are.
    """
    found = inside + outside
    precision = np.divide(inside, found, out=np.zeros(256), where=found > 0)
    return precision, inside / max(salient, 1)


def f_measure(precision: Curve, recall: Curve) -> Curve:
    """Return the F-measure of Eq. (10) with beta squared = 0.3; 0 where precision and recall are."""
    below = BETA_SQUARED * precision + recall
    above = (1 + BETA_SQUARED) * precision * recall
    return np.divide(above, below, out=np.zeros_like(below), where=below > 0)


def mean_absolute_error(counted: Tally, values: NDArray[np.float64]) -> float:
    """Return the mean over the counted pixels of |saliency - ground truth|, Eq. (11)."""
    return float((counted.background @ values + counted.foreground @ (1 - values)) / max(counted.pixels, 1))
