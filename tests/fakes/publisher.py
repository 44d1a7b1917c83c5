"""A WHIP publisher made of aiortc, for tests that need no browser."""

import asyncio
from fractions import Fraction
from types import TracebackType
from typing import Self

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaStreamError
from aiortc.mediastreams import AudioStreamTrack
from av import VideoFrame

from tests.fakes.media import numbered

FPS = 25


class NumberedTrack(MediaStreamTrack):
    """Pictures that carry their number, at `FPS`; larger ones from `grow_at` on, none after `stop_at`."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.size = (192, 96)
        self.silent = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def recv(self) -> VideoFrame:
        if self.readyState != "live":
            raise MediaStreamError
        if not self.go_on.is_set():
            self.silent.set()
        await self.go_on.wait()
        await asyncio.sleep(1 / FPS)
        frame = VideoFrame.from_ndarray(numbered(self.number, *self.size), format="rgb24")
        frame.pts, frame.time_base = self.number, Fraction(1, FPS)
        self.number += 1
        return frame


class Publisher:
    """Offers to send one video, and audio beside it if asked to."""

    def __init__(self, codec: str = "VP8", *, audio: bool = False) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.track = NumberedTrack()
        self._audio = audio
        self._codec = codec

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.track.go_on.set()
        await self.connection.close()

    async def offer(self) -> str:
        """Return an offer with all candidates."""
        if self._audio:
            self.connection.addTransceiver(AudioStreamTrack(), "sendonly")
        transceiver = self.connection.addTransceiver(self.track, "sendonly")
        codecs = RTCRtpSender.getCapabilities("video").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.name in {self._codec, "rtx"}])
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def accept(self, answer: str) -> None:
        """Take the server's answer."""
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def vanish(self) -> None:
        """Close the sockets without a goodbye, as a machine that lost its network."""
        await self.connection.getSenders()[0].transport.transport._connection.close()
