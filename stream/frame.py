"""One picture of a video, as it crosses the stages."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture.

    Attributes:
        image: (H, W, 3) uint8 RGB, read-only.
        pts: presentation time in units of `time_base`.
        time_base: seconds per unit of `pts`.
        sequence: number of the frame since its source started, from 0; gaps are frames that were dropped.
        arrived_at: monotonic clock in seconds when the frame left the decoder.
    """

    image: NDArray[np.uint8]
    pts: int
    time_base: Fraction
    sequence: int
    arrived_at: float

    def __post_init__(self) -> None:
        """Check the picture's form and make it read-only.

        Raises:
            ValueError: the image is not (H, W, 3) uint8, or the time base is not positive.
        """
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            message = f"a frame's image is (H, W, 3) uint8, not {self.image.shape} {self.image.dtype}"
            raise ValueError(message)
        if self.time_base <= 0:
            message = f"a frame's time base is positive, not {self.time_base}"
            raise ValueError(message)
        self.image.flags.writeable = False

    @property
    def time(self) -> float:
        """Media time in seconds."""
        return float(self.pts * self.time_base)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[0], self.image.shape[1]
