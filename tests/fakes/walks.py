"""A generated data set: a textured object that crosses a textured scene, with its masks."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.fakes.pictures import write_picture
from tests.fakes.textures import texture

SIZE = (96, 128)


def walk(frames: int, seed: int = 0) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Return `frames` pictures (96, 128, 3) uint8 RGB, each with its mask, (96, 128) of 0 and 255."""
    rng = np.random.default_rng(seed)
    scene = texture(SIZE, rng) // 3
    thing = np.clip(texture(SIZE, rng).astype(np.int32) // 3 + (150, 60, 20), 0, 255).astype(np.uint8)
    pictures = []
    for index in range(frames):
        mask = np.zeros(SIZE, np.uint8)
        cv2.circle(mask, (30 + 4 * index, 48), 20, 255, -1)
        moved = np.roll(thing, 4 * index, axis=1)
        pictures.append((np.where(mask[..., None] > 0, moved, scene), mask))
    return pictures


def write_walks(folder: Path, names: tuple[str, ...], frames: int) -> None:
    """Write sequences as `frames/SEQ/NNNNN.png` and `masks/SEQ/NNNNN.png`."""
    for seed, name in enumerate(names):
        for index, (image, mask) in enumerate(walk(frames, seed)):
            write_picture(folder / "frames" / name / f"{index:05}.png", image[..., ::-1])
            write_picture(folder / "masks" / name / f"{index:05}.png", mask)
