"""From the events of all cameras to one receiver: picked out, queued, delivered at the receiver's own pace."""

import asyncio
from asyncio import TaskGroup
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, Literal, Protocol

from prometheus_client import Counter

from configs.events import EventFilter
from stream.channel import Channel, Overflow
from stream.events import AdaptationEvent, CameraState, Event, RegionEvent

Subscribe = Callable[[], AbstractAsyncContextManager[Channel[Event]]]

Delivery = Literal["delivered", "refused", "unreachable"]
"""What became of an event: the receiver has it, does not want it, or was not there however often it was tried."""

_FAREWELL: Final = 2.0
"""Seconds at the end for what is queued."""


class Sink(Protocol):
    """A receiver of events.

    Attributes:
        name: in metrics and messages.
        filter: which events it gets, and how they are written.
        queue: events that wait for it; one more drops the oldest.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - described above
    @property
    def filter(self) -> EventFilter: ...  # noqa: D102
    @property
    def queue(self) -> int: ...  # noqa: D102

    async def deliver(self, event: Event) -> Delivery:
        """Hand over one event, however long that takes."""
        ...


def wants(picked: EventFilter, event: Event) -> bool:
    """Return whether `event` is one of those that `picked` asks for; states and single keyframes never are."""
    match event:
        case CameraState() | AdaptationEvent(kind="keyframe"):
            return False
        case AdaptationEvent():
            camera, kind, placed = event.camera, "adaptation", not picked.zones
        case RegionEvent():
            camera, kind = event.after.camera, event.type
            placed = not picked.zones or not set(picked.zones).isdisjoint(event.after.entered_zones)
    return kind in picked.types and placed and (not picked.cameras or camera in picked.cameras)


async def feed(sink: Sink, subscribe: Subscribe, deliveries: Counter) -> None:
    """Deliver what is told, until that ends; what `sink` does not take in time is dropped and counted by its cause."""
    waiting: Channel[Event] = Channel(sink.queue, Overflow.DROP_OLDEST)
    async with subscribe() as events, TaskGroup() as tasks:
        delivering = tasks.create_task(_deliver_all(sink, waiting, deliveries), name=f"deliver to {sink.name}")
        async for event in events:
            if wants(sink.filter, event) and await waiting.send(event) is not None:
                deliveries.labels(sink.name, "overflow").inc()
        await waiting.close()
        await asyncio.wait([delivering], timeout=_FAREWELL)
        if delivering.cancel():
            deliveries.labels(sink.name, "stopped").inc(len(waiting) + 1)


async def _deliver_all(sink: Sink, waiting: Channel[Event], deliveries: Counter) -> None:
    async for event in waiting:
        deliveries.labels(sink.name, await sink.deliver(event)).inc()
