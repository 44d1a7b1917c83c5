"""The frame path: what is computed for every frame, in two halves that run side by side.

The colour half (network and twin) and the motion half (flow, coding, motion network) meet in `combine`. Each half is
called from one thread; neither ever waits for a retraining.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.method import MethodSettings
from models.engine import ServedNetwork
from models.registry import FlowEstimator
from models.slot import Slot
from pipeline.fusion import final_map, fuse
from pipeline.keyframes import non_overlapping_ratio
from pipeline.motion_contrast import conventional_motion_saliency
from pipeline.motion_input import motion_input
from pipeline.scene_cut import Appearance, appearance, is_scene_cut
from pipeline.temporal import Arrival, TemporalSmoothing
from pipeline.values import Map, SaliencyFrame
from pipeline.working_size import shrink

_CONTRAST_FLOOR = 0.5
"""Least contrast, in pixels of flow per pixel of distance, that the conventional motion saliency scales to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class ColourResult:
    """The colour half's part: original map, the twin's map if one serves, and that twin's version."""

    colour: Map
    twin: Map | None
    model_version: int


@dataclass(frozen=True, slots=True, eq=False)
class MotionResult:
    """The motion half's part.

    Attributes:
        motion: the map; zero where nothing is known of motion.
        arrival: the picture, and how it got here from the frame before.
        scene_cut: whether a new scene begins.
    """

    motion: Map
    arrival: Arrival
    scene_cut: bool


class ColourHalf:
    """Colour saliency of the original network and of its twin, on shared features."""

    def __init__(self, network: ServedNetwork, slot: Slot) -> None:
        """Hold the served network and the slot that the twin is swapped into."""
        self._network = network
        self._slot = slot

    def __call__(self, image: NDArray[np.uint8]) -> ColourResult:
        """Return the maps of one (h, w, 3) uint8 RGB image at the working size."""
        installed = self._slot.installed
        features = self._network.encode(image)
        colour = self._network.head(features)
        twin = installed.head(features) if installed.head is not None else None
        return ColourResult(colour, twin, installed.version)


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

    def __call__(self, image: NDArray[np.uint8]) -> MotionResult:
        """Return the motion map of one (H, W, 3) uint8 RGB image at the size that flow is estimated at.

        The first frame of a stream or scene has no motion: its map is zero.
        """
        previous, before, now = self._previous, self._appearance, appearance(image)
        self._previous, self._appearance = image, now
        cut = before is not None and is_scene_cut(before, now)
        if previous is None or previous.shape != image.shape or cut:
            nothing = Arrival(shrink(image, self._size), None)
            return MotionResult(np.zeros(self._size, np.float32), nothing, scene_cut=cut)
        settings = self._settings
        seen = motion_input(previous, image, self._flow, self._size, settings.camera_motion, settings.motion_coding)
        if self._network is None:
            motion = conventional_motion_saliency(seen.residual, _CONTRAST_FLOOR)
        else:
            motion = self._network.head(self._network.encode(seen.picture))
        return MotionResult(motion, seen.arrival, scene_cut=False)


def combine(
    colour: ColourResult, motion: MotionResult, settings: MethodSettings, smoothing: TemporalSmoothing | None = None
) -> SaliencyFrame:
    """Fuse the halves' results: LS (Eq. (6)), NR and the keyframe test (Eq. (7)), FS (Eq. (9)).

    LS and NR always come from the original network, whatever twin serves. Where nothing is known of motion, LS is what
    colour says, and the frame is no keyframe.

    Args:
        colour: the colour half's part.
        motion: the motion half's.
        settings: of the method.
        smoothing: of the final maps along the flow; None = none.
    """
    known = motion.arrival.flow is not None
    low_level = fuse(motion.motion, colour.colour, settings.fusion) if known else colour.colour
    unadapted = final_map(colour.colour, None, low_level, settings.final)
    final = unadapted if colour.twin is None else final_map(colour.colour, colour.twin, low_level, settings.final)
    if smoothing is not None:
        smoothed = smoothing(np.stack([final, unadapted], axis=2), motion.arrival)
        final, unadapted = (np.ascontiguousarray(smoothed[..., index]) for index in (0, 1))
    nr = non_overlapping_ratio(motion.motion, colour.colour) if known else 1.0
    return SaliencyFrame(
        motion=motion.motion,
        colour=colour.colour,
        low_level=low_level,
        final=final,
        unadapted=unadapted,
        nr=nr,
        is_keyframe=known and nr < settings.keyframe_threshold,
        model_version=colour.model_version if colour.twin is not None else 0,
        scene_cut=motion.scene_cut,
    )
