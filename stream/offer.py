"""What a WHEP player's offer says, checked before anything is built for it."""

import re
from dataclasses import dataclass
from typing import Final

from aiortc import sdp
from aiortc.codecs import CODECS
from aiortc.rtcpeerconnection import find_common_codecs

from configs.webrtc import Codec
from stream.errors import SessionError, UnplayableOfferError

MAXIMUM_BYTES: Final = 64 * 1024
"""An offer longer than this is refused."""

_HIDDEN: Final = re.compile(r"^a=candidate:\S+( \S+){3} \S+\.local .*\r?\n", re.MULTILINE)
"""A browser's address behind a multicast DNS name. To look it up takes up to a second and a network with multicast;
without it the browser's first check, to an address of ours, tells where it is."""

_MIME: Final[dict[str, Codec]] = {"video/h264": "h264", "video/vp8": "vp8"}


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that can be answered.

    Attributes:
        text: the SDP, less the addresses behind multicast DNS names.
        codec: that the video is sent in: H.264 if the player has it, else VP8.
        has_candidates: whether it names any address; if not, they trickle in later.
    """

    text: str
    codec: Codec
    has_candidates: bool


def read_offer(body: bytes) -> Offer:
    """Read an SDP offer.

    Raises:
        UnplayableOfferError: it does not ask for exactly one video in a codec that we have.
        SessionError: it is no SDP, or lacks what WebRTC needs.
    """
    if len(body) > MAXIMUM_BYTES:
        message = f"the offer is longer than {MAXIMUM_BYTES} bytes; no player's is"
        raise SessionError(message)
    text, description = _parse(body)
    videos = [media for media in description.media if media.kind == "video"]
    if len(videos) != 1 or len(description.media) > 2:
        found = ", ".join(media.kind for media in description.media) or "nothing"
        message = f"the offer asks for {found}; ask for one video, and one audio at most"
        raise UnplayableOfferError(message)
    video = videos[0]
    if video.direction not in {"recvonly", "sendrecv"}:
        message = f"the offer's video is {video.direction or 'without direction'}; a player offers recvonly"
        raise UnplayableOfferError(message)
    common = {_MIME.get(codec.mimeType.lower()) for codec in find_common_codecs(CODECS["video"], video.rtp.codecs)}
    codec: Codec | None = "h264" if "h264" in common else "vp8" if "vp8" in common else None
    if codec is None:
        message = "the offer has neither H.264 (baseline, packetization-mode=1) nor VP8"
        raise UnplayableOfferError(message)
    return Offer(text, codec, any(media.ice_candidates for media in description.media))


def _parse(body: bytes) -> tuple[str, sdp.SessionDescription]:
    try:
        text = _HIDDEN.sub("", body.decode())
        description = sdp.SessionDescription.parse(text)
        wants = [media for media in description.media if media.kind in {"audio", "video"}]
        complete = all(
            media.ice and media.ice.usernameFragment and media.ice.password and media.dtls and media.dtls.fingerprints
            for media in wants
        )
    except Exception as error:  # noqa: BLE001 - aiortc's parser answers bad lines with almost any exception
        message = f"the offer is no valid SDP ({type(error).__name__}: {error})"
        raise SessionError(message) from None
    if not text.startswith("v=0") or not description.media:
        message = "the offer is no SDP: it must start with 'v=0' and have a media section"
        raise SessionError(message)
    if not complete or not all(media.rtcp_mux for media in wants):
        message = "the offer lacks ice-ufrag, ice-pwd, fingerprint, setup or rtcp-mux"
        raise SessionError(message)
    return text, description


def read_candidates(body: bytes) -> tuple[str, list[str]]:
    """Return the ICE user name ("" if none is given) and the candidates of a trickle-ice-sdpfrag.

    Raises:
        SessionError: it is no such fragment.
    """
    try:
        lines = [line.strip() for line in body.decode().splitlines() if line.strip()]
    except UnicodeDecodeError:
        lines = [""]
    if any(len(line) < 2 or line[1] != "=" for line in lines):
        message = "the body is no trickle-ice-sdpfrag: its lines look like 'a=candidate:…'"
        raise SessionError(message)
    lines = [line for line in lines if not _HIDDEN.match(f"{line}\n")]
    names = [line.removeprefix("a=ice-ufrag:") for line in lines if line.startswith("a=ice-ufrag:")]
    return (names[0] if names else ""), [
        line.removeprefix("a=candidate:") for line in lines if line.startswith("a=candidate:")
    ]
