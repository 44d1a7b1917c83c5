"""What waits for the MQTT broker: bounded, and what it has to drop is counted by its cause."""

import asyncio
from collections import Counter

from stream.mqtt_topics import Message


class Outbox:
    """Messages in the order in which they came, except that a newer replaceable one takes its elder's place.

    Where there is no room, the oldest replaceable message goes first, then the oldest of the others: states come again
    by themselves, events do not. All methods belong to one event loop.

    Attributes:
        capacity: most messages kept.
        dropped: messages that were never delivered, by cause: `superseded` (a newer one of the topic took its place),
            `state-overflow` and `event-overflow` (no room).
    """

    def __init__(self, capacity: int) -> None:
        """Make an empty outbox.

        Raises:
            ValueError: the capacity is below 1.
        """
        if capacity < 1:
            message = f"an outbox holds at least 1 message, not {capacity}"
            raise ValueError(message)
        self.capacity = capacity
        self.dropped: Counter[str] = Counter()
        self._messages: dict[str | int, Message] = {}
        self._serial = 0
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()

    def __len__(self) -> int:
        """Return how many messages wait."""
        return len(self._messages)

    def put(self, message: Message) -> None:
        """Add `message`, dropping another one where there is no room."""
        self._serial += 1
        key = message.topic if message.replaceable else self._serial
        if key in self._messages:
            self.dropped["superseded"] += 1
        self._messages[key] = message
        if len(self._messages) > self.capacity:
            self._evict()
        self._signal()

    async def first(self) -> Message:
        """Return the oldest message, waiting for one; it stays until it is `done`."""
        await self._filled.wait()
        return next(iter(self._messages.values()))

    def done(self, message: Message) -> None:
        """Take out `message`, which was delivered; one that replaced it meanwhile stays."""
        for key, waiting in self._messages.items():
            if waiting is message:
                del self._messages[key]
                break
        self._signal()

    def forget_replaceable(self) -> None:
        """Take out all replaceable messages: the newest state of everything is about to be told anew."""
        self._messages = {key: message for key, message in self._messages.items() if not message.replaceable}
        self._signal()

    async def emptied(self) -> None:
        """Wait until nothing is left."""
        await self._emptied.wait()

    def _evict(self) -> None:
        oldest_state = next((key for key, message in self._messages.items() if message.replaceable), None)
        if oldest_state is not None:
            del self._messages[oldest_state]
            self.dropped["state-overflow"] += 1
        else:
            del self._messages[next(iter(self._messages))]
            self.dropped["event-overflow"] += 1

    def _signal(self) -> None:
        full, empty = (self._filled, self._emptied) if self._messages else (self._emptied, self._filled)
        full.set()
        empty.clear()
