"""One viewer of a view: a bounded queue of coded pictures that always starts at a keyframe."""

import asyncio
from collections import deque
from typing import Final

from stream.encoder import EncodedPicture
from stream.errors import ClosedChannelError

CAPACITY: Final = 30
"""Pictures that a viewer may fall behind: a second; then all are dropped up to the next keyframe."""
LOSS_SPACING: Final = 1.0
"""Least seconds between two keyframes that are made for one viewer's losses: all viewers of the view pay for them."""


class Viewer:
    """What one viewer still has to be sent. All methods belong to one event loop."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        """Make a viewer that takes nothing until it first calls `receive`."""
        self.dropped = 0
        self.started = False
        self._capacity = capacity
        self._pictures: deque[EncodedPicture] = deque()
        self._changed = asyncio.Event()
        self._lost = True
        self._closed = False
        self._wish = False
        self._served = False
        self._mended_at = float("-inf")

    def request_keyframe(self) -> None:
        """Note that this viewer cannot go on without a keyframe."""
        self._wish = True

    def needs_keyframe(self, now: float) -> bool:
        """Return whether one should be made for this viewer now (monotonic clock, seconds)."""
        return self._wish and now - self._mended_at >= LOSS_SPACING

    def offer(self, picture: EncodedPicture, now: float) -> int:
        """Queue a picture if this viewer can use it: after a gap only a keyframe is of use.

        Args:
            picture: the next one.
            now: monotonic clock, seconds.

        Returns:
            How many pictures this viewer lost because it is slow.
        """
        if not self.started or self._closed:
            return 0
        lost = self._overflow() if len(self._pictures) >= self._capacity else 0
        if picture.is_keyframe:
            self._note_keyframe(now)
        if self._lost:
            lost += self._served  # before the first keyframe nothing is lost yet
        else:
            self._pictures.append(picture)
            self._changed.set()
        self.dropped += lost
        return lost

    async def receive(self) -> EncodedPicture:
        """Return the next picture; the first call starts the viewing, and its first picture is a keyframe.

        Raises:
            ClosedChannelError: the view is over.
        """
        if not self.started:
            self.started = True
            self.request_keyframe()
        while not self._pictures:
            if self._closed:
                message = "the view is over; it has no more pictures"
                raise ClosedChannelError(message)
            self._changed.clear()
            await self._changed.wait()
        return self._pictures.popleft()

    def close(self) -> None:
        """End the viewing: `receive` still gives what is queued."""
        self._closed = True
        self._changed.set()

    def _overflow(self) -> int:
        """Drop what is queued, and return how much that was."""
        lost = len(self._pictures)
        self._pictures.clear()
        self._lost = True
        self.request_keyframe()
        return lost

    def _note_keyframe(self, now: float) -> None:
        """Grant the wish; the keyframe to start with does not count as a mended loss."""
        if self._wish and self._served:
            self._mended_at = now
        self._wish, self._served, self._lost = False, True, False
