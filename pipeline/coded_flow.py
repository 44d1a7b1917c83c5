"""Optical flow as a picture: direction as hue, magnitude as saturation, on the 55-colour wheel.

Source: Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011, the paper's [55]. Zero flow
is white.
"""

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Flow = NDArray[np.float32]
"""Optical flow: (h, w, 2) float32 in pixels, x then y."""

_SEGMENTS: Final = (15, 6, 4, 11, 13, 6)
"""Colours from red to yellow, to green, to cyan, to blue, to magenta, to red: 55 in all."""
_TABLE: Final = 511
"""Side of the look-up table; odd, so that zero flow is a cell of its own."""
_EPSILON: Final = 1e-5


@cache
def colour_wheel() -> NDArray[np.float64]:
    """Return the (55, 3) RGB wheel in [0, 255], red first."""
    corners = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]], np.float64)
    rows = []
    for index, count in enumerate(_SEGMENTS):
        start, end = corners[index], corners[(index + 1) % len(corners)]
        ramp = np.floor(255 * np.arange(count) / count)[:, None]
        rows.append(np.where(end > start, ramp, np.where(end < start, 255 - ramp, 255 * start)))
    return np.concatenate(rows)


def flow_colours(u: NDArray[np.floating], v: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return the (…, 3) uint8 RGB code of flow whose magnitude 1 is the most saturated.

    Args:
        u: horizontal component, any shape; to the right is positive.
        v: vertical component, downwards positive.
    """
    wheel = colour_wheel()
    radius = np.sqrt(np.square(u) + np.square(v))
    position = (np.arctan2(-v, -u) / np.pi + 1) / 2 * (len(wheel) - 1)
    low = np.floor(position).astype(np.int32)
    high = np.where(low + 1 == len(wheel), 0, low + 1)
    share = (position - low)[..., None]
    colour = ((1 - share) * wheel[low] + share * wheel[high]) / 255
    within = (radius <= 1)[..., None]
    colour = np.where(within, 1 - radius[..., None] * (1 - colour), colour * 0.75)
    return np.floor(255 * colour).astype(np.uint8)


def flow_to_image(flow: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Code (h, w, 2) flow exactly as published, scaled by its own largest magnitude."""
    largest = float(np.sqrt(np.square(flow).sum(2)).max()) + _EPSILON
    return flow_colours(flow[..., 0] / largest, flow[..., 1] / largest)


def code_flow(flow: Flow, floor: float) -> NDArray[np.uint8]:
    """Code flow by look-up table: ten times faster than `flow_to_image`, at most a table's cell beside it.

    The scale is the flow's largest magnitude, but at least `floor`: otherwise the noise of a still scene would be
    blown up to full saturation.

    Args:
        flow: (h, w, 2) float32 in pixels.
        floor: least magnitude in pixels that counts as fully saturated.
    """
    u, v = cv2.split(flow)
    largest = float(np.max(cv2.magnitude(u, v), initial=0.0))
    centre = (_TABLE - 1) / 2
    factor = np.float32(centre / (max(largest, floor) + _EPSILON))
    x = u * factor + np.float32(centre)
    y = v * factor + np.float32(centre)
    return np.asarray(cv2.remap(_colour_table(), x, y, cv2.INTER_NEAREST), np.uint8)


@cache
def _colour_table() -> NDArray[np.uint8]:
    axis = np.linspace(-1, 1, _TABLE)
    u, v = np.meshgrid(axis, axis)
    return flow_colours(u, v)
