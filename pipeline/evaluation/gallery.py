"""Frames worth looking at, picked while they stream by: the worst, the best, the keyframes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.layouts.pairing import LabelledFrame
from pipeline.values import SaliencyFrame

_WIDTH: Final = 160
_PICKED: Final = 3
_STRIP: Final = 12
_QUALITY: Final = 80

Shown = tuple[NDArray[np.uint8], NDArray[np.bool_]]
"""A picture and its ground truth."""


@dataclass(slots=True, eq=False)
class Gallery:
    """Small JPEGs of a sequence's worst and best frames and of its keyframes; never more than a few."""

    _worst: list["_Pick"] = field(default_factory=list)
    _best: list["_Pick"] = field(default_factory=list)
    _keyframes: list[tuple[str, float, bytes]] = field(default_factory=list)
    _stride: int = 1
    _seen: int = 0

    def judge(self, frame: LabelledFrame, f: float, picture: Shown, saliency: SaliencyFrame) -> None:
        """Keep a frame, with all its maps side by side, if its final map's F is among the worst or the best.

        Args:
            frame: that it is; one that a joined stream shows again is kept once.
            f: of its final map.
            picture: the image, (H, W, 3) uint8 RGB, and its ground truth, (H, W) bool.
            saliency: its maps.
        """
        strip: bytes | None = None
        for picks, key in ((self._worst, -f), (self._best, f)):
            if len(picks) == _PICKED and key <= picks[-1].key:
                continue
            if strip is None:
                image, mask = picture
                strip = _row(image, mask.astype(np.float32), *maps_of(saliency))
            _place(picks, _Pick(key, frame, strip))

    def keyframe(self, name: str, nr: float, image: NDArray[np.uint8], low_level: NDArray[np.float32]) -> None:
        """Keep every keyframe, then every second, every fourth …, as they become many."""
        if self._seen % self._stride == 0:
            self._keyframes.append((name, nr, _row(image, low_level)))
            if len(self._keyframes) > _STRIP:
                self._keyframes = self._keyframes[::2]
                self._stride *= 2
        self._seen += 1

    def save(self, folder: Path) -> None:
        """Write the pictures into `folder`; names tell rank, frame and figure."""
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.jpg"):
            old.unlink()
        for kind, picks, sign in (("worst", self._worst, -1), ("best", self._best, 1)):
            for rank, pick in enumerate(picks):
                (folder / f"{kind}_{rank}_{pick.frame.name}_{sign * pick.key:.3f}.jpg").write_bytes(pick.strip)
        for rank, (name, nr, strip) in enumerate(self._keyframes):
            (folder / f"keyframe_{rank:02}_{name}_{nr:.3f}.jpg").write_bytes(strip)


@dataclass(frozen=True, slots=True)
class _Pick:
    """A frame that is kept: how much it deserves it, which it is, and its pictures as a JPEG."""

    key: float
    frame: LabelledFrame
    strip: bytes


def _place(picks: list[_Pick], pick: _Pick) -> None:
    """Put `pick` among the few best of `picks`, best first; of one and the same picture only the better stays."""
    alike = [other for other in picks if other.frame.image == pick.frame.image]
    others = [other for other in picks if other not in alike]
    picks[:] = sorted([*others, max([*alike, pick], key=_key)], key=_key, reverse=True)[:_PICKED]


def _key(pick: _Pick) -> float:
    return pick.key


def maps_of(saliency: SaliencyFrame) -> tuple[NDArray[np.float32], ...]:
    """Return motion, colour, low-level and final map, in the order in which they are shown."""
    return saliency.motion, saliency.colour, saliency.low_level, saliency.final


def _row(image: NDArray[np.uint8], *maps: NDArray[np.float32]) -> bytes:
    """Return a JPEG of a picture and its maps side by side."""
    height = round(image.shape[0] * _WIDTH / image.shape[1])
    size = (_WIDTH, height)
    tiles = [cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)]
    for one in maps:
        grey = np.asarray(np.rint(cv2.resize(one, size, interpolation=cv2.INTER_AREA) * 255), np.uint8)
        tiles.append(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    done, encoded = cv2.imencode(".jpg", np.hstack(tiles), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        message = f"a strip of {len(tiles)} tiles of {size} cannot be encoded as JPEG"
        raise RuntimeError(message)
    return encoded.tobytes()
