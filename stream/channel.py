"""A bounded, closable channel between two stages; what it drops is counted."""

import asyncio
from collections import deque
from enum import Enum
from types import TracebackType
from typing import Generic, Self, TypeVar

from stream.errors import ClosedChannelError

T = TypeVar("T")


class Overflow(Enum):
    """What a full channel does with one more item."""

    WAIT = "wait"
    """The sender waits: nothing is lost."""
    DROP_OLDEST = "drop-oldest"
    """The oldest item goes: the newest wins."""


class Channel(Generic[T]):
    """Items from senders to receivers, in order.

    `close` ends it: what is queued is still received, then iteration stops. All methods belong to one event loop.
    """

    def __init__(self, capacity: int, overflow: Overflow = Overflow.WAIT) -> None:
        """Make an open channel for `capacity` items.

        Raises:
            ValueError: the capacity is below 1.
        """
        if capacity < 1:
            message = f"a channel holds at least 1 item, not {capacity}"
            raise ValueError(message)
        self.capacity = capacity
        self.overflow = overflow
        self.dropped = 0
        self._items: deque[T] = deque()
        self._changed = asyncio.Condition()
        self._closed = False

    def __len__(self) -> int:
        """Return how many items are queued."""
        return len(self._items)

    @property
    def closed(self) -> bool:
        """Whether `close` was called; queued items may remain."""
        return self._closed

    async def send(self, item: T) -> T | None:
        """Queue `item`; return the item that was dropped for it, if any.

        Raises:
            ClosedChannelError: the channel is closed, or was closed while waiting for room.
        """
        async with self._changed:
            if self.overflow is Overflow.WAIT:
                await self._changed.wait_for(lambda: self._closed or len(self._items) < self.capacity)
            if self._closed:
                message = "the channel is closed; nothing more can be sent"
                raise ClosedChannelError(message)
            oldest = None
            if len(self._items) >= self.capacity:
                oldest = self._items.popleft()
                self.dropped += 1
            self._items.append(item)
            self._changed.notify_all()
            return oldest

    async def receive(self) -> T:
        """Return the next item, waiting for it.

        Raises:
            StopAsyncIteration: the channel is closed and empty.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or self._items)
            if not self._items:
                raise StopAsyncIteration
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    async def peek(self) -> T | None:
        """Return the next item without taking it, waiting for it; None once the channel is closed and empty."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or self._items)
            return self._items[0] if self._items else None

    async def close(self) -> None:
        """End the channel; calling it again does nothing."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        return await self.receive()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
