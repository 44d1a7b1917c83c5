"""Events to whoever listens, and the last of them to whoever comes later."""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from stream.channel import Channel, Overflow
from stream.event_json import event_camera
from stream.events import CameraState, Event

_BACKLOG: Final = 256
"""Events that a slow listener may be behind before the oldest is dropped for it."""
_REMEMBERED: Final = 200


class EventBus:
    """Hands every event to every listener; a slow one loses its oldest and holds nobody up."""

    def __init__(self) -> None:
        """Make a bus without listeners."""
        self._listeners: set[Channel[Event]] = set()
        self._recent: deque[Event] = deque(maxlen=_REMEMBERED)
        self.dropped = 0

    async def publish(self, event: Event) -> None:
        """Hand `event` to all listeners, without waiting for any."""
        if not isinstance(event, CameraState):
            self._recent.append(event)
        for listener in tuple(self._listeners):
            if not listener.closed and await listener.send(event) is not None:
                self.dropped += 1

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[Channel[Event]]:
        """Give a channel of all events from now on."""
        listener: Channel[Event] = Channel(_BACKLOG, Overflow.DROP_OLDEST)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            await listener.close()

    def recent(self) -> Sequence[Event]:
        """Return the last region and adaptation events, oldest first."""
        return tuple(self._recent)

    def forget(self, camera: str) -> None:
        """Remember no event of `camera` any more."""
        kept = [event for event in self._recent if event_camera(event) != camera]
        self._recent.clear()
        self._recent.extend(kept)

    async def close(self) -> None:
        """End every listener's channel."""
        for listener in tuple(self._listeners):
            await listener.close()
