"""A view that is sent to an SFU by WHIP for as long as livesal runs: the way to many viewers, and through NAT."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Final

import httpx
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError

from configs.output import WebRtcSettings
from configs.source import ReconnectSettings
from configs.webrtc import PushSettings
from stream.backoff import Backoff
from stream.errors import PushError, UnknownNameError
from stream.ice import advertise, configuration
from stream.metrics import Metrics
from stream.video_sender import send_view, with_mux_only
from stream.views import ViewHub
from stream.whip_client import WhipClient

_log = logging.getLogger(__name__)

CONNECT_TIMEOUT: Final = 30.0
"""Seconds from the SFU's answer to a connection."""
RECONNECT: Final = ReconnectSettings.model_validate({"initial": 1.0, "maximum": 30.0})
"""Pauses between tries."""
_LONGEST_PAUSE: Final = 300.0
"""Seconds of an SFU's Retry-After that are obeyed."""
_UNUSABLE: Final = (ValueError, AttributeError, AssertionError, InvalidAccessError, InvalidStateError, OperationError)
"""What aiortc answers an answer that does not fit."""


class Push:
    """One view on its way to one SFU. It shares the encode of the view's other viewers."""

    def __init__(
        self,
        settings: PushSettings,
        webrtc: WebRtcSettings,
        hub: ViewHub,
        metrics: Metrics,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        backoff: Backoff | None = None,
    ) -> None:
        """Make a push that is started by `run`.

        Args:
            settings: what goes where.
            webrtc: the ways through the network.
            hub: the views.
            metrics: where its state is shown.
            transport: of HTTP, in place of the network's.
            connect_timeout: seconds from the SFU's answer to a connection.
            backoff: pauses between tries.
        """
        target = httpx.URL(settings.url.get_secret_value())
        self.name = f"push of {settings.camera}/{settings.view} to {target.host}"
        self._settings = settings
        self._webrtc = webrtc
        self._hub = hub
        labels = (settings.camera, settings.view, f"{target.host}:{target.port}" if target.port else target.host)
        self._up = metrics.push_up.labels(*labels)
        self._failures = metrics.push_failures.labels(*labels)
        self._transport = transport
        self._connect_timeout = connect_timeout
        self._backoff = backoff or Backoff(RECONNECT, Random())  # noqa: S311 - jitter is no secret
        self._closed = False
        self._scope: asyncio.Timeout | None = None

    def close(self) -> None:
        """End the push: whatever `run` waits for is over, it takes leave of the SFU and returns."""
        self._closed = True
        if self._scope is not None:
            self._scope.reschedule(0)

    async def run(self) -> None:
        """Push until `close` is called; what fails is tried again."""
        trusted = await asyncio.to_thread(httpx.create_ssl_context)  # reads files, once
        async with httpx.AsyncClient(verify=trusted, transport=self._transport) as http:
            client = WhipClient(http, self._settings.url, self._settings.token)
            while not self._closed:
                try:
                    await self._publish(client)
                except (PushError, UnknownNameError) as error:
                    await self._wait_after(error)

    async def _publish(self, client: WhipClient) -> None:
        """Send the view until the push is closed; the leave-taking is not interrupted.

        Raises:
            PushError: it is not taken, or the connection was lost.
            UnknownNameError: there is no such camera or view (now).
        """
        settings = self._settings
        async with AsyncExitStack() as stack:
            viewer = stack.enter_context(self._hub.watch(settings.camera, settings.view, settings.codec))
            connection = RTCPeerConnection(configuration(self._webrtc.ice_servers))
            stack.push_async_callback(connection.close)
            settled, ended = _follow(connection)
            send_view(connection, viewer, settings.codec).on("ended", ended.set)
            async with self._until_closed():
                await connection.setLocalDescription()
                offer = advertise(with_mux_only(connection.localDescription.sdp), self._webrtc.advertised_hosts)
                publication = await client.publish(offer)
                stack.push_async_callback(client.leave, publication)
                await _accept(connection, publication.answer)
                await self._connect(connection, settled)
                stack.callback(self._up.set, 0)
                self._up.set(1)
                self._backoff.reset()
                _log.info("%s: it is taken", self.name)
                await ended.wait()
                message = "the connection was lost"
                raise PushError(message)

    @asynccontextmanager
    async def _until_closed(self) -> AsyncIterator[None]:
        """Leave the block at once when the push is closed, wherever it waits."""
        try:
            async with asyncio.timeout(0 if self._closed else None) as self._scope:
                yield
        except TimeoutError:
            if not self._closed:
                raise
        finally:
            self._scope = None

    async def _connect(self, connection: RTCPeerConnection, settled: asyncio.Event) -> None:
        message = "the SFU took the view, but no media gets through by UDP: see webrtc.ice_servers"
        try:
            async with asyncio.timeout(self._connect_timeout):
                await settled.wait()
        except TimeoutError:
            raise PushError(message) from None
        if connection.connectionState != "connected":
            raise PushError(message)

    async def _wait_after(self, error: PushError | UnknownNameError) -> None:
        self._failures.inc()
        wanted = error.retry_after if isinstance(error, PushError) else 0.0
        pause = max(self._backoff.next(), min(wanted, _LONGEST_PAUSE))
        _log.warning("%s: %s; next try in %.1f s", self.name, error, pause)
        async with self._until_closed():
            await asyncio.sleep(pause)


async def _accept(connection: RTCPeerConnection, answer: str) -> None:
    try:
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    except _UNUSABLE as error:
        message = f"the SFU's answer cannot be used ({error or type(error).__name__})"
        raise PushError(message) from None


def _follow(connection: RTCPeerConnection) -> tuple[asyncio.Event, asyncio.Event]:
    """Return two events: the connection stands or has ended; it has ended."""
    settled, ended = asyncio.Event(), asyncio.Event()

    def follow() -> None:
        if connection.connectionState in {"failed", "closed"}:
            ended.set()
        if connection.connectionState in {"connected", "failed", "closed"}:
            settled.set()

    connection.on("connectionstatechange", follow)
    return settled, ended
