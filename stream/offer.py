"""What a peer's offer says, checked before anything is built for it; and the candidates that it sends later."""

import re
from collections.abc import Sequence
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

CODEC_NAMES: Final[dict[str, Codec]] = {"video/h264": "h264", "video/vp8": "vp8"}
"""Media types of the codecs that we have, in lower case."""
_LABELS: Final[dict[Codec, str]] = {"h264": "H.264 (baseline, packetization-mode=1)", "vp8": "VP8"}


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that can be answered.

    Attributes:
        text: the SDP, less the addresses behind multicast DNS names.
        has_candidates: whether it names any address; if not, they trickle in later.
        is_passive: whether the peer waits for our DTLS handshake instead of beginning its own.
    """

    text: str
    has_candidates: bool
    is_passive: bool


@dataclass(frozen=True, slots=True)
class PlayerOffer(Offer):
    """A WHEP player's offer.

    Attributes:
        codec: that the video is sent in.
    """

    codec: Codec


def read_offer(body: bytes, codecs: Sequence[Codec] = ("h264", "vp8")) -> PlayerOffer:
    """Read a WHEP player's offer.

    Args:
        body: of the request.
        codecs: those in use, best first: the first one that the player has is taken.

    Raises:
        UnplayableOfferError: it does not ask for exactly one video in one of `codecs`, over one transport.
        SessionError: it is no SDP, or lacks what WebRTC needs.
    """
    offer, description = parse_offer(body)
    videos = [media for media in description.media if media.kind == "video"]
    if len(videos) != 1 or len(description.media) > 2:
        found = ", ".join(media.kind for media in description.media) or "nothing"
        message = f"the offer asks for {found}; ask for one video, and one audio at most"
        raise UnplayableOfferError(message)
    video = videos[0]
    if video.direction not in {"recvonly", "sendrecv"}:
        message = f"the offer's video is {video.direction or 'without direction'}; a player offers recvonly"
        raise UnplayableOfferError(message)
    bundled = {name for group in description.group if group.semantic == "BUNDLE" for name in group.items}
    if len(description.media) > 1 and not bundled.issuperset(media.rtp.muxId for media in description.media):
        message = "the offer does not bundle its media: offer them in one BUNDLE group (bundlePolicy 'max-bundle')"
        raise UnplayableOfferError(message)
    common = common_video_codecs(video, codecs)
    return PlayerOffer(offer.text, offer.has_candidates, offer.is_passive, min(common, key=codecs.index))


def common_video_codecs(video: sdp.MediaDescription, codecs: Sequence[Codec] = ("h264", "vp8")) -> frozenset[Codec]:
    """Return those out of `codecs` that an offered video may be in.

    Raises:
        UnplayableOfferError: there is none.
    """
    both = find_common_codecs(CODECS["video"], video.rtp.codecs)
    known: frozenset[Codec] = frozenset(
        CODEC_NAMES[name] for codec in both if (name := codec.mimeType.lower()) in CODEC_NAMES
    )
    found = known.intersection(codecs)
    if not found:
        message = f"the offer has no codec that is used here: {', '.join(_LABELS[codec] for codec in codecs)}"
        raise UnplayableOfferError(message)
    return found


def parse_offer(body: bytes) -> tuple[Offer, sdp.SessionDescription]:
    """Read an SDP offer, whatever media it offers.

    Raises:
        SessionError: it is no SDP, or lacks what WebRTC needs.
    """
    if len(body) > MAXIMUM_BYTES:
        message = f"the offer is longer than {MAXIMUM_BYTES} bytes; no client's is"
        raise SessionError(message)
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
    has_candidates = any(media.ice_candidates for media in description.media)
    is_passive = any(media.dtls and media.dtls.role == "server" for media in description.media)
    return Offer(text, has_candidates, is_passive), description


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
