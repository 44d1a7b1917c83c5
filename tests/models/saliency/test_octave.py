"""Convolutions over several resolutions, computed by hand."""

import torch

from models.saliency.octave import OctaveConvolution, ScaledConvolution


def test_every_pair_of_resolutions_has_its_part_of_the_weight() -> None:
    octave = OctaveConvolution((1, 1), (1, 1), 1, halve=False)
    octave.weight.data = torch.tensor([[1.0, 10.0], [100.0, 1000.0]])[..., None, None]
    fine = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, None]
    coarse = torch.tensor([[5.0]])[None, None]
    high, low = octave([fine, coarse])
    assert torch.equal(high, 1 * fine + 10 * 5)  # the coarse pixel enlarged to 2x2
    assert torch.equal(low, torch.tensor([[100 * 4.0 + 1000 * 5.0]])[None, None])  # the fine map's maximum is 4


def test_halving_averages_first() -> None:
    octave = OctaveConvolution((1,), (1,), 1, halve=True)
    octave.weight.data.fill_(2)
    (half,) = octave([torch.tensor([[1.0, 2.0], [3.0, 6.0]])[None, None]])
    assert torch.equal(half, torch.tensor([[6.0]])[None, None])


def test_scaled_convolution_weighs_a_hundredfold() -> None:
    convolution = ScaledConvolution(1, 1, 1, bias=False)
    convolution.weight.data.fill_(0.03)
    torch.testing.assert_close(convolution(torch.ones(1, 1, 1, 1)), torch.full((1, 1, 1, 1), 3.0))
