"""The frame path: what is computed for every frame, in two halves that run side by side.

The colour half (network and twin) and the motion half (flow, coding, motion network) meet in `combine`. Each half is
called from one thread; neither ever waits for a retraining.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.method import MethodSettings
from models.engine import Features, ServedNetwork
from models.registry import FlowEstimator
from models.slot import Slot
from pipeline.appearance import Appearance, appearance
from pipeline.fusion import decided, final_map, low_level
from pipeline.keyframes import non_overlapping_ratio
from pipeline.motion_contrast import CONTRAST_FLOOR, conventional_motion_saliency
from pipeline.motion_input import motion_input
from pipeline.scene_cut import is_scene_cut
from pipeline.selection import Motion, Selector, objections
from pipeline.temporal import Arrival, TemporalSmoothing
from pipeline.values import Criteria, Map, SaliencyFrame
from pipeline.working_size import shrink


@dataclass(frozen=True, slots=True, eq=False)
class ColourResult:
    """The colour half's part: original map, the twin's map if one serves, and that twin's version."""

    colour: Map
    twin: Map | None
    model_version: int


@dataclass(frozen=True, slots=True, eq=False)
class OriginalColour:
    """What the original network makes of an image: the features that a twin shares, and the map."""

    features: Features
    colour: Map


@dataclass(frozen=True, slots=True, eq=False)
class MotionResult:
    """The motion half's part.

    Attributes:
        motion: the map; zero where nothing is known of motion.
        arrival: the picture, and how it got here from the frame before.
        scene_cut: whether a new scene begins.
        look: what the frame looks like from afar.
        support: share of the flow that the fit of the camera's motion is supported by, [0, 1]; None = nothing is known.
    """

    motion: Map
    arrival: Arrival
    scene_cut: bool
    look: Appearance | None = None
    support: float | None = None


class ColourHalf:
    """Colour saliency of the original network and of its twin, on shared features."""

    def __init__(self, network: ServedNetwork, slot: Slot) -> None:
        """Hold the served network and the slot that the twin is swapped into."""
        self._network = network
        self._slot = slot

    def __call__(self, image: NDArray[np.uint8]) -> ColourResult:
        """Return the maps of one (h, w, 3) uint8 RGB image at the working size."""
        return self.adapted(self.original(image))

    def original(self, image: NDArray[np.uint8]) -> OriginalColour:
        """Return the original network's part of it, which no swap changes: it may be computed ahead."""
        features = self._network.encode(image)
        return OriginalColour(features, self._network.head(features))

    def adapted(self, original: OriginalColour) -> ColourResult:
        """Add the map of the twin that is in service now."""
        installed = self._slot.installed
        twin = installed.head(original.features) if installed.head is not None else None
        return ColourResult(original.colour, twin, installed.version)


class MotionHalf:
    """Motion saliency against the frame before; it remembers that frame."""

    def __init__(
        self, network: ServedNetwork | None, flow: FlowEstimator, size: tuple[int, int], settings: MethodSettings
    ) -> None:
        """Hold what the half needs.

        Args:
            network: the motion network, or None for the conventional contrast (Eq. (4)).
            flow: the flow estimator; this half is its only user.
            size: (h, w) of the maps.
            settings: of the method.
        """
        self._network = network
        self._flow = flow
        self._size = size
        self._settings = settings
        self._previous: NDArray[np.uint8] | None = None
        self._appearance: Appearance | None = None

    def __call__(
        self, image: NDArray[np.uint8], small: NDArray[np.uint8] | None = None, look: Appearance | None = None
    ) -> MotionResult:
        """Return the motion map of one (H, W, 3) uint8 RGB image at the size that flow is estimated at.

        The first frame of a stream or scene has no motion: its map is zero. `small` is the image at the maps' size,
        `look` its look from afar, where the caller has them already.
        """
        previous, before, now = self._previous, self._appearance, look or appearance(image)
        self._previous, self._appearance = image, now
        cut = before is not None and is_scene_cut(before, now)
        if previous is None or previous.shape != image.shape or cut:
            nothing = Arrival(shrink(image, self._size) if small is None else small, None)
            return MotionResult(np.zeros(self._size, np.float32), nothing, scene_cut=cut, look=now)
        settings = self._settings
        seen = motion_input(
            previous, image, self._flow, self._size, settings.camera_motion, settings.motion_coding, small
        )
        if self._network is None:
            motion = conventional_motion_saliency(seen.residual, CONTRAST_FLOOR)
        else:
            motion = self._network.head(self._network.encode(seen.picture))
        return MotionResult(motion, seen.arrival, scene_cut=False, look=now, support=seen.support)


def combine(
    colour: ColourResult,
    motion: MotionResult,
    settings: MethodSettings,
    selector: Selector | None = None,
    smoothing: TemporalSmoothing | None = None,
) -> SaliencyFrame:
    """Fuse the halves' results: LS (Eq. (6)), NR and the keyframe test (Eq. (7)), FS (Eq. (9), or a mean).

    LS and NR always come from the original network, whatever twin serves. Where nothing is known of motion, LS is what
    colour says, and the frame is no keyframe.

    Args:
        colour: the colour half's part.
        motion: the motion half's.
        settings: of the method.
        selector: looks at what else makes a keyframe; None = NR decides alone.
        smoothing: of the final maps along the flow; None = none.
    """
    flow, support = motion.arrival.flow, motion.support
    known = flow is not None
    moving = motion.motion if known else None
    label = low_level(moving, colour.colour, settings.fusion)
    nr = non_overlapping_ratio(motion.motion, colour.colour) if known else 1.0
    unadapted = final_map(moving, colour.colour, None, nr, settings.final, settings.fusion)
    final = unadapted
    if colour.twin is not None:
        final = final_map(moving, colour.colour, colour.twin, nr, settings.final, settings.fusion)
    if smoothing is not None:
        final, unadapted = smoothing((final, unadapted), motion.arrival)
    if settings.final == "mean":
        final, unadapted = decided(final), decided(unadapted)
    seen = None if flow is None or support is None else Motion(flow, support)
    criteria = selector.look(label, seen) if selector is not None else Criteria()
    trusted = known and nr < settings.keyframe_threshold and not objections(criteria, settings.selection)
    return SaliencyFrame(
        motion=motion.motion,
        colour=colour.colour,
        low_level=label,
        final=final,
        unadapted=unadapted,
        nr=nr,
        is_keyframe=trusted,
        model_version=colour.model_version if colour.twin is not None else 0,
        scene_cut=motion.scene_cut,
        criteria=criteria,
        benefit=benefit(colour.colour, colour.twin, label) if trusted and colour.twin is not None else None,
    )


def benefit(original: Map, twin: Map, label: Map) -> float:
    """Return how much nearer to `label` the twin is than the original, [-1, 1]: 0 = alike, 1 = the twin has no error.

    It is the difference of the two squared errors over their sum, so that hard frames count no more than easy ones.
    """
    before, after = (float(np.square(estimate - label).sum(dtype=np.float64)) for estimate in (original, twin))
    return (before - after) / (before + after) if before + after > 0 else 0.0
