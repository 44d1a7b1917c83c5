"""What Caffe's layers do that PyTorch's do not: pooling that rounds up, cropping, bilinear deconvolution, frozen BN.

Sizes and positions follow Caffe (Jia et al., 2014) and the cropping of its fully convolutional networks (Shelhamer et
al., TPAMI 2017; HED, ICCV 2015). A deconvolution there has no padding, so an enlarged map is larger than the image and
shifted; a crop takes the part that lies over the reference. Its offset follows from the layers' geometry alone,
whatever the image's size, with halves rounded up.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-5
"""What Caffe adds to a variance."""


class FrozenBatchNorm(nn.Module):
    """Caffe's `BatchNorm` with global statistics: no learnt scale, nothing follows the batch.

    A `FrozenScale` follows it, as in Caffe; `FrozenScale.after` computes both at once.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        """Make the layer with mean 0 and variance 1."""
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))


class FrozenScale(nn.Module):
    """Caffe's `Scale` with a learning rate of 0."""

    gamma: Tensor
    beta: Tensor

    def __init__(self, channels: int) -> None:
        """Make the identity."""
        super().__init__()
        self.register_buffer("gamma", torch.ones(channels))
        self.register_buffer("beta", torch.zeros(channels))

    def after(self, norm: FrozenBatchNorm, x: Tensor) -> Tensor:
        """Normalise x (N, channels, h, w) with `norm`, then scale it."""
        return functional.batch_norm(x, norm.running_mean, norm.running_var, self.gamma, self.beta, eps=EPSILON)


class FrozenAffineNorm(nn.Module):
    """The frozen `BN` of PSPNet's Caffe: statistics, slope and bias in one layer."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        """Make the identity."""
        super().__init__()
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, h, w) to the same shape."""
        return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=EPSILON)


def bilinear_kernel(size: int) -> Tensor:
    """Return the (size, size) kernel with which a deconvolution of stride size / 2 enlarges bilinearly; `size` is even.

    Its values fall linearly from the centre, (size - 1) / 2, to zero one step outside.
    """
    falls = 1 - (torch.arange(size) - (size - 1) / 2).abs() / (size / 2)
    return torch.outer(falls, falls)


def enlargement(factor: int, channels: int = 1, *, bias: bool = True) -> nn.ConvTranspose2d:
    """Return the bilinear deconvolution, each channel by itself, that Caffe's networks enlarge with and do not train.

    It maps (N, channels, h, w) to (N, channels, factor * (h + 1), factor * (w + 1)).
    """
    layer = nn.ConvTranspose2d(channels, channels, 2 * factor, factor, groups=channels, bias=bias)
    with torch.no_grad():
        layer.weight.copy_(bilinear_kernel(2 * factor))
        if layer.bias is not None:
            layer.bias.zero_()
    return layer.requires_grad_(requires_grad=False)


def crop(x: Tensor, reference: Tensor, offset: int) -> Tensor:
    """Return the part of x (N, C, H, W) that starts at `offset`, downward and rightward, with the reference's size."""
    height, width = reference.shape[-2:]
    return x[..., offset : offset + height, offset : offset + width]


def max_pool(x: Tensor, kernel: int, padding: int = 0) -> Tensor:
    """Halve x (N, C, h, w); sizes round up as in Caffe."""
    return functional.max_pool2d(x, kernel, 2, padding, ceil_mode=True)
