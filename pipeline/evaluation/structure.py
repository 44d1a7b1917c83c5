"""S-measure (Fan et al., ICCV 2017) and E-measure (Fan et al., IJCAI 2018) of one map, from its counts.

Defined as in PySODMetrics, whose figures the tests reproduce.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.metrics import Curve
from pipeline.evaluation.tally import Tally

_EPS: Final = float(np.spacing(1))
_OBJECT_WEIGHT: Final = 0.5


def s_measure(counted: Tally, values: NDArray[np.float64]) -> float:
    """Return the structure measure in [0, 1] of a map whose levels stand for `values`, (256,)."""
    inside, outside = counted.foreground, counted.background
    salient, pixels = int(inside.sum()), max(counted.pixels, 1)
    if salient == 0:
        return float(1 - outside @ values / pixels)
    if salient == pixels:
        return float(inside @ values / pixels)
    share = salient / pixels
    objects = share * _object_score(inside, values) + (1 - share) * _object_score(outside, 1 - values)
    regions = sum(_block_score(block, values) * block.sum() / pixels for block in counted.counts if block.any())
    return max(0.0, _OBJECT_WEIGHT * objects + (1 - _OBJECT_WEIGHT) * float(regions))


def e_measure(inside: Curve, outside: Curve, salient: int, pixels: int) -> Curve:
    """Return the enhanced-alignment measure at each threshold.

    Args:
        inside: (256,) salient pixels found.
        outside: (256,) other pixels found.
        salient: salient pixels that there are.
        pixels: counted pixels.
    """
    found = inside + outside
    if salient == 0:
        total = pixels - found
    elif salient == pixels:
        total = found
    else:
        missed = salient - inside
        parts = ((inside, 1, 1), (outside, 1, 0), (missed, 0, 1), (pixels - found - missed, 0, 0))
        shares = found / pixels, salient / pixels
        total = sum((count * _alignment(a - shares[0], b - shares[1]) for count, a, b in parts), np.zeros(256))
    return np.asarray(total / (pixels - 1 + _EPS))


def _alignment(map_excess: Curve, truth_excess: float) -> Curve:
    """Return the enhanced alignment of two values, each less its mean."""
    aligned = 2 * map_excess * truth_excess / (map_excess**2 + truth_excess**2 + _EPS)
    return np.asarray((aligned + 1) ** 2 / 4)


def _object_score(counts: NDArray[np.int64], values: NDArray[np.float64]) -> float:
    """Return how high and how even the values of the counted pixels are."""
    number = int(counts.sum())
    mean = float(counts @ values) / number
    deviation = float(np.sqrt(counts @ (values - mean) ** 2 / (number - 1))) if number > 1 else 0.0
    return 2 * mean / (mean**2 + 1 + deviation + _EPS)


def _block_score(block: NDArray[np.int64], values: NDArray[np.float64]) -> float:
    """Return the structural similarity of map and ground truth in one block, (2, 256) counts."""
    number = int(block.sum())
    inside, both = block[1], block.sum(0)
    map_mean, truth_mean = float(both @ values) / number, int(inside.sum()) / number
    spread = number - 1 + _EPS
    map_variance = float(both @ (values - map_mean) ** 2) / spread
    truth_variance = number * truth_mean * (1 - truth_mean) / spread
    covariance = float((inside - truth_mean * both) @ (values - map_mean)) / spread
    above = 4 * map_mean * truth_mean * covariance
    below = (map_mean**2 + truth_mean**2) * (map_variance + truth_variance)
    if above != 0:
        return above / (below + _EPS)
    return 1.0 if below == 0 else 0.0
