"""Earlier twins of a camera, by what their scenes look like: day, night, a scene that comes back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from torch import Tensor

from configs.guards import LibrarySettings
from pipeline.appearance import Appearance, nearest
from pipeline.values import Keyframe

_LOOKS: Final = 8
"""Appearances kept of a scene."""
_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class KeyframeIndex:
    """Which frame a keyframe was: number in its stream, stream seconds, NR."""

    sequence: int
    media_time: float
    nr: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Twin:
    """The weights of a twin, and where it comes from.

    Attributes:
        state: weights that differ from the original's, by the network's parameter names.
        size: (h, w) that it was trained at.
        index: the keyframes that it learned from.
        looks: what its scene looks like, over time.
        name: in the library; empty until it is there.
    """

    state: Mapping[str, Tensor]
    size: tuple[int, int]
    index: tuple[KeyframeIndex, ...]
    looks: tuple[Appearance, ...]
    name: str = ""

    @property
    def nbytes(self) -> int:
        """Memory that weights and looks take."""
        weights = sum(value.numel() * value.element_size() for value in self.state.values())
        pictures = sum(look.thumbnail.nbytes + look.histogram.nbytes + look.structure.nbytes for look in self.looks)
        return weights + pictures


def twin_of(state: Mapping[str, Tensor], keyframes: Sequence[Keyframe]) -> Twin:
    """Return the twin that learned `state` from `keyframes`."""
    height, width = keyframes[0].label.shape
    index = tuple(KeyframeIndex(held.sequence, held.media_time, held.nr) for held in keyframes)
    return Twin(state=state, size=(height, width), index=index, looks=looks_of(keyframes))


def looks_of(keyframes: Iterable[Keyframe]) -> tuple[Appearance, ...]:
    """Return what the keyframes look like, without those that nobody looked at; eight at most, spread over time."""
    return spread([held.look for held in keyframes if held.look is not None])


def spread(looks: Sequence[Appearance]) -> tuple[Appearance, ...]:
    """Return eight of `looks` at most, evenly spread."""
    if len(looks) <= _LOOKS:
        return tuple(looks)
    return tuple(looks[index] for index in np.linspace(0, len(looks) - 1, _LOOKS).round().astype(int))


class TwinLibrary:
    """The last twins of a camera, a scene each; bounded in count and bytes, the one unused for longest goes first."""

    def __init__(self, settings: LibrarySettings) -> None:
        """Begin empty."""
        self._settings = settings
        self._twins: list[Twin] = []
        self._named = 0

    def __len__(self) -> int:
        """Return how many twins are remembered."""
        return len(self._twins)

    def __iter__(self) -> Iterator[Twin]:
        """Go over the twins, the one unused for longest first."""
        return iter(tuple(self._twins))

    @property
    def nbytes(self) -> int:
        """Memory that the twins take."""
        return sum(twin.nbytes for twin in self._twins)

    def fill(self, twins: Iterable[Twin]) -> None:
        """Take in the twins of an earlier run, which have their names, in their order."""
        for twin in twins:
            self._named = max(self._named, int(twin.name))
            self._add(twin)

    def remember(self, twin: Twin) -> None:
        """Take a twin in. It replaces the one of the same scene; without looks its scene could never be found again."""
        if not twin.looks:
            return
        same = self.find(twin.looks, twin.size)
        if same is not None:
            self._twins.remove(same)
        self._named += 1
        self._add(replace(twin, name=f"{self._named:06d}"))

    def find(self, looks: Sequence[Appearance], size: tuple[int, int]) -> Twin | None:
        """Return the twin whose scene looks most like `looks`, if one looks alike enough; it counts as used."""
        distances = [(nearest(looks, twin.looks), twin) for twin in self._twins if twin.size == size]
        distance, found = min(distances, key=lambda pair: pair[0], default=(float("inf"), None))
        if found is None or distance > self._settings.unlikeness:
            return None
        self._twins.remove(found)
        self._twins.append(found)
        return found

    def clear(self) -> None:
        """Forget all twins."""
        self._twins.clear()

    def _add(self, twin: Twin) -> None:
        self._twins.append(twin)
        while self._twins and (len(self) > self._settings.capacity or self.nbytes > self._limit):
            self._twins.pop(0)

    @property
    def _limit(self) -> float:
        return self._settings.megabytes * _MEGABYTE
