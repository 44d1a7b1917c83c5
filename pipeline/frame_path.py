"""The order of work on one frame, for one size of frames: shrink, the two halves, fusion.

The halves can run side by side, as in `pipeline/analysis.py`, or one after the other, as in an evaluation; what comes
before and after them is the same.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from configs.method import MethodSettings
from models.engine import ServedNetwork
from models.registry import FlowEstimator
from models.slot import Slot
from pipeline.appearance import Appearance
from pipeline.saliency_path import ColourHalf, ColourResult, MotionHalf, MotionResult, combine
from pipeline.selection import Selector
from pipeline.temporal import TemporalSmoothing
from pipeline.values import SaliencyFrame
from pipeline.working_size import flow_size, shrink, working_size


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes, each (height, width), that frames of one size are worked on at.

    Attributes:
        frame: as they come.
        working: of networks and maps.
        flow: that flow is estimated at.
    """

    frame: tuple[int, int]
    working: tuple[int, int]
    flow: tuple[int, int]

    @classmethod
    def of(cls, frame: tuple[int, int], settings: MethodSettings) -> Self:
        """Return the sizes for frames of `frame`."""
        working = settings.size or working_size(frame, settings.area)
        return cls(frame, working, flow_size(working, settings.flow_scale))

    def shrink(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return an (H, W, 3) uint8 image at the size of flow, and that one at the working size."""
        fine = shrink(image, self.flow)
        return fine, shrink(fine, self.working)


@dataclass(frozen=True, slots=True, eq=False)
class FramePath:
    """What every frame goes through.

    Attributes:
        sizes: that it works at.
        colour: takes the small image.
        motion: takes the fine one and its look; it remembers the frame before.
        settings: of the method.
        selector: what makes a keyframe besides NR; it remembers the keyframe before.
        smoothing: of the final maps along the flow; it remembers the frame before as well. None = none.
    """

    sizes: Sizes
    colour: ColourHalf
    motion: MotionHalf
    settings: MethodSettings
    selector: Selector
    smoothing: TemporalSmoothing | None

    @classmethod
    def of(
        cls,
        sizes: Sizes,
        colour: ServedNetwork,
        slot: Slot,
        motion: ServedNetwork | None,
        flow: FlowEstimator,
        settings: MethodSettings,
    ) -> Self:
        """Put a path together.

        Args:
            sizes: that it works at.
            colour: the colour network, served at the working size.
            slot: that twins are swapped into.
            motion: the motion network, or None for the conventional contrast (Eq. (4)).
            flow: the flow estimator, this path's own.
            settings: of the method.
        """
        return cls(
            sizes=sizes,
            colour=ColourHalf(colour, slot),
            motion=MotionHalf(motion, flow, sizes.working, settings),
            settings=settings,
            selector=Selector(settings.selection),
            smoothing=TemporalSmoothing(settings.smoothing) if settings.smoothing else None,
        )

    def __call__(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], SaliencyFrame, Appearance | None]:
        """Return the next frame at the working size, its saliency, and its look, one half after the other."""
        fine, small = self.sizes.shrink(image)
        motion = self.motion(fine, small)
        return small, self.combine(self.colour(small), motion), motion.look

    def combine(self, colour: ColourResult, motion: MotionResult) -> SaliencyFrame:
        """Return the frame's saliency from what the halves found, each frame once and in order."""
        return combine(colour, motion, self.settings, self.selector, self.smoothing)
