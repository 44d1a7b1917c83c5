"""Generated pictures: texture without end, and textured objects with exact masks."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.samples import Sample


def texture(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return an (h, w, 3) uint8 RGB texture with detail at several scales."""
    layers = np.zeros((*size, 3), np.float32)
    for cell in (3, 8, 24):
        grid = rng.normal(0, 1, (size[0] // cell + 2, size[1] // cell + 2, 3)).astype(np.float32)
        layers += cv2.resize(grid, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    low, high = np.quantile(layers, (0.01, 0.99))
    return np.clip(255 * (layers - low) / (high - low), 0, 255).astype(np.uint8)


def blob(size: tuple[int, int], rng: np.random.Generator) -> Sample:
    """Return a textured picture of `size` with a star-shaped object in its middle."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radii = min(size) * (0.3 + 0.12 * np.cos(3 * angles + rng.uniform(0, 6)) + 0.03 * rng.normal(0, 1, 24))
    centre = np.array([size[1] / 2, size[0] / 2])
    corners = centre + radii[:, None] * np.stack((np.cos(angles), np.sin(angles)), 1)
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [corners.round().astype(np.int32)], 255)
    return Sample(texture(size, rng), mask.astype(np.float32) / np.float32(255))
