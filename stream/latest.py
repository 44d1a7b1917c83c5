"""A one-place hand-off in which the newest item wins."""

import asyncio
from typing import Generic, TypeVar

from stream.errors import ClosedChannelError

T = TypeVar("T")


class Latest(Generic[T]):
    """The newest item that nobody has taken yet; one that was overtaken is counted as dropped.

    `put` neither waits nor blocks. All methods belong to one event loop.
    """

    def __init__(self) -> None:
        """Make an empty, open hand-off."""
        self.dropped = 0
        self._items: list[T] = []
        self._changed = asyncio.Event()
        self._closed = False

    def put(self, item: T) -> bool:
        """Leave `item`, in place of one not taken yet; return whether there was one.

        Raises:
            ClosedChannelError: the hand-off is closed.
        """
        self._refuse_closed()
        overtaken = bool(self._items)
        self.dropped += overtaken
        self._items = [item]
        self._changed.set()
        return overtaken

    async def take(self) -> T:
        """Return the newest item, waiting for one.

        Raises:
            ClosedChannelError: the hand-off is closed, or was closed while waiting.
        """
        await self._changed.wait()
        self._refuse_closed()
        self._changed.clear()
        return self._items.pop()

    def close(self) -> None:
        """End the hand-off; what was not taken is gone."""
        self._closed = True
        self._items = []
        self._changed.set()

    def _refuse_closed(self) -> None:
        if self._closed:
            message = "the hand-off is closed; nothing more passes it"
            raise ClosedChannelError(message)
