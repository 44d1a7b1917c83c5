"""Flow and luminance as pictures for the motion network; one at a time: `pipeline/flow_and_luminance.py`."""

import torch
from torch import Tensor

from pipeline.motion_input import FLOOR


def flow_and_luminance(flow: Tensor, luminance: Tensor, floor: float = FLOOR) -> Tensor:
    """Return (N, 3, h, w) in whole levels of [0, 255]: the flow's x and y around 127.5, and the luminance.

    Args:
        flow: (N, 2, h, w) float32 in pixels.
        luminance: (N, 1, h, w) float32 in whole levels.
        floor: least magnitude in pixels that counts as fully fast.
    """
    magnitude = flow.square().sum(1, keepdim=True).sqrt()
    largest = magnitude.amax((2, 3), keepdim=True).clamp(min=floor)
    coded = flow * (127.5 / (magnitude.clamp(min=1e-6) * largest).sqrt()) + 128
    return torch.cat((torch.floor(coded), luminance), 1)
