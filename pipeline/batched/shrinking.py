"""From the size of flow to the working size, by averaging over areas, as `cv2.INTER_AREA` does."""

from typing import Final

import torch
from torch import Tensor

_LUMINANCE: Final = (4899.0, 9617.0, 1868.0)
"""Of RGB, in 1 / 2**14, as OpenCV's integers have it."""


class Shrinking:
    """Averages pictures and flow of one size to another: two small matrix products, a row's and a column's."""

    def __init__(self, size: tuple[int, int], smaller: tuple[int, int], device: torch.device) -> None:
        """Make the weights from `size` = (H, W) to `smaller` = (h, w), each side no larger."""
        self._down = _area_weights(size[0], smaller[0]).to(device)  # (h, H)
        self._across = _area_weights(size[1], smaller[1]).t().contiguous().to(device)  # (W, w)
        self._ratio = smaller[1] / size[1], smaller[0] / size[0]

    def picture(self, image: Tensor) -> Tensor:
        """Map (N, 3, H, W) float32 in whole levels to (N, 3, h, w), rounded to whole levels."""
        return torch.round(self._average(image))

    def flow(self, flow: Tensor) -> Tensor:
        """Map (N, 2, H, W) float32 flow to (N, 2, h, w), its vectors in pixels of that size."""
        smaller = self._average(flow)
        return torch.stack([smaller[:, axis] * self._ratio[axis] for axis in (0, 1)], 1)

    def _average(self, x: Tensor) -> Tensor:
        return self._down @ (x @ self._across)


def luminance(rgb: Tensor) -> Tensor:
    """Return (N, 1, h, w) luminance of (N, 3, h, w) RGB, both float32 in whole levels of [0, 255]."""
    red, green, blue = rgb.chunk(3, 1)
    return torch.floor((red * _LUMINANCE[0] + green * _LUMINANCE[1] + blue * _LUMINANCE[2] + 8192) * (1 / 16384))


def _area_weights(size: int, smaller: int) -> Tensor:
    """Return (smaller, size): the share that each pixel has in each larger one, along one axis."""
    edges = torch.arange(smaller + 1, dtype=torch.float64) * (size / smaller)
    pixels = torch.arange(size, dtype=torch.float64)
    overlap = torch.minimum(edges[1:, None], pixels + 1) - torch.maximum(edges[:-1, None], pixels)
    return (overlap.clamp(min=0) * (smaller / size)).float()
