"""MQTT out and in: the connection is kept, and every event finds its way out when the broker is there.

`aiomqtt` (asyncio-mqtt under its present name) has no reconnect loop and waits for each acknowledgement, so this keeps
the loop, and a bounded outbox in front. On every connect: subscribe, then the state of everything, `online` last.
"""

import asyncio
import logging
import math
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from random import Random
from typing import Final

import aiomqtt

from configs.output import MqttSettings
from configs.source import ReconnectSettings
from stream.backoff import Backoff
from stream.errors import BrokerError
from stream.event_json import event_camera
from stream.events import Event
from stream.home_assistant import BIRTH, discovery, removal, status_topic
from stream.mqtt_camera import CameraDesk
from stream.mqtt_connection import connected
from stream.mqtt_outbox import Outbox
from stream.mqtt_snapshots import take_snapshots
from stream.mqtt_topics import AdaptCommand, Message, Topics, availability, read_command, snapshot_message

RECONNECT: Final = ReconnectSettings.model_validate({"maximum": 30.0})
"""The default pauses between two tries to connect."""

_FAREWELL: Final = 2.0
"""Seconds that a clean end waits for what is queued, and again for the last `offline`."""

_log = logging.getLogger(__name__)


class MqttPublisher:
    """Publishes the events of cameras, and hands on the commands that come back.

    `run` is the task; `publish` may be called before, during and after it, on the same event loop.

    Attributes:
        connected: whether the broker has been told that livesal is online.
        connects: how often that was so.
        problem: why there is no connection, in one line; empty while there is one or none was tried.
        client_id: as the broker knows it.
        topics: the topic tree.
    """

    def __init__(  # noqa: PLR0913 - the last four have defaults that only tests change
        self,
        settings: MqttSettings,
        cameras: Iterable[str],
        *,
        snapshot: Callable[[str], bytes | None] | None = None,
        command: Callable[[str, AdaptCommand], None] | None = None,
        reconnect: ReconnectSettings = RECONNECT,
        timeout: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        """Make a publisher that is not connected yet.

        Args:
            settings: where the broker is, and how often to tell what.
            cameras: those that are there from the start.
            snapshot: gives a camera's newest picture as JPEG; called in a thread.
            command: told of each command for the adaptation of a known camera; must not block.
            reconnect: the pauses between two tries.
            timeout: seconds that the broker has for each answer.
            clock: monotonic seconds.
            random: jitter of the pauses.

        Raises:
            ValueError: the settings name no broker.
        """
        if not settings.host:
            message = "mqtt.host is not set: there is no broker to publish to; set it, or leave MQTT out"
            raise ValueError(message)
        self.connected = False
        self.connects = 0
        self.problem = ""
        self.client_id = settings.client_id or f"livesal-{secrets.token_hex(4)}"
        self.topics = Topics(settings.prefix)
        self._settings = settings
        self._snapshot = snapshot
        self._command = command
        self._backoff = Backoff(reconnect, random or Random())  # noqa: S311 - jitter is no secret
        self._timeout = timeout
        self._clock = clock
        self._outbox = Outbox(settings.outbox)
        self._unknown = 0
        self._desks: dict[str, CameraDesk] = {}
        self._stirred = asyncio.Event()
        self._closing = asyncio.Event()
        for camera in cameras:
            self.add_camera(camera)

    @property
    def dropped(self) -> dict[str, int]:
        """Messages that were never delivered, by cause."""
        unknown = {"unknown-camera": self._unknown} if self._unknown else {}
        return {**self._outbox.dropped, **unknown}

    def publish(self, event: Event) -> None:
        """Tell `event`, now or as soon as the broker is there; never waits.

        An event of a camera that was not added, or was removed, is dropped and counted.
        """
        desk = self._desks.get(event_camera(event))
        if desk is None:
            self._unknown += 1
        else:
            self._queue(desk.tell(event, self._clock()))
            self._stirred.set()

    def add_camera(self, camera: str) -> None:
        """Tell of `camera` from now on; if it is known already, nothing changes."""
        if camera not in self._desks:
            desk = CameraDesk(camera, self.topics, self._settings)
            self._desks[camera] = desk
            self._queue(self._all_of(desk))

    def remove_camera(self, camera: str) -> None:
        """Tell of `camera` no more, and take away what the broker retained of it."""
        if self._desks.pop(camera, None) is not None:
            topics = (self.topics.of(camera, leaf) for leaf in ("available", "state", "adapt/state"))
            self._queue(Message(topic=topic, payload=b"", retain=True, replaceable=False) for topic in topics)
            if self._settings.discovery:
                self._queue([removal(self._settings.discovery, self.topics, camera)])

    def close(self) -> None:
        """Let `run` end: what is queued is sent if that is quick, then `offline`."""
        self._closing.set()

    async def run(self) -> None:
        """Stay connected and publish, until `close` is called or the task is cancelled; both end with `offline`."""
        async with asyncio.TaskGroup() as tasks:
            side = [tasks.create_task(self._keep_time(), name="mqtt-time")]
            if self._snapshot is not None:
                snapshots = take_snapshots(
                    self._snapshot, self._settings.snapshot_interval, self._wanting, self._put_snapshot
                )
                side.append(tasks.create_task(snapshots, name="mqtt-snapshots"))
            await self._stay_connected()
            for task in side:
                task.cancel()

    async def _stay_connected(self) -> None:
        while not self._closing.is_set():
            try:
                await self._session()
            except BrokerError as error:
                if self._closing.is_set():
                    break
                self._report(str(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._backoff.next()):
                        await self._closing.wait()

    async def _session(self) -> None:
        """Connect, and publish until `close` is called.

        Raises:
            BrokerError: there is no connection, or it was lost.
        """
        will = availability(self.topics.available, online=False)
        async with connected(self._settings, self.client_id, will, self._timeout) as client:
            try:
                await self._greet(client)
                await self._serve(client)
            finally:
                self.connected = False
                await self._part(client)

    async def _greet(self, client: aiomqtt.Client) -> None:
        """Tell a broker that may have forgotten all: subscribe, then all states, then `online`."""
        await client.subscribe(self.topics.commands, qos=1)
        if self._settings.discovery:
            await client.subscribe(status_topic(self._settings.discovery), qos=1)
        self._outbox.forget_replaceable()
        for message in self._everything():
            await _send(client, message)
        await _send(client, availability(self.topics.available, online=True))
        self.connected = True
        self.connects += 1
        self.problem = ""
        self._backoff.reset()
        _log.info("connected to the MQTT broker %s:%d", self._settings.host, self._settings.port)

    async def _serve(self, client: aiomqtt.Client) -> None:
        async with asyncio.TaskGroup() as tasks:
            busy = [
                tasks.create_task(self._listen(client), name="mqtt-listen"),
                tasks.create_task(self._deliver(client), name="mqtt-deliver"),
            ]
            await self._closing.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await self._outbox.emptied()
            for task in busy:
                task.cancel()

    async def _part(self, client: aiomqtt.Client) -> None:
        """Say `offline`: after a clean end the broker does not send the last will."""
        with suppress(aiomqtt.MqttError, TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await _send(client, availability(self.topics.available, online=False))

    async def _deliver(self, client: aiomqtt.Client) -> None:
        while True:
            message = await self._outbox.first()
            await _send(client, message)
            self._outbox.done(message)

    def _everything(self) -> list[Message]:
        """Return all that a broker or Home Assistant has to know: first of all cameras what they are."""
        found = [self._all_of(desk) for desk in self._desks.values()]
        count = 1 if self._settings.discovery else 0
        return [message for one in found for message in one[:count]] + [
            message for one in found for message in one[count:]
        ]

    def _all_of(self, desk: CameraDesk) -> list[Message]:
        prefix = self._settings.discovery
        introduction = [discovery(prefix, self.topics, desk.camera)] if prefix else []
        return introduction + desk.everything(self._clock())

    async def _listen(self, client: aiomqtt.Client) -> None:
        birth = status_topic(self._settings.discovery) if self._settings.discovery else None
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else str(message.payload).encode()
            if str(message.topic) == birth:
                if payload == BIRTH and not message.retain:
                    self._queue(self._everything())
                continue
            try:
                camera, command = read_command(self.topics, str(message.topic), payload, retained=message.retain)
            except ValueError as error:
                _log.warning("command ignored: %s", error)
                continue
            if camera not in self._desks:
                _log.warning("command ignored: there is no camera '%s'", camera)
            elif self._command is not None:
                self._command(camera, command)

    async def _keep_time(self) -> None:
        """Queue what becomes due while nothing else happens."""
        while True:
            self._stirred.clear()
            now = self._clock()
            for desk in self._desks.values():
                self._queue(desk.tick(now))
            due = min((desk.due for desk in self._desks.values()), default=math.inf)
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due == math.inf else max(due - now, 0.0)):
                    await self._stirred.wait()

    def _wanting(self) -> list[str]:
        """Return the cameras whose picture is new; none without a connection, for old pictures are of no use."""
        return [desk.camera for desk in self._desks.values() if desk.wants_snapshot()] if self.connected else []

    def _put_snapshot(self, camera: str, jpeg: bytes) -> None:
        if camera in self._desks:
            self._outbox.put(snapshot_message(self.topics, camera, jpeg))

    def _queue(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._outbox.put(message)

    def _report(self, problem: str) -> None:
        """Log why there is no connection, once until the reason changes."""
        if problem != self.problem:
            _log.warning("no MQTT broker at %s:%d: %s; trying on", self._settings.host, self._settings.port, problem)
        self.problem = problem


async def _send(client: aiomqtt.Client, message: Message) -> None:
    await client.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)
