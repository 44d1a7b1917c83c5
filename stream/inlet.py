"""Where a camera's publisher comes in: one at a time, and the camera outlives each."""

import asyncio
import time
from collections.abc import Callable

from stream.errors import CameraTakenError, NoSignalError
from stream.publication import Publication


class Inlet:
    """The one place for a publisher that a `whip://` camera has. All methods belong to the event loop.

    Attributes:
        publication: what the present publisher sends; None while there is none. It may be read from any thread.
    """

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Make a free place; a publisher that sends nothing for `patience` seconds gives way to the next."""
        self.publication: Publication | None = None
        self._patience = patience
        self._clock = clock
        self._session_ended = asyncio.Event()
        self._unread = asyncio.Event()
        self._dropped = 0
        self._closed = False

    @property
    def dropped(self) -> int:
        """Pictures of all publishers that were not decoded in time."""
        return self._dropped + (self.publication.dropped if self.publication else 0)

    def take(self, session_ended: asyncio.Event) -> Publication:
        """Let a publisher in.

        Args:
            session_ended: set once its session is over, or by us when its place is taken from it.

        Raises:
            CameraTakenError: another one is publishing.
            NoSignalError: the camera is being removed.
        """
        if self._closed:
            message = "this camera is being removed; it takes no publisher any more"
            raise NoSignalError(message)
        if self.publication is not None:
            silent = self._clock() - self.publication.last_at
            if silent < self._patience and not self._session_ended.is_set():
                message = "this camera has a publisher already; end that one first, or publish to another camera"
                raise CameraTakenError(message)
            self._throw_out()
        self._unread.clear()
        self._session_ended = session_ended
        self.publication = Publication(self._unread.set, self._clock)
        return self.publication

    def leave(self, publication: Publication) -> None:
        """Free the place, if it is still this publisher's."""
        publication.end()
        if publication is self.publication:
            self._dropped += publication.dropped
            self.publication = None

    def close(self) -> None:
        """Take no publisher any more: the camera goes away."""
        self._closed = True
        if self.publication is not None:
            self._throw_out()

    async def pictures_to_read(self) -> None:
        """Wait until pictures come that nobody is reading."""
        await self._unread.wait()
        self._unread.clear()

    def _throw_out(self) -> None:
        if self.publication is not None:
            self._session_ended.set()
            self.leave(self.publication)
