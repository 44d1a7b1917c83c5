"""One viewer of a view: a bounded queue of coded pictures that always starts at a keyframe."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from stream.encoder import EncodedPicture
from stream.errors import ClosedChannelError

CAPACITY: Final = 30
"""Pictures that a viewer may fall behind: a second; then all are dropped up to the next keyframe."""


class Viewer:
    """What one viewer still has to be sent. All methods belong to one event loop."""

    def __init__(self, request_keyframe: Callable[[], None], capacity: int = CAPACITY) -> None:
        """Make a viewer that takes nothing until it first calls `receive`."""
        self.dropped = 0
        self.started = False
        self.request_keyframe = request_keyframe
        self._capacity = capacity
        self._pictures: deque[EncodedPicture] = deque()
        self._changed = asyncio.Event()
        self._lost = True
        self._closed = False

    def offer(self, picture: EncodedPicture) -> None:
        """Queue a picture if this viewer can use it: after a gap only a keyframe is of use."""
        if not self.started or self._closed:
            return
        if len(self._pictures) >= self._capacity:
            self.dropped += len(self._pictures)
            self._pictures.clear()
            self._lost = True
            self.request_keyframe()
        if self._lost and not picture.is_keyframe:
            self.dropped += 1
            return
        self._lost = False
        self._pictures.append(picture)
        self._changed.set()

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
