"""The composition root: every camera, the views, HTTP, MQTT, in one task group."""

import logging
from asyncio import TaskGroup
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from types import TracebackType
from typing import Final, Self

import cv2
import torch

from configs.settings import Settings
from configs.store import ConfigStore, MemoryStore
from pipeline.camera import Shared
from pipeline.camera_set import CameraSet, Difference
from pipeline.event_bus import EventBus
from pipeline.frame_path import Sizes
from pipeline.frame_threads import FrameThreads
from pipeline.heartbeat import Systemd, beat
from pipeline.live_config import LiveConfig
from pipeline.networks import Networks
from pipeline.observer import Observer
from pipeline.retraining.worker import RetrainingWorker
from stream.backend import Command, KeyframeThumbnail, Timeline
from stream.channel import Channel
from stream.errors import SourceError
from stream.event_archive import EventArchive
from stream.events import CameraState, Event
from stream.http.app import Extension, create_app
from stream.http.cameras import cameras_router
from stream.http.history import history_router
from stream.http.maps import maps_router
from stream.http.mjpeg import mjpeg_router
from stream.http.server import HttpServer
from stream.inlet import Inlet
from stream.metrics import Metrics
from stream.mjpeg import MjpegStreams
from stream.mqtt import MqttPublisher
from stream.mqtt_topics import AdaptCommand
from stream.push import Push
from stream.saliency_map import SaliencyMap
from stream.sinks.sinks import Sinks
from stream.source import open_source
from stream.views import ViewHub
from stream.webrtc import WebRtcSessions

_log = logging.getLogger("livesal.service")

_USUAL: Final = (720, 1280)
"""Height and width of what most cameras send, or of the same shape."""

_COMMANDS: Final[Mapping[AdaptCommand, Command]] = {"ON": "on", "OFF": "off", "RESET": "reset", "FORCE": "force"}


