"""The service, faked: its answers are what the test puts in."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from stream.backend import Command, KeyframeThumbnail, Timeline
from stream.channel import Channel, Overflow
from stream.errors import UnknownNameError
from stream.events import CameraState, Event
from stream.inlet import Inlet


class FakeBackend:
    """A `Backend` with one camera `front` that is up."""

    def __init__(self) -> None:
        self.states: dict[str, CameraState] = {"front": CameraState(camera="front", time=1000.0, source="up")}
        self.recent: list[Event] = []
        self.window: list[KeyframeThumbnail] = []
        self.line = Timeline(threshold=0.6, points=(), marks=())
        self.is_ready = True
        self.commands: list[tuple[str, Command]] = []
        self.channels: list[Channel[Event]] = []
        self.inlets: dict[str, Inlet] = {}

    def cameras(self) -> Sequence[CameraState]:
        return list(self.states.values())

    def camera(self, name: str) -> CameraState:
        if name not in self.states:
            message = f"no camera is named '{name}'; there are: {', '.join(self.states)}"
            raise UnknownNameError(message)
        return self.states[name]

    def subscribe(self) -> AbstractAsyncContextManager[Channel[Event]]:
        return self._subscribe()

    @asynccontextmanager
    async def _subscribe(self) -> AsyncIterator[Channel[Event]]:
        async with Channel[Event](100, Overflow.DROP_OLDEST) as channel:
            self.channels.append(channel)
            try:
                yield channel
            finally:
                self.channels.remove(channel)

    async def tell(self, event: Event) -> None:
        """Send an event to all subscribers."""
        for channel in self.channels:
            await channel.send(event)

    def recent_events(self) -> Sequence[Event]:
        return self.recent

    def ready(self) -> bool:
        return self.is_ready

    def keyframes(self, name: str) -> Sequence[KeyframeThumbnail]:
        self.camera(name)
        return self.window

    def keyframe(self, name: str, number: int) -> KeyframeThumbnail | None:
        return next((one for one in self.keyframes(name) if one.id == number), None)

    def timeline(self, name: str) -> Timeline:
        self.camera(name)
        return self.line

    def inlet(self, name: str) -> Inlet | None:
        self.camera(name)
        return self.inlets.get(name)

    async def command(self, name: str, command: Command) -> None:
        self.camera(name)
        self.commands.append((name, command))
