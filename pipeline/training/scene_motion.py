"""Generated scenes, whose masks are exact, with their estimated flow."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.flow.dis import DisFlow
from models.training.made_when_asked import MadeWhenAsked
from models.training.motion_scenes import DEFAULT_STYLE, SceneStyle, generate_scene
from models.training.samples import ImageMaskPairs, ImagePair, Sample, read_rgb
from pipeline.motion_input import motion_input
from pipeline.training.motion_views import MovingPicture
from pipeline.working_size import FLOW_SCALE, flow_size, shrink

_UNUSED: Final = np.random.default_rng(0)
_SEED: Final = 7


class _CutOuts(MadeWhenAsked[Sample]):
    """Labelled images, read when they are asked for."""

    def __init__(self, pairs: Sequence[ImagePair]) -> None:
        self._pairs = ImageMaskPairs(pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def make(self, index: int) -> Sample:
        return self._pairs.draw(index, _UNUSED)


class _Backgrounds(MadeWhenAsked[NDArray[np.uint8]]):
    """Images without regard to their masks, read when they are asked for."""

    def __init__(self, pairs: Sequence[ImagePair]) -> None:
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def make(self, index: int) -> NDArray[np.uint8]:
        return read_rgb(self._pairs[index].image)


class SceneMotion(MadeWhenAsked[MovingPicture]):
    """A fixed number of generated scenes; scene i is always the same one."""

    def __init__(
        self,
        objects: Sequence[ImagePair],
        backgrounds: Sequence[ImagePair],
        size: tuple[int, int],
        count: int = 2000,
        flow_scale: float = FLOW_SCALE,
        style: SceneStyle = DEFAULT_STYLE,
    ) -> None:
        """Hold what scenes are made of; nothing is read yet.

        Args:
            objects: images and masks to cut objects from.
            backgrounds: images to put them on.
            size: (h, w) of the scenes.
            count: how many scenes there are.
            flow_scale: flow is estimated at this multiple of the size.
            style: of the scenes.
        """
        self._objects = _CutOuts(objects)
        self._backgrounds = _Backgrounds(backgrounds)
        self._size = size
        self._count = count
        self._flow_size = flow_size(size, flow_scale)
        self._style = style
        self._estimator = DisFlow()

    def __len__(self) -> int:
        """Return the number of scenes."""
        return self._count

    def make(self, index: int) -> MovingPicture:
        """Return the scene's second frame with its flow, and the mask of what moves in it.

        Raises:
            TrainingDataError: a file cannot be read.
        """
        rng = np.random.default_rng((_SEED, index))
        scene = generate_scene(self._objects, self._backgrounds, self._flow_size, rng, self._style)
        flow = motion_input(scene.first, scene.second, self._estimator, self._size).residual
        mask = cv2.resize(scene.mask * 255, self._size[::-1], interpolation=cv2.INTER_AREA)
        return MovingPicture(
            flow.astype(np.float16), shrink(scene.second, self._size), np.asarray(mask.round(), np.uint8)
        )
