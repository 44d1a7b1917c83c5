"""Textures of the generated scene: smooth noise in several octaves, and things that stand out from it."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Colour = tuple[float, float, float]

PALETTES: Final[tuple[tuple[Colour, Colour, Colour], ...]] = (
    ((62, 84, 48), (104, 122, 72), (146, 140, 96)),  # meadow
    ((92, 92, 96), (128, 126, 122), (160, 154, 142)),  # asphalt and stone
    ((120, 98, 70), (158, 132, 94), (192, 170, 126)),  # sand
    ((54, 78, 92), (86, 112, 122), (130, 148, 146)),  # water and haze
    ((70, 60, 52), (108, 92, 74), (134, 128, 108)),  # forest floor
)
"""Muted backgrounds, RGB."""

VIVID: Final[tuple[Colour, ...]] = (
    (214, 48, 44),
    (240, 176, 32),
    (44, 104, 214),
    (232, 96, 168),
    (246, 240, 228),
    (150, 60, 190),
    (40, 180, 190),
)
"""What objects are made of, RGB."""

SIDE: Final = 192
"""Height and width of a sprite in pixels."""


def noise(height: int, width: int, octaves: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Return (height, width) float32 noise in [0, 1]; each octave halves wavelength and weight."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cells = 3 * 2**octave
        grid = random.random((cells + 1, max(2, round(cells * width / height) + 1)), np.float32)
        total += 0.5**octave * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    low, high = float(total.min()), float(total.max())
    return (total - low) / (high - low)


def background(height: int, width: int, random: np.random.Generator) -> Image:
    """Return a (height, width, 3) uint8 RGB landscape of muted noise with a few blotches that never move."""
    colours = np.array(PALETTES[random.integers(len(PALETTES))], np.float32)
    place = noise(height, width, 6, random)
    stops = np.linspace(0, 1, len(colours))
    picture = np.stack([np.interp(place, stops, colours[:, channel]) for channel in range(3)], axis=2)
    picture += 46 * (noise(height, width, 8, random)[..., None] - 0.5)
    for _ in range(5):
        patch = np.zeros((height, width), np.float32)
        centre = (int(random.integers(width)), int(random.integers(height)))
        axes = (int(random.uniform(0.03, 0.09) * height), int(random.uniform(0.02, 0.06) * height))
        cv2.ellipse(patch, centre, axes, float(random.uniform(0, 180)), 0, 360, 1.0, -1)
        picture += cv2.GaussianBlur(patch, (0, 0), 2.5)[..., None] * random.uniform(-42, 42, 3)
    return np.clip(picture, 0, 255).astype(np.uint8)


def sprite(shape: str, random: np.random.Generator) -> tuple[Image, NDArray[np.float32]]:
    """Return an object: (SIDE, SIDE, 3) uint8 RGB and its (SIDE, SIDE) float32 opacity in [0, 1]."""
    opacity = np.zeros((SIDE, SIDE), np.float32)
    SHAPES[shape](opacity)
    first, second = random.choice(len(VIVID), 2, replace=False)
    grain = noise(SIDE, SIDE, 5, random)[..., None]
    weave = (
        _stripes(random) if shape in ("person", "fish") else (noise(SIDE, SIDE, 2, random) > 0.55).astype(np.float32)
    )
    colour = (
        np.array(VIVID[first], np.float32) * (1 - weave[..., None])
        + np.array(VIVID[second], np.float32) * weave[..., None]
    )
    depth = cv2.distanceTransform((opacity > 0.5).astype(np.uint8), cv2.DIST_L2, 3)[..., None]
    shade = 0.55 + 0.45 * np.clip(depth / (0.12 * SIDE), 0, 1)
    picture = np.clip(colour * shade + 50 * (grain - 0.5), 0, 255).astype(np.uint8)
    return picture, np.asarray(cv2.GaussianBlur(opacity, (0, 0), 1.0), np.float32)


def _stripes(random: np.random.Generator) -> NDArray[np.float32]:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    angle = random.uniform(0, np.pi)
    wave = np.sin((rows * np.sin(angle) + columns * np.cos(angle)) * 2 * np.pi / random.uniform(18, 30))
    return np.asarray(wave > 0, np.float32)


def _ball(opacity: NDArray[np.float32]) -> None:
    cv2.circle(opacity, (96, 96), 78, 1.0, -1, cv2.LINE_AA)


def _person(opacity: NDArray[np.float32]) -> None:
    cv2.circle(opacity, (96, 34), 22, 1.0, -1, cv2.LINE_AA)
    cv2.ellipse(opacity, (96, 98), (34, 50), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    for foot in (70, 122):
        cv2.line(opacity, (96, 130), (foot, 180), 1.0, 20, cv2.LINE_AA)


def _car(opacity: NDArray[np.float32]) -> None:
    body = [(8, 120), (14, 88), (52, 82), (74, 52), (130, 52), (150, 82), (182, 92), (186, 124)]
    cv2.fillPoly(opacity, [np.array(body, np.int32)], 1.0, cv2.LINE_AA)
    for wheel in (50, 144):
        cv2.circle(opacity, (wheel, 124), 20, 1.0, -1, cv2.LINE_AA)


def _fish(opacity: NDArray[np.float32]) -> None:
    cv2.ellipse(opacity, (108, 96), (72, 40), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    cv2.fillPoly(opacity, [np.array([(50, 96), (8, 54), (8, 138)], np.int32)], 1.0, cv2.LINE_AA)


SHAPES: Final[dict[str, Callable[[NDArray[np.float32]], None]]] = {
    "person": _person,
    "ball": _ball,
    "car": _car,
    "fish": _fish,
}
"""Drawings of each kind of object into an empty opacity."""
