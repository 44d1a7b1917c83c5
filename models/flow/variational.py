"""Variational optical flow, coarse to fine: the conventional kind that the paper names beside LiteFlowNet.

Source: Brox et al., "High Accuracy Optical Flow Estimation Based on a Theory for Warping", ECCV 2004: constancy of
brightness and gradient and a smooth flow, all under a robust norm. OpenCV's headless build has that functional's
solver, `cv2.VariationalRefinement` (Apache-2.0), for one size and one linearisation; the pyramid and the repeated
warping around it are ours. A median filter after each warp takes out what the linearisation throws off (Sun et al.,
"Secrets of Optical Flow Estimation and Their Principles", CVPR 2010). Chosen over the solver started from DIS, which is
nearer to DIS than to the classical method, and over TV-L1 and LDOF, which this build of OpenCV does not have.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.registry import FlowEntry, register_flow

SHRINK: Final = 0.75
"""From one level's size to the coarser one's."""

COARSEST: Final = 8
"""Least pixels of a level's short side."""

WARPS: Final = 3
"""Linearisations a level."""

SMOOTHNESS: Final = 10.0
"""Weight of the smoothness term, beside OpenCV's weights of 5 for brightness and 10 for gradients."""

_BLUR: Final = 0.6
"""Standard deviation in pixels of the blur before the pyramid."""
_MEDIAN: Final = 5


class VariationalFlow:
    """Brox's functional, minimised on a pyramid."""

    def __init__(self) -> None:
        """Make an estimator; it keeps buffers, so one serves one thread."""
        self._solver = cv2.VariationalRefinement.create()
        self._solver.setAlpha(SMOOTHNESS)

    def __call__(self, previous: NDArray[np.uint8], current: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (h, w, 2) float32 flow in pixels from `previous` to `current`, both (h, w, 3) uint8 RGB."""
        first, second = (
            cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), _BLUR) for image in (previous, current)
        )
        sizes = pyramid_sizes((previous.shape[0], previous.shape[1]))
        flow = np.zeros((*sizes[0], 2), np.float32)
        for height, width in sizes:
            one, two = (cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA) for image in (first, second))
            ratio = np.array([width / flow.shape[1], height / flow.shape[0]], np.float32)
            flow = np.asarray(cv2.resize(flow, (width, height)) * ratio, np.float32)
            for _ in range(WARPS):
                self._solver.calc(one, two, flow)
                axes = [cv2.medianBlur(flow[..., axis].copy(), _MEDIAN) for axis in (0, 1)]
                flow = np.stack(axes, 2).astype(np.float32, copy=False)
        return flow


def pyramid_sizes(size: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the (h, w) of each level for frames of `size` = (h, w), coarsest first."""
    sizes = [size]
    while min(sizes[0]) * SHRINK >= COARSEST:
        height, width = sizes[0]
        sizes.insert(0, (round(height * SHRINK), round(width * SHRINK)))
    return sizes


register_flow(
    FlowEntry(name="variational", build=VariationalFlow, source="Brox et al., ECCV 2004; OpenCV (Apache-2.0)")
)
