"""Frames and what is found in them, made without a network."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pipeline.analysed_frame import AnalysedFrame
from pipeline.values import Keyframe, SaliencyFrame
from stream.events import AdaptationEvent
from stream.frame import Frame

SIZE = (64, 96)
"""Height and width of small pictures and of their maps."""


def picture(number: int = 0, size: tuple[int, int] = SIZE, ground: tuple[int, int, int] = (40, 40, 60)) -> NDArray:
    """Return (h, w, 3) uint8 RGB: a bright disc that goes two pixels a frame to the right over dark, fixed texture."""
    rng = np.random.default_rng(5)
    image = np.clip(rng.integers(0, 40, (*size, 3)) + np.array(ground) - 20, 0, 255).astype(np.uint8)
    rows, columns = np.ogrid[: size[0], : size[1]]
    centre = 20 + 2 * number % (size[1] - 40)
    image[(rows - size[0] // 2) ** 2 + (columns - centre) ** 2 < 14**2] = (250, 240, 200)
    return image


def frame(number: int = 0, image: NDArray[np.uint8] | None = None) -> Frame:
    """Return frame `number` of a video of 25 frames a second."""
    return Frame(picture(number) if image is None else image, number, Fraction(1, 25), number, 100.0 + number / 25)


def saliency(
    value: float = 0.5, *, nr: float = 0.3, model_version: int = 0, scene_cut: bool = False, size: tuple = SIZE
) -> SaliencyFrame:
    """Return maps in which a block of rows 16 to 47 and columns 24 to 71 has `value`, motion and colour alike."""
    block = np.zeros(size, np.float32)
    block[16:48, 24:72] = value
    return SaliencyFrame(
        motion=block.copy(),
        colour=block.copy(),
        low_level=block * block,
        final=block.copy(),
        unadapted=block * 0.5,
        nr=nr,
        is_keyframe=nr < 0.6,
        model_version=model_version,
        scene_cut=scene_cut,
    )


def analysed(
    number: int = 0,
    maps: SaliencyFrame | None = None,
    events: tuple[AdaptationEvent, ...] = (),
    image: NDArray[np.uint8] | None = None,
) -> AnalysedFrame:
    """Return frame `number` with `maps`, as the analysis hands it on."""
    shown = frame(number, image)
    return AnalysedFrame(
        frame=shown,
        small=shown.image,
        saliency=saliency() if maps is None else maps,
        events=events,
        seconds={"colour": 0.004, "total": 0.01},
        finished_at=shown.arrived_at + 0.02,
    )


def keyframe(time: float, value: float = 0.9, nr: float = 0.3) -> Keyframe:
    """Return a keyframe at `time` seconds; its label is the block of `saliency`."""
    label = np.zeros(SIZE, np.float32)
    label[16:48, 24:72] = value
    return Keyframe(image=picture(round(time * 25)), label=label, nr=nr, media_time=time, sequence=round(time * 25))
