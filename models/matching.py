"""What pyramid flow networks share: warping by a flow, and correlation with a neighbourhood."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional


def backwarp(x: Tensor, flow: Tensor, outside: Literal["zeros", "border"] = "zeros") -> Tensor:
    """Fetch each pixel of (N, C, h, w) from where (N, 2, h, w) flow in pixels (x, y) points, bilinearly.

    Args:
        x: what is fetched from.
        flow: from each pixel to its source.
        outside: what lies beyond the edges: zeros, or the edge pixels repeated.
    """
    height, width = flow.shape[-2:]
    columns = torch.arange(width, device=flow.device, dtype=flow.dtype).view(1, 1, width)
    rows = torch.arange(height, device=flow.device, dtype=flow.dtype).view(1, height, 1)
    grid = torch.stack(  # (N, h, w, 2), the edges of the outermost pixels at -1 and 1
        (
            (2 * (columns + flow[:, 0]) + 1) / width - 1,
            (2 * (rows + flow[:, 1]) + 1) / height - 1,
        ),
        dim=3,
    )
    return functional.grid_sample(x, grid, padding_mode=outside, align_corners=False)


def local_correlation(first: Tensor, second: Tensor, radius: int, stride: int = 1) -> Tensor:
    """Correlate each pixel of one (N, C, h, w) feature map with a square around it in another.

    Args:
        first: features.
        second: features of the same shape; zero outside.
        radius: of the square, in steps.
        stride: pixels of a step, and pixels between the outputs.

    Returns:
        (N, (2 * radius + 1)**2, ceil(h / stride), ceil(w / stride)) means of the products over C; x varies fastest.
    """
    height, width = first.shape[-2:]
    reach = radius * stride
    padded = functional.pad(second, (reach, reach, reach, reach))
    here = first[..., ::stride, ::stride]
    steps = range(0, 2 * reach + 1, stride)
    products = [
        (here * padded[..., y : y + height : stride, x : x + width : stride]).mean(1) for y in steps for x in steps
    ]
    return torch.stack(products, 1)
