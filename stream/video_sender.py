"""What one viewer receives, sent over a peer connection: whoever the viewer is, a player or an SFU."""

from aiortc import RTCPeerConnection, RTCRtpSender
from aiortc.rtcrtpparameters import RTCRtpCodecCapability

from configs.webrtc import Codec
from stream.packet_track import PacketTrack
from stream.viewer import Viewer


def send_view(connection: RTCPeerConnection, viewer: Viewer, codec: Codec) -> PacketTrack:
    """Add a sendonly track of what `viewer` receives, in `codec`.

    It must be added before the remote description: later aiortc ignores track and codec in silence.
    """
    track = PacketTrack(viewer)
    transceiver = connection.addTransceiver(track, "sendonly")
    transceiver.setCodecPreferences(_preferences(codec))
    # What the other side loses is mended by the shared encoder, not by aiortc's own, which never runs.
    setattr(transceiver.sender, "_send_keyframe", viewer.request_keyframe)  # noqa: B010 - it is a method
    return track


def with_mux_only(description: str) -> str:
    """Return an SDP with what aiortc leaves out: RTP and RTCP only ever share one port."""
    return description.replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=rtcp-mux-only\r\n")


def _preferences(codec: Codec) -> list[RTCRtpCodecCapability]:
    """Return aiortc's capabilities of `codec`, with retransmission."""
    wanted = {f"video/{codec}", "video/rtx"}
    return [known for known in RTCRtpSender.getCapabilities("video").codecs if known.mimeType.lower() in wanted]
