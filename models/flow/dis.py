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


FINEST_SCALE: Final = 1
"""Half the input's resolution: OpenCV's quarter blurs objects into blocks (maxF of the residual .43 against .52)."""
DESCENT_STEPS: Final = 8
REFINEMENT_STEPS: Final = 1


class DisFlow:
    """DIS flow at one of OpenCV's presets, or at livesal's own compromise between them."""

    def __init__(self, preset: int | None = None) -> None:
        """Make an estimator; it keeps buffers, so one serves one thread.

        Args:
            preset: one of OpenCV's; None = the fast one, but finer in space and with fewer steps.
        """
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST if preset is None else preset)
        if preset is None:
            self._dis.setFinestScale(FINEST_SCALE)
            self._dis.setGradientDescentIterations(DESCENT_STEPS)
            self._dis.setVariationalRefinementIterations(REFINEMENT_STEPS)

    def __call__(self, previous: NDArray[np.uint8], current: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (h, w, 2) float32 flow in pixels from `previous` to `current`, both (h, w, 3) uint8 RGB."""
        first, second = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (previous, current))
        return np.asarray(self._dis.calc(first, second, None), np.float32)  # type: ignore[call-overload]


for _name, _preset in (
    ("dis", None),
    ("dis-ultrafast", cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST),
    ("dis-fast", cv2.DISOPTICAL_FLOW_PRESET_FAST),
    ("dis-medium", cv2.DISOPTICAL_FLOW_PRESET_MEDIUM),
):
    register_flow(FlowEntry(name=_name, build=partial(DisFlow, _preset), source=_SOURCE))
