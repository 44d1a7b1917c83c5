"""Smoothing of many cameras' maps along their flows; one at a time: `pipeline/temporal.py`."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from models.flow.lucas_kanade import fetch
from pipeline.temporal import TOLERANCE

_RADIUS: Final = 4
"""Of the blur with a sigma of a pixel."""


class BatchSmoothing:
    """Mixes each frame's maps with those of the frame before, which it keeps on the device."""

    def __init__(self, weight: float, past: Tensor, grey: Tensor) -> None:
        """Begin without a past.

        Args:
            weight: the most that the past counts, in [0, 1).
            past: (N, 1, h, w) float32, room for the maps of the frame before.
            grey: likewise for its luminance.
        """
        self._weight = weight
        self._past, self._grey = past, grey
        bell = torch.exp(-0.5 * torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float64).square())
        self._bell = [float(share) for share in bell / bell.sum()]

    def __call__(self, maps: Tensor, grey: Tensor, flow: Tensor, known: Tensor) -> Tensor:
        """Return (N, 1, h, w) float32 `maps` of the current frame, smoothed, and keep them.

        Args:
            maps: of the current frame.
            grey: (N, 1, h, w) float32 luminance in [0, 255].
            flow: (N, 2, h, w) float32 pixels, that arrives at each pixel, the camera's part included.
            known: (N, 1, 1, 1) bool, whether there is a past, and flow from it.
        """
        before, grey_before = fetch(torch.cat((self._past, self._grey), 1), -flow).chunk(2, 1)
        trust = torch.exp(self._blur((grey_before - grey).abs()) * (-1 / TOLERANCE))
        smoothed = torch.where(known, maps + self._weight * trust * (before - maps), maps)
        self._past.copy_(smoothed)
        self._grey.copy_(grey)
        return smoothed

    def _blur(self, x: Tensor) -> Tensor:
        """Blur (N, 1, h, w) by a Gaussian of a pixel: sums of slices, as a convolution may not use all of float32."""
        height, width = x.shape[-2:]
        padded = functional.pad(x, (_RADIUS,) * 4, mode="reflect")
        rows = sum(
            (padded[..., i : i + height, :] * share for i, share in enumerate(self._bell)), start=x.new_zeros(())
        )
        return sum((rows[..., i : i + width] * share for i, share in enumerate(self._bell)), start=x.new_zeros(()))
