"""WebRTC sessions that peers open over HTTP: from an offer to the end of the peer, of what it uses, or of the owner."""

import asyncio
import logging
import re
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Literal, Self

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidStateError, OperationError
from aiortc.sdp import candidate_from_sdp

from configs.output import WebRtcSettings
from stream.errors import SessionError, UnknownNameError, UnplayableOfferError
from stream.ice import advertise, configuration
from stream.offer import Offer
from stream.video_sender import with_mux_only

_log = logging.getLogger(__name__)

CONNECT_TIMEOUT: Final = 30.0
"""Seconds that a session may take from its answer to its first packet."""

_PLACEHOLDER: Final = "1 1 udp 1 127.0.0.1 9 typ host"
"""A candidate nobody answers: aiortc gives up at once on an offer without any, though the peer's may trickle in."""


@dataclass(eq=False, slots=True)
class Session:
    """One peer's session.

    Attributes:
        role: what the peer is: a viewer receives, a publisher sends.
        place: what it is a session of: a viewer's camera and view, a publisher's camera.
        connection: aiortc's peer connection.
        id: unguessable name in its URL.
        etag: entity tag of its ICE session.
        answer: SDP for the peer.
        ice_name: the peer's ICE user name fragment, which a trickle must match.
        ended: set when the session is to be closed.
        released: set when it holds nothing any more: its place is free, its connection is closed.
    """

    role: Literal["viewer", "publisher"]
    place: tuple[str, ...]
    connection: RTCPeerConnection
    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    etag: str = field(default_factory=lambda: f'"{secrets.token_hex(8)}"')
    answer: str = ""
    ice_name: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


class Sessions:
    """All sessions of a service; each lives in its own task.

    Attributes:
        settings: of all of them.
        tasks: theirs.
    """

    def __init__(self, settings: WebRtcSettings, connect_timeout: float = CONNECT_TIMEOUT) -> None:
        """Make a store without sessions; one that is unconnected after the timeout is ended."""
        self.tasks = asyncio.TaskGroup()
        self.settings = settings
        self._connect_timeout = connect_timeout
        self._sessions: dict[str, Session] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.tasks)
        self._stack.callback(self._end_all)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def __len__(self) -> int:
        """Return how many sessions there are."""
        return len(self._sessions)

    def count(self, role: str) -> int:
        """Return how many sessions of a role there are."""
        return sum(session.role == role for session in self._sessions.values())

    def named(self, name: str, *place: str) -> Session:
        """Return a session of a place.

        Raises:
            UnknownNameError: it is over, or never was.
        """
        session = self._sessions.get(name)
        if session is None or session.place != place:
            message = f"there is no such session of {'/'.join(place)}; it may have ended"
            raise UnknownNameError(message)
        return session

    def end_camera(self, camera: str) -> None:
        """End all sessions of a camera that goes, also those whose peer has not connected yet."""
        for session in [one for one in self._sessions.values() if one.place[0] == camera]:
            self.close(session)

    def connection(self) -> RTCPeerConnection:
        """Return a new connection with the ICE servers of the settings."""
        return RTCPeerConnection(configuration(self.settings.ice_servers))

    async def answer(
        self,
        session: Session,
        offer: Offer,
        resources: AsyncExitStack,
        described: Callable[[], None] = lambda: None,
    ) -> None:
        """Answer an offer with all our candidates; from then on the session's own task holds `resources`.

        Args:
            session: with its new connection, to which nothing but tracks has been done.
            offer: of the peer.
            resources: released when the session ends, or here if there is no answer.
            described: called once the connection knows the offer, before anything is received.

        Raises:
            SessionError: the offer cannot be answered.
        """
        connection = session.connection
        async with resources:
            resources.push_async_callback(connection.close)
            _end_with_connection(session)
            try:
                await connection.setRemoteDescription(RTCSessionDescription(offer.text, "offer"))
                described()
                if not offer.has_candidates:
                    await _add_candidate(connection, _PLACEHOLDER)
                if not offer.is_passive:
                    _be_passive(connection)
                await connection.setLocalDescription()
            except (ValueError, AttributeError, OperationError, InvalidStateError, AssertionError) as error:
                message = f"the offer cannot be answered ({error or type(error).__name__})"
                raise SessionError(message) from None
            session.ice_name = "".join(re.findall(r"^a=ice-ufrag:(\S+)", offer.text, re.MULTILINE)[:1])
            answer = with_mux_only(connection.localDescription.sdp)
            session.answer = advertise(answer, self.settings.advertised_hosts)
            self._sessions[session.id] = session
            name = f"{session.role} {'/'.join(session.place)}"
            self.tasks.create_task(self._live(session, resources.pop_all()), name=name)

    def close(self, session: Session) -> None:
        """End a session; its task closes the connection."""
        self._sessions.pop(session.id, None)
        session.ended.set()

    async def trickle(self, session: Session, ice_name: str, candidates: list[str]) -> None:
        """Add a peer's candidates to a session; those that cannot be used are discarded.

        Raises:
            UnplayableOfferError: they belong to another ICE session.
        """
        if ice_name and ice_name != session.ice_name:
            message = f"the candidates are of ICE session '{ice_name}', not of this one; restarts are not supported"
            raise UnplayableOfferError(message)
        for line in candidates:
            with suppress(ValueError, AssertionError, IndexError, InvalidStateError):
                await _add_candidate(session.connection, line)

    async def _live(self, session: Session, resources: AsyncExitStack) -> None:
        """Wait for the session's end, then release what it holds."""
        loop = asyncio.get_running_loop()
        deadline = loop.call_later(self._connect_timeout, _expire, session)
        async with resources:
            try:
                await session.ended.wait()
            finally:
                deadline.cancel()
                self.close(session)
        session.released.set()

    def _end_all(self) -> None:
        for session in list(self._sessions.values()):
            self.close(session)


def _expire(session: Session) -> None:
    if session.connection.connectionState != "connected":
        _log.info("%s: a %s did not connect in time", "/".join(session.place), session.role)
        session.ended.set()


def _end_with_connection(session: Session) -> None:
    """End the session with its connection: closed by the peer, or its consent (RFC 7675) lost."""

    def follow() -> None:
        if session.connection.connectionState in {"failed", "closed"}:
            session.ended.set()

    session.connection.on("connectionstatechange", follow)


async def _add_candidate(connection: RTCPeerConnection, line: str) -> None:
    """Add a candidate of the peer; the first media section carries all of them, since the others are bundled."""
    candidate = candidate_from_sdp(line)
    candidate.sdpMLineIndex = 0
    await connection.addIceCandidate(candidate)


def _be_passive(connection: RTCPeerConnection) -> None:
    """Let the peer begin the DTLS handshake, as WHIP and WHEP ask; aiortc would begin it itself."""
    for transceiver in connection.getTransceivers():
        transceiver.receiver.transport._set_role("server")  # noqa: SLF001 - aiortc has no other way
