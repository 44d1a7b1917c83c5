"""The camera's own motion, estimated from the flow and taken off it.

Raw flow magnitude has maxF .227 on DAVIS, the residual .665: most of the flow of a moving camera is the camera's.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.coded_flow import Flow

CameraMotion = Literal["homography", "median", "none"]
"""How the camera's motion is modelled."""

SPACING: Final = 8
"""Pixels between the flow vectors that the homography is fitted to."""
TOLERANCE: Final = 0.5
"""Pixels by which a vector may miss the homography and still support it."""
LEAST_SUPPORT: Final = 0.3
"""Share of vectors that must support a homography for it to be believed."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraFit:
    """What the camera did between two frames.

    Attributes:
        homography: the 3x3 homography that most of the flow follows, or None if too few vectors agree on one.
        support: share of the vectors that follow it, [0, 1]; 1 where none was asked for.
    """

    homography: NDArray[np.float64] | None
    support: float


def without_camera(flow: Flow, how: CameraMotion = "homography") -> tuple[Flow, float]:
    """Return `flow` less the camera's motion, (h, w, 2) float32 pixels, and the share of vectors that support its fit.

    Args:
        flow: (h, w, 2) float32 pixels.
        how: `homography` fits one by RANSAC and falls back on the median where too few vectors support it; `median`
            takes off the median vector; `none` returns the flow as it is. The latter two have a support of 1.
    """
    if how == "none":
        return flow, 1.0
    fit = fit_camera(flow) if how == "homography" else CameraFit(None, 1.0)
    if fit.homography is not None:
        return flow - homography_flow(fit.homography, flow.shape[:2]), fit.support
    return flow - np.median(flow[::2, ::2], axis=(0, 1)).astype(np.float32), fit.support


def fit_camera(flow: Flow) -> CameraFit:
    """Fit a homography to `flow`, (h, w, 2) float32 pixels."""
    start = _grid(flow.shape[:2], SPACING)
    half = SPACING // 2
    moved = start + flow[half::SPACING, half::SPACING].reshape(-1, 2)
    if len(start) < 8:
        return CameraFit(None, 0.0)
    homography, inliers = cv2.findHomography(start, moved, cv2.USAC_FAST, TOLERANCE, maxIters=200, confidence=0.99)
    support = 0.0 if homography is None else float(inliers.mean())
    if homography is None or support < LEAST_SUPPORT or not np.isfinite(homography).all():
        return CameraFit(None, support)
    return CameraFit(np.asarray(homography, np.float64), support)


def homography_flow(homography: NDArray[np.float64], size: tuple[int, ...]) -> Flow:
    """Return the (h, w, 2) float32 flow that a homography makes of a picture of `size` = (h, w)."""
    points = _grid(size, 1)
    moved = cv2.perspectiveTransform(points[None], homography)[0]
    return np.asarray(moved - points, np.float32).reshape(size[0], size[1], 2)


@lru_cache(maxsize=16)
def _grid(size: tuple[int, int], spacing: int) -> NDArray[np.float32]:
    """Return the (n, 2) x, y positions of a grid that starts half a spacing from the corner."""
    half = spacing // 2
    rows, columns = np.mgrid[half : size[0] : spacing, half : size[1] : spacing]
    return np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)
