"""Flow and luminance as a picture: what livesal's own motion network is shown.

The colour wheel ([55]) spends three channels on two numbers. Here the first two channels hold the flow and the third
the frame's luminance, whose edges say where flow that is blurred by its estimator ought to end.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.coded_flow import Flow

_CENTRE: Final = 127.5
_LEAST: Final = 1e-6


def code_flow_and_luminance(flow: Flow, image: NDArray[np.uint8], floor: float) -> NDArray[np.uint8]:
    """Return (h, w, 3) uint8: the flow's x and y around 127.5, and the luminance of `image`.

    A vector keeps its direction; its length is the square root of its share of the largest one, so that slow motion
    beside fast motion, or beside an outlier, is still seen.

    Args:
        flow: (h, w, 2) float32 in pixels.
        image: (h, w, 3) uint8 RGB.
        floor: least magnitude in pixels that counts as fully fast, so that noise is not blown up.
    """
    u, v = cv2.split(flow)
    magnitude = cv2.magnitude(u, v)
    largest = max(float(np.max(magnitude, initial=0.0)), floor)
    factor = np.float32(_CENTRE) / cv2.sqrt(np.maximum(magnitude, _LEAST) * np.float32(largest))
    # rounded to the nearest level
    x, y = (np.asarray(component * factor + np.float32(_CENTRE + 0.5), np.uint8) for component in (u, v))
    return np.asarray(cv2.merge([x, y, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)]), np.uint8)
