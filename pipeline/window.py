"""The sliding window of keyframes: bounded in count, bytes and age, spread over time and over what frames look like."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from configs.method import WindowSettings
from pipeline.appearance import Appearance, unlikeness
from pipeline.values import Keyframe, Map

_MEGABYTE = 1_000_000


class KeyframeWindow:
    """Trusted keyframes, the oldest first."""

    def __init__(self, settings: WindowSettings) -> None:
        """Make an empty window."""
        self._settings = settings
        self._keyframes: list[Keyframe] = []

    def __len__(self) -> int:
        """Return how many keyframes are held."""
        return len(self._keyframes)

    def __iter__(self) -> Iterator[Keyframe]:
        """Go over the keyframes, the oldest first."""
        return iter(tuple(self._keyframes))

    @property
    def nbytes(self) -> int:
        """Memory that the held images and labels take."""
        return sum(keyframe.nbytes for keyframe in self._keyframes)

    def offer(self, keyframe: Keyframe) -> bool:
        """Take `keyframe` in if it is far enough in time from the newest; return whether it is one more.

        One that is nearer replaces the newest if it is the more trustworthy of the two (lower NR), so that of a burst
        of keyframes the best stays.
        """
        self._age(keyframe.media_time)
        if not self.would_take(keyframe):
            return False
        if self._is_near(keyframe):
            self._keyframes[-1] = _at(keyframe, self._keyframes[-1].media_time)
            return False
        self._keyframes.append(keyframe)
        while len(self) > 1 and (len(self) > self._settings.capacity or self.nbytes > self._limit):
            self._keyframes.pop(self._dispensable())
        return True

    def would_take(self, keyframe: Keyframe) -> bool:
        """Return whether `offer` would keep `keyframe` for the time being."""
        return not self._is_near(keyframe) or keyframe.nr < self._keyframes[-1].nr

    def teach(self, labels: Mapping[int, Map]) -> None:
        """Give keyframes, by their sequence numbers, the labels of a closer look, and let go of what that went on."""
        self._keyframes = [
            replace(held, label=labels[held.sequence], closer=None) if held.sequence in labels else held
            for held in self._keyframes
        ]

    def clear(self) -> None:
        """Forget all keyframes: a new scene has begun."""
        self._keyframes.clear()

    def _is_near(self, keyframe: Keyframe) -> bool:
        """Return whether `keyframe` and the newest are too near in time for both to stay."""
        held = self._keyframes
        return bool(held) and keyframe.media_time - held[-1].media_time < self._settings.spacing

    def _age(self, now: float) -> None:
        """Let go of keyframes that are too old: they belong to a scene that has changed since."""
        oldest = now - self._settings.maximum_age
        self._keyframes = [held for held in self._keyframes if held.media_time >= oldest]

    def _dispensable(self) -> int:
        """Return which of the keyframes the newest makes dispensable: the one most like it, of equals the oldest."""
        *held, newest = self._keyframes
        if self._settings.keep == "newest" or newest.look is None:
            return 0
        look = newest.look
        return min(range(len(held)), key=lambda index: _unlike(held[index], look))

    @property
    def _limit(self) -> float:
        return self._settings.megabytes * _MEGABYTE


def _unlike(keyframe: Keyframe, look: Appearance) -> float:
    """Return how unlike `look` a keyframe is; one that nobody looked at goes first."""
    return -1.0 if keyframe.look is None else unlikeness(keyframe.look, look)


def _at(keyframe: Keyframe, media_time: float) -> Keyframe:
    """Return `keyframe` under another time, so that replacements cannot push the newest along for ever."""
    return replace(keyframe, media_time=media_time)
