"""The cameras that run: each in a task of its own, started, changed and ended while the others go on."""

import asyncio
from asyncio import TaskGroup
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from configs.settings import Settings
from configs.source import SourceSettings
from models.errors import ModelError
from pipeline.camera import Camera, Shared
from pipeline.supervisor import supervise
from stream.errors import SourceError, UnknownNameError
from stream.events import CameraState
from stream.recording.packet_ring import PacketRing
from stream.source import Source

SourceOpener = Callable[[SourceSettings, PacketRing | None], Source]
"""Returns the source of a camera, given its settings and what gets copies of its packets; it opens nothing yet."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What one configuration has of cameras that another has not; names.

    Attributes:
        added: those that are new.
        removed: those that are gone.
        changed: those that have other settings.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @classmethod
    def between(cls, old: Mapping[str, SourceSettings], new: Mapping[str, SourceSettings]) -> "Difference":
        """Return what has to be done to `old` to have `new`."""
        return cls(
            added=tuple(name for name in new if name not in old),
            removed=tuple(name for name in old if name not in new),
            changed=tuple(name for name in new if name in old and new[name] != old[name]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Running:
    camera: Camera
    settings: SourceSettings
    task: asyncio.Task[None]


class CameraSet(Mapping[str, Camera]):
    """Cameras by name. All methods belong to one event loop."""

    def __init__(self, shared: Shared, tasks: TaskGroup, opener: SourceOpener) -> None:
        """Make an empty set.

        Args:
            shared: what its cameras share.
            tasks: the group that they run in.
            opener: makes their sources.
        """
        self._shared = shared
        self._tasks = tasks
        self._opener = opener
        self._running: dict[str, _Running] = {}
        self._changed = asyncio.Condition()

    def __getitem__(self, name: str) -> Camera:
        """Return a camera.

        Raises:
            UnknownNameError: there is none of that name.
        """
        if name not in self._running:
            message = f"no camera is named '{name}'; there are: {', '.join(self._running) or 'none'}"
            raise UnknownNameError(message)
        return self._running[name].camera

    def __iter__(self) -> Iterator[str]:
        return iter(self._running)

    def __len__(self) -> int:
        return len(self._running)

    def state(self, name: str) -> CameraState:
        """Return the state of one camera.

        Raises:
            UnknownNameError: there is none of that name.
        """
        state = self[name].state()
        return replace(state, source="paused") if self._running[name].settings.paused else state

    def states(self) -> tuple[CameraState, ...]:
        """Return the state of every camera."""
        return tuple(self.state(name) for name in self._running)

    def check(self, cameras: Mapping[str, SourceSettings]) -> None:
        """Do nothing if each of `cameras` could run.

        Raises:
            UnsupportedSourceError: the URL of one is malformed or cannot be read here.
        """
        for source in cameras.values():
            self._opener(source, None)

    async def apply(self, settings: Settings, difference: Difference) -> None:
        """End, start and restart what differs, and nothing else.

        Args:
            settings: of everything, for cameras that start from now on.
            difference: of its cameras from those that run.
        """
        self._shared = replace(self._shared, settings=settings)
        for name in difference.removed:
            await self._end(name)
            self._shared.hub.remove_camera(name)
            self._shared.metrics.forget(name)
            self._shared.bus.forget(name)
            if self._shared.archive is not None:
                self._shared.archive.forget(name)
        for name in difference.changed:
            await self._end(name)
            await self._start(name)
        for name in difference.added:
            await self._start(name)
        await self._tell_changed()

    async def ended(self) -> None:
        """Wait until there are cameras and all of them have ended by themselves."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: bool(self._running) and all(running.task.done() for running in self._running.values())
            )

    def cancel(self) -> None:
        """Make all cameras end."""
        for running in self._running.values():
            running.task.cancel()

    async def _start(self, name: str) -> None:
        settings = self._shared.settings.cameras[name]
        archive = self._shared.archive
        source = self._opener(settings, archive.ring(name, settings) if archive is not None else None)
        camera = Camera(name, source, self._shared, watched=settings, priority=settings.priority)
        entered = asyncio.Event()
        task = self._tasks.create_task(self._run(camera, settings, entered), name=f"camera {name}")
        self._running[name] = _Running(camera, settings, task)
        await entered.wait()

    async def _end(self, name: str) -> None:
        task = self._running.pop(name).task
        task.cancel()
        await asyncio.wait([task])

    async def _run(self, camera: Camera, settings: SourceSettings, entered: asyncio.Event) -> None:
        """Live one camera's life, from its first try to its end; one that is paused waits to be changed."""
        async with camera:
            entered.set()
            if settings.paused:
                self._shared.metrics.source_up.labels(camera.name).set(0)
                await self._shared.bus.publish(self.state(camera.name))
                await asyncio.Event().wait()
            await supervise(f"camera {camera.name}", camera.run, camera.fail, fatal=(SourceError, ModelError))
        await self._tell_changed()

    async def _tell_changed(self) -> None:
        async with self._changed:
            self._changed.notify_all()
