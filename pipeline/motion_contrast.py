"""Conventional motion saliency: the contrast of a pixel's flow with that of its surroundings (Eq. (4))."""

from typing import Final

import cv2
import numpy as np

from pipeline.coded_flow import Flow
from pipeline.values import Map

CONTRAST_FLOOR: Final = 0.5
"""Least contrast, in pixels of flow per pixel of distance, that is scaled to 1."""

_RADIUS: Final = 24
_STEP: Final = 8


def flow_contrast(flow: Flow, radius: int = _RADIUS, step: int = _STEP, weight: float = 1.0) -> Map:
    """Return Eq. (4): the sum over the neighbours of flow difference / (`weight` * distance), (h, w) float32.

    Args:
        flow: (h, w, 2) float32 pixels.
        radius: the neighbourhood reaches this many pixels in x and in y.
        step: every `step`-th neighbour counts; 1 is the paper's sum.
        weight: the paper's ω.
    """
    height, width = flow.shape[:2]
    padded = cv2.copyMakeBorder(flow, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    contrast = np.zeros((height, width), np.float32)
    for dy in range(-radius, radius + 1, step):
        for dx in range(-radius, radius + 1, step):
            if dx == 0 and dy == 0:
                continue
            neighbour = padded[radius + dy : radius + dy + height, radius + dx : radius + dx + width]
            difference = flow - neighbour
            contrast += cv2.magnitude(difference[..., 0], difference[..., 1]) / np.float32(weight * np.hypot(dx, dy))
    return contrast


def conventional_motion_saliency(flow: Flow, floor: float) -> Map:
    """Return Eq. (4) scaled to [0, 1] by its largest value.

    Args:
        flow: (h, w, 2) float32 pixels.
        floor: contrast in pixels per pixel below which the scale does not go, so that a still scene stays dark.
    """
    contrast = flow_contrast(flow)
    return contrast / np.float32(max(float(contrast.max()), floor))
