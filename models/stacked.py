"""Decoders of one architecture with weights of their own, run as one network on a batch: item i by decoder i.

Three ways, which `livesal bench batch` compares. `matmul` gives every convolution a weight per item: a 1x1 is a batched
matrix product, any other a grouped convolution. `vmap` lets torch do it, which makes a grouped convolution of each.
`loop` runs the decoders one after the other, which inside a CUDA graph costs no launches.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Final, Literal, get_args

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

from models.errors import ExportError

Stacking = Literal["matmul", "vmap", "loop"]
"""How stacked decoders are run."""

STACKINGS: Final[tuple[Stacking, ...]] = get_args(Stacking)


class StackedDecoder:
    """`count` decoders that begin alike.

    Attributes:
        weights: by the decoder's parameter names, a first dimension of `count` added; written in place.
    """

    def __init__(self, decoder: nn.Module, count: int, stacking: Stacking = "matmul") -> None:
        """Stack `count` copies of `decoder`.

        Raises:
            ExportError: by `matmul`, and a weight is not a convolution's.
        """
        self._decoder = decoder
        self._stacking = stacking
        self._joint: nn.Module | None = None
        if stacking == "matmul":
            self._joint = _with_item_convolutions(decoder, count)
            self.weights: Mapping[str, Tensor] = dict(self._joint.named_parameters())
        else:
            parameters, buffers = stack_module_state([decoder] * count)
            self.weights = {name: value.detach() for name, value in {**parameters, **buffers}.items()}

    def __call__(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map features of (count, C_i, h_i, w_i) to the decoders' maps, (count, 1, h_i, w_i)."""
        if self._joint is not None:
            return tuple(self._joint([feature.contiguous() for feature in features]))
        if self._stacking == "vmap":
            sides = vmap(self._one)(self.weights, [feature.unsqueeze(1) for feature in features])
            return tuple(side.squeeze(1) for side in sides)
        each = [
            self._one(
                {name: weight[item] for name, weight in self.weights.items()}, [f[item : item + 1] for f in features]
            )
            for item in range(len(features[0]))
        ]
        return tuple(torch.cat(sides) for sides in zip(*each, strict=True))

    def _one(self, weights: Mapping[str, Tensor], features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the maps of one decoder: (1, 1, h_i, w_i) each."""
        return tuple(functional_call(self._decoder, dict(weights), (features,)))


class ItemConvolution(nn.Module):
    """A convolution that has weights of its own for every item of the batch."""

    def __init__(self, plain: nn.Conv2d, count: int) -> None:
        """Repeat the weights of `plain`, whose strides, padding and groups are kept."""
        super().__init__()
        self.weight = _repeated(plain.weight, count)
        self.bias = None if plain.bias is None else _repeated(plain.bias, count)
        self._stride, self._padding, self._dilation = plain.stride, plain.padding, plain.dilation
        self._groups = plain.groups
        self._pointwise = (
            plain.kernel_size == (1, 1) and plain.stride == (1, 1) and plain.padding == (0, 0) and plain.groups == 1
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (count, C, h, w) to (count, outputs, h', w')."""
        count, channels, height, width = x.shape
        if self._pointwise:
            kernels, columns = self.weight.flatten(2), x.flatten(2)  # (count, outputs, C), (count, C, h w)
            mixed = kernels @ columns if self.bias is None else torch.baddbmm(self.bias[..., None], kernels, columns)
            return mixed.view(count, -1, height, width)
        joined = functional.conv2d(
            x.reshape(1, count * channels, height, width),
            self.weight.flatten(0, 1),
            None if self.bias is None else self.bias.flatten(),
            self._stride,
            self._padding,
            self._dilation,
            count * self._groups,
        )
        return joined.view(count, -1, *joined.shape[2:])


def _with_item_convolutions(decoder: nn.Module, count: int) -> nn.Module:
    """Return a copy of `decoder` whose convolutions have weights for each of `count` items."""
    joint = deepcopy(decoder)
    for name, module in list(joint.named_modules()):
        if isinstance(module, nn.Conv2d):
            joint.set_submodule(name, ItemConvolution(module, count))
        elif next(module.parameters(recurse=False), None) is not None or module._buffers:  # noqa: SLF001
            message = f"'{name}' has weights and is no convolution: stack these decoders by vmap"
            raise ExportError(message)
    return joint


def _repeated(weight: Tensor, count: int) -> nn.Parameter:
    return nn.Parameter(weight.detach().expand(count, *weight.shape).clone(), requires_grad=False)
