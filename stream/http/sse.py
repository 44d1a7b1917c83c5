"""Server-sent events: everything that happens, as it happens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from starlette.responses import StreamingResponse

from stream.backend import Backend
from stream.channel import Channel
from stream.event_json import event_text
from stream.events import AdaptationEvent, CameraState, Event, RegionEvent

HEARTBEAT: Final = 15.0
"""Seconds of silence after which a comment keeps the connection open."""

_NAMES: Final[dict[type[Event], str]] = {RegionEvent: "region", AdaptationEvent: "adaptation", CameraState: "state"}


def format_event(event: Event) -> str:
    """Return one event in the wire format: its kind (region, adaptation, state) as name, JSON as content."""
    return f"event: {_NAMES[type(event)]}\ndata: {event_text(event)}\n\n"


class EventStreams:
    """The open event streams, so that they end before the server waits for its connections."""

    def __init__(self, backend: Backend, heartbeat: float = HEARTBEAT) -> None:
        """Make streams of what `backend` tells, with a comment after `heartbeat` silent seconds."""
        self._backend = backend
        self._heartbeat = heartbeat
        self._open: set[Channel[Event]] = set()

    async def stream(self) -> AsyncIterator[str]:
        """Give the recent events, every camera's state, then each event until the service or the server stops."""
        async with self._backend.subscribe() as events:
            self._open.add(events)
            try:
                yield "retry: 2000\n\n"
                for event in (*self._backend.recent_events(), *self._backend.cameras()):
                    yield format_event(event)
                with suppress(StopAsyncIteration):
                    while True:
                        yield await self._next(events)
            finally:
                self._open.discard(events)

    def response(self) -> StreamingResponse:
        """Return the endless response."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self.stream(), headers=headers, media_type="text/event-stream")

    async def close(self) -> None:
        """End all streams."""
        for events in list(self._open):
            await events.close()

    async def _next(self, events: Channel[Event]) -> str:
        try:
            async with asyncio.timeout(self._heartbeat):
                return format_event(await events.receive())
        except TimeoutError:
            return ": still here\n\n"
