"""What a WHIP publisher's offer says (RFC 9725), checked before anything is built for it."""

from typing import Final

from aiortc.codecs import CODECS
from aiortc.rtcpeerconnection import find_common_codecs
from aiortc.sdp import MediaDescription, SessionDescription

from stream.errors import UnplayableOfferError
from stream.offer import Offer, common_video_codecs, parse_offer

_SENDING: Final = ("sendonly", "sendrecv")


def read_publisher_offer(body: bytes) -> Offer:
    """Read an offer to send one video, and perhaps one audio beside it.

    There are no partial answers: what we cannot take whole is refused. Audio is taken, since OBS offers it always, and
    thrown away.

    Raises:
        UnplayableOfferError: its media are not exactly those, or not in a way that we can receive.
        SessionError: it is no SDP, or lacks what WebRTC needs.
    """
    offer, description = parse_offer(body)
    kinds = sorted(media.kind for media in description.media)
    if kinds not in (["video"], ["audio", "video"]):
        message = f"the offer has {', '.join(kinds)}; publish one video, and one audio at most"
        raise UnplayableOfferError(message)
    for media in description.media:
        _check_media(media)
    _check_together(description)
    return offer


def _check_media(media: MediaDescription) -> None:
    if media.direction not in _SENDING:
        message = f"the offer's {media.kind} is {media.direction or 'without direction'}; a publisher offers sendonly"
        raise UnplayableOfferError(message)
    if media.kind == "video":
        common_video_codecs(media)
    elif not find_common_codecs(CODECS["audio"], media.rtp.codecs):
        message = "the offer's audio has none of Opus, G.722, PCMU, PCMA; leave the audio out"
        raise UnplayableOfferError(message)


def _check_together(description: SessionDescription) -> None:
    """Check that all media are bundled, and of one media stream."""
    names = {media.rtp.muxId for media in description.media}
    bundles = [{str(item) for item in group.items} for group in description.group if group.semantic == "BUNDLE"]
    if len(description.media) > 1 and not any(names <= bundle for bundle in bundles):
        message = "the offer does not bundle its media (a=group:BUNDLE); WHIP sends all of them over one transport"
        raise UnplayableOfferError(message)
    streams = {media.msid.split()[0] for media in description.media if media.msid and media.msid.strip()}
    if len(streams) > 1:
        message = f"the offer's media belong to {len(streams)} media streams (a=msid); WHIP publishes one"
        raise UnplayableOfferError(message)
