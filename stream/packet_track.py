"""A WebRTC track that hands on coded pictures: aiortc only packetises them."""

from fractions import Fraction
from typing import Any, Final

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.packet import Packet

from stream.errors import ClosedChannelError
from stream.rtp_clock import RTP_RATE
from stream.viewer import Viewer

_TIME_BASE: Final = Fraction(1, RTP_RATE)


class PacketTrack(MediaStreamTrack):
    """The video track of one viewer. It lasts as long as the view, whatever becomes of the camera."""

    kind = "video"

    def __init__(self, viewer: Viewer) -> None:
        """Make a track of what `viewer` receives."""
        super().__init__()
        self._viewer = viewer

    async def recv(self) -> "Packet[Any]":
        """Return the next coded picture.

        Raises:
            MediaStreamError: the view is over.
        """
        try:
            picture = await self._viewer.receive()
        except ClosedChannelError:
            self.stop()
            raise MediaStreamError from None
        packet: Packet[Any] = Packet(picture.payload)
        packet.pts, packet.time_base = picture.timestamp, _TIME_BASE
        return packet
