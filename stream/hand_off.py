"""From one reading thread to the event loop: bounded, and neither side can hang the other."""

import asyncio
import threading
from collections import deque
from typing import Generic, Self, TypeVar

from stream.channel import Overflow
from stream.errors import ClosedChannelError

T = TypeVar("T")


class HandOff(Generic[T]):
    """Items from a thread (`put`, `end`) to the event loop that it was made in (iteration, `close`).

    The lock is held for a few assignments only, so that the loop never waits for the thread's work.

    Attributes:
        dropped: items that were replaced by newer ones before the loop took them.
    """

    def __init__(self, capacity: int, overflow: Overflow) -> None:
        """Make an open hand-off for `capacity` items; to be called in the running loop."""
        self.dropped = 0
        self._capacity = capacity
        self._overflow = overflow
        self._items: deque[T] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._closed = threading.Event()
        self._ended = False
        self._error: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()

    def put(self, item: T) -> None:
        """Hand over `item`, from the thread; waits for room, or drops the oldest, as the overflow says.

        Raises:
            ClosedChannelError: the loop takes no more.
        """
        with self._changed:
            if self._overflow is Overflow.WAIT:
                self._changed.wait_for(lambda: self._closed.is_set() or len(self._items) < self._capacity)
            if self._closed.is_set():
                message = "nobody takes frames any more"
                raise ClosedChannelError(message)
            if len(self._items) >= self._capacity:
                self._items.popleft()
                self.dropped += 1
            self._items.append(item)
            self._wake()

    def end(self, error: Exception | None = None) -> None:
        """Say from the thread that nothing more comes; the loop gets `error` after what is queued."""
        with self._changed:
            self._ended = True
            self._error = error
            self._wake()

    def closed_within(self, seconds: float) -> bool:
        """Wait in the thread for `seconds`, less if the loop closes; return whether it has."""
        return self._closed.wait(seconds)

    def close(self) -> None:
        """Take no more, from the loop; a waiting thread is freed, what is queued is lost."""
        with self._changed:
            self._closed.set()
            self._items.clear()
            self._changed.notify_all()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while True:
            with self._changed:
                self._ready.clear()
                if self._items:
                    item = self._items.popleft()
                    self._changed.notify_all()
                    return item
                if self._ended:
                    if self._error is not None:
                        raise self._error
                    raise StopAsyncIteration
            await self._ready.wait()

    def _wake(self) -> None:
        """Wake the loop up, unless it has closed, in which case it may be gone altogether."""
        if not self._closed.is_set():
            self._loop.call_soon_threadsafe(self._ready.set)
