"""Flat layers, each with its own motion, drawn over one another into a frame with its exact mask and flow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.homographies import Homography, Window, displacement, move, warp


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A flat picture in a scene.

    Attributes:
        pixels: (h, w, 3) uint8 RGB, opaque, then endless as well; or (h, w, 4) uint8, RGB multiplied by its coverage,
            then the coverage.
        placement: from `pixels` to the first frame.
        motion: from the first frame to the second.
        moves: whether it moves against the world.
        endless: whether the pixels are mirrored beyond their edges for ever; else nothing is there.
    """

    pixels: NDArray[np.uint8]
    placement: Homography
    motion: Homography
    moves: bool
    endless: bool = False

    def centre(self) -> tuple[float, float]:
        """Return the centre (x, y) of what the layer covers, in pixels of the first frame."""
        rows, columns = np.nonzero(self.pixels[..., -1] > 127)
        x, y = move(self.placement, np.array([[columns.mean(), rows.mean()]]))[0]
        return float(x), float(y)


def render(layers: Sequence[Layer], size: tuple[int, int], exposure: float, *, second: bool) -> NDArray[np.uint8]:
    """Draw a frame.

    Args:
        layers: back to front; the first is opaque.
        size: (h, w) of the frame.
        exposure: share of the time between the frames that the shutter is open: how far motion smears.
        second: whether the second frame is drawn rather than the first.

    Returns:
        (h, w, 3) uint8 RGB.
    """
    image = np.empty((*size, 3), np.uint8)
    for layer in layers:
        transform = layer.motion @ layer.placement if second else layer.placement
        window = _window(layer, transform, exposure, size)
        if window is None:
            continue
        drawn = warp(layer.pixels, transform, window, endless=layer.endless)
        drawn = _smear(drawn, exposure * _centre_step(layer.motion, window))
        there = _slices(window)
        image[there] = drawn if drawn.shape[2] == 3 else _over(image[there], drawn)
    return image


def truth(layers: Sequence[Layer], size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Say what is true of the second frame.

    Args:
        layers: back to front; the first is opaque.
        size: (h, w) of the frame.

    Returns:
        mask: (h, w) float32 in [0, 1], how much of each pixel is covered by what moves.
        flow: (h, w, 2) float32 pixels from the second frame back to the first.
    """
    mask = np.zeros(size, np.float32)
    flow = np.empty((*size, 2), np.float32)
    for layer in layers:
        transform = layer.motion @ layer.placement
        window = _window(layer, transform, 0.0, size)
        if window is None:
            continue
        there = _slices(window)
        step = displacement(np.linalg.inv(layer.motion).astype(np.float64), window)
        if layer.pixels.shape[2] == 3:
            mask[there], flow[there] = float(layer.moves), step
        else:
            coverage = warp(layer.pixels[..., 3], transform, window, endless=layer.endless)
            mask[there] += (coverage / np.float32(255)) * (np.float32(layer.moves) - mask[there])
            flow[there][coverage > 127] = step[coverage > 127]
    return mask, flow


def finish(image: NDArray[np.uint8], noise: float, gain: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return an image with its brightness times `gain` and Gaussian noise of standard deviation `noise` on it."""
    if noise == 0 and gain == 1:
        return image
    grain = rng.standard_normal(image.shape, np.float32)
    return np.clip(image * np.float32(gain) + np.float32(noise) * grain + np.float32(0.5), 0, 255).astype(np.uint8)


def _window(layer: Layer, transform: Homography, exposure: float, size: tuple[int, int]) -> Window | None:
    """Return the part of the frame that a layer can touch, its smear included, or None if it is out of the frame."""
    if layer.endless:
        return 0, 0, size[0], size[1]
    height, width = layer.pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)
    spots = move(transform, corners)
    spread = 1 + exposure * float(np.abs(move(layer.motion, spots) - spots).max())
    left, top = (max(0, math.floor(value - spread)) for value in spots.min(0))
    right, bottom = (math.ceil(value + spread) for value in spots.max(0))
    window = (top, left, min(bottom, size[0]) - top, min(right, size[1]) - left)
    return window if window[2] > 0 and window[3] > 0 else None


def _slices(window: Window) -> tuple[slice, slice]:
    top, left, height, width = window
    return slice(top, top + height), slice(left, left + width)


def _centre_step(motion: Homography, window: Window) -> NDArray[np.float64]:
    """Return the (x, y) step of a window's centre."""
    centre = np.array([[window[1] + window[3] / 2, window[0] + window[2] / 2]])
    return np.asarray(move(motion, centre)[0] - centre[0], np.float64)


def _smear(drawn: NDArray[np.uint8], step: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Blur along `step` (x, y) pixels, centred."""
    length = float(np.hypot(*step))
    if length < 1:
        return drawn
    half = int(np.ceil(np.abs(step).max() / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    ends = [tuple(int(v) for v in np.round(16 * (half + sign * step / 2))) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return np.asarray(cv2.filter2D(drawn, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE), np.uint8)


def _over(below: NDArray[np.uint8], piece: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay a piece over what is there."""
    uncovered = cv2.cvtColor(255 - piece[..., 3], cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.add(cv2.multiply(below, uncovered, scale=1 / 255), piece[..., :3]), np.uint8)
