"""A WHEP player made of aiortc, for tests that need no browser."""

import asyncio
import re
from types import TracebackType
from typing import Self

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from av import VideoFrame


class Player:
    """Offers to receive one video, and gives its decoded frames."""

    def __init__(self, *codecs: str) -> None:
        """Make a player of `codecs`, H264 if none is given."""
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._codecs = codecs or ("H264",)
        self._track: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()
        self.connection.on("track", self._track.set_result)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.connection.close()

    async def offer(self, *, audio: bool = False) -> str:
        """Return an offer with all candidates; with `audio`, which livesal has none of, before the video."""
        if audio:
            self.connection.addTransceiver("audio", "recvonly")
        transceiver = self.connection.addTransceiver("video", "recvonly")
        codecs = RTCRtpReceiver.getCapabilities("video").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.name in {*self._codecs, "rtx"}])
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def accept(self, answer: str) -> None:
        """Take the server's answer."""
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def frame(self) -> VideoFrame:
        """Return the next decoded frame."""
        received = await (await self._track).recv()
        assert isinstance(received, VideoFrame)
        return received

    async def lose_a_picture(self, source: int) -> None:
        """Tell the sender of RTP stream `source` that a picture was lost (PLI)."""
        transceiver = self.connection.getTransceivers()[-1]
        await transceiver.receiver._send_rtcp_pli(source)

    async def vanish(self) -> None:
        """Close the sockets without a goodbye, as a machine that lost its network."""
        (transceiver,) = self.connection.getTransceivers()
        await transceiver.receiver.transport.transport._connection.close()


def without_candidates(offer: str) -> str:
    """Return the offer of a player whose candidates trickle in later."""
    return re.sub(r"a=(candidate:.*|end-of-candidates)\r\n", "", offer)


def candidates(offer: str) -> list[str]:
    """Return the candidate lines of an offer."""
    return re.findall(r"a=candidate:[^\r\n]*", offer)
