"""A saliency map as it is given to scripts: numbers, not colours."""

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

MAPS: Final = ("motion", "colour", "low_level", "final", "unadapted")
"""Maps of a frame; `unadapted` is what `final` would be without a twin."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SaliencyMap:
    """One map of one frame.

    Attributes:
        values: (h, w) float32 in [0, 1] at the working size, read-only.
        pts: presentation time of its frame in units of `time_base`.
        time_base: seconds per unit of `pts`.
        sequence: number of the frame in its stream.
        frame_size: (height, width) of the frame in pixels.
        model_version: of the twin in service; 0 = the original.
    """

    values: NDArray[np.float32]
    pts: int
    time_base: Fraction
    sequence: int
    frame_size: tuple[int, int]
    model_version: int


def to_npy(values: NDArray[np.float32]) -> bytes:
    """Return the map as a NumPy file: (h, w) float32 in [0, 1]."""
    out = io.BytesIO()
    np.save(out, values, allow_pickle=False)
    return out.getvalue()


def to_png(values: NDArray[np.float32], depth: int) -> bytes:
    """Return the map as a grey PNG of `depth` bits, 8 or 16: the highest level stands for 1."""
    levels = np.rint(values * (2.0**depth - 1))
    picture = levels.astype(np.uint8) if depth == 8 else levels.astype(np.uint16)
    return bytes(cv2.imencode(".png", picture)[1])
