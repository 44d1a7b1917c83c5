"""From two frames to what the motion network sees: flow, less the camera's motion, coded in colours."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.registry import FlowEstimator
from pipeline.camera_motion import CameraMotion, residual_flow
from pipeline.coded_flow import Flow, code_flow

FLOOR: Final = 1.0
"""Least flow, in pixels of the working size, that is coded as fully saturated."""


@dataclass(frozen=True, slots=True, eq=False)
class MotionInput:
    """What the motion between two frames is made of.

    Attributes:
        residual: (h, w, 2) float32 pixels, the flow that arrives at each pixel of the current frame, less the camera's.
        coded: (h, w, 3) uint8 RGB, the same on the colour wheel.
    """

    residual: Flow
    coded: NDArray[np.uint8]


def motion_input(
    previous: NDArray[np.uint8],
    current: NDArray[np.uint8],
    estimator: FlowEstimator,
    camera_motion: CameraMotion = "homography",
    floor: float = FLOOR,
) -> MotionInput:
    """Return the coded motion of `current` against `previous`, both (h, w, 3) uint8 RGB.

    The flow is estimated from the current frame back to the previous one and turned round, so that it lies on the
    current frame's pixels, where the colour network's map lies too.
    """
    residual = residual_flow(-estimator(current, previous), camera_motion)
    return MotionInput(residual, code_flow(residual, floor))
