"""What kind of source a URL names, decided by its text alone."""

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from stream.errors import UnsupportedSourceError
from stream.ffmpeg_build import protocols
from stream.redaction import redact

_TRANSPORTS: Final = {
    "rtsp": "tcp",
    "rtsps": "tls",
    "rtmp": "rtmp",
    "rtmps": "rtmps",
    "udp": "udp",
    "rtp": "rtp",
    "tcp": "tcp",
    "srt": "srt",
    "http": "http",
    "https": "https",
}
"""Schemes of the network and the FFmpeg protocol that each needs."""

_LISTENING: Final = ("udp", "rtp", "srt")
"""Schemes that may name a port only: whoever sends is welcome."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where frames come from.

    Attributes:
        kind: a path is a file or a folder, which is found out when it is opened; whip waits for a publisher.
        target: what is opened: the path, or the URL with its credentials.
        scheme: of the URL, in lower case; empty for paths and devices.
    """

    kind: Literal["path", "device", "network", "demo", "whip"]
    target: str
    scheme: str = ""

    @property
    def name(self) -> str:
        """How it is called in logs and messages: without credentials."""
        return redact(self.target)


def locate(url: str) -> Location:
    """Return what `url` names; nothing is opened or looked up.

    Raises:
        UnsupportedSourceError: a scheme that is unknown or that this FFmpeg cannot read, or a malformed URL.
    """
    if not url.strip():
        message = "the source's url is empty: name a file, a folder, a device such as /dev/video0, or a URL"
        raise UnsupportedSourceError(message)
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator:
        return Location("device" if url.startswith(("/dev/video", "/dev/v4l/")) else "path", url)
    if scheme == "demo":
        return Location("demo", url, scheme)
    if scheme == "whip":
        return _whip(url, rest)
    if scheme == "file":
        return Location("path", unquote(rest.removeprefix("localhost")))
    if scheme not in _TRANSPORTS:
        message = (
            f"{redact(url)}: '{scheme}://' is no kind of source; there are: demo, file, {', '.join(_TRANSPORTS)}, whip"
        )
        raise UnsupportedSourceError(message)
    _check_transport(url, scheme)
    _check_address(url, scheme)
    return Location("network", url, scheme)


def _whip(url: str, rest: str) -> Location:
    if rest.strip("/"):
        message = f"{redact(url)}: whip:// names nothing more: livesal calls nobody, publishers come to it"
        raise UnsupportedSourceError(message)
    return Location("whip", "whip://", "whip")


def _check_transport(url: str, scheme: str) -> None:
    available = protocols()
    if available and _TRANSPORTS[scheme] not in available:
        readable = ", ".join(known for known, transport in _TRANSPORTS.items() if transport in available)
        message = (
            f"{redact(url)}: the FFmpeg in this installation of PyAV has no {scheme} (it has {readable}); "
            f"let a media server turn it into rtsp://, or install PyAV against an FFmpeg with {scheme}"
        )
        raise UnsupportedSourceError(message)


def _check_address(url: str, scheme: str) -> None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # its text may hold a piece of the password
        message = f"{redact(url)}: malformed host or port; special characters in a password are written as %40 for @"
        raise UnsupportedSourceError(message) from None
    if not host and not (scheme in _LISTENING and port):
        message = f"{redact(url)}: names no host; write {scheme}://host{':port' if scheme in _LISTENING else ''}/…"
        raise UnsupportedSourceError(message)
    if scheme in (*_LISTENING, "tcp") and not port:
        message = f"{redact(url)}: names no port; write {scheme}://host:port"
        raise UnsupportedSourceError(message)
