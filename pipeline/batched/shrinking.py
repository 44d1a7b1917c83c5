"""From the size of flow to the working size, as `pipeline/working_size.py` gets there."""

from typing import Final

import torch
from torch import Tensor

from pipeline.working_size import steps_down

_LUMINANCE: Final = (4899.0, 9617.0, 1868.0)
"""Of RGB, in 1 / 2**14, as OpenCV's integers have it."""


class Shrinking:
    """Brings pictures and flow of one size to another: two small matrix products, a row's and a column's."""

    def __init__(self, size: tuple[int, int], smaller: tuple[int, int], device: torch.device) -> None:
        """Make the weights from `size` = (H, W) to `smaller` = (h, w), each side no larger."""
        down, across = torch.eye(size[0], dtype=torch.float64), torch.eye(size[1], dtype=torch.float64)
        for height, width in steps_down(size, smaller):
            down, across = _linear(down.shape[0], height) @ down, _linear(across.shape[0], width) @ across
        self._down = down.float().to(device)  # (h, H)
        self._across = across.float().t().contiguous().to(device)  # (W, w)
        self._ratio = smaller[1] / size[1], smaller[0] / size[0]

    def picture(self, image: Tensor) -> Tensor:
        """Map (N, 3, H, W) float32 in whole levels to (N, 3, h, w), rounded to whole levels."""
        return torch.round(self._sample(image))

    def flow(self, flow: Tensor) -> Tensor:
        """Map (N, 2, H, W) float32 flow to (N, 2, h, w), its vectors in pixels of that size."""
        smaller = self._sample(flow)
        return torch.stack([smaller[:, axis] * self._ratio[axis] for axis in (0, 1)], 1)

    def _sample(self, x: Tensor) -> Tensor:
        return self._down @ (x @ self._across)


def luminance(rgb: Tensor) -> Tensor:
    """Return (N, 1, h, w) luminance of (N, 3, h, w) RGB, both float32 in whole levels of [0, 255]."""
    red, green, blue = rgb.chunk(3, 1)
    return torch.floor((red * _LUMINANCE[0] + green * _LUMINANCE[1] + blue * _LUMINANCE[2] + 8192) * (1 / 16384))


def _linear(size: int, smaller: int) -> Tensor:
    """Return (smaller, size) float64: the share of each pixel in each linear sample, along one axis."""
    centres = ((torch.arange(smaller, dtype=torch.float64) + 0.5) * (size / smaller) - 0.5).clamp(0, size - 1)
    return (1 - (centres[:, None] - torch.arange(size, dtype=torch.float64)).abs()).clamp(min=0)
