"""Made motion with exact ground truth: cut-outs of labelled images over a moving background, seen twice.

Every layer is flat and moves by a homography, so that the flow is known exactly and so is what moves: the world stands
still under a camera that pans, zooms, rolls and tilts; nearer scenery shows parallax; still objects move with the
world; moving objects move against it, as a whole or bent at a joint, some with the camera following them. An object of
which only a part moves belongs to the mask as a whole, as in DAVIS.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import TrainingDataError
from models.training.augmentation import resize
from models.training.cut_outs import bend, cover, cut_out, reduced, scenery
from models.training.homographies import IDENTITY, Homography, motion, scaling, translation
from models.training.samples import Sample
from models.training.scene_layers import Layer, finish, render, truth

T = TypeVar("T")

_REFERENCE_WIDTH: Final = 288
"""Frame width that speeds are given for."""


@dataclass(frozen=True, slots=True, eq=False)
class MotionScene:
    """Two frames of a made scene and what is true of them.

    Attributes:
        first: (h, w, 3) uint8 RGB.
        second: (h, w, 3) uint8 RGB, a frame later.
        mask: (h, w) float32 in [0, 1] of what moves against the world, on the second frame.
        flow: (h, w, 2) float32 exact flow in pixels from `second` back to `first`, on the pixels of the second frame:
            what an estimator that is called with (second, first) ought to return.
    """

    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    mask: NDArray[np.float32]
    flow: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneStyle:
    """What scenes are drawn from. Speeds are pixels a frame at a width of 288; they scale with the width.

    Attributes:
        moving: weights of 0, 1, 2, … moving objects.
        still: weights of 0, 1, 2, … still objects.
        speed: least and largest speed of an object against the world, drawn log-uniformly.
        camera_speed: likewise of the camera's pan.
        tripod: probability that the camera hardly moves.
        followed: probability that an object's motion cancels most of the camera's.
        articulated: probability that an object bends at a joint; in half of these the rest of it stands still.
        scenery: probability of nearer scenery.
        parallax: largest share of the camera's pan that nearer things move on top.
        turn: standard deviation of an object's rotation in degrees; the camera's is a quarter.
        zoom: standard deviation of an object's growth; the camera's is a quarter.
        tilt: standard deviation of the perspective change across the frame's width; the camera's is a quarter.
        area: least and largest share of the frame that an object covers, drawn log-uniformly.
        exposure: largest share of the frame's time that the shutter is open; half of the scenes have no motion blur.
        noise: largest standard deviation of the sensor's noise, in grey levels.
        flicker: largest change of brightness between the frames, as a share.
    """

    moving: tuple[float, ...] = (0.03, 0.62, 0.25, 0.10)
    still: tuple[float, ...] = (0.5, 0.3, 0.2)
    speed: tuple[float, float] = (0.5, 20.0)
    camera_speed: tuple[float, float] = (0.3, 16.0)
    tripod: float = 0.25
    followed: float = 0.2
    articulated: float = 0.3
    scenery: float = 0.3
    parallax: float = 0.25
    turn: float = 2.5
    zoom: float = 0.025
    tilt: float = 0.02
    area: tuple[float, float] = (0.01, 0.3)
    exposure: float = 0.6
    noise: float = 8.0
    flicker: float = 0.03


DEFAULT_STYLE: Final = SceneStyle()
"""Scenes for training: about what hand-held and followed video shows."""


@dataclass(frozen=True, slots=True)
class _Camera:
    """The world's motion on the picture: `homography` from first to second frame, `shift` (x, y) its pan in pixels."""

    homography: Homography
    shift: tuple[float, float]


def generate_scene(
    cut_outs: Sequence[Sample],
    backgrounds: Sequence[NDArray[np.uint8]],
    size: tuple[int, int],
    rng: np.random.Generator,
    style: SceneStyle = DEFAULT_STYLE,
) -> MotionScene:
    """Make a scene.

    Args:
        cut_outs: images with the masks of objects to cut out; any sizes. They are asked for by index, so that they may
            be read from disk then.
        backgrounds: (H, W, 3) uint8 RGB images, likewise.
        size: (h, w) of the frames in pixels.
        rng: everything random comes from it.
        style: what is drawn from.

    Raises:
        TrainingDataError: there are no cut-outs, no backgrounds, or none of some tried masks holds an object.
    """
    if not len(cut_outs) or not len(backgrounds):
        message = f"a scene needs cut-outs and backgrounds, not {len(cut_outs)} and {len(backgrounds)}"
        raise TrainingDataError(message)
    camera = _camera(size, style, rng)
    layers = [_world(_choose(backgrounds, rng), camera, size, rng)]
    if rng.random() < style.scenery:
        near = _parallax(camera, style, rng)
        layers.append(replace(_world(_choose(backgrounds, rng), camera, size, rng, patchy=True), motion=near))
    counts = [
        int(rng.choice(len(weights), p=np.array(weights) / sum(weights))) for weights in (style.moving, style.still)
    ]
    for moves in rng.permutation([True] * counts[0] + [False] * counts[1]):
        thing = _placed(cut_outs, size, style, rng)
        layers += _moving(thing, camera, style, size, rng) if moves else [_still(thing, camera, style, rng)]
    exposure = float(rng.uniform(0, style.exposure)) if rng.random() < 0.5 else 0.0
    first = render(layers, size, exposure, second=False)
    second = render(layers, size, exposure, second=True)
    mask, flow = truth(layers, size)
    noise = float(rng.uniform(0, style.noise))
    gain = 1 + float(rng.uniform(-style.flicker, style.flicker))
    return MotionScene(finish(first, noise, 1.0, rng), finish(second, noise, gain, rng), mask, flow)


