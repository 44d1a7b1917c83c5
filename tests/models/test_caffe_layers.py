"""Caffe's layers against values computed by hand."""

import pytest
import torch
from torch import nn

from models.caffe_layers import (
    FrozenAffineNorm,
    FrozenBatchNorm,
    FrozenScale,
    bilinear_kernel,
    crop,
    enlargement,
    max_pool,
)


def test_bilinear_kernel_of_factor_two() -> None:
    row = torch.tensor([0.25, 0.75, 0.75, 0.25])
    assert torch.equal(bilinear_kernel(4), torch.outer(row, row))


@pytest.mark.parametrize("factor", [2, 4, 8, 16, 32])
def test_enlargement_keeps_a_constant_away_from_the_border(factor: int) -> None:
    enlarged = enlargement(factor, channels=2)(torch.full((1, 2, 4, 5), 3.0))
    assert enlarged.shape == (1, 2, 5 * factor, 6 * factor)
    inner = enlarged[..., factor : 4 * factor, factor : 5 * factor]
    assert torch.allclose(inner, torch.tensor(3.0))


def test_enlargement_is_not_trained() -> None:
    assert not any(parameter.requires_grad for parameter in enlargement(4).parameters())


def test_crop_starts_at_the_offset_and_has_the_size_of_the_reference() -> None:
    x = torch.arange(30.0).view(1, 1, 5, 6)
    assert crop(x, torch.zeros(1, 7, 2, 3), 2).tolist() == [[[[14, 15, 16], [20, 21, 22]]]]


def test_pooling_rounds_up() -> None:
    x = torch.arange(25.0).view(1, 1, 5, 5)
    assert max_pool(x, 2).tolist() == [[[[6, 8, 9], [16, 18, 19], [21, 23, 24]]]]
    assert max_pool(x, 3, padding=1).tolist() == [[[[6, 8, 9], [16, 18, 19], [21, 23, 24]]]]


def frozen(layer: nn.Module, **values: float) -> None:
    for name, value in values.items():
        layer.get_buffer(name).fill_(value)


def test_frozen_norms_follow_their_statistics_even_while_training() -> None:
    norm, scale, affine = FrozenBatchNorm(1), FrozenScale(1), FrozenAffineNorm(1)
    frozen(norm, running_mean=1, running_var=4)
    frozen(scale, gamma=3, beta=0.5)
    frozen(affine, running_mean=1, running_var=4, weight=3, bias=0.5)
    x = torch.tensor([5.0, 7.0]).view(2, 1, 1, 1)
    for layer in (norm, scale, affine):
        layer.train()
    expected = torch.tensor([6.5, 9.5])  # 3 * (5 - 1) / 2 + 0.5 and 3 * (7 - 1) / 2 + 0.5
    assert torch.allclose(scale.after(norm, x).ravel(), expected, atol=1e-4)
    assert torch.allclose(affine(x).ravel(), expected, atol=1e-4)
    assert norm.running_mean.item() == affine.running_mean.item() == 1
