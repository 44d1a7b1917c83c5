"""Pseudo-labels by a closer look: LS (Eq. (6)) of larger pictures, by networks that are too slow for every frame.

Its contrast is raised like the final map's: a product of two sure maps is less sure than either.

A twin that learns from what it serves itself can only learn what motion adds; one that learns from a closer look learns
finer outlines as well. Source: Mullapudi et al., "Online Model Distillation for Efficient Video Inference", ICCV 2019,
whose teacher labels some frames of a stream for a student that sees them all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from configs.method import AdaptationSettings, MethodSettings
from models.engine import ServedNetwork, serve
from models.loading import closer_of, load_servable
from models.registry import flow_entry
from pipeline.camera_motion import CameraMotion
from pipeline.fusion import Fusion, decided, low_level
from pipeline.motion_contrast import CONTRAST_FLOOR, conventional_motion_saliency
from pipeline.motion_input import MotionCoding, MotionInput, motion_input, motion_picture
from pipeline.networks import CONTRAST
from pipeline.values import CloserLook, Map
from pipeline.working_size import Picture

_DEVICE: Final = "cpu:0"
"""Torch on the CPU: slower than ONNX Runtime, but in the retraining process it is there already and exports nothing."""


@dataclass(frozen=True, slots=True)
class TeacherPlan:
    """By what, and how, keyframes are labelled.

    Attributes:
        colour: the colour network, as users write it.
        motion: the motion network, or `contrast`.
        flow: the flow method.
        mirror: whether everything is looked at in the mirror too.
        coding: what the motion network is shown.
        camera_motion: how the camera's motion is removed.
        fusion: how LS comes about.
    """

    colour: str
    motion: str
    flow: str
    mirror: bool
    coding: MotionCoding
    camera_motion: CameraMotion
    fusion: Fusion

    @classmethod
    def of(cls, method: MethodSettings, adaptation: AdaptationSettings) -> Self | None:
        """Return the plan of these settings; None where labels are what was served.

        Raises:
            UnknownModelError: no network of that name.
        """
        colour = closer_of(method.colour)
        motion = CONTRAST if method.motion == CONTRAST else closer_of(method.motion)
        if adaptation.teacher.scale == 1 or colour is None or motion is None:
            return None
        return cls(
            colour=colour,
            motion=motion,
            flow=method.flow,
            mirror=adaptation.teacher.mirror,
            coding=method.motion_coding,
            camera_motion=method.camera_motion,
            fusion=method.fusion,
        )


class Teacher:
    """Labels keyframes of one size."""

    def __init__(self, plan: TeacherPlan, size: tuple[int, int]) -> None:
        """Load the networks for pictures of `size` = (H, W).

        Raises:
            ModelError: one cannot be loaded or served.
        """
        self._plan = plan
        self._size = size
        self._colour = serve(load_servable(plan.colour), size, _DEVICE)
        self._motion = None if plan.motion == CONTRAST else serve(load_servable(plan.motion), size, _DEVICE)
        self._flow = flow_entry(plan.flow).build()

    def __call__(self, look: CloserLook, size: tuple[int, int]) -> Map:
        """Return the label of a keyframe at `size` = (h, w)."""
        plan = self._plan
        seen = motion_input(look.before, look.now, self._flow, self._size, plan.camera_motion, plan.coding)
        label = decided(low_level(self._motion_of(seen), self._colour_of(look.now), plan.fusion))
        return np.asarray(cv2.resize(label, size[::-1], interpolation=cv2.INTER_AREA), np.float32)

    def _colour_of(self, image: NDArray[np.uint8]) -> Map:
        return self._both_ways(self._colour, image, lambda: _mirrored(image))

    def _motion_of(self, seen: MotionInput) -> Map:
        if self._motion is None:
            return conventional_motion_saliency(seen.residual, CONTRAST_FLOOR)

        def mirrored() -> NDArray[np.uint8]:
            residual = _mirrored(seen.residual) * np.array([-1, 1], np.float32)
            return motion_picture(residual, _mirrored(seen.arrival.image), self._plan.coding)

        return self._both_ways(self._motion, seen.picture, mirrored)

    def _both_ways(
        self, network: ServedNetwork, picture: NDArray[np.uint8], mirrored: Callable[[], NDArray[np.uint8]]
    ) -> Map:
        """Return a network's map; with `mirror`, the mean of it and of the mirror image's, mirrored back."""
        saliency = network.head(network.encode(picture))
        if not self._plan.mirror:
            return saliency
        other = network.head(network.encode(mirrored()))
        return np.asarray((saliency + other[:, ::-1]) / 2, np.float32)


def _mirrored(picture: Picture) -> Picture:
    """Return a picture or flow, (H, W, channels), left and right exchanged; the vectors of a flow stay as they are."""
    return cast("Picture", np.ascontiguousarray(picture[:, ::-1]))


@lru_cache(maxsize=2)
def teacher_for(plan: TeacherPlan, size: tuple[int, int]) -> Teacher:
    """Return the teacher of a plan for pictures of `size`, which outlives the round: loading takes a while.

    Raises:
        ModelError: a network cannot be loaded or served.
    """
    return Teacher(plan, size)
