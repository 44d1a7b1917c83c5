"""Settings of WebRTC's ways through the network: STUN and TURN servers, and SFUs that views are pushed to."""

import re
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator, model_validator

from configs.base import Section

Codec = Literal["h264", "vp8"]
"""What browsers decode: H.264 (cheaper to make), VP8 for those without."""

_ICE_URL = re.compile(r"(stun|turns?):[^\s/?<>@\"]+(\?transport=(udp|tcp))?")


class IceServerSettings(Section):
    """A STUN or TURN server; one without credentials may be written as its URL alone."""

    url: str
    """Such as stun:HOST:PORT, turn:HOST:PORT?transport=udp or turns:HOST:PORT?transport=tcp."""
    username: str | None = None
    """User name at a TURN server; with `credential`. Players are told both."""
    credential: SecretStr | None = None
    """Password there; best written as ${TURN_PASSWORD} and set in the environment."""

    @model_validator(mode="before")
    @classmethod
    def _url_alone(cls, written: Any) -> Any:
        return {"url": written} if isinstance(written, str) else written

    @field_validator("url")
    @classmethod
    def _known_form(cls, url: str) -> str:
        if not _ICE_URL.fullmatch(url) or (url.startswith("stun:") and "?" in url):
            message = "write stun:HOST:PORT, turn:HOST:PORT?transport=udp or turns:HOST:PORT?transport=tcp"
            raise ValueError(message)
        return url

    @model_validator(mode="after")
    def _pair(self) -> "IceServerSettings":
        if (self.username is None) != (self.credential is None):
            message = "username and credential belong together: set both or neither"
            raise ValueError(message)
        return self


class PushSettings(Section):
    """A view that is sent to an SFU by WHIP, which then serves any number of viewers."""

    camera: str
    """Name of the camera."""
    view: str = "overlay"
    """Name of the view."""
    url: SecretStr
    """The SFU's WHIP endpoint; what is secret in it reaches no log, metric or API answer."""
    token: SecretStr | None = None
    """Bearer token that the SFU asks for; best written as ${SFU_TOKEN} and set in the environment."""
    codec: Codec = "h264"
    """What the video is sent in."""

    @field_validator("url")
    @classmethod
    def _http(cls, url: SecretStr) -> SecretStr:
        try:
            parts = urlsplit(url.get_secret_value())
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:  # its text may hold a piece of the password
            usable = False
        if not usable:
            message = "a WHIP endpoint is http://HOST/… or https://HOST/…"
            raise ValueError(message)
        return url
