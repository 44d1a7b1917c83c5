"""3x3 homographies that move pictures: built from motions one can name, applied to points and to whole pictures."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Homography = NDArray[np.float64]
"""(3, 3): maps pixel (x, y, 1) to pixel, up to scale."""

Window = tuple[int, int, int, int]
"""Top row, left column, height and width in pixels."""

IDENTITY: Final = np.eye(3)
"""No motion."""


def translation(x: float, y: float) -> Homography:
    """Return the motion by (x, y) pixels."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def scaling(x: float, y: float) -> Homography:
    """Return the scaling by factors x and y about the first pixel."""
    return np.diag([x, y, 1.0])


def motion(
    centre: tuple[float, float],
    shift: tuple[float, float] = (0.0, 0.0),
    rotation: float = 0.0,
    zoom: float = 1.0,
    tilt: tuple[float, float] = (0.0, 0.0),
) -> Homography:
    """Return a motion about a point.

    Args:
        centre: (x, y) pixels; it moves by `shift` and nothing else.
        shift: (x, y) pixels.
        rotation: radians, from x towards y.
        zoom: factor, above 1 grows.
        tilt: perspective terms, 1 / pixels.
    """
    cosine, sine = zoom * np.cos(rotation), zoom * np.sin(rotation)
    about = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [tilt[0], tilt[1], 1.0]])
    moved: Homography = (
        translation(centre[0] + shift[0], centre[1] + shift[1]) @ about @ translation(-centre[0], -centre[1])
    )
    return moved


def move(homography: Homography, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where a homography takes (n, 2) points (x, y)."""
    moved = points @ homography[:, :2].T + homography[:, 2]
    return np.asarray(moved[:, :2] / moved[:, 2:], np.float64)


def displacement(homography: Homography, window: Window) -> NDArray[np.float32]:
    """Return how far a homography moves each pixel of a window: (h, w, 2) float32, x and y."""
    top, left, height, width = window
    x = np.arange(left, left + width, dtype=np.float64)
    y = np.arange(top, top + height, dtype=np.float64)[:, None]
    scale = 1 / ((homography[2, 0] * x + homography[2, 2]) + homography[2, 1] * y)
    field = np.empty((height, width, 2), np.float32)
    for axis, start in enumerate((x, y)):
        a, b, c = homography[axis]
        field[..., axis] = ((a * x + c) + b * y) * scale - start
    return field


def warp(image: NDArray[np.uint8], homography: Homography, window: Window, *, endless: bool) -> NDArray[np.uint8]:
    """Return a window of the plane that `homography` puts an image on.

    Args:
        image: (H, W) or (H, W, C) uint8.
        homography: from pixels of `image` to the plane.
        window: of the plane.
        endless: whether the image is mirrored at its edges without end, or zero outside.
    """
    top, left, height, width = window
    border = cv2.BORDER_REFLECT_101 if endless else cv2.BORDER_CONSTANT
    into = translation(-left, -top) @ homography
    warped = cv2.warpPerspective(image, into, (width, height), flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(warped, np.uint8)
