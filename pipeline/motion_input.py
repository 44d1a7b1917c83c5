"""From two frames to what the motion network is shown: flow, less the camera's motion, as a picture."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.registry import FlowEstimator
from pipeline.camera_motion import CameraMotion, without_camera
from pipeline.coded_flow import Flow, code_flow
from pipeline.flow_and_luminance import code_flow_and_luminance
from pipeline.temporal import Arrival
from pipeline.working_size import shrink

MotionCoding = Literal["flow-and-luminance", "coded-flow"]
"""What a motion network was trained on: two channels of flow and one of luminance, or flow on the colour wheel."""

FLOOR: Final = 1.0
"""Least flow, in pixels of the working size, that is coded as fully fast."""


@dataclass(frozen=True, slots=True, eq=False)
class MotionInput:
    """What the motion between two frames is made of.

    Attributes:
        arrival: the current frame and the flow that arrives at it, at the maps' size.
        residual: (h, w, 2) float32 pixels, the flow less the camera's.
        picture: (h, w, 3) uint8, what the motion network is shown.
        support: share of the flow vectors that the fit of the camera's motion is supported by, [0, 1].
    """

    arrival: Arrival
    residual: Flow
    picture: NDArray[np.uint8]
    support: float


def motion_input(
    previous: NDArray[np.uint8],
    current: NDArray[np.uint8],
    estimator: FlowEstimator,
    size: tuple[int, int],
    camera_motion: CameraMotion = "homography",
    coding: MotionCoding = "flow-and-luminance",
    small: NDArray[np.uint8] | None = None,
) -> MotionInput:
    """Return the motion of `current` against `previous`, both (H, W, 3) uint8 RGB, at `size` = (h, w).

    The flow is estimated from the current frame back to the previous one and turned round, so that it lies on the
    current frame's pixels, where the colour network's map lies too. It may be estimated at a larger size than it is
    used at: that keeps the outlines of objects. `small` is `current` at `size`, where the caller has it already.
    """
    image = shrink(current, size) if small is None else small
    flow = resize_flow(-estimator(current, previous), size)
    residual, support = without_camera(flow, camera_motion)
    return MotionInput(Arrival(image, flow), residual, motion_picture(residual, image, coding), support)


def motion_picture(
    residual: Flow, image: NDArray[np.uint8], coding: MotionCoding, floor: float = FLOOR
) -> NDArray[np.uint8]:
    """Return the (h, w, 3) uint8 picture of (h, w, 2) flow at (h, w, 3) uint8 RGB `image`."""
    if coding == "coded-flow":
        return code_flow(residual, floor)
    return code_flow_and_luminance(residual, image, floor)


def resize_flow(flow: Flow, size: tuple[int, int]) -> Flow:
    """Return (H, W, 2) flow at `size` = (h, w), its vectors in pixels of that size."""
    height, width = flow.shape[:2]
    if (height, width) == size:
        return flow
    resized = shrink(flow, size)
    across, down = np.float32(size[1] / width), np.float32(size[0] / height)
    if across == down:
        return np.multiply(resized, across, out=resized)  # ten times faster than by two factors in turns
    return np.multiply(resized, np.array([across, down]), out=resized)
