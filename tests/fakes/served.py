"""Networks that need no weights: what is bright is salient, what moves is salient, and a twin is told how to differ."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from configs.method import MethodSettings
from models.engine import Head
from models.errors import ExportError
from models.registry import FlowEstimator, flow_entry
from tests.fakes.frames import SIZE


@dataclass
class BrightIsSalient:
    """A served network: saliency is the mean channel; a twin's is `state["power"]` of it.

    Attributes:
        size: that it serves.
        refuses: whether no twin can be served.
        adaptable: whether a twin can be retrained at all.
    """

    size: tuple[int, int] = SIZE
    refuses: bool = False
    adaptable: bool = True

    def encode(self, image: NDArray[np.uint8]) -> Any:
        assert image.shape[:2] == self.size
        return image

    def head(self, features: Any) -> NDArray[np.float32]:
        return (features.mean(2) / 255).astype(np.float32)

    def twin_head(self, state: Mapping[str, Tensor]) -> Head:
        if self.refuses:
            message = "the twin differs from torch"
            raise ExportError(message)
        power = float(state["power"])
        return lambda features: (self.head(features) ** power).astype(np.float32)


@dataclass
class ColourfulIsSalient(BrightIsSalient):
    """A motion network on coded flow: saliency is how saturated the colour is."""

    def head(self, features: Any) -> NDArray[np.float32]:
        return ((features.max(2) - features.min(2)) / 255).astype(np.float32)


@dataclass
class FakeNetworks:
    """The networks of a service, without weights."""

    settings: MethodSettings = field(
        default_factory=lambda: MethodSettings(size=SIZE, flow_scale=1.0, motion_coding="coded-flow")
    )
    built: list[tuple[int, int]] = field(default_factory=list)
    refuses: bool = False

    async def load(self) -> None:
        """Load nothing."""

    async def prepare(self, size: tuple[int, int]) -> None:
        """Prepare nothing."""

    async def colour(self, size: tuple[int, int]) -> BrightIsSalient:
        self.built.append(size)
        return BrightIsSalient(size, self.refuses)

    async def motion(self, size: tuple[int, int]) -> ColourfulIsSalient:
        return ColourfulIsSalient(size)

    def flow(self) -> FlowEstimator:
        return flow_entry("dis").build()
