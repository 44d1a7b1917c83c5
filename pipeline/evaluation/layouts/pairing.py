"""Which mask belongs to which frame."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

IMAGES: Final = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff"})
"""Suffixes of the files that count as pictures."""

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """A frame of a sequence and the files of its ground truth.

    Attributes:
        name: the frame's file name without suffix; the mask's where the frame is missing.
        image: the picture; None where there is a mask but no picture.
        masks: the ground truth: none, one file, or one for each object.
    """

    name: str
    image: Path | None
    masks: tuple[Path, ...] = ()


def pictures(folder: Path) -> list[Path]:
    """Return the pictures in a folder, in natural order: 2 before 10."""
    found = [path for path in folder.iterdir() if path.suffix.lower() in IMAGES] if folder.is_dir() else []
    return sorted(found, key=lambda path: (number(path.stem) is None, number(path.stem) or 0, path.stem))


def number(stem: str) -> int | None:
    """Return the last number in a file's stem, such as 12 for `cats01_0012_gt`; None if there is none."""
    found = _NUMBER.findall(stem)
    return int(found[-1]) if found else None


def pair(images: Iterable[Path], masks: Iterable[Path]) -> tuple[LabelledFrame, ...]:
    """Match masks with pictures: by equal names where any are equal, else by the last number in their names.

    Masks without a picture become frames of their own with `image` None, in their place in the order.
    """
    pictured = list(images)
    labels = list(masks)
    by_name = bool({path.stem for path in pictured} & {path.stem for path in labels})

    def key(path: Path) -> str | int:
        found = None if by_name else number(path.stem)
        return path.stem if found is None else found

    grouped: dict[str | int, tuple[Path, ...]] = {}
    for path in labels:
        grouped[key(path)] = (*grouped.get(key(path), ()), path)
    known = {key(path) for path in pictured}
    frames = [LabelledFrame(path.stem, path, grouped.get(key(path), ())) for path in pictured]
    frames += [LabelledFrame(paths[0].stem, None, paths) for found, paths in grouped.items() if found not in known]
    return tuple(sorted(frames, key=lambda frame: (number(frame.name) is None, number(frame.name) or 0, frame.name)))


def within(frames: Iterable[LabelledFrame], chosen: Mapping[str, bool]) -> tuple[LabelledFrame, ...]:
    """Return `frames`, the ground truth taken off those whose name `chosen` maps to False."""
    return tuple(frame if chosen.get(frame.name, True) else LabelledFrame(frame.name, frame.image) for frame in frames)
