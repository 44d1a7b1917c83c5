"""Names of networks. A new one is one new file in `models/saliency` or `models/flow` that registers itself."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from models.errors import UnknownModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """What a network expects its input to be: `(rgb * scale - mean) / std`, channels in `order`.

    Attributes:
        mean: per channel, in `order`.
        std: per channel, in `order`.
        scale: what RGB in [0, 1] is multiplied by first (255 for networks of the Caffe age).
        order: the channels' order.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    scale: float = 1.0
    order: Literal["RGB", "BGR"] = "RGB"


IMAGENET: Final = Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""RGB, as torchvision's ImageNet networks want it."""

CAFFE: Final = Normalisation(mean=(104.00699, 116.66877, 122.67892), std=(1.0, 1.0, 1.0), scale=255.0, order="BGR")
"""BGR in [0, 255] less the ImageNet mean, as Caffe's networks want it."""

SIGNED: Final = Normalisation(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
"""RGB in [-1, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where the weights of a network come from.

    Attributes:
        file: name in the weights folder (`livesal models` says where that is).
        url: page or file to get the public checkpoint from; empty if it ships with livesal.
        licence: its licence, and its terms where they go further ("research only").
        sha256: of the file, where the project knows it.
        ships: whether the file is part of livesal.
    """

    file: str
    url: str = ""
    licence: str
    sha256: str | None = None
    ships: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SaliencyEntry:
    """A saliency network that can be asked for by name.

    Attributes:
        name: what users write.
        build: makes the untrained network, whose parameter names are those of its public checkpoint.
        select: from the network's output to its maps, the prediction first, each (N, 1, h, w).
        outputs: whether the selected maps are logits or probabilities.
        normalisation: what the input must be.
        size: (h, w) that the network was made for and always gets; None = it takes the working size.
        multiple: height and width that it gets are multiples of this, where it has no `size`.
        minimum: and no less than this.
        reduction: the saliency map is the first selected map, or the mean of them all (motion networks, Eq. (5)).
        task: colour saliency of an image, or motion saliency of coded flow.
        source: paper, repository and licence of the architecture.
        checkpoint: its weights.
        adaptable: whether its twin can be retrained.
        closer: name of the same kind of network, made for larger pictures: what its twins are taught by; None = itself.
    """

    name: str
    build: Callable[[], nn.Module]
    select: Callable[[Any], tuple[Tensor, ...]]
    outputs: Literal["logits", "probabilities"]
    normalisation: Normalisation
    size: tuple[int, int] | None = None
    multiple: int = 1
    minimum: int = 1
    reduction: Literal["first", "mean"] = "first"
    task: Literal["colour", "motion"] = "colour"
    source: str
    checkpoint: Checkpoint
    adaptable: bool = True
    closer: str | None = None

    def input_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the (h, w) at which images of the working size `size` enter the network."""
        if self.size is not None:
            return self.size
        height, width = (-(-max(side, self.minimum) // self.multiple) * self.multiple for side in size)
        return height, width


class FlowEstimator(Protocol):
    """Optical flow between two frames. It may keep buffers, so one estimator serves one thread."""

    def __call__(self, previous: NDArray[np.uint8], current: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (h, w, 2) float32 flow in pixels (x, y) from `previous` to `current`, both (h, w, 3) uint8 RGB."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowEntry:
    """A flow method that can be asked for by name.

    Attributes:
        name: what users write.
        build: makes an estimator; for networks it loads the weights of `checkpoint`.
        source: paper, repository and licence.
        checkpoint: its weights; None for methods without.
        network: makes the untrained network, for networks; its parameter names are those of `checkpoint`.
    """

    name: str
    build: Callable[[], FlowEstimator]
    source: str
    checkpoint: Checkpoint | None = None
    network: Callable[[], nn.Module] | None = None


Entry = TypeVar("Entry", SaliencyEntry, FlowEntry)

_saliency: dict[str, SaliencyEntry] = {}
_flow: dict[str, FlowEntry] = {}


def register_saliency(entry: SaliencyEntry) -> SaliencyEntry:
    """Make a saliency network known by its name, and return its entry.

    Raises:
        ValueError: the name is taken.
    """
    if _find(_saliency, entry.name) is not None:
        message = f"a saliency network named '{entry.name}' is registered already"
        raise ValueError(message)
    _saliency[entry.name] = entry
    return entry


def register_flow(entry: FlowEntry) -> FlowEntry:
    """Make a flow method known by its name, and return its entry.

    Raises:
        ValueError: the name is taken.
    """
    if _find(_flow, entry.name) is not None:
        message = f"a flow method named '{entry.name}' is registered already"
        raise ValueError(message)
    _flow[entry.name] = entry
    return entry


def saliency_names() -> tuple[str, ...]:
    """Return all registered saliency networks, sorted."""
    _discover()
    return tuple(sorted(_saliency))


def flow_names() -> tuple[str, ...]:
    """Return all registered flow methods, sorted."""
    _discover()
    return tuple(sorted(_flow))


def saliency_entry(name: str) -> SaliencyEntry:
    """Return the saliency network registered as `name`, in which `-` and `_` are the same.

    Raises:
        UnknownModelError: there is none; the message lists those that are.
    """
    _discover()
    entry = _find(_saliency, name)
    if entry is None:
        message = f"no saliency network is named '{name}'; there are: {', '.join(saliency_names())}"
        raise UnknownModelError(message)
    return entry


def flow_entry(name: str) -> FlowEntry:
    """Return the flow method registered as `name`, in which `-` and `_` are the same.

    Raises:
        UnknownModelError: there is none; the message lists those that are.
    """
    _discover()
    entry = _find(_flow, name)
    if entry is None:
        message = f"no flow method is named '{name}'; there are: {', '.join(flow_names())}"
        raise UnknownModelError(message)
    return entry


def _find(entries: Mapping[str, Entry], name: str) -> Entry | None:
    """Return the entry whose name differs from `name` in `-` and `_` at most."""
    return next((entry for known, entry in entries.items() if known.replace("_", "-") == name.replace("_", "-")), None)


@cache
def _discover() -> None:
    """Import every module of the two folders, so that each registers itself."""
    for folder in ("models.saliency", "models.flow"):
        package = importlib.import_module(folder)
        for module in pkgutil.iter_modules(package.__path__, f"{folder}."):
            importlib.import_module(module.name)
