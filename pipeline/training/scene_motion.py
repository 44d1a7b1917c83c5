"""Coded flow of generated scenes, whose masks are exact, as samples for the motion network."""

from collections.abc import Sequence
from typing import Final, overload

import cv2
import numpy as np
from numpy.typing import NDArray

from models.flow.dis import DisFlow
from models.registry import FlowEstimator
from models.training.motion_scenes import DEFAULT_STYLE, SceneStyle, generate_scene
from models.training.samples import ImageMaskPairs, ImagePair, Sample, read_rgb
from pipeline.motion_input import FLOOR, motion_input
from pipeline.working_size import flow_size

_UNUSED: Final = np.random.default_rng(0)


class _CutOuts(Sequence[Sample]):
    """Labelled images, read when they are asked for."""

    def __init__(self, pairs: Sequence[ImagePair]) -> None:
        self._pairs = ImageMaskPairs(pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | Sequence[Sample]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self._pairs.draw(index, _UNUSED)


class _Backgrounds(Sequence[NDArray[np.uint8]]):
    """Images without regard to their masks, read when they are asked for."""

    def __init__(self, pairs: Sequence[ImagePair]) -> None:
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[NDArray[np.uint8]]: ...
    def __getitem__(self, index: int | slice) -> NDArray[np.uint8] | Sequence[NDArray[np.uint8]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return read_rgb(self._pairs[index].image)


class SceneSamples:
    """As many generated scenes as there are cut-outs to an epoch, never the same one twice."""

    def __init__(
        self,
        objects: Sequence[ImagePair],
        backgrounds: Sequence[ImagePair],
        size: tuple[int, int],
        style: SceneStyle = DEFAULT_STYLE,
    ) -> None:
        """Hold what scenes are made of; nothing is read yet.

        Args:
            objects: images and masks to cut objects from.
            backgrounds: images to put them on.
            size: (h, w) of the samples.
            style: of the scenes.
        """
        self._objects = _CutOuts(objects)
        self._backgrounds = _Backgrounds(backgrounds)
        self._size = size
        self._style = style
        self._estimator: FlowEstimator = DisFlow()

    def __len__(self) -> int:
        """Return the number of cut-outs."""
        return len(self._objects)

    def draw(self, index: int, rng: np.random.Generator) -> Sample:
        """Return the coded flow of a new scene with the mask of what moves in it; `index` plays no part.

        Raises:
            TrainingDataError: a file cannot be read.
        """
        del index
        scene = generate_scene(self._objects, self._backgrounds, flow_size(self._size), rng, self._style)
        floor = FLOOR * float(rng.uniform(0.5, 2.0))
        coded = motion_input(scene.first, scene.second, self._estimator, self._size, "homography", floor).coded
        mask = cv2.resize(scene.mask, self._size[::-1], interpolation=cv2.INTER_AREA)
        return Sample(coded, np.asarray(mask, np.float32))
