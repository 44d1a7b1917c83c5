"""WebRTC viewers: from a player's offer to a session that ends with its player, its view or its owner."""

import asyncio
import logging
import re
import secrets
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidStateError, OperationError
from aiortc.sdp import candidate_from_sdp

from configs.output import WebRtcSettings
from configs.webrtc import Codec
from stream.errors import SessionError, TooManyViewersError, UnknownNameError, UnplayableOfferError
from stream.ice import advertise, configuration
from stream.offer import Offer
from stream.video_sender import send_view, with_mux_only
from stream.viewer import Viewer
from stream.views import ViewHub

_log = logging.getLogger(__name__)

CONNECT_TIMEOUT: Final = 30.0
"""Seconds that a session may take from its answer to its first packet."""

_PLACEHOLDER: Final = "1 1 udp 1 127.0.0.1 9 typ host"
"""A candidate nobody answers: aiortc gives up at once on an offer without any, though the player's may trickle in."""


@dataclass(eq=False, slots=True)
class Session:
    """One viewer's session.

    Attributes:
        id: unguessable name in its URL.
        etag: entity tag of its ICE session.
        answer: SDP for the player.
        camera: name of the camera.
        view: name of the view.
        codec: of the video.
        connection: aiortc's peer connection.
        ice_name: the player's ICE user name fragment, which a trickle must match.
        ended: set when the session is to be closed.
        released: set when it holds nothing any more: its viewer has left, its connection is closed.
    """

    camera: str
    view: str
    codec: Codec
    connection: RTCPeerConnection
    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    etag: str = field(default_factory=lambda: f'"{secrets.token_hex(8)}"')
    answer: str = ""
    ice_name: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


class WebRtcSessions:
    """All viewers' sessions; each lives in its own task.

    Attributes:
        settings: of all of them.
    """

    def __init__(self, hub: ViewHub, settings: WebRtcSettings, *, connect_timeout: float = CONNECT_TIMEOUT) -> None:
        """Make a room for at most `settings.maximum_viewers` sessions; one unconnected after the timeout is ended."""
        self._hub = hub
        self.settings = settings
        self._connect_timeout = connect_timeout
        self._sessions: dict[str, Session] = {}
        self._opening = 0
        self._tasks = asyncio.TaskGroup()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._tasks)
        self._stack.callback(self._end_all)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def __len__(self) -> int:
        """Return how many sessions there are."""
        return len(self._sessions)

    def check(self, camera: str, view: str) -> None:
        """Do nothing if there is such a view.

        Raises:
            UnknownNameError: no such camera or view; the message lists what there is.
        """
        self._hub.check(camera, view)

    def get(self, camera: str, view: str, name: str) -> Session:
        """Return a session of a view.

        Raises:
            UnknownNameError: it is over, or never was.
        """
        session = self._sessions.get(name)
        if session is None or (session.camera, session.view) != (camera, view):
            message = "there is no such session of this view; it may have ended"
            raise UnknownNameError(message)
        return session

    async def open(self, camera: str, view: str, offer: Offer) -> Session:
        """Answer a player's offer: all our candidates are in the answer, and the media follows it.

        Raises:
            UnknownNameError: no such camera or view.
            TooManyViewersError: the limit is reached.
            SessionError: the offer cannot be answered.
        """
        self._hub.check(camera, view)
        if len(self._sessions) + self._opening >= self.settings.maximum_viewers:
            message = f"all {self.settings.maximum_viewers} places for viewers are taken; try again later"
            raise TooManyViewersError(message)
        self._opening += 1
        connection = RTCPeerConnection(configuration(self.settings.ice_servers))
        session = Session(camera, view, offer.codec, connection)
        try:
            await self._answer(session, offer)
        finally:
            self._opening -= 1
        return session

    def close(self, session: Session) -> None:
        """End a session; its task closes the connection."""
        self._sessions.pop(session.id, None)
        session.ended.set()

    async def trickle(self, session: Session, ice_name: str, candidates: list[str]) -> None:
        """Add a player's candidates to a session; those that cannot be used are discarded.

        Raises:
            UnplayableOfferError: they belong to another ICE session.
        """
        if ice_name and ice_name != session.ice_name:
            message = f"the candidates are of ICE session '{ice_name}', not of this one; restarts are not supported"
            raise UnplayableOfferError(message)
        for line in candidates:
            with suppress(ValueError, AssertionError, IndexError, InvalidStateError):
                candidate = candidate_from_sdp(line)
                candidate.sdpMLineIndex = 0
                await session.connection.addIceCandidate(candidate)

    async def _answer(self, session: Session, offer: Offer) -> None:
        """Negotiate, then hand viewer and connection to the session's own task."""
        async with AsyncExitStack() as stack:
            viewer = stack.enter_context(self._hub.watch(session.camera, session.view, session.codec))
            stack.push_async_callback(session.connection.close)
            self._add_video(session, viewer)
            try:
                await session.connection.setRemoteDescription(RTCSessionDescription(offer.text, "offer"))
                if not offer.has_candidates:
                    placeholder = candidate_from_sdp(_PLACEHOLDER)
                    placeholder.sdpMLineIndex = 0
                    await session.connection.addIceCandidate(placeholder)
                await session.connection.setLocalDescription()
            except (ValueError, AttributeError, OperationError, InvalidStateError, AssertionError) as error:
                message = f"the offer cannot be answered ({error or type(error).__name__})"
                raise SessionError(message) from None
            session.ice_name = "".join(re.findall(r"^a=ice-ufrag:(\S+)", offer.text, re.MULTILINE)[:1])
            answer = with_mux_only(session.connection.localDescription.sdp)
            session.answer = advertise(answer, self.settings.advertised_hosts)
            self._sessions[session.id] = session
            self._tasks.create_task(
                self._live(session, stack.pop_all()), name=f"viewer {session.camera}/{session.view}"
            )

    def _add_video(self, session: Session, viewer: Viewer) -> None:
        """Add the track; its end, and the connection's, end the session."""
        send_view(session.connection, viewer, session.codec).on("ended", session.ended.set)

        def follow() -> None:
            if session.connection.connectionState in {"failed", "closed"}:
                session.ended.set()

        session.connection.on("connectionstatechange", follow)

    async def _live(self, session: Session, resources: AsyncExitStack) -> None:
        """Wait for the session's end, then release what it holds."""
        loop = asyncio.get_running_loop()
        deadline = loop.call_later(self._connect_timeout, self._expire, session)
        async with resources:
            try:
                await session.ended.wait()
            finally:
                deadline.cancel()
                self.close(session)
        session.released.set()

    def _expire(self, session: Session) -> None:
        if session.connection.connectionState != "connected":
            _log.info("%s/%s: a viewer did not connect in time", session.camera, session.view)
            session.ended.set()

    def _end_all(self) -> None:
        for session in list(self._sessions.values()):
            self.close(session)
