"""Which frames to trust: the non-overlapping ratio of motion and colour saliency (Eq. (7))."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.appearance import Appearance
from pipeline.values import Keyframe, Map, SaliencyFrame

CUT: Final = 0.1
"""T(·) of Eq. (7) sets values below this to 0."""
STEADY: Final = 0.001
"""C of Eq. (7), against division by zero."""


def cut(saliency: Map) -> Map:
    """Return T(saliency): values below 0.1 set to 0."""
    return np.where(saliency < CUT, np.float32(0), saliency)


def non_overlapping_ratio(motion: Map, colour: Map) -> float:
    """Return NR in [0, 1] (Eq. (7)): 0 where the two maps agree, 1 where they share nothing.

    A frame in which neither map finds anything has no evidence of agreement: its NR is 1.

    Args:
        motion: motion saliency, (h, w) in [0, 1].
        colour: colour saliency, (h, w) in [0, 1].
    """
    salient = np.count_nonzero(motion + colour >= CUT)
    if salient == 0:
        return 1.0
    first, second = cut(motion), cut(colour)
    disagreement = np.abs(first - second) / (first + second + np.float32(STEADY))
    return float(disagreement.sum(dtype=np.float64) / salient)


def keyframe_of(
    image: NDArray[np.uint8], saliency: SaliencyFrame, look: Appearance | None, media_time: float, sequence: int
) -> Keyframe | None:
    """Return a frame as a keyframe, with LS as its pseudo-label; None if it is none.

    Args:
        image: (h, w, 3) uint8 RGB at the working size.
        saliency: what was found in it.
        look: what it looks like from afar.
        media_time: seconds on the stream's clock.
        sequence: number of the frame in its stream.
    """
    if not saliency.is_keyframe:
        return None
    return Keyframe(
        image=image, label=saliency.low_level, nr=saliency.nr, media_time=media_time, sequence=sequence, look=look
    )
