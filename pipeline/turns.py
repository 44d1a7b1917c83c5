"""Turns at something of which there is not enough for all, given out in fair order."""

import asyncio
import time
from asyncio import Future
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pipeline.fair_order import FairOrder


def by_seconds(seconds: float) -> float:
    """Count a turn by how long it took: all get the same time."""
    return seconds


def by_turns(seconds: float) -> float:
    """Count every turn alike: all get the same number of turns."""
    del seconds
    return 1.0


class Turns:
    """At most `slots` turns at a time; all methods belong to one event loop."""

    def __init__(
        self,
        slots: int,
        cost: Callable[[float], float] = by_seconds,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with every slot free.

        Args:
            slots: turns that can be under way together.
            cost: what a turn of so many seconds counts.
            clock: monotonic seconds.
        """
        self._free = slots
        self._cost = cost
        self._clock = clock
        self._order = FairOrder()
        self._granted: dict[str, deque[Future[None]]] = {}
        self._begun: dict[object, float] = {}

    @asynccontextmanager
    async def turn(self, name: str, weight: float = 1.0) -> AsyncIterator[None]:
        """Wait until it is the turn of `name`; it lasts as long as the block."""
        await self._wait(name)
        key, started = object(), self._clock()
        self._begun[key] = started
        try:
            yield
        finally:
            del self._begun[key]
            self._order = self._order.charged(name, self._cost(self._clock() - started), weight)
            self._free += 1
            # not at once: who asks for its next turn right away competes for this slot too, or weights meant nothing
            asyncio.get_running_loop().call_soon(self._grant)

    def waits(self, name: str) -> bool:
        """Return whether `name` waits for a turn."""
        return name in self._granted

    def longest(self) -> float:
        """Return for how many seconds the oldest turn has been under way; 0 if none is."""
        return self._clock() - min(self._begun.values()) if self._begun else 0.0

    async def _wait(self, name: str) -> None:
        granted: Future[None] = asyncio.get_running_loop().create_future()
        self._granted.setdefault(name, deque()).append(granted)
        self._order = self._order.asked(name)
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():  # it was given in the moment of the cancelling
                self._free += 1
                self._grant()
            else:
                self._give_up(name, granted)
            raise

    def _give_up(self, name: str, granted: Future[None]) -> None:
        queue = self._granted.get(name)
        if queue is None or granted not in queue:  # it was passed over already
            return
        queue.remove(granted)
        if not queue:
            del self._granted[name]
            self._order = self._order.withdrawn(name)

    def _grant(self) -> None:
        """Give the free slots to those who are next."""
        while self._free and (name := self._order.next) is not None:
            queue = self._granted[name]
            granted = queue.popleft()
            if not granted.cancelled():
                self._order = self._order.begun(name)
                granted.set_result(None)
                self._free -= 1
            if queue:
                self._order = self._order.asked(name)
            else:
                del self._granted[name]
                self._order = self._order.withdrawn(name)
