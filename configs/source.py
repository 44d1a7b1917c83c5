"""Settings of one camera: where its frames come from and how they are waited for."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from configs.base import Section
from configs.events import Watched
from configs.output import EncodingSettings


def _known_codec_option(value: dict[str, str]) -> dict[str, str]:
    for key in value:
        if not re.fullmatch(r"[a-z0-9_]+", key):
            message = f"'{key}' is no FFmpeg option name: lower-case letters, digits and _ only"
            raise ValueError(message)
    return value


class ReconnectSettings(Section):
    """Back-off of a live source that ended or failed."""

    initial: float = Field(default=0.5, gt=0, description="Seconds before the first try")
    maximum: float = Field(default=15.0, gt=0, description="Longest pause in seconds")
    factor: float = Field(default=2.0, ge=1, description="Growth of the pause per failed try")
    jitter: float = Field(default=0.25, ge=0, le=1, description="Random share added to or taken from each pause")

    @model_validator(mode="after")
    def _ordered(self) -> "ReconnectSettings":
        if self.maximum < self.initial:
            message = f"reconnect.maximum ({self.maximum}) is below reconnect.initial ({self.initial})"
            raise ValueError(message)
        return self


class SourceSettings(Watched):
    """Where frames come from, and what counts in them.

    `url` is a file, a folder of images, `demo://`, `whip://` (a browser or OBS publishes to it), `rtsp://`, `rtmp://`,
    `udp://`, `srt://`, `http(s)://` or a V4L2 device such as `/dev/video0`.
    """

    url: SecretStr
    """File, folder, device or URL; credentials in it reach no log, event or API answer."""
    paused: bool = False
    """Keep the camera, but do not open it."""
    live: bool | None = None
    """Newest frame wins (true) or every frame in order (false); by default live for cameras and URLs."""
    loop: bool = False
    """Start a file again at its end; for demonstrations."""
    frame_age: float = Field(
        default=0.5, gt=0, description="Live frames older than this many seconds are dropped and counted"
    )
    fps_limit: float | None = Field(
        default=None, gt=0, le=1000, description="Most frames analysed a second; by default all that come"
    )
    priority: float = Field(
        default=1.0, ge=0.01, le=100, description="Share of the inference threads, relative to other cameras"
    )
    open_timeout: float = Field(default=10.0, gt=0, description="Seconds to open a source")
    read_timeout: float = Field(
        default=5.0, gt=0, description="Seconds without a frame after which a source counts as hung"
    )
    reconnect: ReconnectSettings = ReconnectSettings()
    options: Annotated[dict[str, str], AfterValidator(_known_codec_option)] = Field(
        default={}, description="FFmpeg options, on top of livesal's low-latency ones"
    )
    rtsp_transport: Literal["tcp", "udp"] = "tcp"
    """What RTSP carries its packets by."""
    encoding: EncodingSettings = EncodingSettings()
    """What is different from `webrtc.encoding` for this camera's views."""

    @model_validator(mode="after")
    def _possible(self) -> "SourceSettings":
        if self.live is False and self.url.get_secret_value().lower().startswith("whip:"):
            message = "live: false does not go with whip://, since a publisher waits for nobody; leave live out"
            raise ValueError(message)
        return self
