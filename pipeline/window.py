"""The sliding window of keyframes: bounded in count and bytes, spread over time."""

from collections.abc import Iterator

from configs.method import WindowSettings
from pipeline.values import Keyframe

_MEGABYTE = 1_000_000


class KeyframeWindow:
    """The newest trusted keyframes; the oldest leaves first."""

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
        if self._keyframes:
            newest = self._keyframes[-1]
            if keyframe.media_time - newest.media_time < self._settings.spacing:
                if keyframe.nr < newest.nr:
                    self._keyframes[-1] = _at(keyframe, newest.media_time)
                return False
        self._keyframes.append(keyframe)
        while len(self) > 1 and (len(self) > self._settings.capacity or self.nbytes > self._limit):
            self._keyframes.pop(0)
        return True

    def clear(self) -> None:
        """Forget all keyframes: a new scene has begun."""
        self._keyframes.clear()

    @property
    def _limit(self) -> float:
        return self._settings.megabytes * _MEGABYTE


def _at(keyframe: Keyframe, media_time: float) -> Keyframe:
    """Return `keyframe` under another time, so that replacements cannot push the newest along for ever."""
    return Keyframe(
        image=keyframe.image,
        label=keyframe.label,
        nr=keyframe.nr,
        media_time=media_time,
        sequence=keyframe.sequence,
    )