class Service:
    """All of livesal, running; also what HTTP asks (`stream.backend.Backend`).

    Attributes:
        settings: of everything.
        url: of the preview page, once the service is entered.
        bus: events of all cameras.
        metrics: of the whole service.
        config: the settings that are in force, and what changes them.
    """

    def __init__(
        self,
        settings: Settings,
        store: ConfigStore | None = None,
        on_settings: Callable[[Settings], None] = lambda _: None,
        observer: Observer | None = None,
    ) -> None:
        """Compose the service; nothing is opened yet.

        Args:
            settings: to begin with.
            store: where they come from and changes are kept; by default in memory.
            on_settings: told of the settings whenever they change.
            observer: told of every frame.

        Raises:
            UnsupportedSourceError: a camera's URL is malformed or cannot be read here.
        """
        self.settings = settings
        self._on_settings = on_settings
        self.url = ""
        self.bus = EventBus()
        self.metrics = Metrics()
        self._build_thread = ThreadPoolExecutor(1, thread_name_prefix="build")
        self._networks = Networks(settings.method, self._build_thread)
        self._threads = FrameThreads(settings.method.threads)
        self._worker = RetrainingWorker()
        self._systemd = Systemd()
        self._hub = ViewHub(settings.webrtc.encoding, self.metrics, on_packet=observer.coded if observer else None)
        self._sessions = WebRtcSessions(self._hub, settings.webrtc)
        self._archive = EventArchive(settings.events, self.metrics)
        self._sinks = Sinks(settings.events, self.metrics)
        self._mqtt: MqttPublisher | None = None
        self._tasks = TaskGroup()
        self._pushes: list[Push] = []
        shared = Shared(
            settings,
            self._networks,
            self._threads,
            self._worker,
            self._hub,
            self.bus,
            self.metrics,
            self._archive,
            observer,
        )
        self._cameras = CameraSet(shared, self._tasks, lambda source, ring: open_source(source, paced=True, ring=ring))
        self._cameras.check(settings.cameras)
        self.config = LiveConfig(
            settings, store or MemoryStore(settings), self._cameras, self.metrics, self._on_configuration
        )
        self._stack = AsyncExitStack()
        self._ready = False

    async def __aenter__(self) -> Self:
        """Load the networks, listen, and start the cameras.

        Raises:
            ModelError: a network cannot be loaded.
            AddressInUseError: the HTTP port is taken.
            OutputError: the database of events, the folder of clips or the file of events cannot be used.
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
        self._systemd.tell("STOPPING=1")
        await self._stack.__aexit__(kind, error, trace)

    async def wait(self) -> None:
        """Wait until every camera has ended, which live ones and paused ones never do.

        Raises:
            SourceError: every one of them was given up; the message says why.
        """
        await self._cameras.ended()
        errors = [f"{state.camera}: {state.error}" for state in self.cameras() if state.source == "down"]
        if errors and len(errors) == len(self._cameras):
            message = "every camera was given up: " + "; ".join(errors)
            raise SourceError(message)

    def cameras(self) -> Sequence[CameraState]:
        """Return the state of every camera."""
        return self._cameras.states()

    def camera(self, name: str) -> CameraState:
        """Return the state of one camera; see `Backend`."""
        return self._cameras.state(name)

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
        return self._cameras[name].keyframes()

    def keyframe(self, name: str, number: int) -> KeyframeThumbnail | None:
        """Return one keyframe, also for a while after it left the window; see `Backend`."""
        return self._cameras[name].keyframe(number)

    def saliency_map(self, name: str, view: str) -> SaliencyMap:
        """Return a camera's newest map; see `MapSource`."""
        return self._cameras[name].saliency_map(view)

    def timeline(self, name: str) -> Timeline:
        """Return the last minutes of a camera; see `Backend`."""
        return self._cameras[name].timeline()

    def inlet(self, name: str) -> Inlet | None:
        """Return where a camera's publisher comes in; see `Backend`."""
        return self._cameras[name].inlet

    async def command(self, name: str, command: Command) -> None:
        """Tell a camera's adaptation what to do; see `Backend`."""
        await self._cameras[name].command(command)

    @property
    def mqtt_connected(self) -> bool | None:
        """Whether the MQTT broker is there; None where none is asked for."""
        return self._mqtt.connected if self._mqtt else None

    @property
    def mqtt_address(self) -> str:
        """Host and port of the MQTT broker; empty where none is asked for."""
        settings = self.settings.mqtt
        return f"{settings.host}:{settings.port}" if settings.host else ""

    async def _start(self) -> None:
        self._stack.enter_context(self._systemd)
        self._stack.callback(self._build_thread.shutdown, wait=False, cancel_futures=True)
        await self._networks.load()
        await self._stack.enter_async_context(self._hub)
        self._stack.enter_context(self._threads)
        self._stack.push_async_callback(self._worker.stop)
        await self._stack.enter_async_context(self._sessions)
        streams = await self._stack.enter_async_context(MjpegStreams(self._hub, self.settings.http, self.metrics))
        await self._stack.enter_async_context(self._archive)
        await self._stack.enter_async_context(self._sinks)
        app = create_app(
            self,
            self._hub,
            self._sessions,
            self.metrics,
            http=self.settings.http,
            extensions=(
                Extension(cameras_router(self.config)),
                Extension(mjpeg_router(streams), streams.close),
                Extension(maps_router(self.saliency_map)),
                Extension(history_router(self._archive)),
            ),
        )
        server = await self._stack.enter_async_context(HttpServer(app, self.settings.http))
        self.url = server.url
        await self._stack.enter_async_context(self._tasks)
        self._stack.callback(self._stop_tasks)
        self._stack.push_async_callback(self.bus.close)
        preparing = self._tasks.create_task(self._prepare(), name="networks ahead")
        self._stack.callback(preparing.cancel)
        self._tasks.create_task(self._archive.run(self.bus.subscribe), name="event archive")
        self._tasks.create_task(self._sinks.run(self.bus.subscribe), name="event sinks")
        self._start_mqtt()
        self._start_pushes()
        if self.settings.adaptation.enabled:
            await self._worker.start()  # warm before the first round; else it starts when someone asks for one
        await self._cameras.apply(self.settings, Difference.between({}, self.settings.cameras))
        await self._stack.enter_async_context(self.config)
        beating = self._tasks.create_task(beat(self._systemd, self._threads.longest), name="heartbeat")
        self._stack.callback(beating.cancel)
        self._ready = True
        self._systemd.tell("READY=1")

    async def _prepare(self) -> None:
        """Make the networks ready for pictures of the usual shape while the first camera is still being opened."""
        if self.settings.cameras:
            with suppress(Exception):  # a network of the user's own may raise anything; the camera that needs it tells
                await self._networks.prepare(Sizes.of(_USUAL, self.settings.method).working)

    def _on_configuration(self, settings: Settings, difference: Difference) -> None:
        """Take note of a change that is about to be made."""
        self.settings = settings
        self._on_settings(settings)
        for name in difference.removed:
            self._sessions.end_camera(name)
        if self._mqtt is not None:
            for name in difference.added:
                self._mqtt.add_camera(name)
            for name in difference.removed:
                self._mqtt.remove_camera(name)

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
            self.settings.cameras,
            snapshot=lambda name: self._cameras[name].snapshot(),
            command=self._on_mqtt_command,
        )
        self._tasks.create_task(self._mqtt.run(), name="mqtt")
        self._tasks.create_task(self._feed_mqtt(self._mqtt), name="mqtt feed")

    async def _feed_mqtt(self, publisher: MqttPublisher) -> None:
        async with self.bus.subscribe() as events:
            async for event in events:
                publisher.publish(event)
                self.metrics.mqtt_connected.set(publisher.connected)

    def _on_mqtt_command(self, name: str, command: AdaptCommand) -> None:
        self._tasks.create_task(self.command(name, _COMMANDS[command]), name=f"mqtt command {name}")

    def _stop_tasks(self) -> None:
        self._cameras.cancel()
        for push in self._pushes:
            push.close()
        if self._mqtt is not None:
            self._mqtt.close()
