"""Dense Inverse Search optical flow.

Source: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016 (arXiv 1603.03590); OpenCV's
implementation (Apache-2.0).
"""

from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.registry import FlowEntry, register_flow

_SOURCE: Final = "DIS, arXiv 1603.03590; OpenCV (Apache-2.0)"


class DisFlow:
    """DIS flow at one of OpenCV's presets."""

    def __init__(self, preset: int) -> None:
        """Make an estimator; it keeps buffers, so one serves one thread."""
        self._dis = cv2.DISOpticalFlow.create(preset)

    def __call__(self, previous: NDArray[np.uint8], current: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (h, w, 2) float32 flow in pixels from `previous` to `current`, both (h, w, 3) uint8 RGB."""
        first, second = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (previous, current))
        return np.asarray(self._dis.calc(first, second, None), np.float32)  # type: ignore[call-overload]


for _name, _preset in (
    ("dis-ultrafast", cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST),
    ("dis", cv2.DISOPTICAL_FLOW_PRESET_FAST),
    ("dis-medium", cv2.DISOPTICAL_FLOW_PRESET_MEDIUM),
):
    register_flow(FlowEntry(name=_name, build=partial(DisFlow, _preset), source=_SOURCE))
