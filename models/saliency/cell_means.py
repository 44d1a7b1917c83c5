"""Means over a grid of cells whatever the map's size: adaptive average pooling as two matrix products.

ONNX has no adaptive pooling, and its exporter refuses sizes that the grid does not divide. The cells are those of
torch's `AdaptiveAvgPool2d`: cell i of n covers pixels floor(i * size / n) to ceil((i + 1) * size / n).
"""

import torch
from torch import Tensor, nn


class CellMeans(nn.Module):
    """Means over `cells` x `cells` cells."""

    def __init__(self, cells: int) -> None:
        """Make the layer; it has no weights."""
        super().__init__()
        self.cells = cells

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to (N, C, cells, cells)."""
        return cell_means(x, self.cells)


def cell_means(x: Tensor, cells: int) -> Tensor:
    """Map (N, C, h, w) to (N, C, cells, cells)."""
    height, width = (int(size) for size in x.shape[-2:])
    rows = averaging_matrix(height, cells).to(x)
    columns = averaging_matrix(width, cells).to(x)
    return rows @ x @ columns.transpose(0, 1)


def averaging_matrix(size: int, cells: int) -> Tensor:
    """Return (cells, size) float32 weights, each row the mean over its cell's pixels."""
    matrix = torch.zeros(cells, size)
    for cell in range(cells):
        start, end = cell * size // cells, -(-(cell + 1) * size // cells)
        matrix[cell, start:end] = 1 / (end - start)
    return matrix
