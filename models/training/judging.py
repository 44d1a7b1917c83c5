"""How a network stands on keyframes that it has not learned from: against their labels, its flips, the original."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from models.saliency_model import SaliencyModel
from models.training.twin import KeyframeTensors, euclidean_loss, rgb

_SURE: Final = 0.1
"""Saliency up to which the original is sure that nothing is salient, in the frame and in its mirror image."""


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """A network's maps of keyframes, and those of their mirror images, mirrored back; each (h, w) in [0, 1]."""

    maps: Sequence[Tensor]
    mirrored: Sequence[Tensor]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a network stands.

    Attributes:
        error: Eq. (8) per pixel against the labels.
        flips: the same between the network's maps and those of the mirrored frames.
        invented: its mean saliency where the original is sure of none; 0 where it is sure of nothing.
    """

    error: float
    flips: float
    invented: float


def views(model: SaliencyModel, keyframes: KeyframeTensors) -> Views:
    """Return what `model` makes of the keyframes and of their mirror images."""
    with torch.no_grad():
        images = [rgb(keyframes.images[index : index + 1]) for index in range(len(keyframes))]
        maps = [model(image)[0, 0] for image in images]
        return Views(maps, [model(image.flip(3))[0, 0].flip(1) for image in images])


def sure_background(original: Views) -> Sequence[Tensor]:
    """Return where the original network is sure of nothing salient, (h, w) bool a keyframe."""
    pairs = zip(original.maps, original.mirrored, strict=True)
    return [(one <= _SURE) & (other <= _SURE) for one, other in pairs]


def standing(seen: Views, labels: Tensor, background: Sequence[Tensor]) -> Standing:
    """Return how the network of `seen` stands against (N, h, w) labels and the original's sure background."""
    errors = [_error(one, label) for one, label in zip(seen.maps, labels, strict=True)]
    flips = [_error(one, other) for one, other in zip(seen.maps, seen.mirrored, strict=True)]
    return Standing(_mean(errors), _mean(flips), inside(seen.maps, background))


def inside(maps: Sequence[Tensor] | Tensor, regions: Sequence[Tensor]) -> float:
    """Return the mean of (h, w) maps over their regions, taken together; 0 where the regions are empty."""
    found = torch.cat([one[region] for one, region in zip(maps, regions, strict=True)])
    return float(found.mean()) if found.numel() else 0.0


def _error(first: Tensor, second: Tensor) -> float:
    return float(euclidean_loss(first[None], second[None])) / first.numel()


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
