"""An SFU's WHIP endpoint made of aiortc, which does what a test tells it."""

import asyncio
import re
from collections import deque

import httpx
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import VideoFrame
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.fakes.player import without_candidates


class WhipServer:
    """Takes publications at `/whip/STREAM`; `replies` are sent first, one a POST.

    Attributes:
        app: the ASGI application.
        replies: answers to the next offers.
        requests: method, path, token of all requests.
        offers: all SDP offers.
        deaf: whether no media gets through.
        published: set with each publication.
        left: set with each goodbye.
    """

    def __init__(self) -> None:
        self.replies: deque[Response] = deque()
        self.requests: list[tuple[str, str, str]] = []
        self.offers: list[str] = []
        self.deaf = False
        self.published = asyncio.Event()
        self.left = asyncio.Event()
        self._connections: list[RTCPeerConnection] = []
        self._track: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()
        self.app = Starlette(
            routes=[
                Route("/whip/{stream}", self._publish, methods=["POST"]),
                Route("/sessions/{number}", self._leave, methods=["DELETE"]),
            ]
        )

    @property
    def transport(self) -> httpx.ASGITransport:
        """What an HTTP client reaches this server by."""
        return httpx.ASGITransport(self.app)

    async def frame(self) -> VideoFrame:
        """Return the next frame of the newest publication."""
        received = await (await self._track).recv()
        assert isinstance(received, VideoFrame)
        return received

    async def lose_a_picture(self) -> None:
        """Ask the publisher for a keyframe (PLI)."""
        (receiver,) = self._connections[-1].getReceivers()
        (source,) = receiver.getSynchronizationSources()
        await receiver._send_rtcp_pli(source.source)

    async def hang_up(self) -> None:
        """Close the newest publication's connection."""
        await self._connections[-1].close()
        self._track = asyncio.get_running_loop().create_future()
        self.published.clear()

    async def close(self) -> None:
        for connection in self._connections:
            await connection.close()

    async def _publish(self, request: Request) -> Response:
        self._note(request)
        self.offers.append((await request.body()).decode())
        if self.replies:
            return self.replies.popleft()
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connections.append(connection)
        connection.on("track", self._track.set_result)
        offer = without_candidates(self.offers[-1]) if self.deaf else self.offers[-1]
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await connection.setLocalDescription()
        answer: str = connection.localDescription.sdp
        if self.deaf:
            answer = re.sub(r"(127\.0\.0\.1) \d+ typ", r"\1 9 typ", answer)
        self.published.set()
        return Response(answer, 201, {"Location": f"../sessions/{len(self._connections)}"}, "application/sdp")

    async def _leave(self, request: Request) -> Response:
        self._note(request)
        self.left.set()
        return Response()

    def _note(self, request: Request) -> None:
        self.requests.append((request.method, request.url.path, request.headers.get("Authorization", "")))
