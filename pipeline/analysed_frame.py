"""What the analysis stage hands on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.values import SaliencyFrame
from stream.events import AdaptationEvent
from stream.frame import Frame


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AnalysedFrame:
    """A frame with all that was found in it.

    Attributes:
        frame: as it came.
        small: (h, w, 3) uint8 RGB, the frame at the working size.
        saliency: the maps.
        events: what the adaptation has to tell since the frame before.
        seconds: how long each stage took.
        finished_at: monotonic clock in seconds when the maps were ready.
    """

    frame: Frame
    small: NDArray[np.uint8]
    saliency: SaliencyFrame
    events: tuple[AdaptationEvent, ...]
    seconds: dict[str, float]
    finished_at: float
