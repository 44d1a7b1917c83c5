"""Means over cells, by hand and as torch's own adaptive pooling has them."""

import pytest
import torch
from torch.nn import functional

from models.saliency.cell_means import averaging_matrix, cell_means


def test_three_cells_of_four_pixels_overlap_in_the_middle() -> None:
    # floor(i * 4 / 3) .. ceil((i + 1) * 4 / 3): pixels 0-1, 1-2, 2-3
    expected = torch.tensor([[0.5, 0.5, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.5, 0.5]])
    assert torch.equal(averaging_matrix(4, 3), expected)


def test_cells_of_a_small_map_by_hand() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])[None, None]
    # two columns of three pixels share the middle one; two rows of two pixels do not
    assert torch.equal(cell_means(x, 2), torch.tensor([[1.5, 2.5], [4.5, 5.5]])[None, None])


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (9, 12), (10, 17), (11, 11)])
@pytest.mark.parametrize("cells", [1, 2, 3, 5, 6])
def test_equals_adaptive_pooling(size: tuple[int, int], cells: int) -> None:
    x = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(cell_means(x, cells), functional.adaptive_avg_pool2d(x, cells))
