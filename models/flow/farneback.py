"""Farnebäck's optical flow: neighbourhoods as quadratic polynomials, displaced.

Source: Farnebäck, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA 2003; OpenCV's implementation
(Apache-2.0).
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.registry import FlowEntry, register_flow

LEVELS: Final = 4
WINDOW: Final = 15
"""Side in pixels of the window that displacements are averaged over."""


class FarnebackFlow:
    """Farnebäck flow over a pyramid of halves."""

    def __init__(self) -> None:
        """Make an estimator; it keeps buffers, so one serves one thread."""
        self._method = cv2.FarnebackOpticalFlow.create(
            numLevels=LEVELS, pyrScale=0.5, winSize=WINDOW, numIters=3, polyN=5, polySigma=1.1
        )

    def __call__(self, previous: NDArray[np.uint8], current: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (h, w, 2) float32 flow in pixels from `previous` to `current`, both (h, w, 3) uint8 RGB."""
        first, second = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (previous, current))
        return np.asarray(self._method.calc(first, second, None), np.float32)  # type: ignore[call-overload]


register_flow(FlowEntry(name="farneback", build=FarnebackFlow, source="Farnebäck, SCIA 2003; OpenCV (Apache-2.0)"))
