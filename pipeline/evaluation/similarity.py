"""Structural similarity of a map and its ground truth (Wang et al., IEEE TIP 13(4), 2004): the quality in Fig. 5."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_WINDOW: Final = (11, 11)
_SIGMA: Final = 1.5
_C1: Final = 0.01**2
_C2: Final = 0.03**2


def structural_similarity(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the mean SSIM in [-1, 1] of two maps (h, w) in [0, 1], by a Gaussian window of 11 x 11, sigma 1.5."""
    mean_1, mean_2 = _blur(first), _blur(second)
    variance_1 = _blur(first * first) - mean_1 * mean_1
    variance_2 = _blur(second * second) - mean_2 * mean_2
    covariance = _blur(first * second) - mean_1 * mean_2
    likeness = (2 * mean_1 * mean_2 + _C1) * (2 * covariance + _C2)
    likeness /= (mean_1 * mean_1 + mean_2 * mean_2 + _C1) * (variance_1 + variance_2 + _C2)
    return float(likeness.mean(dtype=np.float64))


def _blur(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image, _WINDOW, _SIGMA), np.float32)
