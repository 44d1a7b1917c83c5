"""The composition root: every camera, the views, HTTP, MQTT, in one task group."""

import asyncio
import logging
import os
from asyncio import TaskGroup
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Final, Self

import cv2
import sdnotify
import torch

from configs.settings import Settings
from models.errors import ModelError
from pipeline.camera import Camera, Shared
from pipeline.event_bus import EventBus
from pipeline.networks import Networks
from pipeline.supervisor import supervise
from stream.backend import Command, KeyframeThumbnail, Timeline
from stream.channel import Channel
from stream.errors import SourceError, UnknownNameError
from stream.events import CameraState, Event
from stream.http.app import create_app
from stream.http.server import HttpServer
from stream.metrics import Metrics
from stream.mqtt import MqttPublisher
from stream.mqtt_topics import AdaptCommand
from stream.push import Push
from stream.source import open_source
from stream.views import ViewHub
from stream.webrtc import WebRtcSessions

_log = logging.getLogger("livesal.service")

_COMMANDS: Final[Mapping[AdaptCommand, Command]] = {"ON": "on", "OFF": "off", "RESET": "reset", "FORCE": "force"}


class Service:
    """All of livesal, running; also what HTTP asks (`stream.backend.Backend`).

    Attributes:
        settings: of everything.
        url: of the preview page, once the service is entered.
        bus: events of all cameras.
        metrics: of the whole service.
    """

    def __init__(self, settings: Settings) -> None:
        """Compose the service; nothing is opened yet.

        Raises:
            UnsupportedSourceError: a camera's URL is malformed or cannot be read here.
        """
        self.settings = settings
        self.url = ""
        self.bus = EventBus()
        self.metrics = Metrics()
        self._build_thread = ThreadPoolExecutor(1, thread_name_prefix="build")
        self._networks = Networks(settings.method, self._build_thread)
        self._hub = ViewHub(settings.webrtc.encoding, self.metrics)
        self._sources = {name: open_source(source, paced=True) for name, source in settings.cameras.items()}
        self._cameras: dict[str, Camera] = {}
        self._mqtt: MqttPublisher | None = None
        self._tasks = TaskGroup()
        self._running: list[asyncio.Task[None]] = []
        self._pushes: list[Push] = []
        self._stack = AsyncExitStack()
        self._ready = False

    async def __aenter__(self) -> Self:
        """Load the networks, listen, and start the cameras.

        Raises:
            ModelError: a network cannot be loaded.
            AddressInUseError: the HTTP port is taken.
        """
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _notify("STOPPING=1")
        await self._stack.__aexit__(kind, error, trace)

    async def wait(self) -> None:
        """Wait until every camera has ended, which live ones never do.

        Raises:
            SourceError: every one of them was given up; the message says why.
        """
        await asyncio.gather(*self._running)
        errors = [f"{state.camera}: {state.error}" for state in self.cameras() if state.source == "down"]
        if errors and len(errors) == len(self._cameras):
            message = "every camera was given up: " + "; ".join(errors)
            raise SourceError(message)

    def cameras(self) -> Sequence[CameraState]:
        """Return the state of every camera."""
        return tuple(camera.state() for camera in self._cameras.values())

    def camera(self, name: str) -> CameraState:
        """Return the state of one camera; see `Backend`."""
        return self._named(name).state()

    def subscribe(self) -> AbstractAsyncContextManager[Channel[Event]]:
        """Give a channel of all events from now on; see `Backend`."""
        return self.bus.subscribe()

    def recent_events(self) -> Sequence[Event]:
        """Return the last region and adaptation events; see `Backend`."""
        return self.bus.recent()

    def ready(self) -> bool:
        """Return whether every network is loaded and frames can be served."""
        return self._ready

    def keyframes(self, name: str) -> Sequence[KeyframeThumbnail]:
        """Return the keyframes in a camera's window; see `Backend`."""
        return self._named(name).keyframes()

    def keyframe(self, name: str, number: int) -> KeyframeThumbnail | None:
        """Return one keyframe, also for a while after it left the window; see `Backend`."""
        return self._named(name).keyframe(number)

    def timeline(self, name: str) -> Timeline:
        """Return the last minutes of a camera; see `Backend`."""
        return self._named(name).timeline()

    async def command(self, name: str, command: Command) -> None:
        """Tell a camera's adaptation what to do; see `Backend`."""
        await self._named(name).command(command)

    @property
    def mqtt_connected(self) -> bool | None:
        """Whether the MQTT broker is there; None where none is asked for."""
        return self._mqtt.connected if self._mqtt else None

    @property
    def mqtt_address(self) -> str:
        """Host and port of the MQTT broker; empty where none is asked for."""
        settings = self.settings.mqtt
        return f"{settings.host}:{settings.port}" if settings.host else ""

    def _named(self, name: str) -> Camera:
        if name not in self._cameras:
            message = f"no camera is named '{name}'; there are: {', '.join(self._cameras) or 'none'}"
            raise UnknownNameError(message)
        return self._cameras[name]

    async def _start(self) -> None:
        self._stack.callback(self._build_thread.shutdown, wait=False, cancel_futures=True)
        await self._networks.load()
        await self._stack.enter_async_context(self._hub)
        sessions = await self._stack.enter_async_context(WebRtcSessions(self._hub, self.settings.webrtc))
        shared = Shared(self.settings, self._networks, self._hub, self.bus, self.metrics)
        for name, source in self._sources.items():
            self._cameras[name] = await self._stack.enter_async_context(Camera(name, source, shared))
        app = create_app(
            self,
            self._hub,
            sessions,
            self.metrics,
            http=self.settings.http,
        )
        server = await self._stack.enter_async_context(HttpServer(app, self.settings.http))
        self.url = server.url
        await self._stack.enter_async_context(self._tasks)
        self._stack.callback(self._stop_tasks)
        self._stack.push_async_callback(self.bus.close)
        self._start_mqtt()
        self._start_pushes()
        for camera in self._cameras.values():
            self._running.append(self._tasks.create_task(self._supervise(camera), name=f"camera {camera.name}"))
        self._tasks.create_task(self._heartbeat(), name="heartbeat")
        self._ready = True
        _notify("READY=1")

    async def _supervise(self, camera: Camera) -> None:
        await supervise(f"camera {camera.name}", camera.run, camera.fail, fatal=(SourceError, ModelError))

    def _start_pushes(self) -> None:
        for settings in self.settings.webrtc.push:
            push = Push(settings, self.settings.webrtc, self._hub, self.metrics)
            self._pushes.append(push)
            self._tasks.create_task(push.run(), name=push.name)

    def _start_mqtt(self) -> None:
        if self.settings.mqtt.host is None:
            return
        self._mqtt = MqttPublisher(
            self.settings.mqtt,
            self._cameras,
            snapshot=lambda name: self._named(name).snapshot(),
            command=self._on_mqtt_command,
        )
        self._tasks.create_task(self._mqtt.run(), name="mqtt")
        self._tasks.create_task(self._feed_mqtt(self._mqtt), name="mqtt feed")

    async def _feed_mqtt(self, publisher: MqttPublisher) -> None:
        async with self.bus.subscribe() as events:
            async for event in events:
                publisher.publish(event)
                self.metrics.mqtt_connected.set(publisher.connected)

    async def _heartbeat(self) -> None:
        """Tell systemd that the pipeline lives: cameras tell their states as long as their loop turns."""
        async with self.bus.subscribe() as events:
            async for event in events:
                if isinstance(event, CameraState):
                    _notify("WATCHDOG=1")

    def _on_mqtt_command(self, name: str, command: AdaptCommand) -> None:
        self._tasks.create_task(self.command(name, _COMMANDS[command]), name=f"mqtt command {name}")

    def _stop_tasks(self) -> None:
        for task in self._running:
            task.cancel()
        for push in self._pushes:
            push.close()
        if self._mqtt is not None:
            self._mqtt.close()


def _notify(state: str) -> None:
    """Tell systemd, where it started us."""
    if "NOTIFY_SOCKET" in os.environ:
        sdnotify.SystemdNotifier().notify(state)