def _camera(size: tuple[int, int], style: SceneStyle, rng: np.random.Generator) -> _Camera:
    calm = 0.1 if rng.random() < style.tripod else 1.0
    shift = _velocity(style.camera_speed, size, rng)
    shift = (calm * shift[0], calm * shift[1])
    centre = (size[1] * float(rng.uniform(0.3, 0.7)), size[0] * float(rng.uniform(0.3, 0.7)))
    return _Camera(_motion(centre, shift, 0.25 * calm, style, size, rng), shift)


def _world(
    image: NDArray[np.uint8], camera: _Camera, size: tuple[int, int], rng: np.random.Generator, *, patchy: bool = False
) -> Layer:
    """Lay an image out so that it covers the frame, mirrored beyond its edges; `patchy` keeps random parts of it."""
    scale = max(size[0] / image.shape[0], size[1] / image.shape[1]) * float(rng.uniform(1.0, 1.7))
    height, width = reduced(image.shape, scale)
    small = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    spare = (image.shape[1] * scale - size[1], image.shape[0] * scale - size[0])
    corner = translation(-spare[0] * float(rng.random()), -spare[1] * float(rng.random()))
    placement = corner @ scaling(scale * image.shape[1] / width, scale * image.shape[0] / height)
    pixels = scenery(small, rng) if patchy else small
    return Layer(pixels, placement, camera.homography, moves=False, endless=True)


def _placed(cut_outs: Sequence[Sample], size: tuple[int, int], style: SceneStyle, rng: np.random.Generator) -> Layer:
    """Cut an object out and put it somewhere into the first frame, its size and pose random."""
    thing = next((found for _ in range(20) if (found := cut_out(_choose(cut_outs, rng))) is not None), None)
    if thing is None:
        message = "20 masks drawn at random held no object between 0.5 % and 80 % of their image; check the masks"
        raise TrainingDataError(message)
    height, width = thing.mask.shape
    share = float(np.exp(rng.uniform(*np.log(style.area))))
    scale = float(np.sqrt(share * size[0] * size[1] / np.count_nonzero(thing.mask > 0.5)))
    small = resize(thing, reduced((height, width), scale))
    rows, columns = small.mask.shape
    stretch = float(rng.uniform(0.87, 1.15)) * (-1 if rng.random() < 0.5 else 1)
    pose = motion((0.0, 0.0), rotation=float(rng.normal(0, 0.15)))
    pose = (
        pose @ scaling(stretch * scale * width / columns, scale * height / rows) @ translation(-columns / 2, -rows / 2)
    )
    spot = translation(size[1] * float(rng.uniform(0.08, 0.92)), size[0] * float(rng.uniform(0.1, 0.9)))
    return Layer(cover(small.image, small.mask), spot @ pose, IDENTITY, moves=False)


def _still(thing: Layer, camera: _Camera, style: SceneStyle, rng: np.random.Generator) -> Layer:
    return replace(thing, motion=_parallax(camera, style, rng) if rng.random() < 0.5 else camera.homography)


def _parallax(camera: _Camera, style: SceneStyle, rng: np.random.Generator) -> Homography:
    nearness = float(rng.uniform(-style.parallax, style.parallax))
    return camera.homography @ translation(nearness * camera.shift[0], nearness * camera.shift[1])


def _moving(
    thing: Layer, camera: _Camera, style: SceneStyle, size: tuple[int, int], rng: np.random.Generator
) -> list[Layer]:
    """Return an object that moves against the world: one layer, or a body and a part that turns at a joint."""
    centre = thing.centre()
    shift = _velocity(style.speed, size, rng)
    least = style.speed[0] * size[1] / _REFERENCE_WIDTH
    if rng.random() < style.followed and np.hypot(*camera.shift) > 2 * least:
        share = float(rng.uniform(0.7, 1.1))
        shift = (-share * camera.shift[0], -share * camera.shift[1])
    whole = _motion(centre, shift, 1.0, style, size, rng)
    if rng.random() >= style.articulated:
        return [replace(thing, motion=camera.homography @ whole, moves=True)]
    body, part, joint, reach = bend(thing.pixels, thing.placement, rng)
    if rng.random() < 0.5:
        whole = IDENTITY
    swing = float(np.clip(np.hypot(*_velocity(style.speed, size, rng)) / max(reach, 4.0), 0.02, 0.5))
    turn = motion(joint, rotation=swing if rng.random() < 0.5 else -swing)
    return [
        replace(thing, pixels=body, motion=camera.homography @ whole, moves=True),
        replace(thing, pixels=part, motion=camera.homography @ whole @ turn, moves=True),
    ]


def _motion(
    centre: tuple[float, float],
    shift: tuple[float, float],
    strength: float,
    style: SceneStyle,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> Homography:
    """Return `shift` with a random turn, growth and tilt of the style's spread times `strength`."""
    turn, growth, along, across = strength * rng.normal(0, 1, 4)
    zoom = float(np.exp(style.zoom * growth))
    tilt = (style.tilt * along / size[1], style.tilt * across / size[1])
    return motion(centre, shift, float(np.radians(style.turn * turn)), zoom, tilt)


def _velocity(speed: tuple[float, float], size: tuple[int, int], rng: np.random.Generator) -> tuple[float, float]:
    """Return a random (x, y) in pixels a frame; upright motion is rarer than level motion."""
    least, largest = speed
    pixels = float(np.exp(rng.uniform(np.log(least), np.log(largest)))) * size[1] / _REFERENCE_WIDTH if least else 0.0
    x, y = np.array([1.0, 0.6]) * rng.normal(0, 1, 2)
    length = max(float(np.hypot(x, y)), 1e-9)
    return pixels * float(x) / length, pixels * float(y) / length


def _choose(items: Sequence[T], rng: np.random.Generator) -> T:
    return items[int(rng.integers(len(items)))]
